"""`posthorn up`: database, chain, contracts, demonstration, then servers, sender and indexer, until Ctrl-C.

This process holds them all and itself does little: what needs much memory is done by a child that ends.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NoReturn

from backend.cli.database import check_not_lost
from backend.cli.folder import FORMAT, DataFolder, Installed, fingerprint
from backend.cli.listening import is_free, listen
from backend.cli.output import Exit, command_line, say
from backend.cli.signals import Signals
from backend.cli.supervisor import STOP_SECONDS, Child, Embedded, Supervisor, posthorn
from backend.config import PREFIX, Settings, read_settings
from backend.embedded.anvil import Block, EmbeddedAnvil
from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.processes import wait_until
from backend.errors import Unavailable

# A demonstration's first event lies 425 days ago (demonstration/make.py).
DEMONSTRATION_SECONDS = 426 * 86_400
FIRST_ANSWER_SECONDS = 60.0
# One interpreter uses one core. More cores are left to what else runs here, unless more servers are asked for.
MOST_SERVERS = 2
ALL_INTERFACES = ("0.0.0.0", "::")


def run(
    data: Path | None,
    host: str | None,
    port: int | None,
    demonstration: bool,
    servers: int | None = None,
) -> NoReturn:
    """Start everything and hold it until Ctrl-C or SIGTERM. Raises PosthornError where a part does not start."""
    settings = read_settings(os.environ, data=data, host=host, port=port)
    with ExitStack() as stack:
        folder = DataFolder(settings.data)
        folder.acquire()
        stack.callback(folder.release)
        signals = Signals()
        if folder.was_killed:
            wait_until(lambda: is_free(settings.host, settings.port), STOP_SECONDS)
        folder.note_running({"pid": os.getpid()})
        listen(settings.host, settings.port, shared=False).close()
        house = _House(settings, folder, stack, signals)
        try:
            _run(house, demonstration, servers or servers_here())
        except KeyboardInterrupt:
            say("\nStopping. Data is kept.")
    raise SystemExit(Exit.DONE)


def servers_here() -> int:
    """How many servers this machine's cores can keep busy beside all else."""
    return min(MOST_SERVERS, os.cpu_count() or 1)


def _run(house: _House, demonstration: bool, servers: int) -> NoReturn:
    house.know_installation(demonstration)
    serving = ["serve", *(f"serve-{nth}" for nth in range(2, servers + 1))]
    supervisor = Supervisor(house.workers([*serving, "send", "index"]), say)
    house.stack.callback(supervisor.stop)
    if house.is_prepared:
        supervisor.start(*serving)  # its imports take longer than database and chain
    house.start_database(supervisor)
    house.start_chain(supervisor)
    if not house.is_prepared:
        house.prepare()
    supervisor.start(*serving)
    link = house.sign_in_link()
    if not wait_until(lambda: supervisor.look() or house.answers(), FIRST_ANSWER_SECONDS):
        raise Unavailable(
            f"The server does not answer at {house.local_url}: {supervisor.last_words('serve')}",
            f"All that it said is in {house.folder.path / 'log' / 'serve'}.",
        )
    supervisor.start("send", "index")
    house.note_running()
    _welcome(house, link)
    supervisor.watch()


def _welcome(house: _House, link: str) -> None:
    lines = ["", "Posthorn runs."]
    lines += [f"  pages    {house.origin}/"]
    if house.origin != house.local_url:
        lines += [f"           {house.local_url}/ on this machine"]
    lines += [f"  API      {house.origin}/v1/openapi.json", f"  chain    {house.rpc_urls[0]}"]
    lines += [f"  sign in  {link}", "           (as admin, good once, within 24 hours)"]
    lines += [f"  terminal {command_line('status', house.folder.path)}"]
    print("\n".join([*lines, "Ctrl-C stops, data is kept."]), flush=True)


class _House:
    """The parts of an installation that `up` brings along."""

    def __init__(
        self, settings: Settings, folder: DataFolder, stack: ExitStack, signals: Signals
    ) -> None:
        self.settings, self.folder, self.stack = settings, folder, stack
        self._signals = signals
        self._postgres = EmbeddedPostgres(folder.path / "postgres")
        self._installed = folder.installed()
        self._deployment = (settings.deployment or folder.path / "deployment.json").resolve()
        self._chain_port = folder.chain_port()
        self.database_url = settings.database_url or self._postgres.url
        self.rpc_urls = settings.rpc_urls or (f"http://127.0.0.1:{self._chain_port}",)
        self.origin = settings.public_url or f"http://{_address(settings.host)}:{settings.port}"
        here = "127.0.0.1" if settings.host in ALL_INTERFACES else settings.host
        self.local_url = f"http://{_bracketed(here)}:{settings.port}"

    def know_installation(self, demonstration: bool) -> None:
        """What an earlier start left, or the note that a first one begins. Raises KeysLost."""
        if self._installed is not None and not self._installed.build:
            self._forget_interrupted(self._installed)
            self._installed = None
        if self._installed is not None:
            self.folder.check_keys_there(self.settings.keystore_passphrase)
        else:
            began = int(time.time()) - (DEMONSTRATION_SECONDS if demonstration else 0)
            self._installed = Installed(FORMAT, began, demonstration)
            self.folder.note(self._installed)

    @property
    def is_prepared(self) -> bool:
        """Whether this very code has prepared all before: then a start is quick."""
        build = fingerprint(self._deployment, self.folder.seed)
        return self._installed is not None and self._installed.build == build

    def prepare(self) -> None:
        """Tables, contracts, and on the first start the demonstration. Ends the program where that fails."""
        assert self._installed is not None
        arguments = []
        if not self._installed.build:
            arguments = ["--genesis", str(self._installed.genesis_time)]
            arguments += ["--demonstration"] if self._installed.demonstration else []
        self._child("prepare", *arguments)
        self._installed = replace(
            self._installed, build=fingerprint(self._deployment, self.folder.seed)
        )
        self.folder.note(self._installed)

    def sign_in_link(self) -> str:
        """A new one, for the administrator."""
        return self._child("sign-in-link").strip()

    def workers(self, names: list[str]) -> list[Child]:
        """Servers, sender and indexer, not started yet; of several of a kind, `-2` and so on behind its name."""
        logs = self.folder.path / "log"
        logs.mkdir(exist_ok=True)
        environment = self._environment()
        commands = {name: posthorn(name.partition("-")[0], "--watch-parent") for name in names}
        # A process of their own would take 116 MB, mostly for nothing (docs/decisions/0019).
        commands["send"].append("--hooks")
        return [
            Child(name, command, environment, logs / name) for name, command in commands.items()
        ]

    def answers(self) -> bool:
        """Whether the server answers a request for the first page, whatever it says."""
        connection = HTTPConnection(self.local_url.removeprefix("http://"), timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True

    def _forget_interrupted(self, installed: Installed) -> None:
        say("An earlier first start was interrupted: beginning anew.")
        EmbeddedAnvil(self.folder.path / "chain", installed.genesis_time).kill()
        self._postgres.stop()
        self.folder.forget_interrupted()

    def start_database(self, supervisor: Supervisor) -> None:
        """The embedded one, unless the settings name another. Raises DatabaseLost."""
        if not self.settings.database_url:
            postgres = self._postgres
            with self._signals.held():
                postgres.start()
                self.stack.callback(postgres.stop)
            runs = partial(_runs, postgres)
            supervisor.keep(Embedded("database", runs, self._start_database_again, postgres.log))
        if self._installed is not None and self._installed.build:
            check_not_lost(self.database_url, self.folder.path)
        if not self.settings.database_url:
            say("✓ database")

    def _start_database_again(self) -> None:
        with self._signals.held():
            self._postgres.start()

    def start_chain(self, supervisor: Supervisor) -> None:
        """Its blocks are in the database: a state file that is lost or cut is made again from them."""
        if self.settings.rpc_urls:
            return
        assert self._installed is not None
        anvil = EmbeddedAnvil(self.folder.path / "chain", self._installed.genesis_time)
        blocks = partial(stored_blocks, self.database_url)
        anvil.start(blocks, self._chain_port)
        self.stack.callback(anvil.stop)
        again = partial(anvil.start_again, blocks, self._chain_port)
        supervisor.keep(Embedded("chain", partial(_runs, anvil), again, anvil.log))
        say("✓ chain")

    def _child(self, *arguments: str) -> str:
        """What a step in a process of its own says; ends the program, as it did, where it fails."""
        child = subprocess.Popen(
            posthorn(*arguments, "--watch-parent"),
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            assert child.stdout is not None
            said = child.stdout.read()
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            raise
        finally:
            child.wait()
        if child.returncode != 0:
            raise SystemExit(child.returncode)  # it has said why
        return said

    def _environment(self) -> dict[str, str]:
        """Ours for the children: the same settings, and where the parts are."""
        settings = self.settings
        values = {
            "data": self.folder.path,
            "host": settings.host,
            "port": settings.port,
            "database_url": self.database_url,
            "rpc_urls": ",".join(self.rpc_urls),
            "deployment": self._deployment,
            "public_url": self.origin,
            "network_alias": settings.network_alias,
            "hooks_internal": ",".join(settings.hooks_internal),
            "log_level": settings.log_level,
        }
        if settings.keystore_passphrase is not None:
            values["keystore_passphrase"] = settings.keystore_passphrase
        others = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        return others | {PREFIX + name.upper(): str(value) for name, value in values.items()}

    def note_running(self) -> None:
        """Where other commands find all this."""
        self.folder.note_running(
            {
                "pid": os.getpid(),
                "origin": self.origin,
                "database_url": self.database_url,
                "rpc_urls": list(self.rpc_urls),
                "hooks_internal": list(self.settings.hooks_internal),
            }
        )


def _runs(server: EmbeddedPostgres | EmbeddedAnvil) -> bool:
    return server.pid is not None


def stored_blocks(database_url: str, first: int) -> Iterator[Block]:
    """The embedded chain's blocks from number `first` on, as the indexer has kept them. Raises Unavailable."""
    import psycopg

    try:
        yield from _stored_blocks(database_url, first)
    except psycopg.OperationalError as error:
        raise Unavailable(f"The chain's blocks cannot be read from the database: {error}") from None


def _stored_blocks(database_url: str, first: int) -> Iterator[Block]:
    import psycopg

    with psycopg.connect(database_url.replace("+psycopg", "", 1)) as db:
        if db.execute("SELECT to_regclass('block')").fetchone() == (None,):
            return
        with db.cursor("blocks", binary=True) as cursor:
            cursor.execute(
                "SELECT number, time, raw_transactions, hash FROM block "
                "WHERE number >= %s ORDER BY number",
                (first,),
            )
            for number, seconds, raw, hash_ in cursor:
                yield Block(number, seconds, tuple(map(bytes, raw or ())), bytes(hash_))


def _address(host: str) -> str:
    """What codes on paper may say: for all interfaces, this machine's address in its network."""
    return _bracketed(lan_address() if host in ALL_INTERFACES else host)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def lan_address() -> str:
    """The address that this machine would send from; nothing is sent (UDP, RFC 5737 documentation net)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        try:
            route.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(route.getsockname()[0])
