"""The prediction store in SQLite and in PostgreSQL: the same answers from both."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from observability.predictions import retention
from observability.predictions.rows import Predictions
from observability.predictions.store import PredictionStore
from observability.predictions.stored import Filter, Joined, Stored, StoredBaseline
from tests.unit.predictions.support import NOW, item, labels, numbered, predictions, same
from tests.unit.predictions.test_decode import FULL

Opened = Callable[..., PredictionStore]


def ids(chunks: Any) -> list[str]:
    """All ids of ``chunks``."""
    return [id_ for chunk in chunks for id_ in chunk.predictions.prediction_id]


def told(joined: Joined) -> list[tuple[str, Any, Any, float]]:
    return list(zip(joined.prediction_id, joined.label, joined.previous, joined.label_timestamp.tolist(), strict=True))


def test_what_was_added_comes_back_as_it_was(store: PredictionStore) -> None:
    rows = predictions(FULL, item("p2"), item("p3", prediction=0.1 + 0.2, model="ü'\"\\", features={"x": "\x01\u2028"}))
    added = store.add(rows, ["hash", None, None])
    assert added.new.tolist() == [True] * 3
    assert added.duplicates == 0
    (found,) = store.tail(0)
    for each in dataclasses.fields(Predictions):
        assert same(getattr(found.predictions, each.name), getattr(rows, each.name)), each.name
    assert found.seq.tolist() == added.seqs.tolist()
    assert found.baseline_hash == ["hash", None, None]
    assert found.writer == ["one"] * 3
    assert found.label == [None] * 3
    assert not found.labelled.any()


@pytest.mark.parametrize("value", ["yes", "", "1e999", True, False, 0, 1, -2.5, 1e300, 2**53 + 1])
def test_predictions_and_labels_keep_their_type(store: PredictionStore, value: Any) -> None:
    store.add(predictions(item(prediction=value)))
    store.add_labels(labels(("p1", value, NOW)))
    found = store.find("p1")
    assert found is not None
    for kept in (*found.predictions.prediction, *found.label):
        assert kept == value
        assert type(kept) is type(value)


def test_infinite_features_come_back(store: PredictionStore) -> None:
    rows = dataclasses.replace(
        predictions(item()), features=[{"x": math.inf}], features_json=[b'{"x":1e999,"y":[-1e999,1]}']
    )
    store.add(rows)
    found = store.find("p1")
    assert found is not None
    assert found.predictions.features == [{"x": math.inf, "y": [-math.inf, 1]}]


def test_the_same_prediction_again_changes_nothing(store: PredictionStore) -> None:
    first = store.add(numbered([1, 2], prediction="yes"))
    again = store.add(numbered([2, 3], prediction="no"))
    assert again.new.tolist() == [False, True]
    assert again.duplicates == 1
    assert again.seqs[0] == -1
    assert again.seqs[1] > first.seqs.max()
    found = store.find("p2")
    assert found is not None
    assert found.predictions.prediction == ["yes"]
    assert store.counts() == {"predictions": 3, "labels": 0, "baselines": 0}


def test_an_id_twice_in_one_batch_is_stored_once(store: PredictionStore) -> None:
    added = store.add(Predictions.concat([numbered([1], prediction="first"), numbered([1], prediction="second")]))
    assert added.new.tolist() == [True, False]
    found = store.find("p1")
    assert found is not None
    assert found.predictions.prediction == ["first"]


def test_nothing_is_added_of_nothing(store: PredictionStore) -> None:
    added = store.add(numbered([1]).take([]))
    assert len(added.seqs) == len(added.new) == len(added.waiting.rows) == 0
    assert store.add_labels(labels()).new == 0


def test_a_label_after_its_prediction_is_joined(store: PredictionStore) -> None:
    rows = predictions(FULL, item("p2"))
    seqs = store.add(rows).seqs
    added = store.add_labels(labels(("p-1", "no", NOW + 5)))
    assert (added.new, added.changed, added.waiting, added.duplicates) == (1, 0, 0, 0)
    joined = added.joined
    assert told(joined) == [("p-1", "no", None, NOW + 5)]
    assert joined.seq.tolist() == [seqs[0]]
    assert (joined.model, joined.version, joined.variant) == (["churn"], ["3"], ["B"])
    assert joined.timestamp.tolist() == rows.timestamp[:1].tolist()
    assert (joined.prediction, joined.confidence.tolist()) == (["yes"], [0.75])
    assert joined.probabilities == [{"yes": 0.75, "no": 0.25}]
    assert (joined.segment, joined.writer, joined.error_type) == ([{"region": "eu"}], ["one"], [None])


def test_a_label_before_its_prediction_waits_for_it(store: PredictionStore) -> None:
    added = store.add_labels(labels(("p2", "yes", NOW), ("p1", 0.5, NOW + 1)))
    assert (added.new, added.waiting, len(added.joined)) == (2, 2, 0)
    waiting = store.add(numbered([0, 1, 2])).waiting
    assert waiting.rows.tolist() == [1, 2]
    assert waiting.label == [0.5, "yes"]
    assert waiting.timestamp.tolist() == [NOW + 1, NOW]
    assert not len(store.add(numbered([1, 2])).waiting.rows)


def test_a_later_label_corrects_an_earlier_one(store: PredictionStore) -> None:
    store.add(numbered([1]))
    store.add_labels(labels(("p1", "a", NOW)))
    added = store.add_labels(labels(("p1", "b", NOW + 1)))
    assert (added.new, added.changed, added.duplicates) == (0, 1, 0)
    assert told(added.joined) == [("p1", "b", "a", NOW + 1)]
    assert store.label_for(["p1", "p2"]) == {"p1": "b"}


def test_an_earlier_label_that_comes_late_changes_nothing(store: PredictionStore) -> None:
    store.add(numbered([1]))
    store.add_labels(labels(("p1", "b", NOW)))
    added = store.add_labels(labels(("p1", "a", NOW - 1)))
    assert (added.new, added.changed, added.duplicates, len(added.joined)) == (0, 0, 1, 0)
    assert store.label_for(["p1"]) == {"p1": "b"}


def test_of_labels_of_one_time_the_last_counts(store: PredictionStore) -> None:
    store.add(numbered([1]))
    added = store.add_labels(labels(("p1", "a", NOW), ("p1", "b", NOW)))
    assert (added.new, added.duplicates) == (1, 1)
    assert told(store.add_labels(labels(("p1", "c", NOW))).joined) == [("p1", "c", "b", NOW)]


def test_a_label_that_says_the_same_again_is_a_duplicate(store: PredictionStore) -> None:
    store.add(numbered([1]))
    store.add_labels(labels(("p1", "a", NOW)))
    for timestamp in (NOW, NOW + 5):
        added = store.add_labels(labels(("p1", "a", timestamp)))
        assert (added.new, added.changed, added.duplicates, len(added.joined)) == (0, 0, 1, 0)
    # known to be true at that later time, so what was said in between does not count
    assert store.add_labels(labels(("p1", "b", NOW + 1))).changed == 0


def test_a_correction_without_a_prediction_waits_too(store: PredictionStore) -> None:
    store.add_labels(labels(("p1", "a", NOW)))
    added = store.add_labels(labels(("p1", "b", NOW + 1)))
    assert (added.changed, added.waiting, len(added.joined)) == (1, 1, 0)
    assert store.add(numbered([1])).waiting.label == ["b"]


def test_a_transaction_is_whole_or_not_at_all(store: PredictionStore) -> None:
    with store.transaction() as transaction:
        transaction.add(numbered([1]))
        assert len(transaction.add_labels(labels(("p1", "a", NOW))).joined) == 1
        transaction.save_state("monitor", 1, b"before")
    with pytest.raises(RuntimeError, match="on purpose"), store.transaction() as transaction:
        transaction.add(numbered([2]))
        transaction.add_labels(labels(("p1", "b", NOW + 1)))
        transaction.save_state("monitor", 2, b"after")
        raise RuntimeError("on purpose")
    assert store.counts() == {"predictions": 1, "labels": 1, "baselines": 0}
    assert store.label_for(["p1"]) == {"p1": "a"}
    assert store.load_state("monitor") == (1, b"before")
    assert store.add(numbered([2])).new.all()


def test_everything_is_there_after_a_restart(url: str, opened: Opened) -> None:
    first = opened(url)
    first.add(numbered(range(10)))
    first.add_labels(labels(("p3", True, NOW)))
    first.save_state("monitor", 7, b"\0\xff")
    first.close()
    second = opened(url)
    assert second.counts() == {"predictions": 10, "labels": 1, "baselines": 0}
    assert second.load_state("monitor") == (7, b"\0\xff")
    assert second.add(numbered([9, 10])).new.tolist() == [False, True]
    assert second.load_state("other") is None


def test_numbers_grow_and_are_never_given_again(store: PredictionStore) -> None:
    last = int(store.add(numbered(range(5))).seqs.max())
    retention.sweep(store, now=NOW + 1e6, max_age_seconds=1, max_rows=100)
    assert store.counts()["predictions"] == 0
    assert store.add(numbered(range(5))).seqs.min() > last


def test_the_tail_is_what_this_writer_stored_since(url: str, opened: Opened) -> None:
    one, two = opened(url, "one"), opened(url, "two")
    middle = int(one.add(numbered(range(5))).seqs.max())
    two.add(numbered(range(100, 105)))
    one.add(numbered(range(5, 12)))
    assert ids(one.tail(0)) == [f"p{n}" for n in range(12)]
    assert ids(one.tail(middle)) == [f"p{n}" for n in range(5, 12)]
    chunks = list(one.tail(middle, limit=3))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert ids(chunks) == [f"p{n}" for n in range(5, 12)]
    assert ids(two.tail(0)) == ids(one.tail(0, "two")) == [f"p{n}" for n in range(100, 105)]
    assert ids(one.tail(10**9)) == []


def test_the_newest_of_a_model_come_in_the_order_in_which_they_were_stored(store: PredictionStore) -> None:
    for start in range(0, 30, 10):
        store.add(numbered(range(start, start + 10), timestamp=NOW - start))
        store.add(predictions(item(f"other{start}", model="other"), item(f"failed{start}", error_type="timeout")))
    wanted = Filter(model="churn", version="", failed=False)
    assert ids(store.newest(wanted, 12)) == [f"p{n}" for n in range(18, 30)]
    assert ids(store.newest(wanted, 12, chunk=5)) == [f"p{n}" for n in range(18, 30)]
    assert ids(store.newest(wanted, 1000)) == [f"p{n}" for n in range(30)]
    assert store.newest(Filter(model="nobody"), 5) == []


def test_labels_that_met_their_predictions_since_are_told_again(url: str, opened: Opened) -> None:
    store = opened(url)
    store.add(numbered(range(4)))
    store.add_labels(labels(("p0", "old", NOW), ("p1", "wrong", NOW), ("p8", "early", NOW), ("p9", "nobody", NOW)))
    since = int(store.add(numbered([4])).seqs.max())
    store.add_labels(labels(("p1", "right", NOW + 1), ("p2", "new", NOW), ("p7", "soon", NOW)))
    store.add(numbered([7, 8]))
    again = sorted(each for chunk in store.tail_labels(since, limit=1) for each in told(chunk))
    assert again == [
        ("p1", "right", "wrong", NOW + 1),
        ("p2", "new", None, NOW),
        ("p7", "soon", None, NOW),
        ("p8", "early", None, NOW),
    ]
    assert sum(map(len, store.tail_labels(0))) == 5
    other = opened(url, "two")
    assert list(other.tail_labels(0)) == []


def test_a_label_that_is_first_and_corrected_since_has_no_previous(store: PredictionStore) -> None:
    since = int(store.add(numbered([1])).seqs.max())
    store.add_labels(labels(("p1", "a", NOW)))
    store.add_labels(labels(("p1", "b", NOW + 1)))
    assert [told(chunk) for chunk in store.tail_labels(since)] == [[("p1", "b", None, NOW + 1)]]


@pytest.fixture
def filled(store: PredictionStore) -> PredictionStore:
    """Twenty predictions, a second between two, the newest first."""
    store.add(
        predictions(
            *(
                item(
                    f"p{n}",
                    timestamp=NOW - n,
                    model="ab"[n % 2],
                    version=str(n % 3),
                    segment={"region": "eu" if n % 4 else "us", "tier": "1"} if n % 5 else None,
                    error_type="timeout" if n == 7 else None,
                )
                for n in range(20)
            )
        )
    )
    store.add_labels(labels(*((f"p{n}", n, NOW) for n in (3, 4, 5, 99))))
    return store


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(), range(20)),
        (Filter(since=NOW - 3), range(4)),
        (Filter(until=NOW - 3), range(4, 20)),
        (Filter(since=NOW - 5, until=NOW - 3), (4, 5)),
        (Filter(model="a"), range(0, 20, 2)),
        (Filter(model="b", version="1"), (1, 7, 13, 19)),
        (Filter(segment=(("region", "us"),)), (4, 8, 12, 16)),
        (Filter(segment=(("region", "eu"), ("tier", "1")), model="a"), (2, 6, 14, 18)),
        (Filter(segment=(("tier", "2"),)), ()),
        (Filter(labelled=True), (3, 4, 5)),
        (Filter(labelled=False, since=NOW - 5), (0, 1, 2)),
        (Filter(failed=True), (7,)),
        (Filter(failed=False, version="1"), (1, 4, 10, 13, 16, 19)),
        (Filter(model="c"), ()),
    ],
)
@pytest.mark.parametrize("chunk", [3, 100])
def test_the_wanted_rows_come_in_the_order_of_time(
    filled: PredictionStore, wanted: Filter, numbers: Any, chunk: int
) -> None:
    found = list(filled.rows(wanted, chunk))
    assert ids(found) == [f"p{n}" for n in sorted(numbers, reverse=True)]
    assert all(len(each) <= chunk for each in found)
    looked_at, last = filled.matching(wanted)
    assert looked_at >= len(numbers)
    assert wanted.segment or looked_at == len(numbers)
    assert ids(filled.rows(dataclasses.replace(wanted, last_seq=last), chunk)) == ids(found)
    assert ids(filled.rows(dataclasses.replace(wanted, last_seq=0), chunk)) == []


def test_rows_of_one_moment_are_all_found(store: PredictionStore) -> None:
    store.add(numbered(range(50), timestamp=NOW))
    assert ids(store.rows(Filter(), 7)) == [f"p{n}" for n in range(50)]


def test_rows_come_with_their_labels(filled: PredictionStore) -> None:
    (found,) = filled.rows(Filter(since=NOW - 4))
    assert found.label == [4, 3, None, None, None]
    assert found.labelled.tolist() == [True, True, False, False, False]
    assert same(found.label_timestamp, np.array([NOW, NOW, math.nan, math.nan, math.nan]))


def test_one_prediction_is_found_by_its_id(filled: PredictionStore) -> None:
    found = filled.find("p3")
    assert isinstance(found, Stored)
    assert (found.predictions.prediction_id, found.label) == (["p3"], [3])
    assert filled.find("p99") is None
    assert filled.label_for(["p99"]) == {"p99": 99}
    assert filled.label_for([]) == {}


def test_features_that_are_not_wanted_are_not_kept(url: str, opened: Opened) -> None:
    store = opened(url, features=False)
    store.add(predictions(FULL))
    found = store.find("p-1")
    assert found is not None
    assert found.predictions.features == [{}]
    assert found.predictions.confidence.tolist() == [0.75]


def test_the_newest_baseline_is_the_current_one(store: PredictionStore) -> None:
    first = StoredBaseline("churn", "1", "aa", 3, NOW, {"rows": 3, "max": math.inf}, b"PAR1\0")
    second = dataclasses.replace(first, hash="bb", content=b"other")
    with store.transaction() as transaction:
        assert transaction.add_baseline(first)
        assert transaction.add_baseline(second)
        assert transaction.add_baseline(dataclasses.replace(first, version="2"))
    assert store.baseline("churn", "1") == second
    assert store.baseline("churn", "1", "aa") == first
    assert store.baseline("churn", "3") is None
    assert [(each.version, each.hash, each.content) for each in store.baselines()] == [
        ("1", "bb", b""),
        ("2", "aa", b""),
    ]
    with store.transaction() as transaction:
        assert not transaction.add_baseline(first)
    assert store.baseline("churn", "1") == first
    assert store.counts()["baselines"] == 3


def test_a_state_is_replaced(store: PredictionStore) -> None:
    store.save_state("a", 1, b"x")
    store.save_state("b", 5, b"y")
    store.save_state("a", 2, b"z" * 100_000)
    assert store.load_state("a") == (2, b"z" * 100_000)
    assert store.load_state("b") == (5, b"y")


def test_the_size_grows_with_what_is_stored(store: PredictionStore) -> None:
    empty = store.size_bytes()
    assert empty > 0
    store.add(numbered(range(2000), version="x" * 200))
    assert store.size_bytes() > empty + 400_000


def test_a_reader_sees_whole_transactions_while_another_writes(store: PredictionStore) -> None:
    sizes: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            sizes.append(store.counts()["predictions"])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for start in range(0, 3000, 100):
            store.add(numbered(range(start, start + 100)))
    finally:
        done.set()
        reader.join()
    assert sizes == sorted(sizes)
    assert all(size % 100 == 0 for size in sizes)


def test_two_writers_of_the_same_ids_store_each_once(url: str, opened: Opened) -> None:
    stores = [opened(url, name) for name in ("one", "two")]
    new: list[int] = []
    faults: list[BaseException] = []

    def write(store: PredictionStore, order: int) -> None:
        try:
            for start in range(0, 500, 50):
                added = store.add(numbered(list(range(start, start + 80))[::order]))
                store.add_labels(labels(*((f"p{n}", n, NOW) for n in range(start, start + 80)[::order])))
                new.append(int(added.new.sum()))
        except BaseException as fault:
            faults.append(fault)

    threads = [
        threading.Thread(target=write, args=(store, order)) for store, order in zip(stores, (1, -1), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert sum(new) == stores[0].counts()["predictions"] == 530
