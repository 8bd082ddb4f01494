"""Keccak-256, Ethereum's hash (not NIST's SHA3-256): one function for the whole house."""

from eth_hash.auto import keccak

__all__ = ["keccak256"]


def keccak256(data: bytes) -> bytes:
    """32 bytes. The implementation is the fastest that eth-hash finds installed."""
    return keccak(data)
