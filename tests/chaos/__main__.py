"""`python -m tests.chaos`: forked processes do not import again what a package's `__main__` imports."""

from __future__ import annotations

import sys

from chaos import main

if __name__ == "__main__":
    sys.exit(main())
