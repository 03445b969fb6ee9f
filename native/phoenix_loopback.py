"""Start Phoenix with its gRPC listener on ``PHOENIX_HOST`` instead of on every interface.

Runs inside Phoenix's own environment, so it imports nothing of ours. Phoenix 20 binds its OTLP/gRPC server to
``[::]`` whatever ``PHOENIX_HOST`` says, and has no setting for it. That server is made by ``grpc.aio.server()``;
here its ``add_insecure_port`` and ``add_secure_port`` get the wanted host. An address that is not the expected
``[::]:port`` is an error, so a Phoenix that changes this does not open a port unnoticed.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

_EVERY_INTERFACE = "[::]:"


def on_host(bind: Callable[..., int], host: str) -> Callable[..., int]:
    """``bind`` (a method of ``grpc.aio.Server``), but on ``host``."""

    def bound(address: str, *arguments: Any) -> int:
        if not address.startswith(_EVERY_INTERFACE):
            raise RuntimeError(f"Phoenix binds gRPC to {address!r}; {__file__} has to be adapted to this release")
        return bind(f"{host}:{address.removeprefix(_EVERY_INTERFACE)}", *arguments)

    return bound


def main() -> None:
    """Replace ``grpc.aio.server`` and hand over to Phoenix's own command line."""
    host = os.environ["PHOENIX_HOST"]
    # By name: neither is installed in the environment in which this file is checked.
    aio: Any = importlib.import_module("grpc.aio")
    make_server = aio.server

    def server(*arguments: Any, **options: Any) -> Any:
        made = make_server(*arguments, **options)
        made.add_insecure_port = on_host(made.add_insecure_port, host)
        made.add_secure_port = on_host(made.add_secure_port, host)
        return made

    aio.server = server
    importlib.import_module("phoenix.server.main").main()


if __name__ == "__main__":
    main()
