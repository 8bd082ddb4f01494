"""Editions, stamps and codes for the tests of paper."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

import stamps
from stamps import payload
from stamps.art.edition import Edition, read_edition
from stamps.claim import claim_secret
from stamps.render import StampFace
from stamps.sheet import ClaimCode

EDITIONS = Path(stamps.__file__).parent / "editions"
SIGNALS = read_edition(json.loads((EDITIONS / "signals.json").read_text()))
SAENTIS = read_edition(json.loads((EDITIONS / "saentis.json").read_text()))
NETWORK = payload.Network(1, 31337, bytes(range(20)))
SIGNER = payload.local_signer(bytes(range(1, 33)))
ORIGIN = "http://192.168.1.5:8000"


def face(serial: int, edition: Edition = SIGNALS, origin: str = ORIGIN) -> StampFace:
    stamp = 1 << 48 | 1 << 32 | serial
    return StampFace(edition, stamp, payload.url(origin, payload.make(stamp, NETWORK, SIGNER)))


def claim_code(stamp: int) -> ClaimCode:
    return ClaimCode(stamp, claim_secret(bytes(32), stamp), ORIGIN)


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()
