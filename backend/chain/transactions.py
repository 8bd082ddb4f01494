"""Signed transactions (EIP-1559) through the signer port, and what they pay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from hexbytes import HexBytes

from backend.chain.client import Node
from backend.domain.keccak import keccak256
from backend.errors import Unavailable
from backend.ports import Signer

TRANSFER_GAS = 21_000
LOWER_255_BITS = (1 << 255) - 1
# EIP-2: of the two s that fit, only the lower one is taken.
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True, slots=True)
class Fees:
    """Per unit of gas, in wei: the most that is paid, and what of it goes to who makes the block."""

    max_wei: int
    tip_wei: int

    def raised(self, cap_wei: int) -> Fees:
        """At least 10 % more of both, as pools ask of a replacement, but not above the cap."""
        return Fees(_raised(self.max_wei, cap_wei), _raised(self.tip_wei, cap_wei))


def _raised(wei: int, cap_wei: int) -> int:
    return min(cap_wei, wei + wei // 10 + 1)


FREE = Fees(0, 0)


def current_fees(node: Node, cap_wei: int) -> Fees:
    """Room for the base fee to double; nothing where the chain charges nothing (base fee 0).

    Raises Unavailable for a chain without EIP-1559, NodeAway and RpcError.
    """
    base_wei = node.head().base_fee_wei
    if base_wei is None:
        raise Unavailable("This chain has no base fee (EIP-1559); Posthorn cannot pay on it.")
    if base_wei == 0:
        return FREE
    tip_wei = min(node.tip_wei(), cap_wei)
    return Fees(min(2 * base_wei + tip_wei, cap_wei), tip_wei)


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A call before it is signed. `to` is 20 bytes."""

    chain_id: int
    nonce: int
    to: bytes
    calldata: bytes
    gas: int
    fees: Fees

    def fields(self) -> dict[str, Any]:
        """As eth_account names them."""
        return {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": self.nonce,
            "to": self.to,
            "value": 0,
            "data": self.calldata,
            "gas": self.gas,
            "maxFeePerGas": self.fees.max_wei,
            "maxPriorityFeePerGas": self.fees.tip_wei,
        }

    def paying(self, fees: Fees) -> Unsigned:
        """The same call at another price: a replacement has the same nonce."""
        return replace(self, fees=fees)


@dataclass(frozen=True, slots=True)
class Transaction:
    """Signed bytes and their hash. What is saved before it is broadcast (B3)."""

    hash: bytes
    nonce: int
    raw: bytes


class BadSigner(Unavailable):
    """The signer gave a signature that is not by the key it was asked for; nothing was sent."""


def sign(unsigned: Unsigned, signer: Signer, key: str) -> Transaction:
    """Sign with a key by name. Raises BadSigner, and Unavailable where the signer is away."""
    fields = unsigned.fields()
    signature = signer.sign(key, bytes(TypedTransaction.from_dict(fields).hash()))
    r, vs = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    s, parity = vs & LOWER_255_BITS, vs >> 255
    if len(signature) == 64 and r > 0 and 0 < s <= HALF_ORDER:
        raw = bytes(TypedTransaction.from_dict(fields | {"v": parity, "r": r, "s": s}).encode())
        if _sender(raw) == signer.address(key):
            return Transaction(keccak256(raw), unsigned.nonce, raw)
    raise BadSigner(
        f"What the signer gave is no signature by the key {key}.",
        "Check the signer's configuration; the records are kept and sent once it is right.",
    )


def _sender(raw: bytes) -> bytes | None:
    try:
        return bytes.fromhex(Account.recover_transaction(raw)[2:])
    except (BadSignature, ValidationError):
        return None


def read(raw: bytes) -> Unsigned:
    """What signed bytes say, without their signature: to sign it again at another price."""
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return Unsigned(
        chain_id=fields["chainId"],
        nonce=fields["nonce"],
        to=bytes(fields["to"]),
        calldata=bytes(fields["data"]),
        gas=fields["gas"],
        fees=Fees(fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]),
    )


def no_op(chain_id: int, nonce: int, address: bytes, fees: Fees) -> Unsigned:
    """Nothing, to oneself: closes a gap in the nonces."""
    return Unsigned(chain_id, nonce, address, b"", TRANSFER_GAS, fees)
