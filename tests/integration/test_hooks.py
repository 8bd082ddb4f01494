"""What web hooks are told, in which order, how often, and what if nobody takes it (reliability.md, test 30)."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from databases import somebody_waits
from indexing import alarms
from posts import CENTRE, COUNTER, CUSTOMS, Posts, forkable_anvil
from receiver import Received, Receiver
from sqlalchemy import Connection, Engine, select
from story import tell as tell_everything
from telling import Telling, kill_at_the_instant, teller

from backend.api.answers.hooks import about_record
from backend.api.answers.trails import AuditRow
from backend.embedded.processes import wait_until
from backend.errors import Unavailable
from backend.hooks import tell
from backend.hooks.tell import MANY_REFUSED, WAITS
from backend.indexer.rebuild import rebuild
from backend.queries.audit import Filters, search
from backend.queries.hooks import hooks
from backend.queries.status import status
from backend.store import hooks as rows
from backend.store.engine import begin
from backend.store.tables import entry, hook_message

WORDS = [f"item {n}" for n in range(5)]


@pytest.fixture
def told(tmp_path: Path, engine: Engine) -> Iterator[Telling]:
    with forkable_anvil(tmp_path) as url:
        posts = Posts(url)
        posts.found()
        yield Telling(posts, engine)
        posts.close()


@pytest.fixture
def hook(told: Telling) -> Iterator[tuple[int, Receiver]]:
    """Of operator 1."""
    with told.hook() as made:
        yield made


@pytest.fixture
def number(hook: tuple[int, Receiver]) -> int:
    return hook[0]


@pytest.fixture
def receiver(hook: tuple[int, Receiver]) -> Receiver:
    return hook[1]


def accept(told: Telling, *words: str) -> list[bytes]:
    """Final acceptances of these words' items, at the counter."""
    items = [told.posts.accept(word) for word in words]
    told.finalize()
    return items


def hand_over(told: Telling, items: list[bytes], times: int) -> None:
    """Each item to the centre and back, so often in all; final."""
    between = [(COUNTER, CENTRE), (CENTRE, COUNTER)]
    for nth in range(times):
        told.posts.mine()
        told.posts.hand_off(*between[nth % 2], *((item, nth + 1) for item in items))
    told.finalize()


def keys(engine: Engine) -> list[tuple[str, int]]:
    """All records, in the order of the chain."""
    order = entry.c.block_number, entry.c.log_index, entry.c.item, entry.c.record
    with begin(engine) as db:
        return [
            ("0x" + row.item.hex(), row.record)
            for row in db.execute(select(entry).order_by(*order))
        ]


def in_order(received: list[Received]) -> bool:
    """Whether nothing of an item overtook an earlier record of it, repeats left aside."""
    newest: Counter[str] = Counter()
    for one in received:
        item, record = one.key
        if record > newest[item] + 1:
            return False
        newest[item] = max(newest[item], record)
    return True


# --- what is told -----------------------------------------------------------------------------------
def test_each_final_record_is_told_once_in_the_order_of_the_chain(
    told: Telling, receiver: Receiver
) -> None:
    tell_everything(told.posts)
    told.finalize()
    told.tell()
    assert [one.key for one in receiver.taken] == keys(told.engine)
    assert len({one.id for one in receiver.taken}) == len(receiver.taken) > 50
    told.tell()
    assert len(receiver.taken) == len(keys(told.engine))
    assert told.summary().waiting == 0


def test_a_message_says_what_the_auditors_table_says_and_that_it_is_final(
    told: Telling, receiver: Receiver
) -> None:
    accept(told, "a parcel")
    told.tell()
    (came,) = receiver.taken
    with begin(told.engine) as db:
        (row,) = search(db, Filters()).rows
    shown = json.loads(AuditRow.model_validate(row).model_dump_json())
    assert came.body["data"] == shown | {"trail": f"/v1/trails/{shown['item']}"}
    assert (came.body["type"], shown["status"]) == ("record.acceptance", "final")
    assert came.body["timestamp"] == time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(shown["block_time"])
    )


def test_nothing_is_told_that_could_be_taken_back(told: Telling, receiver: Receiver) -> None:
    """Of two blocks that replace each other, the one that stays is told; nothing before it is final."""
    told.posts.accept("replaced")
    told.posts.mine()
    told.index()
    told.tell()
    assert receiver.came == []
    told.posts.reorganise(1, lambda posts: posts.accept("instead"))
    told.finalize()
    told.tell()
    assert [one.key for one in receiver.taken] == [("0x" + told.posts.item("instead").hex(), 1)]


def test_a_look_that_is_full_beyond_what_is_final_ends_there(
    told: Telling, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_AT_ONCE", 2)
    accept(told, "final")
    told.posts.accept("not final")
    told.posts.mine()
    told.index()
    told.tell()
    assert len(receiver.came) == 1


def test_a_new_hook_is_not_told_of_the_past(told: Telling) -> None:
    accept(told, "before")
    with told.hook() as (_, receiver):
        told.tell()
        assert receiver.came == []
        accept(told, "after")
        told.tell()
        assert len(receiver.taken) == 1


def test_an_operator_is_told_of_an_item_from_when_it_has_to_do_with_it(told: Telling) -> None:
    """Who accepted it is told of all; customs from the hand-off to it on, and of nothing that never came to it."""
    with told.hook(1) as (_, post), told.hook(2) as (_, customs):
        seen, _ = accept(told, "seen by customs", "never seen by customs")
        hand_over(told, [seen], 1)
        told.posts.hand_off(CENTRE, CUSTOMS, (seen, 2))
        told.posts.mine()
        told.posts.hand_off(CUSTOMS, CENTRE, (seen, 3))
        told.posts.mine()
        told.posts.report(seen, CENTRE)
        told.finalize()
        told.tell()
    item = "0x" + seen.hex()
    assert [one.key for one in customs.taken] == [(item, 3), (item, 4), (item, 5)]
    assert [one.key for one in post.taken] == keys(told.engine)
    assert not {one.id for one in post.taken} & {one.id for one in customs.taken}


def test_a_rebuilt_model_tells_nothing_again(told: Telling, receiver: Receiver) -> None:
    accept(told, *WORDS)
    told.tell()
    rebuild(told.engine, told.posts.deployment)
    told.tell()
    assert len(receiver.came) == len(WORDS)


def test_what_is_made_ready_at_a_time_is_bounded(
    told: Telling, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(rows, "MOST_WAITING", 3)
    receiver.answer = lambda _: 503
    for word in WORDS:
        told.posts.accept(word)
        told.posts.mine()
    told.finalize()
    told.tell()
    assert told.summary().waiting == 4, "two and two, and then no more"
    receiver.answer = lambda _: 204
    told.pass_time(WAITS[0] * 2)
    told.tell()
    assert [one.key for one in receiver.taken] == keys(told.engine)


# --- what is not taken ------------------------------------------------------------------------------
def test_an_item_that_is_refused_waits_in_its_order_and_holds_up_no_other(
    told: Telling, receiver: Receiver
) -> None:
    items = accept(told, *WORDS)
    bad = "0x" + items[0].hex()
    receiver.answer = lambda one: 500 if one.key[0] == bad else 204
    hand_over(told, items, 2)
    told.tell()
    assert len(receiver.taken) == (len(WORDS) - 1) * 3
    assert [one.key for one in receiver.came if one.key[0] == bad] == [(bad, 1)]
    assert (told.state().state, told.state().waiting) == ("on", 3)
    told.pass_time(WAITS[0] * 0.9)
    told.tell()
    assert len(receiver.came) == len(receiver.taken) + 1, "not yet"
    receiver.answer = lambda _: 204
    told.pass_time(WAITS[0] * 0.2)
    told.tell()
    assert in_order(receiver.taken)
    assert sorted(one.key for one in receiver.taken) == sorted(keys(told.engine))


def test_the_schedule_is_kept_with_the_same_id_and_a_new_time_until_the_hook_is_disabled(
    told: Telling, receiver: Receiver, number: int
) -> None:
    accept(told, "refused")
    receiver.answer = lambda _: 400
    clock = iter(range(-len(WAITS), 1))
    told.teller = teller(told.engine, clock=lambda: time.time() + next(clock))
    for nth, seconds in enumerate(WAITS, start=1):
        told.tell()
        assert len(receiver.came) == nth
        assert seconds - 2 <= told.seconds_until("hook_message") <= seconds * 1.1
        told.pass_time(seconds * 1.1)
    assert (told.state().state, told.state().trouble) == ("on", "it answered 400")
    told.tell()
    assert len(receiver.came) == len(WAITS) + 1
    assert len({one.id for one in receiver.came}) == 1
    assert len({one.time for one in receiver.came}) > 5
    assert told.state().state == "disabled"
    assert alarms(told.engine) == [
        f"Web hook {number} of operator 1 was switched off: it answered 400, the last of 10 times. "
        f"When its receiver is right: `posthorn hook on {number}`."
    ]


def test_a_hook_that_is_switched_on_again_goes_on_where_it_stood(
    told: Telling, receiver: Receiver, number: int
) -> None:
    accept(told, "first")
    receiver.answer = lambda _: 410
    told.tell()
    assert (told.state().state, told.state().trouble) == ("disabled", "it answered 410")
    assert len(alarms(told.engine)) == 1
    receiver.answer = lambda _: 204
    accept(told, "while it was off")
    told.tell()
    assert (receiver.taken, len(receiver.came)) == ([], 1)
    with begin(told.engine) as db:
        rows.switch_on(db, number)
    told.tell()
    assert [one.key for one in receiver.taken] == keys(told.engine)
    assert (told.state().trouble, alarms(told.engine)) == ("", [])


def test_a_receiver_that_is_away_is_asked_once_at_a_time_and_everything_waits(
    told: Telling, receiver: Receiver
) -> None:
    """Bounded work: one call at each time of the schedule, however much there is to be told."""
    accept(told, *WORDS)
    receiver.answer = lambda _: 502
    for nth, seconds in enumerate(WAITS, start=1):
        told.tell()
        assert len(receiver.came) == nth
        assert seconds - 2 <= told.seconds_until() <= seconds * 1.1
        told.pass_time(seconds * 1.1)
    receiver.answer = lambda _: 204
    told.pass_time(WAITS[-1])
    told.tell()
    assert [
        one.key for one in sorted(receiver.taken, key=lambda one: keys(told.engine).index(one.key))
    ] == keys(told.engine)
    assert told.state().trouble == ""


def test_a_receiver_that_stays_away_disables_its_hook(told: Telling, receiver: Receiver) -> None:
    accept(told, *WORDS)
    receiver.answer = lambda _: 504
    for _ in range(len(WAITS) + 1):
        assert told.state().state == "on"
        told.tell()
        told.pass_time(WAITS[-1] * 1.1)
    assert told.state().state == "disabled"
    assert told.summary().waiting == len(WORDS), "nothing is lost"
    told.tell()
    assert len(receiver.came) == len(WAITS) + 1


def test_many_refusals_in_a_row_are_the_receivers_own(told: Telling, receiver: Receiver) -> None:
    """An address that is wrong answers 404 to everything: it is not asked for each record."""
    accept(told, *(f"item {n}" for n in range(MANY_REFUSED + 5)))
    receiver.answer = lambda _: 404
    told.tell()
    assert len(receiver.came) == MANY_REFUSED
    assert told.seconds_until() > WAITS[0] - 2
    told.pass_time(WAITS[0] * 0.5)
    told.tell()
    assert len(receiver.came) == MANY_REFUSED


@pytest.mark.parametrize("code", [429, 503])
def test_a_pause_that_is_asked_for_is_kept_and_counts_against_no_message(
    told: Telling, receiver: Receiver, code: int
) -> None:
    accept(told, *WORDS)
    receiver.answer, receiver.headers = lambda _: code, {"Retry-After": "600"}
    told.tell()
    assert (len(receiver.came), round(told.seconds_until() / 10)) == (1, 60)
    with begin(told.engine) as db:
        assert set(db.scalars(select(hook_message.c.attempts))) == {0}
    receiver.headers = {"Retry-After": "0"}
    told.pass_time(601)
    told.tell()
    assert told.seconds_until() > WAITS[1] - 2, "no sooner than the schedule has it"
    receiver.answer = lambda _: 204
    told.pass_time(WAITS[1] * 1.1)
    told.tell()
    assert [one.key for one in receiver.taken] == keys(told.engine)


def test_no_answer_in_time_is_told_again_with_the_same_id(
    told: Telling, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver may have taken it: by the id it knows the repeat."""
    monkeypatch.setattr("backend.hooks.call.WHOLE_SECONDS", 0.2)
    slow = iter([0.5])

    def answer(_: Received) -> int:
        time.sleep(next(slow, 0))
        return 204

    receiver.answer = answer
    accept(told, "slow")
    told.tell()
    assert told.state().trouble.startswith("no answer in time")
    told.pass_time(WAITS[0] * 1.1)
    told.tell()
    assert wait_until(lambda: len(receiver.taken) == 2, 5)
    assert len({one.id for one in receiver.taken}) == 1
    assert told.summary().waiting == 0


# --- workers ----------------------------------------------------------------------------------------
def test_a_worker_that_is_killed_when_it_has_told_leaves_it_to_be_told_again_with_the_same_id(
    told: Telling, receiver: Receiver
) -> None:
    """K12."""
    accept(told, *WORDS)
    kill_at_the_instant(told.engine)
    assert len(receiver.came) == 2
    told.tell()
    twice = [name for name, n in Counter(one.id for one in receiver.came).items() if n == 2]
    assert twice == [receiver.came[1].id]
    assert len({one.id for one in receiver.came}) == len(WORDS)
    assert in_order(receiver.came)


def test_two_workers_tell_each_message_once_and_in_order(told: Telling) -> None:
    with told.hook(1) as (_, one), told.hook(1) as (_, other):
        items = accept(told, *WORDS)
        hand_over(told, items, 4)
        stop = threading.Event()
        workers = [
            threading.Thread(target=teller(told.engine).run, args=(stop, 0.01), daemon=True)
            for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        everything = keys(told.engine)
        done = wait_until(lambda: min(len(one.taken), len(other.taken)) >= len(everything), 30)
        stop.set()
        for worker in workers:
            worker.join()
        assert done
        assert [r.key for r in one.came] == [r.key for r in other.came] == everything


def test_a_hook_that_answers_slowly_holds_up_no_other(told: Telling) -> None:
    with told.hook(1) as (_, slow), told.hook(1) as (_, quick):
        waits = threading.Event()
        slow.answer = lambda _: 204 if waits.wait(20) else 500
        accept(told, *WORDS)
        stop = threading.Event()
        worker = threading.Thread(target=told.teller.run, args=(stop, 0.01), daemon=True)
        worker.start()
        assert wait_until(lambda: len(quick.taken) == len(WORDS), 10)
        assert slow.taken == []
        waits.set()
        assert wait_until(lambda: len(slow.taken) == len(WORDS), 10)
        stop.set()
        worker.join()


def test_many_hooks_that_answer_slowly_hold_up_no_other_for_long(
    told: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than are told at a time, each with more to be told than fits into its turn."""
    monkeypatch.setattr(tell, "TURN_SECONDS", 0.1)
    words = [f"{word} {n}" for word in WORDS for n in range(20)]
    with ExitStack() as several:
        slow = [several.enter_context(told.hook(1))[1] for _ in range(tell.HANDS)]
        quick = several.enter_context(told.hook(1))[1]
        for one in slow:
            one.answer = lambda _: time.sleep(0.05) or 204
        accept(told, *words)
        stop = threading.Event()
        worker = threading.Thread(target=told.teller.run, args=(stop, 0.01), daemon=True)
        worker.start()
        assert wait_until(lambda: len(quick.taken) == len(words), 20)
        assert all(len(one.taken) < len(words) for one in slow)
        stop.set()
        worker.join()


def test_a_record_that_cannot_be_written_holds_up_its_item_alone(
    told: Telling, receiver: Receiver, number: int
) -> None:
    """Whatever is wrong with it: the others are told, and a person is, in the end."""
    bad, good = accept(told, "a parcel", "a letter")

    def write(db: Connection, item: bytes, record: int) -> str | None:
        return about_record(db, item, {bad: {}, good: {1: 1}}[item][record])

    told.teller = tell.Teller(told.engine, told.teller._hooks, write)
    told.tell()
    assert [one.key for one in receiver.taken] == [("0x" + good.hex(), 1)]
    assert (told.summary().waiting, told.state().trouble) == (1, "")
    for _ in tell.WAITS:
        told.pass_time(100_000)
        told.tell()
    assert told.state().state == "disabled"
    assert "record 1 cannot be written (KeyError(1))" in told.state().trouble
    assert len(alarms(told.engine)) == 1


@pytest.mark.parametrize("act", [rows.switch_off, rows.remove])
def test_what_a_person_does_while_a_hook_is_called_stands(
    told: Telling, receiver: Receiver, number: int, act: Callable[[Connection, int], None]
) -> None:
    """The receiver wants no more, and somebody has just seen to that: no alarm, and no state of another's making."""

    def gone(_: object) -> int:
        with begin(told.engine) as db:
            act(db, number)
        return 410

    receiver.answer = gone
    accept(told, "a parcel")
    told.tell()
    with begin(told.engine) as db:
        assert [hook.state for hook in hooks(db)] == (["off"] if act is rows.switch_off else [])
    assert alarms(told.engine) == []


def test_a_hook_is_switched_on_while_its_message_is_noted(
    told: Telling, receiver: Receiver, number: int
) -> None:
    """Both take the hook before its messages: neither waits for what the other has."""
    (item,) = accept(told, "a parcel")
    receiver.answer = lambda _: 500
    told.tell()
    with begin(told.engine) as noting:
        rows.lock(noting, number)
        switching = ThreadPoolExecutor(1).submit(switch_on, told.engine, number)
        assert wait_until(lambda: somebody_waits(told.engine), 10)
        rows.note_told(noting, number, item, 1)
    switching.result(10)
    assert told.summary().waiting == 0


def switch_on(engine: Engine, number: int) -> None:
    with begin(engine) as db:
        rows.switch_on(db, number)


def test_a_worker_ends_with_what_nobody_foresaw_and_waits_for_a_database_that_is_away(
    told: Telling, number: int
) -> None:
    accept(told, "a parcel")
    away = [Unavailable("The database is away.")]
    stop = threading.Event()

    def write(*_: object) -> str:
        raise away.pop() if away else ZeroDivisionError

    worker = tell.Teller(told.engine, told.teller._hooks, write)
    with pytest.raises(ZeroDivisionError):
        worker.run(stop, 0.01)
    assert away == []
    assert told.summary().waiting == 1


def test_a_hook_that_is_switched_off_or_removed_is_told_nothing(
    told: Telling, receiver: Receiver, number: int
) -> None:
    accept(told, *WORDS)
    with begin(told.engine) as db:
        rows.switch_off(db, number)
    told.tell()
    assert receiver.came == []
    with begin(told.engine) as db:
        rows.switch_on(db, number)
    receiver.answer = lambda _: 410
    told.tell()
    with begin(told.engine) as db:
        rows.remove(db, number)
    told.tell()
    assert (len(receiver.came), told.summary().waiting, alarms(told.engine)) == (1, 0, [])


def test_the_status_says_what_waits_and_that_nobody_looks_after_hooks(
    told: Telling, receiver: Receiver
) -> None:
    accept(told, *WORDS)
    receiver.answer = lambda _: 500
    told.tell()
    found = told.summary()
    assert (found.on, found.failing, found.disabled, found.waiting) == (1, 1, 0, len(WORDS))
    assert found.oldest_waiting_seconds is not None
    assert not found.unseen
    with begin(told.engine) as db:
        db.exec_driver_sql("UPDATE hook SET looked_at = now() - interval '61 seconds'")
        unseen = "nobody has looked after them"
        assert any(unseen in alarm for alarm in status(db).alarms)
    told.tell()
    assert not told.summary().unseen


@pytest.mark.usefixtures("number")
def test_the_status_says_that_nothing_is_told_where_nothing_is_final(told: Telling) -> None:
    """A chain without the `finalized` tag, and no depth set: silence would look like health."""
    words = "nothing is ever told"
    with begin(told.engine) as db:
        assert not any(words in alarm for alarm in status(db).alarms)
        db.exec_driver_sql("UPDATE chain_state SET finalized_number = NULL")
        assert any(words in alarm for alarm in status(db).alarms)


def test_hooks_that_wait_for_their_turn_are_not_called_forgotten(told: Telling) -> None:
    with told.hook(1) as (waiting, _), told.hook(1):
        with begin(told.engine) as db:
            old = "UPDATE hook SET looked_at = now() - interval '61 seconds' WHERE id = %s"
            db.exec_driver_sql(old, (waiting,))
        assert not told.summary().unseen
