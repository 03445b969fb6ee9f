"""What the demo did is what the exporter counted.

Calls, errors, tokens and cost are held against the simulator's ledger; tools, agents, workflows, guardrails, MCP
requests, retrievals and verdicts against what the apps counted of their own doings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from genai_prices import Usage, calc_price
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import run_demo
from tests.support import Stack, poll

pytestmark = pytest.mark.integration

Counts = Counter[tuple[str, ...]]

#: Family → what the demo calls it, and the labels that tell its counts apart.
COUNTED = {
    "llm_requests_total": ("calls", "service", "operation", "status"),
    "llm_errors_total": ("errors", "service", "error_type"),
    "llm_token_usage_total": ("tokens", "service", "type"),
    "llm_streaming_requests_total": ("streams", "service"),
    "llm_unpriced_requests_total": ("unpriced", "model"),
    "llm_requests_without_usage_total": ("without usage", "service", "model", "estimated"),
    "llm_dimension_requests_total": ("calls of a team", "value"),
    "llm_tool_calls_total": ("tool", "service", "tool", "status"),
    "llm_agent_runs_total": ("agent", "service", "agent", "status"),
    "llm_workflow_runs_total": ("workflow", "service", "workflow", "status"),
    "llm_guardrail_checks_total": ("guardrail", "service", "guardrail", "outcome"),
    "llm_mcp_requests_total": ("mcp", "service", "method", "status"),
    "llm_evaluations_total": ("evaluation", "service", "evaluation", "label"),
    "rag_retrievals_total": ("retrieval", "service", "retriever", "status"),
    "rag_rerank_latency_seconds_count": ("rerank", "service", "reranker"),
    "exporter_duplicate_spans_total": ("duplicates", "reason"),
}
TEAMS = {"rag-assistant": "search", "support-triage": "support", "research-agent": "research"}
#: research-agent streams these answers without asking for their usage.
SILENT = ("research-agent", "gpt-4.1")
#: No price list knows what it costs to serve these weights.
UNPRICED = "llama-3.3-70b-versatile"
#: Reranking is no call of a model that writes or embeds: it is counted as a step.
STEPS = ("rerank",)


def samples(stack: Stack) -> list[tuple[str, dict[str, str], float]]:
    page = httpx.get(f"{stack.url('exporter')}/metrics", timeout=30).text
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]


def counted(stack: Stack) -> Counts:
    """The exporter's counters, as :data:`COUNTED` names them."""
    counts: Counts = Counter()
    for name, labels, value in samples(stack):
        if name in COUNTED:
            kind, *by = COUNTED[name]
            counts[kind, *(labels[label] for label in by)] += int(value)
    return +counts


def served(ledger: dict[str, Any]) -> Counts:
    """The simulator's ledger in the same form."""
    counts: Counts = Counter()
    for row in ledger["rows"]:
        service, operation = row["service"], row["operation"]
        if operation in STEPS:
            continue
        counts["calls", service, operation, "success"] += row["success"]
        counts["calls of a team", TEAMS[service]] += row["requests"]
        for kind, count in row["errors"].items():
            counts["calls", service, operation, "error"] += count
            counts["errors", service, kind] += count
        if (service, row["model"]) == SILENT:
            assert row["streamed"] == row["success"]
            counts["without usage", service, row["response_model"], "true"] += row["success"]
        else:
            for kind, count in row["tokens"].items():
                counts["tokens", service, kind] += count
        if row["model"] == UNPRICED:
            counts["unpriced", UNPRICED] += row["success"]
        if service == "research-agent" and not row["model"].startswith("claude-"):
            counts["duplicates", "same_call"] += row["requests"]  # two instrumentations see its OpenAI client
    return +counts


def done(services: dict[str, Any]) -> Counts:
    """The apps' own counts in the same form."""
    counts: Counts = Counter()
    for service, said in services.items():
        for kind, name, outcome, times in said["counts"]:
            counts[(kind, service, name) if kind == "rerank" else (kind, service, name, outcome)] += times
    return counts


def prices(model: str, provider: str) -> dict[str, float]:
    """US dollars per token by type, by the price list; cached tokens are told within the input and cost less."""
    usages = {
        "input": Usage(input_tokens=1000),
        "cache_read": Usage(input_tokens=1000, cache_read_tokens=1000),
        "cache_write": Usage(input_tokens=1000, cache_write_tokens=1000),
        "output": Usage(output_tokens=1000),
    }
    found = {
        kind: float(calc_price(usage, model_ref=model, provider_id=provider).total_price) / 1000
        for kind, usage in usages.items()
    }
    return {**found, "reasoning": found["output"]}


def bill(ledger: dict[str, Any]) -> dict[tuple[str, str], float]:
    """(service, model) → US dollars for the tokens of the ledger that were reported and have a price."""
    dollars: dict[tuple[str, str], float] = defaultdict(float)
    for row in ledger["rows"]:
        if row["operation"] in STEPS or row["model"] == UNPRICED or (row["service"], row["model"]) == SILENT:
            continue
        price = prices(row["response_model"], "anthropic" if row["model"].startswith("claude-") else "openai")
        cost = sum(price[kind] * count for kind, count in row["tokens"].items() if count)
        if cost:
            dollars[row["service"], row["response_model"]] += cost
    return dollars


def by_model(stack: Stack, family: str) -> dict[tuple[str, str], float]:
    """(service, model) → sum of a counter."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for name, labels, value in samples(stack):
        if name == family:
            sums[labels["service"], labels["model"]] += value
    return sums


def test_what_was_counted_and_billed_is_what_was_done(stack: Stack, tmp_path: Path) -> None:
    before = counted(stack)
    families = ("llm_token_cost_usd_total", "llm_estimated_tokens_total")
    cost_before, estimated_before = (by_model(stack, family) for family in families)
    summary = run_demo(stack, tmp_path / "summary.json", 25).summary
    ledger = summary["ledger"]
    truth = served(ledger) + done(summary["services"])
    assert sum(count for key, count in truth.items() if key[0] == "calls") > 50
    streams: Counts = Counter()
    for row in ledger["rows"]:
        streams["streams", row["service"]] += row["streamed"]

    def grown() -> Counts:
        # A stream that was broken off was one, and the ledger does not say of a failed call whether it was streamed.
        return Counter({key: count for key, count in (counted(stack) - before).items() if key[0] != "streams"})

    try:
        poll("the exporter's numbers equal the demo's", lambda: grown() == truth, deadline=30)
    except AssertionError:
        now = grown()
        differing = {key: (now[key], truth[key]) for key in now.keys() | truth.keys() if now[key] != truth[key]}
        assert not differing, "exporter and demo differ"
        raise

    assert {kind for kind, *_ in truth} == {kind for kind, *_ in COUNTED.values()} - {"streams"}, "a kind never came up"
    seen = counted(stack) - before
    assert all(seen[key] >= count for key, count in (+streams).items())

    cost, expected = by_model(stack, families[0]), bill(ledger)
    spent = {key: dollars - cost_before.get(key, 0.0) for key, dollars in cost.items()}
    assert {key: dollars for key, dollars in spent.items() if dollars} == pytest.approx(expected, rel=1e-6)

    # The simulator cuts words differently from the model's own encoding: measured 0.81 to 0.87 of its tokens.
    (silent,) = (row for row in ledger["rows"] if (row["service"], row["model"]) == SILENT)
    model = (silent["service"], silent["response_model"])
    estimated = by_model(stack, families[1])[model] - estimated_before.get(model, 0.0)
    assert 0.7 < estimated / sum(silent["tokens"].values()) < 1.3
