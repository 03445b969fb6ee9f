"""``python -m demo.simulator``: serve on a loopback port and say on standard output which one it is."""

from __future__ import annotations

import argparse
import json
import socket
import sys

import uvicorn

from demo.lifeline import end_with_parent
from demo.simulator.app import Simulator, create_app, parse_faults


class Server(uvicorn.Server):
    """Announces its port (one JSON line) once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = (sockets or [])[0].getsockname()[1]
        print(json.dumps({"event": "ready", "url": f"http://127.0.0.1:{port}"}), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; with ``--child`` also until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m demo.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--latency-scale", type=float, default=1.0, help="multiplies every latency; 0 answers at once")
    parser.add_argument("--faults", type=json.loads, default={}, help='as POST /admin/faults: {"error_ratio": 0.5}')
    parser.add_argument("--child", action="store_true", help="end when standard input ends")
    options = parser.parse_args(arguments)
    try:
        simulator = Simulator(options.seed, options.latency_scale, parse_faults(options.faults))
    except ValueError as error:
        parser.error(str(error))

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", options.port))
    except OSError as error:
        print(f"simulator: cannot listen on 127.0.0.1:{options.port}: {error.strerror}", file=sys.stderr)
        return 1
    if options.child:
        end_with_parent()
    config = uvicorn.Config(
        create_app(simulator), log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="off"
    )
    Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
