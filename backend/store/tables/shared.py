"""What the tables of all groups share: names of constraints, the chain's uint64, when a row was made."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    MetaData,
    TypeDecorator,
    func,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Unsigned64(TypeDecorator[int]):
    """A uint64 of the chain in eight bytes: from 2^63 on it is stored as its negative twin.

    Any operator may put such a number on chain, and none may stop the indexer with it.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, _: Dialect) -> int | None:
        return None if value is None else in_eight_bytes(value)

    def process_result_value(self, value: int | None, _: Dialect) -> int | None:
        return None if value is None else from_eight_bytes(value)


def in_eight_bytes(value: int) -> int:
    """A uint64 as its column keeps it."""
    return value if value < 1 << 63 else value - (1 << 64)


def from_eight_bytes(value: int) -> int:
    """The reverse of in_eight_bytes."""
    return value if value >= 0 else value + (1 << 64)


def now() -> Column:  # type: ignore[type-arg]
    """When the row was made."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())
