"""What the simulator "understands": tokens, hashed embeddings, extractive answers and values for a JSON schema.

Everything here is a pure function of its arguments: the same request always gets the same answer.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

_PIECE = re.compile(r"\w{1,5}|[^\w\s]")
_WORD = re.compile(r"[a-z0-9]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_STOPWORDS = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been but by can do does for from had has have how i if in is it its me my no not of on
        or our should so than that the their them then there they this to us was we were what when where which who
        will with would you your""",
    )
)


def pieces(text: str) -> list[str]:
    """The tokens of ``text``: runs of up to five word characters, and single punctuation marks.

    That is about 1.3 tokens a word in English, which is what byte-pair encodings give.
    """
    return _PIECE.findall(text)


def number(*parts: object, below: int) -> int:
    """A reproducible number in ``[0, below)`` that depends on all ``parts``."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % below


def unit(*parts: object) -> float:
    """A reproducible number in ``(0, 1)`` that depends on all ``parts``."""
    return (number(*parts, below=2**52) + 0.5) / 2**52


def stems(text: str) -> list[str]:
    """Content words of ``text`` in lower case without their commonest English endings."""
    return [
        re.sub(r"(?<=\w{3})(ing|ed|es|s)$", "", word) for word in _WORD.findall(text.lower()) if word not in _STOPWORDS
    ]


def embed(text: str, dimensions: int) -> list[float]:
    """A unit vector of length ``dimensions`` for ``text``: the signed hashing trick over its stems.

    Texts that share content words have a high cosine similarity (Weinberger et al., "Feature Hashing for Large Scale
    Multitask Learning", 2009). A text without content words is the first basis vector, since zero has no direction.
    """
    vector = [0.0] * dimensions
    for stem, count in Counter(stems(text)).items():
        bits = number("embedding", stem, below=2**62)
        vector[bits % dimensions] += (1 if bits >> 61 else -1) * (1 + math.log(count))
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0:
        return [1.0] + [0.0] * (dimensions - 1)
    return [value / length for value in vector]


def sentences(text: str) -> list[str]:
    """``text`` cut at sentence ends and line breaks, empty parts left out."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def overlap(left: Iterable[str], right: Iterable[str]) -> float:
    """How much two bags of stems share: cosine of their sets, 0 to 1."""
    a, b = set(left), set(right)
    return len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def extract_answer(question: str, context: str, count: int = 3) -> str:
    """The ``count`` sentences of ``context`` that share most with ``question``, in their own order."""
    asked = stems(question)
    scored = [
        (overlap(asked, stems(sentence)), -position, sentence)
        for position, sentence in enumerate(dict.fromkeys(sentences(context)))
        if sentence != question
    ]
    best = sorted((item for item in scored if item[0] > 0), reverse=True)[:count]
    if not best:
        return "I do not find that in what I was given. Could you tell me a little more about it?"
    return " ".join(sentence for _, _, sentence in sorted(best, key=lambda item: -item[1]))


def value_for(schema: dict[str, Any], text: str, path: str = "$") -> Any:
    """A value that satisfies ``schema`` (the part of JSON Schema that structured outputs allow), taken from ``text``.

    An enum value is chosen by the words it shares with ``text`` (its own, or those in ``description`` after
    ``value:``), a string with a ``pattern`` is the first match in ``text`` (empty if there is none), and numbers and
    booleans follow from a hash.
    """
    if "enum" in schema:
        return _choose([str(value) for value in schema["enum"]], str(schema.get("description", "")), text)
    kind = schema.get("type", "string")
    if kind == "object":
        properties: dict[str, Any] = schema.get("properties", {})
        return {name: value_for(part, text, f"{path}.{name}") for name, part in properties.items()}
    if kind == "array":
        return [value_for(schema.get("items", {}), text, f"{path}[]")]
    if kind == "boolean":
        return number(path, text, below=2) == 1
    if kind == "integer":
        low, high = int(schema.get("minimum", 0)), int(schema.get("maximum", 10))
        return low + number(path, text, below=high - low + 1)
    if kind == "number":
        low_, high_ = float(schema.get("minimum", 0)), float(schema.get("maximum", 1))
        return round(low_ + (high_ - low_) * unit(path, text), 3)
    if pattern := schema.get("pattern"):
        match = re.search(str(pattern).removeprefix("^").removesuffix("$"), text)
        return match.group(0) if match else ""
    return next(iter(sentences(text)), "")


def _choose(values: list[str], description: str, text: str) -> str:
    """The value whose hints share most words with ``text``; a tie goes to the first, as a model prefers the top."""
    hints = dict(re.findall(r"(\w+):\s*([^;]+)", description))
    asked = stems(text)
    return max(values, key=lambda value: overlap(stems(f"{value} {hints.get(value, '')}"), asked))
