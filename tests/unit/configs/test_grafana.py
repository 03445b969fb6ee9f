"""Grafana's provisioning: what it would get wrong without a word."""

from __future__ import annotations

import configparser
import re
from typing import Any

import pytest

from tests.support import ROOT
from tests.unit.configs.support import config, services

PROVISIONING = ROOT / "grafana" / "provisioning"
DATASOURCES: dict[str, dict[str, Any]] = {
    entry["uid"]: entry for entry in config("grafana/provisioning/datasources/datasources.yml")["datasources"]
}
#: What Grafana itself fills in later; in a provisioning file its ``$`` must be written twice.
_GRAFANAS_OWN = re.compile(r"(?<!\$)\$\{__")
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)\}")


def _texts() -> dict[str, str]:
    return {
        str(file.relative_to(ROOT)): "\n".join(
            line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")
        )
        for file in sorted(PROVISIONING.rglob("*.yml"))
    }


@pytest.mark.parametrize("path", _texts())
def test_a_template_of_grafana_is_written_with_two_dollars(path: str) -> None:
    """With one, ``${__value.raw}`` is taken for a variable of the environment and becomes an empty string."""
    assert _GRAFANAS_OWN.findall(_texts()[path]) == []
    assert re.findall(r"(?<!\$)\$(?![${])", _texts()[path]) == [], "a lone $"


def test_the_templates_are_there() -> None:
    text = _texts()["grafana/provisioning/datasources/datasources.yml"]
    assert text.count("$${__value.raw}") == 6
    assert text.count("$${__span.") >= 4


def test_every_variable_of_the_provisioning_is_set_by_compose() -> None:
    environment = services()["grafana"]["environment"]
    used = {name for text in _texts().values() for name in _VARIABLE.findall(text)}
    assert used
    assert used - set(environment) == set(), "Grafana knows no default: it would become an empty string"


def test_the_data_sources_have_the_uids_that_dashboards_and_links_name() -> None:
    assert set(DATASOURCES) == {"prometheus", "loki", "jaeger", "alertmanager"}
    assert [uid for uid, entry in DATASOURCES.items() if entry.get("isDefault")] == ["prometheus"]
    assert all(entry["editable"] is False for entry in DATASOURCES.values())


def test_an_exemplar_leads_to_its_trace_by_url_and_never_by_data_source() -> None:
    """With ``datasourceUid`` the link asks Jaeger a Tempo query and Explore says "No data"."""
    destinations = DATASOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert len(destinations) == 3
    for destination in destinations:
        assert destination["name"] == "trace_id"
        assert "datasourceUid" not in destination
        assert "$${__value.raw}" in destination["url"]
    urls = " ".join(destination["url"] for destination in destinations)
    assert "%22datasource%22%3A%22jaeger%22" in urls
    assert "${JAEGER_PUBLIC_URL}/trace/" in urls
    assert "${PHOENIX_PUBLIC_URL}/redirects/traces/" in urls


def test_a_log_line_leads_to_its_trace_in_explore_jaeger_and_phoenix() -> None:
    fields = DATASOURCES["loki"]["jsonData"]["derivedFields"]
    assert {field["matcherRegex"] for field in fields} == {"trace_id"}
    assert {field["matcherType"] for field in fields} == {"label"}
    assert [field.get("datasourceUid") for field in fields].count("jaeger") == 1
    assert len({field["name"] for field in fields}) == 3
    assert DATASOURCES["loki"]["jsonData"]["manageAlerts"] is False


def test_a_span_leads_to_its_logs_and_metrics_without_the_tag_that_makes_the_link_vanish() -> None:
    jaeger = DATASOURCES["jaeger"]["jsonData"]
    logs, metrics = jaeger["tracesToLogsV2"], jaeger["tracesToMetrics"]
    assert (logs["datasourceUid"], metrics["datasourceUid"]) == ("loki", "prometheus")
    assert logs["query"] == '{service_name=~".+"} | trace_id="$${__span.traceId}"'
    assert logs["customQuery"] is True
    for query in metrics["queries"]:
        assert "$${__span.name}" in query["query"]
    assert "service.name" not in str(logs) + str(metrics)
    assert jaeger["nodeGraph"]["enabled"] is True


def test_the_metrics_of_a_span_are_the_names_that_the_gateway_emits() -> None:
    queries = " ".join(query["query"] for query in DATASOURCES["jaeger"]["jsonData"]["tracesToMetrics"]["queries"])
    assert set(re.findall(r"traces_\w+", queries)) == {
        "traces_span_metrics_calls_total",
        "traces_span_metrics_duration_milliseconds_bucket",
    }


def test_alertmanager_is_the_real_one_and_grafana_sends_it_nothing() -> None:
    data = DATASOURCES["alertmanager"]["jsonData"]
    assert data == {"implementation": "prometheus", "handleGrafanaManagedAlerts": False}


def test_the_folders_that_grafana_looks_into_exist() -> None:
    for name in ("datasources", "dashboards", "plugins", "alerting"):
        assert (PROVISIONING / name).is_dir()


def test_the_dashboards_come_from_the_generated_folder_and_cannot_be_changed_in_the_page() -> None:
    (provider,) = config("grafana/provisioning/dashboards/dashboards.yml")["providers"]
    assert provider["options"]["path"] == "${DASHBOARDS_DIR}"
    assert provider["allowUiUpdates"] is False
    mounted = f"./grafana/dashboards:{services()['grafana']['environment']['DASHBOARDS_DIR']}:ro"
    assert mounted in services()["grafana"]["volumes"]


def test_grafana_tells_nobody_and_lets_nobody_in_unasked() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "grafana" / "grafana.ini")
    for option in ("reporting_enabled", "check_for_updates", "check_for_plugin_updates", "feedback_links_enabled"):
        assert settings["analytics"].getboolean(option) is False, option
    assert settings["auth.anonymous"].getboolean("enabled") is False
    assert settings["users"].getboolean("allow_sign_up") is False
    assert "admin_password" not in settings["security"]
    home = settings["dashboards"]["default_home_dashboard_path"].removeprefix("$__env{DASHBOARDS_DIR}/")
    assert (ROOT / "grafana" / "dashboards" / home).exists()


def test_the_administrators_password_is_made_and_never_a_default() -> None:
    script = services()["grafana"]["entrypoint"][-1]
    assert "/dev/urandom" in script
    assert "umask 077" in script
    assert "GF_SECURITY_ADMIN_PASSWORD__FILE" in script
    assert not any("ADMIN_PASSWORD" in name for name in services()["grafana"]["environment"])
