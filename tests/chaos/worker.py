"""A process of Posthorn that kills itself at an instant; the only code that arms failpoints in a running service.

Forked from a server that has imported everything, so that a process is there at once, however many are killed.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from backend import failpoints
from backend.cli import main

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "backend.app",
        "backend.cli.workers",
        "backend.chain.sender",
        "backend.indexer.follow",
        "backend.hooks.tell",
        "backend.api.answers.hooks",
        "uvicorn",
    ]
)


def start(
    command: str, environment: Mapping[str, str], log: Path, instant: str, passes: int
) -> ForkServerProcess:
    """`posthorn COMMAND`, armed to die when it comes to the instant for the `passes`-th time; "" arms nothing."""
    process = CONTEXT.Process(target=_work, args=(command, environment, log, instant, passes))
    process.start()
    return process


def _work(
    command: str, environment: Mapping[str, str], log: Path, instant: str, passes: int
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if instant:
        failpoints.arm(instant, passes)
    sys.argv = ["posthorn", command]
    main()
