"""What may stand in texts that people type."""

from __future__ import annotations


def is_digits(text: str, most: int = 18) -> bool:
    """1 to `most` of the digits 0 to 9: `isdigit` lets in those of all scripts, and `²`, which int() does not take."""
    return text.isascii() and text.isdigit() and len(text) <= most


def is_line(text: str, most: int = 120) -> bool:
    """One line of at most `most` characters without control characters; PostgreSQL keeps no NUL."""
    return len(text) <= most and not any(c < " " or c == "\x7f" for c in text)


def printable(text: str, instead: str = "�") -> str:
    """The text with what could move a cursor or turn a line around replaced; line feeds stay."""
    return "".join(c if c.isprintable() or c == "\n" else instead for c in text)
