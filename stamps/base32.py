"""Crockford's base32, for codes that are printed, scanned and typed.

Chosen over RFC 4648 because it survives a person: I, L and O are read as 1, 1 and 0, U does not
exist, case does not matter. All its characters are in QR's alphanumeric set. A value is written as
one number, most significant digit first, in a fixed number of characters, so that each value has
exactly one spelling. Source: https://www.crockford.com/base32.html
"""

from __future__ import annotations

from base64 import b32encode

from stamps.errors import BadCode

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VALUES = {character: value for value, character in enumerate(ALPHABET)} | {"I": 1, "L": 1, "O": 0}
VALUES |= {character.lower(): value for character, value in VALUES.items()}
# The library's alphabet, and Python's own digits of base 32: reading and writing with them takes a tenth of a loop.
_TO_OURS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_TO_DIGITS = str.maketrans({character: _DIGITS[value] for character, value in VALUES.items()})
# Multiplication by x in GF(32), with x^5 = x^2 + 1.
TIMES_X = [(value << 1) ^ (0b100101 if value & 16 else 0) for value in range(32)]


def length(bits: int) -> int:
    """Characters that hold this many bits."""
    return -(-bits // 5)


def encode(data: bytes) -> str:
    """The spelling of `data`: length(8 * len(data)) characters."""
    whole = data.rjust(-(-len(data) // 5) * 5, b"\0")
    characters = b32encode(whole).translate(_TO_OURS).decode()
    return characters[len(characters) - length(8 * len(data)) :]


def values(text: str, error: type[BadCode]) -> list[int]:
    """The value of each character, in any case. Raises `error` naming the first that has none."""
    found = []
    for position, character in enumerate(text, start=1):
        if character not in VALUES:
            raise error(
                f"character {position} is {character!r}, which no code contains "
                f"(letters but U, and digits). Read it again.",
                position,
            )
        found.append(VALUES[character])
    return found


def decode(text: str, size: int, error: type[BadCode]) -> bytes:
    """The `size` bytes that `text` spells. Raises `error` on a wrong length, character or excess."""
    expected = length(8 * size)
    if len(text) != expected:
        raise error(f"it has {len(text)} characters, a code has {expected}. Read it again.")
    if not VALUES.keys() >= set(text):
        values(text, error)  # says which one
    number = int(text.translate(_TO_DIGITS), 32)
    if number >> 8 * size:
        raise error(
            f"it begins with {text[0]!r}, more than {8 * size} bits can say. Read it again.", 1
        )
    return number.to_bytes(size, "big")


def check_symbols(text: str) -> str:
    """Two symbols that any one or two wrong characters of `text` (up to 29) would change.

    With them the code is a Reed-Solomon code over GF(32): the word, as a polynomial, is zero at 1
    and at x.
    """
    parity = weighted = 0
    for character in text:
        value = VALUES[character]
        parity ^= value
        weighted = TIMES_X[weighted] ^ value
    # Solve a + b = parity and a*x + b = weighted*x^2 for the two symbols (a, b).
    wanted = TIMES_X[TIMES_X[weighted]]
    first = _divide_by_x_plus_1(wanted ^ parity)
    return ALPHABET[first] + ALPHABET[first ^ parity]


def _divide_by_x_plus_1(value: int) -> int:
    return next(quotient for quotient in range(32) if TIMES_X[quotient] ^ quotient == value)
