"""Bundles that lead through receptacles (C7): what can be proven of a real node, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from posts import CENTRE, COUNTER, CUSTOMS, Posts
from proving import (
    bundle_of,
    changed,
    check,
    drop_first,
    read_alone,
    refuted,
    told,
)

from backend.domain.keccak import keccak256
from backend.domain.trail import Stay
from backend.proof.story import Outcome
from backend.proof.words import carried, contents

VAN = 1 << 24 | 0x40


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Posts]:
    with told(tmp_path_factory.mktemp("chain")) as posts:
        yield posts


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
