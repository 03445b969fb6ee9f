"""Shapes that several alerts share, and what an alert can be about.

Quantiles are taken over the rate of summed buckets and ratios over summed rates, so any number of exporter replicas
gives the answer that one would give. A ratio and a quantile say nothing about a handful of events, so each comes with
a least number of them; and both flap, so each stays up for ``alerts.keep_firing_for``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts import links
from alerts.model import AlertRule, Group, Severity, below_top_bucket, number
from alerts.promql import Selector, increase, quantile, rate, series
from observability.catalogue import Family
from observability.settings import Duration, Settings, SettingsError, seconds

#: The exporter is scraped every 5 s; a rate needs two samples, and four keep it steady when one is lost.
SHORTEST_WINDOW_SECONDS: Final = 20.0
#: Values of ``type`` of the tokens that go into a model; they are disjoint.
PROMPT_TOKENS: Final = "=~input|cache_read|cache_write"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about: the labels that it is grouped by, its name in a text, and the dashboard that shows it."""

    labels: tuple[str, ...]
    who: str
    dashboard: str
    variables: tuple[str, ...]

    def links(self, settings: Settings, *, errors: bool = False, slower_than: str = "") -> dict[str, str]:
        """Annotations: dashboard, and of a service its traces (failed ones, or those ``slower_than``) and log lines."""
        addresses = settings.notifications.links
        board = links.dashboard(addresses, self.dashboard, *self.variables)
        if "service" not in self.labels:
            return board
        return {
            **board,
            **links.traces(addresses, errors=errors, slower_than=slower_than),
            **links.logs(addresses, "service", links.ERROR_LINES if errors else ""),
        }


#: Service, provider, model: the smallest unit that somebody owns and can act on (switch a model, call a provider).
#: ``operation`` is summed because one model serves one kind of operation, and ``instance`` because it says where a
#: call was counted and not where it went wrong.
CALLS: Final = Subject(
    ("service", "provider", "model"),
    "{{ $labels.service }} → {{ $labels.provider }}/{{ $labels.model }}",
    links.LLM_DASHBOARD,
    ("service", "provider", "model"),
)
TOOLS: Final = Subject(
    ("service", "tool"), "the tool {{ $labels.tool }} of {{ $labels.service }}", links.AGENTS_DASHBOARD, ("service",)
)
AGENTS: Final = Subject(
    ("service", "agent"), "the agent {{ $labels.agent }} of {{ $labels.service }}", links.AGENTS_DASHBOARD, ("service",)
)


def group(settings: Settings, topic: str, *rules: AlertRule, interval: Duration = "") -> Group:
    """Rules of one topic, evaluated every ``interval``, by default every ``alerts.evaluation_interval``."""
    return Group(f"ai-observability-{topic}", interval or settings.alerts.evaluation_interval, rules)


def window(settings: Settings) -> Duration:
    """``alerts.window``, the range of the rates. Raises :class:`SettingsError` if rates over it would be empty."""
    wanted = settings.alerts.window
    if seconds(wanted) < SHORTEST_WINDOW_SECONDS:
        raise SettingsError(f"alerts.window: {wanted} is shorter than four scrapes (20s), so rates would be empty")
    return wanted


def share_alert(
    settings: Settings,
    subject: Subject,
    *,
    name: str,
    severity: Severity,
    part: Selector,
    whole: Selector,
    ratio: float,
    least: int,
    for_: Duration,
    summary: str,
    things: str,
    did: str,
    short: str,
) -> AlertRule:
    """Fires while ``part`` is more than ``ratio`` of ``whole``, and at least ``least`` in number.

    The texts read "7% of the ``things`` of … ``did`` over the last 5m" and "7% ``short``".
    """
    span = window(settings)
    return AlertRule(
        name=name,
        severity=severity,
        for_=for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=(
            f"{rate(part, span, subject.labels)} / {rate(whole, span, subject.labels)} > {number(ratio)}\n"
            f"and\n"
            f"{increase(part, span, subject.labels)} >= {least}"
        ),
        summary=summary,
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the {things} of {subject.who} {did} over the last {span}; "
            f"the limit is {number(round(ratio * 100, 6))} %."
        ),
        value=f"{{{{ $value | humanizePercentage }}}} {short}",
        links=subject.links(settings, errors=True),
    )


def quantile_alert(
    settings: Settings,
    subject: Subject,
    *,
    name: str,
    family: Family,
    key: str,
    limit: float,
    least: int,
    for_: Duration,
    summary: str,
    things: str,
    did: str,
    in_seconds: bool,
    traces_by_limit: bool = False,
) -> AlertRule:
    """Warns while the 95th percentile of ``family`` is above ``limit``, of at least ``least`` observations.

    The texts read "95 % of the ``things`` of … ``did`` 40s over the last 5m" and "p95 40s". ``key`` is where the limit
    stands; raises :class:`SettingsError` naming it if no quantile can exceed it. With ``traces_by_limit`` the link to
    traces shows those that took longer than the limit.
    """
    span, top = window(settings), below_top_bucket(key, limit, family)
    value = "{{ $value | humanizeDuration }}" if in_seconds else "{{ $value | printf `%.0f` }}"
    return AlertRule(
        name=name,
        severity="warning",
        for_=for_,
        keep_firing_for=settings.alerts.keep_firing_for,
        expr=(
            f"{quantile(0.95, family, span, subject.labels)} > {top}\n"
            f"and\n"
            f"{increase(series(family, 'count'), span, subject.labels)} >= {least}"
        ),
        summary=summary,
        description=(
            f"95 % of the {things} of {subject.who} {did} {value} over the last {span}; "
            f"the limit is {top}{' s' if in_seconds else ''}."
        ),
        value=f"p95 {value}",
        links=subject.links(settings, slower_than=f"{top}s" if traces_by_limit else ""),
    )
