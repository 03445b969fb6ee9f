"""The generator: thresholds arrive, mistakes are refused, stale files are found, names come from the catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerts import alertmanager_config, generate, links, llm_rules, promql, recording, stack_rules
from alerts.model import SEVERITIES, RecordingRule, number
from observability import catalogue
from observability.settings import Settings, SettingsError, load
from tests.support import ROOT
from tests.unit.alerts.support import alert_rules


def rule(settings: Settings, name: str) -> dict[str, Any]:
    """The generated alert rule of that name; the first one if there are several severities."""
    texts = generate.documents(settings)
    groups = [group for file, text in texts.items() if "rules/" in file for group in yaml.safe_load(text)["groups"]]
    return next(found for group in groups for found in group["rules"] if found.get("alert") == name)


def settings(**alerts: Any) -> Settings:
    return Settings.model_validate({"alerts": alerts})


def test_the_committed_files_are_those_of_the_committed_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--config", str(ROOT / "observability.yml"), "--check"]) == 0, capsys.readouterr().out


def test_the_committed_files_are_those_of_the_default_settings() -> None:
    assert generate.differences(Settings(), ROOT) == ""


@pytest.mark.parametrize("name", sorted(generate.documents(Settings())))
def test_a_file_edited_by_hand_is_stale_and_the_difference_is_shown(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate.write(Settings(), tmp_path)
    edited = tmp_path / name
    by_hand = edited.read_text() + "# by hand\n"
    edited.write_text(by_hand)
    arguments = ["--config", str(ROOT / "observability.yml"), "--out-dir", str(tmp_path), "--check"]
    assert generate.main(arguments) == 1
    shown = capsys.readouterr()
    assert f"--- {name} (as it is)" in shown.out
    assert "-# by hand" in shown.out
    assert "make generate" in shown.err
    assert edited.read_text() == by_hand, "--check must write nothing"


def test_a_missing_file_is_stale(tmp_path: Path) -> None:
    generate.write(Settings(), tmp_path)
    (tmp_path / "alerts/alertmanager.yml").unlink()
    assert "alerts/alertmanager.yml" in generate.differences(Settings(), tmp_path)


def test_a_generated_file_that_is_no_longer_wanted_is_stale_and_then_removed(tmp_path: Path) -> None:
    generate.write(Settings(), tmp_path)
    old = tmp_path / "prometheus/rules/old.yml"
    old.write_text(generate.HEADER + "groups: []\n")
    own = tmp_path / "prometheus/rules/team.yml"
    own.write_text("groups: []\n")
    assert "prometheus/rules/old.yml" in generate.differences(Settings(), tmp_path)
    assert generate.write(Settings(), tmp_path) == ["prometheus/rules/old.yml"]
    assert not old.exists()
    assert own.exists(), "a team's own rule file is not ours to remove"


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    assert len(generate.write(Settings(), tmp_path)) == len(generate.documents(Settings()))
    assert generate.write(Settings(), tmp_path) == []


def test_an_unknown_key_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "observability.yml"
    config.write_text("alerts:\n  high_llm_latency: {p59_seconds: 3}\n")
    out = tmp_path / "out"
    assert generate.main(["--config", str(config), "--out-dir", str(out)]) == 2
    assert "alerts.high_llm_latency.p59_seconds: unknown key" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("alerts", "key"),
    [
        ({"high_llm_latency": {"p95_seconds": 81.92}}, "alerts.high_llm_latency.p95_seconds"),
        ({"slow_first_token": {"p95_seconds": 30}}, "alerts.slow_first_token.p95_seconds"),
        ({"agent_steps": {"p95_steps": 128}}, "alerts.agent_steps.p95_steps"),
        ({"exporter_lag_high": {"p95_seconds": 3600}}, "alerts.exporter_lag_high.p95_seconds"),
        ({"window": "19s"}, "alerts.window"),
    ],
)
def test_a_threshold_that_could_never_be_crossed_is_refused(alerts: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(key)):
        generate.documents(settings(**alerts))


def test_thresholds_flow_into_the_rules() -> None:
    changed = Settings.model_validate(
        {
            "alerts": {
                "window": "90s",
                "evaluation_interval": "7s",
                "keep_firing_for": "0s",
                "runbook_url": "https://wiki.example.com/runbooks/",
                "high_llm_latency": {"p95_seconds": 12.5, "min_requests": 8, "for": "3m"},
                "high_llm_error_rate": {"ratio": 0.02, "min_errors": 4, "for": "0s"},
                "high_daily_cost": {"notice_ratio": 0.5, "for": "6m"},
                "llm_unpriced_requests": {"window": "2h"},
                "data_drift_detected": {"for": "17m"},
                "target_down": {"for": "33s"},
                "target_missing": {"jobs": ["exporter", "shop"], "for": "44s"},
                "exporter_rejects_data": {"per_minute": 2.5, "for": "55s"},
                "exporter_lag_high": {"p95_seconds": 9, "for": "66s"},
                "gateway_export_failing": {"for": "77s"},
                "stack_health": {"for": "88s"},
                "budget_burn": {"factor": 9.5, "for": "11s"},
                "budget_forecast": {"ratio": 1.25, "for": "12s"},
                "rate_limit_surge": {"ratio": 0.11, "min_errors": 11, "for": "13s"},
                "timeout_surge": {"ratio": 0.12, "min_errors": 12, "for": "14s"},
                "content_filter_surge": {"ratio": 0.13, "min_errors": 13, "for": "15s"},
                "slow_first_token": {"p95_seconds": 2.5, "min_requests": 14, "for": "16s"},
                "cache_hit_collapse": {"factor": 0.25, "min_ratio": 0.3, "min_tokens": 777, "for": "17s"},
                "series_folded": {"for": "18s"},
                "usage_not_reported": {"ratio": 0.9, "min_requests": 19, "for": "19s"},
                "tool_errors": {"ratio": 0.4, "min_errors": 21, "for": "20s"},
                "agent_steps": {"p95_steps": 22, "min_runs": 23, "for": "21s"},
                "masking_failed": {"for": "22s"},
                "error_log_surge": {"min_lines": 5, "factor": 2, "for": "99s"},
            }
        }
    )
    latency = rule(changed, "HighLLMLatency")
    assert "[90s]))) > 12.5\n" in latency["expr"]
    assert latency["expr"].endswith(">= 8")
    assert latency["for"] == "3m"
    assert "keep_firing_for" not in latency
    assert "the limit is 12.5 s" in latency["annotations"]["description"]
    assert latency["annotations"]["runbook_url"] == "https://wiki.example.com/runbooks/HighLLMLatency.md"
    errors = rule(changed, "HighLLMErrorRate")
    assert "> 0.02\n" in errors["expr"]
    assert errors["expr"].endswith(">= 4")
    assert "for" not in errors
    assert "the limit is 2 %" in errors["annotations"]["description"]
    assert "> 0.5)" in rule(changed, "BudgetNearlySpent")["expr"]
    assert rule(changed, "HighDailyCost")["for"] == "6m"
    assert "offset 2h" in rule(changed, "LLMUnpricedRequests")["expr"]
    assert rule(changed, "LLMBudgetBurn")["expr"].count("> 9.5") == 2
    assert "> 1.25 * " in rule(changed, "LLMBudgetForecastExceeded")["expr"]
    for name, ratio, least in (
        ("LLMRateLimitSurge", "0.11", "11"),
        ("LLMTimeoutSurge", "0.12", "12"),
        ("LLMContentFilterSurge", "0.13", "13"),
        ("LLMUsageNotReported", "0.9", "19"),
        ("LLMToolErrors", "0.4", "21"),
        ("LLMSlowFirstToken", "2.5", "14"),
        ("AgentTooManySteps", "22", "23"),
    ):
        expr = rule(changed, name)["expr"]
        assert f"> {ratio}\n" in expr, name
        assert expr.endswith(f">= {least}"), name
        assert "[90s]" in expr, name
    cache = rule(changed, "LLMCacheHitCollapse")["expr"]
    assert "< 0.25 *" in cache
    assert ">= 0.3)" in cache
    assert cache.endswith(">= 777")
    assert "offset 90s" in cache
    held = {
        "LLMBudgetBurn": "11s",
        "LLMBudgetForecastExceeded": "12s",
        "LLMRateLimitSurge": "13s",
        "LLMTimeoutSurge": "14s",
        "LLMContentFilterSurge": "15s",
        "LLMSlowFirstToken": "16s",
        "LLMCacheHitCollapse": "17s",
        "ExporterSeriesFolded": "18s",
        "LLMUsageNotReported": "19s",
        "LLMToolErrors": "20s",
        "AgentTooManySteps": "21s",
        "ExporterMaskingFailed": "22s",
    }
    assert {name: rule(changed, name)["for"] for name in held} == held
    assert rule(changed, "DataDriftDetected")["for"] == "17m"
    assert rule(changed, "TargetDown")["for"] == "33s"
    assert rule(changed, "TargetMissing")["for"] == "44s"
    missing = "\n".join(found["expr"] for found in _all(changed) if found.get("alert") == "TargetMissing")
    assert sorted(re.findall(r'job="(\w+)"', missing)) == ["exporter", "shop"]
    rejects = rule(changed, "ExporterRejectsData")
    assert rejects["expr"].endswith("> 2.5")
    assert rejects["for"] == "55s"
    lag = rule(changed, "ExporterLagHigh")
    assert lag["expr"].endswith("> 9")
    assert lag["for"] == "66s"
    assert rule(changed, "GatewayExportFailing")["for"] == "77s"
    assert {rule(changed, name)["for"] for name in ("RuleEvaluationFailing", "GatewayDropsData")} == {"88s"}
    surge = rule(changed, "ErrorLogSurge")
    assert ">= 5)" in surge["expr"]
    assert "<= 0.05 * " in surge["expr"], "2 x 90s / 1h"
    assert surge["for"] == "99s"
    intervals = re.findall(r"  interval: (\S+)", "".join(generate.documents(changed).values()))
    assert set(intervals) == {"7s", "1m"}


def _all(chosen: Settings) -> list[dict[str, Any]]:
    texts = generate.documents(chosen)
    return [
        found
        for file, text in texts.items()
        if "rules/" in file
        for group in yaml.safe_load(text)["groups"]
        for found in group["rules"]
    ]


def test_a_long_window_for_calls_is_a_long_window_for_the_stack_and_a_short_one_is_not() -> None:
    assert stack_rules.window(settings(window="10m")) == "10m"
    assert stack_rules.window(settings(window="30s")) == "1m", "components are scraped every 15 s"


def test_recording_rules_are_exactly_the_recorded_families() -> None:
    recorded = [found["record"] for found in _all(Settings()) if "record" in found]
    assert sorted(recorded) == sorted(family.name for family in catalogue.RECORDED)


def test_a_recorded_family_without_a_rule_stops_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten = catalogue.Family("llm_forgotten", "recorded", (), "A family that nobody records.")
    monkeypatch.setattr(catalogue, "RECORDED", (*catalogue.RECORDED, forgotten))
    with pytest.raises(ValueError, match="llm_forgotten"):
        recording.groups(Settings())


def test_a_label_that_a_family_lacks_stops_the_generator() -> None:
    assert promql.series(catalogue.LLM_REQUESTS, status="error") == 'llm_requests_total{status="error"}'
    with pytest.raises(ValueError, match="llm_requests_total has no label error_type"):
        promql.series(catalogue.LLM_REQUESTS, error_type="timeout")


def test_every_alert_that_is_hidden_by_another_exists_and_has_the_labels_that_both_share() -> None:
    rules = {found["alert"]: found for found in _all(Settings()) if "alert" in found}
    for known, implied, same in alertmanager_config.IMPLIED:
        for name in (known, *implied):
            for label in same:
                assert f"{{{{ $labels.{label} }}}}" in rules[name]["annotations"]["description"], f"{name}: {label}"


def test_the_kinds_of_error_in_rules_are_those_of_the_catalogue() -> None:
    named = {kind for found in _all(Settings()) for kind in re.findall(r'error_type="(\w+)"', found["expr"])}
    assert len(named) == len(llm_rules.SURGES)
    assert named <= set(catalogue.ERROR_TYPES)


def test_types_of_tokens_in_rules_are_those_of_the_catalogue() -> None:
    named = {
        kind
        for found in _all(Settings())
        for kinds in re.findall(r'[{,]type=~?"([\w|]+)"', found["expr"])
        for kind in kinds.split("|")
    }
    assert named == {"input", "cache_read", "cache_write"}
    assert named <= set(catalogue.TOKEN_TYPES)


def test_a_family_of_the_exporter_cannot_be_overwritten_by_a_recording_rule() -> None:
    with pytest.raises(ValueError, match="llm_requests_total"):
        RecordingRule(catalogue.LLM_REQUESTS, "vector(1)").render()


_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_KEYWORDS = {"and", "by", "count", "group_left", "group_right", "max", "min", "offset", "on", "or", "sum", "unless"}
_FUNCTIONS = {
    "abs",
    "absent",
    "avg_over_time",
    "clamp",
    "clamp_min",
    "count_over_time",
    "histogram_quantile",
    "increase",
    "label_replace",
    "last_over_time",
    "ln",
    "log2",
    "min_over_time",
    "quantile_over_time",
    "rate",
    "sqrt",
    "time",
    "timestamp",
    "vector",
}


def metric_names(expr: str) -> set[str]:
    """Metric names in a PromQL expression that uses the functions and keywords known here; labels are left out."""
    bare = re.sub(r'"[^"]*"', " ", expr)
    bare = re.sub(r"\{[^}]*\}", " ", bare)
    bare = re.sub(r"\b(by|on)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", bare)
    return set(_NAME.findall(bare)) - _KEYWORDS - _FUNCTIONS


def test_every_metric_in_a_rule_is_in_the_catalogue_or_on_the_list_of_foreign_ones() -> None:
    exposed = {name for family in catalogue.EXPOSED for name in _series(family)}
    used = {
        name
        for found in _all(Settings())
        if found.get("alert") != "ErrorLogSurge"
        for name in metric_names(found["expr"])
    }
    recorded = {family.name for family in catalogue.RECORDED}
    assert "llm_requests_total" in used
    assert used - exposed - recorded - stack_rules.FOREIGN == set()
    assert stack_rules.FOREIGN - used == set(), "listed, but no rule reads it"


def _series(family: catalogue.Family) -> tuple[str, ...]:
    return (family.bucket, family.sum, family.count) if family.type == "histogram" else (family.name,)


def test_every_alert_says_what_how_much_and_where_to_read_on() -> None:
    for found in alert_rules():
        annotations = found["annotations"]
        assert {"summary", "description", "value", "runbook_url"} <= set(annotations), found["alert"]
        assert annotations["runbook_url"] == f"{Settings().alerts.runbook_url}/{found['alert']}.md"
        assert found["labels"]["severity"] in SEVERITIES


def test_every_generated_file_says_that_it_is_generated() -> None:
    for name, text in generate.documents(Settings()).items():
        assert text.splitlines()[0].startswith("# Generated by `make generate`"), name
        assert "do not edit" in text.splitlines()[0]


def test_dashboards_named_by_alerts_exist_with_the_variables_that_the_links_set() -> None:
    generated = "".join(file.read_text() for file in (ROOT / "grafana" / "dashboards").rglob("*.json"))
    urls = [url for found in alert_rules() if (url := found["annotations"].get("dashboard_url"))]
    boards = {links.OVERVIEW_DASHBOARD, links.LLM_DASHBOARD, links.COST_DASHBOARD, links.AGENTS_DASHBOARD} | {
        links.MODELS_DASHBOARD,
        links.DRIFT_DASHBOARD,
    }
    assert {url.split("/d/")[1].split("?")[0] for url in urls} == boards
    for url in urls:
        uid = re.search(r"/d/([\w-]+)", url)
        assert uid is not None
        assert f'"uid": "{uid[1]}"' in generated
        for variable in re.findall(r"var-(\w+)=", url):
            assert f'"name": "{variable}"' in generated


@given(st.floats(min_value=1e-6, max_value=1e6, allow_nan=False))
def test_a_number_in_a_rule_is_exactly_the_number_in_the_settings(value: float) -> None:
    assert float(number(value)) == value
    assert not number(value).endswith(".0")


def test_the_settings_of_the_integration_tests_generate_rules(tmp_path: Path) -> None:
    chosen = load(ROOT / "tests/integration/observability.yml")
    assert rule(chosen, "HighLLMErrorRate").get("for") is None
    assert generate.write(chosen, tmp_path)
