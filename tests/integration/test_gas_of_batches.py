"""What calls.py says a record takes at most, against what it takes on a real chain (EIP-7825)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from posts import (
    CENTRE,
    COUNTER,
    DAY_SECONDS,
    EDITION,
    Posts,
    address,
    forkable_anvil,
)

from backend.chain.calls import (
    RECORDS,
    TRANSACTION_BYTES,
    TRANSACTION_GAS,
    batch_call,
    bytes_of,
    contract_of,
    gas_of,
)
from backend.domain.commitments import hidden_keys
from backend.domain.keccak import keccak256
from backend.domain.packing import Contents
from backend.domain.typed_data import (
    Cancel,
    Claim,
    Closing,
    Delivery,
    DeliveryKeys,
    End,
    Finding,
    Issue,
    Opening,
    Original,
    Packing,
    Recall,
    Report,
    TakeUp,
    Void,
)
from backend.domain.wire import to_wire

KEYS = DeliveryKeys(address("recipient"), address("sender"), keccak256(b"salt"))
HIDDEN = hidden_keys(KEYS.recipient, KEYS.sender, KEYS.salt)
Payload = dict[str, Any]


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    folder: Path = tmp_path_factory.mktemp("anvil")
    with forkable_anvil(folder) as url:
        network = Posts(url)
        network.found()
        yield network
        network.rpc.close()
        network.node.close()


def items(posts: Posts, word: str, count: int) -> list[bytes]:
    """Items newly accepted at the counter, with delivery keys."""
    found = [posts.accept(f"{word} {n}", keys=HIDDEN) for n in range(count)]
    posts.mine()
    return found


def acceptances(posts: Posts) -> list[Payload]:
    plain = [posts.acceptance(f"acceptance {n}", keys=HIDDEN) for n in range(3)]
    franked = posts.acceptance("franked", stamps=posts.stamps(1, 2, 3))
    return [posts.signed("acceptance", record, COUNTER) for record in [*plain, franked]]


def lists(posts: Posts, count: int, lines: int) -> list[Payload]:
    """Hand-offs in which every line was found otherwise than given: the dearest."""
    payloads = []
    for n in range(count):
        found = [Finding(line, 2, keccak256(b"photograph")) for line in range(lines)]
        release = posts.release(
            COUNTER, CENTRE, [(i, 1) for i in items(posts, f"list {lines} {n}", lines)]
        )
        payloads.append(posts.hand_off_payload(release, posts.receipt(release, findings=found)))
    return payloads


def packings(posts: Posts) -> list[Payload]:
    """A bag of a hundred, and two of one."""
    payloads = []
    for n, count in enumerate((100, 1, 1)):
        (bag,) = items(posts, f"bag {n}", 1)
        record = Packing(bag, 1, COUNTER, posts.now, tuple(items(posts, f"packed {n}", count)))
        payloads.append(posts.signed("packing", record, COUNTER))
    return payloads


def bag_of(posts: Posts, word: str, count: int) -> tuple[bytes, list[bytes]]:
    """An open bag with items in it."""
    (bag,), inside = items(posts, word, 1), items(posts, f"in {word}", count)
    posts.pack(bag, 1, COUNTER, *inside)
    posts.mine()
    return bag, inside


def closings(posts: Posts) -> list[Payload]:
    payloads = []
    for n in range(2):
        bag, inside = bag_of(posts, f"closing {n}", 3)
        record = Closing(bag, 2, COUNTER, posts.now, 3, Contents(tuple(inside)).digest, HIDDEN)
        payloads.append(posts.signed("closing", record, COUNTER))
    return payloads


def openings(posts: Posts) -> list[Payload]:
    """Of thirty items twenty are missing."""
    payloads = []
    for n in range(2):
        bag, inside = bag_of(posts, f"opening {n}", 30)
        posts.close_bag(bag, 2, COUNTER, *inside)
        posts.mine()
        record = Opening(bag, 3, COUNTER, posts.now, tuple(inside[10:]), (1023,), HIDDEN)
        payloads.append(posts.signed("opening", record, COUNTER))
    return payloads


def deliveries(posts: Posts) -> list[Payload]:
    payloads = []
    for item in items(posts, "delivery", 2):
        deadline = posts.now + DAY_SECONDS
        record = Delivery(item, 1, COUNTER, KEYS.recipient, posts.now, deadline, 1, HIDDEN)
        payloads.append(
            {
                "delivery": to_wire(record),
                "keys": posts.keys(KEYS),
                "giver_signature": posts.signature(record, COUNTER),
                "recipient_signature": posts.signature(record, "recipient"),
            }
        )
    return payloads


def ends(posts: Posts) -> list[Payload]:
    records = [End(item, 1, COUNTER, posts.now, 5, HIDDEN) for item in items(posts, "end", 2)]
    return [posts.signed("end", record, COUNTER) for record in records]


def take_ups(posts: Posts) -> list[Payload]:
    found = items(posts, "take-up", 2)
    records = [TakeUp(item, CENTRE, posts.now, 1, 1, HIDDEN) for item in found]
    return [posts.signed("take_up", record, CENTRE) for record in records]


def recalls(posts: Posts) -> list[Payload]:
    records = [Recall(item, 1, COUNTER, posts.now) for item in items(posts, "recall", 2)]
    return [posts.signed("recall", record, COUNTER) for record in records]


def reports(posts: Posts) -> list[Payload]:
    found = items(posts, "report", 2)
    records = [Report(item, 13, 1, 1, 0, posts.now, HIDDEN) for item in found]
    return [posts.signed("report", r, "recipient") | {"keys": posts.keys(KEYS)} for r in records]


def cancels(posts: Posts) -> list[Payload]:
    records = [
        Cancel(COUNTER, posts.now, 1, bytes(32), posts.stamps(4)),
        Cancel(COUNTER, posts.now, 1, bytes(32), posts.stamps(5, 6)),
    ]
    return [posts.signed("cancel", record, COUNTER) for record in records]


def claims(posts: Posts) -> list[Payload]:
    deadline = posts.now + DAY_SECONDS
    pairs = [(s, Claim(posts.stamps(s)[0], address(f"collector {s}"), deadline)) for s in (7, 8)]
    return [posts.with_proof("claim", record, serial) for serial, record in pairs]


def originals(posts: Posts) -> list[Payload]:
    posts.cancel(COUNTER, *posts.stamps(9))
    posts.mine()
    record = Original(posts.stamps(9)[0], posts.now + DAY_SECONDS)
    return [posts.with_proof("original", record, 9)]


LARGE = EDITION + 1


def large_edition(posts: Posts) -> None:
    posts.call("CryptoStamp", "createEdition", LARGE, posts.terms(supply=100_000))
    posts.mine()


def issues(posts: Posts) -> list[Payload]:
    large_edition(posts)
    ranges = [(1, 1), (2, 7), (8, 1_007), (1_008, 11_007)]
    return [to_wire(Issue(LARGE, first, last, COUNTER)) for first, last in ranges]


def voids(posts: Posts) -> list[Payload]:
    ranges = [(20_001, 20_001), (20_010, 20_016), (20_101, 22_100)]
    return [to_wire(Void(LARGE, first, last, 4)) for first, last in ranges]


BATCHES: list[tuple[str, str, Callable[[Posts], list[Payload]]]] = [
    ("acceptance", "with keys or stamps", acceptances),
    ("hand_off", "of one", lambda posts: lists(posts, 5, 1)),
    ("hand_off", "of a hundred", lambda posts: lists(posts, 1, 100)),
    ("packing", "", packings),
    ("closing", "", closings),
    ("opening", "with missing items", openings),
    ("delivery", "to the key", deliveries),
    ("end", "", ends),
    ("take_up", "", take_ups),
    ("recall", "", recalls),
    ("report", "by the recipient", reports),
    ("cancel", "", cancels),
    ("claim", "", claims),
    ("original", "", originals),
    ("issue", "", issues),
    ("void", "", voids),
]


def test_every_kind_of_record_is_measured() -> None:
    assert {kind for kind, _, _ in BATCHES} == RECORDS.keys()


@pytest.mark.parametrize(
    ("kind", "words", "make"), BATCHES, ids=[f"{k} {w}".strip() for k, w, _ in BATCHES]
)
def test_records_take_no_more_gas_and_calldata_than_planned(
    posts: Posts, kind: str, words: str, make: Callable[[Posts], list[Payload]]
) -> None:
    """Batches of the dearest records of their kind; none of them is refused."""
    payloads = make(posts)
    planned = TRANSACTION_GAS + sum(gas_of(kind, payload) for payload in payloads)
    calldata = batch_call(kind, payloads)
    sent = posts._send(posts.sign(posts.deployment.addresses[contract_of(kind)], calldata))
    posts.mine()
    (receipt,) = posts.node.receipts([sent])
    assert receipt is not None
    assert receipt.succeeded
    (logs,) = posts.node.logs([receipt.block_hash], [])
    refused = keccak256(b"Refused(uint256,bytes32,bytes)")
    assert not [log for log in logs if log.topics[0] == refused]
    assert receipt.gas_used <= planned
    assert len(calldata) <= TRANSACTION_BYTES + sum(bytes_of(kind, p) for p in payloads)
