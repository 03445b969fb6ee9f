"""Checks of what an item maps names to: features, probabilities and segments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from observability.predictions.checks import MAYBE_NUMBER, NUMBER, ROUNDING, Errors, Limits, kind, pointer, unfit

_NONE = type(None)
_SCALARS = frozenset((int, float, bool, _NONE))
_TEXTS = frozenset((int, float, bool, _NONE, str))


def features(values: list[Any], name: str, errors: Errors, limits: Limits) -> list[dict[str, Any]]:
    """``values`` (n,) as objects of numbers, booleans, texts, lists of numbers (embeddings) and ``null`` (missing)."""
    rows = _objects(values, name, errors)
    for names, members in _shapes(rows).items():
        why = unfit(names, limits.name_length) or ("must not be empty" if "" in names else None)
        if len(names) > limits.features:
            why = f"has {len(names)} features, more than {limits.features}"
        if why:
            for row in members:
                errors.add(row, pointer(name), why if len(names) > limits.features else f"the name of a feature {why}")
        elif names:
            alike = rows if len(members) == len(rows) else [rows[row] for row in members]
            columns = zip(*map(dict.values, alike), strict=True)
            for feature, column in zip(names, columns, strict=True):
                _feature(column, feature, members, name, errors, limits)
    return rows


def _shapes(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], Sequence[int]]:
    """Names of features → the rows that have them, in that order."""
    shapes: dict[tuple[str, ...], list[int]] = {}
    names = list(map(tuple, rows))
    if len(set(names)) == 1:
        return {names[0]: range(len(rows))}
    for row, each in enumerate(names):
        shapes.setdefault(each, []).append(row)
    return {**shapes}


def _feature(
    column: tuple[Any, ...], feature: str, members: Sequence[int], name: str, errors: Errors, limits: Limits
) -> None:
    """Check one feature of the rows ``members``."""
    kinds = set(map(type, column))
    if kinds <= _SCALARS:
        return
    texts = {value for value in column if type(value) is str}
    if kinds <= _TEXTS and not unfit(texts, limits.text_length):
        return
    for row, value in zip(members, column, strict=True):
        if why := _wrong(value, limits):
            errors.add(row, pointer(name, feature), why)


def _wrong(value: Any, limits: Limits) -> str | None:
    if type(value) is str:
        return unfit((value,), limits.text_length)
    if type(value) is list:
        if not value:
            return "must not be an empty list"
        if len(value) > limits.embedding_length:
            return f"has {len(value)} numbers, more than {limits.embedding_length}"
        if not set(map(type, value)) <= NUMBER:
            return "must be a list of numbers only"
        return None
    if type(value) in _SCALARS:
        return None
    return f"must be a number, text, boolean, list of numbers or null, not {kind(value)}"


def probabilities(values: list[Any], name: str, errors: Errors, limits: Limits) -> list[dict[str, float] | None]:
    """``values`` (n,) as the probability of each class, ``None`` where there are none."""
    if set(map(type, values)) == {_NONE}:
        return values
    rows = _objects(values, name, errors)
    for row in [row for row, classes in enumerate(rows) if len(classes) > limits.classes]:
        errors.add(row, pointer(name), f"has {len(rows[row])} classes, more than {limits.classes}")
    flat = list(chain.from_iterable(classes.values() for classes in rows))
    longest = unfit(set(chain.from_iterable(rows)), limits.name_length)
    if longest is None and set(map(type, flat)) <= NUMBER:
        found = np.array(flat, np.float64)
        if not ((found < 0) | (found > 1) | np.isnan(found)).any():
            return [classes or None for classes in rows]
    return [_probabilities(row, classes, name, errors, limits) for row, classes in enumerate(rows)]


def _probabilities(
    row: int, classes: dict[str, Any], name: str, errors: Errors, limits: Limits
) -> dict[str, float] | None:
    if why := unfit(classes, limits.name_length):
        errors.add(row, pointer(name), f"the name of a class {why}")
    fixed: dict[str, float] = {}
    for each, value in classes.items():
        if value is None or (type(value) is float and math.isnan(value)):
            continue  # what a table has in the columns of classes that a model does not know
        if type(value) not in MAYBE_NUMBER:
            errors.add(row, pointer(name, each), f"must be a number, not {kind(value)}")
        elif not -ROUNDING <= value <= 1 + ROUNDING:
            errors.add(row, pointer(name, each), f"must be between 0 and 1, not {value:g}")
        else:
            fixed[each] = min(max(value, 0.0), 1.0)
    return fixed or None


def segments(values: list[Any], name: str, errors: Errors, limits: Limits) -> list[dict[str, str]]:
    """``values`` (n,) as texts by name; numbers and booleans stand for what they look like in JSON."""
    if set(map(type, values)) == {_NONE}:
        return [{} for _ in values]
    rows = _objects(values, name, errors)
    if set(map(type, chain.from_iterable(segment.values() for segment in rows))) <= {str}:
        found = set(chain.from_iterable(chain.from_iterable(segment.items() for segment in rows)))
        if max(map(len, rows), default=0) <= limits.segments and not unfit(found, limits.name_length):
            return rows
    for row, segment in enumerate(rows):
        if len(segment) > limits.segments:
            errors.add(row, pointer(name), f"has {len(segment)} keys, more than {limits.segments}")
        rows[row] = fixed = _as_texts(row, segment, name, errors)
        if why := unfit((*fixed, *fixed.values()), limits.name_length):
            errors.add(row, pointer(name), f"one of its keys or values {why}")
    return rows


def _as_texts(row: int, segment: dict[str, Any], name: str, errors: Errors) -> dict[str, str]:
    fixed: dict[str, str] = {}
    for key, value in segment.items():
        if type(value) is str:
            fixed[key] = value
        elif type(value) is bool:
            fixed[key] = "true" if value else "false"
        elif type(value) in NUMBER:
            fixed[key] = str(value)
        elif value is not None:
            errors.add(row, pointer(name, key), f"must be a text, not {kind(value)}")
    return fixed


def _objects(values: list[Any], name: str, errors: Errors) -> list[dict[str, Any]]:
    """``values`` as mappings, an empty one where there is none."""
    if set(map(type, values)) == {dict}:
        return list(values)
    rows: list[dict[str, Any]] = []
    for row, value in enumerate(values):
        if value is not None and type(value) is not dict:
            errors.add(row, pointer(name), f"must be an object, not {kind(value)}")
        rows.append(value if type(value) is dict else {})
    return rows
