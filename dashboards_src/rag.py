"""Retrieval: how often, how long, how many documents with which scores, and the reranker after it."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards_src import measures, panels, promql
from dashboards_src.grafana import Line, even
from observability.catalogue import (
    RAG_DOCUMENT_SCORE,
    RAG_RERANK_LATENCY,
    RAG_RETRIEVAL_LATENCY,
    RAG_RETRIEVALS,
    RAG_RETRIEVED_DOCUMENTS,
)
from observability.settings import Settings

NO_RETRIEVAL = "No retrieval spans yet"


def lines(settings: Settings) -> Sequence[Line]:
    return [_traffic(settings), _documents(settings), _quality()]


def _traffic(settings: Settings) -> Line:
    return even(
        8,
        measures.per_minute(
            "Retrievals per minute",
            "Retrievals of each retriever; the height of the stack is the total.",
            RAG_RETRIEVALS,
            "retriever",
            no_value=NO_RETRIEVAL,
        ),
        measures.failed(
            "Failed retrievals",
            "Share of the retrievals of each retriever that ended in an error.",
            RAG_RETRIEVALS,
            "retriever",
            window=settings.alerts.window,
            no_value=NO_RETRIEVAL,
        ),
        measures.quantiles(
            "Retrieval latency",
            "Duration of a retrieval.",
            RAG_RETRIEVAL_LATENCY,
            (0.5, 0.95),
            unit="s",
            no_value=NO_RETRIEVAL,
        ),
    )


def _documents(settings: Settings) -> Line:
    by = ("retriever",)
    # Prometheus writes the bound 0 as "0.0", and older ones as "0".
    empty = promql.rate(promql.series(RAG_RETRIEVED_DOCUMENTS, part="bucket", le="=~0|0.0"), settings.alerts.window)
    every = promql.rate(promql.series(RAG_RETRIEVED_DOCUMENTS, part="count"), settings.alerts.window)
    return even(
        8,
        measures.distribution(
            "Documents per retrieval",
            "How many documents a retrieval returned. The lowest band is those that found nothing.",
            RAG_RETRIEVED_DOCUMENTS,
            unit="none",
            no_value=NO_RETRIEVAL,
        ),
        panels.chart(
            "Empty retrievals",
            "Share of the retrievals that returned no document: the answer after it is made of nothing.",
            panels.query(promql.share(empty, every, by), "{{retriever}}"),
            unit="percentunit",
            no_value=NO_RETRIEVAL,
        ),
        measures.quantile_by(
            "Rerank latency p95",
            "19 of 20 rerankings are faster. A point is one of them: click it to see its trace.",
            RAG_RERANK_LATENCY,
            "reranker",
            unit="s",
            no_value="No rerank spans yet",
        ),
    )


def _quality() -> Line:
    no_score = "No document has a score"
    return even(
        8,
        measures.distribution(
            "Document scores",
            "Scores of the documents that were retrieved, on the scale of the retriever; all above 1 are one band.",
            RAG_DOCUMENT_SCORE,
            unit="short",
            no_value=no_score,
        ),
        measures.quantile_by(
            "Median document score",
            "A median that sinks is an index that no longer fits the questions.",
            RAG_DOCUMENT_SCORE,
            "retriever",
            q=0.5,
            unit="short",
            no_value=no_score,
        ),
    )
