"""Where an item stands for a new record: the chain's state, or the forecast where more is under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Row, select

from backend.domain.ids import UNNUMBERED_RECEPTACLE
from backend.domain.network import Standing
from backend.store.engine import named_row, straight
from backend.store.submissions import OPEN
from backend.store.tables import item, item_secret

STANDING = (
    "holder",
    "number",
    "records",
    "latest_time",
    "ended",
    "keys",
    "receptacle",
    "closed",
    "opened",
)


_LOCK = "SELECT count(pg_advisory_xact_lock(k)) FROM unnest(%b::bigint[]) AS k"
_STANDINGS = " UNION ALL ".join(
    f"SELECT {is_forecast}, item, {', '.join(STANDING)} FROM {name} "
    "WHERE item = ANY(ARRAY(SELECT unnest(%(items)b::bytea[])))"
    for name, is_forecast in (("item", False), ("forecast", True))
)
# One statement of one text, however many items: an opening has up to 5,000.
_EXPECT = """
INSERT INTO forecast (item, holder, number, records, latest_time, ended, keys, receptacle, closed, opened)
SELECT * FROM unnest(%b::bytea[], %b::bigint[], %b::integer[], %b::integer[], %b::bigint[],
    %b::integer[], %b::bytea[], %b::bigint[], %b::boolean[], %b::boolean[])
ON CONFLICT (item) DO UPDATE SET holder = excluded.holder, number = excluded.number,
    records = excluded.records, latest_time = excluded.latest_time, ended = excluded.ended,
    keys = excluded.keys, receptacle = excluded.receptacle, closed = excluded.closed,
    opened = excluded.opened
"""
_FORGET = """
DELETE FROM forecast WHERE item = ANY(ARRAY(
    SELECT item FROM forecast WHERE item = ANY(%b::bytea[]) ORDER BY item FOR UPDATE))
"""
_LOCK_NUMBER = "SELECT pg_advisory_xact_lock(hashtextextended(%b, 0))"
_ACCEPTED = """
SELECT s.item, s.accepted_time FROM item_secret s WHERE s.scheme = %b AND s.value = %b AND (
    EXISTS (SELECT FROM item WHERE item.item = s.item)
    OR EXISTS (SELECT FROM submission WHERE items @> ARRAY[s.item] AND state = ANY(%b::text[])))
ORDER BY s.accepted_time DESC LIMIT 1
"""
_SECRET = (
    "item",
    "scheme",
    "value",
    "trail_lookup",
    "trail_code",
    "operator",
    "accepted_time",
    "weight_grams",
    "service",
    "destination",
    "franking",
    "key_salt",
    "recipient_key",
    "sender_key",
)
_KEEP_SECRET = f"""
INSERT INTO item_secret ({", ".join(_SECRET)})
VALUES ({", ".join(f"%({name})b" for name in _SECRET)})
ON CONFLICT DO NOTHING RETURNING 1
"""


def standings(db: Connection, items: Iterable[bytes]) -> dict[bytes, Standing]:
    """What new records of the items are judged by. Locks the items in one order until the commit.

    A forecast counts until the chain overtakes it, by it or by another operator's records. On a level with the
    chain is what is being packed: that is no record of the item's own (C7).
    """
    wanted = sorted(set(items))
    _lock(db, wanted)
    return look(db, wanted)


def look(db: Connection, items: Iterable[bytes]) -> dict[bytes, Standing]:
    """As standings, without locking: for who only reads."""
    wanted = list(set(items))
    on_chain: dict[bytes, Standing] = {}
    expected: dict[bytes, Standing] = {}
    for is_forecast, key, *standing in straight(db, _STANDINGS, {"items": wanted}):
        (expected if is_forecast else on_chain)[key] = Standing(*standing)
    return {
        key: _latest(on_chain.get(key), expected.get(key))
        for key in on_chain.keys() | expected.keys()
    }


def _latest(on_chain: Standing | None, expected: Standing | None) -> Standing:
    """The forecast until the chain overtakes it; the number of a receptacle is the chain's once it has one."""
    if on_chain is None or expected is None:
        found = on_chain or expected
        assert found is not None
        return found
    if on_chain.records > expected.records:
        return on_chain
    if expected.receptacle == UNNUMBERED_RECEPTACLE and on_chain.receptacle:
        return replace(expected, receptacle=on_chain.receptacle)
    return expected


def _lock(db: Connection, items: Sequence[bytes]) -> None:
    keys = [int.from_bytes(key[:8], "big", signed=True) for key in items]
    straight(db, _LOCK, (keys,))


def expect(db: Connection, standings_: dict[bytes, Standing]) -> None:
    """Keep what the items will be once the records now pending are on chain."""
    if not standings_:
        return
    items = sorted(standings_)
    columns = [[getattr(standings_[key], name) for key in items] for name in STANDING]
    straight(db, _EXPECT, (items, *columns))


def forget_forecast(db: Connection, items: Iterable[bytes]) -> None:
    """After a rejection: back to what the chain says."""
    straight(db, _FORGET, (list(items),))


def keep_secret(db: Connection, **values: Any) -> bool:
    """An item's number, trail code and franking: own rows, never on chain. False where another has the code."""
    return bool(straight(db, _KEEP_SECRET, values | {"franking": Jsonb(values["franking"])}))


def secret(db: Connection, item_: bytes) -> Any:
    return named_row(db, "SELECT * FROM item_secret WHERE item = %b", (item_,))


def origin(db: Connection, item_: bytes) -> int | None:
    """The operator that accepted an item, recorded or on its way."""
    number: int | None = db.scalar(
        select(item_secret.c.operator).where(item_secret.c.item == item_)
    )
    if number is None:
        number = db.scalar(select(item.c.operator).where(item.c.item == item_))
    return number


def by_trail_lookup(db: Connection, lookup: bytes) -> Row[Any] | None:
    return db.execute(select(item_secret).where(item_secret.c.trail_lookup == lookup)).first()


def accepted_bearing(db: Connection, scheme: int, value: str) -> Any:
    """The newest item of a number that was accepted or still may be; refused and withdrawn ones do not count.

    Locks the number until the commit: one acceptance of it at a time.
    """
    straight(db, _LOCK_NUMBER, (f"{scheme}:{value}",))
    return named_row(db, _ACCEPTED, (scheme, value, list(OPEN)))


def bearing(db: Connection, scheme: int, value: str) -> Sequence[Row[Any]]:
    """All items that bear a number, the newest first: numbers are used again."""
    return db.execute(
        select(item_secret)
        .where(item_secret.c.scheme == scheme, item_secret.c.value == value)
        .order_by(item_secret.c.accepted_time.desc())
    ).all()
