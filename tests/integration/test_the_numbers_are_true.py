"""What the simulator served is what the exporter counted: calls, errors and tokens, service by service."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import run_demo
from tests.support import Stack, poll

pytestmark = pytest.mark.integration

Counts = Counter[tuple[str, ...]]


def counted(stack: Stack) -> Counts:
    """The exporter's counters as ``(family, service, operation or token type, outcome)``."""
    counts: Counts = Counter()
    page = httpx.get(f"{stack.url('exporter')}/metrics", timeout=30).text
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels, value = sample.labels, int(sample.value)
            if sample.name == "llm_requests_total":
                counts["calls", labels["service"], labels["operation"], labels["status"]] += value
            elif sample.name == "llm_errors_total":
                counts["errors", labels["service"], labels["error_type"]] += value
            elif sample.name == "llm_token_usage_total":
                counts["tokens", labels["service"], labels["type"]] += value
    return +counts


def served(ledger: dict[str, list[dict[str, object]]]) -> Counts:
    """The simulator's ledger in the same form."""
    counts: Counts = Counter()
    for row in ledger["rows"]:
        service, operation = str(row["service"]), str(row["operation"])
        counts["calls", service, operation, "success"] += int(str(row["success"]))
        errors, tokens = row["errors"], row["tokens"]
        assert isinstance(errors, dict)
        assert isinstance(tokens, dict)
        for kind, count in errors.items():
            counts["calls", service, operation, "error"] += count
            counts["errors", service, kind] += count
        for kind, count in tokens.items():
            counts["tokens", service, kind] += count
    return +counts


def test_calls_errors_and_tokens_equal_the_simulators_ledger(stack: Stack, tmp_path: Path) -> None:
    before = counted(stack)
    truth = served(run_demo(stack, tmp_path / "summary.json", 20).summary["ledger"])
    assert sum(count for key, count in truth.items() if key[0] == "calls") > 50

    def equal() -> bool:
        return counted(stack) - before == truth

    try:
        poll("the exporter's numbers equal the ledger", equal, deadline=30)
    except AssertionError:
        # shows the difference, number by number
        assert counted(stack) - before == truth
        raise
