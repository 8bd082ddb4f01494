"""Sockets and ports that servers listen on."""

from __future__ import annotations

import errno
import os
import socket

from backend.errors import Unavailable

ADVICE = {
    False: "Stop the other program, or choose another port with --port.",
    True: "Name an address of this machine with --host; 0.0.0.0 is all of them.",
}


class PortTaken(Unavailable):
    """Nothing can listen there."""


def listen(host: str, port: int, shared: bool) -> socket.socket:
    """A bound socket. `shared`: several servers may listen there, the kernel deals out connections.

    Raises PortTaken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        words = error.strerror or os.strerror(error.errno or 0)
        is_foreign = error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror)
        raise PortTaken(
            f"Posthorn cannot listen on {host}, port {port}: {words}.", ADVICE[is_foreign]
        ) from None
    return listening


def is_free(host: str, port: int) -> bool:
    """Whether one could listen there now."""
    try:
        listen(host, port, shared=False).close()
    except PortTaken:
        return False
    return True


def free_port() -> int:
    """A port of this machine on which nothing listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
