"""Steps around calls, and verdicts → numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from observability import catalogue
from observability.catalogue import Family
from observability.columns import Floats, Ints, Keys
from observability.metrics import Metrics
from observability.records import UNKNOWN, Evaluations, Steps, durations


@dataclass(frozen=True, slots=True)
class _Families:
    """What one operation moves; ``counter`` has a label for the outcome, ``duration`` has not."""

    counter: Family | None
    duration: Family | None
    failed: str = "error"
    passed: str = "success"


_FAMILIES = {
    "execute_tool": _Families(catalogue.LLM_TOOL_CALLS, catalogue.LLM_TOOL_DURATION),
    "invoke_agent": _Families(catalogue.LLM_AGENT_RUNS, catalogue.LLM_AGENT_DURATION),
    "invoke_workflow": _Families(catalogue.LLM_WORKFLOW_RUNS, catalogue.LLM_WORKFLOW_DURATION),
    "retrieval": _Families(catalogue.RAG_RETRIEVALS, catalogue.RAG_RETRIEVAL_LATENCY),
    "rerank": _Families(None, catalogue.RAG_RERANK_LATENCY),
    "guardrail": _Families(catalogue.LLM_GUARDRAIL_CHECKS, None, failed="triggered", passed="passed"),
    "mcp": _Families(catalogue.LLM_MCP_REQUESTS, catalogue.LLM_MCP_DURATION),
}


def measure_steps(metrics: Metrics, steps: Steps, inside: Ints) -> None:
    """Put ``steps`` into their families; ``inside`` (n,) are the calls and tool executions in each agent."""
    duration = durations(steps.start_ns, steps.end_ns)
    for operation, families in _FAMILIES.items():
        for labels, rows in _by_name(steps, np.flatnonzero(steps.operation.equals(operation))):
            if families.counter is not None:
                failed = int(np.count_nonzero(steps.failed[rows]))
                metrics.increase(families.counter, (*labels, families.passed), len(rows) - failed)
                metrics.increase(families.counter, (*labels, families.failed), failed)
            if families.duration is not None:
                _observe(metrics, families.duration, labels, duration[rows], steps.trace_id[rows])
            if operation == "invoke_agent":
                steps_inside = inside[rows].astype(np.float64)
                _observe(metrics, catalogue.LLM_AGENT_STEPS, labels, steps_inside, steps.trace_id[rows])
            elif operation == "retrieval":
                _documents(metrics, labels, steps, rows)


def measure_evaluations(metrics: Metrics, evaluations: Evaluations) -> None:
    """Put verdicts into their families."""
    for row in range(len(evaluations)):
        labels = (
            evaluations.service[row] or UNKNOWN,
            evaluations.model[row] or UNKNOWN,
            evaluations.name[row] or UNKNOWN,
        )
        word = "error" if evaluations.failed[row] else evaluations.label[row] or "none"
        metrics.increase(catalogue.LLM_EVALUATIONS, (*labels, word))
        score = evaluations.score[row : row + 1]
        if not np.isnan(score[0]):
            _observe(metrics, catalogue.LLM_EVALUATION_SCORE, labels, score, evaluations.trace_id[row : row + 1])


def _documents(metrics: Metrics, labels: tuple[str, ...], steps: Steps, rows: Ints) -> None:
    told = rows[steps.documents[rows] >= 0]
    if len(told):
        documents = steps.documents[told].astype(np.float64)
        _observe(metrics, catalogue.RAG_RETRIEVED_DOCUMENTS, labels, documents, steps.trace_id[told])
    scores = [score for row in rows.tolist() for score in steps.scores[row] or ()]
    if scores:
        _observe(metrics, catalogue.RAG_DOCUMENT_SCORE, labels, np.array(scores, np.float64), None)


def _observe(metrics: Metrics, family: Family, labels: tuple[str, ...], values: Floats, trace_ids: Keys | None) -> None:
    ids = metrics.series(family, [labels], np.array([len(values)]))
    metrics.observe_many(family, np.repeat(ids, len(values)), values, trace_ids)


def _by_name(steps: Steps, rows: Ints) -> Iterator[tuple[tuple[str, str], Ints]]:
    """((service, name), rows) for each combination among ``rows``."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in rows.tolist():
        found.setdefault((steps.service[row] or UNKNOWN, steps.name[row] or UNKNOWN), []).append(row)
    for labels, members in found.items():
        yield labels, np.array(members, np.int64)
