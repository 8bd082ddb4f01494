"""Bundles that lead through receptacles (C7), and what stands beside a trail (C10): real node, attacks by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from posts import CENTRE, COUNTER, CUSTOMS, Posts, forkable_anvil
from proving import Change, bundle_of, changed, check, drop_log, refuted, set_
from story import P256_DEVICE, tell

from backend.chain.client import Node
from backend.chain.interface import interface
from backend.domain.keccak import keccak256
from backend.domain.trail import Packed, Stay
from backend.domain.typed_data import Opening, Packing
from backend.domain.wire import to_wire
from backend.proof.bundle import read_bundle
from backend.proof.check import check_bundle
from backend.proof.gather import contracts_of, topic
from backend.proof.reading import read_story
from backend.proof.records import Refuted
from backend.proof.sealed import Damaged, OtherFormat
from backend.proof.story import Outcome, Story
from backend.proof.words import carried, contents, evidence

VAN = 1 << 24 | 0x40


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    """A network in which everything has happened once, and a tray that stays open."""
    with forkable_anvil(tmp_path_factory.mktemp("chain")) as url:
        posts = Posts(url)
        posts.found()
        tell(posts)
        tray, card = posts.accept("open tray"), posts.accept("in an open tray")
        posts.mine()
        posts.pack(tray, 1, COUNTER, card)
        posts.mine()
        yield posts
        posts.node.close()
        posts.rpc.close()


@pytest.fixture(scope="module")
def found(posts: Posts) -> bytes:
    """The bundle of the item that was found in its bag and then handed on."""
    return bundle_of(posts, posts.item("found"))


def read_alone(raw: bytes) -> Story:
    """What a bundle says, without any node. Raises Refuted."""
    bundle = read_bundle(raw)
    times = {mark.number: mark.time for mark in bundle.blocks}
    return read_story(contracts_of(bundle.deployment), bundle.logs, times, bundle.item)


def refuted_alone(posts: Posts, raw: bytes) -> str:
    """Refuted by its own records, so that no node that lies with it could help."""
    refuted(posts, raw)
    with pytest.raises(Refuted) as caught:
        read_alone(raw)
    return caught.value.detail


# --- what can be proven -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("word", "custodian", "kinds", "outcome", "held_by"),
    [
        ("found", COUNTER, "acceptance report stay hand_off", Outcome.FOUND, CUSTOMS),
        ("inferred", COUNTER, "acceptance stay", Outcome.INFERRED, CENTRE),
        ("gone", COUNTER, "acceptance missing hand_off", Outcome.MISSING, CENTRE),
        ("deep", COUNTER, "acceptance stay", Outcome.FOUND, CUSTOMS),
        ("beside", COUNTER, "acceptance stay", Outcome.INFERRED, CUSTOMS),
        ("late", CENTRE, "acceptance hand_off", Outcome.LIES, CENTRE),
    ],
)
def test_an_item_is_proven_through_its_receptacles(
    posts: Posts, word: str, custodian: int, kinds: str, outcome: Outcome, held_by: int
) -> None:
    """C6, C7: head, holder and the receptacles' own facts are the contract's at the node's newest block."""
    held = check(posts, bundle_of(posts, posts.item(word, custodian)))
    assert [entry.kind for entry in held.entries] == kinds.split()
    assert [one.outcome for one in held.story.carriages] == [outcome]
    assert (held.story.custodian(), held.later) == (held_by, 0)


def test_words_tell_which_hop_was_carried_by_which_receptacle(posts: Posts) -> None:
    """C7: nested ones below the one that they carried; what nobody saw is said to be inferred."""
    held = check(posts, bundle_of(posts, posts.item("beside")))
    said = carried(held.story, {COUNTER: "Counter of Arkadia"})
    assert [line.split(" (0x")[0] if " (0x" in line else line for line in said] == [
        "In receptacle 2",
        "  In receptacle 3",
        *(line for line in said if "Carried with it: Counter of Arkadia (1-1) to 1-2" in line),
        *(line for line in said if line.startswith("    Opened by 1-2 on ")),
        *(line for line in said if line.startswith("  Carried with it: 1-2 to 2-1")),
        *(
            line
            for line in said
            if line.endswith(": neither seen nor missed: that it was there is inferred.")
        ),
    ]
    assert len(said) == 6
    assert "packed by Counter of Arkadia (1-1)" in said[0]
    assert said[0].endswith("2 of 2; closed by Counter of Arkadia (1-1).")


@pytest.mark.parametrize(
    ("word", "records", "sentence"),
    [
        (
            "bag",
            6,
            "4 items packed (1 line refused), closed by 1-1; opened by 1-2, who states 1 seen, 2 missing, "
            "1 neither.",
        ),
        (
            "crate",
            6,
            "1 item packed, closed by 1-1; opened by 1-2, who states 1 seen, 0 missing, 0 neither.",
        ),
        ("pouch", 3, "1 item packed, closed by 1-1, not opened."),
    ],
)
def test_a_receptacles_own_trail_is_proven_with_its_contents(
    posts: Posts, word: str, records: int, sentence: str
) -> None:
    """What was refused is visible; the crate's later report stands in its own trail, not in its contents' proofs."""
    raw = bundle_of(posts, posts.item(word))
    held = check(posts, raw)
    own = held.story.contents
    assert own is not None
    assert contents(own, {}) == f"It is a receptacle: {sentence}"
    assert len(held.entries) == records


def test_what_became_of_the_empty_receptacle_is_not_in_the_proof(posts: Posts) -> None:
    """The crate was opened, and then reported on: no part of what it carried."""
    crate, deep = posts.item("crate"), read_alone(bundle_of(posts, posts.item("deep")))
    assert [e.kind for e in deep.trails[crate].entries][-1] == "opening"
    assert [e.kind for e in check(posts, bundle_of(posts, crate)).entries][-1] == "report"


def test_a_receptacle_that_nobody_took_over_is_proven_open(posts: Posts) -> None:
    """C7: packed, not closed: count and contents are the contract's even without a closing."""
    tray, card = posts.accept("tray"), posts.accept("in the tray")
    posts.mine()
    posts.pack(tray, 1, COUNTER, card, keccak256(b"nothing"))
    posts.mine()
    held = check(posts, bundle_of(posts, card))
    assert [one.outcome for one in held.story.carriages] == [Outcome.LIES]
    assert carried(held.story, {})[0].endswith("1 of 1; not closed.")
    unrefused = changed(bundle_of(posts, card), drop_first(posts, "LineRefused"))
    refuted(posts, unrefused)


def test_an_extra_item_is_taken_up_and_lay_in_nothing(posts: Posts) -> None:
    """C11: what was in a bag without having been packed has one signature, and no stay."""
    extra = posts.accept("extra")
    posts.mine()
    posts.take_up(extra, CENTRE, 1)
    posts.mine()
    held = check(posts, bundle_of(posts, extra))
    assert [entry.kind for entry in held.entries] == ["acceptance", "take_up"]
    assert held.story.carriages == ()


def test_what_was_taken_up_out_of_a_receptacle_is_proven_with_or_without_it(posts: Posts) -> None:
    """Its trail has no record of having lain there; who knows the receptacle can have it in the bundle."""
    loose, bag = posts.item("loose"), posts.item("bag")
    assert check(posts, bundle_of(posts, loose)).story.carriages == ()
    held = check(posts, bundle_of(posts, loose, receptacles=[bag]))
    assert [one.outcome for one in held.story.carriages] == [Outcome.TAKEN_UP]
    assert any("Taken up out of it by 2-1 alone" in line for line in carried(held.story, {}))


def test_a_bundle_holds_whatever_becomes_of_the_receptacle_later(posts: Posts) -> None:
    """C6: made before the packing, in the closed bag, after a hop; later records are counted, none is missed."""
    sack = posts.accept("later sack")
    stays, leaves = posts.accept("stays"), posts.accept("leaves")
    posts.mine()
    bundles = [bundle_of(posts, stays), bundle_of(posts, leaves)]
    posts.pack(sack, 1, COUNTER, stays, leaves)
    posts.mine()
    bundles += [bundle_of(posts, stays), bundle_of(posts, leaves)]
    posts.close_bag(sack, 2, COUNTER, stays, leaves)
    posts.hand_off(COUNTER, CENTRE, (sack, 3))
    posts.mine()
    bundles += [bundle_of(posts, stays), bundle_of(posts, leaves)]
    assert all(check(posts, raw) for raw in bundles)
    posts.take_up(leaves, CUSTOMS)
    posts.mine()
    assert all(check(posts, raw) for raw in bundles)
    posts.open_bag(sack, 4, CENTRE, [leaves], 0b01)
    posts.hand_off(CENTRE, CUSTOMS, (sack, 5))
    posts.mine()
    held = [check(posts, raw) for raw in bundles]
    assert [one.story.state.holder for one in held] == [CENTRE, CUSTOMS] * 3
    assert held[4].story.carriages[0].outcome is Outcome.FOUND
    assert held[5].story.carriages[0].outcome is Outcome.TAKEN_UP


def test_what_is_packed_again_lies_where_it_was_packed_last(posts: Posts) -> None:
    """C7: taken up out of an open receptacle and packed again, it has two places; the second one counts."""
    sack, twin = posts.accept("sack with two places"), posts.accept("packed twice")
    other = posts.accept("packed between")
    posts.enrol(VAN, 8)
    posts.mine()
    posts.pack(sack, 1, COUNTER, twin)
    posts.mine()
    posts.take_up(twin, COUNTER)
    posts.mine()
    posts.pack(sack, 2, COUNTER, other, twin)
    posts.close_bag(sack, 3, COUNTER, twin, other, twin)
    posts.mine()
    posts.open_bag(sack, 4, COUNTER, [], 0b100)
    posts.mine()
    held = check(posts, bundle_of(posts, twin))
    assert [one.outcome for one in held.story.carriages] == [Outcome.TAKEN_UP, Outcome.FOUND]
    seen = held.entries[-1].body
    assert isinstance(seen, Stay)
    assert seen.verified


# --- what is refuted ----------------------------------------------------------------------------------
def first_of(body: dict[str, Any], event: str, item: bytes = b"") -> int:
    """The place of the first log of an event (of an item) in a bundle."""
    wanted = ["0x" + topic(event).hex(), "0x" + item.hex()] if item else ["0x" + topic(event).hex()]
    return next(i for i, log in enumerate(body["logs"]) if log["topics"][: len(wanted)] == wanted)


def drop_first(posts: Posts, event: str, word: str = "") -> Change:
    def change(body: dict[str, Any]) -> None:
        drop_log(first_of(body, event, posts.item(word) if word else b""))(body)

    return change


def replaced(event: str, was: bytes, becomes: bytes) -> Change:
    """A word in the data of an event's first log."""

    def change(body: dict[str, Any]) -> None:
        log = body["logs"][first_of(body, event)]
        assert was.hex() in log["data"]
        log["data"] = log["data"].replace(was.hex(), becomes.hex())

    return change


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


def flipped(number: int, place: int) -> Change:
    def change(body: dict[str, Any]) -> None:
        log = body["logs"][number]
        digit = format(int(log["data"][place], 16) ^ 1, "x")
        log["data"] = log["data"][:place] + digit + log["data"][place + 1 :]

    return change


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


# --- size -------------------------------------------------------------------------------------------
def test_each_other_item_of_the_bag_costs_its_own_name_in_the_bundle_and_no_more(
    posts: Posts,
) -> None:
    """A packing is signed over its whole list: 32 bytes an item, 64 digits. Nothing else of the others is in it."""
    sizes = []
    for count in (3, 103):
        bag = posts.accept(f"bag of {count}")
        items = [posts.accept(f"{count}: {n}") for n in range(count)]
        posts.mine()
        posts.pack(bag, 1, COUNTER, *items)
        posts.close_bag(bag, 2, COUNTER, *items)
        posts.hand_off(COUNTER, CENTRE, (bag, 3))
        posts.mine()
        posts.open_bag(bag, 4, CENTRE, items[1:2], 1)
        posts.mine()
        posts.hand_off(CENTRE, CUSTOMS, *((item, 2) for item in items[2:]))
        posts.mine()
        raw = bundle_of(posts, items[0])
        subjects = {log["topics"][1] for log in json.loads(raw)["body"]["logs"]}
        assert not subjects & {"0x" + item.hex() for item in items[1:]}
        check(posts, raw)
        sizes.append(len(raw))
    assert sizes[0] < 20_000
    assert 64 * 100 <= sizes[1] - sizes[0] < 66 * 100


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
