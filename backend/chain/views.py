"""What the contracts answer when asked (`eth_call`), as dataclasses: for proofs, checks and fsck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from backend.chain.answers import BadAnswer
from backend.chain.client import At, Node
from backend.chain.deployment import Deployment
from backend.chain.errors import decode_refusal
from backend.chain.interface import interface
from backend.domain.refusals import Refusal


@dataclass(frozen=True, slots=True)
class ItemOnChain:
    """Where an item stands (`Item` of ICustodyLedger). `state`: 0 unknown, 1 held, 2 ended."""

    holder: int
    number: int
    records: int
    time: int
    state: int
    receptacle: int
    height: int
    closed: bool
    origin: int


@dataclass(frozen=True, slots=True)
class ReceptacleOnChain:
    """C7: what the chain keeps of a receptacle's one journey (`Receptacle` of ICustodyLedger); zeros before it."""

    item: bytes
    contents: bytes
    head_at_opening: bytes
    count: int
    closed_by: int
    opened_by: int
    opened_at: int


@dataclass(frozen=True, slots=True)
class RightOnChain:
    """N3: the right that covers a time; all zero where none does."""

    key: bytes
    kind: int
    suspended: bool
    from_time: int
    until_time: int


@dataclass(frozen=True, slots=True)
class KeyOnChain:
    """The key that may sign for a custodian at a time, judged at the block; or the refusal."""

    key: bytes
    kind: int
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class UseOnChain:
    """The use axis of a stamp: the block of its use or, if `is_void`, of its void; 0 if neither."""

    block_number: int
    is_void: bool


@dataclass(frozen=True, slots=True)
class ClaimRootOnChain:
    """S1, S10: the root of a stamp's claim key; `closed_at` is 0 but while its claims are closed."""

    root: bytes
    closed_at: int


@dataclass(frozen=True, slots=True)
class StampSignerOnChain:
    """S8: blocks in which a stamp signer was added and revoked; 0 where it was not."""

    added_block: int
    revoked_block: int


class Views:
    """The contracts' views at a block. Every method raises NodeAway and RpcError."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        self._node = node
        self._deployment = deployment

    def _ask(self, contract: str, name: str, *arguments: Any, at: At = "latest") -> list[Any]:
        function = interface(contract).functions[name]
        to = self._deployment.addresses[contract]
        raw = self._node.call(to, function.calldata(*arguments), at)
        try:
            return function.answer(raw)
        except DecodingError:
            raise BadAnswer(f"The node's answer to {name} cannot be read.") from None

    def item_of(self, item: bytes, at: At = "latest") -> ItemOnChain:
        return ItemOnChain(**self._ask("CustodyLedger", "itemOf", _hex(item), at=at)[0])

    def head_of(self, item: bytes, at: At = "latest") -> bytes:
        """The head of an item's trail, 32 zero bytes if it is unknown (C6)."""
        head: bytes = self._ask("CustodyLedger", "headOf", _hex(item), at=at)[0]
        return head

    def lying_in(self, item: bytes, at: At = "latest") -> int:
        """C7: the receptacle that an item lies in, or whose stay is not written yet; 0 for none."""
        number: int = self._ask("CustodyLedger", "lyingIn", _hex(item), at=at)[0]
        return number

    def receptacle_of(self, number: int, at: At = "latest") -> ReceptacleOnChain:
        """C7: a receptacle by its own number, all zero if there is none."""
        return ReceptacleOnChain(**self._ask("CustodyLedger", "receptacleOf", number, at=at)[0])

    def custodian_of(self, item: bytes, at: At = "latest") -> int:
        """C7: who holds an item, or the receptacle that it lies in; 0 if none does."""
        custodian: int = self._ask("CustodyLedger", "custodianOf", _hex(item), at=at)[0]
        return custodian

    def heads_of(self, items: Sequence[bytes], at: At = "latest") -> list[bytes]:
        heads: list[bytes] = self._ask(
            "CustodyLedger", "headsOf", [_hex(item) for item in items], at=at
        )[0]
        return heads

    def right_at(self, custodian: int, time: int, at: At = "latest") -> RightOnChain:
        right = self._ask("PostalNetwork", "rightAt", custodian, time, at=at)[0]
        from_time, until_time = right.pop("from"), right.pop("until")
        return RightOnChain(from_time=from_time, until_time=until_time, **right)

    def key_at(self, custodian: int, time: int, at: At = "latest") -> KeyOnChain:
        key, kind, reason = self._ask("PostalNetwork", "keyAt", custodian, time, at=at)
        return KeyOnChain(key, kind, decode_refusal(reason) if reason else None)

    def use_of(self, stamp: int, at: At = "latest") -> UseOnChain:
        return UseOnChain(*self._ask("CryptoStamp", "useOf", stamp, at=at))

    def claim_root_of(self, stamp: int, at: At = "latest") -> ClaimRootOnChain:
        return ClaimRootOnChain(*self._ask("CryptoStamp", "claimRootOf", stamp, at=at))

    def stamp_signer(self, operator: int, signer: bytes, at: At = "latest") -> StampSignerOnChain:
        found = self._ask("PostalNetwork", "stampSigner", operator, _hex(signer), at=at)[0]
        return StampSignerOnChain(**found)


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
