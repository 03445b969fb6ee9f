"""``python -m tests.captures.record --list | NAME [--python PATH] [--out DIR]``: record a capture of a package.

Runs ``scenarios/NAME.py`` (or ``.mjs``) with the Python of an environment that has the package installed, against
the simulator of ``demo/``, and writes what its telemetry was and what the provider really served. The environment is
the caller's: ``--list`` says what to install into one.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import httpx
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tests.captures.sink import Recorded, Sink
from tests.captures.truth import FOLDER

SCENARIOS = FOLDER / "scenarios"
REPOSITORY = FOLDER.parents[1]
MESSAGES: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
#: Seconds that one script may take.
DEADLINE = 300


def scripts() -> dict[str, Path]:
    """Name → scenario script."""
    found = [*SCENARIOS.glob("*.py"), *SCENARIOS.glob("*.mjs")]
    return {
        path.stem: path
        for path in sorted(found)
        if path.stem not in ("__init__", "harness") and not path.stem.endswith("_common")
    }


def header(script: Path) -> dict[str, Any]:
    """``PACKAGE``, ``REQUIRES``, ``NOTES`` and ``ENV`` of a script: its literal assignments, or its JSON comment."""
    text = script.read_text()
    if script.suffix == ".mjs":
        values: dict[str, Any] = json.loads(text[text.index("/*") + 2 : text.index("*/")])
        return values
    values = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            try:
                values[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return values


@contextmanager
def simulator() -> Iterator[str]:
    """The demo's provider in a process of its own, fast and without faults; yields its base URL."""
    command = [sys.executable, "-m", "demo.simulator", "--latency-scale", "0.05", "--faults", '{"error_ratio": 0}']
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def command_for(script: Path, environment: str) -> Iterator[list[str]]:
    """How to run ``script``. One for Node is copied beside its ``node_modules``, where alone it finds them."""
    if script.suffix != ".mjs":
        yield [environment, str(script)]
        return
    copies = [Path(environment) / path.name for path in (script, SCENARIOS / "harness.mjs")]
    try:
        for copy in copies:
            copy.write_bytes((SCENARIOS / copy.name).read_bytes())
        yield ["node", str(copies[0])]
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)


def record(name: str, python: str, out: Path, output: TextIO | None = None) -> Path:
    """Record one capture into ``out/name``; raises RuntimeError if the script fails or sends nothing readable."""
    script = scripts()[name]
    told = header(script)
    told["versions"] = versions(python, told["REQUIRES"], script)
    with simulator() as provider, httpx.Client(base_url=provider, timeout=30) as client:

        def calls() -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = client.get("/admin/calls").raise_for_status().json()
            return rows

        sink = Sink(lambda: len(calls()))
        try:
            environment = {
                **os.environ,
                "CAPTURE_SIMULATOR": provider,
                "CAPTURE_SINK": sink.url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_SERVICE_NAME": f"recorded-{name}",
                "PYTHONPATH": str(SCENARIOS),
                **told.get("ENV", {}),
            }
            with command_for(script, python) as command:
                done = subprocess.run(
                    command, env=environment, stdout=output, stderr=output, timeout=DEADLINE, check=False
                )
        finally:
            sink.close()
        if done.returncode or not sink.scenarios:
            raise RuntimeError(f"{script.name} ended with {done.returncode}")
        if sink.refused:
            raise RuntimeError(f"only OTLP/HTTP protobuf is recorded, but there came: {', '.join(set(sink.refused))}")
        rows = calls()
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    _write(folder, name, told, sink, rows, Places(python))
    return folder


class Places:
    """Takes the recording machine's own paths and name out of telemetry."""

    def __init__(self, python: str) -> None:
        given = Path(python).absolute()
        environment = given if given.is_dir() else given.parent.parent
        self.replacements = [
            (str(environment), "/app/env"),
            (str(SCENARIOS), "/app"),
            (str(REPOSITORY), "/app"),
            (str(Path.home()) + "/", "/home/app/"),
            (str(Path(sys.base_prefix)), "/usr"),
        ]

    def clean(self, message: Message) -> None:
        """Rewrite every string field of ``message`` and of the messages in it, in place."""
        if isinstance(message, KeyValue) and message.key in ("host.id", "host.name"):
            message.value.string_value = "host"
        for descriptor, value in message.ListFields():
            if descriptor.type == descriptor.TYPE_MESSAGE:
                for each in value if descriptor.is_repeated else [value]:
                    self.clean(each)
            elif descriptor.type == descriptor.TYPE_STRING:
                if descriptor.is_repeated:
                    value[:] = [self.text(each) for each in value]
                else:
                    setattr(message, descriptor.name, self.text(value))

    def text(self, value: str) -> str:
        """``value`` without this machine's places."""
        for place, stand_in in self.replacements:
            if len(place) > 3:
                value = value.replace(place, stand_in)
        return value


def _write(
    folder: Path, name: str, told: dict[str, Any], sink: Sink, rows: list[dict[str, Any]], places: Places
) -> None:
    scenarios: dict[str, Any] = {}
    observed: dict[str, Any] = {}
    ledger: list[dict[str, Any]] = []
    spans = 0
    for recorded in sink.scenarios:
        files: dict[str, list[str]] = {signal: [] for signal in MESSAGES}
        messages = []
        for number, (signal, body) in enumerate(recorded.bodies, 1):
            message = MESSAGES[signal].FromString(body)
            places.clean(message)
            file = f"{recorded.name}.{number:02d}.{signal}.pb"
            (folder / file).write_bytes(message.SerializeToString())
            files[signal].append(file)
            messages.append((signal, message))
        served = [{**row, "scenario": recorded.name} for row in rows[recorded.first_call : recorded.last_call]]
        ledger += served
        scenarios[recorded.name] = _expected(recorded, served, files, told.get("MODEL_ALIASES", []))
        observed[recorded.name] = seen(messages)
        spans += sum(observed[recorded.name]["span_names"].values())
    for signal, body in [each for each in sink.outside if each[0] == "metrics"][-1:]:  # they are cumulative
        message = MESSAGES[signal].FromString(body)
        places.clean(message)
        (folder / f"all_scenarios.{signal}.pb").write_bytes(message.SerializeToString())
    document = {
        "capture": name,
        "package": told["PACKAGE"],
        "version": told["versions"][told["PACKAGE"]],
        "also_active": told.get("ALSO_ACTIVE", []),
        "versions": told["versions"],
        "env": told.get("ENV", {}),
        "total_spans": spans,
        "whole_capture": {
            "billable_llm_calls": sum(each["billable_llm_calls"] for each in scenarios.values()),
            "failed_llm_requests": sum(each["failed_llm_requests"] for each in scenarios.values()),
        },
        "token_convention": (
            "input_tokens_total INCLUDES cache_read and cache_write; output_tokens_total INCLUDES reasoning"
        ),
        "source_of_numbers": "the ledger of the simulator (demo/simulator), which served these calls",
        "notes": told.get("NOTES", []),
        "scenarios": scenarios,
    }
    (folder / "expected.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "observed.json").write_text(json.dumps({"capture": name, "scenarios": observed}, indent=0) + "\n")
    (folder / "ledger.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ledger))


def _expected(
    recorded: Recorded, rows: list[dict[str, Any]], files: dict[str, list[str]], aliases: list[list[str]]
) -> dict[str, Any]:
    answered = [row for row in rows if row["http_status"] == 200]
    calls = [row for row in answered if row["op"] not in ("embeddings", "rerank")]
    models: dict[str, Counter[str]] = {}
    embeddings: dict[str, Counter[str]] = {}
    for row in calls:
        models.setdefault(row["model_response"], Counter()).update(
            llm_calls=1,
            streaming_calls=row["streaming"],
            input_tokens_total=row["input_total"],
            cache_read=row["cache_read"],
            cache_write=row["cache_write"],
            output_tokens_total=row["output_total"],
            reasoning=row["reasoning"],
            calls_without_usage_report=not row["usage_reported"],
        )
    for row in answered:
        if row["op"] == "embeddings":
            embeddings.setdefault(row["model_response"], Counter()).update(calls=1, input_tokens=row["input_total"])
    reported = [row for row in calls if row["usage_reported"]]
    failed = [row for row in rows if row["http_status"] != 200]
    return {
        "files": files,
        "provider_http_requests": len(rows),
        "billable_llm_calls": len(calls),
        "failed_llm_requests": len(failed),
        "by_model": {model: dict(counted) for model, counted in models.items()},
        "usage_reported_by_provider": {
            "llm_calls": len(reported),
            "input_tokens_total": sum(row["input_total"] for row in reported),
            "cache_read": sum(row["cache_read"] for row in reported),
            "cache_write": sum(row["cache_write"] for row in reported),
            "output_tokens_total": sum(row["output_total"] for row in reported),
            "reasoning": sum(row["reasoning"] for row in reported),
        },
        "model_aliases": [
            *sorted({(row["model_requested"], row["model_response"] or "") for row in rows}),
            *([spoken, real] for spoken, real in aliases if any(row["model_requested"] == real for row in rows)),
        ],
        "streaming": any(row["streaming"] for row in rows),
        "errors": dict(Counter(f"{row['error']} (HTTP {row['http_status']})" for row in failed)),
        "tool_calls_requested_by_model": sum(row["tool_calls_requested"] for row in rows),
        "tool_executions_instrumentable": recorded.facts.get("tools", 0),
        "retrievals": recorded.facts.get("retrievals", 0),
        "embeddings": {model: dict(counted) for model, counted in embeddings.items()},
        "rerank_calls": sum(row["op"] == "rerank" for row in answered),
    }


def seen(messages: Iterable[tuple[str, Message]]) -> dict[str, Any]:
    """What spans and log records carry: scopes, names, attribute keys with the types of their values."""
    scopes: Counter[str] = Counter()
    names: Counter[str] = Counter()
    logs: Counter[str] = Counter()
    keys: dict[str, set[str]] = {}
    for signal, message in messages:
        if isinstance(message, ExportTraceServiceRequest):
            for scope_spans in (each for resource in message.resource_spans for each in resource.scope_spans):
                scopes[f"{scope_spans.scope.name} {scope_spans.scope.version}".strip()] += len(scope_spans.spans)
                for span in scope_spans.spans:
                    names[span.name] += 1
                    _keys(span, "", keys)
                    for event in span.events:
                        _keys(event, f"event {event.name}: ", keys)
        elif isinstance(message, ExportLogsServiceRequest):
            for scope_logs in (each for resource in message.resource_logs for each in resource.scope_logs):
                for one in scope_logs.log_records:
                    logs[one.event_name or signal] += 1
                    _keys(one, "log: ", keys)
    return {
        "scopes": dict(scopes),
        "span_names": dict(names),
        "log_records": dict(logs),
        "attributes": {key: sorted(kinds) for key, kinds in sorted(keys.items())},
    }


def _keys(item: Any, prefix: str, found: dict[str, set[str]]) -> None:
    for pair in item.attributes:
        kind = pair.value.WhichOneof("value") or "none"
        found.setdefault(prefix + pair.key, set()).add(kind.removesuffix("_value"))


def versions(python: str, distributions: Iterable[str], script: Path) -> dict[str, str]:
    """Installed versions of ``distributions`` in the environment of ``python`` (npm packages for a ``.mjs``)."""
    if script.suffix == ".mjs":
        root = Path(python) / "node_modules"
        installed = json.loads((root / ".package-lock.json").read_text())["packages"]
        found = {path.removeprefix("node_modules/"): told["version"] for path, told in installed.items()}
        names = [re.sub(r"(?<=.)@.*", "", name) for name in distributions]
        return {name: found[name] for name in sorted(found) if name in names or "opentelemetry" in name}
    code = (
        "import importlib.metadata as m, json\n"
        "print(json.dumps({d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    answer = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, check=True, text=True)
    installed = json.loads(answer.stdout)
    named = (re.split(r"[\[<>=]", name)[0].lower() for name in distributions)
    interesting = ("opentelemetry-", "openinference-", "openai", "anthropic", *named)
    return {name: installed[name] for name in sorted(installed) if name.startswith(interesting)}


def main(arguments: list[str] | None = None) -> int:
    """List the scripts, or record one or more captures."""
    parser = argparse.ArgumentParser(prog="python -m tests.captures.record", description=__doc__)
    parser.add_argument("name", nargs="?", help="a script of tests/captures/scenarios, without its ending")
    parser.add_argument("--list", action="store_true", help="say which there are and what they need")
    parser.add_argument("--python", default=sys.executable, help="interpreter, or for Node the folder of node_modules")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the capture's folder goes")
    options = parser.parse_args(arguments)
    if options.list or not options.name:
        for name, script in scripts().items():
            print(f"{name:36} {' '.join(header(script)['REQUIRES'])}")
        return 0
    if options.name not in scripts():
        parser.error(f"no scenarios/{options.name}.py")
    folder = record(options.name, options.python, options.out)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {len(list(folder.glob('*.pb')))} bodies, {size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
