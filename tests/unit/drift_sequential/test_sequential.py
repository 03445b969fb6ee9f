"""The sequential test: its evidence grows by one a value on average without drift, exactly, and fast with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.columns import Floats, Ints
from observability.drift.betting import following_bets
from observability.drift.ranks import RankBins
from observability.drift.sequential import SequentialTest, judge

Shift = Callable[[Floats], Floats]


def chance_of(sequence: Sequence[int], gaps: Sequence[int]) -> float:
    """Of a sequence of bins, by Pólya's urn."""
    urn = list(gaps)
    chance = 1.0
    for bin_ in sequence:
        chance *= urn[bin_] / sum(urn)
        urn[bin_] += 1
    return chance


@pytest.mark.parametrize("gaps", [(1, 1), (1, 2, 1), (3, 1, 1)])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (4,), (1, 3)])
def test_the_expected_evidence_after_t_values_is_t_over_all_that_may_come(
    gaps: tuple[int, ...], ordered: bool, sizes: tuple[int, ...]
) -> None:
    scores = (np.arange(len(gaps)) + 0.5) / len(gaps) if ordered else None
    length = sum(sizes)
    expected = 0.0
    for sequence in itertools.product(range(len(gaps)), repeat=length):
        test = SequentialTest(np.array(gaps), scores, average_run_length=100)
        at = 0
        for size in sizes:
            test.update(np.array(sequence[at : at + size]))
            at += size
        expected += chance_of(sequence, gaps) * test.e_value

    assert expected == pytest.approx(length, rel=1e-9)


def naive(test: SequentialTest, bins: Ints) -> Floats:
    """What each bet has won after one block, value by value."""
    pool = test._pool.copy()
    grouped = np.bincount(test._groups, pool).astype(np.float64)
    bets = np.column_stack((test._fixed, following_bets(test._recent, grouped)[test._groups]))
    won = test._won.copy()
    for bin_ in bins.tolist():
        won = (won + 1) * bets[bin_] / (pool @ bets / pool.sum())
        if not test.frozen:
            pool[bin_] += 1
    return np.asarray(np.minimum(won, 1e100))


@given(st.lists(st.integers(0, 61), min_size=1, max_size=100), st.integers(0, 300), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_block_is_what_its_values_are_one_by_one(values: list[int], before: int, frozen: bool) -> None:
    random = np.random.default_rng(before)
    bins = RankBins.of(random.normal(0, 1, 500), random)
    test = SequentialTest(bins.gaps, bins.scores, average_run_length=100)
    test.update(random.integers(0, 62, before))
    if frozen:
        test.freeze()
    wanted = naive(test, np.array(values))

    test.update(np.array(values))

    assert test._won == pytest.approx(wanted, rel=1e-6)
    assert test.e_value == pytest.approx(wanted @ test._stakes, rel=1e-6)


@pytest.mark.parametrize("size", [200, 5000])
@pytest.mark.parametrize("outside", [np.nan, 1e9, -1e9])
@pytest.mark.parametrize("batch", [64, 128, 500, 2000])
def test_values_that_are_all_beyond_the_baseline_are_evidence_however_many_come_at_once(
    size: int, outside: float, batch: int
) -> None:
    """Products of so many gains of bets that lose, or win, every time are outside the range of doubles."""
    random = np.random.default_rng(3)
    bins = RankBins.of(random.normal(0, 1, size), random)
    test = SequentialTest(bins.gaps, bins.scores, average_run_length=1e7)
    test.update(bins.of_values(random.normal(0, 1, 10_000), None, random))
    test.update(bins.of_values(np.full(batch, outside), None, random))

    assert 1e7 < test.e_value < np.inf
    assert 1e7 < test.peak < np.inf
    test.update(bins.of_values(random.normal(0, 1, 500), None, random))
    assert np.isfinite(test.e_value)


def test_large_blocks_of_losing_bets_are_what_their_values_are_one_by_one() -> None:
    random = np.random.default_rng(4)
    bins = RankBins.of(random.normal(0, 1, 5000), random)
    test = SequentialTest(bins.gaps, bins.scores, average_run_length=1e7)
    values = np.concatenate((np.full(100, 61), np.full(28, 30)))
    wanted = naive(test, values)

    test.update(values)

    assert test._won == pytest.approx(wanted, rel=1e-6)
    assert test.e_value == pytest.approx(wanted @ test._stakes, rel=1e-6)


def test_a_state_that_is_no_number_is_refused() -> None:
    test = SequentialTest(np.array([1, 2, 1]), None, average_run_length=100)
    state = test.to_state()
    with pytest.raises(ValueError, match="no number"):
        test.from_state({**state, "won": state["won"] * np.nan})


def first_alarm(seed: int, size: int, length: int, shift: Shift | None, at: int, run_length: float) -> int | None:
    """How many values after ``at`` the alarm came, in steps of 50; ``None`` if it did not."""
    random = np.random.default_rng(seed)
    bins = RankBins.of(random.normal(0, 1, size), random)
    test = SequentialTest(bins.gaps, bins.scores, average_run_length=run_length)
    stream = random.normal(0, 1, length)
    if shift is not None:
        stream[at:] = shift(stream[at:])
    places = bins.of_values(stream, None, random)
    for end in range(50, length + 1, 50):
        test.update(places[end - 50 : end])
        if test.peak >= run_length:
            return end - at
    return None


@pytest.mark.parametrize("size", [50, 500])
def test_false_alarms_are_as_rare_as_promised_however_small_the_baseline(size: int) -> None:
    """Of 200 quiet streams of 1000 values at most 10 % may alarm, by the bound; 5 standard errors are allowed."""
    run_length, streams = 10_000.0, 200
    alarms = sum(first_alarm(seed, size, 1000, None, 0, run_length) is not None for seed in range(streams))

    bound = 1000 / run_length
    assert alarms / streams <= bound + 5 * np.sqrt(bound * (1 - bound) / streams)


@pytest.mark.parametrize(
    ("shift", "within"),
    [
        pytest.param(lambda x: x + 1.0, 100, id="mean by one deviation"),
        pytest.param(lambda x: x - 0.5, 400, id="mean by half a deviation, down"),
        pytest.param(lambda x: x * 1.5, 300, id="spread half as large again"),
        pytest.param(lambda x: np.where(np.arange(len(x)) % 5 == 0, np.nan, x), 150, id="a fifth missing"),
    ],
)
def test_drifts_are_found_soon(shift: Shift, within: int) -> None:
    delays = [first_alarm(seed, 2000, 4000, shift, 2000, 1e7) for seed in range(5)]

    assert all(delay is not None and 0 < delay <= within for delay in delays), delays


def test_a_drift_that_lasts_is_not_the_new_normal_once_the_test_is_frozen() -> None:
    random = np.random.default_rng(1)
    bins = RankBins.of(random.normal(0, 1, 300), random)
    frozen, learning = (SequentialTest(bins.gaps, bins.scores, average_run_length=1e7) for _ in range(2))
    frozen.freeze()
    drifted = bins.of_values(random.normal(0.7, 1, 20_000), None, random)
    for test in (frozen, learning):
        test.update(drifted)
        test._won[:] = 0.0
        test.update(bins.of_values(random.normal(0.7, 1, 300), None, random))

    assert frozen.e_value > 1e7
    assert learning.e_value < 1e5


def test_a_test_goes_on_where_its_state_was_taken_and_refuses_that_of_another() -> None:
    random = np.random.default_rng(2)
    bins = RankBins.of(random.normal(0, 1, 300), random)
    first, second = (SequentialTest(bins.gaps, bins.scores, average_run_length=1e7) for _ in range(2))
    first.update(random.integers(0, 62, 500))
    second.from_state(first.to_state())
    more = random.integers(0, 62, 200)
    first.update(more)
    second.update(more)

    assert second.e_value == first.e_value
    assert second.peak == first.peak
    with pytest.raises(ValueError, match="other bins"):
        SequentialTest(np.array([1, 1]), None, average_run_length=100).from_state(first.to_state())


def test_features_are_judged_together() -> None:
    assert judge(np.array([4e6, 1.0, 1.0, 1.0]), 1e6).tolist() == [True, False, False, False]
    assert judge(np.array([3e6, 1.0, 1.0, 1.0]), 1e6).tolist() == [False, False, False, False]
    assert judge(np.array([2e6, 2e6, 1.0, 1.0]), 1e6).tolist() == [True, True, False, False]
    assert judge(np.array([1e6, 1e6, 1e6, 1e6]), 1e6).tolist() == [True, True, True, True]
    assert judge(np.array([]), 1e6).tolist() == []
