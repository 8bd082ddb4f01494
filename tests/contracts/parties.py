"""Custodians as the oracle of the state machine sees them; what changes them is done on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.network import Custodian as Model
from backend.domain.network import Right
from tests.contracts.logs import plain
from tests.contracts.world import DEVICE, FOR_EVER, SECP256K1, Custodian, Key, World


@dataclass
class Party:
    """A custodian of `backend.domain`, and all keys that it ever had."""

    model: Model
    keys: list[Key]

    def signer(self, time: int) -> Custodian:
        """With the key that has the right at a time, or its newest."""
        right = self.model.right_at(time)
        found = [key for key in self.keys if right and key.raw == right.key]
        return Custodian(self.model.number, (found or self.keys)[-1])


class Parties:
    """The custodians of a world, by place."""

    def __init__(self, world: World) -> None:
        self.network = world.network
        self.governor = world.governor
        self.admins = {1: world.arlberg, 2: world.saentis, 3: world.customs_office}
        holders = (world.counter, world.van, world.hall, world.zurich, world.courier, world.customs)
        self._all = [Party(self._as_on_chain(holder), [holder.key]) for holder in holders]

    def _as_on_chain(self, custodian: Custodian) -> Model:
        key, kind, suspended, begun, until = self.network.latestRight(custodian.number)
        right = Right(plain(str(key)), kind, DEVICE, begun, until)
        return Model(custodian.number, 1, "", suspended, False, (right,))

    def __getitem__(self, place: int) -> Party:
        return self._all[place % len(self._all)]

    def __iter__(self) -> Iterator[Party]:
        return iter(self._all)

    def place_of(self, number: int) -> int | None:
        """Where the custodian with this number stands; None for nobody."""
        return next((i for i, each in enumerate(self._all) if each.model.number == number), None)

    def _by_admin(self, party: Party) -> dict[str, Any]:
        return {"from": self.admins[party.model.operator]}

    def rotate(self, party: Party, block: int) -> None:
        """A new key from the next block on, whose time is `block` (N3)."""
        key = Key(f"{party.model.number} at {block}")
        asked = (key.address, SECP256K1, DEVICE, 0, FOR_EVER)
        self.network.grantRight(party.model.number, asked, self._by_admin(party))
        *past, last = party.model.rights
        last = replace(last, until_time=min(last.until_time, block))
        rights = (*past, last, Right(key.raw, SECP256K1, DEVICE, block, FOR_EVER))
        party.model, party.keys = replace(party.model, rights=rights), [*party.keys, key]

    def compromise(self, party: Party, pick: int) -> None:
        """One of the party's keys is lost, unless it was before (N3)."""
        lost = party.model.rights[pick % len(party.model.rights)]
        if lost.compromised:
            return
        self.network.compromise(party.model.number, "0x" + lost.key.hex(), self._by_admin(party))
        rights = tuple(
            replace(right, compromised=True) if right.key == lost.key else right
            for right in party.model.rights
        )
        party.model = replace(party.model, rights=rights)

    def suspend_or_reinstate(self, party: Party) -> None:
        """The custodian (N4)."""
        suspended = party.model.suspended
        change = self._change("Custodian", suspended)
        change(party.model.number, self._by_admin(party))
        party.model = replace(party.model, suspended=not suspended)

    def suspend_or_reinstate_operator(self, operator: int) -> None:
        """All custodians of an operator (N4)."""
        its = [party for party in self._all if party.model.operator == operator]
        suspended = its[0].model.operator_suspended
        self._change("Operator", suspended)(operator, {"from": self.governor})
        for party in its:
            party.model = replace(party.model, operator_suspended=not suspended)

    def _change(self, what: str, suspended: bool) -> Callable[..., Any]:
        return getattr(self.network, ("reinstate" if suspended else "suspend") + what)  # type: ignore[no-any-return]
