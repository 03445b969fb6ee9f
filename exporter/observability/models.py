"""Which model answers for the name that is asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from observability.columns import ABSENT, Coded
from observability.grouping import group_texts
from observability.records import Calls

_REMEMBERED = 4096


class Answering:
    """(service, model asked for) → the model that last answered; bounded, for one thread.

    Errors and abandoned streams know only the name asked for (``gpt-4o``), answers the exact one
    (``gpt-4o-2024-08-06``): under two names no ratio of errors to requests by model would be right.
    """

    def __init__(self, known: Iterable[tuple[str, str, str]] = ()) -> None:
        """``known``: (service, model asked for, model that answered), oldest first."""
        self._models: OrderedDict[tuple[str, str], str] = OrderedDict()
        for service, asked, answered in known:
            self._remember((service, asked), answered)

    def named(self, calls: Calls) -> Calls:
        """``calls`` with the label ``model`` of those that nothing answered as the others have it.

        What is learnt from ``calls`` themselves counts for all of them, whatever their order; of several models the
        last to end.
        """
        first, group = group_texts(calls.service, calls.request_model, calls.response_model)
        ended = np.zeros(len(first), np.int64)
        np.maximum.at(ended, group, calls.end_ns)
        answers: list[tuple[int, str, tuple[str, str]]] = []
        silent: list[tuple[int, tuple[str, str]]] = []
        for place, row in enumerate(first.tolist()):
            asked = calls.request_model[row]
            if asked is None:
                continue
            key = (calls.service[row] or "", asked)
            answered = calls.response_model[row]
            if answered is None:
                silent.append((place, key))
            else:
                answers.append((int(ended[place]), answered, key))
        for _, answered, key in sorted(answers):
            self._remember(key, answered)
        renamed = {place: model for place, key in silent if (model := self._models.get(key)) is not None}
        if not renamed:
            return calls
        values = list(calls.model.values)
        codes = {value: code for code, value in enumerate(values)}
        new = np.full(len(first), ABSENT, np.int32)
        for place, model in renamed.items():
            if model not in codes:
                codes[model] = len(values)
                values.append(model)
            new[place] = codes[model]
        changed = new[group]
        return replace(calls, model=Coded(np.where(changed == ABSENT, calls.model.codes, changed), tuple(values)))

    def _remember(self, key: tuple[str, str], model: str) -> None:
        self._models[key] = model
        self._models.move_to_end(key)
        if len(self._models) > _REMEMBERED:
            self._models.popitem(last=False)
