"""One command at a time may change the stack of a ``STATE_DIR``."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from native.context import Context
from native.errors import NativeError


@contextmanager
def exclusive(context: Context, command: str) -> Iterator[None]:
    """Hold the stack's lock; raises :class:`NativeError` naming the command and process that holds it already.

    The kernel lets go of it when the process ends, however it ends.
    """
    context.prepare()
    with (context.run / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another command"
            raise NativeError(f"{holder} is at work on {context.state}; wait for it or end it first") from None
        file.seek(0)
        file.truncate()
        file.write(f"make {command} (pid {os.getpid()})\n")
        file.flush()
        yield
