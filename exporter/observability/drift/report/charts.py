"""The plots of a report, as SVG. Colours are classes of the page's style, so that they follow light and dark."""

from __future__ import annotations

import math

import numpy as np

from observability.columns import Floats
from observability.drift.compare import Comparison, chance
from observability.drift.distributions import Distribution
from observability.drift.report.markup import Markup, element
from observability.drift.report.numbers import number, p_value, percent

_WIDTH = 560
#: Bars of shares: where they begin, how long the longest is, and the height of a row.
_LABELS, _LONGEST, _ROW = 150, 285, 26
_LABEL_LENGTH = 22
#: The cumulative plot: its margins and its height.
_LEFT, _RIGHT, _TOP, _HEIGHT = 40, 12, 8, 170
#: Decimal powers of a p-value that are drawn, at most.
_POWERS = 12
#: Thresholds that the meter of a table is long.
_METER = 3.0


def bars(found: Distribution) -> Markup:
    """Shares of the values in each bin, baseline above current; bins that neither has are left out."""
    shares = found.shares
    shown = np.flatnonzero(shares.any(axis=0)).tolist()
    scale = _LONGEST / float(shares.max())
    rows = []
    for place, at in enumerate(shown):
        top = place * _ROW
        label = found.labels[at]
        before, now = shares[:, at].tolist()
        short = label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 1] + "…"
        rows.append(
            element(
                "g",
                element("title", f"{label}: {percent(before)} of the baseline, {percent(now)} now"),
                element("text", short, x=_LABELS - 8, y=top + 16, text_anchor="end", class_="label"),
                element("rect", x=_LABELS, y=top + 3, width=before * scale, height=9, class_="before"),
                element("rect", x=_LABELS, y=top + 13, width=now * scale, height=9, class_="now"),
                element(
                    "text",
                    f"{percent(before)} → {percent(now)}",
                    x=_WIDTH,
                    y=top + 16,
                    text_anchor="end",
                    class_="value",
                ),
            )
        )
    return _svg("Shares of values, baseline and current", _WIDTH, len(shown) * _ROW, *rows)


def cumulative(found: Distribution) -> Markup | None:
    """Shares of the numbers up to each value, from the 5 % to the 95 % quantiles and some more; ``None`` of categories
    and of numbers of which all are one."""
    if found.quantiles is None or len(found.grid) < 2:
        return None
    low, high = float(np.nanmin(found.quantiles)), float(np.nanmax(found.quantiles))
    margin = (high - low) / 8
    if not (0 < margin < math.inf):
        return None
    low, high = max(low - margin, float(found.grid[0])), min(high + margin, float(found.grid[-1]))
    width, bottom = _WIDTH - _LEFT - _RIGHT, _TOP + _HEIGHT
    inside = (found.grid >= low) & (found.grid <= high)
    across = _LEFT + (found.grid[inside] - low) / (high - low) * width
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * _HEIGHT
        parts.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(element("text", f"{share:.0%}", x=_LEFT - 6, y=y + 4, text_anchor="end", class_="label"))
    for value in _ticks(low, high):
        x = _LEFT + (value - low) / (high - low) * width
        parts.append(element("line", x1=x, x2=x, y1=_TOP, y2=bottom, class_="grid"))
        parts.append(element("text", number(value), x=x, y=bottom + 17, text_anchor="middle", class_="label"))
    for name, shares in zip(("before", "now"), found.cumulative[:, inside], strict=True):
        parts.append(element("path", d=_steps(across, bottom - shares * _HEIGHT), class_=f"line {name}-line"))
    return _svg("Cumulative shares, baseline and current", _WIDTH, bottom + 24, *parts)


def gauge(comparison: Comparison, name: str) -> Markup:
    """The statistic of a feature against its threshold: the p-value of a test, the score of a distance."""
    result = comparison.results[name]
    verdict = "bad" if result.is_drift else "good"
    found = chance(result)
    if comparison.is_test(name) and found is not None:
        powers = min(max(math.ceil(-math.log10(max(found, 1e-300))) + 1, 4), _POWERS)
        limit, bar = (min(-math.log10(max(each, 1e-300)) / powers, 1.0) for each in (result.threshold, found))
        ends, expected = ("p = 1", f"1e−{powers}"), None
        limit_text = f"{number(result.threshold)}: drift from here on"
        told = f"p-value {p_value(found)}, threshold {number(result.threshold)}"
    else:
        longest = max(min(result.score, 20 * result.threshold), result.threshold) * 1.25
        limit, bar = result.threshold / longest, min(result.score / longest, 1.0)
        ends = "0", number(longest)
        expected = None if result.expected is None else result.expected / longest
        limit_text = f"{number(result.threshold)}: drift beyond"
        told = f"{result.method} {number(result.score)}, threshold {number(result.threshold)}"
    at = limit * _WIDTH
    parts = [
        element("rect", x=0, y=22, width=_WIDTH, height=12, rx=3, class_="track"),
        element("rect", x=0, y=22, width=max(bar, 0.0) * _WIDTH, height=12, rx=3, class_=verdict),
        element("line", x1=at, x2=at, y1=16, y2=40, class_="limit"),
        element("text", limit_text, x=at, y=11, text_anchor="end" if limit > 0.6 else "start", class_="label"),
        element("text", ends[0], x=0, y=50, class_="label"),
        element("text", ends[1], x=_WIDTH, y=50, text_anchor="end", class_="label"),
    ]
    if expected is not None and 0 < expected < 1:
        x = expected * _WIDTH
        mark = element("title", f"{number(result.expected)} is expected without drift")
        parts.append(element("path", mark, d=f"M{x:.1f} 35l-4 7h8z", class_="mark"))
    return _svg(told, _WIDTH, 54, *parts)


def meter(excess: float, is_drift: bool) -> Markup:
    """How far a feature went, in thresholds; longer ones are cut."""
    length = min(max(excess, 0.0), _METER) / _METER * 120
    at = 120 / _METER
    return _svg(
        f"{number(excess)} times what drift begins at",
        120,
        14,
        element("rect", x=0, y=3, width=120, height=8, rx=2, class_="track"),
        element("rect", x=0, y=3, width=length, height=8, rx=2, class_="bad" if is_drift else "good"),
        element("line", x1=at, x2=at, y1=0, y2=14, class_="limit"),
    )


def share(drifted: float, limit: float, is_drift: bool) -> Markup:
    """The share of drifted features against that of a drift of the data set."""
    at = limit * _WIDTH
    return _svg(
        f"{percent(drifted)} of the features drifted, threshold {percent(limit)}",
        _WIDTH,
        20,
        element("rect", x=0, y=4, width=_WIDTH, height=12, rx=3, class_="track"),
        element("rect", x=0, y=4, width=drifted * _WIDTH, height=12, rx=3, class_="bad" if is_drift else "good"),
        element("line", x1=at, x2=at, y1=0, y2=20, class_="limit"),
    )


def _svg(told: str, width: int, height: float, *children: Markup) -> Markup:
    return element("svg", *children, viewBox=f"0 0 {width} {height:g}", role="img", aria_label=told, width=str(width))


def _steps(across: Floats, down: Floats) -> str:
    """A path that goes on at the same height until the next value."""
    if not len(across):
        return ""
    start = f"M{across[0]:.1f} {down[0]:.1f}"
    return start + "".join(f"H{x:.1f}V{y:.1f}" for x, y in zip(across[1:].tolist(), down[1:].tolist(), strict=True))


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers between both."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    return [at * step for at in range(first, math.floor(high / step) + 1)]
