"""``python -m dashboards_src.preview [--port 3001]``: serve the preview until it is asked to stop."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from dashboards_src.generate import DEFAULT_OUT
from dashboards_src.preview import backends
from dashboards_src.preview.app import Config, create_app
from observability import logs

_LOG = logging.getLogger("dashboards_src.preview")
_PHOENIX_PUBLIC_URL = "http://localhost:6006"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 after an orderly stop, 2 without dashboards, 3 if it could not start (uvicorn's number)."""
    parser = argparse.ArgumentParser(prog="python -m dashboards_src.preview", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=3001, help="port (default: %(default)s)")
    parser.add_argument("--dashboards", type=Path, default=DEFAULT_OUT, help="generated JSON (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not options.dashboards.is_dir():
        print(f"preview: {options.dashboards} is no folder; run: make generate", file=sys.stderr)
        return 2
    logs.configure(None)
    config = Config(
        dashboards=options.dashboards,
        backends=backends.from_environ(),
        links={"phoenix_url": os.environ.get("PHOENIX_PUBLIC_URL") or _PHOENIX_PUBLIC_URL},
        host=options.host,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            host=options.host,
            port=options.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    # uvicorn raises the signal again when it has stopped; with these the stop that was asked for is a success.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    server.run()
    return 0 if server.started else 3


def _stopped(number: int, _frame: object) -> None:
    _LOG.info("stopped by %s", signal.Signals(number).name, extra={"event": "exit"})


if __name__ == "__main__":
    raise SystemExit(main())
