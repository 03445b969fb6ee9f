"""``make demo``: starts the provider and the services, shows what they do, and sums up at the end."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from demo.children import Child, ChildError
from demo.gateway import Stack, check_gateway
from demo.serving.disturbance import Disturbance

SERVICES = {
    "rag-assistant": "demo.rag_assistant",
    "support-triage": "demo.support_triage",
    "research-agent": "demo.research_agent",
}
#: The models, which talk to the exporter themselves.
MODELS = {"diagnosis": "demo.diagnosis", "progression": "demo.progression"}
#: The one whose data drift when nothing else is asked for, so that the boards show a quiet one beside it.
DRIFTING = "diagnosis"
#: Seconds after which something happens to the models in a demo that runs until Ctrl-C; in one that ends by itself,
#: after half of its time.
DISTURBED_AFTER_SECONDS = 300.0
#: Seconds in which a child must be ready, a stopped service must have flushed, and one that has must have ended.
READY_SECONDS, FLUSH_SECONDS, END_SECONDS = 60.0, 45.0, 15.0
#: Seconds that an app waits for a provider that was told to be slow, at most.
PATIENCE_SECONDS = 20.0
#: Counts of what a model could not hand over, and what people call it.
_LOST = {"lost_predictions": "predictions", "lost_labels": "labels"}
#: Kinds of sample that show what a good interaction looks like.
GOOD = ("streamed", "answered")


@dataclass(frozen=True, slots=True)
class Faults:
    """What is to go wrong: ``provider`` is what POST /admin/faults takes, the rest is for the apps.

    ``tool_error_ratio`` is the share of the calls of a tool that fail (None: the apps' own); with ``careless_names``
    each call of a tool goes under a name of its own. With ``other_topic`` the tickets of the support are half-way about
    something else, and in another language. ``models`` is what happens to the models half-way.
    """

    provider: dict[str, Any] = field(default_factory=dict)
    tool_error_ratio: float | None = None
    careless_names: bool = False
    other_topic: bool = False
    models: Disturbance = Disturbance.DRIFT

    @property
    def slowness(self) -> float:
        """How many times slower than usual the provider is, at least 1."""
        return max(1.0, float(self.provider.get("latency_factor", 1.0)))


@dataclass(frozen=True, slots=True)
class Options:
    """How a demo runs. ``seconds`` of 0 means until Ctrl-C."""

    seconds: float = 0.0
    faults: Faults | None = None
    seed: int = 7
    workers: int = 3
    think: float = 0.5
    timeout: float = 3.0
    latency_scale: float = 1.0
    summary: Path | None = None


class Demo:
    """One run. ``run`` returns the exit code; the signal handlers only set ``stop``."""

    def __init__(self, options: Options, stack: Stack) -> None:
        self._options = options
        self._stack = stack
        self.stop = threading.Event()
        self._children: list[Child] = []
        self._provider_url = ""
        self._http = httpx.Client(timeout=10.0, trust_env=False)
        self._problems: list[str] = []

    def run(self) -> int:
        """Check the gateway, run, stop, sum up; 0 if all telemetry was handed over, else 1.

        Raises GatewayError if the gateway does not answer, ChildError if a child does not start.
        """
        check_gateway(self._stack.otlp)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stop.set())
        try:
            services = self._start()
            began = time.monotonic()
            self._watch(began)
            done = self._finish(services)
            ledger = self._ledger()
        finally:
            for child in reversed(self._children):
                child.terminate()
                child.close(5.0)
            self._http.close()
        summary = self._summary(done, ledger, time.monotonic() - began)
        if self._options.summary:
            self._options.summary.write_text(json.dumps(summary, indent=1) + "\n")
        self._print_summary(summary)
        return 1 if self._problems else 0

    def _start(self) -> list[Child]:
        options = self._options
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": self._stack.otlp}
        arguments = ["--seed", str(options.seed), "--latency-scale", str(options.latency_scale)]
        faults = options.faults or Faults()
        if faults.provider:
            arguments += ["--faults", json.dumps(faults.provider)]
        provider = self._child("demo-simulator", "demo.simulator", arguments, environment)
        self._provider_url = provider.wait_for("ready", READY_SECONDS)["url"]
        arguments = ["--base-url", f"{self._provider_url}/v1", "--seed", str(options.seed)]
        arguments += ["--workers", str(options.workers), "--think", str(options.think)]
        # A slow provider is to be seen as one, and not as time-outs.
        timeout = max(options.timeout, min(PATIENCE_SECONDS, options.timeout * faults.slowness))
        arguments += ["--timeout", str(timeout), "--latency-scale", str(options.latency_scale)]
        if faults.tool_error_ratio is not None:
            arguments += ["--tool-error-ratio", str(faults.tool_error_ratio)]
        if faults.careless_names:
            arguments.append("--careless-names")
        if faults.other_topic:
            arguments += ["--other-topic-after", str(options.seconds / 2 or DISTURBED_AFTER_SECONDS)]
        services = [self._child(name, module, arguments, environment) for name, module in SERVICES.items()]
        for service in services:
            service.wait_for("ready", READY_SECONDS)
        services += self._start_models(faults)
        names = ", ".join(service.name for service in services)
        print(f"provider {self._provider_url} · telemetry to {self._stack.otlp} · {names} are up")
        until = f"for {options.seconds:g} s" if options.seconds else "until Ctrl-C"
        print(f"sending traffic {until} …", flush=True)
        return services

    def _start_models(self, faults: Faults) -> list[Child]:
        """The models, where there is an exporter that takes predictions."""
        exporter = self._stack.exporter
        try:
            self._http.get(f"{exporter}/readyz").raise_for_status()
        except httpx.HTTPError as error:
            print(f"no model is run: the exporter at {exporter} is not ready ({error})")
            return []
        after = self._options.seconds / 2 or DISTURBED_AFTER_SECONDS
        arguments = ["--exporter", exporter, "--seed", str(self._options.seed), "--after", str(after)]
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": self._stack.otlp}
        models = [
            self._child(name, module, [*arguments, "--disturbance", happens_to(name, faults)], environment)
            for name, module in MODELS.items()
        ]
        for model in models:
            model.wait_for("ready", READY_SECONDS)
        return models

    def _child(self, name: str, module: str, arguments: list[str], environment: dict[str, str]) -> Child:
        child = Child(name, module, arguments, environment)
        self._children.append(child)
        return child

    def _watch(self, began: float) -> None:
        """Print progress until the time is up, a signal came or a child ended."""
        interactive = sys.stdout.isatty()
        every = 1.0 if interactive else 10.0
        line = 1
        while not self.stop.is_set():
            elapsed = time.monotonic() - began
            left = self._options.seconds - elapsed if self._options.seconds else float("inf")
            if left <= 0:
                break
            dead = [child.name for child in self._children if not child.running]
            if dead:
                self._problems.append(f"{', '.join(dead)} ended early")
                break
            if elapsed >= line * every:
                line += 1
                print(progress(elapsed, self._ledger()), end="\r" if interactive else "\n", flush=True)
            self.stop.wait(min(0.25, left))
        if interactive:
            print()

    def _finish(self, services: list[Child]) -> dict[str, dict[str, Any]]:
        """Stop the services, while the provider still answers what is under way; what each says of itself."""
        print("stopping: finishing what is under way and flushing the telemetry …", flush=True)
        faults = self._options.faults or Faults()
        if faults.slowness > 1:
            self._http.post(f"{self._provider_url}/admin/faults", json={**faults.provider, "latency_factor": 1.0})
        for service in services:
            service.terminate()
        done: dict[str, dict[str, Any]] = {}
        for service in services:
            try:
                done[service.name] = service.wait_for("done", FLUSH_SECONDS)
            except ChildError as error:
                self._problems.append(str(error))
            code = service.close(END_SECONDS)
            if code != 0:
                self._problems.append(f"{service.name} ended with exit code {code}")
        for name, said in done.items():
            sent = said["telemetry"]
            if name in MODELS:
                self._problems += not_taken(name, said)
            if sent["spans_lost"] or sent["logs_lost"]:
                self._problems.append(f"{name} lost {sent['spans_lost']} spans and {sent['logs_lost']} log records")
        return done

    def _ledger(self) -> dict[str, Any]:
        try:
            answer = self._http.get(f"{self._provider_url}/admin/ledger").raise_for_status()
        except httpx.HTTPError as error:
            raise ChildError(f"demo-simulator does not answer: {error}") from error
        ledger: dict[str, Any] = answer.json()
        return ledger

    def _summary(self, done: dict[str, dict[str, Any]], ledger: dict[str, Any], seconds: float) -> dict[str, Any]:
        models = {name: done.pop(name) for name in MODELS if name in done}
        traces = {name: said["traces"] for name, said in done.items()}
        samples = {name: said["samples"] for name, said in done.items()}
        shown = [sample["trace_id"] for kinds in samples.values() for kind, sample in kinds.items() if kind in GOOD]
        return {
            "seconds": round(seconds, 3),
            "otlp_endpoint": self._stack.otlp,
            "traces": traces,
            "samples": samples,
            "services": {
                name: {key: said[key] for key in ("interactions", "errors", "counts", "telemetry")}
                for name, said in done.items()
            },
            "models": {
                name: {"disturbance": happens_to(name, self._options.faults or Faults())}
                | {key: said[key] for key in ("counts", "telemetry")}
                for name, said in models.items()
            },
            "ledger": ledger,
            "urls": self._stack.pages(shown[0]) if shown else {},
            "problems": self._problems,
        }

    def _print_summary(self, summary: dict[str, Any]) -> None:
        print(f"\n{progress(summary['seconds'], summary['ledger'])}")
        for row in summary["ledger"]["rows"]:
            print(
                f"  {row['service']:<15} {row['operation']:<11} {row['model']:<23} {row['requests']:>6} calls "
                f"{sum(row['errors'].values()):>4} errors {sum(row['tokens'].values()):>9,} tokens"
            )
        for name, said in summary["services"].items():
            print(f"  {name:<15} {said['interactions']} traces, {said['telemetry']['spans_sent']} spans sent")
        for name, said in summary["models"].items():
            print(f"  {name:<15} {served(said['counts'], said['disturbance'])}")
        print("\nlook at")
        for what, url in summary["urls"].items():
            print(f"  {what:<21} {url}")
        for problem in self._problems:
            print(f"problem: {problem}", file=sys.stderr)


def progress(seconds: float, ledger: dict[str, Any]) -> str:
    """One line of what the provider has served so far."""
    totals = ledger["totals"]
    failed, requests = sum(totals["errors"].values()), totals["requests"]
    kinds = ", ".join(f"{kind} {count}" for kind, count in totals["errors"].items())
    share = f" ({failed / requests:.1%}: {kinds})" if failed else ""
    return f"[{seconds:5.0f} s] {requests:,} calls · {sum(totals['tokens'].values()):,} tokens · {failed} errors{share}"


def served(counts: dict[str, int], disturbance: str) -> str:
    """What a model did, for people; ``counts`` as :class:`demo.serving.outbox.Outbox` and its app have them."""
    disturbed = counts.get("disturbed", 0)
    since = f" (of them {disturbed:,} made since {disturbance} began)" if disturbed else ""
    line = f"{counts.get('predictions', 0):,} predictions{since} and {counts.get('labels', 0):,} labels taken"
    lost = [f"{counts[key]:,} {what}" for key, what in _LOST.items() if counts.get(key)]
    return f"{line}, {' and '.join(lost)} lost" if lost else f"{line}, none lost"


def not_taken(name: str, said: dict[str, Any]) -> list[str]:
    """What a model said at its end of what the exporter never took, as problems."""
    lost = [f"{said['counts'][key]:,} {what}" for key, what in _LOST.items() if said["counts"].get(key)]
    problems = [f"{name} lost {' and '.join(lost)}: the exporter was away for too long"] if lost else []
    if said["counts"].get("rejected"):
        problems.append(f"{name}: the exporter refused {said['counts']['rejected']:,} items as invalid")
    if said["refusal"]:
        problems.append(f"{name}: {said['refusal']}")
    return problems


def happens_to(model: str, faults: Faults) -> Disturbance:
    """What happens to that model half-way."""
    if faults.models is Disturbance.DRIFT and model != DRIFTING:
        return Disturbance.NONE
    return faults.models
