"""``python -m observability.server``: run the exporter.

On SIGTERM or SIGINT it takes no more requests, measures what it has accepted (at most ``limits.shutdown_seconds``),
closes its files and exits with 0.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import ceil

import uvicorn

from observability import logs, settings
from observability.allocator import keep_buffers
from observability.app import create_app
from observability.exporter import Exporter
from observability.intake.http import BUFFERED
from observability.ledger import LedgerError
from observability.predictions.store import StoreError
from observability.protocol import BodyProtocol

_LOG = logging.getLogger("observability.server")
_REQUESTS_FINISH_SECONDS = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 after an orderly stop, 2 for unusable settings or files, 3 if it could not start (uvicorn's)."""
    try:
        runtime = settings.Runtime.from_environ()
        options = _options(runtime, arguments)
        configuration = settings.load(options.config)
        logs.configure(runtime.log_file)
        keep_buffers()
        exporter = Exporter(configuration, replace(runtime, host=options.host, port=options.port))
    except (settings.SettingsError, LedgerError, StoreError, OSError) as error:
        print(f"observability.server: {error}", file=sys.stderr)
        return 2
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(exporter),
            host=options.host,
            port=options.port,
            http=partial(BodyProtocol, BUFFERED),  # type: ignore[arg-type]  # it is what uvicorn calls
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=ceil(_REQUESTS_FINISH_SECONDS),
        )
    )
    # uvicorn raises the signal again when it has stopped; with these the stop that was asked for is a success.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stopped)
    server.run()
    return 0 if server.started else 3


def _stopped(number: int, _frame: object) -> None:
    _LOG.info("stopped by %s", signal.Signals(number).name, extra={"event": "exit"})


def _options(runtime: settings.Runtime, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m observability.server", description="The exporter: OTLP spans in, Prometheus metrics out."
    )
    parser.add_argument("--host", default=runtime.host, help="address to listen on (EXPORTER_HOST; %(default)s)")
    parser.add_argument("--port", default=runtime.port, type=int, help="port (EXPORTER_PORT; %(default)s)")
    parser.add_argument("--config", help="observability.yml (OBSERVABILITY_CONFIG; ./observability.yml)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
