"""Whether a component is healthy, asked of its own health endpoint."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx

from native.build import tail
from native.components import Component
from native.context import Context
from native.errors import Interrupted, NativeError
from native.supervision import ProcessInfo, Supervisor

#: Starts that may fail before the component counts as failed; supervisor goes on trying all the same.
_ATTEMPTS = 3


def health_url(component: Component, context: Context) -> str:
    return context.url(component.health_port) + component.health


def is_healthy(url: str, timeout: float = 2.0) -> bool:
    """Whether ``url`` answers 200 within ``timeout`` seconds. A proxy in the environment is not used."""
    try:
        return httpx.get(url, timeout=timeout, trust_env=False, follow_redirects=True).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until_healthy(
    component: Component,
    context: Context,
    supervisor: Supervisor,
    cancelled: threading.Event,
    healthy: Callable[[str], bool] = is_healthy,
) -> None:
    """Return once ``component`` is healthy.

    Raises :class:`NativeError` with its last log lines if it keeps ending, or is not healthy within its deadline;
    :class:`Interrupted` if ``cancelled`` is set meanwhile.
    """
    url = health_url(component, context)
    end = time.monotonic() + component.deadline
    failed_starts: set[float] = set()
    while True:
        info = supervisor.info().get(component.name)
        # Only its own answer counts: while it is not up, something else on that port is not the component.
        if info is not None and info.state in {"RUNNING", "STARTING"} and healthy(url):
            return
        if info is None or info.state in {"FATAL", "EXITED", "STOPPED", "STOPPING"}:
            raise NativeError(_explain(component, supervisor, f"ended while it started ({_state(info)})"))
        if info.state == "BACKOFF":
            failed_starts.add(info.started)
            if len(failed_starts) >= _ATTEMPTS:
                raise NativeError(
                    _explain(component, supervisor, f"ends again and again while it starts: {info.message}")
                )
        if time.monotonic() > end:
            raise NativeError(_explain(component, supervisor, f"not healthy after {component.deadline:.0f} s ({url})"))
        if cancelled.wait(0.2):
            raise Interrupted(f"waiting for {component.name} was interrupted")


def _state(info: ProcessInfo | None) -> str:
    return "it is not known to supervisor" if info is None else info.message or info.state


def _explain(component: Component, supervisor: Supervisor, what: str) -> str:
    log = supervisor.log_of(component.name)
    last = "\n".join(f"    {line}" for line in tail(log, 12).splitlines())
    return f"{component.name}: {what}\n{last}\n  log: {log}"
