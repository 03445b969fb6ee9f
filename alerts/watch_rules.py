"""Watched metrics: what is normal for each is what it was; a jump is an anomaly, a lasting change a regression."""

from __future__ import annotations

from alerts import links
from alerts.model import SLOW_INTERVAL, AlertRule, Group, RecordingRule, number
from observability import catalogue
from observability.settings import Settings, Watch, seconds

#: Share of the season that must be known before anything is compared with it.
_KNOWN = 0.25
#: Width of the middle half of a normal distribution in standard deviations.
_IQR = 1.349
#: The least deviation that counts as one, as a share of the median: a constant past is no measure.
_LEAST = 0.02


def recording(settings: Settings) -> tuple[RecordingRule, ...]:
    """The value of each watched metric, how unusual it is, and how its hour compares with that of the season before."""
    watches = settings.watches
    values = [f'label_replace({watch.expr}, "watch", "{watch.name}", "", "")' for watch in watches]
    nothing = "vector(0) > 1"
    return (
        RecordingRule(catalogue.METRIC_VALUE, "\nor\n".join(values) or nothing),
        RecordingRule(catalogue.METRIC_SCORE, "\nor\n".join(_score(watch) for watch in watches) or nothing),
        RecordingRule(catalogue.METRIC_CHANGE, "\nor\n".join(_change(watch) for watch in watches) or nothing),
    )


def _of(watch: Watch, window: str = "", offset: str = "") -> str:
    selector = f'{catalogue.METRIC_VALUE}{{watch="{watch.name}"}}'
    return selector + (f"[{window}]" if window else "") + (f" offset {offset}" if offset else "")


def _score(watch: Watch) -> str:
    """Distance from the median of the season in robust standard deviations (a quarter of the season must be known)."""
    past = _of(watch, watch.season)
    median = f"quantile_over_time(0.5, {past})"
    spread = f"((quantile_over_time(0.75, {past}) - quantile_over_time(0.25, {past})) / {_IQR})"
    floor = f"({number(_LEAST)} * abs({median}))"
    deviation = f"(({spread} > {floor}) or {floor} > 0)"
    least = max(1, int(_KNOWN * seconds(watch.season) / seconds(SLOW_INTERVAL)))
    return f"(({_of(watch)} - {median}) / {deviation}\nand\ncount_over_time({past}) >= {least})"


def _change(watch: Watch) -> str:
    hour = "1h"
    return f"avg_over_time({_of(watch, hour)}) / (avg_over_time({_of(watch, hour, watch.season)}) > 0)"


def alerts(settings: Settings) -> Group:
    """An anomaly and a regression for each watched metric."""
    rules: list[AlertRule] = []
    for watch in settings.watches:
        board = links.dashboard(settings.notifications.links, links.MODELS_DASHBOARD)
        score = f'{catalogue.METRIC_SCORE}{{watch="{watch.name}"}}'
        change = f'{catalogue.METRIC_CHANGE}{{watch="{watch.name}"}}'
        far, ratio = number(watch.deviations), number(watch.regression_ratio)
        below = number(round(1 / watch.regression_ratio, 6))
        odd = {"up": f"{score} > {far}", "down": f"{score} < -{far}", "both": f"abs({score}) > {far}"}
        worse = {
            "up": f"{change} > {ratio}",
            "down": f"{change} < {below}",
            "both": f"{change} > {ratio}\nor\n{change} < {below}",
        }
        rules += [
            AlertRule(
                name="MetricAnomaly",
                severity="info",
                for_=watch.for_,
                expr=odd[watch.direction],
                summary=f"{watch.name} is far from what it was over the last {watch.season}",
                description=(
                    f"The watched metric {watch.name} is {{{{ $value | printf `%.1f` }}}} robust standard deviations "
                    f"from its median of the last {watch.season}; the limit is {far}."
                ),
                value="{{ $value | printf `%.1f` }} deviations",
                labels={"watch": watch.name},
                links=board,
            ),
            AlertRule(
                name="MetricRegression",
                severity="info",
                for_=watch.for_,
                expr=worse[watch.direction],
                summary=f"{watch.name} has changed against {watch.season} ago",
                description=(
                    f"The mean of the watched metric {watch.name} over one hour is {{{{ $value | printf `%.2f` }}}} "
                    f"times that of the same hour {watch.season} ago; the limit is {ratio}."
                ),
                value="{{ $value | printf `%.2f` }} times as before",
                labels={"watch": watch.name},
                links=board,
            ),
        ]
    return Group("ai-observability-watches", SLOW_INTERVAL, tuple(rules))
