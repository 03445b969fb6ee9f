"""Models in production: do they answer, how sure are they, and how right, with labels and before these come."""

from __future__ import annotations

from dashboards_src import accuracy, lists, measures, panels, promql, shared, verdicts
from dashboards_src.grafana import Json, Line, Panel, PrometheusTarget, Section, dashboard, even
from observability.catalogue import (
    METRIC_CHANGE,
    METRIC_SCORE,
    METRIC_VALUE,
    ML_DRIFT_SHARE,
    ML_DUPLICATE_PREDICTIONS,
    ML_LABELLED_SAMPLES,
    ML_MODEL_ACCURACY,
    ML_MODEL_ACCURACY_LOWER,
    ML_MODEL_ACCURACY_UPPER,
    ML_MODEL_CORRELATION,
    ML_MODEL_CORRELATION_P_VALUE,
    ML_PREDICTION_AGE,
    ML_PREDICTION_CONFIDENCE,
    ML_PREDICTION_ERRORS,
    ML_PREDICTION_LATENCY,
    ML_PREDICTIONS,
    Family,
)
from observability.settings import Settings

NO_PREDICTION = shared.NO_PREDICTION
NO_CONFIDENCE = "No prediction with confidence"
NO_PAIR = "No two models seen long enough"
NO_WATCH = "No watched metric has values"
NO_PAST = "No past to compare with yet"

_STATUS = {"success": panels.GOOD, "error": panels.BAD}
_SHARE: Json = {"unit": "percentunit", "decimals": 1}


def build(settings: Settings) -> Json:
    """The dashboard ``ai-models``."""
    return dashboard(
        uid=shared.MODELS_UID,
        title="Model performance",
        description="Do models answer, how sure are they, and how right: by their labels, and before these come.",
        sections=[
            Section("", [_now(settings)]),
            Section("Predictions", [_golden(settings), _confidence(settings)]),
            Section("Performance", accuracy.lines(settings)),
            Section("Versions and segments", [_versions(settings), accuracy.segments(settings)]),
            Section("Models together", [_together(settings)]),
        ],
        variables=shared.model_variables(),
        annotations=[*shared.alert_marks("model"), *shared.drift_marks()],
        links=shared.links(shared.MODELS_UID, filters=()),
        tags=["ai-observability"],
    )


def _now(settings: Settings) -> Line:
    window = settings.alerts.window
    share = promql.series(ML_DRIFT_SHARE)
    return even(
        4,
        panels.stat(
            "Predictions/min",
            f"Predictions of the selected models, averaged over {window}.",
            panels.query(f"60 * {promql.total(promql.rate(promql.series(ML_PREDICTIONS), window))}"),
            unit="short",
            no_value=NO_PREDICTION,
            decimals=1,
        ),
        panels.stat(
            "Failed",
            f"Share of predictions that failed, over {window}. The alert begins at "
            f"{settings.alerts.model_errors.ratio:.1%}.",
            panels.query(promql.failed(ML_PREDICTIONS, window)),
            unit="percentunit",
            no_value=NO_PREDICTION,
            steps=verdicts.half(settings.alerts.model_errors.ratio),
            decimals=1,
        ),
        panels.stat(
            "Latency p99",
            f"99 of 100 predictions are faster, over {window}. The alert begins at "
            f"{settings.alerts.model_latency.p99_seconds:g} s.",
            panels.query(promql.quantile(0.99, ML_PREDICTION_LATENCY, window=window)),
            unit="s",
            no_value=NO_PREDICTION,
            steps=verdicts.near(settings.alerts.model_latency.p99_seconds),
        ),
        panels.stat(
            "Lowest accuracy",
            "Accuracy of the worst of the selected classifiers over its newest labelled predictions.",
            panels.query(f"min({promql.series(ML_MODEL_ACCURACY, metric_type='accuracy')})"),
            unit="percentunit",
            no_value=accuracy.NO_LABEL,
            decimals=1,
        ),
        panels.stat(
            "Drifted features",
            "Largest share of the features of a selected model that are judged drifted. A click opens Drift.",
            panels.query(f"max({share})"),
            unit="percentunit",
            no_value=shared.NO_BASELINE,
            steps=verdicts.half(settings.drift.share),
            decimals=0,
            links=[shared.board_data_link(shared.DRIFT_UID, ("model", "version"))],
        ),
        panels.stat(
            "Last prediction",
            "Time since the newest prediction of the model that has been silent longest.",
            panels.query(f"max({promql.series(ML_PREDICTION_AGE)})"),
            unit="s",
            no_value=NO_PREDICTION,
        ),
    )


def _golden(settings: Settings) -> Line:
    return even(
        8,
        measures.per_minute(
            "Predictions per minute",
            "Predictions by outcome; the height of the stack is the total.",
            ML_PREDICTIONS,
            "status",
            no_value=NO_PREDICTION,
            colors=_STATUS,
        ),
        panels.chart(
            "Failed predictions by version",
            "Share of the predictions of each version that failed. Dashed: where the alert begins.",
            panels.query(
                promql.failed(ML_PREDICTIONS, settings.alerts.window, ("model", "version")), "{{model}} {{version}}"
            ),
            unit="percentunit",
            no_value=NO_PREDICTION,
            steps=((settings.alerts.model_errors.ratio, panels.BAD),),
        ),
        measures.quantiles(
            "Prediction latency",
            "Duration of a prediction as its service measured it. Dashed: where the alert on p99 begins.",
            ML_PREDICTION_LATENCY,
            unit="s",
            no_value=NO_PREDICTION,
            steps=((settings.alerts.model_latency.p99_seconds, panels.BAD),),
        ),
    )


def _confidence(settings: Settings) -> Line:
    bound = _bound(settings.performance.low_confidence)
    window = settings.alerts.window
    low = promql.rate(promql.series(ML_PREDICTION_CONFIDENCE, part="bucket", le=f"{bound}"), window)
    every = promql.rate(promql.series(ML_PREDICTION_CONFIDENCE, part="count"), window)
    return even(
        8,
        measures.distribution(
            "Confidence distribution",
            "How many predictions were how sure. Mass that wanders down is a model that no longer knows its data.",
            ML_PREDICTION_CONFIDENCE,
            calls=False,  # one of every class of every version at each scrape covers whole rows
            unit="percentunit",
            no_value=NO_CONFIDENCE,
        ),
        panels.chart(
            "Low confidence by class",
            f"Share of the predictions of each class with a confidence of {bound:.0%} or less: guesses.",
            panels.query(promql.share(low, every, ("class",)), "{{class}}"),
            unit="percentunit",
            no_value=NO_CONFIDENCE,
        ),
        measures.per_minute(
            "Errors and what they were",
            "Failed predictions per minute by kind of error.",
            ML_PREDICTION_ERRORS,
            "error_type",
            no_value="No failed prediction",
            colors=panels.ERRORS,
        ),
    )


def _bound(limit: float) -> float:
    """The largest bound of the histogram that is not above ``limit``; the smallest one if all are."""
    bounds = ML_PREDICTION_CONFIDENCE.buckets
    return max((bound for bound in bounds if bound <= limit), default=bounds[0])


def _versions(settings: Settings) -> Line:
    by, window = ("model", "version"), promql.RANGE
    predictions = promql.total(promql.increase(promql.series(ML_PREDICTIONS)), by)
    twice = promql.total(promql.increase(promql.series(ML_DUPLICATE_PREDICTIONS)), by)

    def accurate(family: Family) -> PrometheusTarget:
        return panels.cells(promql.highest(promql.series(family, metric_type="accuracy"), by))

    table = lists.table(
        "Versions side by side",
        "Every version of every model over the time range: what it did, and how right it was with the interval of its "
        "accuracy. Intervals that do not meet are a difference. Click a model for its drift.",
        by={
            "model": lists.Label("Model", 140, [shared.row_link(shared.DRIFT_UID, model="Model", version="Version")]),
            "version": lists.Label("Version", 90),
        },
        columns=[
            lists.Column(
                "Predictions",
                150,
                panels.cells(f"{predictions} > 0"),
                {"unit": "locale", "decimals": 0, **lists.cell_bar("blue")},
            ),
            lists.Column(
                "Failed",
                80,
                panels.cells(promql.failed(ML_PREDICTIONS, window, by)),
                {**_SHARE, **lists.cell_color(verdicts.half(settings.alerts.model_errors.ratio))},
            ),
            lists.Column(
                "p99",
                80,
                panels.cells(f"{promql.quantile(0.99, ML_PREDICTION_LATENCY, by, window)} >= 0"),
                {"unit": "s", **lists.cell_color(verdicts.near(settings.alerts.model_latency.p99_seconds))},
            ),
            lists.Column("Accuracy", 90, accurate(ML_MODEL_ACCURACY), _SHARE),
            lists.Column("Lower", 80, accurate(ML_MODEL_ACCURACY_LOWER), _SHARE),
            lists.Column("Upper", 80, accurate(ML_MODEL_ACCURACY_UPPER), _SHARE),
            lists.Column(
                "Labelled",
                90,
                panels.cells(promql.highest(promql.series(ML_LABELLED_SAMPLES), by)),
                {"unit": "locale", "decimals": 0},
            ),
            lists.Column(
                "Drift share",
                105,
                panels.cells(promql.highest(promql.series(ML_DRIFT_SHARE), by)),
                {**_SHARE, **lists.cell_color(verdicts.half(settings.drift.share))},
            ),
            lists.Column("Sent twice", 95, panels.cells(twice), {"unit": "locale", "decimals": 0}),
        ],
        sort="Predictions",
        no_value=NO_PREDICTION,
    )
    return even(7, table)


def _together(settings: Settings) -> Line:
    by = ("model", "other", "signal")
    pairs = lists.table(
        "Models that move together",
        "Rank correlation over time of drift, errors or latency of two models. Near 1 they share a cause, such as one "
        "data source; p is the chance of it without any.",
        by={
            "model": lists.Label("Model", 72),
            "other": lists.Label("Other", 72),
            "signal": lists.Label("Signal", 65),
        },
        columns=[
            lists.Column(
                "Correlation",
                122,
                panels.cells(promql.highest(promql.series(ML_MODEL_CORRELATION), by)),
                {"unit": "none", "decimals": 2, **lists.cell_color(((0.5, panels.WARNING), (0.8, panels.BAD)))},
            ),
            lists.Column(
                "p",
                60,
                panels.cells(promql.highest(promql.series(ML_MODEL_CORRELATION_P_VALUE), by)),
                {"unit": "sci", "decimals": 1},
            ),
        ],
        sort="Correlation",
        no_value=NO_PAIR,
    )
    return even(8, pairs, _watched(settings), _regressions())


def _watched(settings: Settings) -> Panel:
    """Scores of the metrics under ``watch`` of observability.yml: not of the selected models alone."""
    limit = min((watch.deviations for watch in settings.watches), default=5.0)
    return panels.chart(
        "Anomaly score of metrics",
        "How many robust standard deviations each watched metric is from its own past. Dashed: the lowest limit of "
        "them. The filters do not apply.",
        panels.query(f"max by (watch) (abs({promql.series(METRIC_SCORE)}))", "{{watch}}"),
        unit="short",
        no_value=NO_PAST,
        steps=((limit, panels.BAD),),
    )


def _regressions() -> Panel:
    change = f"max by (watch) ({promql.series(METRIC_CHANGE)})"
    value = f"max by (watch) ({promql.series(METRIC_VALUE)}) > -Inf"  # a quantile of nothing is NaN
    return lists.table(
        "Watched metrics",
        "The largest value of each watched metric, and its last hour as a multiple of the same hour a season ago. The "
        "filters do not apply.",
        by={"watch": lists.Label("Metric", 120)},
        columns=[
            lists.Column("Now", 110, panels.cells(value), {"unit": "short"}),
            lists.Column("Change", 110, panels.cells(change), {"unit": "suffix:x", "decimals": 2}),
        ],
        sort="Change",
        no_value=NO_WATCH,
    )
