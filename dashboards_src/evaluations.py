"""Evaluations that telemetry brought: scores over time, by model, and what they were labelled."""

from __future__ import annotations

from dashboards_src import lists, panels, promql
from dashboards_src.grafana import Json, Line, Panel, even
from observability.catalogue import LLM_EVALUATION_SCORE, LLM_EVALUATIONS
from observability.settings import Settings

_NO_SCORE = "No evaluation in this range"


def line(settings: Settings) -> Line:
    by = ("evaluation", "model")
    count = promql.total(promql.increase(promql.series(LLM_EVALUATION_SCORE, part="count")), by)
    low = promql.quantile(0.1, LLM_EVALUATION_SCORE, by, promql.RANGE)
    two: Json = {"unit": "none", "decimals": 2}
    return even(
        8,
        panels.chart(
            "Evaluation score",
            "Mean score of each evaluation that telemetry brought, on the scale of its evaluator.",
            panels.query(
                promql.mean(LLM_EVALUATION_SCORE, settings.alerts.window, ("evaluation",)),
                "{{evaluation}}",
                exemplars=True,
            ),
            unit="short",
            no_value=_NO_SCORE,
        ),
        lists.table(
            "Scores by model",
            "How many answers of each model each evaluation scored in the time range, their mean, and the score that "
            "the worst tenth stays below.",
            by={"evaluation": lists.Label("Evaluation", 95), "model": lists.Label("Model", 95)},
            columns=[
                lists.Column("Scored", 85, panels.cells(f"{count} > 0"), {"unit": "locale", "decimals": 0}),
                lists.Column("Mean", 60, panels.cells(promql.mean(LLM_EVALUATION_SCORE, promql.RANGE, by)), two),
                lists.Column("p10", 50, panels.cells(f"{low} >= 0"), two),
            ],
            sort="Scored",
            no_value=_NO_SCORE,
        ),
        _labels(),
    )


def _labels() -> Panel:
    counted = promql.total(promql.increase(promql.series(LLM_EVALUATIONS), promql.RATE), ("label",))
    return panels.chart(
        "Evaluations by label",
        "Verdicts per step of the chart; none is an evaluation without a label, error one that failed itself.",
        panels.query(counted, "{{label}}"),
        unit="short",
        no_value=_NO_SCORE,
        stacked=True,
        bars=True,
        overrides=panels.fixed_colors(panels.LABELS),
    )
