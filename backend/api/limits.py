"""How often one address may ask what costs or could be guessed: verify, claim, sign-in, relay.

Tries of a PIN are counted in the database (people.py): no number of processes may multiply them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from math import ceil
from threading import BoundedSemaphore
from time import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from backend.errors import PosthornError, Unavailable

RULES: dict[str, RateLimitItem] = {
    "verify": parse("240 per minute"),
    "picture": parse("20 per minute"),
    "claim": parse("20 per minute"),
    "sign_in": parse("20 per minute"),
    "relay": parse("600 per minute"),
}
RELAYS_AT_ONCE = 3
# Reading a picture takes a second of a core and a hundred megabytes.
PICTURES_AT_ONCE = 2
PICTURE_WAIT_SECONDS = 5.0


class TooMany(PosthornError):
    """`retry_after_seconds` until the next try is worth it."""

    status = 429
    title = "A little slower, please"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            "This was asked too often from here in a short time.",
            f"Try again in {retry_after_seconds} seconds.",
            retry_after_seconds=retry_after_seconds,
        )
        self.retry_after_seconds = retry_after_seconds


class Limits:
    """Counts in the memory of one process; several processes allow that many times as much.

    `relay` keeps a slow node from taking all threads, `pictures` a few pictures from taking all memory.
    """

    def __init__(self) -> None:
        self.relay = BoundedSemaphore(RELAYS_AT_ONCE)
        self.pictures = BoundedSemaphore(PICTURES_AT_ONCE)
        self._counter = MovingWindowRateLimiter(MemoryStorage())

    @contextmanager
    def picture(self) -> Iterator[None]:
        """While a picture is read. Raises Unavailable where too many are."""
        if not self.pictures.acquire(timeout=PICTURE_WAIT_SECONDS):
            raise Unavailable(
                "Too many pictures are being read at the moment.",
                "Try again, or type the number under the code.",
            )
        try:
            yield
        finally:
            self.pictures.release()

    def count(self, rule: str, who: str) -> None:
        """One more try by `who`, an address. Raises TooMany."""
        item = RULES[rule]
        if self._counter.hit(item, rule, who):
            return
        window = self._counter.get_window_stats(item, rule, who)
        raise TooMany(max(1, ceil(window.reset_time - time())))


def network_of(address: str) -> str:
    """The address, or the /64 of an IPv6 address: one household has that many."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else str(parsed)
