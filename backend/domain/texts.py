"""What may stand in texts that people type."""

from __future__ import annotations


def is_digits(text: str, most: int = 18) -> bool:
    """1 to `most` of the digits 0 to 9: `isdigit` lets in those of all scripts, and `²`, which int() does not take."""
    return text.isascii() and text.isdigit() and len(text) <= most
