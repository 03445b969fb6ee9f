"""How right models are: by labels with an interval, estimated before labels come, by confidence and by segment."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards_src import bands, lists, measures, panels, promql, verdicts
from dashboards_src.grafana import Json, Line, Panel, even
from observability.catalogue import (
    ML_CALIBRATION_OBSERVED,
    ML_CALIBRATION_PREDICTED,
    ML_LABEL_DELAY,
    ML_LABELLED_SAMPLES,
    ML_LABELS,
    ML_MODEL_ACCURACY,
    ML_MODEL_ACCURACY_BASELINE,
    ML_MODEL_ACCURACY_ESTIMATED,
    ML_MODEL_ACCURACY_ESTIMATED_LOWER,
    ML_MODEL_ACCURACY_ESTIMATED_UPPER,
    ML_MODEL_ACCURACY_LOWER,
    ML_MODEL_ACCURACY_UPPER,
    ML_PREDICTIONS,
    ML_SEGMENT_ACCURACY,
    ML_SEGMENT_SAMPLES,
    Family,
)
from observability.settings import Settings

NO_LABEL = "No labels yet"
NO_SEGMENT = "No labels with a segment"

#: Names of the lines of a chart with intervals, and their colours.
_LINES = {"Labelled": "blue", "Estimated": "orange", "Baseline": "text"}


def lines(settings: Settings) -> Sequence[Line]:
    return [
        even(
            8,
            _measured("Accuracy", "accuracy", "Share of right predictions"),
            _measured("F1", "f1", "Harmonic mean of precision and recall"),
            _measured("AUC", "auc", "How well the scores put positives before negatives"),
        ),
        Line(
            8,
            [
                (6, _measured("Mean absolute error", "mae", "Mean distance of predictions from their labels")),
                (6, _measured("Root mean square error", "rmse", "Like the mean distance; large errors weigh more")),
                (12, _all_metrics()),
            ],
        ),
        even(8, *_labels(settings)),
        Line(8, [(12, _calibration()), (12, _reliability(settings))]),
    ]


def _measured(title: str, metric: str, meaning: str) -> Panel:
    """The worst of the selected models: the worst of the ends is then an interval for the worst of the values."""
    error = metric in {"mae", "rmse"}
    worst = "max" if error else "min"
    shown = {
        "Labelled lower": ML_MODEL_ACCURACY_LOWER,
        "Labelled upper": ML_MODEL_ACCURACY_UPPER,
        "Estimated lower": ML_MODEL_ACCURACY_ESTIMATED_LOWER,
        "Estimated upper": ML_MODEL_ACCURACY_ESTIMATED_UPPER,
        "Estimated": ML_MODEL_ACCURACY_ESTIMATED,
        "Baseline": ML_MODEL_ACCURACY_BASELINE,
        "Labelled": ML_MODEL_ACCURACY,
    }
    targets = [
        panels.query(f"{worst}({promql.series(family, metric_type=metric)})", name) for name, family in shown.items()
    ]
    description = (
        f"{meaning}, of the newest labelled predictions and, estimated, of those whose labels have not come yet. "
        "Bands are confidence intervals, dashed is the baseline. Of several models the worst is shown."
    )
    overrides = [*panels.fixed_colors(_LINES), *_band("Labelled"), *_band("Estimated"), bands.dashed("Baseline")]
    if error:
        return panels.chart(title, description, *targets, unit="short", no_value=NO_LABEL, overrides=overrides)
    return panels.chart(
        title, description, *targets, unit="percentunit", no_value=NO_LABEL, min=None, max=1, overrides=overrides
    )


def _band(name: str) -> list[Json]:
    return bands.band(f"{name} lower", f"{name} upper", _LINES[name])


def _all_metrics() -> Panel:
    by = ("model", "version", "metric_type")
    number: Json = {"unit": "none", "decimals": 3}
    families = (
        ("Labelled", ML_MODEL_ACCURACY),
        ("Estimated", ML_MODEL_ACCURACY_ESTIMATED),
        ("Baseline", ML_MODEL_ACCURACY_BASELINE),
    )
    return lists.table(
        "All measures",
        "Every measure of every selected version: by labels, estimated without them, and on the baseline.",
        by={
            "model": lists.Label("Model", 140),
            "version": lists.Label("Version", 80),
            "metric_type": lists.Label("Measure", 85),
        },
        columns=[
            lists.Column(
                title,
                98 if title == "Labelled" else 86,
                panels.cells(promql.highest(promql.series(family), by)),
                number,
            )
            for title, family in families
        ],
        sort="Labelled",
        no_value=NO_LABEL,
    )


def _labels(settings: Settings) -> Sequence[Panel]:
    # Labels come late, so a share of them is taken over a day and not over the window of the alerts.
    labels = promql.increase(promql.series(ML_LABELS), "1d")
    predictions = promql.increase(promql.series(ML_PREDICTIONS), "1d")
    samples = promql.highest(promql.series(ML_LABELLED_SAMPLES), ("model", "version"))
    return (
        panels.chart(
            "Labelled samples",
            f"Labelled predictions that performance is made of. Dashed: the {settings.performance.min_labels} from "
            "which anything is said.",
            panels.query(samples, "{{model}} {{version}}"),
            unit="short",
            no_value=NO_LABEL,
            steps=((settings.performance.min_labels, panels.WARNING),),
        ),
        measures.quantiles(
            "Label delay",
            "Time from a prediction to its label.",
            ML_LABEL_DELAY,
            (0.5, 0.95),
            unit="s",
            no_value=NO_LABEL,
        ),
        panels.chart(
            "Labels per prediction",
            "Labels that came in a day for each prediction of that day, by model. Late labels count when they come.",
            panels.query(promql.share(labels, predictions, ("model",)), "{{model}}"),
            unit="percentunit",
            no_value=NO_LABEL,
        ),
    )


def _calibration() -> Panel:
    def of(name: str, family: Family) -> str:
        mean = f"avg by (bin) ({promql.series(family)})"
        return f'label_replace({mean}, "what", "{name}", "", "")'

    expected, observed = of("Confidence", ML_CALIBRATION_PREDICTED), of("Right", ML_CALIBRATION_OBSERVED)
    return panels.bars(
        "Calibration",
        "Mean confidence beside the share of right predictions, by bin of confidence. Bars of one height: the model "
        "is as right as it claims. The mean over the selected versions; choose one.",
        panels.cells(f"{expected} or {observed}"),
        row="bin",
        column="what",
        order=("bin",),
        unit="percentunit",
        no_value=NO_LABEL,
        max=1,
        overrides=panels.fixed_colors({"Confidence": "super-light-blue", "Right": "blue"}),
    )


def _reliability(settings: Settings) -> Panel:
    by = ("model", "version", "bin")
    expected = promql.highest(promql.series(ML_CALIBRATION_PREDICTED), by)
    observed = promql.highest(promql.series(ML_CALIBRATION_OBSERVED), by)
    share: Json = {"unit": "percentunit", "decimals": 1}
    return lists.table(
        "Calibration by version",
        "What each version claimed and what came true, by bin of confidence. Too sure is where confidence exceeds "
        "the share of right predictions.",
        by={
            "model": lists.Label("Model", 110),
            "version": lists.Label("Version", 80),
            "bin": lists.Label("Confidence", 95),
        },
        columns=[
            lists.Column("Claimed", 85, panels.cells(expected), share),
            lists.Column("Right", 85, panels.cells(observed), share),
            lists.Column(
                "Too sure by",
                122,
                panels.cells(f"{expected} - {observed}"),
                {**share, **lists.cell_color(verdicts.half(settings.alerts.accuracy_fall.drop))},
            ),
        ],
        sort="Too sure by",
        no_value=NO_LABEL,
    )


def segments(settings: Settings) -> Line:
    """Worst first: by how much a segment is worse than its whole model, whichever way is worse."""
    by = ("model", "version", "segment", "value", "metric_type")
    of_segment = promql.highest(promql.series(ML_SEGMENT_ACCURACY), by)
    samples = promql.highest(promql.series(ML_SEGMENT_SAMPLES), by[:-1])
    number: Json = {"unit": "none", "decimals": 3}
    on = "on (model, version, metric_type)"

    def of_whole(metric: str) -> str:
        return promql.highest(promql.series(ML_MODEL_ACCURACY, metric_type=metric), ("model", "version", "metric_type"))

    def of_part(metric: str) -> str:
        return promql.highest(promql.series(ML_SEGMENT_ACCURACY, metric_type=metric), by)

    # A share of the whole model's performance, so that accuracy and errors can stand in one column.
    less = f"1 - {of_part('accuracy')} / {on} group_left () ({of_whole('accuracy')} > 0)"
    more = f"{of_part('mae')} / {on} group_left () ({of_whole('mae')} > 0) - 1"
    table = lists.table(
        "Segments, worst first",
        "Performance over the labelled predictions of each segment, and how much worse than the whole model it "
        "is, as a share of that (below 0: better). A few samples say little.",
        by={
            "model": lists.Label("Model", 180),
            "version": lists.Label("Version", 120),
            "segment": lists.Label("Segment", 150),
            "value": lists.Label("Part", 200),
            "metric_type": lists.Label("Measure", 110),
        },
        columns=[
            lists.Column("Performance", 120, panels.cells(of_segment), number),
            lists.Column(
                "Worse by",
                120,
                panels.cells(f"{less} or {more}"),
                {
                    "unit": "percentunit",
                    "decimals": 1,
                    **lists.cell_color(verdicts.half(settings.alerts.accuracy_fall.error_ratio - 1)),
                },
            ),
            lists.Column(
                "Samples",
                120,
                panels.cells(f"0 * {of_segment} + on (model, version, segment, value) group_left () {samples}"),
                {"unit": "locale", "decimals": 0},
            ),
        ],
        sort="Worse by",
        no_value=NO_SEGMENT,
    )
    return even(8, table)
