"""A private chain: the anvil of node_modules, started without automatic mining.

PostgreSQL is the log of this chain, anvil's state file only a cache of it: a node is brought up from
stored blocks, with identical hashes. What was found out about anvil 1.7.1 by running it:

- it rewrites its dump in place every 60 seconds unless told otherwise, so that kill -9 can leave a
  cut file, and it refuses to start from one: here it dumps once, at its end, beside the old file;
- after loading a dump its clock is back at `--timestamp`, and a block mined without setting a time
  would be older than its parent: here the clock is set to the time of day after each start;
- `evm_setNextBlockTimestamp` refuses times before the last one set or mined, allows the same, and
  moves the clock for all blocks after it; `anvil_setTime` sets it back;
- the base fee stays 0 in full blocks too, so accounts need no balance; but eth_maxPriorityFeePerGas
  still answers 1 gwei: name a price of 0 in every transaction;
- `--slots-in-an-epoch 0` makes the newest block `safe` and `finalized` as well;
- with `--prune-history` an eth_call at an old block fails; old blocks, logs, receipts stay;
- only at its start does it print the port that it chose; logging is switched off right after;
- its default allows every web page to call it, cheat codes included: hence `--no-cors`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self

from backend.embedded.json_rpc import JsonRpc, NodeRefused
from backend.embedded.processes import FolderLock, command_line, wait_until
from backend.errors import PosthornError, Unavailable

CHAIN_ID = 31337
HARDFORK = "osaka"  # P-256 precompile (EIP-7951), 2^24 gas per transaction (EIP-7825)
BLOCK_GAS_LIMIT = 500_000_000
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 120.0


class AnvilNotStarted(Unavailable):
    """anvil is not installed, or ended at once; its own words are in the message."""


class PortTaken(AnvilNotStarted):
    """Another program listens on the port that was asked for."""


class ChainDiffers(PosthornError):
    """The node's chain is not the stored one."""

    title = "The node's chain is not the stored one"


@dataclass(frozen=True, slots=True)
class Block:
    """One block as PostgreSQL keeps it: signed transactions in order, time in seconds since 1970.

    `hash` is None where it was not known yet when the block was saved.
    """

    number: int
    timestamp: int
    transactions: tuple[bytes, ...]
    hash: bytes | None = None


ReadBlocks = Callable[[int], Iterable[Block]]


def no_blocks(_first: int) -> Iterable[Block]:
    """The stored blocks of a chain that begins."""
    return ()


class EmbeddedAnvil:
    """The node of one folder. `genesis_time`, in seconds since 1970, must stay the same for ever."""

    settings: ClassVar[dict[str, str]] = {
        "--host": "127.0.0.1",
        "--chain-id": str(CHAIN_ID),
        "--hardfork": HARDFORK,
        "--gas-limit": str(BLOCK_GAS_LIMIT),
        "--block-base-fee-per-gas": "0",
        "--gas-price": "0",
        "--accounts": "1",  # unlocked and known to all: it deploys the contracts and has no say in them
        "--order": "fifo",
        "--slots-in-an-epoch": "0",
        "--state-interval": "31536000",
    }
    switches = ("--no-mining", "--enable-tx-gas-limit", "--prune-history", "--no-cors")

    def __init__(self, folder: Path, genesis_time: int) -> None:
        self.folder = folder.resolve()
        self.genesis_time = genesis_time
        self.state = self.folder / "state.json"
        self.log = self.folder / "log"
        self.url = ""
        self._new_state = self.folder / "state.new.json"
        self._pid_file = self.folder / "anvil.pid"
        self._lock = FolderLock(self.folder)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running node's process; None if none runs."""
        known = self._pid_file.read_text() if self._pid_file.exists() else ""
        pid = int(known) if known.isdigit() else 0
        return pid if pid and self._is_ours(pid) else None

    def start(self, read_blocks: ReadBlocks = no_blocks, port: int = 0) -> None:
        """Return when the node answers at `url` and has all stored blocks; its clock is then now's.

        `read_blocks(n)` gives the stored blocks from number n on, in order. What the state file has
        is not mined again; a file that is damaged or of another chain is thrown away. A node left
        over from a killed parent is stopped first. Port 0 chooses a free one.
        Raises FolderInUse, PortTaken, AnvilNotStarted, and ChainDiffers if the stored blocks, mined
        from nothing, have other hashes than the stored ones.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        with ExitStack() as undo:
            undo.callback(self.kill)
            if self._signal(signal.SIGTERM):
                self._keep_state()
            if not self._start_from_state(read_blocks, port):
                self._launch(port, [])
                replay(self.url, read_blocks)
            undo.pop_all()

    def start_again(self, read_blocks: ReadBlocks, port: int) -> None:
        """As `start`, of a node that ended under its users: they find all blocks at its port, or nothing.

        A sender that met it half way would add blocks of its own.
        """
        self.start(read_blocks)  # at a port that nobody knows
        self.stop()
        self.start(read_blocks, port)

    def stop(self) -> None:
        """End the node and keep its state: the new file replaces the old one once it is on disk."""
        if self._signal(signal.SIGTERM):
            self._keep_state()
        self.kill()

    def kill(self) -> None:
        """End the node at once; the state file stays as it was when the node started."""
        self._signal(signal.SIGKILL)
        self._reap()
        self._pid_file.unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _is_ours(self, pid: int) -> bool:
        return f" --dump-state {self._new_state} " in command_line(pid)

    def _signal(self, number: signal.Signals) -> bool:
        """Whether a node was running and has ended."""
        pid = self.pid
        if pid is None:
            return False
        os.kill(pid, number)
        return wait_until(lambda: not self._is_ours(pid), STOP_TIMEOUT_SECONDS)

    def _reap(self) -> None:
        """Take note of our child's end, or the system keeps it as a zombie."""
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _keep_state(self) -> None:
        if self._new_state.exists():
            _sync(self._new_state)
            self._new_state.replace(self.state)
            _sync(self.folder)

    def _start_from_state(self, read_blocks: ReadBlocks, port: int) -> bool:
        """Whether the state file could be used; if not, it is gone and no node runs."""
        if not self.state.exists():
            return False
        try:
            self._launch(port, ["--load-state", str(self.state)])
            replay(self.url, read_blocks)
        except PortTaken:
            raise
        except (AnvilNotStarted, ChainDiffers, NodeRefused):
            self._signal(signal.SIGKILL)
            self.state.unlink()
            return False
        return True

    def _launch(self, port: int, load: list[str]) -> None:
        self._reap()
        self._new_state.unlink(missing_ok=True)
        settings = [word for item in self.settings.items() for word in item]
        settings += ["--timestamp", str(self.genesis_time), "--port", str(port), *self.switches]
        with self.log.open("wb") as log:
            self._child = child = subprocess.Popen(
                [_binary(), "--dump-state", str(self._new_state), *load, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal is for the parent to handle
            )
        self._pid_file.write_text(str(child.pid))
        wait_until(
            lambda: child.poll() is not None or self._said_port() is not None, START_TIMEOUT_SECONDS
        )
        self.url = f"http://127.0.0.1:{self._said_port() or self._explain_end(port)}"
        with JsonRpc(self.url) as node:
            node.call("anvil_setLoggingEnabled", False)

    def _said_port(self) -> int | None:
        said = re.search(rb"Listening on 127\.0\.0\.1:(\d+)", self.log.read_bytes())
        return int(said[1]) if said else None

    def _explain_end(self, port: int) -> NoReturn:
        words = self.log.read_text(errors="replace").strip()
        if "Address already in use" in words:
            raise PortTaken(f"Another program listens on port {port}.", "Choose another port.")
        raise AnvilNotStarted(f"anvil did not start: {words or 'it said nothing'}")


def replay(url: str, read_blocks: ReadBlocks) -> None:
    """Mine the stored blocks that a node lacks, so that each gets the hash that it had.

    Needs a node that mines only when told, with the settings of this module and the chain's genesis
    time. Leaves its clock at the time of day, but not before its newest block. Raises ChainDiffers.
    """
    with JsonRpc(url) as node:
        newest = node.call("eth_getBlockByNumber", "latest", False)
        for block in read_blocks(int(newest["number"], 16)):
            if block.number > int(newest["number"], 16):
                newest = _mine(node, block)
            _check(newest, block)
        node.call("anvil_setTime", max(int(time.time()), int(newest["timestamp"], 16)))


def _mine(node: JsonRpc, block: Block) -> dict[str, Any]:
    node.call("evm_setNextBlockTimestamp", block.timestamp)
    # One by one: those of a batch may reach the pool in another order, which would be another block.
    for transaction in block.transactions:
        node.call("eth_sendRawTransaction", "0x" + transaction.hex())
    node.call("evm_mine")
    mined: dict[str, Any] = node.call("eth_getBlockByNumber", "latest", False)
    if len(mined["transactions"]) != len(block.transactions):
        raise ChainDiffers(
            f"Block {block.number} has {len(block.transactions)} stored transactions, "
            f"{len(mined['transactions'])} were mined."
        )
    return mined


def _check(found: dict[str, Any], block: Block) -> None:
    if int(found["number"], 16) != block.number:
        raise ChainDiffers(f"The node is at block {int(found['number'], 16)}, not {block.number}.")
    found_hash = bytes.fromhex(found["hash"][2:])
    if block.hash is not None and found_hash != block.hash:
        raise ChainDiffers(
            f"Block {block.number} has the hash 0x{found_hash.hex()} at the node, "
            f"0x{block.hash.hex()} is stored."
        )


def _binary() -> str:
    """anvil as make links it, or else the one on the PATH."""
    linked = Path(__file__).resolve().parents[2] / "build" / "bin" / "anvil"
    found = str(linked) if linked.exists() else shutil.which("anvil")
    if found is None:
        raise AnvilNotStarted(
            "anvil is not installed; its npm packages exist for Linux on x86-64 only.",
            "Run `make setup`, put an anvil 1.7.1 on the PATH, or name a node with "
            "POSTHORN_RPC_URLS.",
        )
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
