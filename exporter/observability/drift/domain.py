"""Domain classifier: whether a linear rule tells new rows from those of the reference, and by which columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from observability.columns import Bools, Floats, Ints
from observability.drift.permutations import PermutationResult, judged, labellings
from observability.drift.vectors import Vectors, as_samples


@dataclass(frozen=True)
class DomainResult(PermutationResult):
    """``value`` is the ROC AUC out of fold: 0.5 where nothing tells the samples apart, 1 where a linear rule always
    does.

    ``coefficients`` (d,): the weight of each column in units of its standard deviation; positive where current rows
    have more of it. ``shares`` (d,): what each column contributes to the difference, from 0 to 1, together 1 (all 0
    where there is no difference at all): squares of correlation-adjusted t-scores, which add up to the squared distance
    between the samples (Zuber & Strimmer 2009, doi:10.1093/bioinformatics/btp460). Without drift they are noise: read
    them where ``p_value`` is small.
    """

    coefficients: Floats = field(repr=False)
    shares: Floats = field(repr=False)

    def top(self, names: Sequence[str], count: int = 5) -> list[tuple[str, float]]:
        """The ``count`` columns with the largest share, by name. Raises ValueError if ``names`` are not d."""
        if len(names) != len(self.shares):
            raise ValueError(f"{len(names)} names for {len(self.shares)} columns")
        order = np.argsort(-self.shares, kind="stable")[:count]
        return [(names[column], float(self.shares[column])) for column in order]


def domain_classifier(
    reference: Any, current: Any, permutations: int = 199, *, folds: int = 5, seed: int = 0
) -> DomainResult:
    """Fisher's linear discriminant between two samples (n, d) and (m, d), its ROC AUC on rows that it has not seen, and
    a permutation p-value.

    The columns are standardised and whitened by the correlations of all rows together, shrunk towards none as Ledoit &
    Wolf do (2004, doi:10.1016/S0047-259X(03)00096-4), so that more columns than rows are no trouble. None of this knows
    which sample a row is from. In that space the best direction is the difference of the means: those of the other
    folds, for the rows of a fold. The AUC is the mean over ``folds``, in which both samples keep their proportions.

    A normal approximation for Mann–Whitney's U does not hold out of fold, as folds learn from each other. So the
    p-value is that of permutations within the folds; fitting the rule again for each is one more column in a product.

    It sees differences of means (add squares as columns to see those of spread; :func:`~observability.drift.mmd.mmd`
    sees all). Raises ValueError for fewer than two rows a side, rows that are not finite, dimensions that differ, or
    fewer than two folds.
    """
    first, second = as_samples(reference, current, least=2)
    if folds < 2:
        raise ValueError(f"two folds or more are needed, not {folds}")
    n, m = len(first), len(second)
    white, transform = _whitened(np.concatenate([first, second]).astype(np.float64))
    fold = _folds(n, m, min(folds, n, m), seed)
    labels = labellings(n, m, permutations, seed=seed, strata=fold)
    values = _out_of_fold_auc(white, labels, fold)
    scores = white[n:].mean(axis=0) - white[:n].mean(axis=0)
    squares = scores * scores
    everything = float(squares.sum())
    shares = squares / everything if everything > 0 else np.zeros(len(squares))
    return DomainResult(*judged(values, "greater", 1e-9), permutations, n, m, transform @ scores, shares)


def _whitened(rows: Floats) -> tuple[Floats, Floats]:
    """Standardised rows × R^(−½), and R^(−½) itself, with R the shrunk correlations; constant columns become 0."""
    count, width = rows.shape
    centred = rows - rows.mean(axis=0)
    spread = centred.std(axis=0)
    moves = spread > 1e-9 * np.abs(rows).max(axis=0, initial=0)
    standard = np.divide(centred, spread, out=np.zeros_like(centred), where=moves)
    correlation = standard.T @ standard / count
    np.fill_diagonal(correlation, 1)
    away = float(np.square(correlation - np.eye(width)).sum())
    squares = np.einsum("ij,ij->i", standard, standard)
    noise = float(np.square(squares).sum()) / count**2 - float(np.square(correlation).sum()) / count
    shrinkage = 1.0 if away <= 0 else min(1.0, max(noise, 0.0) / away)
    values, vectors = np.linalg.eigh((1 - shrinkage) * correlation + shrinkage * np.eye(width))
    # columns that repeat each other leave eigenvalues of 0, along which no row has anything
    floor = 1e-9 * width
    root = (vectors * np.where(values > floor, 1 / np.sqrt(np.maximum(values, floor)), 0)) @ vectors.T
    return standard @ root, root


def _folds(n_reference: int, n_current: int, folds: int, seed: int) -> Ints:
    """The fold of each row, at random, each with its part of both samples."""
    random = np.random.default_rng([seed, folds])
    parts = [random.permutation(np.arange(count) % folds) for count in (n_reference, n_current)]
    return np.concatenate(parts).astype(np.int64)


def _out_of_fold_auc(white: Vectors, labels: Bools, fold: Ints) -> Floats:
    """Mean over folds of the AUC of the rule that the other folds give, for each labelling."""
    rows = [np.flatnonzero(fold == number) for number in range(int(fold.max()) + 1)]
    ours = [labels[:, each].astype(np.float64) @ white[each] for each in rows]
    counts = [int(labels[0, each].sum()) for each in rows]  # the same for all labellings
    all_ours, all_sum, all_count, size = sum(ours), white.sum(axis=0), sum(counts), len(white)
    values = np.zeros(len(labels))
    for each, inside, count in zip(rows, ours, counts, strict=True):
        reference_sum = all_ours - inside
        current_sum = all_sum - white[each].sum(axis=0) - reference_sum
        n, m = all_count - count, size - len(each) - (all_count - count)
        direction = current_sum / m - reference_sum / n
        values += _auc(direction @ white[each].T, ~labels[:, each])
    return values / len(rows)


def _auc(scores: Floats, positive: Bools) -> Floats:
    """Area under the ROC curve for each row of ``scores`` (p, n): the chance that a positive scores above a negative,
    ties half. Mann–Whitney's U over the number of pairs."""
    order = np.argsort(scores, axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    positions = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    edge = np.ones((len(scores), 1), np.bool_)
    differs = ordered[:, 1:] > ordered[:, :-1]
    first = np.maximum.accumulate(np.where(np.hstack([edge, differs]), positions, 0), axis=1)
    last_or_end = np.where(np.hstack([differs, edge]), positions, scores.shape[1])
    last = np.minimum.accumulate(last_or_end[:, ::-1], axis=1)[:, ::-1]
    ranks = (first + last) / 2 + 1
    found = np.take_along_axis(positive, order, axis=1)
    count = found.sum(axis=1)
    above = np.where(found, ranks, 0).sum(axis=1) - count * (count + 1) / 2
    return np.asarray(above / (count * (scores.shape[1] - count)), np.float64)
