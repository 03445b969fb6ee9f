"""The generator: the same input gives the same bytes, stale files are shown, settings arrive in the panels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards_src import agents, cost, drift, generate, llm, models, overview, panels, promql
from dashboards_src.grafana import Line, Section, even, layout, thresholds
from dashboards_src.queries import panels as panels_of
from observability.catalogue import LLM_DAILY_COST, LLM_REQUEST_LATENCY, LLM_REQUESTS
from observability.settings import Settings, load
from tests.support import ROOT


def panel(board: dict[str, Any], title: str) -> dict[str, Any]:
    return next(each for each in panels_of(board) if each["title"] == title)


def test_the_committed_dashboards_are_fresh() -> None:
    arguments = ["--config", str(ROOT / "observability.yml"), "--out", str(ROOT / "grafana" / "dashboards"), "--check"]
    assert generate.main(arguments) == 0


def test_the_same_settings_give_the_same_bytes() -> None:
    first, second = generate.documents(Settings()), generate.documents(Settings())
    assert first == second
    assert all(text.endswith("}\n") for text in first.values())


def test_a_second_run_touches_nothing(tmp_path: Path) -> None:
    documents = generate.documents(Settings())
    assert len(generate.write(documents, tmp_path)) == len(documents)
    assert generate.write(documents, tmp_path) == []


def test_a_stale_file_is_named_with_its_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--out", str(tmp_path)]) == 0
    file = tmp_path / generate.FOLDER / "llm.json"
    file.write_text(file.read_text().replace("Latency distribution", "Edited by hand"))
    assert generate.main(["--out", str(tmp_path), "--check"]) == 1
    shown = capsys.readouterr().err
    assert "llm.json" in shown and "Edited by hand" in shown and "1 stale" in shown
    assert "Edited by hand" in file.read_text(), "a check must not write"


def test_a_dashboard_that_is_no_longer_generated_is_stale_and_goes_away(tmp_path: Path) -> None:
    generate.main(["--out", str(tmp_path)])
    old = tmp_path / generate.FOLDER / "old.json"
    old.write_text("{}\n")
    assert generate.main(["--out", str(tmp_path), "--check"]) == 1
    assert generate.main(["--out", str(tmp_path)]) == 0
    assert not old.exists()


def test_a_missing_folder_is_stale(tmp_path: Path) -> None:
    assert generate.main(["--out", str(tmp_path / "nowhere"), "--check"]) == 1


def test_wrong_settings_end_with_a_message_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "observability.yml"
    config.write_text("budgts: []\n")
    assert generate.main(["--config", str(config), "--out", str(tmp_path)]) == 2
    assert "budgts" in capsys.readouterr().err


def test_thresholds_come_from_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "observability.yml"
    config.write_text(
        "alerts:\n  window: 2m\n  high_llm_latency: {p95_seconds: 4}\n  high_llm_error_rate: {ratio: 0.2}\n"
        "budgets:\n  - {name: team, limit_usd: 7}\n"
    )
    settings = load(config)
    board = overview.build(settings)
    errors = panel(board, "LLM error rate")
    assert errors["fieldConfig"]["defaults"]["thresholds"]["steps"][-1] == {"color": panels.BAD, "value": 0.2}
    assert "[2m]" in errors["targets"][0]["expr"] and "20%" in errors["description"]
    latency = panel(board, "Latency p95")
    assert latency["fieldConfig"]["defaults"]["thresholds"]["steps"][-1] == {"color": panels.BAD, "value": 4.0}
    cost = panel(board, "Cost today")
    assert 'budget="team"' in cost["targets"][0]["expr"]
    assert cost["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"] == 7.0


def test_without_a_budget_for_everything_the_cost_is_that_of_the_last_day(tmp_path: Path) -> None:
    config = tmp_path / "observability.yml"
    config.write_text("budgets:\n  - {name: team, limit_usd: 7, service: rag-assistant}\n")
    cost = panel(overview.build(load(config)), "Cost, last 24 h")
    assert "[1d]" in cost["targets"][0]["expr"]


def test_the_models_are_compared_on_one_row_each() -> None:
    table = panel(llm.build(Settings()), "Model comparison")
    assert all(target["format"] == "table" and target["instant"] for target in table["targets"])
    assert all("by (provider, model)" in target["expr"].replace("le, ", "") for target in table["targets"])
    assert [step["id"] for step in table["transformations"]] == ["merge", "groupBy", "organize"]
    renamed = table["transformations"][-1]["options"]["renameByName"]
    assert renamed["model"] == "Model" and renamed["Value #A (lastNotNull)"] == "Calls"


def test_a_label_that_a_family_lacks_fails_at_generation() -> None:
    with pytest.raises(ValueError, match="llm_requests_total has no label colour"):
        promql.series(LLM_REQUESTS, colour="red")


def test_a_selector_is_filtered_by_the_variables_that_fit_the_family() -> None:
    assert promql.series(LLM_DAILY_COST) == 'llm_daily_cost_usd{model=~"$model"}'
    assert promql.series(LLM_REQUESTS, filters=(), status="!=error") == 'llm_requests_total{status!="error"}'


def test_a_bound_of_a_histogram_can_be_chosen_in_its_buckets_only() -> None:
    assert promql.series(LLM_REQUEST_LATENCY, part="bucket", filters=(), le="30.0").endswith('{le="30.0"}')
    with pytest.raises(ValueError, match="has no label le"):
        promql.series(LLM_REQUEST_LATENCY, part="sum", le="30.0")


def test_without_dimensions_the_cost_dashboard_has_neither_their_variable_nor_their_panels(tmp_path: Path) -> None:
    config = tmp_path / "observability.yml"
    config.write_text("dimensions: []\n")
    board = cost.build(load(config))
    assert "dimension" not in {variable["name"] for variable in board["templating"]["list"]}
    assert not [each["title"] for each in panels_of(board) if "dimension" in each["title"].lower()]


def test_the_first_dimension_of_the_settings_is_the_one_that_is_shown_first(tmp_path: Path) -> None:
    config = tmp_path / "observability.yml"
    config.write_text("dimensions: [{name: tenant}, {name: team}]\n")
    board = cost.build(load(config))
    variable = next(each for each in board["templating"]["list"] if each["name"] == "dimension")
    assert variable["current"]["value"] == "tenant"
    assert "tenant, team" in panel(board, "Spending by dimension")["description"]


def test_limits_of_alerts_are_the_dashed_lines(tmp_path: Path) -> None:
    config = tmp_path / "observability.yml"
    config.write_text(
        "alerts:\n  budget_burn: {factor: 9}\n  tool_errors: {ratio: 0.3}\n  agent_steps: {p95_steps: 12}\n"
        "  slow_first_token: {p95_seconds: 3}\n  model_latency: {p99_seconds: 0.2}\n  model_errors: {ratio: 0.04}\n"
        "  data_quality: {ratio: 0.07}\n"
    )
    settings = load(config)
    dashed = {
        "Burn rate of each budget": (cost, 9.0),
        "Tool errors by tool": (agents, 0.3),
        "Steps per run": (agents, 12.0),
        "Time to first token": (llm, 3.0),
        "Prediction latency": (models, 0.2),
        "Failed predictions by version": (models, 0.04),
        "Bad values": (drift, 0.07),
    }
    for title, (module, limit) in dashed.items():
        found = panel(module.build(settings), title)["fieldConfig"]["defaults"]
        assert found["thresholds"]["steps"][-1] == {"color": panels.BAD, "value": limit}
        assert found["custom"]["thresholdsStyle"]["mode"] == "dashed"


@pytest.mark.parametrize(("limit", "bound"), [(0.5, "0.5"), (0.65, "0.6"), (0.05, "0.1")])
def test_low_confidence_is_counted_up_to_a_bound_of_the_histogram(tmp_path: Path, limit: float, bound: str) -> None:
    """A bucket that the histogram does not have would never be found."""
    config = tmp_path / "observability.yml"
    config.write_text(f"performance: {{low_confidence: {limit}}}\n")
    (target,) = panel(models.build(load(config)), "Low confidence by class")["targets"]
    assert f'le="{bound}"' in target["expr"]


def test_the_interval_of_the_worst_model_is_of_the_worst_ends() -> None:
    board = models.build(load())
    for title, worst in {"Accuracy": "min", "Mean absolute error": "max"}.items():
        found = panel(board, title)
        assert all(target["expr"].startswith(f"{worst}(") for target in found["targets"])
        filled = {
            each["matcher"]["options"]: entry["value"]
            for each in found["fieldConfig"]["overrides"]
            for entry in each["properties"]
            if entry["id"] == "custom.fillBelowTo"
        }
        assert filled == {"Labelled upper": "Labelled lower", "Estimated upper": "Estimated lower"}
        assert set(filled) | set(filled.values()) <= {target["legendFormat"] for target in found["targets"]}


def test_panels_of_equal_width_must_divide_the_grid() -> None:
    stat = panels.stat("One", "A panel that is one of five.", panels.instant("up"), unit="none", no_value="-")
    with pytest.raises(ValueError, match="5 panels of equal width"):
        even(4, *[stat] * 5)


def test_a_quantile_is_taken_of_summed_rates() -> None:
    expr = promql.quantile(0.9, LLM_REQUEST_LATENCY, ("model",), window="5m")
    assert expr.startswith("histogram_quantile(0.9, sum by (le, model) (rate(llm_request_latency_seconds_bucket{")


def test_a_line_that_does_not_fill_the_grid_is_refused() -> None:
    stat = panels.stat("Half", "A panel that is alone.", panels.instant("up"), unit="none", no_value="-")
    with pytest.raises(ValueError, match="a line of 12 columns instead of 24: Half"):
        layout([Section("", [Line(4, [(12, stat)])])])


def test_threshold_steps_are_sorted_above_a_base_without_a_value() -> None:
    assert thresholds(((3, "red"), (1, "orange")), "green")["steps"] == [
        {"color": "green", "value": None},
        {"color": "orange", "value": 1.0},
        {"color": "red", "value": 3.0},
    ]
