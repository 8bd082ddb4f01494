"""Where an installation's keys lie, and whether they are there. Standard library only: `up` asks, which stays small."""

from __future__ import annotations

from pathlib import Path

from backend.errors import BadSettings

KEYS = "keys"  # in the data folder
SEED = "seed.json"
PASSPHRASE = "passphrase"
RESTORE = (
    "Nothing was changed: restore keys/ from the backup (docs/operations.md). New keys could not sign for what is "
    "there; they are made only by the first `posthorn up` or `prepare`, with an empty database."
)


class KeysLost(BadSettings):
    """The keys of an installation are not where they were, or only a part of them."""


class OtherKeys(BadSettings):
    """The keys are not those that the installation has worked with."""


def check_keys_there(folder: Path, passphrase: str | None) -> None:
    """Raises KeysLost where the seed, or what opens it, is missing."""
    if not (folder / SEED).exists():
        raise KeysLost(f"The keys of this installation are missing: no {folder / SEED}.", RESTORE)
    if passphrase is None and not (folder / PASSPHRASE).exists():
        raise KeysLost(
            f"The passphrase of the keys is missing: no {folder / PASSPHRASE}.",
            f"{RESTORE} Or set POSTHORN_KEYSTORE_PASSPHRASE.",
        )
