"""Which attributes of a body are kept until its spans are translated.

Content (prompts, answers, documents) is most of a span's bytes, and only what leaves something open is looked up in it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from observability.columns import Bools, Ints, Text
from observability.vocabulary import operations
from observability.vocabulary.meaning import meaning_of

#: Fields that only content could say otherwise.
_COMPLETING = ("response_id", "response_model", "output")
#: Lists whose elements are numbers of ours, not content.
_COUNTED_LISTS = frozenset({"documents", "evaluations"})


class _Use(NamedTuple):
    kept: bool
    content: bool
    completes: tuple[bool, ...]  # of _COMPLETING


class Selection:
    """Chooses attributes; for any thread."""

    def __init__(self, names: frozenset[str], *, content: bool) -> None:
        """``names`` are kept whatever they are; with ``content`` all content is."""
        self._names = names
        self._content = content
        self._use = lru_cache(maxsize=20_000)(self._look_up)
        self._uses = lru_cache(maxsize=256)(self._look_up_all)

    def __call__(self, keys: Text, owner: Ints, spans: int) -> Bools:
        """Mask of the attributes that are kept; ``owner`` is the span of each, below ``spans``."""
        kept, content, completes = self._uses(keys.values)
        if self._content or not content.any():
            return (kept | content)[keys.codes]
        times = np.bincount(keys.codes, minlength=len(keys.values))
        complete = np.ones(spans, np.bool_)
        for completing in completes:
            if (times[completing] == spans).any():  # every span has this very attribute
                continue
            said = np.zeros(spans, np.bool_)
            said[owner[completing[keys.codes]]] = True
            complete &= said
        if complete.all():
            return kept[keys.codes]
        return kept[keys.codes] | (content[keys.codes] & ~complete[owner])

    def _look_up_all(self, names: tuple[str, ...]) -> tuple[Bools, Bools, tuple[Bools, ...]]:
        """Of each name: whether it is kept, whether it is content, and whether it fills each of _COMPLETING."""
        uses = [self._use(name) for name in names]
        completes = (np.array([use.completes[place] for use in uses], np.bool_) for place in range(len(_COMPLETING)))
        return (
            np.array([use.kept for use in uses], np.bool_),
            np.array([use.content for use in uses], np.bool_),
            tuple(completes),
        )

    def _look_up(self, name: str) -> _Use:
        meaning = meaning_of(name)
        content = any(rule.kind == "any" for rule in meaning.rules)
        counted = meaning.element is not None and meaning.element.field in _COUNTED_LISTS
        if meaning.element is not None and not counted:
            content = True
        kept = (
            (bool(meaning.rules) and not content)
            or counted
            or meaning.untranslated is not None
            or name in operations.NAMES
            or name in self._names
        )
        completes = tuple(any(rule.field == field for rule in meaning.rules) for field in _COMPLETING)
        return _Use(kept, content and not kept, completes)
