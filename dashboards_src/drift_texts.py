"""Drift of the prompts and answers of LLM calls; ``$model`` is a model that predicts and filters none here."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards_src import bands, lists, measures, panels, promql, shared
from dashboards_src.grafana import Json, Line, Panel, PrometheusTarget, even
from observability.catalogue import (
    EXPORTER_CONVERSATIONS,
    LLM_TEXT_BASELINE_RATIO,
    LLM_TEXT_DRIFT_ALARMS,
    LLM_TEXT_DRIFT_DETECTED,
    LLM_TEXT_DRIFT_FEATURE_DETECTED,
    LLM_TEXT_DRIFT_SAMPLES,
    LLM_TEXT_DRIFT_SCORE,
    LLM_TEXT_DRIFT_THRESHOLD,
    Family,
)
from observability.settings import Settings

_BY = ("service", "model", "prompt", "text")
_NO_TEXTS = "No content in spans yet"
#: Rows of the state timeline and lines of the chart that can still be told apart.
_ROWS = 10
_NO_FILTERS = "The filters do not apply."


def texts(settings: Settings) -> Sequence[Line]:
    return [Line(8, [(9, _alarms(settings)), (9, _evidence()), (6, _calls())]), even(8, _streams())]


def _alarms(settings: Settings) -> Panel:
    detected = promql.most(_ROWS, promql.series(LLM_TEXT_DRIFT_DETECTED, filters=()), _BY)
    return panels.state_timeline(
        "Prompts and answers in alarm",
        "When the prompts or answers of an app's calls to a model were judged unlike the first "
        f"{settings.conversations.baseline_calls}; the {_ROWS} longest in alarm. Numbers of texts are kept, never the "
        f"texts. {_NO_FILTERS}",
        panels.query(detected, "{{text}}s {{service}} → {{model}} {{prompt}}"),
        states={0: ("like the baseline", panels.GOOD), 1: ("drifted", panels.BAD)},
        unit="none",
        no_value=_NO_TEXTS,
    )


def _evidence() -> Panel:
    by = ("service", "model", "text", "feature")
    score = promql.most(_ROWS, promql.series(LLM_TEXT_DRIFT_SCORE, filters=(), drift_type="sequential"), by)
    alarm = promql.highest(promql.series(LLM_TEXT_DRIFT_THRESHOLD, filters=(), drift_type="sequential"))
    return panels.chart(
        "Evidence of drift of texts",
        f"The {_ROWS} features with the most evidence, as powers of ten, drawn up to twice the alarm. Dashed: where "
        f"that begins. {_NO_FILTERS}",
        panels.query(f"clamp({score}, 0, 2 * scalar({alarm}))", "{{text}} {{feature}} {{service}} {{model}}"),
        panels.query(alarm, "Alarm"),
        unit="none",
        no_value=_NO_TEXTS,
        overrides=[*panels.fixed_colors({"Alarm": panels.BAD}), bands.dashed("Alarm")],
    )


def _calls() -> Panel:
    return measures.per_minute(
        "Calls with content",
        "LLM calls whose prompts or answers were in a span, per minute, by what became of them: measured, left out of "
        f"the sample, or why not. {_NO_FILTERS}",
        EXPORTER_CONVERSATIONS,
        "outcome",
        no_value=_NO_TEXTS,
    )


def _streams() -> Panel:
    def of(family: Family, **match: str) -> PrometheusTarget:
        return panels.cells(promql.highest(promql.series(family, filters=(), **match), _BY))

    drifted = promql.total(promql.series(LLM_TEXT_DRIFT_FEATURE_DETECTED, filters=()), (*_BY, "instance"))
    raised = promql.total(promql.increase(promql.series(LLM_TEXT_DRIFT_ALARMS, filters=())), _BY)
    count: Json = {"unit": "locale", "decimals": 0}
    return lists.table(
        "Prompts and answers by app and model",
        "How much of the baseline is learned, texts in the window, the largest distance of a feature (population "
        f"stability index), features in alarm now, and alarms over the time range. {_NO_FILTERS}",
        by={
            "service": lists.Label("Service", 160),
            "model": lists.Label("Model", 200, [shared.row_link(shared.LLM_UID, service="Service", model="Model")]),
            "prompt": lists.Label("Prompt", 140),
            "text": lists.Label("Text", 90),
        },
        columns=[
            lists.Column("Baseline", 90, of(LLM_TEXT_BASELINE_RATIO), {"unit": "percentunit", "decimals": 0}),
            lists.Column("Texts", 80, of(LLM_TEXT_DRIFT_SAMPLES), count),
            lists.Column("PSI", 80, of(LLM_TEXT_DRIFT_SCORE, drift_type="psi"), {"unit": "none", "decimals": 2}),
            lists.Column(
                "In alarm",
                110,
                panels.cells(promql.highest(drifted, _BY)),
                {**count, **lists.cell_color(((1, panels.BAD),))},
            ),
            lists.Column("Alarms", 80, panels.cells(raised), count),
        ],
        sort="In alarm",
        no_value=_NO_TEXTS,
    )
