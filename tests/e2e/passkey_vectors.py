"""Writes tests/vectors/passkey.json: what a real Chromium's authenticator makes and signs, for the tests of every part.

CHROMIUM=/usr/bin/chromium .venv/bin/python -m tests.e2e.passkey_vectors
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from playwright.sync_api import Page, sync_playwright

from backend.passkeys import Assertion, Passkey, creation_options, in_contract_form, registered

FILE = Path(__file__).parents[1] / "vectors" / "passkey.json"
CHALLENGE = bytes(range(32))
DIGESTS = [bytes([n]) * 32 for n in range(1, 5)]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
SCRIPTS = """
const bytes = (t) => Uint8Array.from(atob(t.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
"""
CREATE = (
    "async (asked) => {"
    + SCRIPTS
    + """
  const made = await navigator.credentials.create({publicKey: {...asked, challenge: bytes(asked.challenge),
    user: {...asked.user, id: bytes(asked.user.id)}, excludeCredentials: []}});
  return {id: made.id, rawId: made.id, type: made.type, response: {
    clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject)}};
}"""
)
GET = (
    "async ([id, challenge, verification]) => {"
    + SCRIPTS
    + """
  const made = await navigator.credentials.get({publicKey: {challenge: bytes(challenge), rpId: "localhost",
    allowCredentials: [{type: "public-key", id: bytes(id)}], userVerification: verification}});
  const r = made.response;
  return {authenticator: text(r.authenticatorData), client: text(r.clientDataJSON), signature: text(r.signature)};
}"""
)


def main() -> None:
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        handler = partial(SimpleHTTPRequestHandler, directory=folder)
        server = ThreadingHTTPServer(("localhost", 0), handler)
        Thread(target=server.serve_forever, daemon=True).start()
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        origin = f"http://localhost:{server.server_port}"
        page.goto(origin)
        FILE.write_text(json.dumps(vectors(page, origin), indent=1) + "\n")
        browser.close()
        server.shutdown()


def vectors(page: Page, origin: str) -> dict[str, Any]:
    """One registration, four assertions, and one whose user was present and not verified."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added: Any = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    options = creation_options(origin, CHALLENGE, 77, "Round 77", [])
    credential = page.evaluate(CREATE, options)
    signed = [page.evaluate(GET, [credential["id"], text(d), "required"]) for d in DIGESTS]
    passkey = registered(origin, json.dumps(credential), [CHALLENGE])
    unverified = {"authenticatorId": added["authenticatorId"], "isUserVerified": False}
    devtools.send("WebAuthn.setUserVerified", unverified)
    return {
        "origin": origin,
        "challenge": CHALLENGE.hex(),
        "credential": credential,
        "key": passkey.key.hex(),
        "assertions": [
            {"digest": digest.hex()}
            | assertion
            | {"signature_on_chain": on_chain(passkey, assertion)}
            for digest, assertion in zip(DIGESTS, signed, strict=True)
        ],
        "not_verified": {"digest": DIGESTS[0].hex()}
        | page.evaluate(GET, [credential["id"], text(DIGESTS[0]), "discouraged"]),
    }


def on_chain(passkey: Passkey, assertion: dict[str, str]) -> str:
    """As the contracts take it."""
    parts = (raw(assertion[name]) for name in ("authenticator", "client", "signature"))
    return in_contract_form(passkey, Assertion(*parts)).hex()


def raw(base64url: str) -> bytes:
    return urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4))


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


if __name__ == "__main__":
    main()
