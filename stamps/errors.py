"""What can go wrong with paper.

StampsError
├── BadCode              a text that is no code, or not written as one
│   ├── BadNumber        not a stamp's number
│   ├── BadPublicCode    not a public code: length, character, version
│   └── BadClaimCode     not a claim code: length, character, check symbols
├── SignatureMismatch    a code whose signature does not belong to what it says
├── BadArtwork           an edition's metadata or picture that cannot be drawn
├── BadPrint             a size, label or offset that cannot be printed
├── SheetDiffers         a sheet whose codes do not read back as they should
└── ScanError            an image that gave no code
    ├── BadImage         not an image, or too large
    ├── NoCode           an image without a readable code
    └── SeveralCodes     more than one code where one was asked for
"""

from __future__ import annotations


class StampsError(ValueError):
    """Base of all errors of this package; the text says what to do next."""


class BadCode(StampsError):
    """A text that is no code. `position` counts characters from 1, None if none is to blame."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class BadNumber(BadCode):
    """Not a stamp's number."""


class BadPublicCode(BadCode):
    """Not a public code."""


class BadClaimCode(BadCode):
    """Not a claim code."""


class SignatureMismatch(StampsError):
    """A signature that does not belong to what was signed."""


class BadArtwork(StampsError):
    """An edition's metadata or picture that cannot be drawn."""


class BadPrint(StampsError):
    """A size, label or offset that cannot be printed."""


class SheetDiffers(StampsError):
    """A sheet that does not read back: `missing` did not decode, `unexpected` should not be there.

    The text only counts them: what a concealed code says belongs in no log.
    """

    def __init__(self, missing: list[str], unexpected: list[str]) -> None:
        super().__init__(
            f"{len(missing)} codes did not read back and {len(unexpected)} are not expected. "
            "Do not hand the sheet out; print it anew."
        )
        self.missing = missing
        self.unexpected = unexpected


class ScanError(StampsError):
    """An image that gave no code."""


class BadImage(ScanError):
    """Not an image, of a kind that is not read, or too large."""


class NoCode(ScanError):
    """An image without a readable code."""


class SeveralCodes(ScanError):
    """More than one code where one was asked for; `texts` are what they say."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(
            f"{len(texts)} codes are in the image, one was expected. Show one at a time."
        )
        self.texts = texts
