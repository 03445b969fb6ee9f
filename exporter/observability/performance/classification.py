"""Metrics of a classifier whose labels have come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from observability.columns import Bools, Floats, Ints
from observability.performance.calibration import calibration_error
from observability.performance.intervals import LEVEL, Estimate, between_0_and_1, f1_score, mean, share
from observability.performance.labels import Labels
from observability.performance.ranking import auc_and_variance, placements
from observability.performance.result import Performance

#: Bins of the expected calibration error, as in Guo et al. 2017.
BINS = 15


def evaluate_classification(
    y_true: Any,
    y_pred: Any,
    probabilities: Any | None = None,
    *,
    classes: Sequence[Any] | None = None,
    positive: Any | None = None,
    level: float = LEVEL,
    bins: int = BINS,
) -> Performance:
    """Metrics of predicted labels ``y_pred`` (n,) of ``y_true`` (n,), each with its interval.

    Binary where ``positive`` is given, where there are two ``classes`` (the second is the positive one) or where all
    labels are 0, 1, false or true: ``probabilities`` are then (n,), of the positive class, or (n, 2) in the order of
    ``classes``. Otherwise there are as many columns as ``classes``, and precision, recall, F1 and AUC (one class
    against the rest) are plain means over the classes of which they are defined.

    ``accuracy``, ``precision``, ``recall``, ``f1``, and from probabilities ``auc``, ``log_loss`` (natural logarithm,
    probabilities cut to [ε, 1 - ε] of float64), ``brier`` (binary: mean of (p - y)², in [0, 1]; otherwise the sum over
    classes of it, in [0, 2]) and ``ece`` (``bins`` of equal width; of the positive class, otherwise of the most
    probable one). Each equals scikit-learn's where it has it, with ``zero_division=nan``. What is undefined is
    absent.

    A row whose label or prediction is missing (``None``, NaN) is not counted; one that has a NaN among its
    probabilities, or whose true label is none of the ``classes``, counts for the metrics of labels only.

    Raises:
        ValueError: shapes that do not fit, probabilities outside [0, 1] or several columns without ``classes``.
    """
    labels = Labels.of(y_true, y_pred, classes)
    used = labels.present
    chosen = _positive(labels, classes, positive)
    confusion = labels.confusion(used)
    n = int(used.sum())
    hits = int(np.trace(confusion))
    estimates: dict[str, Estimate | None] = {"accuracy": share(hits, n, level)}
    if chosen is None:
        estimates.update(_averaged(confusion, n, level))
    else:
        true_positives = int(confusion[chosen, chosen]) if chosen < len(confusion) else 0
        predicted = int(confusion[:, chosen].sum()) if chosen < len(confusion) else 0
        actual = int(confusion[chosen].sum()) if chosen < len(confusion) else 0
        estimates["precision"] = share(true_positives, predicted, level)
        estimates["recall"] = share(true_positives, actual, level)
        estimates["f1"] = f1_score(true_positives, predicted + actual - 2 * true_positives, level)
    if probabilities is not None:
        table = _probabilities(probabilities, len(used), classes, chosen)
        used = used & ~np.isnan(table).any(axis=1)
        if chosen is None:
            used &= labels.true < table.shape[1]
            estimates.update(_of_many(labels.true[used], table[used], level, bins))
        else:
            estimates.update(_of_two(labels.true[used] == chosen, table[used, -1], level, bins))
    return Performance.of(
        estimates, n=n, missing=len(labels.true) - n, averaging="macro" if chosen is None else "binary"
    )


def _positive(labels: Labels, classes: Sequence[Any] | None, positive: Any | None) -> int | None:
    """Code of the positive class; ``None`` with many classes. A code beyond all classes is of one nobody has."""
    if positive is not None:
        return labels.classes.index(positive) if positive in labels.classes else len(labels.classes)
    if classes is not None:
        return 1 if len(classes) == 2 and len(labels.classes) == 2 else None
    if all(label in (0, 1) for label in labels.classes):
        return labels.classes.index(1) if 1 in labels.classes else len(labels.classes)
    return None


def _probabilities(given: Any, rows: int, classes: Sequence[Any] | None, positive: int | None) -> Floats:
    """Shape (n, k), the positive class last where there is one."""
    table = np.asarray(given, np.float64)
    if table.ndim == 1:
        if positive is None and rows:
            raise ValueError("probabilities of several classes are (n, k), and `classes` says of which")
        table = table[:, None]
    elif table.ndim == 2 and positive is not None and table.shape[1] == 2:
        table = table[:, [1 - positive, positive]] if positive < 2 else table
    elif table.ndim != 2 or classes is None or table.shape[1] != len(classes):
        raise ValueError(f"probabilities are (n,) or (n, k) with k `classes`, not {table.shape}")
    if len(table) != rows:
        raise ValueError(f"there are {rows} labels but {len(table)} rows of probabilities")
    if ((table < 0) | (table > 1)).any():
        raise ValueError("probabilities lie between 0 and 1")
    return table


def _averaged(confusion: Ints, n: int, level: float) -> dict[str, Estimate | None]:
    """Plain means over classes, with the variance of the delta method over the cells of the confusion matrix
    (Takahashi et al. 2022, "Confidence interval for micro-averaged F1 and macro-averaged F1 scores")."""
    hits = np.diagonal(confusion).astype(np.float64)
    actual, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    both = actual + predicted
    with np.errstate(invalid="ignore", divide="ignore"):
        inverse = [np.where(total > 0, 1 / total, 0.0) for total in (predicted, actual, both)]
        precision, recall, f1 = hits * inverse[0], hits * inverse[1], 2 * hits * inverse[2]
    unit = np.eye(len(hits))
    gradients = {
        "precision": (precision, predicted, (unit - precision) * inverse[0]),
        "recall": (recall, actual, (unit - recall[:, None]) * inverse[1][:, None]),
        "f1": (f1, both, 2 * unit * inverse[2] - (f1 * inverse[2])[:, None] - f1 * inverse[2]),
    }
    estimates: dict[str, Estimate | None] = {}
    for name, (by_class, total, gradient) in gradients.items():
        defined = int(np.count_nonzero(total))
        if defined:
            variance = float((confusion * gradient**2).sum()) / defined**2
            value = float(by_class.sum()) / defined
            estimates[name] = between_0_and_1(min(value, 1.0), variance, n, level)
    return estimates


def _of_two(positive: Bools, probability: Floats, level: float, bins: int) -> dict[str, Estimate | None]:
    """Metrics of the probability of the positive class; both (n,)."""
    n = len(positive)
    found = auc_and_variance(positive, probability)
    fewest = int(min(positive.sum(), n - positive.sum()))
    auc = None if found is None else between_0_and_1(*found, fewest, level)
    return {
        "auc": None if auc is None else Estimate(auc.value, auc.lower, auc.upper, n),
        "log_loss": mean(_log_loss(np.where(positive, probability, 1 - probability)), level, least=0.0),
        "brier": mean((probability - positive) ** 2, level, least=0.0, most=1.0),
        "ece": calibration_error(positive, probability, bins, level),
    }


def _of_many(true: Ints, table: Floats, level: float, bins: int) -> dict[str, Estimate | None]:
    """Metrics of the probabilities (n, k) of all classes, of which ``true`` (n,) is an index."""
    rows = np.arange(len(true))
    squares = (table**2).sum(axis=1) - 2 * table[rows, true] + 1
    best = table.argmax(axis=1) if len(table) else np.zeros(0, np.int64)
    return {
        "auc": _one_against_rest(true, table, level),
        "log_loss": mean(_log_loss(table[rows, true]), level, least=0.0),
        "brier": mean(np.maximum(squares, 0.0), level, least=0.0, most=2.0),
        "ece": calibration_error(best == true, table[rows, best], bins, level),
    }


def _one_against_rest(true: Ints, table: Floats, level: float) -> Estimate | None:
    """Mean area under the ROC curves; a row's influence on each is what its placement says (DeLong), so that the
    variance knows how much the classes have to do with each other."""
    n, k = table.shape
    influence, values, fewest = np.zeros(n), [], n
    for code in range(k):
        positive = true == code
        count = int(positive.sum())
        if 0 < count < n:
            below, above = placements(positive, table[:, code])
            values.append(float(np.mean(below)))
            influence[positive] += (below - values[-1]) * (n / count)
            influence[~positive] += (above - values[-1]) * (n / (n - count))
            fewest = min(fewest, count, n - count)
    if not values:
        return None
    variance = float(np.sum(influence**2)) / (n * len(values)) ** 2
    estimate = between_0_and_1(min(float(np.mean(values)), 1.0), variance, fewest, level)
    return Estimate(estimate.value, estimate.lower, estimate.upper, n)


def _log_loss(probability_of_truth: Floats) -> Floats:
    least = math.ulp(1.0)
    return np.asarray(-np.log(np.clip(probability_of_truth, least, 1 - least)))
