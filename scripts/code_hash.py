"""What a contract's code is, whoever compiled it where, and whatever its constructor was given.

solc ends the code with a CBOR trailer (hashes of the sources, their paths among them) and leaves zeros
where immutables are filled in when it is deployed: `PUSH32` of a zero word, which it emits for nothing else.
The code hash is that of the code without trailer, immutables set to zero.
"""

from __future__ import annotations

import re

from eth_utils.crypto import keccak

IMMUTABLE = re.compile(rb"\x7f\x00{32}")


def without_trailer(code: bytes) -> bytes:
    """Cuts the CBOR trailer, whose length stands in the last two bytes."""
    length = int.from_bytes(code[-2:], "big") + 2
    return code[:-length] if length <= len(code) else code


def immutable_offsets(built: bytes) -> list[int]:
    """Where the 32 bytes of each immutable stand in compiled, not yet deployed code."""
    return [match.start() + 1 for match in IMMUTABLE.finditer(without_trailer(built))]


def code_hash(code: bytes, offsets: list[int]) -> str:
    """keccak256 of the code without trailer and immutables, as 0x-hex; of deployed or compiled code."""
    bare = bytearray(without_trailer(code))
    for offset in offsets:
        bare[offset : offset + 32] = bytes(32)
    return "0x" + keccak(bytes(bare)).hex()
