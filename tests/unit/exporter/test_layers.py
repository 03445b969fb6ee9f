"""Retrievals and rerankings inside others: each layer of a framework tells of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.unit.exporter.support import Core, request, span

FAMILIES = {"RETRIEVER": "rag_retrievals_total", "RERANKER": "rag_rerank_latency_seconds_count"}


def step(kind: str, parent: Span | None = None, **more: Any) -> Span:
    return span({"openinference.span.kind": kind, **more}, name=kind.lower(), parent=parent)


def counted(kind: str, *batches: Iterable[Span]) -> int:
    with Core(settle_seconds=0.0) as core:
        for place, batch in enumerate(batches):
            core.take(request(batch), now=float(place))
            core.measure(float(place))
        return int(core.total(FAMILIES[kind]))


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_step_inside_another_of_its_kind_is_part_of_it(kind: str) -> None:
    outer = step(kind)
    chain = step("CHAIN", outer)
    inner = [step(kind, chain), step(kind, outer)]
    innermost = step(kind, inner[0])
    spans = [outer, chain, *inner, innermost]
    assert counted(kind, spans) == 1
    assert counted(kind, spans[::-1]) == 1


@pytest.mark.parametrize("kind", FAMILIES)
def test_steps_beside_each_other_are_several(kind: str) -> None:
    chain = step("CHAIN")
    assert counted(kind, [step(kind, chain), step(kind, chain), chain]) == 2


def test_a_reranking_inside_a_retrieval_is_one_of_each() -> None:
    retrieval = step("RETRIEVER")
    spans = [retrieval, step("RERANKER", retrieval)]
    assert (counted("RETRIEVER", spans), counted("RERANKER", spans)) == (1, 1)


@pytest.mark.parametrize("between", ["TOOL", "AGENT"])
def test_what_a_tool_or_an_agent_retrieves_during_a_retrieval_is_a_retrieval_of_its_own(between: str) -> None:
    outer = step("RETRIEVER")
    middle = step(between, outer)
    assert counted("RETRIEVER", [outer, middle, step("RETRIEVER", middle)]) == 2


def test_layers_that_settle_alone_from_the_inside_or_from_the_outside_count_once() -> None:
    outer = step("RETRIEVER")
    chain = step("CHAIN", outer)
    inner = step("RETRIEVER", chain)
    innermost = step("RETRIEVER", inner)
    layers = [outer, chain, inner, innermost]
    assert counted("RETRIEVER", [innermost], [inner], [chain], [outer]) == 1
    assert counted("RETRIEVER", *([each] for each in layers)) == 1
    assert counted("RETRIEVER", [inner], layers[:2]) == 1


def test_the_outermost_has_the_documents_of_the_layer_below() -> None:
    outer = step("RETRIEVER")
    documents = {f"retrieval.documents.{place}.document.score": 0.5 for place in range(3)}
    with Core() as core:
        core.take(request([outer, step("RETRIEVER", outer, **documents)]))
        core.measure()
        assert core.total("rag_retrieved_documents_sum") == 3
