"""Which attributes of a body are kept until its spans are translated.

Content (prompts, answers, documents) is most of a span's bytes, and only what leaves something open is looked up in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from observability.columns import Bools, Ints
from observability.conversations.allowance import Allowance
from observability.translate.predictions import PREFIX
from observability.vocabulary import operations
from observability.vocabulary.meaning import meaning_of

#: Fields that only content could say otherwise.
_COMPLETING = ("response_id", "response_model", "output")
#: Fields that tell a call of a model from what is around it, and those that hold what was asked and answered.
_OF_CALLS = frozenset({"request_model", "response_model", "invocation"})
_MESSAGES = frozenset({"input_messages", "output_messages"})
#: Lists whose elements are numbers of ours, not content.
_COUNTED_LISTS = frozenset({"documents", "evaluations"})


class _Use(NamedTuple):
    kept: bool
    content: bool
    completes: tuple[bool, ...]  # of _COMPLETING
    of_calls: bool
    messages: bool


class Selection:
    """Chooses attributes; for any thread."""

    def __init__(self, names: frozenset[str], *, content: bool, allowance: Allowance | None = None) -> None:
        """``names`` are kept whatever they are; with ``content`` all content is. Of the calls that have content as many
        are sampled as ``allowance`` grants, none without one.
        """
        self._names = names
        self._content = content
        self._allowance = allowance
        self._use = lru_cache(maxsize=20_000)(self._look_up)

    def keeps(self, key: str) -> bool:
        """Whether attributes with this key are kept, of every span."""
        return self._use(key).kept

    def sampled(self, spans_of: Mapping[str, Sequence[Ints]], events: Ints, spans: int) -> Bools:
        """Mask of the calls whose prompt and answer are looked at; ``spans_of`` are the spans that have each key, in
        pieces, of ``spans`` spans, and ``events`` those that have an event.
        """
        chosen = np.zeros(spans, np.bool_)
        if self._allowance is None:
            return chosen
        uses = {key: self._use(key) for key in spans_of}
        talk, calls = np.zeros(spans, np.bool_), np.zeros(spans, np.bool_)
        talk[events] = True
        for mask, keys in (
            (talk, [key for key, use in uses.items() if use.messages]),
            (calls, [key for key, use in uses.items() if use.of_calls]),
        ):
            for key in keys:
                for rows in spans_of[key]:
                    mask[rows] = True
        candidates = np.flatnonzero(talk & calls)
        if len(candidates):
            chosen[self._allowance.some_of(candidates)] = True
        return chosen

    def more(self, spans_of: Mapping[str, Sequence[Ints]], sampled: Bools) -> dict[str, Bools | None]:
        """The content that is kept, by its keys, with a mask of the spans for which it is (``None``: all): of those
        that are ``sampled``, and of those that leave something open.
        """
        uses = {key: self._use(key) for key in spans_of}
        content = [key for key, use in uses.items() if use.content]
        if self._content or not content:
            return dict.fromkeys(content)
        open_ = sampled.copy()
        for field in range(len(_COMPLETING)):
            said = np.zeros(len(sampled), np.bool_)
            for key in (key for key, use in uses.items() if use.completes[field]):
                for rows in spans_of[key]:
                    said[rows] = True
            open_ |= ~said
        return dict.fromkeys(content, open_) if open_.any() else {}

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
            or name.startswith(PREFIX)
        )
        completes = tuple(any(rule.field == field for rule in meaning.rules) for field in _COMPLETING)
        fields = {rule.field for rule in meaning.rules}
        messages = bool(fields & _MESSAGES) or (meaning.element is not None and meaning.element.field in _MESSAGES)
        return _Use(kept, content and not kept, completes, bool(fields & _OF_CALLS), messages)
