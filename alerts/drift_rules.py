"""Drift in PromQL: distances of bin counters from the baseline, over any window and any number of replicas.

The same formulas as ``observability.drift.counts`` over all bins of the baseline: a test evaluates both on the same
counts. ``increase`` extrapolates to the ends of its window, so counts are not whole numbers, and the first values of a
series that was not there before are missing in it: the exporter begins each at zero.
"""

from __future__ import annotations

from typing import Final

from alerts.model import RecordingRule, number
from observability import catalogue
from observability.settings import Settings

#: Quantile of the standard normal distribution that thresholds are made of: 99 % of windows without drift stay below.
_Z: Final = 2.3263478740408408

_FEATURE: Final = "model, baseline, feature"
_BIN: Final = f"{_FEATURE}, bin"
_SAMPLES: Final = catalogue.ML_FEATURE_BIN_SAMPLES
_N: Final = catalogue.ML_FEATURE_SAMPLES
#: Smoothed share of each bin in the baseline; replicas say the same.
_P: Final = f"max by ({_BIN}) ({catalogue.ML_REFERENCE_BIN_RATIO})"
_BINS: Final = f"count by ({_FEATURE}) ({_P})"
_ROWS: Final = f"max by (model, baseline) ({catalogue.ML_BASELINE_ROWS})"


def rules(settings: Settings) -> tuple[RecordingRule, ...]:
    """Counts first, distances after them: a group evaluates its rules in order."""
    by_window = [
        f'label_replace(sum by ({_BIN}) (increase({catalogue.ML_FEATURE_BIN}[{window}])), "window", "{window}", "", "")'
        for window in settings.drift.windows
    ]
    q = _smoothed()
    against = f"on ({_BIN}) group_left ()"
    middle = f"(({q} + {against} {_P}) / 2)"
    kl_q = f"{q} * on ({_BIN}, window) log2({q} / on ({_BIN}, window) {middle})"
    kl_p = f"({_P} * on ({_BIN}) group_right () log2({_P} / on ({_BIN}) group_right () {middle}))"
    return (
        RecordingRule(_SAMPLES, "\nor\n".join(by_window)),
        RecordingRule(_N, f"sum by ({_FEATURE}, window) ({_SAMPLES}) > 0"),
        RecordingRule(
            catalogue.ML_FEATURE_PSI,
            f"sum by ({_FEATURE}, window) (\n({q} - {against} {_P})\n* on ({_BIN}, window)\n"
            f"ln({q} / {against} {_P})\n)",
        ),
        RecordingRule(catalogue.ML_FEATURE_PSI_THRESHOLD, _threshold()),
        RecordingRule(
            catalogue.ML_FEATURE_JENSEN_SHANNON,
            f"sqrt(clamp_min(sum by ({_FEATURE}, window) (\n{kl_q}\n+ on ({_BIN}, window)\n{kl_p}\n) / 2, 0))",
        ),
        RecordingRule(catalogue.ML_FEATURE_CHI2, _chi2()),
        RecordingRule(catalogue.ML_FEATURE_KS_BOUND, _ks(settings)),
    )


def _smoothed() -> str:
    """Share of each bin in the window, (count + ½) / (n + ½k)."""
    total = f"({_N} + on ({_FEATURE}) group_left () 0.5 * {_BINS})"
    return f"(({_SAMPLES} + 0.5) / on ({_FEATURE}, window) group_left () {total})"


def _threshold() -> str:
    """(1/n + 1/m) times the 99 % quantile of χ² with k − 1 degrees of freedom (Wilson & Hilferty 1931)."""
    freedom = f"({_BINS} - 1 > 0)"
    root = f"(1 - 2 / (9 * {freedom}) + {number(_Z)} * sqrt(2 / (9 * {freedom})))"
    quantile = f"({freedom} * {root} ^ 3)"
    return f"(1 / {_N} + on (model, baseline) group_left () 1 / {_ROWS})\n* on ({_FEATURE}) group_left ()\n{quantile}"


def _counts() -> str:
    """Count of each bin in the baseline: ratio · (m + ½k) − ½."""
    size = f"(0.5 * {_BINS} + on (model, baseline) group_left () {_ROWS})"
    return f"({_P} * on ({_FEATURE}) group_left () {size} - 0.5)"


def _chi2() -> str:
    """N (Σ r² / (m t) + Σ c² / (n t) − 1) over bins that are not empty on both sides, t = r + c."""
    both = f"(({_SAMPLES} + on ({_BIN}) group_left () {_counts()}) > 0.000001)"
    # the reference once for each window: 0 times the counts has the labels of both
    reference = f"(0 * {_SAMPLES} + on ({_BIN}) group_left () {_counts()})"
    ours = f"sum by ({_FEATURE}, window) ({_SAMPLES} ^ 2 / on ({_BIN}, window) {both}) / {_N}"
    theirs = (
        f"sum by ({_FEATURE}, window) ({reference} ^ 2 / on ({_BIN}, window) {both})"
        f" / on (model, baseline) group_left () {_ROWS}"
    )
    every = f"({_N} + on (model, baseline) group_left () {_ROWS})"
    return f"clamp_min({every} * ({ours} + ({theirs}) - 1), 0)"


def _ks(settings: Settings) -> str:
    """Largest difference of the shares up to each edge of the bins, which are in order."""
    most = 2 * settings.drift.bins + 2
    terms = []
    for last in range(most):
        upto = "|".join(f"{at:02}" for at in range(last + 1))
        ours = f'sum by ({_FEATURE}, window) ({_SAMPLES}{{bin=~"{upto}"}}) / {_N}'
        numeric = f'max by ({_BIN}) ({catalogue.ML_REFERENCE_BIN_RATIO}{{kind="numeric",bin=~"{upto}"}})'
        size = f"(0.5 * {_BINS} + on (model, baseline) group_left () {_ROWS})"
        counts = f"({numeric} * on ({_FEATURE}) group_left () {size} - 0.5)"
        theirs = f"sum by ({_FEATURE}) ({counts}) / on (model, baseline) group_left () {_ROWS}"
        gap = f"abs(({ours}) - on ({_FEATURE}) group_left () ({theirs}))"
        terms.append(f'label_replace({gap}, "edge", "{last:02}", "", "")')
    return f"max by ({_FEATURE}, window) (\n" + "\nor\n".join(terms) + "\n)"
