"""What the exporter's page must show after a capture: the provider's ledger, less what the spans do not carry.

A capture is a folder of OTLP bodies that one instrumentation package sent while a provider served known numbers
(README.md beside this file). :func:`wanted` gives the numbers of one of its scenarios, :func:`shown` reads the same
numbers from a page of metrics. Both fold the names of a model (the alias asked for, the dated name answered) into
one, since which of the two a span carries depends on the package.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.samples import Sample

FOLDER = Path(__file__).parent
DEVIATIONS = FOLDER / "deviations.yml"
#: Disjoint, as on the page.
TOKEN_TYPES = ("input", "cache_read", "cache_write", "output", "reasoning")
#: Operations that stand for one answer of a language model.
CALLS = frozenset({"chat", "text_completion", "generate_content"})
#: What a deviation can be about. ``input`` and ``output`` are whole, as in the ledger; ``streamed`` is the number of
#: calls with a time to first token; ``error_type`` and ``failed_model`` are those of failed calls.
QUANTITIES = (
    "calls",
    "failures",
    "error_type",
    "failed_model",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "reasoning",
    "without_usage",
    "streamed",
    "embeddings",
    "embedding_tokens",
    "retrievals",
    "reranks",
    "tools",
)
#: HTTP status of the provider's answer → ``error_type`` of the page.
ERROR_TYPES = {
    400: "invalid_request",
    401: "authentication",
    403: "authentication",
    404: "model_not_found",
    408: "timeout",
    413: "invalid_request",
    422: "invalid_request",
    429: "rate_limit_exceeded",
    500: "server_error",
    502: "server_error",
    503: "server_error",
    504: "timeout",
    529: "server_error",
}


@dataclass(slots=True)
class Numbers:
    """What a scenario comes to. Counters by (folded) model name, error type or token type; nothing is zero in them."""

    calls: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    failed_models: set[str] = field(default_factory=set)
    tokens: dict[str, dict[str, int]] = field(default_factory=dict)
    without_usage: int = 0
    streamed: int = 0
    embeddings: dict[str, int] = field(default_factory=dict)
    retrievals: int = 0
    reranks: int = 0
    tools: int = 0

    def differences(self, other: Numbers, either: Mapping[str, set[int]] | None = None) -> dict[str, tuple[Any, Any]]:
        """Fields in which the two differ, each with both values; ``either`` names more numbers that are right."""
        found = {}
        for each in fields(self):
            mine, its = getattr(self, each.name), getattr(other, each.name)
            if mine != its and its not in (either or {}).get(each.name, ()):
                found[each.name] = (mine, its)
        return found


@dataclass(frozen=True, slots=True)
class Deviation:
    """Spans of ``scenarios`` give ``wire`` (quantity → number or name), not what the provider reported."""

    capture: str
    scenarios: tuple[str, ...]
    wire: Mapping[str, Any]
    reason: str


@cache
def captures() -> tuple[str, ...]:
    """Names of all captures."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/expected.json")))


@cache
def expected(capture: str) -> Any:
    """``expected.json`` of a capture."""
    return json.loads((FOLDER / capture / "expected.json").read_text())


@cache
def ledger(capture: str) -> tuple[dict[str, Any], ...]:
    """What the provider served, one row for each HTTP request."""
    lines = (FOLDER / capture / "ledger.jsonl").read_text().splitlines()
    return tuple(json.loads(line) for line in lines if line.strip())


def bodies(capture: str, scenario: str) -> list[tuple[str, bytes]]:
    """(signal, OTLP protobuf body) of a scenario's traces and logs in the order of their arrival.

    Metrics are left out: they are cumulative over scenarios, and reach Prometheus without the exporter.
    """
    files = expected(capture)["scenarios"][scenario]["files"]
    names = sorted((name, signal) for signal in ("traces", "logs") for name in files[signal])
    return [(signal, (FOLDER / capture / name).read_bytes()) for name, signal in names]


@cache
def deviations() -> tuple[Deviation, ...]:
    """All entries of ``deviations.yml``; raises ValueError for a capture, scenario or quantity that does not exist."""
    found = []
    for capture, entries in yaml.safe_load(DEVIATIONS.read_text()).items():
        if capture != "*" and capture not in captures():
            raise ValueError(f"{DEVIATIONS.name}: no capture {capture}")
        for entry in entries:
            deviation = Deviation(capture, tuple(entry["scenarios"]), entry["wire"], " ".join(entry["reason"].split()))
            known = {name for each in captures() if capture in ("*", each) for name in expected(each)["scenarios"]}
            if unknown := set(deviation.scenarios) - known or set(deviation.wire) - set(QUANTITIES):
                raise ValueError(f"{DEVIATIONS.name}: {capture} has no {', '.join(sorted(unknown))}")
            found.append(deviation)
    return tuple(found)


def deviations_of(capture: str, scenario: str) -> list[Deviation]:
    """The deviations that hold for one scenario."""
    return [each for each in deviations() if each.capture in ("*", capture) and scenario in each.scenarios]


def folding(capture: str, scenario: str) -> dict[str, str]:
    """Names of a model → the one that stands for them: the dated name of the answer, where there was one."""
    names: dict[str, str] = {}
    rows = [row for row in ledger(capture) if row["scenario"] == scenario]
    for row in rows:
        if row["model_response"]:
            names[row["model_requested"]] = names[row["model_response"]] = row["model_response"]
    for row in rows:
        names.setdefault(row["model_requested"], row["model_requested"])
    for spoken, real in expected(capture)["scenarios"][scenario]["model_aliases"]:
        if real:
            names.setdefault(spoken, names.get(real, real))
    return names


def reported(capture: str, scenario: str) -> Numbers:
    """What the provider reported, whether the spans carry it or not."""
    return _numbers(capture, scenario, {})


def quantities(capture: str, scenario: str) -> dict[str, int]:
    """What the provider reported by :data:`QUANTITIES`, whole token counts over all models; names are left out."""
    numbers = reported(capture, scenario)
    rows = [row for row in ledger(capture) if row["scenario"] == scenario and row["usage_reported"]]
    calls = [row for row in rows if row["op"] != "embeddings"]
    return {
        "calls": sum(numbers.calls.values()),
        "failures": sum(numbers.failures.values()),
        "input": sum(row["input_total"] for row in calls),
        "cache_read": sum(row["cache_read"] for row in calls),
        "cache_write": sum(row["cache_write"] for row in calls),
        "output": sum(row["output_total"] for row in calls),
        "reasoning": sum(row["reasoning"] for row in calls),
        "without_usage": numbers.without_usage,
        "streamed": numbers.streamed,
        "embeddings": sum(numbers.embeddings.values()),
        "embedding_tokens": sum(row["input_total"] for row in rows if row["op"] == "embeddings"),
        "retrievals": numbers.retrievals,
        "reranks": numbers.reranks,
        "tools": numbers.tools,
    }


def wanted(capture: str, scenario: str) -> tuple[Numbers, dict[str, set[int]]]:
    """What the page must show: the provider's report under the deviations; and by field, numbers as right as that."""
    wire: dict[str, Any] = {}
    either: dict[str, set[int]] = {}
    for deviation in deviations_of(capture, scenario):
        for quantity, value in deviation.wire.items():
            wire[quantity] = value[0] if isinstance(value, list) else value
            if isinstance(value, list):
                either[quantity] = set(value)
    return _numbers(capture, scenario, wire), either


def _numbers(capture: str, scenario: str, wire: Mapping[str, Any]) -> Numbers:
    truth = expected(capture)["scenarios"][scenario]
    names = folding(capture, scenario)
    calls: Counter[str] = Counter()
    embeddings: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    failed: set[str] = set()
    usage: dict[str, Counter[str]] = {}
    streamed = without_usage = 0
    for row in ledger(capture):
        if row["scenario"] != scenario or row["op"] == "rerank":
            continue
        model = names[row["model_response"] or row["model_requested"]]
        if row["http_status"] != 200:
            failures[ERROR_TYPES[row["http_status"]]] += 1
            failed.add(model)
            continue
        embedding = row["op"] == "embeddings"
        (embeddings if embedding else calls)[model] += 1
        streamed += row["streaming"]
        without_usage += not row["usage_reported"]
        if row["usage_reported"]:
            usage.setdefault(model, Counter()).update(
                input=row["input_total"],
                cache_read=row["cache_read"],
                cache_write=row["cache_write"],
                output=row["output_total"],
                reasoning=row["reasoning"],
            )
    _override(calls, wire, "calls")
    _override(failures, wire, "failures")
    _override(embeddings, wire, "embeddings")
    for quantity, models in (*((kind, calls) for kind in TOKEN_TYPES), ("embedding_tokens", embeddings)):
        if quantity in wire and (models or wire[quantity]):
            kind = "input" if quantity == "embedding_tokens" else quantity
            usage.setdefault(_only(models, f"{capture}/{scenario}: {quantity}"), Counter())[kind] = wire[quantity]
    for model in set(usage) - set(calls) - set(embeddings):
        del usage[model]
    if "error_type" in wire and failures:
        failures = Counter({wire["error_type"]: failures.total()})
    if "failed_model" in wire and failed:
        failed = {wire["failed_model"]}
    return Numbers(
        calls=dict(calls),
        failures=dict(failures),
        failed_models=failed if failures else set(),
        tokens={model: kinds for model, counted in usage.items() if (kinds := _disjoint(counted))},
        without_usage=wire.get("without_usage", without_usage),
        streamed=wire.get("streamed", streamed),
        embeddings=dict(embeddings),
        retrievals=wire.get("retrievals", truth["retrievals"]),
        reranks=wire.get("reranks", truth["rerank_calls"]),
        tools=wire.get("tools", truth["tool_executions_instrumentable"]),
    )


def _only(models: Mapping[str, int], what: str) -> str:
    if len(models) != 1:
        raise ValueError(f"{what}: a deviation in tokens needs exactly one model, not {len(models)}")
    return next(iter(models))


def _override(counted: Counter[str], wire: Mapping[str, Any], quantity: str) -> None:
    """Replace the count of the only key by the number on the wire; all keys go if that is 0."""
    if quantity not in wire:
        return
    if wire[quantity] == 0:
        counted.clear()
    else:
        counted[_only(counted, quantity)] = wire[quantity]


def _disjoint(counted: Counter[str]) -> dict[str, int]:
    parts = {
        "input": counted["input"] - counted["cache_read"] - counted["cache_write"],
        "cache_read": counted["cache_read"],
        "cache_write": counted["cache_write"],
        "output": counted["output"] - counted["reasoning"],
        "reasoning": counted["reasoning"],
    }
    return {kind: value for kind, value in parts.items() if value}


def shown(samples: Iterable[Sample], capture: str, scenario: str) -> Numbers:
    """The same numbers as a page of metrics has them. Series that stand at zero count as absent."""
    names = folding(capture, scenario)
    found = Numbers()
    calls: Counter[str] = Counter()
    embeddings: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    tokens: dict[str, Counter[str]] = {}
    for sample in samples:
        value, labels = int(sample.value), sample.labels
        if not value:
            continue
        model = names.get(labels.get("model", ""), labels.get("model", ""))
        match sample.name:
            case "llm_requests_total" if labels["status"] == "error":
                found.failed_models.add(model)
            case "llm_requests_total" if labels["operation"] in CALLS:
                calls[model] += value
            case "llm_requests_total" if labels["operation"] == "embeddings":
                embeddings[model] += value
            case "llm_errors_total":
                failures[labels["error_type"]] += value
            case "llm_token_usage_total":
                tokens.setdefault(model, Counter())[labels["type"]] += value
            case "llm_requests_without_usage_total":
                found.without_usage += value
            case "llm_time_to_first_token_seconds_count":
                found.streamed += value
            case "rag_retrievals_total":
                found.retrievals += value
            case "rag_rerank_latency_seconds_count":
                found.reranks += value
            case "llm_tool_calls_total":
                found.tools += value
            case _:
                pass
    found.calls, found.embeddings, found.failures = dict(calls), dict(embeddings), dict(failures)
    found.tokens = {model: dict(kinds) for model, kinds in tokens.items()}
    return found
