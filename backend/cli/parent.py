"""A child process ends when the `up` that started it does, however that ended."""

from __future__ import annotations

import os
import signal
import threading


def end_with_parent() -> None:
    """When `up` ends, however, standard input ends: then so do we, with all that we have started."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.killpg(os.getpgrp(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
