"""Ports of the native stack: the documented base, each shifted by ``PORT_OFFSET``; who holds a taken one."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import psutil

from native.errors import NativeError

#: The documented ports. ``component`` or ``component_purpose``; see README for the ones a user meets.
BASE: dict[str, int] = {
    "grafana": 3000,
    "preview": 3001,
    "loki": 3100,
    "loki_grpc": 9096,
    "phoenix": 6006,
    "phoenix_grpc": 6317,
    "prometheus": 9090,
    "promtail": 9080,
    "alertmanager": 9093,
    "exporter": 9464,
    "jaeger": 16686,
    "jaeger_grpc": 16685,
    "jaeger_metrics": 8888,
    "jaeger_spanmetrics": 8889,
    "jaeger_health": 13133,
    "jaeger_otlp_grpc": 4317,
    "jaeger_otlp_http": 4318,
}
_HIGHEST = 65535 - max(BASE.values())


@dataclass(frozen=True)
class Ports:
    """``Ports(offset)["prometheus"]`` is the port that Prometheus listens on."""

    offset: int = 0

    def __getitem__(self, name: str) -> int:
        return BASE[name] + self.offset

    def of(self, component: str) -> dict[str, int]:
        """Every port of one component: name to number."""
        return {name: self[name] for name in BASE if name == component or name.startswith(f"{component}_")}


def parse_offset(text: str | None) -> int:
    """``PORT_OFFSET`` as a number; nothing means 0. Raises :class:`NativeError` outside 0..48849."""
    if not text:
        return 0
    try:
        offset = int(text)
    except ValueError:
        offset = -1
    if not 0 <= offset <= _HIGHEST:
        raise NativeError(f"PORT_OFFSET={text!r} must be a whole number from 0 to {_HIGHEST}")
    return offset


@dataclass(frozen=True)
class Conflict:
    """A port that a component needs and somebody else holds."""

    component: str
    port: int
    holder: str
    pid: int | None = None

    def __str__(self) -> str:
        return f"port {self.port}, needed by {self.component}, is taken by {self.holder}"


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that a connection in TIME_WAIT does not count as taken; a listener still does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Linux lets two sockets bind with SO_REUSEADDR as long as neither listens yet.
            probe.listen(1)
        except OSError:
            return False
    return True


def holder_of(port: int) -> tuple[str, int | None]:
    """``name (pid N)`` of the process that listens on ``port``, and N, as far as this user may see it."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "a process of another user", None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            if connection.pid is None:
                return "a process of another user", None
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})", connection.pid
            except psutil.NoSuchProcess:
                return f"pid {connection.pid}, which has just ended", None
    return "a process that cannot be seen from here (another user or container)", None


def conflicts(needed: dict[str, dict[str, int]], host: str) -> list[Conflict]:
    """Ports of ``needed`` (component to its ports) that cannot be listened on at ``host``."""
    return [
        Conflict(component, port, *holder_of(port))
        for component, ports in needed.items()
        for port in ports.values()
        if not _is_free(host, port)
    ]
