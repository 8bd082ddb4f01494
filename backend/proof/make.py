"""Make a proof bundle of one trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.chain.deployment import Deployment
from backend.proof.bundle import Bundle, Opening, write_bundle
from backend.proof.check import check_opening
from backend.proof.gather import Gathered, NodeLogs, gather


def make_bundle(
    source: NodeLogs,
    deployment: Deployment,
    item: bytes,
    opening: Opening | None = None,
    names: Mapping[int, str] | None = None,
    receptacles: Iterable[bytes] = (),
) -> tuple[bytes, Gathered]:
    """The file, and what it says. `names` of custodians go in for those that are in the trail.

    `receptacles` as for gather: those that the item was taken up out of, where that is known.

    Every signature is checked on the way: a bundle that would not hold is not made.
    Raises NotFound, Refuted, Unavailable.
    """
    found = gather(source, deployment, item, receptacles)
    if opening is not None:
        check_opening(opening, found.story.acceptance)
    signers = found.story.signers
    bundle = Bundle(
        deployment=deployment,
        item=item,
        made=found.newest,
        blocks=tuple(found.marks.values()),
        logs=found.logs,
        rights=found.story.rights,
        opening=opening,
        facilities={n: name for n, name in (names or {}).items() if n in signers},
    )
    return write_bundle(bundle), found
