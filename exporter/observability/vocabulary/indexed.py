"""Lists that dialects flatten into one attribute per element: ``retrieval.documents.0.document.score`` and the like."""

from __future__ import annotations

import re
from typing import NamedTuple

#: What is numbered: the field that the elements belong to.
_LISTS = {
    "retrieval.documents": "documents",
    "reranker.output_documents": "documents",
    "llm.input_messages": "input_messages",
    "llm.output_messages": "output_messages",
    "gen_ai.prompt": "input_messages",
    "gen_ai.completion": "output_messages",
    "llm.prompts": "input_messages",
    "llm.completions": "output_messages",
    "evaluations": "evaluations",
    "annotations": "evaluations",
}
_INDEXED = re.compile(rf"({'|'.join(re.escape(name) for name in _LISTS)})\.(\d{{1,6}})(?:\.(.+))?")
_NUMBER = re.compile(r"\.\d+(?=\.|$)")


class Element(NamedTuple):
    """An attribute of the element ``place`` of the list ``field``; ``leaf`` is the rest of its name."""

    field: str
    place: int
    leaf: str


def element(name: str) -> Element | None:
    """``element("retrieval.documents.0.document.score") == ("documents", 0, "document.score")``."""
    match = _INDEXED.fullmatch(name)
    return None if match is None else Element(_LISTS[match[1]], int(match[2]), match[3] or "")


def unnumbered(name: str) -> str:
    """``name`` with ``N`` for every index, so that a list is one name."""
    return _NUMBER.sub(".N", name)
