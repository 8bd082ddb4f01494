"""The node is untrusted (B7): silent, wrong, of another chain, without the contracts."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import FaultProxy, fault_proxy
from posts import CENTRE, COUNTER, CUSTOMS, FOR_EVER, Posts, address, forkable_anvil
from sqlalchemy import Engine

from backend.chain.answers import BadAnswer, NodeAway, Outcome, RpcError
from backend.chain.client import BODY_BYTES, Node
from backend.chain.deployment import (
    DeploymentMissing,
    DeploymentUnreadable,
    NotDeployed,
    OtherBuild,
    OtherChain,
    check_deployment,
    read_deployment,
)
from backend.chain.views import Views
from backend.errors import BadSettings, ChainReplaced
from backend.house import check_governor
from backend.key_files import OtherKeys
from backend.keystore import Keystore
from backend.store.engine import open_engine
from backend.store.used import addresses_by_key, has_no_tables, was_used

ADDRESS = b"\x11" * 20


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    with forkable_anvil(tmp_path_factory.mktemp("anvil")) as url:
        network = Posts(url)
        network.found()
        yield network
        network.close()


@pytest.fixture
def proxies(posts: Posts) -> Iterator[tuple[FaultProxy, FaultProxy]]:
    with ExitStack() as stack:
        yield tuple(stack.enter_context(fault_proxy(posts.url)) for _ in range(2))


@pytest.fixture
def node(proxies: tuple[FaultProxy, FaultProxy]) -> Iterator[Node]:
    node = Node([proxy.url for proxy in proxies], timeout_seconds=5.0)
    yield node
    node.close()


# --- several URLs -----------------------------------------------------------------------------------
def test_the_next_url_answers_where_one_does_not(
    node: Node, proxies: tuple[FaultProxy, FaultProxy]
) -> None:
    first, second = proxies
    first.keep_back("eth_blockNumber")
    assert node.request("eth_blockNumber")
    assert (len(first.asked), len(second.asked)) == (1, 1)
    node.request("eth_blockNumber")
    assert (len(first.asked), len(second.asked)) == (1, 2)


def test_where_no_url_answers_it_says_which_and_why() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        node = Node([url, "http://127.0.0.1:1"], timeout_seconds=0.2)
        with pytest.raises(NodeAway) as caught:
            node.head()
        node.close()
    named = url.removeprefix("http://")
    assert f"{named}: ReadTimeout. 127.0.0.1:1: ConnectionError." in str(caught.value)
    assert "POSTHORN_RPC_URLS" in caught.value.what_now


def test_a_node_of_another_chain_is_never_asked(
    posts: Posts, proxies: tuple[FaultProxy, FaultProxy]
) -> None:
    """Swapped for another: also after an interruption."""
    first, second = proxies
    other = b'{"jsonrpc": "2.0", "id": 0, "result": "0x1"}'
    node = Node([first.url, second.url], chain_id=31337)
    first.say("eth_chainId", other)
    assert node.head().hash == posts.node.head().hash
    assert first.asked == ["eth_chainId"]
    second.keep_back("eth_getBlockByNumber")
    for proxy in proxies:
        proxy.say("eth_chainId", other, 2)
    with pytest.raises(NodeAway):
        node.head()
    with pytest.raises(ChainReplaced, match="serves chain 1, not 31337"):
        node.head()
    node.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502</html>", b"[]", b"{}", b"null", b'{"id": 0}', b'{"result"', b"\xff\xfe"],
)
def test_what_is_no_json_rpc_is_no_answer(
    node: Node, proxies: tuple[FaultProxy, FaultProxy], body: bytes
) -> None:
    for proxy in proxies:
        proxy.say("eth_blockNumber", body)
    with pytest.raises(NodeAway):
        node.request("eth_blockNumber")


@pytest.mark.filterwarnings("ignore:Received batch response with missing")
@pytest.mark.parametrize("ids", [[0], [0, 0], [0, 2], [None, None], [0, 1, 2]])
def test_a_batch_that_is_not_answered_question_by_question_is_no_answer(
    node: Node, proxies: tuple[FaultProxy, FaultProxy], ids: list[Any]
) -> None:
    body = json.dumps([{"jsonrpc": "2.0", "id": one, "result": "0x1"} for one in ids]).encode()
    for proxy in proxies:
        proxy.say("eth_blockNumber", body)
    with pytest.raises(NodeAway):
        node.batch([("eth_blockNumber", []), ("eth_blockNumber", [])])


# --- answers ----------------------------------------------------------------------------------------
def test_blocks_logs_receipts_and_bytes_fit_together(posts: Posts) -> None:
    sent = posts.call("PostalNetwork", "addSubmitter", 1, "0x" + "22" * 20)
    number = posts.mine()
    block = posts.node.block(number)
    assert block is not None
    assert block.transactions == (sent,)
    assert posts.node.block(block.hash) == block
    assert posts.node.blocks([number - 1, block.hash, number + 9])[1:] == [block, None]
    (logs,) = posts.node.logs([block.hash], [posts.deployment.network])
    assert [log.transaction_hash for log in logs] == [sent]
    assert posts.node.logs([block.hash], [ADDRESS]) == [[]]
    assert posts.node.logs([block.hash], []) == [logs]
    receipt, none = posts.node.receipts([sent, bytes(32)])
    assert receipt is not None
    assert (receipt.block_hash, receipt.succeeded, none) == (block.hash, True, None)
    assert len(posts.node.raw_transactions([sent])) == 1


def test_bytes_of_another_transaction_are_not_believed(
    posts: Posts, node: Node, proxies: tuple[FaultProxy, FaultProxy]
) -> None:
    (sent,) = posts.node.head().transactions[:1] or [bytes(32)]
    answer = [{"jsonrpc": "2.0", "id": 0, "result": "0x1234"}]
    proxies[0].say("eth_getRawTransactionByHash", json.dumps(answer).encode())
    with pytest.raises(BadAnswer):
        node.raw_transactions([sent])


def test_logs_of_an_unknown_block_are_an_error_not_an_empty_list(posts: Posts) -> None:
    with pytest.raises(RpcError):
        posts.node.logs([bytes(32)], [posts.deployment.network])


def test_a_body_that_is_too_large_is_an_error(posts: Posts) -> None:
    """anvil takes 2 MB and answers a batch with an object."""
    with pytest.raises(RpcError):
        posts.node.batch([("eth_sendRawTransaction", ["0x" + "00" * 1_200_000])])


def test_broadcasts_and_calls_are_cut_to_the_bodies_that_nodes_take(posts: Posts) -> None:
    large = bytes(BODY_BYTES // 5)
    sent = posts.node.send([large] * 7)
    assert [one.outcome for one in sent] == [Outcome.UNKNOWN] * 7
    assert "No node" not in sent[0].words
    ledger = posts.deployment.ledger.contract
    answers = posts.node.calls([(ledger, large)] * 7, "latest", ADDRESS, 16_000_000)
    assert all(isinstance(answer, RpcError) for answer in answers)


def test_a_revert_keeps_its_data(posts: Posts) -> None:
    calldata = posts.calldata("PostalNetwork", "suspendOperator", 1)
    (answer,) = posts.node.calls(
        [(posts.deployment.network, calldata)], posts.node.head().hash, ADDRESS, 1_000_000
    )
    assert isinstance(answer, RpcError)
    assert len(answer.data) == 36  # NotGovernor(address)


# --- the deployment ---------------------------------------------------------------------------------
def test_the_contracts_of_this_build_are_recognised(posts: Posts) -> None:
    check_deployment(posts.node, posts.deployment)


def test_contracts_elsewhere_or_of_another_build_are_told_apart(posts: Posts) -> None:
    here = posts.deployment
    with pytest.raises(OtherChain, match="chain 5, the node serves chain 31337"):
        check_deployment(posts.node, replace(here, chain_id=5))
    swapped = {**here.addresses, "CustodyLedger": here.addresses["CryptoStamp"]}
    with pytest.raises(OtherBuild, match="The CustodyLedger at 0x"):
        check_deployment(posts.node, replace(here, addresses=swapped))
    gone = {**here.addresses, "CryptoStamp": ADDRESS}
    with pytest.raises(NotDeployed, match="There is no CryptoStamp at 0x1111"):
        check_deployment(posts.node, replace(here, addresses=gone))


def test_a_deployment_file_is_read(posts: Posts, tmp_path: Path) -> None:
    """As scripts/deploy.py writes it."""
    here = posts.deployment
    contracts = {
        name: {
            "address": "0x" + found.hex().upper(),
            "transaction": "0x" + "ab" * 32,
            "block": here.first_block + index,
            "arguments": [],
            "code_hash": "0x" + "cd" * 32,
        }
        for index, (name, found) in enumerate(here.addresses.items())
    }
    file = tmp_path / "31337.json"
    file.write_text(json.dumps({"chain_id": here.chain_id, "contracts": contracts}))
    assert read_deployment(file) == here


DAMAGED = ["", "[]", "{}", "\x00", '{"chain_id": 1, "contracts": {}}']
DAMAGED += ['{"chain_id": 1, "contracts": null}', '{"contracts": 7}']


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_deployment_file_is_to_be_restored(tmp_path: Path, text: str) -> None:
    file = tmp_path / "31337.json"
    file.write_text(text)
    with pytest.raises(DeploymentUnreadable, match=r"31337\.json is damaged") as found:
        read_deployment(file, lambda: False)
    assert_restored(found.value)


def test_a_deployment_file_that_is_none_is_to_be_restored(tmp_path: Path) -> None:
    with pytest.raises(DeploymentUnreadable, match="cannot be read: Is a directory") as found:
        read_deployment(tmp_path, lambda: False)
    assert_restored(found.value)


def test_only_where_nothing_was_deployed_a_missing_file_means_to_deploy(tmp_path: Path) -> None:
    """Contracts that are deployed anew know nothing of what was recorded."""
    file = tmp_path / "31337.json"
    for known in ((), (lambda: True,)):
        with pytest.raises(DeploymentMissing, match="no deployment file") as found:
            read_deployment(file, *known)
        assert_restored(found.value)
    with pytest.raises(DeploymentMissing, match=r"Deploy the contracts \(scripts/deploy\.py\)"):
        read_deployment(file, lambda: False)


def assert_restored(error: BadSettings) -> None:
    assert error.what_now.startswith("Restore it from the backup: it never changes")
    assert "scripts/deploy.py" not in error.what_now
    assert "Error" not in error.detail


class Governing(Keystore):
    """With the key that governs the network."""

    def __init__(self, governor: str) -> None:
        super().__init__(bytes(32))
        self._governor = bytes.fromhex(governor[2:])

    def address(self, key: str) -> bytes:
        return self._governor if key == "governor" else super().address(key)


def test_keys_that_do_not_govern_a_chain_of_our_own_are_refused(posts: Posts) -> None:
    check_governor(Governing(posts.sender.address), posts.node, posts.deployment)
    with pytest.raises(OtherKeys, match="not those of this installation: governor is 0x"):
        check_governor(Keystore(bytes(32)), posts.node, posts.deployment)


def test_a_database_is_used_from_its_first_row_on(engine: Engine) -> None:
    """Where it is away, nobody knows: then nothing is deployed or made anew."""
    assert (has_no_tables(engine), was_used(engine)) == (False, False)
    with engine.begin() as db:
        db.exec_driver_sql(
            "INSERT INTO lane (address, key_name, next_nonce) VALUES ('\\x01', 'submitter/1', 0)"
        )
    assert was_used(engine)
    assert addresses_by_key(engine) == {"submitter/1": [b"\x01"]}
    away = open_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    assert was_used(away)


# --- views ------------------------------------------------------------------------------------------
def test_views_read_what_the_contracts_say(posts: Posts) -> None:
    views = Views(posts.node, posts.deployment)
    item = posts.accept("viewed", stamps=posts.stamps(1))
    posts.mine()
    time = posts.now - 10
    found = views.item_of(item)
    assert (found.holder, found.number, found.records, found.state) == (COUNTER, 1, 1, 1)
    assert (found.time, found.origin, found.closed) == (time, 1, False)
    head = views.head_of(item)
    assert any(head)
    assert views.heads_of([item, bytes(32)]) == [head, bytes(32)]
    use, unused = views.use_of(posts.stamps(1)[0]), views.use_of(posts.stamps(2)[0])
    assert (use.block_number > 0, use.is_void, unused.block_number) == (True, False, 0)
    right = views.right_at(CENTRE, time)
    assert (right.key, right.until_time) == (address(f"custodian {CENTRE}"), FOR_EVER)
    assert views.right_at(CENTRE, 5).key == bytes(20)
    assert views.key_at(CENTRE, time).key == right.key
    none = views.key_at(CUSTOMS + 99, time)
    assert none.refusal is not None
    assert none.refusal.name == "UnknownCustodian"
    assert views.stamp_signer(1, ADDRESS).added_block == 0
