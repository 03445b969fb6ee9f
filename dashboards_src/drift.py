"""Drift: has what a model is asked changed, which features, since when, and can the alarm be believed."""

from __future__ import annotations

from dashboards_src import bands, drift_features, drift_texts, lists, panels, promql, shared, verdicts
from dashboards_src.grafana import Json, Line, Panel, Section, dashboard, even
from observability.catalogue import (
    DATA_DRIFT_DETECTED,
    ML_BASELINE_AGE,
    ML_BASELINE_ROWS,
    ML_DRIFT_DETECTED,
    ML_DRIFT_EFFECTIVE_SAMPLES,
    ML_DRIFT_SCORE,
    ML_DRIFT_SHARE,
    ML_DRIFT_THRESHOLD,
    ML_FEATURE_BIN,
    ML_PREDICTION_AGE,
    ML_REFERENCE_BIN_RATIO,
    Family,
)
from observability.settings import Settings

NO_BASELINE = shared.NO_BASELINE
_FEATURE = ("model", "version", "feature")
#: The test of errors: of no input, so the chosen feature does not matter.
_CONCEPT = {"drift_type": "concept", "feature": "@error"}
#: Evidence is drawn up to this many times its alarm: drift that lasts would flatten all that led up to the alarm.
_ALARMS_DRAWN = 2
#: Series on a chart and rows of a state timeline that can still be told apart; the tables have them all.
_LINES, _ROWS = 10, 12


def build(settings: Settings) -> Json:
    """The dashboard ``ai-drift``."""
    return dashboard(
        uid=shared.DRIFT_UID,
        title="Drift",
        description="Has what a model is asked changed, which features, since when, and can the alarm be believed.",
        sections=[
            Section("", [_now(settings), _reference(settings)]),
            Section("Features over time", [_features(), _evidence()]),
            Section("How far, and how far is usual", [drift_features.statistics(settings)]),
            Section("One feature", [_distribution(), drift_features.windows(), drift_features.other_windows()]),
            Section("Concept, text and embeddings", [_others()]),
            Section("Prompts and answers of LLM calls", drift_texts.texts(settings)),
            Section("Data quality and importance", drift_features.quality(settings)),
        ],
        variables=shared.drift_variables(),
        annotations=[*shared.alert_marks("model"), *shared.drift_marks()],
        links=shared.links(shared.DRIFT_UID, filters=()),
        tags=["ai-observability"],
    )


def _now(settings: Settings) -> Line:
    feature = promql.highest(promql.series(ML_DRIFT_DETECTED, drift_type="sequential"), _FEATURE)
    concept = promql.series(ML_DRIFT_DETECTED, **_CONCEPT)
    return even(
        4,
        panels.stat(
            "Models drifted",
            "Selected models whose data the sequential test judges drifted now. DataDriftDetected fires for each.",
            panels.query(promql.total(promql.highest(promql.series(DATA_DRIFT_DETECTED), ("model",)))),
            unit="none",
            no_value=NO_BASELINE,
            steps=((1, panels.BAD),),
            decimals=0,
        ),
        panels.stat(
            "Share drifted",
            f"Largest share of the features of a selected model that are judged drifted; at {settings.drift.share:.0%} "
            "the whole counts as drifted.",
            panels.query(promql.highest(promql.series(ML_DRIFT_SHARE))),
            unit="percentunit",
            no_value=NO_BASELINE,
            steps=verdicts.half(settings.drift.share),
            decimals=0,
        ),
        panels.stat(
            "Drifted features",
            "Selected features in alarm now, versions counted each.",
            panels.query(promql.total(feature)),
            unit="none",
            no_value=NO_BASELINE,
            steps=((1, panels.BAD),),
            decimals=0,
        ),
        panels.stat(
            "Way to the alarm",
            "How far the strongest evidence has come towards its alarm, in powers of ten: at 100 % the e-value is as "
            f"large as {settings.drift.average_run_length:g} for each watched feature. Below 100 % nothing is proven.",
            panels.query(f"max({_towards(drift_type='sequential')})"),
            unit="percentunit",
            no_value=NO_BASELINE,
            steps=verdicts.near(1),
            decimals=0,
        ),
        panels.stat(
            "Error evidence",
            "The same of the errors of labelled predictions: at 100 % a selected model errs more than it used to.",
            panels.query(f"max({_towards(**_CONCEPT)})"),
            unit="percentunit",
            no_value="No labels yet",
            steps=verdicts.near(1),
            decimals=0,
        ),
        panels.stat(
            "Erring more",
            "Selected models that the test of their errors judges worse than they used to be.",
            panels.query(promql.total(concept)),
            unit="none",
            no_value="No labels yet",
            steps=((1, panels.BAD),),
            decimals=0,
        ),
    )


def _towards(**test: str) -> str:
    score = promql.highest(promql.series(ML_DRIFT_SCORE, **test), _FEATURE)
    alarm = promql.highest(promql.series(ML_DRIFT_THRESHOLD, **test), _FEATURE)
    return f"clamp_min({score} / {alarm}, 0)"


def _reference(settings: Settings) -> Line:
    alerts = lists.alert_list(
        "Alerts",
        "Firing and pending alerts of Prometheus, most severe first. Each opens its runbook.",
        no_value="No alert is firing or pending",
    )

    def one(title: str, description: str, family: Family, unit: str, pick: str = "max") -> Panel:
        return panels.stat(
            title,
            description,
            panels.query(f"{pick}({promql.series(family)})"),
            unit=unit,
            no_value=NO_BASELINE,
            decimals=0 if unit == "locale" else 1,
        )

    least = settings.drift.min_samples
    return Line(
        6,
        [
            (4, one("Baseline rows", "Rows of the smallest baseline in use.", ML_BASELINE_ROWS, "locale", "min")),
            (4, one("Baseline age", "Age of the oldest baseline in use.", ML_BASELINE_AGE, "s")),
            (
                4,
                one(
                    "Effective samples",
                    "Observations in the window, divided by how far they repeat one another, of the selected feature "
                    f"with the fewest. Nothing is said below {least}.",
                    ML_DRIFT_EFFECTIVE_SAMPLES,
                    "locale",
                    "min",
                ),
            ),
            (
                4,
                one(
                    "Last prediction",
                    "Time since the newest prediction of the model that has been silent longest; drift cannot be seen "
                    "in silence.",
                    ML_PREDICTION_AGE,
                    "s",
                ),
            ),
            (8, alerts),
        ],
    )


def _features() -> Line:
    detected = promql.most(_ROWS, promql.series(ML_DRIFT_DETECTED, drift_type="sequential"), _FEATURE)
    states = panels.state_timeline(
        "Features in alarm",
        f"When the sequential test judged a feature drifted; the {_ROWS} longest in alarm. It may be looked at as "
        "often as one likes: false alarms stay as rare as observability.yml says.",
        panels.query(detected, "{{feature}} {{model}} {{version}}"),
        states={0: ("like the baseline", panels.GOOD), 1: ("drifted", panels.BAD)},
        unit="none",
        no_value=NO_BASELINE,
    )
    psi = promql.most(_LINES, promql.series(ML_DRIFT_SCORE, drift_type="psi"), ("model", "feature"))
    return even(
        9,
        states,
        panels.chart(
            "Population stability index",
            f"Distance between the newest window and the baseline of the {_LINES} farthest features; what is usual "
            "without drift depends on the size of the window and stands in the table below.",
            panels.query(psi, "{{model}} {{feature}}"),
            unit="none",
            no_value=NO_BASELINE,
        ),
    )


def _evidence() -> Line:
    def chart(title: str, description: str, last: str, no_value: str, **test: str) -> Panel:
        score = promql.most(_LINES, promql.series(ML_DRIFT_SCORE, **test), ("model", last))
        alarm = promql.highest(promql.series(ML_DRIFT_THRESHOLD, **test))
        return panels.chart(
            title,
            description,
            panels.query(f"clamp({score}, 0, {_ALARMS_DRAWN} * scalar({alarm}))", f"{{{{model}}}} {{{{{last}}}}}"),
            panels.query(alarm, "Alarm"),
            unit="none",
            no_value=no_value,
            overrides=[*panels.fixed_colors({"Alarm": panels.BAD}), bands.dashed("Alarm")],
        )

    return even(
        9,
        chart(
            "Evidence of drift",
            f"e-values of the {_LINES} features with most, as powers of ten: 3 is evidence of 1000 to 1 against the "
            "baseline. Dashed: where the alarm begins. What speaks for the baseline is drawn at 0, and more than "
            "twice the alarm as twice.",
            "feature",
            NO_BASELINE,
            drift_type="sequential",
        ),
        chart(
            "Evidence of worse errors",
            "The same of the errors of labelled predictions: a model whose data looks the same can err more.",
            "version",
            "No labels yet",
            **_CONCEPT,
        ),
    )


def _distribution() -> Line:
    """Both come from Prometheus alone: it adds up what all replicas counted over the time range."""
    by = ("model", "baseline", "feature", "bin")
    counts = promql.total(promql.increase(promql.series(ML_FEATURE_BIN)), by)
    whole = promql.total(promql.increase(promql.series(ML_FEATURE_BIN)), by[:-1])
    # Bins of several features, or of one feature in several baselines, are too many bars to read.
    farthest = f"topk(1, {promql.highest(promql.series(ML_DRIFT_SCORE, drift_type='psi'), _FEATURE)})"
    in_use = promql.highest(promql.series(ML_BASELINE_ROWS), ("model", "version", "baseline"))
    chosen = f"{farthest} * on (model, version) group_left (baseline) {in_use}"
    every = promql.highest(promql.series(ML_REFERENCE_BIN_RATIO), (*by, "range"))
    reference = f"({every} and on (model, baseline, feature) ({chosen}))"
    share = f"{counts} / on (model, baseline, feature) group_left () ({whole} > 0)"
    now = f"0 * {reference} + on (model, baseline, feature, bin) group_left () ({share})"

    def part(name: str, vector: str) -> str:
        named = f'label_join({vector}, "of", " ", "model", "feature")'
        return f'label_replace({named}, "what", "{name}: $1", "of", "(.*)")'

    bars = panels.bars(
        "Baseline and now, by bin",
        "Share of the values of each bin of a feature: in the baseline, and over the time range. Of several features "
        "the one that is farthest from its baseline; choose another above.",
        panels.cells(f"{part('Baseline', reference)} or {part('Now', now)}"),
        row="range",
        column="what",
        order=("bin",),
        unit="percentunit",
        no_value=NO_BASELINE,
        overrides=panels.fixed_colors({"Baseline": "text", "Now": "blue"}, begin=True),
    )
    return even(9, bars)


def _others() -> Line:
    by = ("drift_type", *_FEATURE)
    inputs = promql.most(_ROWS // 2, promql.series(ML_DRIFT_DETECTED, drift_type="!=sequential"), by)
    errors = promql.most(_ROWS // 2, promql.series(ML_DRIFT_DETECTED, **_CONCEPT), by)
    return even(
        7,
        panels.state_timeline(
            "Other kinds of drift",
            "Embeddings and texts as a whole, errors against labels (concept), and detectors of your own; of each half "
            f"the {_ROWS // 2} longest in alarm.",
            panels.query(f"({inputs}) or ({errors})", "{{drift_type}} {{model}} {{version}} {{feature}}"),
            states={0: ("like the baseline", panels.GOOD), 1: ("drifted", panels.BAD)},
            unit="none",
            no_value="No texts or labels yet",
        ),
        drift_features.alarms(),
    )
