"""The real Grafana: it took every dashboard as it is, knows every panel, and reaches every data source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboards_src.queries import panels
from tests.support import ROOT, Stack, poll

pytestmark = pytest.mark.integration

BOARDS: dict[str, dict[str, Any]] = {
    board["uid"]: board
    for board in (json.loads(file.read_text()) for file in sorted((ROOT / "grafana" / "dashboards").rglob("*.json")))
}
#: One cheap question to each data source through Grafana's proxy, and where its answer must not be empty.
QUESTIONS = {
    "prometheus": ("/api/v1/query?query=up", ("data", "result")),
    "loki": ("/loki/api/v1/labels", ("data",)),
    "jaeger": ("/api/services", ("data",)),
    "alertmanager": ("/api/v2/status", ("versionInfo",)),
}


@pytest.fixture(scope="module")
def grafana(stack: Stack) -> Iterator[httpx.Client]:
    """Grafana's API as its administrator; skipped where the native stack has no Grafana."""
    if "grafana" not in stack.status()["components"]:
        pytest.skip("no Grafana on this machine: set GRAFANA_HOME to an unpacked release, or use Compose")
    files = (ROOT / "secrets" / "grafana_admin_password", stack.state_dir / "grafana" / "admin_password")
    password = next(file for file in files if file.exists()).read_text().strip()
    with httpx.Client(base_url=stack.url("grafana"), auth=("admin", password), timeout=30) as client:
        assert client.get("/api/user").json()["login"] == "admin"
        yield client


def answer(grafana: httpx.Client, path: str) -> Any:
    response = grafana.get(path)
    assert response.status_code == 200, f"{path}: {response.status_code} {response.text[:500]}"
    return response.json()


def test_the_generated_password_is_the_only_one(grafana: httpx.Client, stack: Stack) -> None:
    with httpx.Client(base_url=stack.url("grafana")) as anybody:
        assert anybody.get("/api/user").status_code == 401
        assert anybody.get("/api/user", auth=("admin", "admin")).status_code == 401


def test_the_dashboards_are_in_their_folder(grafana: httpx.Client) -> None:
    found = poll("the dashboards", lambda: answer(grafana, "/api/search?type=dash-db"))
    assert {(each["uid"], each["title"]) for each in found} >= {(uid, each["title"]) for uid, each in BOARDS.items()}
    assert {each["folderTitle"] for each in found if each["uid"] in BOARDS} == {"AI Observability"}


@pytest.mark.parametrize("uid", BOARDS)
def test_grafana_converts_a_dashboard_without_a_failure(grafana: httpx.Client, uid: str) -> None:
    found = answer(grafana, f"/apis/dashboard.grafana.app/v1beta1/namespaces/default/dashboards/{uid}")
    assert not found.get("status", {}).get("conversion", {}).get("failed"), found["status"]
    assert found["spec"]["schemaVersion"] == BOARDS[uid]["schemaVersion"], "migrated: options were rewritten"
    shown = [(panel["type"], panel["title"]) for panel in panels(found["spec"])]
    assert shown == [(panel["type"], panel["title"]) for panel in panels(BOARDS[uid])]


def test_grafana_knows_every_type_of_panel(grafana: httpx.Client) -> None:
    """A panel of an unknown type is blank, without a word."""
    known = set(answer(grafana, "/api/frontend/settings")["panels"])
    used = {panel["type"] for board in BOARDS.values() for panel in panels(board)}
    assert used and used <= known


@pytest.mark.parametrize("uid", QUESTIONS)
def test_a_data_source_answers_through_grafana(grafana: httpx.Client, uid: str) -> None:
    path, keys = QUESTIONS[uid]

    def asked() -> Any:
        found = answer(grafana, f"/api/datasources/proxy/uid/{uid}{path}")
        for key in keys:
            found = found[key]
        return found

    assert poll(f"an answer of {uid}", asked)
    if uid != "alertmanager":  # whose health page answers 500 in Grafana 12, whatever its state
        assert answer(grafana, f"/api/datasources/uid/{uid}/health")["status"] == "OK"


def test_the_links_of_the_data_sources_lead_to_addresses(grafana: httpx.Client) -> None:
    """A variable that Grafana did not get, or a single ``$``, becomes an empty string in provisioning."""
    settings = {uid: answer(grafana, f"/api/datasources/uid/{uid}")["jsonData"] for uid in ("prometheus", "loki")}
    exemplar = [each["url"] for each in settings["prometheus"]["exemplarTraceIdDestinations"]]
    lines = [each["url"] for each in settings["loki"]["derivedFields"]]
    assert all("${__value.raw}" in url for url in (*exemplar, *lines))
    outside = [url for url in (*exemplar, *lines) if not url.startswith(("/explore", "${__value.raw}"))]
    assert len(outside) == 4
    for url in outside:
        address = httpx.URL(url.partition("${")[0])
        assert address.scheme in {"http", "https"} and address.host


def test_the_alert_list_gets_the_rules_of_prometheus(grafana: httpx.Client) -> None:
    def rules() -> set[str]:
        groups = answer(grafana, "/api/prometheus/prometheus/api/v1/rules")["data"]["groups"]
        return {rule["name"] for group in groups for rule in group["rules"] if rule["type"] == "alerting"}

    assert {"HighLLMLatency", "HighLLMErrorRate", "HighDailyCost", "Watchdog"} <= poll("the rules", rules)
