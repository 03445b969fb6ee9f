"""A test for drift that holds however often it is looked at.

Under the hypothesis that baseline and stream are exchangeable, the next value falls into bin j, which holds r_j of the
m + 1 gaps between the values of the baseline (:mod:`observability.drift.ranks`), with probability

    (r_j + c_j) / (m + 1 + t)

where c_j of the t values so far fell into it: spacings of a uniform sample are Dirichlet(1, …, 1), so that this is
Pólya's urn, exactly, for every distribution and every size of the baseline. A bet w with factors w_j therefore has an
expected gain of one if each gain w_j is divided by Z = Σ w_j (r_j + c_j) / (m + 1 + t), and the product of its gains is
a test martingale (Shafer & Vovk 2019; conformal test martingales, Vovk 2021).

A change may begin at any time: bets that begin at each value are added up, M ← (M + 1) · w / Z (Shiryaev–Roberts), and
the mean R of that over several kinds of bets is an e-detector (Shin, Ramdas & Rinaldo 2022, "E-detectors: a
nonparametric framework for sequential change detection"): R − t is a martingale, so that an alarm at R ≥ c comes after
c values or later on average where there is no drift, and within T values with a probability of T / c at most.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from observability.columns import Bools, Floats, Ints
from observability.drift.betting import MEMORIES, fixed_bets, following_bets, groups_of

#: Values that are taken at once; the bets that follow the stream are placed anew for each such block.
_BLOCK = 128
#: Where evidence stops growing; taking from it is always allowed.
_MOST = 1e100
#: Logarithm of the largest and smallest product that is computed as such: with all that it is multiplied by it stays
#: in the range of doubles.
_PLAIN = 250.0


class SequentialTest:
    """Evidence that a stream is no longer like its baseline and its own past; of constant size.

    ``gaps`` (B,) are the gaps in each bin, ``scores`` (B,) mid-ranks of bins with an order, ``None`` without one.
    """

    def __init__(self, gaps: Ints, scores: Floats | None, *, average_run_length: float) -> None:
        self.average_run_length = average_run_length
        self.frozen = False
        self._pool = np.asarray(gaps, np.float64).copy()
        self._fixed = fixed_bets(scores, len(gaps))
        self._groups = groups_of(scores, len(gaps))
        bets = self._fixed.shape[1] + len(MEMORIES)
        #: Half of the stake goes to bets that know what they look for, where there are any.
        known = 0.5 if scores is None else 0.75
        self._stakes = np.concatenate(
            (
                np.full(self._fixed.shape[1], known / self._fixed.shape[1]),
                np.full(len(MEMORIES), (1 - known) / len(MEMORIES)),
            )
        )
        self._won = np.zeros(bets)
        self._recent = np.zeros((len(MEMORIES), int(self._groups.max()) + 1))
        self.observations = 0
        self.peak = 0.0

    @property
    def e_value(self) -> float:
        """Evidence now."""
        return float(self._won @ self._stakes)

    def learn(self, bins: Ints) -> None:
        """Take values (n,) as usual ones, without a bet on them."""
        if not self.frozen:
            self._pool += np.bincount(bins, minlength=len(self._pool))

    def update(self, bins: Ints) -> None:
        """Take the bins (n,) of values in the order in which they came."""
        for start in range(0, len(bins), _BLOCK):
            self._block(bins[start : start + _BLOCK])

    def _block(self, bins: Ints) -> None:
        count = len(bins)
        grouped = np.bincount(self._groups, self._pool).astype(np.float64)
        bets = np.column_stack((self._fixed, following_bets(self._recent, grouped)[self._groups]))
        gains = bets[bins]
        weight, size = self._pool @ bets, self._pool.sum()
        if self.frozen:
            expected = np.broadcast_to(weight / size, gains.shape)
        else:
            before = np.cumsum(gains, axis=0)
            before[1:] = before[:-1]
            before[0] = 0.0
            expected = (weight + before) / (size + np.arange(count))[:, None]
        won = _won(self._won, np.cumsum(np.log(gains / expected), axis=0))
        self.peak = max(self.peak, float((won @ self._stakes).max()))
        self._won = won[-1]
        self.observations += count
        self._follow(bins)
        self.learn(bins)

    def _follow(self, bins: Ints) -> None:
        groups = self._groups[bins]
        ages = np.arange(len(bins))[::-1]
        for at, memory in enumerate(MEMORIES):
            self._recent[at] *= np.exp(-len(bins) / memory)
            self._recent[at] += np.bincount(groups, np.exp(-ages / memory), self._recent.shape[1])

    def freeze(self) -> None:
        """From now on values are no longer taken as usual ones: a drift that lasts is not to become the new normal."""
        self.frozen = True

    def restart(self) -> None:
        """Begin without evidence; what was usual before :meth:`freeze` still is."""
        self.frozen = False
        self._won[:] = 0.0
        self._recent[:] = 0.0
        self.peak = 0.0

    def to_state(self) -> dict[str, Any]:
        """All that was learned."""
        return {
            "pool": self._pool,
            "won": self._won,
            "recent": self._recent,
            "frozen": self.frozen,
            "observations": self.observations,
            "peak": self.peak,
        }

    def from_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`to_state` was called. Raises ``ValueError`` for the state of a test with other bins."""
        own = {"pool": self._pool, "won": self._won, "recent": self._recent}
        if any(state[name].shape != array.shape for name, array in own.items()):
            raise ValueError("the state is that of a test with other bins")
        if not all(np.isfinite(state[name]).all() for name in ("pool", "won", "recent", "peak")):
            raise ValueError("the state holds what is no number")
        self._pool, self._won = state["pool"].copy(), state["won"].copy()
        self._recent = state["recent"].copy()
        self.frozen = bool(state["frozen"])
        self.observations = int(state["observations"])
        self.peak = float(state["peak"])


def _won(before: Floats, logs: Floats) -> Floats:
    """M ← (M + 1) · gain for each of n values and K bets, (n, K), at most :data:`_MOST`.

    ``before`` (K,) is M at the start, ``logs`` (n, K) are logarithms of the products of the gains up to each value.
    Many values that are all beyond the baseline make products that are no doubles any more; then logarithms are added.
    """
    if np.abs(logs).max() <= _PLAIN:
        product = np.exp(logs)
        begun = np.ones_like(product)
        begun[1:] = 1 / product[:-1]
        return np.asarray(np.minimum(product * (before + np.cumsum(begun, axis=0)), _MOST))
    begun = np.zeros_like(logs)
    begun[1:] = -logs[:-1]
    with np.errstate(divide="ignore"):  # nothing was won yet
        begun[0] = np.logaddexp(begun[0], np.log(before))
    summed = logs + np.logaddexp.accumulate(begun, axis=0)
    return np.asarray(np.exp(np.minimum(summed, np.log(_MOST))))


def judge(evidence: Floats, average_run_length: float) -> Bools:
    """Which of F features to raise an alarm for, (F,): e-BH (Wang & Ramdas 2022, "False discovery rate control with
    e-values") at the level 1 / ``average_run_length``.

    The k features with the most evidence, for the largest k with R_(k) ≥ F · c / k. One feature by itself needs F · c,
    so that among F features without drift, however they depend on one another, the chance that any of them reaches that
    within T values is T / c at most (Bonferroni): this is proven. That several alarm together with less is what e-BH
    allows for evidence of one moment; for the largest evidence so far of each, it is measured and not proven.
    """
    count = len(evidence)
    order = np.argsort(-evidence, kind="stable")
    enough = evidence[order] >= count * average_run_length / np.arange(1, count + 1)
    alarms = np.zeros(count, np.bool_)
    if enough.any():
        alarms[order[: int(np.flatnonzero(enough)[-1]) + 1]] = True
    return alarms
