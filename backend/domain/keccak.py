"""Keccak-256, Ethereum's hash (not NIST's SHA3-256): one function for the whole house.

pysha3's by name: it is four times as fast as pycryptodome's, which eth-hash takes where both are installed.
"""

from eth_hash.backends.pysha3 import keccak256

__all__ = ["keccak256"]
