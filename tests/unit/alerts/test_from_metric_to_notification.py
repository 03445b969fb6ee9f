"""The whole way with real components: a metrics page, Prometheus, Alertmanager, a webhook - and back to quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from alerts import generate, stack_rules
from observability.settings import load
from tests.components import free_port, process
from tests.support import ROOT, poll
from tests.unit.alerts.support import Received, http_stand_in, running_alertmanager

#: Windows of seconds; the same settings serve the integration tests of the whole stack.
CONFIG = ROOT / "tests" / "integration" / "observability.yml"


class Page:
    """An exporter's page whose counters move with every scrape: five calls, three of which fail while ``failing``."""

    def __init__(self) -> None:
        self.failing = True
        self.calls = {"success": 0, "error": 0}

    def __call__(self) -> str:
        errors = 3 if self.failing else 0
        self.calls["error"] += errors
        self.calls["success"] += 5 - errors
        labels = 'service="rag",provider="openai",model="gpt-4o",operation="chat"'
        return "# TYPE llm_requests_total counter\n" + "".join(
            f'llm_requests_total{{{labels},status="{status}"}} {count}\n' for status, count in self.calls.items()
        )


@dataclass(frozen=True)
class Way:
    """Addresses of the running components, the webhook's record and the page that Prometheus scrapes."""

    prometheus: str
    alertmanager: str
    webhook: Received
    page: Page
    alertmanager_config: Path

    def ask(self, query: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": query}, timeout=30)
        result: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return result


@pytest.fixture(scope="module")
def way(prometheus: Path, alertmanager: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """Prometheus with the committed ``prometheus.yml``, generated rules and targets of its own, as natively."""
    folder = tmp_path_factory.mktemp("way")
    settings = load(CONFIG)
    generate.write(settings, folder / "generated")
    home = folder / "prometheus"
    (home / "targets").mkdir(parents=True)
    (home / "prometheus.yml").symlink_to(ROOT / "prometheus" / "prometheus.yml")
    (home / "rules").symlink_to(folder / "generated" / "prometheus" / "rules")
    url = f"http://127.0.0.1:{free_port()}"
    with (
        http_stand_in() as exporter,
        http_stand_in() as webhook,
        running_alertmanager(
            alertmanager, folder / "alertmanager", settings, {"webhook_url": f"{webhook.url}/webhook"}
        ) as alertmanager_url,
    ):
        page = Page()
        exporter.page = page
        targets = {"exporter": exporter.url, "alertmanager": alertmanager_url, "prometheus": url}
        for job, target in targets.items():
            text = yaml.safe_dump([{"targets": [target.removeprefix("http://")]}])
            (home / "targets" / f"{job}.yml").write_text(text)
        argv: list[str | Path] = [
            prometheus,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={url.removeprefix('http://')}",
        ]
        with process(argv, home, f"{url}/-/ready"):
            yield Way(url, alertmanager_url, webhook, page, folder / "alertmanager" / "alertmanager.yml")


def test_the_watchdog_arrives_first(way: Way) -> None:
    assert poll("the Watchdog", lambda: way.webhook.alerts("Watchdog", "firing"))


def test_failing_calls_are_notified_and_so_is_their_end(way: Way) -> None:
    firing = poll("HighLLMErrorRate firing", lambda: way.webhook.alerts("HighLLMErrorRate", "firing"), deadline=90)[0]
    assert firing["labels"]["severity"] == "critical"
    assert (firing["labels"]["service"], firing["labels"]["model"]) == ("rag", "gpt-4o")
    assert "instance" not in firing["labels"], "replicas are summed"
    annotations = firing["annotations"]
    assert annotations["summary"] == "LLM calls of rag → openai/gpt-4o fail"
    assert annotations["value"] == "60% failed"
    assert annotations["runbook_url"].endswith("/HighLLMErrorRate.md")
    assert "service=rag" in annotations["traces_url"]

    way.page.failing = False
    ended = poll("HighLLMErrorRate resolved", lambda: way.webhook.alerts("HighLLMErrorRate", "resolved"), deadline=120)
    assert ended[0]["fingerprint"] == firing["fingerprint"]


def test_a_job_without_a_target_is_missed(way: Way) -> None:
    def missing() -> set[str] | None:
        found = {alert["labels"]["job"] for alert in way.webhook.alerts("TargetMissing", "firing")}
        return found if "loki" in found else None

    found = poll("TargetMissing", missing, deadline=150)
    assert not found & {"prometheus", "alertmanager", "exporter"}


def test_every_rule_is_healthy_and_prometheus_found_its_alertmanager(way: Way) -> None:
    def rules() -> list[dict[str, Any]] | None:
        groups = httpx.get(f"{way.prometheus}/api/v1/rules", timeout=30).json()["data"]["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        return found if found and all(rule["health"] != "unknown" for rule in found) else None

    evaluated = poll("every rule evaluated", rules)
    assert [rule["name"] for rule in evaluated if rule["health"] != "ok"] == []
    recorded = poll("llm_error_rate", lambda: way.ask("llm_error_rate"))
    assert recorded[0]["metric"]["model"] == "gpt-4o"


READ = sorted(name for name in stack_rules.FOREIGN if name.startswith(("prometheus_", "alertmanager_")))


@pytest.mark.parametrize("name", READ)
def test_the_metric_that_a_rule_reads_is_one_that_the_component_has(way: Way, name: str) -> None:
    assert poll(name, lambda: way.ask(name))


def test_a_configuration_that_cannot_be_loaded_is_notified_and_so_is_its_repair(way: Way) -> None:
    good = way.alertmanager_config.read_text()
    way.alertmanager_config.write_text("route: {receiver: nobody}\n")
    assert httpx.post(f"{way.alertmanager}/-/reload", timeout=30).status_code == 500
    firing = poll("ConfigReloadFailed", lambda: way.webhook.alerts("ConfigReloadFailed", "firing"), deadline=90)
    assert firing[0]["labels"]["job"] == "alertmanager"

    way.alertmanager_config.write_text(good)
    assert httpx.post(f"{way.alertmanager}/-/reload", timeout=30).status_code == 200
    assert poll("its end", lambda: way.webhook.alerts("ConfigReloadFailed", "resolved"), deadline=90)
