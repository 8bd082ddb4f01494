"""The long-running processes: server, sender, indexer, hooks. SIGTERM ends them when their work in hand is done."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from backend.cli.garbage import ANSWERING, WORKING, collect_seldom
from backend.cli.installation import Installation, installation
from backend.cli.listening import listen
from backend.cli.output import limit_recursion
from backend.cli.parent import end_with_parent
from backend.config import Settings
from backend.errors import Unavailable

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI
    from sqlalchemy import Connection

    from backend.hooks.tell import Teller

MINE_EVERY_SECONDS = 0.1
# Our own node keeps as many of one sender as it gets. With 8, sender, node and indexer wait for each other in turns.
EMBEDDED_IN_FLIGHT = 16
DESTROY_EVERY_SECONDS = 60.0
# Seconds that requests in hand get when the server is told to stop, and that a connection may be idle: longer than
# who is told to come again waits (Retry-After), and than proxies keep theirs (nginx: 60), who would find it closed.
GRACE_SECONDS = 5
IDLE_SECONDS = 75
# The program of the process that reads ahead; its argument is the data folder, where one is named.
READ = "import sys; from backend.cli.workers import read_ahead; read_ahead(*sys.argv[1:])"


def run_server(data: Path | None, host: str | None, port: int | None, watch_parent: bool) -> None:
    """Serve until told to stop. Raises PortTaken, BadSettings, Unavailable."""
    import uvicorn

    from backend.app import create_app

    limit_recursion()
    house = installation(data, host=host, port=port)
    _log_to_stderr(house.settings)
    listening = listen(house.settings.host, house.settings.port, shared=True)
    config = server_config(create_app(house.settings))
    if watch_parent:
        end_with_parent()
    collect_seldom(ANSWERING)
    uvicorn.Server(config).run(sockets=[listening])


def server_config(app: FastAPI) -> uvicorn.Config:
    """Who forwards requests is believed only where FORWARDED_ALLOW_IPS names it: uvicorn believes this machine."""
    import uvicorn

    proxies = os.environ.get("FORWARDED_ALLOW_IPS", "")
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=IDLE_SECONDS,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
    )


def run_sender(data: Path | None, watch_parent: bool, hooks: bool) -> None:
    """Send until told to stop; with `hooks`, tell web hooks too. Raises BadSettings, Unavailable."""
    from backend.chain.deployment import check_deployment
    from backend.chain.lane import Pace
    from backend.chain.sender import Sender

    house = installation(data)
    _log_to_stderr(house.settings)
    stop = _stopped_by_signals(watch_parent)
    check_deployment(house.node, house.deployment)
    _check_governor(house)
    pace = Pace(MINE_EVERY_SECONDS, in_flight=EMBEDDED_IN_FLIGHT) if house.is_embedded else Pace()
    means = house.engine, house.node, house.keystore, house.deployment, house.reconsider
    sender = Sender(*means, pace)
    limit_recursion()
    threading.Thread(target=_destroy_seeds, args=(house, stop), daemon=True).start()
    telling = _tell_beside(_teller(house), stop) if hooks else None
    collect_seldom(ANSWERING)
    structlog.get_logger().info("sender_started")
    sender.run(stop)
    if telling is not None and telling.done():
        telling.result()


def _check_governor(house: Installation) -> None:
    """Before the first transaction the database knows no keys; the chain of our own knows one. Raises OtherKeys."""
    from backend.house import check_governor
    from backend.store.used import addresses_by_key

    if house.is_embedded and not addresses_by_key(house.engine):
        check_governor(house.keystore, house.node, house.deployment)


def _tell_beside(teller: Teller, stop: threading.Event) -> Future[None]:
    """Telling in a thread: an end that nobody foresaw is the sender's too, and who watches it starts both again."""
    telling: Future[None] = Future()

    def tell() -> None:
        try:
            teller.run(stop)
            telling.set_result(None)
        except Exception as error:  # noqa: BLE001 - it is raised where the sender ends
            telling.set_exception(error)
            stop.set()

    threading.Thread(target=tell, daemon=True).start()
    return telling


def _destroy_seeds(house: Installation, stop: threading.Event) -> None:
    """S10: again and again, for the chain may have the last stamp of a print run at any time."""
    from backend.store.engine import begin
    from backend.usecases.claim_codes import destroy_confirmed

    while not stop.wait(DESTROY_EVERY_SECONDS):
        try:
            with begin(house.engine) as db:
                for edition, run in destroy_confirmed(db, house.house):
                    structlog.get_logger().info("claim_seed_destroyed", edition=edition, run=run)
        except Unavailable as error:
            structlog.get_logger().warning("claim_seeds_wait", reason=str(error))


def run_indexer(data: Path | None, watch_parent: bool) -> None:
    """Index until told to stop. Raises BadSettings, Unavailable."""
    from backend.indexer.follow import Indexer
    from backend.indexer.reader_process import ReaderProcess
    from backend.indexer.second_look import look_nightly

    house = installation(data)
    _log_to_stderr(house.settings)
    stop = _stopped_by_signals(watch_parent)
    means = house.engine, house.node, house.deployment
    indexer = Indexer(
        *means,
        keep_raw_transactions=house.is_embedded,
        finality_depth=house.settings.finality_depth,
        process=ReaderProcess([sys.executable, "-c", READ, *([str(data)] if data else [])], stop),
    )
    limit_recursion()
    again = house.engine, house.new_node(), house.deployment, stop
    threading.Thread(target=look_nightly, args=again, daemon=True).start()
    collect_seldom(WORKING)
    structlog.get_logger().info("indexer_started")
    indexer.run(stop)


def read_ahead(data: str = "") -> None:
    """Read the chain for the indexer that has started this process. Raises BadSettings, Unavailable."""
    from backend.indexer.reader import Reader
    from backend.indexer.reader_process import read_for_parent

    house = installation(Path(data) if data else None)
    _log_to_stderr(house.settings)
    limit_recursion()
    collect_seldom(WORKING)
    read_for_parent(Reader(house.node, house.deployment, house.settings.finality_depth))


def run_hooks(data: Path | None, watch_parent: bool) -> None:
    """Tell web hooks until told to stop. Raises BadSettings, Unavailable."""
    house = installation(data)
    _log_to_stderr(house.settings)
    stop = _stopped_by_signals(watch_parent)
    teller = _teller(house)
    limit_recursion()
    collect_seldom(ANSWERING)
    structlog.get_logger().info("hooks_started")
    teller.run(stop)


def _teller(house: Installation) -> Teller:
    from backend.hooks.tell import Teller

    def write(db: Connection, item: bytes, record: int) -> str | None:
        from backend.api.answers.hooks import about_record  # 25 MB, where there is a hook at all

        return about_record(db, item, record)

    return Teller(house.engine, house.house.hooks, write)


def _stopped_by_signals(watch_parent: bool) -> threading.Event:
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if watch_parent:
        end_with_parent()
    return stop


def _log_to_stderr(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
