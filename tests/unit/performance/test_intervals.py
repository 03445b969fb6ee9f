"""How often intervals hold the true value, in simulations with a fixed seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from observability.columns import Bools, Floats
from observability.performance.calibration import calibration_error
from observability.performance.classification import evaluate_classification
from observability.performance.intervals import Estimate, f1_score, mean, share, wilson_bounds
from observability.performance.regression import evaluate_regression
from observability.performance.result import Performance

N, RUNS = 300, 600


def coverage(make: Callable[[np.random.Generator], Performance], truth: dict[str, float], runs: int = RUNS) -> Floats:
    """Share of ``runs`` whose interval holds the ``truth``, by metric in its order."""
    rng = np.random.default_rng(11)
    held = [
        [not found[name].excludes(value) for name, value in truth.items()] for found in (make(rng) for _ in range(runs))
    ]
    return np.asarray(np.mean(held, axis=0))


def scored(rng: np.random.Generator, n: int) -> tuple[Bools, Bools, Floats]:
    """Outcomes, predictions and probabilities of a model that is too sure of itself."""
    score = rng.normal(size=n)
    outcome = rng.random(n) < 1 / (1 + np.exp(1 - 1.5 * score))
    probability = 1 / (1 + np.exp(1.2 - 2.5 * score))
    return outcome, probability > 0.5, probability


def three(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, Floats]:
    table = rng.dirichlet([2.0, 1.0, 0.5], n)
    true = (rng.random(n)[:, None] > table.cumsum(axis=1)[:, :2]).sum(axis=1)
    skewed = table**1.5
    skewed /= skewed.sum(axis=1, keepdims=True)
    return true, skewed.argmax(axis=1), skewed


def test_intervals_of_binary_metrics_hold_the_truth_as_often_as_they_say() -> None:
    outcome, predicted, probability = scored(np.random.default_rng(5), 1_000_000)
    exact = evaluate_classification(outcome, predicted, probability, positive=True)
    truth = {name: exact[name].value for name in ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier")}

    def make(rng: np.random.Generator) -> Performance:
        outcome, predicted, probability = scored(rng, N)
        return evaluate_classification(outcome, predicted, probability, positive=True)

    found = coverage(make, truth)
    assert (found > 0.92).all()
    assert (found < 0.98).all()


def test_intervals_of_macro_metrics_hold_the_truth_as_often_as_they_say() -> None:
    true, predicted, table = three(np.random.default_rng(6), 1_000_000)
    exact = evaluate_classification(true, predicted, table, classes=[0, 1, 2])
    truth = {name: exact[name].value for name in ("precision", "recall", "f1", "auc", "log_loss", "brier")}

    def make(rng: np.random.Generator) -> Performance:
        true, predicted, table = three(rng, N)
        return evaluate_classification(true, predicted, table, classes=[0, 1, 2])

    found = coverage(make, truth)
    assert (found > 0.92).all()
    assert (found < 0.98).all()


@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_intervals_of_regression_metrics_hold_the_truth_as_often_as_they_say(noise: float) -> None:
    truth = {"mae": noise * math.sqrt(2 / math.pi), "rmse": noise, "r2": 1 - noise**2 / (1 + noise**2)}

    def make(rng: np.random.Generator) -> Performance:
        predicted = rng.normal(size=N)
        return evaluate_regression(predicted + rng.normal(scale=noise, size=N), predicted)

    found = coverage(make, truth)
    assert (found > 0.92).all()
    assert (found < 0.98).all()


@pytest.mark.parametrize("sureness", [1.0, 1.3, 2.5])
def test_the_interval_of_the_calibration_error_holds_the_truth(sureness: float) -> None:
    """Of a calibrated model, whose error is 0 although the plain value never is, and of ones too sure of themselves."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Bools, Floats]:
        log_odds = rng.normal(size=n)
        return rng.random(n) < 1 / (1 + np.exp(-log_odds)), 1 / (1 + np.exp(-sureness * log_odds))

    exact = calibration_error(*draw(np.random.default_rng(7), 2_000_000))
    assert exact is not None
    truth = 0.0 if sureness == 1 else exact.value
    rng = np.random.default_rng(8)
    found = [calibration_error(*draw(rng, 2000)) for _ in range(300)]
    held = np.mean([not estimate.excludes(truth) for estimate in found if estimate is not None])
    assert held > 0.9


def test_wilson_bounds_equal_those_of_scipy() -> None:
    for successes, trials in [(0, 5), (1, 7), (50, 80), (9, 9)]:
        expected = stats.binomtest(successes, trials).proportion_ci(0.9, "wilson")
        lower, upper = wilson_bounds(successes, trials, 0.9)
        assert lower == pytest.approx(expected.low, abs=1e-12)
        assert upper == pytest.approx(expected.high, abs=1e-12)


def test_the_variance_of_the_auc_is_that_of_delong() -> None:
    """Against the definition, over all pairs."""
    rng = np.random.default_rng(3)
    positive, score = rng.random(80) < 0.4, np.round(rng.normal(size=80), 1)
    ups, downs = score[positive], score[~positive]
    wins = (ups[:, None] > downs) + 0.5 * (ups[:, None] == downs)
    variance = wins.mean(axis=1).var(ddof=1) / len(ups) + wins.mean(axis=0).var(ddof=1) / len(downs)
    found = evaluate_classification(positive, positive, 1 / (1 + np.exp(-score)), positive=True)["auc"]
    value = wins.mean()
    half = stats.norm.ppf(0.975) * math.sqrt(variance) / (value * (1 - value))
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.lower == pytest.approx(1 / (1 + math.exp(-(math.log(value / (1 - value)) - half))), abs=1e-12)


def test_an_interval_knows_its_limits() -> None:
    assert share(0, 0) is None
    assert f1_score(0, 0) is None
    assert mean(np.array([])) is None
    perfect = share(10, 10)
    assert perfect is not None
    assert (perfect.value, perfect.upper) == (1.0, 1.0)
    assert 0.6 < perfect.lower < 1
    assert not Estimate(1.0, math.nan, math.nan, 1).excludes(5.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        share(1, 2, level=1.0)


def test_a_perfect_ranking_is_not_certain() -> None:
    found = evaluate_classification([0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.9])["auc"]
    assert found.value == 1.0
    assert found.lower < 0.5
