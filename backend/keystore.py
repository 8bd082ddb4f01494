"""The embedded keystore: every key of the operator derived from one seed, encrypted under `var/keys`.

The file is an Ethereum keystore (version 3, scrypt) whose secret is the seed; the passphrase comes from
POSTHORN_KEYSTORE_PASSPHRASE, or from a file beside it that only its owner can read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from functools import lru_cache
from pathlib import Path

from coincurve import PrivateKey, PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_account import Account

from backend.domain.keccak import keccak256
from backend.errors import Unavailable
from backend.key_files import PASSPHRASE, SEED, check_keys_there

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SCRYPT_COST = 2**14
SEALED = re.compile(r"claims-(\d+)-(\d+)\.sealed")


class Keystore:
    """A Signer (ports.py) over one seed: key(name) = HMAC-SHA256(seed, name), never zero mod the order."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._key = lru_cache(maxsize=4096)(self._derive)

    def _derive(self, name: str) -> PrivateKey:
        raw = hmac.new(self._seed, b"posthorn/" + name.encode(), hashlib.sha512).digest()
        return PrivateKey.from_int(int.from_bytes(raw, "big") % (CURVE_ORDER - 1) + 1)

    def address(self, key: str) -> bytes:
        return address_of(self._key(key))

    def sign(self, key: str, digest: bytes) -> bytes:
        return sign_compact(self._key(key), digest)

    def secret(self, name: str) -> bytes:
        """32 bytes for uses other than signing, of another branch than the keys."""
        return hmac.new(self._seed, b"secret/" + name.encode(), hashlib.sha256).digest()


def key_from(secret: bytes) -> PrivateKey:
    """A key from its 32 bytes."""
    return PrivateKey(secret)


def address_of(key: PrivateKey) -> bytes:
    """The 20-byte address of a key."""
    return keccak256(key.public_key.format(compressed=False)[1:])[12:]


def sign_compact(key: PrivateKey, digest: bytes) -> bytes:
    """64 bytes r | vs (EIP-2098); libsecp256k1 gives the lower s."""
    signature = key.sign_recoverable(digest, hasher=None)
    r, s, parity = signature[:32], bytearray(signature[32:64]), signature[64]
    s[0] |= parity << 7
    return r + bytes(s)


def recover_address(digest: bytes, signature: bytes) -> bytes | None:
    """The 20-byte address that made a 64-byte r | vs signature; None for any other form or a high s."""
    if len(signature) != 64:
        return None
    s = bytes([signature[32] & 0x7F]) + signature[33:]
    if int.from_bytes(s, "big") > CURVE_ORDER // 2:
        return None
    try:
        key = PublicKey.from_signature_and_message(
            signature[:32] + s + bytes([signature[32] >> 7]), digest, hasher=None
        )
    except ValueError:
        return None
    return keccak256(key.format(compressed=False)[1:])[12:]


class SealedSeeds:
    """ClaimSeeds (ports.py) as files beside the keystore: AES-256-GCM, bound to edition and run."""

    def __init__(self, folder: Path, keystore: Keystore) -> None:
        self._folder = folder
        self._cipher = AESGCM(keystore.secret("claim seeds"))

    def _file(self, edition: int, run: int) -> Path:
        return self._folder / f"claims-{edition}-{run}.sealed"

    def make(self, edition: int, run: int) -> bytes:
        if (seed := self.get(edition, run)) is not None:
            return seed
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        seed, nonce = secrets.token_bytes(32), secrets.token_bytes(12)
        sealed = nonce + self._cipher.encrypt(nonce, seed, _bound(edition, run))
        _write_private(self._file(edition, run), sealed.hex())
        return seed

    def get(self, edition: int, run: int) -> bytes | None:
        file = self._file(edition, run)
        if not file.exists():
            return None
        sealed = bytes.fromhex(file.read_text())
        return self._cipher.decrypt(sealed[:12], sealed[12:], _bound(edition, run))

    def destroy(self, edition: int, run: int) -> None:
        self._file(edition, run).unlink(missing_ok=True)

    def kept(self) -> list[tuple[int, int]]:
        names = (SEALED.fullmatch(file.name) for file in self._folder.glob("claims-*.sealed"))
        return sorted((int(name[1]), int(name[2])) for name in names if name)


def _bound(edition: int, run: int) -> bytes:
    return f"{edition}/{run}".encode()


def make_keystore(folder: Path, passphrase: str | None) -> Keystore:
    """The keystore in a folder, made where there is none: of a new installation alone.

    Raises KeysLost where seeds of claim codes are left of one that was there, and like open_keystore.
    """
    if not (folder / SEED).exists():
        if any(folder.glob("claims-*.sealed")):
            check_keys_there(folder, passphrase)
        _create(folder, passphrase)
    return open_keystore(folder, passphrase)


def open_keystore(folder: Path, passphrase: str | None) -> Keystore:
    """The keystore in a folder. Raises KeysLost where there is none, Unavailable where it cannot be opened."""
    check_keys_there(folder, passphrase)
    file = folder / SEED
    try:
        words = _words(folder) if passphrase is None else passphrase
        seed = Account.decrypt(json.loads(file.read_text()), words)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise Unavailable(
            f"The keystore {file} cannot be opened: {error}.",
            "Set POSTHORN_KEYSTORE_PASSPHRASE to its passphrase, or restore the folder from a backup.",
        ) from None
    return Keystore(bytes(seed))


def _create(folder: Path, passphrase: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if passphrase is None and not (folder / PASSPHRASE).exists():  # or one of an interrupted start
        _write_private(folder / PASSPHRASE, secrets.token_urlsafe(24))
    words = _words(folder) if passphrase is None else passphrase
    seed = secrets.token_bytes(32)
    content = Account.encrypt(seed, words, kdf="scrypt", iterations=SCRYPT_COST)
    _write_private(folder / SEED, json.dumps(content))


def _words(folder: Path) -> str:
    return (folder / PASSPHRASE).read_text().strip()


def _write_private(file: Path, content: str) -> None:
    """Whole or not at all, readable by its owner only."""
    draft = file.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    draft.rename(file)
