"""Recording rules: exactly the families that the catalogue calls ``recorded``.

Their names promise five minutes, so the range is fixed and not ``alerts.window``. A series without calls in the
range is absent, never ``NaN``: ``max()`` and ``avg()`` over the series stay usable and a chart shows a gap.
"""

from __future__ import annotations

from alerts.model import Group, RecordingRule
from observability import catalogue
from observability.settings import Settings

WINDOW = "5m"
BY = "by (service, provider, model)"


def rules() -> tuple[RecordingRule, ...]:
    """One rule per recorded family. Raises ``ValueError`` if the catalogue and this list differ."""
    requests, latency, cost = catalogue.LLM_REQUESTS, catalogue.LLM_REQUEST_LATENCY, catalogue.LLM_TOKEN_COST
    calls = f"sum {BY} (rate({requests}[{WINDOW}]))"
    failed = f'sum {BY} (rate({requests}{{status="error"}}[{WINDOW}]))'
    recorded = (
        RecordingRule(catalogue.LLM_REQUESTS_PER_MINUTE, f"60 * {calls}"),
        # "or 0 * calls": without a failed call there is no series with status="error", and the rate is 0, not unknown.
        RecordingRule(catalogue.LLM_ERROR_RATE, f"({failed} or 0 * {calls})\n/\n({calls} > 0)"),
        RecordingRule(
            catalogue.LLM_LATENCY_P95,
            # ">= 0" is false for NaN, which is what a quantile of no calls is.
            f"histogram_quantile(0.95, sum by (service, provider, model, le) (rate({latency.bucket}[{WINDOW}]))) >= 0",
        ),
        RecordingRule(catalogue.LLM_COST_PER_HOUR, f"3600 * sum {BY} (rate({cost}[{WINDOW}]))"),
    )
    missing = {family.name for family in catalogue.RECORDED} ^ {rule.family.name for rule in recorded}
    if missing:
        raise ValueError(f"recorded families without exactly one rule: {sorted(missing)}")
    return recorded


def group(settings: Settings) -> Group:
    """The group of recording rules, evaluated as often as the alerts."""
    return Group("ai-observability-recording", settings.alerts.evaluation_interval, rules())
