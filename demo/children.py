"""The demo's child processes: started with a lifeline, listened to line by line, stopped in order."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any


class ChildError(Exception):
    """A child process ended or stayed silent when it should not have."""


class Child:
    """One ``python -m demo.<module>`` that speaks JSON lines on its standard output.

    It runs in a session of its own, so that Ctrl-C in the terminal reaches the launcher alone, which then stops its
    children in the right order. Its standard input is the lifeline of :mod:`demo.lifeline`.
    """

    def __init__(self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"reads {name}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self.process.stdout is None:
            raise RuntimeError("the child was started without a pipe")
        for line in self.process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put(None)

    def wait_for(self, event: str, timeout: float) -> dict[str, Any]:
        """The next message of that event; raises ChildError if the child ends first or ``timeout`` seconds pass."""
        end = time.monotonic() + timeout
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty as error:
                raise ChildError(f"{self.name} did not say {event!r} within {timeout:.0f} s") from error
            if message is None:
                raise ChildError(f"{self.name} ended with exit code {self.process.wait()}")
            if message.get("event") == event:
                return message

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self.process.poll() is None

    def terminate(self) -> None:
        """Ask it to finish what it does, flush and end."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)

    def close(self, timeout: float) -> int:
        """Wait until it has ended, by force after ``timeout`` seconds; its exit code (negative: a signal)."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        return code
