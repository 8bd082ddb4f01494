"""What is said of a wrong setting: its name and what it may be, in our words."""

from __future__ import annotations

import pytest

from backend.config import read_settings
from backend.errors import BadSettings

PORT = "POSTHORN_PORT: must be a whole number from 1 to 65535."


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "0", PORT),
        ("PORT", "65536", PORT),
        ("PORT", "http", PORT),
        ("PORT", "80.5", PORT),
        ("PORT", "9" * 5_000, PORT),
        ("FINALITY_DEPTH", "-1", "must be a whole number from 0 on."),
        ("LOG_LEVEL", "loud", "must be one of debug, info, warning, error."),
        ("RPC_URLS", "foo", "POSTHORN_RPC_URLS: must be like http://127.0.0.1:8545."),
        ("DATABASE_URL", "mysql://x", "POSTHORN_DATABASE_URL: must begin with postgresql://."),
        ("PROT", "8000", "POSTHORN_PROT is unknown."),
    ],
)
def test_wrong_setting_is_said_with_what_it_may_be(name: str, value: str, said: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_settings({f"POSTHORN_{name}": value})
    assert caught.value.detail.endswith(said)
