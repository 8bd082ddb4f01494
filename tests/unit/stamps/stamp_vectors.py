"""Golden vectors of the codes on paper, for every language that reads or makes them.

`python -m tests.unit.stamps.stamp_vectors` writes them anew; a test compares them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import coincurve

from stamps import claim, payload
from stamps.number import number_text, parse_number

FILE = Path(__file__).parents[2] / "vectors" / "stamps.json"
NETWORKS = (
    payload.Network(1, 31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3")),
    payload.Network(65535, 100, bytes.fromhex("00000000000000000000000000000000000000ff")),
)
NUMBERS = ("1-1-000017", "1-3-000017", "65535-65535-4294967295")
SIGNER_KEY = bytes(range(1, 33))
SEED = bytes(range(32, 64))


def public_code_vector(network: payload.Network, number: str) -> dict[str, Any]:
    stamp = parse_number(number)
    code = payload.make(stamp, network, payload.local_signer(SIGNER_KEY))
    return {
        "number": number_text(stamp),
        "stamp": str(stamp),
        "network": network.alias,
        "chain_id": network.chain_id,
        "contract": "0x" + network.contract.hex(),
        "digest": "0x" + payload.digest(stamp, network).hex(),
        "signature": "0x" + code.signature.hex(),
        "signer_hint": "0x" + code.signer_hint.hex(),
        "payload": payload.encode(code),
        "url": payload.url("post.example", code),
    }


def claim_code_vector(number: str) -> dict[str, Any]:
    stamp = parse_number(number)
    secret = claim.claim_secret(SEED, stamp)
    return {
        "number": number_text(stamp),
        "stamp": str(stamp),
        "secret": "0x" + secret.hex(),
        "claim_code": claim.claim_text(secret),
        "url": claim.claim_url("post.example", stamp, secret),
        "claim_key": "0x" + claim.claim_key(secret, stamp).hex(),
        "claim_address": "0x" + claim.claim_address(secret, stamp).hex(),
    }


def make_vectors() -> dict[str, Any]:
    signer = payload.address(coincurve.PrivateKey(SIGNER_KEY).public_key)
    return {
        "signer_key": "0x" + SIGNER_KEY.hex(),
        "signer": "0x" + signer.hex(),
        "public_codes": [public_code_vector(net, text) for net in NETWORKS for text in NUMBERS],
        "seed": "0x" + SEED.hex(),
        "claim_codes": [claim_code_vector(text) for text in NUMBERS],
    }


def written(vectors: dict[str, Any]) -> str:
    return json.dumps(vectors, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(make_vectors()))
