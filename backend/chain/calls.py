"""From submissions to calldata: which call a kind of record is, how many fit into a transaction.

Records travel in batch calls of one kind; acts are single calls, one a transaction. Payloads are those
that submissions keep: the contracts' structs as JSON (domain/wire.py), signatures as 0x-hex.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.chain.interface import Entry, interface

Payload = Mapping[str, Any]

# EIP-7825: no transaction may use more.
TRANSACTION_GAS_CAP = 16_777_216
# What a transaction takes before its first record: its own gas; selector and array.
TRANSACTION_GAS = 50_000
TRANSACTION_BYTES = 68
# The name of an operator is the longest argument of an act.
ACT_GAS = 1_000_000
# A device's signature where the chain has no precompile for P-256 (measured: 397,000 by via-IR code).
DEVICE_SIGNATURE_GAS = 450_000
# EIP-7623: what a byte of calldata takes at most.
CALLDATA_GAS = 40
COMPACT_SIGNATURE = 2 + 2 * 64
ACT_LINE_GAS = 30_000
ACT_LINE_BYTES = 256
ACT_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class _Record:
    """A kind of record: its calls, and the most it takes of gas and calldata, itself and for each unit."""

    contract: str
    single: str
    batch: str
    gas: int
    bytes: int
    unit_gas: int = 0
    unit_bytes: int = 0
    units: Callable[[Payload], int] = lambda _: 0


def _serials(payload: Payload) -> int:
    count: int = payload["last"] - payload["first"] + 1
    return count


def _proof(payload: Payload) -> int:
    return len(payload["proof"])


# Which members of an act's payload are hand-offs: one that is forced, two that are evidence.
HAND_OFFS = {"forced_hand_off": ("forced",), "equivocation": ("first", "second")}


def _hand_offs(kind: str, payload: Payload) -> list[Payload]:
    return [payload[name] for name in HAND_OFFS.get(kind, ())]


LEDGER, STAMPS, NETWORK = "CustodyLedger", "CryptoStamp", "PostalNetwork"
RECORDS: dict[str, _Record] = {
    "acceptance": _Record(
        LEDGER, "accept", "acceptBatch", 120_000, 544, 40_000, 32,
        lambda payload: len(payload["acceptance"]["stamps"]),
    ),
    "hand_off": _Record(
        LEDGER, "handOff", "handOffBatch", 45_000, 848, 30_000, 224,
        lambda payload: len(payload["release"]["lines"]),
    ),
    "packing": _Record(
        LEDGER, "pack", "packBatch", 90_000, 416, 20_000, 32,
        lambda payload: len(payload["packing"]["items"]),
    ),
    "closing": _Record(LEDGER, "close", "closeBatch", 90_000, 416),
    "opening": _Record(
        LEDGER, "open", "openBatch", 160_000, 512, 45_000, 32,
        lambda payload: len(payload["opening"]["missing"]) + len(payload["opening"]["found"]),
    ),
    "delivery": _Record(LEDGER, "deliver", "deliverBatch", 80_000, 672),
    "end": _Record(LEDGER, "end", "endBatch", 60_000, 384),
    "take_up": _Record(LEDGER, "takeUp", "takeUpBatch", 80_000, 384),
    "recall": _Record(LEDGER, "recall", "recallBatch", 60_000, 320),
    "report": _Record(LEDGER, "report", "reportBatch", 80_000, 512),
    "cancel": _Record(
        STAMPS, "cancel", "cancelBatch", 40_000, 416, 35_000, 32,
        lambda payload: len(payload["cancel"]["stamps"]),
    ),
    "claim": _Record(STAMPS, "claim", "claimBatch", 165_000, 352, 2_000, 32, _proof),
    "original": _Record(STAMPS, "showOriginal", "showOriginalBatch", 125_000, 320, 2_000, 32, _proof),
    "issue": _Record(STAMPS, "issue", "issueBatch", 110_000, 128, 220, 0, _serials),
    "void": _Record(STAMPS, "voidRange", "voidBatch", 60_000, 128, 4_000, 0, _serials),
}  # fmt: skip

# What stands alone in its transaction: contract, function, and the payload's members in the order of its arguments.
ACTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "forced_hand_off": (LEDGER, "forceHandOff", ("forced",)),
    "equivocation": (
        LEDGER,
        "proveEquivocation",
        ("first", "first_line", "second", "second_line"),
    ),
    "create_edition": (STAMPS, "createEdition", ("edition", "terms")),
    "withdraw_edition": (STAMPS, "withdrawEdition", ("edition", "from")),
    "close_claims": (STAMPS, "closeClaims", ("edition", "first", "last", "reason")),
    "replace_claim_root": (STAMPS, "replaceClaimRoot", ("edition", "first", "last", "root")),
    "admit_operator": (NETWORK, "admitOperator", ("operator", "admin", "name")),
    "suspend_operator": (NETWORK, "suspendOperator", ("operator",)),
    "reinstate_operator": (NETWORK, "reinstateOperator", ("operator",)),
    "add_submitter": (NETWORK, "addSubmitter", ("operator", "submitter")),
    "add_stamp_signer": (NETWORK, "addStampSigner", ("operator", "signer")),
    "revoke_stamp_signer": (NETWORK, "revokeStampSigner", ("operator", "signer")),
    "enrol": (NETWORK, "enrol", ("custodian", "kind", "place", "right")),
    "grant_right": (NETWORK, "grantRight", ("custodian", "right")),
    "compromise": (NETWORK, "compromise", ("custodian", "key")),
    "suspend_custodian": (NETWORK, "suspendCustodian", ("custodian",)),
    "reinstate_custodian": (NETWORK, "reinstateCustodian", ("custodian",)),
}

# What the contract ignores when an edition is created.
UNBORN_EDITION = {"withdrawn_from": 0, "created_at": 0}


def is_act(kind: str) -> bool:
    """Whether a submission of this kind is a transaction of its own."""
    return kind in ACTS


def contract_of(kind: str) -> str:
    """The contract that a kind of submission is sent to. Raises KeyError for an unknown kind."""
    return ACTS[kind][0] if kind in ACTS else RECORDS[kind].contract


def batch_call(kind: str, payloads: Sequence[Payload]) -> bytes:
    """Calldata for a run of records of one kind, in their order; of an act, which stands alone.

    Raises what encoders raise (encoding.py) for a payload that is not of this kind.
    """
    if kind in ACTS:
        (act,) = payloads
        return single_call(kind, act)
    record = RECORDS[kind]
    return _function(record.contract, record.batch).calldata(payloads)


def single_call(kind: str, payload: Payload) -> bytes:
    """Calldata of the call that reverts with the reason (G2): what `eth_call` is asked."""
    if kind not in ACTS:
        record = RECORDS[kind]
        return _function(record.contract, record.single).calldata(payload)
    contract, name, members = ACTS[kind]
    if kind == "create_edition":
        payload = {**payload, "terms": {**payload["terms"], **UNBORN_EDITION}}
    return _function(contract, name).calldata(*(payload[member] for member in members))


def gas_of(kind: str, payload: Payload) -> int:
    """The most gas that one submission takes, its share of calldata included; at most the cap.

    Fixed figures, not eth_estimateGas: an estimate at the head is wrong where predecessors are in flight.
    """
    if kind in ACTS:
        lines = sum(len(one["release"]["lines"]) for one in _hand_offs(kind, payload))
        return min(ACT_GAS + ACT_LINE_GAS * lines, TRANSACTION_GAS_CAP - TRANSACTION_GAS)
    record = RECORDS[kind]
    most = record.gas + record.unit_gas * record.units(payload)
    most += sum(map(_device_gas, _device_signatures(payload)))
    return min(most, TRANSACTION_GAS_CAP - TRANSACTION_GAS)


def bytes_of(kind: str, payload: Payload) -> int:
    """The most calldata that one submission takes."""
    if kind in ACTS:
        hand_offs = _hand_offs(kind, payload)
        lines = sum(len(one["release"]["lines"]) for one in hand_offs)
        signatures = sum(len(s) // 2 for one in hand_offs for s in _device_signatures(one))
        return ACT_BYTES * max(1, len(hand_offs)) + ACT_LINE_BYTES * lines + signatures
    record = RECORDS[kind]
    signatures = sum(len(one) // 2 for one in _device_signatures(payload))
    return record.bytes + record.unit_bytes * record.units(payload) + signatures


def _device_gas(signature: str) -> int:
    return DEVICE_SIGNATURE_GAS + CALLDATA_GAS * (len(signature) // 2)


def _device_signatures(payload: Payload) -> list[str]:
    """Those by P-256 keys and passkeys: longer than a compact one."""
    found = (value for name, value in payload.items() if name.endswith("signature"))
    return [one for one in found if len(one) > COMPACT_SIGNATURE]


def _function(contract: str, name: str) -> Entry:
    return interface(contract).functions[name]
