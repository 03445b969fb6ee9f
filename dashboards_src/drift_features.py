"""Drift feature by feature: statistics against what is usual, windows of Prometheus, data quality, importance."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards_src import lists, panels, promql, shared, verdicts
from dashboards_src.grafana import Json, Line, Panel, PrometheusTarget, even
from observability.catalogue import (
    ML_DATA_QUALITY_BASELINE,
    ML_DATA_QUALITY_ISSUES,
    ML_DATA_QUALITY_VALUES,
    ML_DRIFT_ALARMS,
    ML_DRIFT_AUTOCORRELATION,
    ML_DRIFT_DETECTED,
    ML_DRIFT_EFFECTIVE_SAMPLES,
    ML_DRIFT_EXPECTED,
    ML_DRIFT_P_VALUE,
    ML_DRIFT_SCORE,
    ML_DRIFT_THRESHOLD,
    ML_DUPLICATE_PREDICTIONS,
    ML_FEATURE_CHI2,
    ML_FEATURE_IMPORTANCE,
    ML_FEATURE_IMPORTANCE_BASELINE,
    ML_FEATURE_JENSEN_SHANNON,
    ML_FEATURE_KS_BOUND,
    ML_FEATURE_PSI,
    ML_FEATURE_PSI_THRESHOLD,
    ML_FEATURE_SAMPLES,
    Family,
)
from observability.settings import Settings

_BY = ("model", "version", "feature")
_NUMBER: Json = {"unit": "none", "decimals": 3}
#: Lines of a chart by window: two windows, so half as many features.
_LINES = 6
_NO_VALUES = "No values with a baseline"
_COUNT: Json = {"unit": "locale", "decimals": 0}


def statistics(settings: Settings) -> Line:
    def of(family: Family, **match: str) -> PrometheusTarget:
        return panels.cells(promql.highest(promql.series(family, **match), _BY))

    drifted = lists.cell_color(((1, panels.BAD),))
    table = lists.table(
        "Features against their baseline",
        "Distances of the newest window, and what the index is on average (expected) and in 99 of 100 windows "
        "(limit) without drift. p is of one look; who looks often goes by evidence (powers of ten) and Alarm.",
        by={
            "model": lists.Label("Model", 95),
            "version": lists.Label("Version", 70),
            "feature": lists.Label(
                "Feature", 145, [shared.row_link(shared.DRIFT_UID, model="Model", version="Version", feature="Feature")]
            ),
        },
        columns=[
            lists.Column("Evidence", 100, of(ML_DRIFT_SCORE, drift_type="sequential"), {"unit": "none", "decimals": 1}),
            lists.Column("Alarm", 65, of(ML_DRIFT_DETECTED, drift_type="sequential"), {"unit": "none", **drifted}),
            lists.Column(
                "PSI",
                60,
                of(ML_DRIFT_SCORE, drift_type="psi"),
                {**_NUMBER, **lists.cell_color(verdicts.half(settings.drift.score))},
            ),
            lists.Column("Expected", 85, of(ML_DRIFT_EXPECTED, drift_type="psi"), _NUMBER),
            lists.Column("Limit", 60, of(ML_DRIFT_THRESHOLD, drift_type="psi"), _NUMBER),
            lists.Column("JS", 55, of(ML_DRIFT_SCORE, drift_type="jensen_shannon"), _NUMBER),
            lists.Column("KS", 55, of(ML_DRIFT_SCORE, drift_type="ks"), _NUMBER),
            lists.Column("W1 in sd", 85, of(ML_DRIFT_SCORE, drift_type="wasserstein"), _NUMBER),
            lists.Column("χ²", 75, of(ML_DRIFT_SCORE, drift_type="chi2"), {"unit": "none", "decimals": 1}),
            lists.Column("p of χ²", 85, of(ML_DRIFT_P_VALUE, drift_type="chi2"), {"unit": "sci", "decimals": 1}),
            lists.Column("Samples", 85, of(ML_DRIFT_EFFECTIVE_SAMPLES), _COUNT),
            lists.Column("Per sample", 100, of(ML_DRIFT_AUTOCORRELATION), {"unit": "none", "decimals": 1}),
        ],
        sort="Evidence",
        no_value=shared.NO_BASELINE,
    )
    return even(9, table)


def windows() -> Line:
    return even(
        9,
        _recorded("PSI by window", "Population stability index", ML_FEATURE_PSI, limit=ML_FEATURE_PSI_THRESHOLD),
        _recorded("Jensen–Shannon by window", "Jensen–Shannon distance", ML_FEATURE_JENSEN_SHANNON),
        _recorded("KS by window", "Lower bound of the Kolmogorov–Smirnov statistic", ML_FEATURE_KS_BOUND),
    )


def other_windows() -> Line:
    return even(
        7,
        _recorded("χ² by window", "Statistic of the test of homogeneity", ML_FEATURE_CHI2),
        panels.chart(
            "Values by window",
            "Values of the feature that has most, by model: what the distances by window are made of.",
            panels.query(
                promql.highest(promql.series(ML_FEATURE_SAMPLES), ("model", "window")), "{{model}} {{window}}"
            ),
            unit="short",
            no_value=_NO_VALUES,
        ),
    )


def _recorded(title: str, what: str, family: Family, limit: Family | None = None) -> Panel:
    by = ("model", "feature", "window")
    targets = [panels.query(promql.most(_LINES, promql.series(family), by), "{{model}} {{feature}} {{window}}")]
    description = f"{what} of the features with most, against their baseline, of all replicas, by Prometheus itself."
    if limit is not None:
        threshold = promql.highest(promql.series(limit), ("window",))
        targets.append(panels.query(threshold, "Usual in {{window}}"))
        description += " Usual: what 99 of 100 windows of this size stay below without drift."
    return panels.chart(title, description, *targets, unit="short", no_value=_NO_VALUES)


def alarms() -> Panel:
    raised = promql.total(promql.increase(promql.series(ML_DRIFT_ALARMS)), _BY)
    return lists.table(
        "Alarms in this range",
        "How often the sequential test of each feature raised an alarm over the time range.",
        by={
            "model": lists.Label("Model", 140),
            "version": lists.Label("Version", 80),
            "feature": lists.Label(
                "Feature", 140, [shared.row_link(shared.DRIFT_UID, model="Model", version="Version", feature="Feature")]
            ),
        },
        columns=[lists.Column("Alarms", 90, panels.cells(f"{raised} > 0"), _COUNT)],
        sort="Alarms",
        no_value="No drift alarm in this range",
    )


def quality(settings: Settings) -> Sequence[Line]:
    window = settings.alerts.window
    issues = promql.rate(promql.series(ML_DATA_QUALITY_ISSUES), window)
    values = promql.rate(promql.series(ML_DATA_QUALITY_VALUES), window)
    every = promql.total(values, ("model", "version", "feature"))
    found = promql.total(issues, ("model", "version", "feature", "issue"))
    share = f"max by (issue) ({found} / on (model, version, feature) group_left () ({every} > 0))"
    twice = promql.total(promql.rate(promql.series(ML_DUPLICATE_PREDICTIONS)), ("model",))
    return [
        Line(
            8,
            [
                (
                    7,
                    panels.chart(
                        "Bad values",
                        "Largest share of each kind of issue in a selected feature. Dashed: this much above the "
                        "baseline, the alert begins.",
                        panels.query(share, "{{issue}}"),
                        unit="percentunit",
                        no_value="No values yet",
                        steps=((settings.alerts.data_quality.ratio, panels.BAD),),
                    ),
                ),
                (
                    7,
                    panels.chart(
                        "Predictions sent twice",
                        "Predictions per minute whose id was known already; they count once.",
                        panels.query(f"60 * {twice}", "{{model}}"),
                        unit="short",
                        no_value="No prediction was sent twice",
                    ),
                ),
                (10, _importance()),
            ],
        ),
        even(9, _issues(settings)),
    ]


def _issues(settings: Settings) -> Panel:
    by = (*_BY, "issue")
    counted = promql.total(promql.increase(promql.series(ML_DATA_QUALITY_ISSUES)), by)
    looked = promql.total(promql.increase(promql.series(ML_DATA_QUALITY_VALUES)), _BY)
    usual = promql.highest(promql.series(ML_DATA_QUALITY_BASELINE), by)
    share = f"{counted} / on (model, version, feature) group_left () ({looked} > 0)"
    limit = settings.alerts.data_quality.ratio
    ratio: Json = {"unit": "percentunit", "decimals": 2}
    return lists.table(
        "Data quality by feature",
        "Values over the time range that are not as in the baseline: how many, which share, the share in the baseline, "
        "and how far above it. Only issues that there were.",
        by={
            "model": lists.Label("Model", 160),
            "version": lists.Label("Version", 100),
            "feature": lists.Label(
                "Feature", 200, [shared.row_link(shared.DRIFT_UID, model="Model", version="Version", feature="Feature")]
            ),
            "issue": lists.Label("Issue", 150),
        },
        columns=[
            lists.Column("Above baseline", 150, panels.cells(f"({share}) - {usual} > 0"), ratio | _judged(limit)),
            lists.Column("Share", 110, panels.cells(f"({share}) > 0"), ratio),
            lists.Column("In baseline", 110, panels.cells(f"{usual} and ({counted} > 0)"), ratio),
            lists.Column("Values", 110, panels.cells(f"{counted} > 0"), _COUNT),
        ],
        sort="Above baseline",
        no_value="No bad value in this range",
    )


def _judged(limit: float) -> Json:
    return lists.cell_color(verdicts.half(limit))


def _importance() -> Panel:
    now = promql.highest(promql.series(ML_FEATURE_IMPORTANCE), _BY)
    before = promql.highest(promql.series(ML_FEATURE_IMPORTANCE_BASELINE), _BY)
    return lists.table(
        "Feature importance",
        "How much a feature tells of the prediction (0 to 1), now and in the baseline: a model that suddenly leans on "
        "another feature.",
        by={
            "model": lists.Label("Model", 88),
            "version": lists.Label("Version", 70),
            "feature": lists.Label("Feature", 125),
        },
        columns=[
            lists.Column("Now", 68, panels.cells(now), {"unit": "none", "decimals": 2}),
            lists.Column("Before", 70, panels.cells(before), {"unit": "none", "decimals": 2}),
            lists.Column("Change", 75, panels.cells(f"{now} - {before}"), {"unit": "none", "decimals": 2}),
        ],
        sort="Now",
        no_value="No predictions of features",
    )
