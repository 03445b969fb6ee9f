"""The state of every component as data, as a table, and the closing table of URLs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from native.components import Address
from native.progress import spell

#: Component is healthy: its own health endpoint says so.
HEALTHY = "healthy"
_STYLES = {HEALTHY: "green", "starting": "yellow", "stopped": "dim"}


@dataclass(frozen=True)
class Row:
    """One component. ``memory_bytes`` is the resident memory of the process and its children."""

    component: str
    state: str
    url: str
    version: str
    pid: int | None = None
    memory_bytes: int | None = None
    uptime_seconds: float | None = None
    restarts: int = 0
    log: str = ""
    source: str = ""


@dataclass(frozen=True)
class Status:
    """The whole stack. ``remarks`` are plain lines under the table."""

    engine: str
    rows: list[Row]
    addresses: list[Address]
    remarks: list[str] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        return bool(self.rows) and all(row.state == HEALTHY for row in self.rows)

    def to_json(self) -> str:
        """``{"engine", "healthy", "components": {name: {...}}, "urls": {label: url}, "remarks"}``."""
        document: dict[str, Any] = {
            "engine": self.engine,
            "healthy": self.is_healthy,
            "components": {row.component: asdict(row) for row in self.rows},
            "urls": {address.label: address.url for address in self.addresses},
            "remarks": self.remarks,
        }
        return json.dumps(document, indent=2)

    def print(self, console: Console) -> None:
        table = Table(title=f"AI observability stack ({self.engine} engine)", title_justify="left", box=box.SIMPLE_HEAD)
        for heading in ("component", "state", "URL", "version", "memory", "up for", "restarts", "log"):
            table.add_column(heading, overflow="fold", no_wrap=heading in {"component", "URL", "state"})
        for row in self.rows:
            table.add_row(
                row.component,
                f"[{_STYLES.get(row.state, 'red')}]{row.state}[/]",
                row.url,
                row.version,
                f"{row.memory_bytes / 1e6:.0f} MB" if row.memory_bytes is not None else "",
                spell(row.uptime_seconds) if row.uptime_seconds is not None else "",
                str(row.restarts),
                row.log,
            )
        console.print(table)
        for remark in self.remarks:
            console.print(remark, highlight=False)


def print_addresses(console: Console, addresses: list[Address], engine: str) -> None:
    """The table that ``make up`` ends with."""
    table = Table(title=f"The stack is up ({engine} engine)", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("component", "URL", "what"):
        table.add_column(heading, no_wrap=heading != "what", overflow="fold")
    for address in addresses:
        table.add_row(address.label, address.url, address.title)
    console.print(table)
