"""What is too old or too much goes, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from observability.predictions.retention import sweep
from observability.predictions.store import PredictionStore, sqlite_url
from observability.predictions.stored import Deleted, StoredBaseline
from tests.unit.predictions.support import NOW, labels, numbered

DAY = 86_400.0


def left(store: PredictionStore) -> list[str]:
    return [id_ for chunk in store.tail(0) for id_ in chunk.predictions.prediction_id]


def test_what_came_long_ago_goes(store: PredictionStore) -> None:
    store.add(numbered(range(5), now=NOW - 10 * DAY))
    store.add(numbered(range(5, 8), now=NOW - DAY))
    store.add_labels(labels(("p1", 1, NOW - 11 * DAY), now=NOW - 10 * DAY))
    store.add_labels(labels(("p6", 1, NOW - 11 * DAY), now=NOW - DAY))
    assert sweep(store, now=NOW, max_age_seconds=7 * DAY, max_rows=1000) == Deleted(5, 1, 0)
    assert left(store) == ["p5", "p6", "p7"]
    assert store.label_for(["p1", "p6"]) == {"p6": 1}
    assert sweep(store, now=NOW, max_age_seconds=7 * DAY, max_rows=1000) == Deleted(0, 0, 0)


def test_age_counts_from_the_arrival_and_not_from_the_timestamp(store: PredictionStore) -> None:
    store.add(numbered([1], timestamp=NOW - 300 * DAY))
    assert sweep(store, now=NOW, max_age_seconds=DAY, max_rows=10) == Deleted(0, 0, 0)


@pytest.mark.parametrize("limit", [0, 1, 7, 19, 20, 21])
def test_the_oldest_beyond_a_number_go(store: PredictionStore, limit: int) -> None:
    for n in range(20):
        store.add(numbered([n], now=NOW - 20 + n))
        store.add(numbered([n]))  # numbers of duplicates are given, and mean no row
    deleted = sweep(store, now=NOW, max_age_seconds=DAY, max_rows=limit)
    assert deleted.predictions == max(0, 20 - limit)
    assert left(store) == [f"p{n}" for n in range(max(0, 20 - limit), 20)]


def test_it_is_done_in_steps_that_end_somewhen(store: PredictionStore) -> None:
    store.add(numbered(range(100), now=NOW - 10 * DAY))
    deleted = [sweep(store, now=NOW, max_age_seconds=DAY, max_rows=9, steps=3, step=20).predictions for _ in range(3)]
    assert deleted == [60, 40, 0]


def test_a_baseline_that_is_current_stays_however_old(store: PredictionStore) -> None:
    old = StoredBaseline("churn", "1", "aa", 3, NOW - 90 * DAY, {}, b"x")
    with store.transaction() as transaction:
        transaction.add_baseline(old)
        transaction.add_baseline(dataclasses.replace(old, hash="bb", created=NOW - 80 * DAY))
        transaction.add_baseline(dataclasses.replace(old, model="other"))
    assert sweep(store, now=NOW, max_age_seconds=DAY, max_rows=10) == Deleted(0, 0, 1)
    assert store.baseline("churn", "1", "aa") is None
    assert [(each.model, each.hash) for each in store.baselines()] == [("churn", "bb"), ("other", "aa")]
    kept = store.baseline("churn", "1")
    assert kept is not None
    assert kept.content == b"x"


def test_the_file_becomes_smaller(tmp_path: Path, opened: Callable[..., PredictionStore]) -> None:
    file = tmp_path / "store.sqlite"
    store = opened(sqlite_url(file))
    store.add(numbered(range(5000), now=NOW - 10 * DAY, version="x" * 200))
    before = store.size_bytes()
    sweep(store, now=NOW, max_age_seconds=DAY, max_rows=10)
    store.close()
    again = opened(sqlite_url(file))
    assert again.size_bytes() < before / 2
    assert again.counts()["predictions"] == 0
