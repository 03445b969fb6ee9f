"""Bounds of the exporter, and its log of interactions."""

from __future__ import annotations

from pydantic import Field

from observability.settings.base import Duration, Strict


class Interactions(Strict):
    """The JSONL log of LLM interactions."""

    enabled: bool = True
    content: bool = Field(
        default=False, description="also write prompts and answers; off, because they hold personal data"
    )
    input: bool = Field(default=True, description="with content: write the prompts")
    output: bool = Field(default=True, description="with content: write the answers")
    sample_ratio: float = Field(default=1.0, ge=0, le=1, description="share of the traces whose calls are written")
    max_per_second: int = Field(
        default=200, gt=0, description="rows a second beyond which successful calls are sampled out; failed ones stay"
    )
    max_age: Duration = Field(default="7d", description="rotated files older than this are removed")
    max_bytes: int = Field(default=10_000_000, gt=0, description="size at which the file is rotated")
    backups: int = Field(default=5, ge=1, description="rotated files that are kept")


class Label(Strict):
    """Which values of one label are shown as they are."""

    allow: tuple[str, ...] = Field(default=(), description="values that are always shown, and never folded")
    values: int | None = Field(default=None, ge=0, description="values besides them; limits.label_values if left out")


class Limits(Strict):
    """Every bound of the exporter."""

    body_bytes: int = Field(default=20_000_000, gt=0, description="largest request body after decompression")
    queue_batches: int = Field(default=256, gt=0, description="batches waiting to be measured before 429 is answered")
    label_values: int = Field(default=200, gt=0, description="distinct values of one label before the rest is 'other'")
    series_per_family: int = Field(
        default=5000, gt=0, description="series of one family before new ones are folded into 'other'"
    )
    idle_series: Duration = Field(default="6h", description="series that have not moved for so long are taken off")
    settle_seconds: float = Field(
        default=1.0,
        ge=0,
        description="how long the spans of a trace wait for others of it, so that wrappers count nothing twice",
    )
    settling_spans: int = Field(
        default=200_000, gt=0, description="spans that wait at most; above it they are counted before they settled"
    )
    remembered_calls: int = Field(
        default=200_000,
        gt=0,
        description="spans, and answers of calls, that later ones are known by (duplicates, wrappers)",
    )
    label_length: int = Field(default=128, gt=0, description="characters of a label value that are kept")
    daily_cost_days: int = Field(default=7, gt=0, description="UTC days of llm_daily_cost_usd that are exposed")
    ledger_rows_per_day: int = Field(
        default=5000, gt=0, description="rows of the cost ledger per UTC day before values of dimensions are 'other'"
    )
    notifications: int = Field(default=200, gt=0, description="received notifications kept in memory")
    shutdown_seconds: float = Field(default=10.0, gt=0, description="time to finish accepted work when asked to stop")
