"""Approximate token counts where a model's tokenizer is not at hand."""

from __future__ import annotations

import functools

from observability.tokens.coefficients import COEFFICIENTS, HELD_OUT
from observability.tokens.segments import classes, is_short, is_word, piece_features, pieces, text_features

#: Pieces longer than this are worked out each time, and this many are remembered: what is kept is bounded.
_REMEMBERED_LENGTH = 64
_REMEMBERED_PIECES = 20_000

#: Tokens of one piece, and whether it is a word, a spaced word, a short word (0 or 1 each).
_Worth = tuple[float, int, int, int]


class Approximation:
    """Counts tokens as one family of tokenizers would: a linear function of the text's features.

    :param family: one of :data:`FAMILIES`.
    :raises KeyError: for another name.
    """

    def __init__(self, family: str) -> None:
        self.family = family
        self._per_unit = COEFFICIENTS[family]
        self._known: dict[str, _Worth] = {}

    @property
    def error(self) -> tuple[float, float]:
        """Median and 95th percentile of |approximate / true - 1| on texts that were not fitted."""
        return HELD_OUT[self.family]

    def count(self, text: str) -> int:
        """Tokens of ``text``: 0 for the empty text, else at least 1."""
        if not text:
            return 0
        class_string = classes(text)
        total = 0.0
        words = spaced = short = 0
        known = self._known
        for piece, times in pieces(class_string).items():
            tokens, word, after_space, of_few_letters = known.get(piece) or self._worth(piece)
            total += tokens * times
            if word:
                words += times
                spaced += after_space * times
                short += of_few_letters * times
        whole = text_features(text, class_string, words, spaced, short)
        total += sum(self._per_unit.get(name, 0.0) * value for name, value in whole.items())
        return max(1, round(total))

    def _worth(self, piece: str) -> _Worth:
        tokens = sum(self._per_unit.get(name, 0.0) * value for name, value in piece_features(piece).items())
        worth = (tokens, int(is_word(piece)), int(piece.startswith(" ")), int(is_short(piece)))
        if len(piece) <= _REMEMBERED_LENGTH:
            if len(self._known) >= _REMEMBERED_PIECES:
                self._known.clear()
            self._known[piece] = worth
        return worth


#: The tokenizer families that coefficients are fitted for.
FAMILIES: tuple[str, ...] = tuple(COEFFICIENTS)


@functools.cache
def approximation(family: str) -> Approximation:
    """The approximation of ``family``, one for the process."""
    return Approximation(family)
