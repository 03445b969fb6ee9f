"""Rules as the real promtool sees them, and the statistics behind the guard against tiny traffic."""

from __future__ import annotations

from math import comb, floor
from pathlib import Path

import pytest
import yaml

from alerts import generate
from observability.settings import Settings, load
from tests.components import run
from tests.support import ROOT
from tests.unit.alerts.support import RULES, alert_rules

TESTS = sorted((ROOT / "alerts" / "tests").glob("*.yml"))


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_the_rules_do_what_their_tests_say(promtool: Path, file: Path) -> None:
    done = run(promtool, "test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", sorted(RULES.glob("*.yml")), ids=lambda file: file.stem)
def test_the_committed_rules_are_valid_and_without_a_lint_finding(promtool: Path, file: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_of_other_settings_are_valid_too(promtool: Path, tmp_path: Path) -> None:
    generate.write(load(ROOT / "tests/integration/observability.yml"), tmp_path)
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *(tmp_path / "prometheus/rules").glob("*.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_expectation_makes_promtool_fail(promtool: Path, tmp_path: Path) -> None:
    """The tests above could not fail if promtool passed everything, a rule file that is missing for one."""
    text = (ROOT / "alerts/tests/Watchdog.yml").read_text().replace("../../prometheus/rules", str(RULES))
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(text.replace("severity: none", "severity: critical"))
    assert run(promtool, "test", "rules", wrong).returncode != 0


@pytest.mark.parametrize("alert", sorted({rule["alert"] for rule in alert_rules(*sorted(RULES.glob("*.yml")))}))
def test_every_alert_has_a_firing_and_a_quiet_case(alert: str) -> None:
    cases = yaml.safe_load((ROOT / "alerts" / "tests" / f"{alert}.yml").read_text())["tests"]
    assert all(case["name"] for case in cases)
    expected = [
        [checked["exp_alerts"] for checked in case.get("alert_rule_test", []) if checked["alertname"] == alert]
        for case in cases
    ]
    assert any(any(checks) for checks in expected), "no case in which it fires, with its annotations"
    if alert != "Watchdog":  # which has no quiet case by its nature
        assert any(checks and not any(checks) for checks in expected), "no case in which it stays quiet throughout"


def test_three_failures_keep_a_healthy_service_quiet_at_any_traffic() -> None:
    """The figures of docs/runbooks/HighLLMErrorRate.md: false alarms of a service that fails in 1 of 100 calls.

    Worst case over every number of calls n in a window of P(X >= needed), X binomial(n, 0.01), where ``needed``
    failures are both above the ratio and at least ``min_errors``.
    """
    alert = Settings().alerts.high_llm_error_rate

    def worst(min_errors: int) -> float:
        def false_alarm(calls: int) -> float:
            needed = max(min_errors, floor(alert.ratio * calls + 1e-9) + 1)
            return 1 - sum(comb(calls, k) * 0.01**k * 0.99 ** (calls - k) for k in range(needed))

        return max(false_alarm(calls) for calls in range(1, 500))

    assert worst(1) == pytest.approx(0.174, abs=0.001)
    assert worst(alert.min_errors) == pytest.approx(0.022, abs=0.001)
    assert alert.min_errors == 3
