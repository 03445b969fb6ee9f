"""Alert rules on machine-learning models: what they are asked, and what they answer."""

from __future__ import annotations

from alerts import links
from alerts.model import AlertRule, Group
from alerts.shapes import group
from observability import catalogue
from observability.settings import Settings


def models(settings: Settings) -> Group:
    """Drift of a model's data."""
    alert = settings.alerts.data_drift_detected
    return group(
        settings,
        "models",
        AlertRule(
            name="DataDriftDetected",
            severity="warning",
            for_=alert.for_,
            expr=f"max by (model) ({catalogue.DATA_DRIFT_DETECTED}) == 1",
            summary="The data of the model {{ $labels.model }} has drifted",
            description=(
                f"What the model {{{{ $labels.model }}}} is asked differs from its baseline for {alert.for_} or longer."
            ),
            value="drifted",
            links=links.dashboard(settings.notifications.links, links.OVERVIEW_DASHBOARD),
        ),
    )
