"""Which addresses a web hook may have, and which of them may be connected to.

Whoever may add a hook makes this machine send requests, so that it must not reach what only this machine reaches:
our own ports, the network that it stands in, the metadata of a cloud. The host's name is resolved here, once, every
address that it has must be one of the public internet, and what is connected to is the very address that was looked
at. Hosts that POSTHORN_HOOKS_INTERNAL names may be inner ones, and be asked without TLS.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from backend.errors import Unprocessable

LONGEST_URL = 1_000
HTTPS, HTTP = 443, 80
FIRST_FREE_PORT = 1024
NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# What resolvers take for an address, although it has not its form: 2130706433, 0177.0.0.1, 0x7f.1
NUMERIC = re.compile(r"([0-9]+|0x[0-9a-f]*)")
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
IP = IPv4Address | IPv6Address
Resolve = Callable[..., Sequence[tuple[Any, ...]]]


class Forbidden(Exception):
    """A host that must not be connected to; the message names the rule."""


@dataclass(frozen=True, slots=True)
class Target:
    """A hook's URL, taken apart."""

    is_https: bool
    host: str
    port: int
    path: str
    is_internal: bool

    @property
    def authority(self) -> str:
        """As the Host header bears it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = HTTPS if self.is_https else HTTP
        return host if self.port == usual else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rules:
    """`internal` are the hosts that may be inner ones; `own` what we listen on and talk to: RPC, PostgreSQL, pages."""

    internal: frozenset[str]
    own: frozenset[tuple[str, int]]

    def read(self, url: str) -> Target:
        """Raises Unprocessable, naming the rule."""
        parts, host, port = _split(url)
        is_https, is_internal = parts.scheme == "https", host in self.internal
        if not is_https and not (parts.scheme == "http" and is_internal):
            raise _refused("its address begins with https://")
        if not is_internal:
            _check_name(host)
        if port is None:
            port = HTTPS if is_https else HTTP
        self._check_port(host, port, is_internal)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(is_https, host, port, path, is_internal)

    def _check_port(self, host: str, port: int, is_internal: bool) -> None:
        if port < FIRST_FREE_PORT and port != HTTPS and not (is_internal and port == HTTP):
            raise _refused(f"its port is {HTTPS}, or {FIRST_FREE_PORT} and above; this is {port}")
        # Every host has the usual ports: there only the whole address is ours.
        ours = {own for _, own in self.own} - {HTTP, HTTPS}
        if port in ours or (host, port) in self.own:
            raise _refused(f"port {port} is one of Posthorn's own")


def _split(url: str) -> tuple[SplitResult, str, int | None]:
    """Parts, host and port of what can stand in a request as it is. Raises Unprocessable."""
    if (
        len(url) > LONGEST_URL
        or not url.isascii()
        or not url.isprintable()
        or set(" \\") & set(url)
    ):
        raise _refused(f"its address has at most {LONGEST_URL} characters of ASCII and no blank")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("its address is like https://post.example/told") from None
    if not host or parts.fragment or "@" in parts.netloc:
        raise _refused("its address has a host, and no user, password or fragment")
    return parts, host, port


def _check_name(host: str) -> None:
    """A name, in no spelling an address."""
    if ":" in host or NUMERIC.fullmatch(host.rpartition(".")[2]) or not NAME.fullmatch(host):
        raise _refused("it has a host's name, and no number")


def _refused(rule: str) -> Unprocessable:
    return Unprocessable(
        f"This hook may not be called: {rule}.",
        "Give it another address; whoever runs Posthorn can allow an inner host with POSTHORN_HOOKS_INTERNAL.",
    )


def addresses(target: Target, resolve: Resolve = socket.getaddrinfo) -> list[IP]:
    """Where the host is; all of it may be connected to. Raises Forbidden, OSError."""
    rows = resolve(target.host, target.port, type=socket.SOCK_STREAM)
    found = list(dict.fromkeys(ip_address(row[4][0].partition("%")[0]) for row in rows))
    if not target.is_internal and not all(map(is_public, found)):
        raise Forbidden("its name leads to an address that is not of the public internet")
    return found


def is_public(address: IP) -> bool:
    """Whether everybody in the internet means the same by it; so must what it wraps."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    inner = (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
    return (
        address in GLOBAL_UNICAST
        and address.is_global
        and all(is_public(one) for one in inner if one is not None)
    )
