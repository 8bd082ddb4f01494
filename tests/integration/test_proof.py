"""Bundles made from, and checked against, a real node that knows nothing of Posthorn (design.md §1, points 3 and 5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from posts import (
    CENTRE,
    COUNTER,
    CUSTOMS,
    Posts,
    address,
    as_hex,
    forkable_anvil,
)
from proving import Change, bundle_of, changed, check, drop_log, flip_data, plus_one, refuted, set_
from story import tell

from backend.chain.client import Node
from backend.chain.deployment import NotDeployed, OtherBuild, OtherChain
from backend.domain.commitments import commitment
from backend.domain.ids import custodian_number
from backend.domain.item_numbers import parse_s10
from backend.errors import NotFound, PosthornError, Unavailable
from backend.proof.bundle import Opening, read_bundle
from backend.proof.check import check_bundle
from backend.proof.gather import NodeLogs
from backend.proof.make import make_bundle
from backend.proof.records import Refuted
from backend.proof.sealed import Damaged, OtherFormat
from backend.proof.words import answerable

NUMBER, TRAIL_CODE = parse_s10("RR473124829AT"), bytes(range(16))


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    """A network in which everything has happened once, and one item with a number."""
    with forkable_anvil(tmp_path_factory.mktemp("chain")) as url:
        posts = Posts(url)
        posts.found()
        tell(posts)
        yield posts
        posts.node.close()
        posts.rpc.close()


@pytest.fixture(scope="module")
def parcel(posts: Posts) -> bytes:
    """The bundle of the item that was accepted with two stamps, handed on twice and delivered by key."""
    return bundle_of(posts, posts.item("parcel"), names={COUNTER: "Counter of Arkadia"})


def test_holds_with_all_records_signatures_and_stamps(posts: Posts, parcel: bytes) -> None:
    held = check(posts, parcel)
    kinds = [entry.kind for entry in held.entries]
    assert kinds == ["acceptance", "hand_off", "report", "hand_off", "delivery"]
    assert (held.signatures, held.stamps, held.later) == (1 + 2 + 1 + 2 + 2, 2, 0)
    assert answerable(held.state, {}) == "nobody, delivered"
    assert held.at.number == posts.node.head().number


@pytest.mark.parametrize(
    ("word", "custodian", "kinds"),
    [
        ("letter", COUNTER, "acceptance hand_off take_up report"),
        ("card", CENTRE, "acceptance recall hand_off end take_up"),
        ("lost", CENTRE, "acceptance"),
    ],
)
def test_every_kind_of_record_can_be_proven(
    posts: Posts, word: str, custodian: int, kinds: str
) -> None:
    held = check(posts, bundle_of(posts, posts.item(word, custodian)))
    assert [entry.kind for entry in held.entries] == kinds.split()


def test_same_trail_gives_the_same_bytes(posts: Posts, parcel: bytes) -> None:
    assert bundle_of(posts, posts.item("parcel"), names={COUNTER: "Counter of Arkadia"}) == parcel


def test_later_records_are_counted_and_change_nothing(posts: Posts) -> None:
    """C6: a bundle proves the first records; later ones by other custodians do not refute it."""
    item = posts.accept("goes on")
    posts.mine()
    early = bundle_of(posts, item)
    posts.hand_off(COUNTER, CENTRE, (item, 1))
    posts.mine()
    held = check(posts, early)
    assert (len(held.entries), held.later) == (1, 1)
    assert held.state.holder == CENTRE


def test_records_hold_after_their_key_was_compromised_or_replaced(posts: Posts) -> None:
    """N3: a rotated right stays on chain for earlier event times, and so does what a lost key had signed."""
    courier = custodian_number(1, 7)
    posts.enrol(courier, 8)
    posts.mine()
    item = posts.accept("early", courier)
    posts.mine()
    posts.call("PostalNetwork", "grantRight", courier, posts.right("second key"))
    posts.mine()
    posts.call("PostalNetwork", "compromise", courier, as_hex(address(f"custodian {courier}")))
    posts.mine()
    made = bundle_of(posts, item)
    assert len(check(posts, made).entries) == 1
    first, second = read_bundle(made).rights
    assert first.lost_block > first.granted_block
    assert (second.lost_block, first.until_time) == (0, second.from_time)


def test_opening_binds_number_and_trail_code(posts: Posts) -> None:
    """C1: only the right number with the right trail code opens the commitment."""
    acceptance = posts.acceptance("any")
    bound = acceptance.__class__(commitment(NUMBER, TRAIL_CODE), COUNTER, posts.now, 1)
    posts.call("CustodyLedger", "accept", posts.signed("acceptance", bound, COUNTER))
    posts.mine()
    item = bound_item(bound.commitment)
    made = bundle_of(posts, item, opening=Opening(NUMBER, TRAIL_CODE))
    assert len(check(posts, made).entries) == 1
    said = read_bundle(made).opening
    assert said == Opening(NUMBER, TRAIL_CODE)

    def another_number(body: dict[str, Any]) -> None:
        body["opening"]["number"] = "RR473124832AT"

    assert "RR473124832AT" in refuted(posts, changed(made, another_number))
    with pytest.raises(Refuted, match="commits to"):
        bundle_of(posts, item, opening=Opening(NUMBER, bytes(16)))


def test_every_changed_byte_is_refused(parcel: bytes) -> None:
    """Strict reading alone refuses it; no node is needed to see it."""
    for place in range(0, len(parcel), 11):
        for flip in (1, 0x20):
            bad = bytearray(parcel)
            bad[place] ^= flip
            with pytest.raises((Damaged, OtherFormat)):
                read_bundle(bytes(bad))
    for bad_end in (parcel[:-1], parcel + b"\n", parcel[: len(parcel) // 2], b""):
        with pytest.raises(Damaged):
            read_bundle(bad_end)


def bound_item(commitment_: bytes) -> bytes:
    from backend.domain.commitments import item_id

    return item_id(COUNTER >> 24, commitment_)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(flip_data(-1, -1), "", id="signature"),
        pytest.param(set_("logs", -1, "transaction", to="0x" + "ab" * 32), "", id="transaction"),
        pytest.param(set_("blocks", 2, "hash", to="0x" + "cd" * 32), "Block", id="block hash"),
        pytest.param(set_("blocks", 2, "time", to=plus_one), "Block", id="block time"),
        pytest.param(set_("made", "time", to=plus_one), "Block", id="time of making"),
        pytest.param(set_("rights", 0, "until", to=7), "signing rights", id="right"),
        pytest.param(set_("item", to="0x" + "00" * 32), "no record", id="item"),
        pytest.param(drop_log(-1), "", id="last log left out"),
        pytest.param(drop_log(0), "", id="first log left out"),
    ],
)
def test_a_change_by_who_can_compute_checksums_is_refuted(
    posts: Posts, parcel: bytes, change: Change, words: str
) -> None:
    assert words in refuted(posts, changed(parcel, change))


def test_no_log_can_be_changed_or_left_out(posts: Posts, parcel: bytes) -> None:
    """Each log of the bundle: its data, its topics, and the log itself."""
    logs = json.loads(parcel)["body"]["logs"]
    for number, log in enumerate(logs):
        refuted(posts, changed(parcel, drop_log(number)))
        for place in range(2, len(log["data"]), max(1, len(log["data"]) // 6)):
            refuted(posts, changed(parcel, flip_data(number, place)))
        for topic in range(len(log["topics"])):
            refuted(
                posts, changed(parcel, set_("logs", number, "topics", topic, to="0x" + "11" * 32))
            )


def test_names_of_facilities_are_statements_about_custodians_of_the_trail(
    posts: Posts, parcel: bytes
) -> None:
    assert read_bundle(parcel).facilities == {COUNTER: "Counter of Arkadia"}
    stranger = {"custodian": custodian_number(9, 9), "name": "Elsewhere"}
    detail = refuted(
        posts, changed(parcel, lambda b: b["statements"]["facilities"].append(stranger))
    )
    assert "9-9" in detail


def test_unknown_fields_and_other_orders_are_refused(parcel: bytes) -> None:
    def another_field(body: dict[str, Any]) -> None:
        body["note"] = "hello"

    def reordered(body: dict[str, Any]) -> None:
        body["logs"].reverse()

    def twice(body: dict[str, Any]) -> None:
        body["logs"].append(body["logs"][-1])

    def block_twice(body: dict[str, Any]) -> None:
        body["blocks"].append(body["blocks"][-1])

    for change in (another_field, reordered, twice, block_twice):
        with pytest.raises(Damaged):
            read_bundle(changed(parcel, change))
    with pytest.raises(OtherFormat):
        read_bundle(changed(parcel, set_("format", to="posthorn.bundle.2")))


def test_room_for_anchors_is_read_and_not_judged(posts: Posts, parcel: bytes) -> None:
    anchor = {"kind": "header", "data": "0x0102"}
    with_anchor = changed(parcel, lambda body: body["anchors"].append(anchor))
    assert read_bundle(with_anchor).anchors[0].data == b"\x01\x02"
    assert check(posts, with_anchor).later == 0


def test_a_forced_hand_off_can_be_proven(posts: Posts) -> None:
    """C9: the receiver's signature, over a release that nobody signed."""
    van = custodian_number(1, 4)
    made = bundle_of(posts, posts.item("stranded", van))
    held = check_bundle(read_bundle(made), Node([posts.url]))
    assert [entry.kind for entry in held.entries] == ["acceptance", "hand_off"]
    assert held.signatures == 2


def test_unknown_item_has_no_bundle(posts: Posts) -> None:
    with pytest.raises(NotFound):
        bundle_of(posts, bytes(32))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (set_("chain", "id", to=1), OtherChain),
        (set_("chain", "ledger", to="0x" + "77" * 20), NotDeployed),
        (set_("made", "number", to=10**6), Unavailable),
    ],
)
def test_says_when_a_node_cannot_tell(
    posts: Posts, parcel: bytes, change: Change, error: type[PosthornError]
) -> None:
    with pytest.raises(error):
        check(posts, changed(parcel, change))


def test_contracts_of_somebody_else_are_not_believed(posts: Posts, parcel: bytes) -> None:
    """Logs prove nothing where the code that made them is not the one that keeps the rules."""
    deployment = json.loads(parcel)["body"]["chain"]

    def swapped(body: dict[str, Any]) -> None:
        body["chain"] |= {"ledger": deployment["stamps"], "stamps": deployment["ledger"]}

    with pytest.raises(OtherBuild):
        check(posts, changed(parcel, swapped))


def test_a_silent_node_is_no_refutation(parcel: bytes) -> None:
    with pytest.raises(Unavailable):
        check_bundle(read_bundle(parcel), Node(["http://127.0.0.1:1"], timeout_seconds=1))


def test_logs_come_in_smaller_pieces_where_the_node_refuses_large_ones(
    posts: Posts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Besu and hosted nodes limit the blocks of one eth_getLogs."""
    item = posts.item("parcel")
    whole = bundle_of(posts, item)
    with closing(LimitedNode(posts.url)) as node:
        source = NodeLogs(node, posts.deployment)
        assert make_bundle(source, posts.deployment, item)[0] == whole


class LimitedNode(Node):
    """A node that gives logs of at most three blocks at a time, as its own error says."""

    def __init__(self, url: str) -> None:
        super().__init__([url])

    def request(self, method: str, *params: Any) -> Any:
        if method == "eth_getLogs":
            first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
            if last - first >= 3:
                return super().request("eth_getLogs", {"fromBlock": "0x1", "toBlock": "nonsense"})
        return super().request(method, *params)


def test_signers_that_left_are_named_from_the_operators_words(posts: Posts) -> None:
    item = posts.item("letter")
    held = check(posts, bundle_of(posts, item))
    assert answerable(held.state, {CUSTOMS: "Customs of Beotia"}).startswith(
        "Customs of Beotia (2-1), "
    )


def test_bundle_is_a_small_text_file(parcel: bytes, tmp_path: Path) -> None:
    assert len(parcel) < 40_000
    assert parcel.decode().endswith("}\n")
