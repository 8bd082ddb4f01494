"""Bundles through receptacles, and evidence beside a trail, forged: each attack by its name (C7, C10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from posts import CENTRE, COUNTER, CUSTOMS, Posts
from proving import (
    Change,
    bundle_of,
    changed,
    check,
    drop_first,
    drop_log,
    first_of,
    flipped,
    read_alone,
    refuted,
    refuted_alone,
    replaced,
    set_,
    told,
)
from story import P256_DEVICE

from backend.chain.client import Node
from backend.chain.interface import interface
from backend.domain.trail import Packed
from backend.domain.typed_data import Opening, Packing
from backend.domain.wire import to_wire
from backend.proof.bundle import read_bundle
from backend.proof.check import check_bundle
from backend.proof.gather import topic
from backend.proof.records import Refuted
from backend.proof.sealed import Damaged, OtherFormat
from backend.proof.words import evidence

VAN = 1 << 24 | 0x40


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    with told(tmp_path_factory.mktemp("chain")) as posts:
        yield posts


@pytest.fixture(scope="module")
def found(posts: Posts) -> bytes:
    """The bundle of the item that was found in its bag and then handed on."""
    return bundle_of(posts, posts.item("found"))


# --- what is refuted ----------------------------------------------------------------------------------
def test_forged_contents_are_refuted(posts: Posts, found: bytes) -> None:
    """Another item in the packing's list: its signature is over the list."""
    forged = changed(found, replaced("Packed", posts.item("gone"), posts.item("card", CENTRE)))
    assert "digest" in refuted_alone(posts, forged)


def test_a_packing_left_out_is_refuted(posts: Posts, found: bytes) -> None:
    """C6: the receptacle's record numbers have no gap."""
    detail = refuted_alone(posts, changed(found, drop_first(posts, "Packed")))
    assert "record 3 where 2 was due" in detail


def test_a_refused_line_left_out_is_refuted(posts: Posts, found: bytes) -> None:
    """The closing's count and hash are of what was really packed."""
    detail = refuted_alone(posts, changed(found, drop_first(posts, "LineRefused")))
    assert "was closed with 4 items" in detail
    assert "the packings give 5" in detail


def test_a_whole_refusal_left_out_is_refuted(posts: Posts) -> None:
    """CE6: without it the line that was refused first would seem refused for good."""
    late = bundle_of(posts, posts.item("late", CENTRE))
    assert "lines are refused" in refuted_alone(posts, changed(late, drop_first(posts, "Refused")))


def test_another_bags_opening_is_refuted(posts: Posts, found: bytes) -> None:
    """The opening's signed words name the receptacle."""
    crate = json.loads(bundle_of(posts, posts.item("crate")))["body"]
    other = crate["logs"][first_of(crate, "Opened")]

    def change(body: dict[str, Any]) -> None:
        log = body["logs"][first_of(body, "Opened")]
        log["data"] = other["data"]
        log["topics"] = [other["topics"][0], log["topics"][1], *other["topics"][2:]]

    assert "item" in refuted_alone(posts, changed(found, change))


def test_a_found_item_claimed_as_inferred_is_refuted(posts: Posts, found: bytes) -> None:
    """The bitmap of what was seen is signed; with a digest computed anew the signature does not fit."""
    bitmap = (1).to_bytes(32, "big") + (0b0001).to_bytes(32, "big")
    unseen = (1).to_bytes(32, "big") + bytes(32)
    blank = changed(found, replaced("Opened", bitmap, unseen))
    assert "digest" in refuted_alone(posts, blank)

    def with_its_digest(body: dict[str, Any]) -> None:
        replaced("Opened", bitmap, unseen)(body)
        log = body["logs"][first_of(body, "Opened")]
        (opening,) = (
            e.body
            for e in read_alone(found).trails[posts.item("bag")].entries
            if isinstance(e.body, Opening)
        )
        digest = posts.digest(replace(opening, found=(0,)))
        log["topics"][2] = "0x" + digest.hex()

    assert "signs with" in refuted_alone(posts, changed(found, with_its_digest))


def test_an_item_that_was_missing_cannot_seem_to_have_stayed(posts: Posts) -> None:
    gone = bundle_of(posts, posts.item("gone"))
    refuted_alone(posts, changed(gone, drop_first(posts, "ItemMissing")))


def test_what_is_missing_falls_back_to_who_closed_it_and_to_nobody_else(posts: Posts) -> None:
    """ItemMissing bears no signature: holder and line follow from the closing and the opening."""
    gone = bundle_of(posts, posts.item("gone"))
    at = first_of(json.loads(gone)["body"], "ItemMissing")
    another = "0x" + CENTRE.to_bytes(32, "big").hex()
    words = "was not missing from receptacle 1"
    assert words in refuted_alone(posts, changed(gone, set_("logs", at, "topics", 3, to=another)))
    second_line = changed(
        gone, set_("logs", at, "data", to=lambda data: data[:65] + "1" + data[66:])
    )
    assert words in refuted_alone(posts, second_line)


def test_a_stay_in_another_receptacle_is_refuted(posts: Posts, found: bytes) -> None:
    """CE10: what Stayed says follows from the receptacle's trail, or is refuted."""
    number = (1 << 40).to_bytes(32, "big")
    detail = refuted_alone(
        posts, changed(found, replaced("Stayed", number, (1 << 40 | 1).to_bytes(32, "big")))
    )
    assert "not what the receptacle's own trail says" in detail
    assert "never written" in refuted_alone(posts, changed(found, drop_first(posts, "Stayed")))


def test_a_receptacle_left_out_is_refuted(posts: Posts, found: bytes) -> None:
    """Without it the item's own records have a gap, and Stayed has nothing behind it."""
    bag = "0x" + posts.item("bag").hex()

    def change(body: dict[str, Any]) -> None:
        body["logs"] = [log for log in body["logs"] if bag not in log["topics"][1:2]]
        kept = {log["block"] for log in body["logs"]}
        body["blocks"] = [mark for mark in body["blocks"] if mark["number"] in kept]

    refuted_alone(posts, changed(found, change))


def test_a_trail_that_has_no_part_in_it_is_refuted(posts: Posts, found: bytes) -> None:
    """A bundle of one item has one form: nothing is put in beside it."""
    other = json.loads(bundle_of(posts, posts.item("card", CENTRE)))["body"]

    def change(body: dict[str, Any]) -> None:
        for name in ("logs", "blocks"):
            more = [one for one in other[name] if one not in body[name]]
            body[name] = sorted(
                body[name] + more,
                key=lambda one: (
                    (one["block"], one["index"]) if "block" in one else (one["number"], 0)
                ),
            )

    assert "never carried the item" in refuted_alone(posts, changed(found, change))


def test_a_receptacle_that_the_item_lies_in_cannot_be_left_out(posts: Posts) -> None:
    """No record of the item tells of it: the node's lyingIn does."""
    late = posts.item("late", CENTRE)
    beside = {"0x" + topic(event).hex() for event in ("LineRefused", "Refused")}
    whole = read_alone(bundle_of(posts, late))
    about = {"0x" + posts.item(word).hex() for word in ("pouch", "case")}
    about.add("0x" + whole.trails[posts.item("case")].entries[-1].digest.hex())

    def change(body: dict[str, Any]) -> None:
        kept = [log for log in body["logs"] if log["topics"][0] not in beside]
        body["logs"] = [log for log in kept if log["topics"][1] not in about]
        blocks = {log["block"] for log in body["logs"]}
        body["blocks"] = [mark for mark in body["blocks"] if mark["number"] in blocks]

    without = changed(bundle_of(posts, late), change)
    assert read_alone(without).carriages == ()
    assert "leaves out log" in refuted(posts, without)


@pytest.mark.parametrize("view", ["headOf", "itemOf", "custodianOf", "lyingIn", "receptacleOf"])
@pytest.mark.parametrize(
    ("word", "custodian"), [("found", COUNTER), ("late", CENTRE), ("deep", COUNTER)]
)
def test_each_view_is_asked_and_believed_against_the_records(
    posts: Posts, view: str, word: str, custodian: int
) -> None:
    """A contract that says anything else than the records refutes them."""
    raw = bundle_of(posts, posts.item(word, custodian))
    with closing(OtherwiseNode(posts.url, view)) as node, pytest.raises(Refuted):
        check_bundle(read_bundle(raw), node)


class OtherwiseNode(Node):
    """A node that answers one view with another last bit."""

    def __init__(self, url: str, view: str) -> None:
        super().__init__([url])
        self._selector = interface("CustodyLedger").functions[view].selector

    def call(self, to: bytes, calldata: bytes, at: Any = "latest") -> bytes:
        answer = super().call(to, calldata, at)
        if calldata[:4] != self._selector:
            return answer
        return answer[:-1] + bytes([answer[-1] ^ 1])


@pytest.mark.parametrize("word", ["found", "deep"])
def test_no_log_of_a_receptacle_can_be_changed_or_left_out(posts: Posts, word: str) -> None:
    raw = bundle_of(posts, posts.item(word))
    logs = json.loads(raw)["body"]["logs"]
    assert len({log["topics"][0] for log in logs}) >= 10
    for number, log in enumerate(logs):
        refuted(posts, changed(raw, drop_log(number)))
        for place in range(2, len(log["data"]), max(1, len(log["data"]) // 3)):
            refuted(posts, changed(raw, flipped(number, place)))
        for place in range(len(log["topics"])):
            refuted(posts, changed(raw, set_("logs", number, "topics", place, to="0x" + "11" * 32)))


def test_every_changed_byte_of_a_bag_story_is_refused(found: bytes) -> None:
    for place in range(0, len(found), 37):
        bad = bytearray(found)
        bad[place] ^= 1
        with pytest.raises((Damaged, OtherFormat)):
            read_bundle(bytes(bad))


@pytest.mark.parametrize(
    ("inside", "custodian", "word", "signer", "why"),
    [
        ("late", CENTRE, "case", CENTRE, "took nothing"),
        ("late", CENTRE, "pouch", COUNTER, "took nothing"),
        ("found", COUNTER, "bag", CENTRE, "took nothing"),
        ("in an open tray", COUNTER, "open tray", CENTRE, "took nothing"),
        ("in an open tray", COUNTER, "open tray", COUNTER, "held, or what was not closed"),
    ],
    ids=["closed", "lies in another", "opened", "held by another", "lies in it already"],
)
def test_a_packing_that_no_contract_would_record_is_refuted(
    posts: Posts, inside: str, custodian: int, word: str, signer: int, why: str
) -> None:
    """A bundle's own rules keep receptacles from lying in themselves, whoever signs and whatever node agrees."""
    raw = bundle_of(posts, posts.item(inside, custodian))
    own = read_alone(raw).trails[posts.item(word)].entries
    packed = next(entry.body for entry in own if isinstance(entry.body, Packed))
    item = posts.item(inside, custodian)
    record, number = len(own) + 1, own[-1].number
    packing = Packing(posts.item(word), number, signer, own[-1].event_time, (item,))
    body = (*words_of(packing)[:4], [item])
    data = encode(
        ["uint32", "uint32", "uint48", "(bytes32,uint32,uint40,uint40,bytes32[])", "bytes"],
        [record, number + 1, packed.receptacle, body, signature_of(posts, packing, signer)],
    )
    forged = log_of(posts, "Packed", packing, signer, data)
    assert why in refuted_alone(posts, changed(raw, appended(forged)))


@pytest.mark.parametrize(("word", "signer"), [("open tray", COUNTER), ("bag", CENTRE)])
def test_an_opening_of_what_is_not_closed_is_refuted(posts: Posts, word: str, signer: int) -> None:
    """C7: closed once and opened once; rightly signed as it is."""
    inside = {"open tray": "in an open tray", "bag": "found"}[word]
    raw = bundle_of(posts, posts.item(inside))
    own = read_alone(raw).trails[posts.item(word)].entries
    opening = Opening(posts.item(word), own[-1].number, signer, own[-1].event_time, (), (1,))
    body = (*words_of(opening)[:4], [], [1], opening.evidence)
    kinds = "(bytes32,uint32,uint40,uint40,bytes32[],uint256[],bytes32)"
    data = encode(
        ["uint32", "uint32", kinds, "bytes"],
        [len(own) + 1, opening.number + 1, body, signature_of(posts, opening, signer)],
    )
    forged = log_of(posts, "Opened", opening, signer, data)
    assert "was not closed" in refuted_alone(posts, changed(raw, appended(forged)))


def words_of(record: Any) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in to_wire(record))


def signature_of(posts: Posts, record: Any, signer: int) -> bytes:
    return bytes.fromhex(posts.signature(record, signer)[2:])


def appended(log: dict[str, Any]) -> Change:
    """After the last log, in its block."""

    def change(body: dict[str, Any]) -> None:
        last = body["logs"][-1]
        body["logs"].append(log | {"block": last["block"], "index": last["index"] + 1})

    return change


def log_of(posts: Posts, event: str, record: Any, signer: int, data: bytes) -> dict[str, Any]:
    """A log as the ledger would write it."""
    words = [topic(event), record.receptacle, posts.digest(record), signer.to_bytes(32, "big")]
    return {
        "address": "0x" + posts.deployment.ledger.contract.hex(),
        "data": "0x" + data.hex(),
        "topics": ["0x" + word.hex() for word in words],
        "transaction": "0x" + "ab" * 32,
    }


# --- beside the trail (C10), and devices' keys (N3) --------------------------------------------------
def test_evidence_of_equivocation_is_checked_and_changes_nothing(posts: Posts) -> None:
    """C10: facts with four signatures; answerable and holder are those of the trail."""
    raw = bundle_of(posts, posts.item("twice"))
    held = check(posts, raw)
    (shown,) = held.story.evidence
    assert (held.story.custodian(), held.state.answer.custodian) == (CENTRE, CENTRE)
    said = evidence(shown, {COUNTER: "Counter"})
    assert said.startswith(
        "To be looked at: two complete hand-offs of this item by Counter (1-1), to 1-2 "
    )
    assert not {"fraud", "forge", "lied", "guilty"} & set(said.lower().split())
    refuted(posts, changed(raw, drop_first(posts, "Equivocated")))
    data = json.loads(raw)["body"]["logs"]
    place = next(
        i for i, log in enumerate(data) if log["topics"][0] == "0x" + topic("Equivocated").hex()
    )
    for at in range(len(data[place]["data"]) - 64, 2, -640):
        refuted(posts, changed(raw, flipped(place, at)))


def test_forged_evidence_is_refuted_by_its_own_signatures(posts: Posts) -> None:
    """The other receiver's receipt under the first one's name."""
    raw = bundle_of(posts, posts.item("twice"))
    forged = changed(
        raw, replaced("Equivocated", CUSTOMS.to_bytes(32, "big"), CENTRE.to_bytes(32, "big"))
    )
    assert "evidence" in refuted_alone(posts, forged)


@pytest.mark.parametrize("whose", ["giver_signature", "receiver_signature"])
@pytest.mark.parametrize("which", ["first", "second"])
def test_evidence_without_all_four_signatures_is_refuted(
    posts: Posts, which: str, whose: str
) -> None:
    raw = bundle_of(posts, posts.item("twice"))
    (shown,) = read_alone(raw).evidence
    signature = getattr(getattr(shown, which), whose)
    bad = signature[:-1] + bytes([signature[-1] ^ 1])
    detail = refuted_alone(posts, changed(raw, replaced("Equivocated", signature, bad)))
    assert detail.startswith("The evidence of two hand-offs: custodian ")


def test_keys_of_devices_sign_a_trail_that_is_proven(posts: Posts) -> None:
    """N3: a P-256 key gives, a passkey receives."""
    raw = bundle_of(posts, posts.item("tapped", P256_DEVICE))
    held = check(posts, raw)
    assert {right.kind for right in read_bundle(raw).rights} == {2, 3}
    assert held.signatures == 3
    signature = held.entries[0].signatures[0].hex()
    bad = signature[:-2] + format(int(signature[-2:], 16) ^ 1, "02x")

    def change(body: dict[str, Any]) -> None:
        log = body["logs"][first_of(body, "Accepted")]
        log["data"] = log["data"].replace(signature, bad)

    assert "device's key" in refuted_alone(posts, changed(raw, change))
