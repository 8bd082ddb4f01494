"""The indexer on a real chain and a real database: what the chain says is what the rows say, always."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import NewDatabase, databases, rows
from indexing import CHAIN, catch_up, index, indexer_of
from log_vectors import FILE, record
from posts import (
    CENTRE,
    COUNTER,
    CUSTOMS,
    EDITION,
    Posts,
    address,
    forkable_anvil,
)
from sqlalchemy import Engine, delete, func, insert, select, text, update
from story import tell

from backend.chain.views import Views
from backend.domain.ids import custodian_number, edition_number, is_receptacle, stamp_number
from backend.domain.trail import Packed, fold, packed
from backend.domain.typed_data import Issue, Signed
from backend.indexer.decode import Decoder
from backend.indexer.fsck import fsck
from backend.indexer.rebuild import rebuild
from backend.indexer.rewind import rewind
from backend.store import tally as tally_rows
from backend.store.entries import entry_from_row, state_from_row
from backend.store.tables import (
    content,
    custodian,
    edition,
    entry,
    equivocation,
    item,
    log,
    operator,
    quarantine,
    recorded,
    signing_right,
    stamp_signer,
    stamp_use,
    submitter,
    tally,
    twin,
)


@pytest.fixture
def posts(tmp_path: Path) -> Iterator[Posts]:
    with forkable_anvil(tmp_path) as url:
        network = Posts(url)
        network.found()
        yield network
        network.close()


@pytest.fixture
def new_database(postgres_url: str) -> Iterator[NewDatabase]:
    with databases(postgres_url) as make:
        yield make


def found(engine: Engine, query: Any) -> Any:
    with engine.connect() as db:
        return db.execute(query).all()


# --- records in, rows out -----------------------------------------------------------------------------
def test_the_model_is_what_the_contracts_say(posts: Posts, engine: Engine) -> None:
    """CE7, S4, S5: heads, holders, counters, times and uses, asked of the contracts themselves."""
    tell(posts)
    index(posts, engine)
    assert found(engine, select(func.count()).select_from(item))[0][0] == 19
    assert found(engine, select(quarantine)) == []
    assert fsck(engine, Views(posts.node, posts.deployment), posts.deployment) == []


def test_the_golden_logs_are_those_of_this_chain(posts: Posts) -> None:
    """What the decoder's own tests read: tests/integration/log_vectors.py writes it anew."""
    tell(posts)
    assert record(posts) == json.loads(FILE.read_text())


def test_fsck_names_what_differs(posts: Posts, engine: Engine) -> None:
    tell(posts)
    index(posts, engine)
    parcel = posts.item("parcel")
    with engine.begin() as db:
        db.execute(update(item).where(item.c.item == parcel).values(holder=COUNTER))
        db.execute(update(stamp_use).values(block_number=1))
    differences = fsck(engine, Views(posts.node, posts.deployment), posts.deployment)
    assert [d.what for d in differences] == ["holder of item"] + ["use of stamp"] * 4
    assert (differences[0].key, differences[0].in_model, differences[0].on_chain) == (
        parcel,
        COUNTER,
        0,
    )


def test_fsck_names_counts_that_are_not_those_of_the_rows(posts: Posts, engine: Engine) -> None:
    tell(posts)
    index(posts, engine)
    with engine.begin() as db:
        counted = tally_rows.counted(db)
        assert tally_rows.kept(db) == counted
        assert min(counted[name] for name in tally_rows.NAMES if name != "twins_claimed") > 0
        db.execute(update(tally).values(records=tally.c.records + 1))
    (found,) = fsck(engine, Views(posts.node, posts.deployment), posts.deployment)
    assert found.what == "count of records"
    assert (found.in_model, found.on_chain) == (counted["records"] + 1, counted["records"])


def test_fsck_names_records_that_differ_from_the_stored_logs(posts: Posts, engine: Engine) -> None:
    """A date changed, a record taken out, one added: heads and holders on chain say nothing of these."""
    tell(posts)
    index(posts, engine)
    parcel, letter = posts.item("parcel"), b"\x07" * 32
    first = (entry.c.item == parcel, entry.c.record == 1)
    with engine.begin() as db:
        was = db.execute(select(entry).where(*first)).one()
        changed = was.body | {"time": was.body["time"] + 60}
        db.execute(update(entry).where(*first).values(body=changed))
        db.execute(delete(entry).where(entry.c.item == parcel, entry.c.record == 2))
        db.execute(insert(entry).values(**was._asdict() | {"item": letter}))
        late = {"item": letter, "record": 2, "block_number": was.block_number + 1_000_000}
        db.execute(insert(entry).values(**was._asdict() | late))
    differences = fsck(engine, Views(posts.node, posts.deployment), posts.deployment)
    assert {(d.what, d.key, d.record, d.in_model, d.on_chain) for d in differences} == {
        ("time of record", parcel, 1, was.body["time"] + 60, was.body["time"]),
        ("record", parcel, 2, "missing", "there"),
        ("record", letter, 1, "there", "missing"),
        ("record", letter, 2, "there", "missing"),
    }


def test_evidence_of_equivocation_is_kept_beside_the_trail(posts: Posts, engine: Engine) -> None:
    """C10: who got it when, by the words of both; the trail has its two records, and fsck knows all of it."""
    tell(posts)
    index(posts, engine)
    twice = posts.item("twice")
    (row,) = found(engine, select(equivocation))
    assert (row.item, row.giver, row.number) == (twice, COUNTER, 1)
    assert (row.first["receiver"], row.second["receiver"]) == (CENTRE, CUSTOMS)
    assert row.first["released_at"] <= row.second["released_at"] < row.first["deadline"]
    kinds = select(entry.c.kind).where(entry.c.item == twice).order_by(entry.c.record)
    assert [one.kind for one in found(engine, kinds)] == ["acceptance", "hand_off"]
    with engine.begin() as db:
        db.execute(update(equivocation).values(giver=CUSTOMS))
    differences = fsck(engine, Views(posts.node, posts.deployment), posts.deployment)
    assert [(d.what, d.key) for d in differences] == [("equivocation of item", twice)] * 2
    with engine.begin() as db:
        db.execute(delete(equivocation))
    (missing,) = fsck(engine, Views(posts.node, posts.deployment), posts.deployment)
    assert (missing.what, missing.in_model) == ("equivocation of item", None)


def test_evidence_of_equivocation_goes_with_its_block(posts: Posts, engine: Engine) -> None:
    """B1, B4: after a reorganisation without it, and in a model that is built anew."""
    tell(posts)
    before = index(posts, engine)
    rebuild(engine, posts.deployment)
    assert rows(engine, CHAIN) == before
    assert found(engine, select(equivocation))
    with engine.begin() as db:
        decoder = Decoder(posts.contracts)
        (shown,) = found(engine, select(equivocation))
        rewind(db, decoder, shown.block_number - 1)
    assert found(engine, select(equivocation)) == []
    assert index(posts, engine) == before


def test_what_was_refused_whole_says_nothing_of_the_same_packing_later(
    posts: Posts, engine: Engine
) -> None:
    """CE6, CE9: anybody can send both in one transaction, with what lies between."""
    tell(posts)
    index(posts, engine)
    late, pouch = posts.item("late", CENTRE), posts.item("pouch")
    (inside,) = found(engine, select(content).where(content.c.item == late))
    (bag,) = found(engine, select(item.c.receptacle).where(item.c.item == pouch))
    assert inside.receptacle == bag.receptacle
    (packing,) = found(
        engine, select(entry.c.body).where(entry.c.item == pouch, entry.c.kind == "packing")
    )
    assert packing.body["refused"] == []


def test_fsck_compares_logs_in_parts(
    posts: Posts, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.indexer.fsck.MOST_LOGS", 1)
    test_fsck_names_records_that_differ_from_the_stored_logs(posts, engine)


def test_fsck_looks_at_the_custody_number_of_a_report(posts: Posts, engine: Engine) -> None:
    """No log bears it: it is the one of the record before (C3)."""
    tell(posts)
    index(posts, engine)
    report = found(engine, select(entry).where(entry.c.kind == "report"))[0]
    where = (entry.c.item == report.item, entry.c.record == report.record)
    with engine.begin() as db:
        db.execute(update(entry).where(*where).values(number=report.number + 1))
    (difference,) = fsck(engine, Views(posts.node, posts.deployment), posts.deployment)
    assert (difference.what, difference.key, difference.record) == (
        "number of record",
        report.item,
        report.record,
    )


def test_entries_come_back_from_their_rows_and_fold_to_the_item(
    posts: Posts, engine: Engine
) -> None:
    """C6, CE3: what an entry says was signed gives its digest; all of them give the head on chain."""
    tell(posts)
    index(posts, engine)
    for row in found(engine, select(item)):
        in_order = select(entry).where(entry.c.item == row.item).order_by(entry.c.record)
        trail = [entry_from_row(one) for one in found(engine, in_order)]
        now = state_from_row(row)
        # C7: what lies in a receptacle has no record of that yet.
        lies = now.holder if is_receptacle(now.holder) else None
        assert (packed(fold(trail), lies) if lies else fold(trail)) == now
        assert fold(trail).head == Views(posts.node, posts.deployment).head_of(row.item)
        for one in trail:
            signed = one.body.packing if isinstance(one.body, Packed) else one.body
            if isinstance(signed, Signed):
                assert one.digest == posts.digest(signed)


def test_a_hand_off_is_one_entry_for_each_line_with_what_was_given_and_found(
    posts: Posts, engine: Engine
) -> None:
    tell(posts)
    index(posts, engine)
    of_kind = (
        select(entry)
        .where(entry.c.kind == "hand_off")
        .order_by(entry.c.block_number, entry.c.log_index)
    )
    first, second, *_ = found(engine, of_kind.where(entry.c.actor == COUNTER))
    assert (first.item, second.item) == (posts.item("parcel"), posts.item("letter"))
    assert (first.line, first.receiver, len(first.signatures)) == (0, CENTRE, 2)
    assert (second.line, second.body["given"], second.body["found"]) == (1, 1, 2)
    assert first.digest == second.digest


def test_contents_of_a_receptacle_have_one_record_for_their_stay(
    posts: Posts, engine: Engine
) -> None:
    """C7: found, inferred, missing, and taken up out of it; the refused line of the packing packs nothing."""
    tell(posts)
    index(posts, engine)
    kinds = {
        word: [row.kind for row in found(engine, trail_of(posts.item(word)))]
        for word in ("bag", "found", "inferred", "gone", "loose")
    }
    assert kinds == {
        "bag": ["acceptance", "packing", "packing", "closing", "hand_off", "opening"],
        "found": ["acceptance", "report", "stay", "hand_off"],
        "inferred": ["acceptance", "stay"],
        "gone": ["acceptance", "missing", "hand_off"],
        "loose": ["acceptance", "take_up"],
    }
    seen, inferred = (
        found(engine, trail_of(posts.item(word)).where(entry.c.kind == "stay"))[0].body
        for word in ("found", "inferred")
    )
    assert (seen["verified"], inferred["verified"]) == (True, False)
    (state,) = found(engine, select(item).where(item.c.item == posts.item("inferred")))
    assert (state.holder, state.answer_why) == (CENTRE, "inferred_from_its_receptacle")
    assert found(engine, select(func.count()).select_from(content))[0][0] == 9


def trail_of(which: bytes) -> Any:
    return select(entry).where(entry.c.item == which).order_by(entry.c.record)


def test_a_forced_hand_off_says_who_stood_in(posts: Posts, engine: Engine) -> None:
    """C9: one signature, the receiver's."""
    tell(posts)
    index(posts, engine)
    van = custodian_number(1, 4)
    *_, forced = found(engine, trail_of(posts.item("stranded", van)))
    assert (forced.actor, forced.receiver, len(forced.signatures)) == (van, CENTRE, 1)
    assert forced.body["forced_by"] == str(posts.sender.address).lower()


def test_every_record_is_known_by_its_digest(posts: Posts, engine: Engine) -> None:
    """Issued and Voided bear none: theirs are computed in the stamps' domain."""
    word = posts.accept("parcel", stamps=posts.stamps(1))
    hand_off = posts.hand_off(COUNTER, CENTRE, (word, 1))
    cancel = posts.cancel(COUNTER, *posts.stamps(3, 4))
    claim = posts.claim(1, address("collector"))
    number = posts.mine()
    posts.show_original(1)
    index(posts, engine)
    at = {row.digest: row.block_number for row in found(engine, select(recorded))}
    issued = posts.digest(Issue(EDITION, 1, 10, COUNTER))
    assert at[issued] == number - 1
    assert {at[hand_off], at[cancel], at[claim]} == {number}


def test_stamps_know_their_use_and_twins_their_owner(posts: Posts, engine: Engine) -> None:
    tell(posts)
    index(posts, engine)
    uses = {row.stamp: row for row in found(engine, select(stamp_use))}
    franked, cancelled = posts.stamps(1, 3)
    accepted = found(engine, select(entry.c.digest).where(entry.c.item == posts.item("parcel")))
    assert (uses[franked].kind, uses[franked].item) == (0, posts.item("parcel"))
    assert uses[franked].digest == accepted[0].digest
    assert (uses[cancelled].kind, uses[cancelled].item) == (1, bytes(32))
    (owned,) = found(engine, select(twin))
    assert (owned.stamp, owned.owner) == (franked, address("friend"))


def test_rotation_ends_the_right_before_and_compromise_marks_it(
    posts: Posts, engine: Engine
) -> None:
    """NE9, NE10, N4."""
    tell(posts)
    index(posts, engine)
    courier = custodian_number(1, 3)
    in_order = select(signing_right).order_by(signing_right.c.granted_block, signing_right.c.key)
    rights = found(engine, in_order.where(signing_right.c.custodian == courier))
    ended = [right for right in rights if right.compromised_block is None]
    lost = [right for right in rights if right.compromised_block is not None]
    assert [(r.until_time == r.from_time, r.key) for r in ended] == [
        (True, address(f"custodian {courier}"))
    ]
    assert [right.key for right in lost] == [address("new courier")]
    before, after = found(
        engine,
        select(signing_right).where(signing_right.c.custodian == CENTRE).order_by("from_time"),
    )
    assert before.until_time == after.from_time < after.until_time
    assert found(engine, select(custodian.c.suspended).where(custodian.c.number == courier))[0][0]
    (carrier,) = found(engine, select(operator).where(operator.c.number == 3))
    assert carrier.suspended_block is not None
    assert found(engine, select(submitter.c.until_block).where(submitter.c.until_block.isnot(None)))
    assert found(engine, select(stamp_signer).where(stamp_signer.c.revoked_block.isnot(None)))


def test_a_hand_off_that_comes_again_is_recorded_since_its_first_time(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """CE5: the same digest, later, with a line that was refused before."""
    letter, card = posts.accept("letter"), posts.item("card")
    release = posts.release(COUNTER, CENTRE, [(letter, 1), (card, 1)])
    receipt = posts.receipt(release)
    again = posts.hand_off_payload(release, receipt)
    posts.call("CustodyLedger", "handOff", again)
    first = posts.mine()
    index(posts, engine)
    posts.accept("card")
    posts.mine()
    posts.call("CustodyLedger", "handOff", again)
    posts.mine()
    index(posts, engine)
    digest = posts.digest(receipt)
    (record,) = found(engine, select(recorded).where(recorded.c.digest == digest))
    assert record.block_number == first
    by_line = select(entry.c.item).where(entry.c.digest == digest).order_by(entry.c.line)
    assert [row.item for row in found(engine, by_line)] == [letter, card]
    assert index(posts, new_database()) == rows(engine, CHAIN)


def test_what_an_operator_may_put_on_chain_stops_no_indexer(posts: Posts, engine: Engine) -> None:
    """Highest numbers, NUL characters, bytes that are no text: all are somebody's right to write."""
    highest = 65_535
    me = str(posts.sender.address).lower()
    posts.call("PostalNetwork", "admitOperator", highest, me, "no\0text")
    posts.call("PostalNetwork", "addSubmitter", highest, me)
    place = "0x" + (b"\xff\xfe\0A" + bytes(8)).hex()
    posts.enrol(custodian_number(highest, 1), highest, place)
    number = edition_number(highest, highest)
    terms = posts.terms(face_value=2**64 - 1, currency="0x00ff00", supply=2**32 - 1)
    posts.call("CryptoStamp", "createEdition", number, terms)
    posts.mine()
    serial = 2**32 - 1
    issue = {"edition": number, "first": serial, "last": serial}
    posts.call("CryptoStamp", "issue", issue | {"custodian": custodian_number(highest, 1)})
    posts.mine()
    posts.cancel(custodian_number(highest, 1), stamp_number(number, serial))
    posts.mine()
    index(posts, engine)
    (foreign,) = found(engine, select(edition).where(edition.c.edition == number))
    assert (foreign.face_value, foreign.currency) == (2**64 - 1, "\ufffd\ufffd")
    (use,) = found(engine, select(stamp_use))
    assert use.stamp == stamp_number(number, serial) >= 2**63
    (admitted,) = found(engine, select(operator).where(operator.c.number == highest))
    assert admitted.name == "no\ufffdtext"
    assert found(engine, select(quarantine)) == []


# --- again and again ------------------------------------------------------------------------------------
def test_looking_again_changes_nothing(posts: Posts, engine: Engine) -> None:
    tell(posts)
    first = index(posts, engine)
    again = indexer_of(posts, engine)
    assert [again.step(), again.step()] == [0, 0]
    assert rows(engine, CHAIN) == first


def test_block_by_block_gives_the_rows_of_one_look(
    posts: Posts, engine: Engine, new_database: NewDatabase
) -> None:
    """The cursor moves with the rows, wherever a run of blocks is cut."""
    step_by_step = indexer_of(posts, engine)
    catch_up(step_by_step)
    mine = posts.mine

    def mine_and_index() -> int:
        number = mine()
        catch_up(step_by_step)
        return number

    posts.mine = mine_and_index  # type: ignore[method-assign]
    tell(posts)
    assert rows(engine, CHAIN) == index(posts, new_database())


def test_a_rebuild_gives_identical_rows(posts: Posts, engine: Engine) -> None:
    """B1; rows that were tampered with are put right."""
    tell(posts)
    before = index(posts, engine)
    with engine.begin() as db:
        db.execute(text("UPDATE item SET holder = 0"))
        db.execute(text("UPDATE entry SET signatures = '{}'"))
        for name in ("twin", "recorded", "custodian", "signing_right", "edition"):
            db.execute(text(f"DELETE FROM {name}"))
    told: list[tuple[int, int]] = []
    total = rebuild(engine, posts.deployment, lambda done, all_: told.append((done, all_)))
    assert rows(engine, CHAIN) == before
    assert told == [(total, total)]


def test_an_unreadable_log_is_kept_and_counted_not_skipped(posts: Posts, engine: Engine) -> None:
    """A log that no ABI knows is told in the quarantine, as are records that no longer follow."""
    tell(posts)
    before = index(posts, engine)
    taken_up = select(entry).where(entry.c.kind == "take_up", entry.c.item == posts.item("letter"))
    (row,) = found(engine, taken_up)
    with engine.begin() as db:
        db.execute(
            update(log)
            .where(log.c.block_number == row.block_number, log.c.log_index == row.log_index)
            .values(topics=[b"\x01" * 32])
        )
    rebuild(engine, posts.deployment)
    after = rows(engine, CHAIN)
    reasons = [reason for _, _, reason in after["quarantine"]]
    assert reasons[0] == "an unknown event, topic 0x" + "01" * 32
    assert reasons[1:] == ["report: record 4 where 3 was due"]
    assert len(after["entry"]) == len(before["entry"]) - 2
    assert len(after["log"]) == len(before["log"])
