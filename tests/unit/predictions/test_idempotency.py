"""However predictions and labels come, in whatever order and how often: the same joined set."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from observability.predictions.store import PredictionStore, sqlite_url
from observability.predictions.stored import Filter
from tests.unit.predictions.support import NOW, labels, numbered

_NUMBERS = st.integers(0, 5)
#: (what, number, offset of a label's timestamp): the label says when it was made, so that none of one time differ.
_EVENTS = st.lists(st.tuples(st.sampled_from(["prediction", "label"]), _NUMBERS, st.integers(0, 3)), max_size=20)


def value(number: int, offset: int) -> str:
    """The label of a prediction at a time; every second time it is the same."""
    return f"{number}-{offset // 2}"


def apply(store: PredictionStore, events: list[tuple[str, int, int]], cuts: list[int]) -> dict[str, Any]:
    """Bring ``events`` in transactions that end at ``cuts``; returns what was told of each id last."""
    told: dict[str, Any] = {}
    edges = [0, *sorted({cut for cut in cuts if cut < len(events)}), len(events)]
    for start, end in itertools.pairwise(edges):
        with store.transaction() as transaction:
            for what, number, offset in events[start:end]:
                id_ = f"p{number}"
                if what == "prediction":
                    added = transaction.add(numbered([number]))
                    for label in added.waiting.label:
                        assert id_ not in told, "a label that waited was told before"
                        told[id_] = label
                else:
                    joined = transaction.add_labels(labels((id_, value(number, offset), NOW + offset))).joined
                    for label, previous in zip(joined.label, joined.previous, strict=True):
                        assert previous == told.get(id_), "what a label corrects is what was told before"
                        told[id_] = label
    return told


@given(_EVENTS, st.lists(st.integers(1, 20), max_size=4))
@settings(max_examples=80, deadline=None)
def test_any_order_and_repetition_gives_the_same_joined_set(
    events: list[tuple[str, int, int]], cuts: list[int]
) -> None:
    predicted = {f"p{number}" for what, number, _ in events if what == "prediction"}
    latest: dict[str, int] = {}
    for what, number, offset in events:
        if what == "label":
            latest[f"p{number}"] = max(offset, latest.get(f"p{number}", 0))
    wanted = {id_: value(int(id_[1:]), latest[id_]) for id_ in predicted & set(latest)}
    with tempfile.TemporaryDirectory() as folder:
        store = PredictionStore(sqlite_url(Path(folder) / "store.sqlite"), writer="one")
        try:
            told = apply(store, events, cuts)
            assert told == wanted
            stored: dict[str, Any] = {}
            for chunk in store.rows(Filter()):
                for id_, label, labelled in zip(
                    chunk.predictions.prediction_id, chunk.label, chunk.labelled, strict=True
                ):
                    assert id_ not in stored
                    stored[id_] = label if labelled else None
            assert stored == {id_: wanted.get(id_) for id_ in predicted}
            again = {
                id_: label
                for joined in store.tail_labels(0, limit=2)
                for id_, label in zip(joined.prediction_id, joined.label, strict=True)
            }
            assert again == wanted
            apply_again = store.add_labels(
                labels(*((f"p{n}", value(n, offset), NOW + offset) for what, n, offset in events if what == "label"))
            )
            assert (apply_again.new, apply_again.changed) == (0, 0)
        finally:
            store.close()
