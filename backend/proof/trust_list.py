"""The trust list, format 1: what one must know to verify public codes without any network (S8).

It is made from the chain's own records and sealed against change, not signed: get it from who you trust.
It says who issued a code and whether its serial was sold by then; a use cannot be known offline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.domain.ids import edition_of, operator_of_stamp, serial_of, stamp_text
from backend.domain.times import written
from backend.domain.verdict import CodeAxis, SignerFacts, judge_code
from backend.proof.sealed import (
    ANEW,
    Damaged,
    elements,
    fields,
    hexed,
    number,
    objects,
    raw_bytes,
    seal,
    text,
    unseal,
)
from stamps.errors import BadCode, SignatureMismatch
from stamps.payload import Network, PublicCode, digest, parse, recover

FORMAT = "posthorn.trustlist.1"


@dataclass(frozen=True, slots=True)
class BlockTime:
    """The block up to which a list counts."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True)
class TrustedSigner:
    """A key that signs codes; revoked in a block at a time, or 0 and 0."""

    address: bytes
    revoked_block: int
    revoked_time: int


@dataclass(frozen=True, slots=True)
class TrustedOperator:
    number: int
    name: str
    signers: tuple[TrustedSigner, ...]


@dataclass(frozen=True, slots=True)
class IssuedRange:
    """Serials that were sold, and when the chain recorded it."""

    first: int
    last: int
    block: int
    time: int


@dataclass(frozen=True, slots=True)
class TrustedEdition:
    """`withdrawn_from` 0: not withdrawn from postage."""

    number: int
    first_day: int
    withdrawn_from: int
    issued: tuple[IssuedRange, ...]


@dataclass(frozen=True, slots=True)
class TrustList:
    """One network's list; `alias` stands for chain and contract in the codes."""

    chain_id: int
    contract: bytes
    alias: int
    as_of: BlockTime
    operators: tuple[TrustedOperator, ...]
    editions: tuple[TrustedEdition, ...]


@dataclass(frozen=True, slots=True)
class OfflineAnswer:
    """What a code says without any network. `sold` None: by the list's date it was not."""

    code: CodeAxis
    number: str
    issuer: str
    sold: int | None
    as_of: BlockTime
    words: str


def judge_offline(trusted: TrustList, text_: str) -> OfflineAnswer:
    """The code axis of a public code (S8), and whether its serial was sold by the list's date."""
    try:
        code = parse(text_)
    except BadCode as error:
        return _answer(trusted, CodeAxis.UNREADABLE, None, f"Not readable: {error}")
    operator = next(
        (o for o in trusted.operators if o.number == operator_of_stamp(code.stamp)), None
    )
    issued = _issued(trusted, code.stamp)
    signers = tuple(
        SignerFacts(s.address, s.revoked_block or None)
        for s in (operator.signers if operator else ())
    )
    axis = judge_code(
        _signer(trusted, code), code.signer_hint, signers, issued.block if issued else None
    )
    name = operator.name if operator else ""
    words = f"{stamp_text(code.stamp)}: {_words(axis, name, issued, trusted.as_of)}"
    return _answer(trusted, axis, code, words, name if axis is CodeAxis.ISSUED_BY else "", issued)


def _answer(
    trusted: TrustList,
    axis: CodeAxis,
    code: PublicCode | None,
    words: str,
    issuer: str = "",
    issued: IssuedRange | None = None,
) -> OfflineAnswer:
    shown = stamp_text(code.stamp) if code else ""
    return OfflineAnswer(axis, shown, issuer, issued.time if issued else None, trusted.as_of, words)


def _signer(trusted: TrustList, code: PublicCode) -> bytes | None:
    """Who signed; None where the code is of another network or nobody's."""
    if code.network != trusted.alias:
        return None
    network = Network(trusted.alias, trusted.chain_id, trusted.contract)
    try:
        return recover(digest(code.stamp, network), code.signature)
    except SignatureMismatch:
        return None


def _issued(trusted: TrustList, stamp: int) -> IssuedRange | None:
    edition = next((e for e in trusted.editions if e.number == edition_of(stamp)), None)
    ranges = edition.issued if edition else ()
    return next((r for r in ranges if r.first <= serial_of(stamp) <= r.last), None)


def _words(axis: CodeAxis, name: str, issued: IssuedRange | None, as_of: BlockTime) -> str:
    if axis is CodeAxis.ISSUED_BY:
        sold = f"sold on {_day(issued.time)}" if issued else f"not sold by {_day(as_of.time)}"
        return f"issued by {name}, {sold}. Whether it was used is not known offline."
    return {
        CodeAxis.MISMATCH: "the signature does not match. Read the code again.",
        CodeAxis.UNKNOWN_SIGNER: "nobody on this list signed it.",
        CodeAxis.SIGNER_REVOKED: f"signed with a key that {name} has revoked.",
    }[axis]


def _day(seconds: int) -> str:
    return written(seconds, "%-d %B %Y")


def write_trust_list(trusted: TrustList) -> bytes:
    """The file."""
    return seal(
        {
            "format": FORMAT,
            "chain": {
                "id": trusted.chain_id,
                "stamps": hexed(trusted.contract),
                "alias": trusted.alias,
            },
            "as_of": {
                "number": trusted.as_of.number,
                "hash": hexed(trusted.as_of.hash),
                "time": trusted.as_of.time,
            },
            "operators": [
                {
                    "number": operator.number,
                    "name": operator.name,
                    "signers": [
                        {
                            "address": hexed(signer.address),
                            "revoked_block": signer.revoked_block,
                            "revoked_time": signer.revoked_time,
                        }
                        for signer in operator.signers
                    ],
                }
                for operator in trusted.operators
            ],
            "editions": [_edition_out(edition) for edition in trusted.editions],
        }
    )


def _edition_out(edition: TrustedEdition) -> dict[str, Any]:
    return {
        "number": edition.number,
        "first_day": edition.first_day,
        "withdrawn_from": edition.withdrawn_from,
        "issued": [
            {"first": r.first, "last": r.last, "block": r.block, "time": r.time}
            for r in edition.issued
        ],
    }


def read_trust_list(raw: bytes) -> TrustList:
    """The reverse of write_trust_list; takes nothing else. Raises Damaged, OtherFormat."""
    body = fields(unseal(raw, FORMAT), "as_of", "chain", "editions", "operators")
    chain = fields(body["chain"], "id", "stamps", "alias")
    as_of = fields(body["as_of"], "number", "hash", "time")
    trusted = TrustList(
        chain_id=number(chain["id"], 64),
        contract=raw_bytes(chain["stamps"], 20),
        alias=number(chain["alias"], 16),
        as_of=BlockTime(
            number(as_of["number"], 48), raw_bytes(as_of["hash"], 32), number(as_of["time"], 40)
        ),
        operators=tuple(_operator_in(one) for one in elements(body["operators"])),
        editions=tuple(_edition_in(one) for one in elements(body["editions"])),
    )
    if write_trust_list(trusted) != raw:
        raise Damaged("This trust list is not in its one spelling.", ANEW)
    return trusted


def _operator_in(value: Any) -> TrustedOperator:
    one = fields(value, "number", "name", "signers")
    signers = tuple(
        TrustedSigner(
            raw_bytes(signer["address"], 20),
            number(signer["revoked_block"], 48),
            number(signer["revoked_time"], 40),
        )
        for signer in objects(one["signers"], "address", "revoked_block", "revoked_time")
    )
    return TrustedOperator(number(one["number"], 16), text(one["name"]), signers)


def _edition_in(value: Any) -> TrustedEdition:
    one = fields(value, "number", "first_day", "withdrawn_from", "issued")
    issued = tuple(
        IssuedRange(
            number(r["first"], 32),
            number(r["last"], 32),
            number(r["block"], 48),
            number(r["time"], 40),
        )
        for r in objects(one["issued"], "first", "last", "block", "time")
    )
    return TrustedEdition(
        number(one["number"], 32),
        number(one["first_day"], 40),
        number(one["withdrawn_from"], 40),
        issued,
    )
