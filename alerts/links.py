"""Addresses in annotations: the dashboard, the traces and the log lines that belong to an alert.

Each address is a Prometheus template: ``{{ $labels.service | urlquery }}`` is filled in when the alert fires.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from observability.settings import Links

#: uid of generated dashboards.
OVERVIEW_DASHBOARD = "ai-overview"
LLM_DASHBOARD = "ai-llm"
COST_DASHBOARD = "ai-cost"
AGENTS_DASHBOARD = "ai-agents"
MODELS_DASHBOARD = "ai-models"
DRIFT_DASHBOARD = "ai-drift"

#: LogQL pipeline: lines that tell of errors, by the level as Loki itself finds it.
ERROR_LINES = " | detected_level=~`error|critical|fatal`"


def label(name: str) -> str:
    """Template for the label ``name``, escaped for use in an address."""
    return f"{{{{ $labels.{name} | urlquery }}}}"


def dashboard(links: Links, uid: str, *variables: str) -> dict[str, str]:
    """Annotations for the dashboard ``uid`` with each of ``variables`` set to the alert's label of that name."""
    query = "".join(f"&var-{name}={label(name)}" for name in variables)
    return {
        "dashboard_url": f"{links.grafana}/d/{uid}?from=now-1h&to=now{query}",
        "__dashboardUid__": uid,
    }


def traces(
    links: Links, service_label: str = "service", *, errors: bool = False, slower_than: str = ""
) -> dict[str, str]:
    """Annotation for Jaeger's search of the alert's service: failed traces, or those ``slower_than`` (``30s``)."""
    url = f"{links.jaeger}/search?service={label(service_label)}&lookback=1h&limit=20"
    if errors:
        url += "&tags=" + quote('{"error":"true"}', safe="")
    if slower_than:
        url += f"&minDuration={slower_than}"
    return {"traces_url": url}


def logs(links: Links, service_label: str, pipeline: str = "") -> dict[str, str]:
    """Annotation for Grafana Explore with the Loki stream of the alert's service, filtered by ``pipeline``."""
    mark = "SERVICE"
    pane = {
        "datasource": "loki",
        "queries": [{"refId": "A", "expr": f'{{service_name="{mark}"}}{pipeline}'}],
        "range": {"from": "now-1h", "to": "now"},
    }
    panes = quote(json.dumps({"logs": pane}, separators=(",", ":")), safe="")
    return {"logs_url": f"{links.grafana}/explore?schemaVersion=1&panes={panes.replace(mark, label(service_label))}"}
