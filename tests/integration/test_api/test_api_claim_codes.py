"""Seeds of claim codes: one for each print run, gone when the run is confirmed (S10)."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from town import COUNTER, Town

from backend.demonstration import editions
from backend.domain.ids import edition_number
from backend.keystore import Keystore, SealedSeeds
from backend.store.engine import begin
from backend.usecases import operate
from backend.usecases.claim_codes import RUN, claim_secrets, destroy_confirmed
from backend.usecases.operate import EditionRequest
from stamps.claim import claim_address

RUNS = edition_number(1, 11)
QUANTITY = RUN + 10


@pytest.fixture
def runs(town: Town) -> Town:
    """The town with an edition of a run and ten stamps, made anew for the one test that sells them all."""
    art = editions.metadata("saentis") | {"title": "Runs", "seed": "runs"}
    art["varieties"] = [art["varieties"][0] | {"title": "Runs", "quantity": QUANTITY}]
    request = EditionRequest(RUNS, "Runs", QUANTITY, 100, "EUR", town.stage.clock, art)
    town.stage.do(operate.create_edition, town.stage.admin, request)
    town.settle()
    return town


def sell(town: Town, count: int, spoilt: tuple[int, ...] = ()) -> None:
    """A print job to its end, on its way to the chain."""
    path = f"/v1/print-jobs/{reserve(town, count)}"
    assert sheet(town, path, claim_codes=True) == 200
    town.post(f"{path}/confirmation", {"spoilt": spoilt}, town.as_(COUNTER))


def reserve(town: Town, count: int) -> int:
    body = {"edition": "1-11", "count": count}
    job: int = town.post("/v1/print-jobs", body, town.as_(COUNTER), 201)["job"]
    return job


def sheet(town: Town, path: str, claim_codes: bool) -> int:
    body = {"claim_codes": claim_codes}
    return town.client.post(f"{path}/sheet", json=body, headers=town.as_(COUNTER)).status_code


def destroyed(town: Town) -> list[int]:
    """The runs of the edition whose seeds go now."""
    with begin(town.engine) as db:
        return [run for edition, run in destroy_confirmed(db, town.house) if edition == RUNS]


def test_seed_of_a_run_is_destroyed_when_its_last_serial_is_sold_or_void_on_chain(
    runs: Town,
) -> None:
    """S10: until then its codes can be printed; other runs keep theirs; proofs stay for ever."""
    seeds = runs.house.claim_seeds
    assert seeds.get(RUNS, 1) != seeds.get(RUNS, 2)
    known = claim_secrets(seeds, RUNS, 1, QUANTITY)
    assert known is not None
    sell(runs, RUN - 1, spoilt=(3,))
    runs.settle()
    assert destroyed(runs) == []
    sell(runs, 2)
    assert destroyed(runs) == []
    runs.settle()
    assert destroyed(runs) == [1]
    assert claim_secrets(seeds, RUNS, RUN, RUN + 1) is None
    assert claim_secrets(seeds, RUNS, RUN + 1, RUN + 1) is not None

    path = f"/v1/print-jobs/{reserve(runs, 2)}"
    assert sheet(runs, path, claim_codes=True) == 200
    stolen = {"edition": "1-11", "first": RUN + 2, "last": QUANTITY, "reason": "stolen"}
    runs.post("/v1/voids", stolen, runs.by("admin"))
    runs.settle()
    assert destroyed(runs) == [2]
    assert sheet(runs, path, claim_codes=True) == 409
    assert sheet(runs, path, claim_codes=False) == 200

    for stamp, secret in known.items():
        proven = runs.get(f"/v1/stamps/1-11-{stamp & 0xFFFFFFFF:06}/claim-proof", runs.by("admin"))
        assert proven["claim_key"] == "0x" + claim_address(secret, stamp).hex()


def test_seed_that_was_put_in_another_runs_place_does_not_open(tmp_path: Path) -> None:
    seeds = SealedSeeds(tmp_path, Keystore(bytes(32)))
    assert seeds.make(RUNS, 1) == seeds.make(RUNS, 1) == seeds.get(RUNS, 1)
    (tmp_path / f"claims-{RUNS}-1.sealed").rename(tmp_path / f"claims-{RUNS}-2.sealed")
    assert seeds.kept() == [(RUNS, 2)]
    assert seeds.get(RUNS, 1) is None
    with pytest.raises(InvalidTag):
        seeds.get(RUNS, 2)
