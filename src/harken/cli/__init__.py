"""Commands people type."""

from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the `harken` command; see `harken.cli.app`."""
    # Here, so that a worker of a batch does not load the whole command line.
    from harken.cli import app

    app.main()
