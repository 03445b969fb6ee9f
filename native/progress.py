"""What a long ``up`` or ``build`` shows: each event as a line, and meanwhile who is busy, since when, what is left.

On a terminal the busy ones are a live display under the lines; elsewhere a plain line every 15 seconds.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

HEARTBEAT_SECONDS = 15.0


def spell(seconds: float) -> str:
    """``75`` as ``1m15s``, ``9`` as ``9s``, ``4000`` as ``1h06m``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


@dataclass
class Job:
    """Something under way. ``detail`` may be changed by the thread that does it."""

    component: str
    doing: str
    detail: str = ""
    since: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.since

    def line(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.component}: {self.doing}, {spell(self.elapsed)}{detail}"


class Progress:
    """Context manager; safe to call from several threads. ``left`` says what is still to come."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.left: Callable[[], str] = lambda: ""
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._heart: threading.Thread | None = None
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self._live = Live(self, console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        else:
            self._heart = threading.Thread(target=self._beat, name="progress", daemon=True)
            self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._live is not None:
            self._live.stop()
        if self._heart is not None:
            self._heart.join()

    def say(self, text: str, style: str = "") -> None:
        """One lasting line."""
        self.console.print(Text(text, style=style))
        sys.stdout.flush()

    def begin(self, component: str, doing: str) -> Job:
        """A job of ``component`` has begun; ends with :meth:`end`, or with the next ``begin`` of the same one."""
        job = Job(component, doing)
        with self._lock:
            self._jobs[component] = job
        return job

    def end(self, component: str) -> None:
        with self._lock:
            self._jobs.pop(component, None)

    def lines(self) -> list[str]:
        """What is under way now, then what is left."""
        with self._lock:
            jobs = list(self._jobs.values())
        left = self.left()
        return [job.line() for job in jobs] + ([left] if left and jobs else [])

    def __rich__(self) -> Group:
        return Group(*(Text(f"  … {line}", style="dim") for line in self.lines()))

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_SECONDS):
            lines = self.lines()
            if lines:
                self.say("… " + "; ".join(lines))
