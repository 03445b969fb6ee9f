"""A comparison as one page of HTML, by itself: no script, nothing that is loaded, readable in light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from observability.drift.compare import Comparison, chance
from observability.drift.distributions import ISSUES, QUANTILES, Distribution
from observability.drift.report import charts
from observability.drift.report.markup import Markup, element, join
from observability.drift.report.numbers import number, p_value, percent
from observability.drift.report.style import STYLE

#: Nothing but the page's own style, whatever a name in it says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
#: So many features are all unfolded; of more only those that drifted.
_UNFOLDED = 10
_CORRECTIONS = {
    "holm": "corrected by Holm’s method for all features together",
    "bonferroni": "corrected by Bonferroni’s method for all features together",
    "benjamini_hochberg": "corrected by Benjamini and Hochberg’s method: a share of the drifted features may be false",
    "none": "not corrected for the number of features",
}
_TITLES = {"missing": "missing", "infinite": "infinite", "out_of_range": "out of range", "new_category": "new category"}


def page(found: Comparison, baseline: str, current: str, now: datetime) -> str:
    """HTML of ``found``. ``baseline`` and ``current`` name the tables; ``now`` is when they were compared."""
    ordered = found.ordered()
    verdict = "Drift of the data set" if found.is_drift else "No drift of the data set"
    drifted = sum(result.is_drift for result in found.results.values())
    body = (
        element(
            "header",
            element("h1", verdict, class_="is-bad" if found.is_drift else None if drifted else "is-good"),
            element(
                "p",
                f"{current} ({found.rows[1]:,} rows) against {baseline} ({found.rows[0]:,} rows) · "
                f"{now:%Y-%m-%d %H:%M} {now.tzname() or ''}",
                class_="quiet name",
            ),
        ),
        _tiles(found, drifted),
        element("h2", "Features"),
        _overview(found, ordered),
        element(
            "p",
            f"p-values are {_CORRECTIONS[found.correction]}. The mark in a bar is where drift begins. This is one look "
            "at one window: who looks again and again has an alarm by chance, and needs a sequential test.",
            class_="quiet",
        ),
        element("h2", "Data quality"),
        _quality(found, ordered),
        element("h2", "Distributions"),
        element(
            "p",
            element("span", class_="key before"), "baseline", element("span", class_="key now"), "current",
            class_="quiet",
        ),
        *(_feature(found, name, at, unfolded=len(ordered) <= _UNFOLDED) for at, name in enumerate(ordered)),
    )  # fmt: skip
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", f"{verdict}: {current}"),
        element("style", Markup(STYLE)),
    )
    return "<!doctype html>\n" + element("html", head, element("body", *body), lang="en") + "\n"


def _tiles(found: Comparison, drifted: int) -> Markup:
    return element(
        "div",
        _tile(
            percent(found.share),
            "of the features drifted; "
            f"from {percent(found.dataset_share)} on the data set did",
            charts.share(found.share, found.dataset_share, found.is_drift),
        ),
        _tile(f"{drifted} of {len(found.results)}", "features drifted"),
        _tile(str(len(found.left_out)), "features could not be compared" if found.left_out else "features left out"),
        class_="tiles",
    )  # fmt: skip


def _tile(value: str, text: str, plot: Markup | None = None) -> Markup:
    return element("div", element("b", value), element("span", text, class_="quiet"), plot, class_="panel tile")


def _overview(found: Comparison, ordered: list[str]) -> Markup:
    rows = []
    for at, name in enumerate(ordered):
        result = found.results[name]
        rows.append(
            (
                element("a", name, href=f"#feature-{at}", class_="name"),
                result.method,
                number(result.score),
                number(result.threshold) + (" (p-value)" if found.is_test(name) else ""),
                p_value(chance(result)),
                charts.meter(found.excess(name), result.is_drift),
                _badge(result.is_drift),
            )
        )
    table = _table(
        ("feature", "test", "score", "threshold", "p-value", "drift begins at the mark", ""), rows, (2, 3, 4)
    )
    left = [element("p", f"{name} was left out: {reason}", class_="name") for name, reason in found.left_out.items()]
    return element("div", table, *left, class_="panel scroll")


def _quality(found: Comparison, ordered: list[str]) -> Markup:
    rows = []
    for name in ordered:
        each = found.distributions[name]
        shares = each.issue_shares
        if any(now or before for before, now in shares.values()):
            new = ", ".join(f"{category} ({count:,})" for category, count in each.new)
            told = [f"{percent(before)} → {percent(now)}" if before or now else "" for before, now in shares.values()]
            rows.append((element("span", name, class_="name"), *told, element("span", new, class_="name")))
    if not rows:
        return element("p", "Nothing is missing, infinite, out of range or new.", class_="panel")
    table = _table(("feature", *(_TITLES[issue] for issue in ISSUES), "most frequent new ones"), rows, (1, 2, 3, 4))
    note = element(
        "p",
        "Shares of all values, in the baseline and now. Out of range is below the least or above the greatest number "
        "of the baseline: of n numbers of the same kind, 2 in n + 1 are on average.",
        class_="quiet",
    )
    return element("div", table, note, class_="panel scroll")


def _feature(found: Comparison, name: str, at: int, *, unfolded: bool) -> Markup:
    result, distribution = found.results[name], found.distributions[name]
    facts = (
        ("test", result.method),
        ("score", number(result.score)),
        ("expected without drift", number(result.expected)),
        ("threshold", number(result.threshold) + (" of the p-value" if found.is_test(name) else " of the score")),
        ("p-value", p_value(result.p_value)),
        ("p-value, corrected", p_value(result.adjusted_p_value)),
        ("values compared", f"{result.n_reference:,} and {result.n_current:,}"),
    )
    lines = charts.cumulative(distribution)
    right = (
        element("h4", "Against its threshold"),
        charts.gauge(found, name),
        _table(("", ""), facts),
        _quantiles(distribution),
    )
    left = (
        element("h4", "Share of the values in each bin of the baseline"),
        charts.bars(distribution),
        *((element("h4", "Share of the numbers up to each value"), lines) if lines is not None else ()),
    )
    summary = element("summary", element("h3", name, class_="name"), _badge(result.is_drift))
    halves = element("div", element("div", *left), element("div", *right), class_="halves")
    is_open = "" if unfolded or result.is_drift else None
    return element("details", summary, halves, id=f"feature-{at}", open=is_open)


def _quantiles(distribution: Distribution) -> Markup | None:
    if distribution.quantiles is None:
        return None
    both = zip(("baseline", "current"), distribution.quantiles.tolist(), strict=True)
    rows = [(name, *map(number, values)) for name, values in both]
    return _table(("quantile", *(f"{share:.0%}" for share in QUANTILES)), rows, tuple(range(1, len(QUANTILES) + 1)))


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> Markup:
    """A table; columns ``right`` hold numbers."""

    def cells(name: str, row: Sequence[str]) -> Markup:
        return join(*(element(name, cell, class_="n" if at in right else None) for at, cell in enumerate(row)))

    head = element("thead", element("tr", cells("th", titles))) if any(titles) else None
    return element("table", head, element("tbody", *(element("tr", cells("td", row)) for row in rows)))


def _badge(is_drift: bool) -> Markup:
    return element("span", "drift" if is_drift else "no drift", class_=f"badge {'is-bad' if is_drift else 'is-good'}")
