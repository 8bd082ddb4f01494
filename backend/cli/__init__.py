"""The command line `posthorn`. Commands import what they need when they run: `--help` answers at once."""


def main() -> None:
    """Run one command; errors are one sentence and an exit code (docs/operations.md)."""
    from backend.cli.app import run

    run()
