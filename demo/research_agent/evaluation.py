"""Verdicts on answers, in the terms of the ``gen_ai.evaluation.result`` event."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from opentelemetry import _logs

EVENT = "gen_ai.evaluation.result"
GROUNDEDNESS, HELPFULNESS = "groundedness", "helpfulness"
#: Scores from here on are a pass.
_PASS = {GROUNDEDNESS: 0.8, HELPFULNESS: 0.6}
_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score from 0 to 1."""

    name: str
    score: float

    @property
    def label(self) -> str:
        """``pass`` or ``fail``."""
        return "pass" if self.score >= _PASS[self.name] else "fail"

    def attributes(self) -> dict[str, str | float]:
        """Attributes of the event."""
        return {
            "gen_ai.evaluation.name": self.name,
            "gen_ai.evaluation.score.value": round(self.score, 4),
            "gen_ai.evaluation.score.label": self.label,
        }


def grounded(answer: str, source: str) -> Verdict:
    """The share of the longer words of ``answer`` that stand in ``source``; an empty answer claims nothing: 1."""
    known = set(_WORD.findall(source.lower()))
    said = _WORD.findall(answer.lower())
    return Verdict(GROUNDEDNESS, sum(word in known for word in said) / len(said) if said else 1.0)


def tell(verdict: Verdict, model: str) -> None:
    """Send ``verdict`` on an answer of ``model`` as a log event within the current trace."""
    _logs.get_logger("demo.research_agent").emit(
        _logs.LogRecord(
            timestamp=time.time_ns(),
            severity_number=_logs.SeverityNumber.INFO,
            event_name=EVENT,
            attributes={**verdict.attributes(), "gen_ai.response.model": model},
        )
    )
