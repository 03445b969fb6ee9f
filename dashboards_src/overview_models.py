"""The row of the overview on models that predict; its ``$model`` is one that answers prompts and filters none here."""

from __future__ import annotations

from dashboards_src import lists, panels, promql, shared, verdicts
from dashboards_src.grafana import Json, Line, Panel
from observability.catalogue import (
    DATA_DRIFT_DETECTED,
    ML_MODEL_ACCURACY,
    ML_PREDICTION_LATENCY,
    ML_PREDICTIONS,
    ML_PREDICTIONS_PER_MINUTE,
)
from observability.settings import Settings

_BY = ("model",)
_SHARE: Json = {"unit": "percentunit", "decimals": 1}


def line(settings: Settings) -> Line:
    """Predictions and drift now, and each model on a line; numbers and names open the dashboards on models."""
    return Line(
        6,
        [
            (
                4,
                panels.stat(
                    "Predictions/min",
                    "Predictions of all models, averaged over 5 minutes. The filters do not apply. A click opens "
                    "Models.",
                    panels.query(promql.total(promql.series(ML_PREDICTIONS_PER_MINUTE, filters=()))),
                    unit="short",
                    no_value=shared.NO_PREDICTION,
                    decimals=1,
                    links=[shared.board_data_link(shared.MODELS_UID, ())],
                ),
            ),
            (
                4,
                panels.stat(
                    "Models drifted",
                    "Models whose data the sequential test judges drifted now. The filters do not apply. A click opens "
                    "Drift.",
                    panels.query(promql.total(promql.highest(DATA_DRIFT_DETECTED.name, _BY))),
                    unit="none",
                    no_value=shared.NO_BASELINE,
                    steps=((1, panels.BAD),),
                    decimals=0,
                    links=[shared.board_data_link(shared.DRIFT_UID, ())],
                ),
            ),
            (16, _models(settings)),
        ],
    )


def _models(settings: Settings) -> Panel:
    window = promql.RANGE
    counted = promql.total(promql.rate(promql.series(ML_PREDICTIONS, filters=()), window), _BY)
    buckets = promql.rate(promql.series(ML_PREDICTION_LATENCY, part="bucket", filters=()), window)
    slowest = f"histogram_quantile(0.99, {promql.total(buckets, ('le', *_BY))})"
    right = f"min by (model) ({promql.series(ML_MODEL_ACCURACY, filters=(), metric_type='accuracy')})"
    alerts = settings.alerts
    return lists.table(
        "Models that predict",
        "Every model over the time range: how often it predicts and fails, how fast, whether its data has drifted (1), "
        "and the accuracy of its worst version. The filters do not apply. Click a model for its performance.",
        by={"model": lists.Label("Model", 150, [shared.row_link(shared.MODELS_UID, model="Model")])},
        columns=[
            lists.Column("Per minute", 115, panels.cells(f"60 * {counted} > 0"), {"unit": "short", "decimals": 1}),
            lists.Column(
                "Failed",
                80,
                panels.cells(promql.failed(ML_PREDICTIONS, window, _BY, filters=())),
                {**_SHARE, **lists.cell_color(verdicts.half(alerts.model_errors.ratio))},
            ),
            lists.Column(
                "p99",
                85,
                panels.cells(f"{slowest} >= 0"),
                {"unit": "s", **lists.cell_color(verdicts.near(alerts.model_latency.p99_seconds))},
            ),
            lists.Column(
                "Drifted",
                75,
                panels.cells(promql.highest(DATA_DRIFT_DETECTED.name, _BY)),
                {"unit": "none", "decimals": 0, **lists.cell_color(((1, panels.BAD),))},
            ),
            lists.Column("Accuracy", 90, panels.cells(right), _SHARE),
        ],
        sort="Per minute",
        no_value=shared.NO_PREDICTION,
    )
