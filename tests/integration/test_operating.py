"""Acts of operators and the governor: each is one submission, and may be done again later (B3, N4)."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from backend.domain.typed_data import SigningDomain
from backend.errors import NotAllowed
from backend.hooks.address import Rules
from backend.hooks.call import Caller
from backend.keystore import Keystore, recover_address
from backend.passkeys import DeviceKeys
from backend.ports import Actor, ClaimSeeds, House
from backend.store.engine import begin
from backend.store.people import add_person
from backend.store.tables import submission
from backend.usecases.operate import act, admit_operator

LANE = "admin/1"
SUSPEND = {"custodian": 1 << 24 | 1}


@pytest.fixture
def house() -> House:
    class NoSeeds(ClaimSeeds):
        """No edition is made here."""

    domain = SigningDomain("CustodyLedger", 31337, b"c" * 20)
    keys = Keystore(b"operating".ljust(32))
    return House(
        domain,
        domain,
        b"n" * 20,
        0,
        keys,
        DeviceKeys("http://h"),
        NoSeeds(),
        Caller(keys, Rules(frozenset(), frozenset())),
        recover_address,
        LANE,
        lambda: 1,
        "http://h",
    )


@pytest.fixture
def admin(engine: Engine) -> Actor:
    with begin(engine) as db:
        person = add_person(db, "an administrator", "admin", [])
    assert person is not None
    return Actor(person, "admin")


def settle_all(engine: Engine) -> None:
    with begin(engine) as db:
        db.execute(update(submission).values(state="settled"))


def test_the_same_act_twice_on_its_way_is_one_submission(
    engine: Engine, house: House, admin: Actor
) -> None:
    with begin(engine) as db:
        first = act(db, house, admin, "suspend_custodian", LANE, SUSPEND)
        again = act(db, house, admin, "suspend_custodian", LANE, SUSPEND)
    assert (again.digest, again.repeated) == (first.digest, True)


def test_a_custodian_can_be_suspended_again_after_it_was_reinstated(
    engine: Engine, house: House, admin: Actor
) -> None:
    """N4: the second suspension is another act, not a repeat of the first."""
    with begin(engine) as db:
        first = act(db, house, admin, "suspend_custodian", LANE, SUSPEND)
        act(db, house, admin, "reinstate_custodian", LANE, SUSPEND)
    settle_all(engine)
    with begin(engine) as db:
        second = act(db, house, admin, "suspend_custodian", LANE, SUSPEND)
    assert second.digest != first.digest
    assert not second.repeated


def test_acts_with_the_same_arguments_are_told_apart_by_their_kind(
    engine: Engine, house: House, admin: Actor
) -> None:
    """An argument may itself be called `kind`, as a custodian's is."""
    arguments = {"custodian": 5, "kind": 1}
    with begin(engine) as db:
        first = act(db, house, admin, "enrol", LANE, arguments)
        second = act(db, house, admin, "grant_right", LANE, arguments)
    assert first.digest != second.digest


def test_only_an_administrator_acts_for_an_operator(
    engine: Engine, house: House, admin: Actor
) -> None:
    """N1."""
    clerk = Actor(admin.person, "clerk")
    with begin(engine) as db, pytest.raises(NotAllowed, match="administrator"):
        admit_operator(db, house, clerk, 2, "Another Post")
