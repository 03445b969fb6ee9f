"""What is remembered of spans, against dictionaries."""

from __future__ import annotations

import numpy as np
import pytest

from observability.columns import Bools
from observability.identity.seen import Seen

_SIZE, _LARGEST_BATCH = 5000, 900


@pytest.mark.parametrize("seed", range(3))
def test_the_last_keys_are_found_with_their_last_words_and_no_others(seed: int) -> None:
    random = np.random.default_rng(seed)
    seen = Seen(_SIZE)
    recent: dict[int, int] = {}  # in the order in which they were put, the last at the end
    for round_ in range(30):
        keys = np.unique(random.integers(1, 40_000, random.integers(1, _LARGEST_BATCH)).astype(np.uint64))
        words = keys * np.uint64(7) + np.uint64(round_)
        seen.update(keys, words)
        for key, word in zip(keys.tolist(), words.tolist(), strict=True):
            recent.pop(key, None)
            recent[key] = word
        last = list(recent)[-_SIZE // 2 :]  # each of them was put within the last _SIZE entries
        held, found = seen.look_up(np.array(last, np.uint64))
        assert held.all()
        assert found.tolist() == [recent[key] for key in last]
        held, found = seen.look_up(np.arange(1, 50_000, dtype=np.uint64))
        assert all(recent[key] == word for key, word in zip(_keys(held), found[held].tolist(), strict=True))
        assert len(seen) < 2 * (_SIZE + _LARGEST_BATCH)


def _keys(held: Bools) -> list[int]:
    return (np.flatnonzero(held) + 1).tolist()


def test_the_key_of_no_span_is_never_found() -> None:
    seen = Seen(_SIZE)
    seen.update(np.array([0, 5], np.uint64), np.array([1, 2], np.uint64))
    assert seen.look_up(np.array([0, 5], np.uint64))[0].tolist() == [False, True]
    assert seen.of(np.array([0, 5, 5], np.uint64)).tolist() == [5]


def test_the_key_of_no_span_is_not_found_where_a_search_for_others_ends() -> None:
    keys = np.arange(1, 3000, dtype=np.uint64)
    seen = Seen(3000)
    seen.update(keys, keys)
    seen._young._keys[0] = 5  # where 0 would be
    assert seen.look_up(np.array([0], np.uint64))[0].tolist() == [False]


def test_nothing_is_found_before_anything_was_seen() -> None:
    held, words = Seen(_SIZE).look_up(np.array([1, 2**63], np.uint64))
    assert not held.any()
    assert not words.any()


def test_a_table_grows_by_a_batch_larger_than_it_is() -> None:
    keys = np.arange(1, 100_001, dtype=np.uint64)
    seen = Seen(10)
    seen.update(keys, keys)
    held, words = seen.look_up(keys)
    assert held.all()
    assert (words == keys).all()
