"""What a rule is, and how it becomes the mapping that Prometheus and the Loki ruler read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from observability.catalogue import Family
from observability.settings import Duration, SettingsError, seconds

#: Severities, most urgent first. ``none`` is the Watchdog's: it tells that notifications travel, not of a fault.
Severity: TypeAlias = Literal["critical", "warning", "info", "none"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info", "none")

#: For rules that read hours of samples at each evaluation.
SLOW_INTERVAL: Duration = "1m"

#: One YAML document.
Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """Stores the value of ``expr`` under the name of ``family``."""

    family: Family
    expr: str

    def render(self) -> Document:
        """The rule as Prometheus reads it. Raises ``ValueError`` for a family that the catalogue does not record."""
        if self.family.type != "recorded":
            raise ValueError(
                f"{self.family.name} is a {self.family.type} of the exporter; a rule must not overwrite it"
            )
        return {"record": self.family.name, "expr": self.expr}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alert.

    ``summary``, ``description``, ``value`` and ``links`` are Prometheus templates (``$labels``, ``$value``);
    ``value`` is the offending value for a human (``6.2%``). ``links`` are annotations that hold addresses.
    """

    name: str
    expr: str
    severity: Severity
    summary: str
    description: str
    value: str
    for_: Duration
    keep_firing_for: Duration = "0s"
    labels: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def render(self, runbook_url: str) -> Document:
        """The rule as Prometheus reads it; ``runbook_url`` is where the folder ``docs/runbooks`` is published."""
        rule: Document = {"alert": self.name, "expr": self.expr}
        if seconds(self.for_) > 0:
            rule["for"] = self.for_
        if seconds(self.keep_firing_for) > 0:
            rule["keep_firing_for"] = self.keep_firing_for
        rule["labels"] = {"severity": self.severity, **self.labels}
        rule["annotations"] = {
            "summary": self.summary,
            "description": self.description,
            "value": self.value,
            "runbook_url": f"{runbook_url.rstrip('/')}/{self.name}.md",
            **self.links,
        }
        return rule


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, in order, every ``interval``."""

    name: str
    interval: Duration
    rules: tuple[RecordingRule, ...] | tuple[AlertRule, ...]

    def render(self, runbook_url: str) -> Document:
        rules = [rule.render(runbook_url) if isinstance(rule, AlertRule) else rule.render() for rule in self.rules]
        return {"name": self.name, "interval": self.interval, "rules": rules}


def number(value: float) -> str:
    """``value`` as PromQL writes it, without a needless ``.0``: ``number(30.0) == "30"``."""
    return repr(value).removesuffix(".0")


def below_top_bucket(key: str, value: float, family: Family) -> str:
    """``value`` for PromQL, if a quantile of ``family`` can exceed it.

    ``histogram_quantile`` never returns more than the largest finite bucket boundary, so a threshold at or above
    it would make an alert that cannot fire. Raises :class:`SettingsError` naming ``key``.
    """
    top = max(family.buckets)
    if value >= top:
        raise SettingsError(
            f"{key}: {number(value)} can never be exceeded: the largest bucket of {family.name} is {number(top)}"
        )
    return number(value)
