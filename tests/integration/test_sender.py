"""The sender on a real chain and a real database: what is kept is recorded, once (B3, B5, B6)."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from posts import CENTRE, COUNTER, CUSTOMS, DAY_SECONDS, EDITION, address
from sending import ADMIN, EAGER, OTHER, SUBMITTER, World
from sqlalchemy import Connection, Row, update

from backend.chain import outbox, unrecorded
from backend.domain.refusals import Refusal, refusal
from backend.domain.typed_data import End, Issue, Void
from backend.embedded.processes import wait_until
from backend.store import submissions
from backend.store.engine import begin
from backend.store.tables import submission


def hexed(raw: bytes) -> str:
    return "0x" + raw.hex()


# --- what is due is sent ----------------------------------------------------------------------------
def test_a_list_of_records_is_settled_in_one_transaction(world: World) -> None:
    digests = [world.accept(f"item {n}") for n in range(20)]
    world.settle(*digests)
    assert len(world.transactions()) == 1
    assert [world.records(f"item {n}") for n in range(20)] == [1] * 20


def test_records_of_one_item_keep_their_order(world: World) -> None:
    item = world.posts.item("parcel")
    first = world.accept("parcel")
    there = world.hand_off(world.posts.release(COUNTER, CENTRE, [(item, 1)]))
    back = world.hand_off(world.posts.release(CENTRE, COUNTER, [(item, 2)]))
    end = End(item, 3, COUNTER, world.posts.now, 5)
    last = world.alone("end", end, world.posts.signed("end", end, COUNTER), item)
    world.settle(first, there, back, last)
    assert world.records("parcel") == 4
    assert world.views.item_of(item).state == 2


def test_records_of_one_item_keep_their_order_across_lanes(world: World) -> None:
    """The second lane waits until the first is done with the item; other items do not wait."""
    item = world.posts.item("parcel")
    first = world.accept("parcel")
    there = world.hand_off(world.posts.release(COUNTER, CENTRE, [(item, 1)]), lane=OTHER)
    free = world.accept("letter", lane=OTHER)
    back = world.hand_off(world.posts.release(CENTRE, COUNTER, [(item, 2)]))
    world.sender.step()
    states = [world.row(digest).state for digest in (first, there, free, back)]
    assert states == ["sent", "pending", "sent", "pending"]
    world.settle(first, there, free, back)
    assert not [row for row in world.transactions() if row.state != "mined"]


def test_stamps_are_issued_voided_and_used(world: World) -> None:
    issued = world.put("issue", Issue(EDITION, 11, 14, COUNTER))
    world.settle(issued)
    franked = world.accept("parcel", stamps=world.posts.stamps(11, 12))
    void = world.put("void", Void(EDITION, 13, 14, 1))
    world.settle(franked, void)
    uses = [world.views.use_of(stamp) for stamp in world.posts.stamps(11, 12, 13, 14)]
    assert [use.is_void for use in uses] == [False, False, True, True]
    assert all(use.block_number for use in uses)


def test_every_act_is_settled_by_its_transaction(world: World) -> None:
    """B2: an act has no digest on chain."""
    right = world.posts.right("new key")
    fresh = CENTRE + 7
    for kind, payload in {
        "admit_operator": {
            "operator": 3,
            "admin": hexed(address("sender")),
            "name": "Poste de Cythère",
        },
        "add_submitter": {"operator": 3, "submitter": hexed(address("anyone"))},
        "add_stamp_signer": {"operator": 3, "signer": hexed(address("stamps"))},
        "revoke_stamp_signer": {"operator": 3, "signer": hexed(address("stamps"))},
        "suspend_operator": {"operator": 3},
        "reinstate_operator": {"operator": 3},
        "enrol": {"custodian": fresh, "kind": 3, "place": "ARK8", "right": right},
        "grant_right": {"custodian": fresh, "right": world.posts.right("newer key")},
        "compromise": {"custodian": fresh, "key": hexed(address("newer key"))},
        "suspend_custodian": {"custodian": fresh},
        "reinstate_custodian": {"custodian": fresh},
        "create_edition": {"edition": EDITION + 5, "terms": terms(world)},
        "withdraw_edition": {"edition": EDITION, "from": world.posts.now + 91 * DAY_SECONDS},
    }.items():
        world.act(kind, ADMIN, payload)
    world.settle(*world.digests())
    signer = world.views.stamp_signer(3, address("stamps"))
    assert 0 < signer.added_block <= signer.revoked_block


def terms(world: World) -> dict[str, Any]:
    found = world.posts.terms()
    return {name: found[name] for name in found if name not in ("withdrawn_from", "created_at")}


def test_a_stream_of_kinds_shares_transactions(world: World) -> None:
    digests = []
    for n in range(10):
        item = world.posts.item(f"item {n}")
        digests.append(world.accept(f"item {n}"))
        digests.append(world.hand_off(world.posts.release(COUNTER, CENTRE, [(item, 1)])))
    world.settle(*digests)
    assert len(world.transactions()) == 2


def test_no_more_transactions_are_under_way_than_allowed(world: World) -> None:
    """Besu keeps few transactions of one sender."""
    world.restart(pace=replace(EAGER, in_flight=2, calldata_bytes=1_500, mine_every_seconds=None))
    digests = [world.accept(f"item {n}") for n in range(12)]
    for _ in range(6):
        world.sender.step()
    assert [row.nonce for row in world.transactions()] == [0, 1]
    world.restart(pace=replace(EAGER, in_flight=2, calldata_bytes=1_500))
    world.settle(*digests)
    assert len(world.transactions()) == 6


# --- what the chain refuses -------------------------------------------------------------------------
def test_a_refused_record_takes_no_good_one_with_it(world: World) -> None:
    """G2: the reason is asked for at the head, and kept in words."""
    world.posts.accept("taken")
    world.posts.mine()
    world.index()
    world.posts.now += 1  # another acceptance of the same item
    good, bad, fine = world.accept("good"), world.accept("taken"), world.accept("fine")
    world.resolve(good, bad, fine)
    assert [world.row(d).state for d in (good, bad, fine)] == ["settled", "rejected", "settled"]
    kept = world.row(bad).refusal
    assert (kept["name"], kept["rule"]) == ("AlreadyAccepted", "C1")
    assert kept["detail"] == "This item was accepted before."
    assert kept["values"] == {"item": hexed(world.posts.item("taken"))}


def test_a_record_that_somebody_else_brought_is_settled(world: World) -> None:
    """Anyone may submit what is signed (G1): the digest settles it, and it is no refusal."""
    record = world.posts.acceptance("parcel")
    payload = world.posts.signed("acceptance", record, COUNTER)
    world.posts.call("CustodyLedger", "accept", payload)
    items = (world.posts.item("parcel"),)
    digest = world.submit("acceptance", payload, world.posts.digest(record), items=items)
    world.settle(digest)
    assert world.records("parcel") == 1


def test_a_reverted_act_is_rejected(world: World) -> None:
    digest = world.act("create_edition", ADMIN, {"edition": EDITION, "terms": terms(world)})
    after = world.act("suspend_custodian", ADMIN, {"custodian": CUSTOMS})
    world.resolve(digest, after)
    assert world.row(digest).refusal["name"] == "EditionExists"
    assert world.row(after).state == "settled"


def test_what_another_lane_has_yet_to_make_possible_is_tried_again(world: World) -> None:
    """The issue of the stamps is under way in another lane when the acceptance is refused (G2)."""
    world.restart(pace=replace(EAGER, mine_every_seconds=None))
    parcel = world.accept("parcel", stamps=world.posts.stamps(11))
    world.steps(lambda: world.row(parcel).state == "sent")
    world.posts.mine()
    world.index()
    world.posts.issue(11, 11)
    world.posts.mine()
    world.restart(pace=EAGER)
    world.settle(parcel)
    assert len(world.transactions()) == 2


def test_a_passed_deadline_is_expired_not_rejected(world: World) -> None:
    """B8, C5: by the chain's clock, before it is sent or after the chain has said so."""
    world.posts.accept("parcel")
    world.posts.mine()
    world.index()
    release = world.posts.release(COUNTER, CENTRE, [(world.posts.item("parcel"), 1)])
    past = replace(release, time=release.time - 900, deadline=release.time - 60)
    known = world.hand_off(past, expires_at=past.deadline)
    world.resolve(known)
    assert (world.row(known).state, world.transactions()) == ("expired", [])
    later = replace(past, deadline=past.deadline + 1)
    unknown = world.hand_off(later)
    world.resolve(unknown)
    assert [world.row(d).state for d in (known, unknown)] == ["expired", "expired"]
    assert world.row(unknown).refusal["name"] == "PastDeadline"
    assert len(world.transactions()) == 1


def test_what_was_withdrawn_is_never_sent(world: World) -> None:
    digest, other = world.accept("parcel"), world.accept("letter")
    with begin(world.engine) as db:
        assert submissions.withdraw(db, digest)
    world.settle(other)
    assert world.row(digest).state == "withdrawn"
    assert world.records("parcel") == 0


def test_a_payload_that_makes_no_call_stops_nobody(world: World) -> None:
    good, bad, fine = world.accept("good"), world.accept("bad"), world.accept("fine")
    with begin(world.engine) as db:
        change = {"payload": {"acceptance": "?", "signature": "0x"}}
        db.execute(update(submission).where(submission.c.digest == bad).values(**change))
    world.resolve(good, bad, fine)
    assert [world.row(d).state for d in (good, bad, fine)] == ["settled", "rejected", "settled"]
    assert world.row(bad).refusal["name"] == "Unreadable"


def test_a_chain_whose_clock_is_behind_costs_no_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C5: neither the record that lies ahead of its time nor what follows it is given up."""
    monkeypatch.setattr(unrecorded, "LONGEST_REST_SECONDS", 0.0)
    world.posts.now += DAY_SECONDS
    parcel = world.posts.item("parcel")
    early = world.accept("parcel")
    follows = world.hand_off(world.posts.release(COUNTER, CENTRE, [(parcel, 1)]))
    for _ in range(3 * unrecorded.MOST_TRIES):
        world.sender.step()
        world.index()
    assert {world.row(d).state for d in (early, follows)} <= {"pending", "sent"}
    world.posts.rpc.call("anvil_setTime", world.posts.now)
    world.settle(early, follows)


# --- what waits -------------------------------------------------------------------------------------
def arrived(world: World) -> Any:
    """Judges by the chain alone: pending once the item has the first line's number, refused beyond it."""

    def reconsider(db: Connection, row: Row[Any]) -> str | Refusal:
        line = row.payload["release"]["lines"][0]
        item = bytes.fromhex(line["item"][2:])
        number = world.views.item_of(item).number
        if number > line["number"]:
            return refusal("StaleNumber", item=item, given=line["number"], current=number)
        return "pending" if number == line["number"] else "held"

    return reconsider


def test_a_held_record_is_sent_when_its_predecessor_arrives(world: World) -> None:
    """B8: held, not rejected; what follows it waits with it."""
    world.reconsider = arrived(world)
    world.restart()
    item = world.posts.item("parcel")
    onward = world.hand_off(world.posts.release(CENTRE, COUNTER, [(item, 2)]), waits_for="it")
    more = world.hand_off(world.posts.release(COUNTER, CENTRE, [(item, 3)]))
    world.posts.accept("parcel")
    world.posts.mine()
    for _ in range(3):
        world.sender.step()
        world.index()
    assert [world.row(d).state for d in (onward, more)] == ["held", "pending"]
    world.posts.hand_off(COUNTER, CENTRE, (item, 1))
    world.posts.mine()
    world.settle(onward, more)
    assert world.row(onward).waits_for is None
    assert world.records("parcel") == 4


def test_a_held_record_that_can_never_be_good_is_rejected(world: World) -> None:
    world.reconsider = arrived(world)
    world.restart()
    item = world.posts.item("parcel")
    stale = world.hand_off(world.posts.release(COUNTER, CUSTOMS, [(item, 1)]), waits_for="it")
    world.posts.accept("parcel")
    world.posts.hand_off(COUNTER, CENTRE, (item, 1))
    world.posts.mine()
    world.resolve(stale)
    assert world.row(stale).refusal["name"] == "StaleNumber"
    assert world.transactions() == []


# --- many, and for long -----------------------------------------------------------------------------
def test_two_senders_send_everything_once(world: World) -> None:
    """B6: they coordinate through PostgreSQL only."""
    second = world.new_sender(world.node(world.url))
    digests = []
    stop = threading.Event()
    threads = [threading.Thread(target=s.run, args=(stop,)) for s in (world.sender, second)]
    for thread in threads:
        thread.start()
    try:
        for n in range(30):
            digests.append(world.accept(f"item {n}"))
            digests.append(world.accept(f"letter {n}", lane=OTHER))
            world.index()

        def all_settled() -> bool:
            world.index()
            return all(world.row(digest).state == "settled" for digest in digests)

        assert wait_until(all_settled, 20), world.states()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [world.records(f"item {n}") for n in range(30)] == [1] * 30
    for lane in (SUBMITTER, OTHER):
        ours = [row for row in world.transactions() if row.lane == world.signer.address(lane)]
        assert [row.nonce for row in ours] == list(range(world.nonce(lane)))


def test_a_lane_passes_to_another_sender_when_its_worker_ends(world: World) -> None:
    first = world.accept("parcel")
    world.settle(first)
    second = world.new_sender()
    world.accept("letter")
    assert not second.step()
    assert len(world.transactions()) == 1
    world.sender.close()
    second.step()
    assert len(world.transactions()) == 2
    second.close()


def test_a_closed_sender_has_given_its_lanes_back(world: World) -> None:
    """Not when PostgreSQL comes to notice that a connection is gone."""
    world.accept("parcel")
    world.sender.step()
    with world.engine.connect() as db:
        for _ in range(30):
            world.sender.close()
            assert outbox.try_lock_lane(db, SUBMITTER)
            db.exec_driver_sql("SELECT pg_advisory_unlock_all()")
            world.sender.step()


def test_an_idle_sender_asks_the_node_nothing(world: World) -> None:
    world.settle(world.accept("parcel"))
    asked: list[str] = []
    node = world.node(world.url)
    node.request = lambda method, *_: asked.append(method)  # type: ignore[method-assign]
    world.restart(node)
    started = time.monotonic()
    for _ in range(20):
        assert not world.sender.step()
    assert asked == []
    assert time.monotonic() - started < 5
