"""Alert rules on models: what they are asked, how well and how fast they answer, and whether anybody can still tell."""

from __future__ import annotations

from typing import Final

from alerts import links
from alerts.model import AlertRule, Group, below_top_bucket, number
from alerts.promql import happened, increase, quantile, rate, series
from alerts.shapes import Subject, group, share_alert, window
from observability import catalogue
from observability.settings import Settings

#: One version of a model: what somebody trained and rolls back.
MODELS: Final = Subject(
    ("model", "version"),
    "the model {{ $labels.model }} version {{ $labels.version }}",
    links.MODELS_DASHBOARD,
    ("model", "version"),
)
_WHO: Final = MODELS.who
_BY: Final = "model, version"
#: Metrics of which more is better, and of which less is.
_BETTER: Final = "accuracy|f1|auc"
_WORSE: Final = "mae|rmse"
_COUNT: Final = "{{ $value | printf `%.0f` }}"
_MODEL: Final = "the model {{ $labels.model }}"


def models(settings: Settings) -> Group:
    """Drift, performance, golden signals and data of models. Raises :class:`SettingsError` as the shapes do."""
    return group(
        settings,
        "models",
        *_drift(settings),
        *_signals(settings),
        *_performance(settings),
        *_data(settings),
        *_keeping(settings),
    )


def _board(settings: Settings, *variables: str) -> dict[str, str]:
    return links.dashboard(settings.notifications.links, links.DRIFT_DASHBOARD, *variables)


def _detected(kind: str, by: str) -> str:
    return f"max by ({by}) ({series(catalogue.ML_DRIFT_DETECTED, drift_type=kind)}) == 1"


def _drift(settings: Settings) -> tuple[AlertRule, ...]:
    data, feature, concept = (
        settings.alerts.data_drift_detected,
        settings.alerts.feature_drift,
        settings.alerts.concept_drift,
    )
    by = f"{_BY}, feature"
    score = number(settings.drift.score)
    psi = f"max by ({by}) ({series(catalogue.ML_DRIFT_SCORE, drift_type='psi')}) > {score}"
    return (
        AlertRule(
            name="DataDriftDetected",
            severity="warning",
            for_=data.for_,
            expr=f"max by (model) ({catalogue.DATA_DRIFT_DETECTED}) == 1",
            summary="The data of the model {{ $labels.model }} has drifted",
            description=(
                f"What the model {{{{ $labels.model }}}} is asked differs from its baseline for {data.for_} or longer."
            ),
            value="drifted",
            links=_board(settings, "model"),
        ),
        AlertRule(
            name="FeatureDriftDetected",
            severity="warning",
            for_=feature.for_,
            expr=f"{psi}\nand\n{_detected('sequential', by)}",
            summary="The feature {{ $labels.feature }} of the model {{ $labels.model }} has drifted far",
            description=(
                f"The feature {{{{ $labels.feature }}}} of {_WHO} has drifted beyond doubt, and by "
                f"{{{{ $value | printf `%.2f` }}}} (population stability index); {score} counts as far."
            ),
            value="index {{ $value | printf `%.2f` }}",
            links=_board(settings, "model", "version", "feature"),
        ),
        AlertRule(
            name="EmbeddingDriftDetected",
            severity="warning",
            for_=feature.for_,
            expr=_detected("embedding", by),
            summary="The texts or embeddings {{ $labels.feature }} of the model {{ $labels.model }} have drifted",
            description=f"What {_WHO} gets as {{{{ $labels.feature }}}} is about something else than its baseline.",
            value="drifted",
            links=_board(settings, "model", "version"),
        ),
        AlertRule(
            name="ConceptDriftDetected",
            severity="warning",
            for_=concept.for_,
            expr=_detected("concept", _BY),
            summary="The model {{ $labels.model }} errs more often than it did",
            description=f"The labels of {_WHO} prove more or larger errors than its baseline had.",
            value="more errors",
            links=MODELS.links(settings),
        ),
    )


def _signals(settings: Settings) -> tuple[AlertRule, ...]:
    latency, errors = settings.alerts.model_latency, settings.alerts.model_errors
    span = window(settings)
    family = catalogue.ML_PREDICTION_LATENCY
    top = below_top_bucket("alerts.model_latency.p99_seconds", latency.p99_seconds, family)
    return (
        AlertRule(
            name="HighModelLatency",
            severity="warning",
            for_=latency.for_,
            keep_firing_for=settings.alerts.keep_firing_for,
            expr=(
                f"{quantile(0.99, family, span, MODELS.labels)} > {top}\nand\n"
                f"{increase(series(family, 'count'), span, MODELS.labels)} >= {latency.min_predictions}"
            ),
            summary=f"Predictions of {_WHO} are slow",
            description=(
                f"99 % of the predictions of {_WHO} took up to {{{{ $value | humanizeDuration }}}} "
                f"over the last {span}; the limit is {top} s."
            ),
            value="p99 {{ $value | humanizeDuration }}",
            links=MODELS.links(settings),
        ),
        share_alert(
            settings,
            MODELS,
            name="HighModelErrorRate",
            severity="critical",
            part=series(catalogue.ML_PREDICTIONS, status="error"),
            whole=catalogue.ML_PREDICTIONS,
            ratio=errors.ratio,
            least=errors.min_errors,
            for_=errors.for_,
            summary=f"Predictions of {_WHO} fail",
            things="predictions",
            did="failed",
            short="failed",
        ),
    )


def _fell(settings: Settings, upper: catalogue.Family, lower: catalogue.Family) -> str:
    """Below the baseline by more than chance allows, and by more than the settings do."""
    alert = settings.alerts.accuracy_fall
    by = f"{_BY}, metric_type"
    base = catalogue.ML_MODEL_ACCURACY_BASELINE
    better = f'max by ({by}) ({upper}{{metric_type=~"{_BETTER}"}})'
    worse = f'min by ({by}) ({lower}{{metric_type=~"{_WORSE}"}})'
    return (
        f"{better} < max by ({by}) ({base}) - {number(alert.drop)}\nor\n"
        f"{worse} > {number(alert.error_ratio)} * max by ({by}) ({base})"
    )


def _performance(settings: Settings) -> tuple[AlertRule, ...]:
    alert = settings.alerts.accuracy_fall
    known = (
        f"which is worse than the baseline by more than {number(alert.drop)} "
        f"(errors: {number(alert.error_ratio)} times as large), the uncertainty of the labels aside."
    )
    return (
        AlertRule(
            name="ModelAccuracyFell",
            severity="warning",
            for_=alert.for_,
            expr=_fell(settings, catalogue.ML_MODEL_ACCURACY_UPPER, catalogue.ML_MODEL_ACCURACY_LOWER),
            summary="{{ $labels.metric_type }} of the model {{ $labels.model }} is worse than on its baseline",
            description=(
                f"{{{{ $labels.metric_type }}}} of {_WHO} is {{{{ $value | printf `%.3f` }}}} at best, {known}"
            ),
            value="{{ $labels.metric_type }} {{ $value | printf `%.3f` }}",
            links=MODELS.links(settings),
        ),
        AlertRule(
            name="EstimatedAccuracyFell",
            severity="info",
            for_=alert.for_,
            expr=_fell(
                settings, catalogue.ML_MODEL_ACCURACY_ESTIMATED_UPPER, catalogue.ML_MODEL_ACCURACY_ESTIMATED_LOWER
            ),
            summary="{{ $labels.metric_type }} of the model {{ $labels.model }} is probably worse than on its baseline",
            description=(
                f"{{{{ $labels.metric_type }}}} of {_WHO}, estimated without labels, is "
                f"{{{{ $value | printf `%.3f` }}}} at best, {known}"
            ),
            value="{{ $labels.metric_type }} {{ $value | printf `%.3f` }}",
            links=MODELS.links(settings),
        ),
    )


def _data(settings: Settings) -> tuple[AlertRule, ...]:
    quality, missing, stopped = (
        settings.alerts.data_quality,
        settings.alerts.labels_missing,
        settings.alerts.predictions_stopped,
    )
    span = window(settings)
    by = ("model", "version", "feature", "issue")
    issues, values = catalogue.ML_DATA_QUALITY_ISSUES, catalogue.ML_DATA_QUALITY_VALUES
    share = (
        f"{rate(issues, span, by)}\n/ on (model, version, feature) group_left ()\n({rate(values, span, by[:3])} > 0)"
    )
    usual = f"max by ({', '.join(by)}) ({catalogue.ML_DATA_QUALITY_BASELINE})"
    predictions, labels = catalogue.ML_PREDICTIONS, catalogue.ML_LABELS
    return (
        AlertRule(
            name="DataQualityDegraded",
            severity="warning",
            for_=quality.for_,
            keep_firing_for=settings.alerts.keep_firing_for,
            expr=(
                f"({share})\n- on ({', '.join(by)})\n{usual}\n> {number(quality.ratio)}\nand\n"
                f"{increase(issues, span, by)} >= {quality.min_values}"
            ),
            summary="Values of {{ $labels.feature }} of the model {{ $labels.model }} are {{ $labels.issue }}",
            description=(
                f"{{{{ $value | humanizePercentage }}}} more of the values of {{{{ $labels.feature }}}} of {_WHO} "
                f"than in its baseline are {{{{ $labels.issue }}}} over the last {span}; "
                f"the limit is {number(round(quality.ratio * 100, 6))} %."
            ),
            value="{{ $value | humanizePercentage }} more {{ $labels.issue }}",
            links=_board(settings, "model", "version", "feature"),
        ),
        AlertRule(
            name="LabelsMissing",
            severity="warning",
            for_=missing.for_,
            expr=(
                f"{increase(predictions, missing.window, ('model',))} >= {missing.min_predictions}\nand\n"
                f"{increase(labels, missing.window, ('model',))} == 0\nand\n"
                f"sum by (model) (increase({labels}[{missing.before}] offset {missing.window})) > 0"
            ),
            summary="Labels of the model {{ $labels.model }} no longer come",
            description=(
                f"{_COUNT} predictions of {_MODEL} and not one label came within {missing.window}; before, labels came."
            ),
            value="no label for {{ $value | printf `%.0f` }} predictions",
            links=links.dashboard(settings.notifications.links, links.MODELS_DASHBOARD, "model"),
        ),
        AlertRule(
            name="PredictionsStopped",
            severity="warning",
            for_=stopped.for_,
            expr=(
                f"{increase(predictions, stopped.after, ('model',))} == 0\nand\n"
                f"sum by (model) (increase({predictions}[1d] offset {stopped.after})) > 0"
            ),
            summary="The model {{ $labels.model }} predicts nothing any more",
            description=(
                f"No prediction of {_MODEL} came for {stopped.after}, though it predicted within the day before."
            ),
            value=f"silent for {stopped.after}",
            links=links.dashboard(settings.notifications.links, links.MODELS_DASHBOARD, "model"),
        ),
    )


def _keeping(settings: Settings) -> tuple[AlertRule, ...]:
    alert = settings.alerts.store_failing
    span = window(settings)
    board = links.dashboard(settings.notifications.links, links.OVERVIEW_DASHBOARD)
    return (
        AlertRule(
            name="PredictionStoreFailing",
            severity="critical",
            for_=alert.for_,
            keep_firing_for=settings.alerts.keep_firing_for,
            expr=happened(catalogue.EXPORTER_STORE_FAILURES, span, ("operation",)),
            summary="The prediction store cannot {{ $labels.operation }}",
            description=(
                f"{_COUNT} operations ({{{{ $labels.operation }}}}) of the prediction store failed over {span}: "
                "predictions and labels are refused, and whoever sends them must send them again."
            ),
            value="{{ $value | printf `%.0f` }} failed",
            links=board,
        ),
        AlertRule(
            name="ModelMonitoringFailing",
            severity="warning",
            for_=alert.for_,
            keep_firing_for=settings.alerts.keep_firing_for,
            expr=happened(catalogue.EXPORTER_MONITOR_FAILURES, span, ("part",)),
            summary="A part of the monitoring of models fails: {{ $labels.part }}",
            description=(
                f"{_COUNT} batches could not be measured ({{{{ $labels.part }}}}) over the last {span}. "
                "They are in the store, but not in the numbers."
            ),
            value="{{ $value | printf `%.0f` }} batches not measured",
            links=board,
        ),
    )
