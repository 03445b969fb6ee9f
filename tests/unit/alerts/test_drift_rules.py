"""Drift in PromQL is drift in Python: both on the same counts, over two windows and two replicas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from alerts import drift_rules
from alerts.model import Group
from observability.drift import counts, nulls
from observability.settings import Drift, Settings
from tests.components import run

#: Minutes of the two windows, and what each of two replicas counts in one minute.
WINDOWS = {"30m": 30, "1h": 60}
SETTINGS = Settings(drift=Drift(windows=tuple(WINDOWS)))


def _cases() -> list[Any]:
    random = np.random.default_rng(8)
    cases = []
    for bins, size in ((12, 2000), (5, 300), (22, 100_000)):
        reference = random.multinomial(size, random.dirichlet(np.full(bins, 2.0)))
        per_minute = random.multinomial(40, random.dirichlet(np.full(bins, 2.0)), size=2)
        cases.append(pytest.param(reference, per_minute, id=f"{bins} bins"))
    reference = np.array([500, 300, 200, 0, 0])
    cases.append(pytest.param(reference, np.array([[5, 3, 2, 0, 0], [5, 3, 2, 1, 0]]), id="empty bins"))
    return cases


def _expected(reference: Any, current: Any) -> dict[str, float]:
    chi2 = counts.chi2_contingency(reference, current)
    return {
        "ml_feature_samples": float(current.sum()),
        "ml_feature_psi": float(counts.psi(reference, current)),
        "ml_feature_jensen_shannon": float(counts.jensen_shannon(reference, current)),
        "ml_feature_chi2": float(chi2.statistic),
        "ml_feature_ks_bound": float(counts.ks_bound(reference, current)),
    }


def _file(tmp_path: Path, series: dict[str, str], tests: list[dict[str, Any]]) -> Path:
    group = Group("drift", "1m", drift_rules.rules(SETTINGS))
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [group.render("")]}))
    file = tmp_path / "test.yml"
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    case = {"interval": "1m", "input_series": inputs, "promql_expr_test": tests}
    file.write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [case]}))
    return file


def _series(reference: Any, per_minute: Any, kind: str) -> dict[str, str]:
    labels = 'model="m", baseline="b", feature="f"'
    size, bins = int(reference.sum()), len(reference)
    found = {f'ml_baseline_rows{{model="m", version="1", baseline="b", instance="{at}"}}': f"{size}x120" for at in "ab"}
    for at in range(bins):
        ratio = float((reference[at] + 0.5) / (size + 0.5 * bins))
        more = f'{labels}, bin="{at:02}"'
        for replica, name in enumerate("ab"):
            shown = f'{more}, kind="{kind}", range="x", instance="{name}"'
            found[f"ml_reference_bin_ratio{{{shown}}}"] = f"{ratio!r}x120"
            found[f'ml_feature_bin_total{{{more}, instance="{name}"}}'] = f"0+{int(per_minute[replica][at])}x120"
    return found


@pytest.mark.parametrize(("reference", "per_minute"), _cases())
def test_recording_rules_give_the_values_of_python(
    promtool: Path, tmp_path: Path, reference: Any, per_minute: Any
) -> None:
    tests = []
    for window, minutes in WINDOWS.items():
        labels = f'model="m", baseline="b", feature="f", window="{window}"'
        for name, value in _expected(reference, per_minute.sum(axis=0) * minutes).items():
            digits = 1e-9 * max(1.0, abs(value))
            # what promtool compares must be equal: the difference is 0 once rounded
            expr = f"round({name}{{{labels}}} - {value!r}, {max(digits, 1e-7)!r}) + 0"
            tests.append({"expr": expr, "eval_time": "100m", "exp_samples": [{"labels": f"{{{labels}}}", "value": 0}]})

    done = run(promtool, "test", "rules", _file(tmp_path, _series(reference, per_minute, "numeric"), tests))

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_threshold_is_that_of_python_to_a_percent(promtool: Path, tmp_path: Path) -> None:
    reference, per_minute = np.full(12, 200), np.full((2, 12), 3)
    current = per_minute.sum(axis=0) * 60
    wanted = float(nulls.psi_null(reference.sum(), current.sum(), 12, alpha=0.01).threshold)
    expr = f'abs(ml_feature_psi_threshold{{window="1h"}} / {wanted!r} - 1) < bool 0.01'
    labels = '{model="m", baseline="b", feature="f", window="1h"}'
    tests = [{"expr": expr, "eval_time": "100m", "exp_samples": [{"labels": labels, "value": 1}]}]

    done = run(promtool, "test", "rules", _file(tmp_path, _series(reference, per_minute, "numeric"), tests))

    assert done.returncode == 0, done.stdout + done.stderr


def test_categories_have_no_order_and_no_data_has_no_series(promtool: Path, tmp_path: Path) -> None:
    reference = np.array([50, 30, 20])
    quiet = np.zeros((2, 3), np.int64)
    tests = [{"expr": "ml_feature_ks_bound", "eval_time": "100m", "exp_samples": []}]
    busy = run(promtool, "test", "rules", _file(tmp_path, _series(reference, np.full((2, 3), 4), "categorical"), tests))
    assert busy.returncode == 0, busy.stdout + busy.stderr
    tests = [
        {"expr": name, "eval_time": "100m", "exp_samples": []}
        for name in ("ml_feature_samples", "ml_feature_psi", "ml_feature_jensen_shannon", "ml_feature_chi2")
    ]
    done = run(promtool, "test", "rules", _file(tmp_path, _series(reference, quiet, "numeric"), tests))
    assert done.returncode == 0, done.stdout + done.stderr
