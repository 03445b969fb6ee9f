"""The configs by themselves: every variable is known and has a default, and each real component accepts its file."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from native.context import Context
from native.programs import Programs
from native.supervision import Supervisor
from tests.components import binary, run
from tests.support import ROOT
from tests.unit.configs.support import COMPOSE_FILE, config, services

_COLLECTOR = re.compile(r"\$\{env:([A-Z_]+)(:-[^}]*)?\}")
_SHELL = re.compile(r"\$\{([A-Z_]+)(:-[^}]*)?\}")
CONFIGS = {
    "jaeger/config.yml": _COLLECTOR,
    "loki/loki.yml": _SHELL,
    "promtail/promtail.yml": _SHELL,
}
#: Known to one engine only: the profile container-logs of Compose.
COMPOSE_ONLY = {"CONTAINER_LOG_DIR"}


@pytest.fixture(scope="session")
def native_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the native engine gives to every component."""
    state = tmp_path_factory.mktemp("state")
    context = Context.from_environ({"STATE_DIR": str(state), "HOME": os.environ.get("HOME", "/"), "PORT_OFFSET": "100"})
    return Programs(context, Supervisor(context)).environment("jaeger")


def _uncommented(path: str) -> str:
    return "\n".join(line.split(" #")[0] for line in (ROOT / path).read_text().splitlines() if line[:1] != "#")


@pytest.mark.parametrize("path", CONFIGS)
def test_every_variable_of_a_config_is_one_that_the_native_engine_sets(
    path: str, native_environment: dict[str, str]
) -> None:
    used = {name for name, _ in CONFIGS[path].findall(_uncommented(path))}
    assert used
    assert used - set(native_environment) - COMPOSE_ONLY == set()


@pytest.mark.parametrize("path", CONFIGS)
def test_every_variable_of_a_config_has_a_default_so_that_compose_need_not_set_it(path: str) -> None:
    assert [name for name, default in CONFIGS[path].findall(_uncommented(path)) if not default] == []


@pytest.mark.parametrize("path", CONFIGS)
def test_a_config_listens_where_it_is_told_and_nowhere_else(path: str) -> None:
    """Every address is LISTEN_HOST or the loopback: natively nothing may be open to the network."""
    text = _uncommented(path)
    listens = re.findall(r"(?m)^\s*(?:endpoint|host|http_listen_address|grpc_listen_address): *\"?([^\s\"]+)", text)
    assert listens
    for value in listens:
        if value.startswith(("${env:LISTEN_HOST", "${LISTEN_HOST", "127.0.0.1")):
            continue
        assert re.match(r"\$\{env:(PHOENIX|EXPORTER|LOKI|PROMETHEUS)_URL", value), f"{path}: {value}"


def test_promtail_and_loki_hold_no_backslash_because_the_expansion_of_variables_eats_it() -> None:
    assert [path for path in ("loki/loki.yml", "promtail/promtail.yml") if "\\" in _uncommented(path)] == []


def test_every_branch_of_the_gateway_has_its_own_bounded_queue_that_drops_and_never_blocks() -> None:
    exporters = config("jaeger/config.yml")["exporters"]
    branches = {name: settings.get("queue") or settings.get("sending_queue") for name, settings in exporters.items()}
    assert branches.pop("prometheus") is None  # in memory, read by the scrape
    assert len(branches) == 4
    for name, queue in branches.items():
        assert queue["enabled"] is True, name
        assert queue["sizer"] == "bytes", name
        assert 0 < queue["queue_size"] <= 64 * 1024**2, name
        assert queue["block_on_overflow"] is False, name
        retry = exporters[name]["retry_on_failure"]
        assert retry["enabled"] is True, name
        assert retry["max_elapsed_time"] == "15m", name


def test_a_batch_of_the_gateway_fits_into_the_body_that_the_exporter_accepts() -> None:
    from observability.settings import Limits

    batch = config("jaeger/config.yml")["exporters"]["otlphttp/exporter"]["sending_queue"]["batch"]
    assert batch["sizer"] == "bytes"
    assert 0 < batch["max_size"] < Limits().body_bytes


def test_every_pipeline_of_apps_starts_with_the_memory_limiter_and_a_batch() -> None:
    for name, pipeline in config("jaeger/config.yml")["service"]["pipelines"].items():
        if pipeline["receivers"] == ["otlp"]:
            assert pipeline["processors"] == ["memory_limiter", "batch"], name


def test_an_exemplar_of_the_span_metrics_outlives_a_scrape() -> None:
    flush = config("jaeger/config.yml")["connectors"]["spanmetrics"]["metrics_flush_interval"]
    jobs = {job["job_name"]: job for job in config("prometheus/prometheus.yml")["scrape_configs"]}
    assert int(flush.removesuffix("s")) >= 2 * int(jobs["spanmetrics"]["scrape_interval"].removesuffix("s"))


# ---- the real components ---------------------------------------------------------------------------------------------


def test_prometheus_accepts_its_config_with_the_rules_and_targets() -> None:
    done = run(binary("promtool"), "check", "config", "prometheus/prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    rules = len(list((ROOT / "prometheus" / "rules").glob("*.yml")))
    assert f"{rules} rule files found" in done.stdout


def test_promtool_would_refuse_a_config_with_a_typing_error(tmp_path: Path) -> None:
    broken = tmp_path / "prometheus.yml"
    broken.write_text((ROOT / "prometheus/prometheus.yml").read_text().replace("job_name", "jobname", 1))
    assert run(binary("promtool"), "check", "config", broken).returncode != 0


def test_the_jobs_of_the_profiles_are_found_by_name_and_are_services_of_compose() -> None:
    """By DNS: while a profile is off there is no target, so nothing is down. (The native build has no dns_sd.)"""
    jobs = config("prometheus/profiles/optional.yml")["scrape_configs"]
    names = {name for job in jobs for found in job["dns_sd_configs"] for name in found["names"]}
    assert names == {name for name, service in services().items() if service.get("profiles")}
    mounted = "./prometheus/profiles:/etc/prometheus/scrape:ro"
    assert mounted in services()["prometheus"]["volumes"]
    assert config("prometheus/prometheus.yml")["scrape_config_files"] == ["scrape/*.yml"]


def test_the_gateway_accepts_its_config() -> None:
    done = run(binary("jaeger"), "validate", "--config", "jaeger/config.yml")
    assert done.returncode == 0, done.stderr


def test_the_gateway_would_refuse_a_config_with_a_typing_error(tmp_path: Path) -> None:
    broken = tmp_path / "config.yml"
    broken.write_text((ROOT / "jaeger/config.yml").read_text().replace("send_batch_size", "send_batchsize"))
    assert run(binary("jaeger"), "validate", "--config", broken).returncode != 0


def test_loki_accepts_its_config() -> None:
    done = run(binary("loki"), "-config.file=loki/loki.yml", "-config.expand-env=true", "-verify-config")
    assert done.returncode == 0, done.stdout + done.stderr


def test_loki_would_refuse_a_config_with_a_typing_error(tmp_path: Path) -> None:
    broken = tmp_path / "loki.yml"
    broken.write_text((ROOT / "loki/loki.yml").read_text().replace("retention_period", "retentionperiod"))
    done = run(binary("loki"), f"-config.file={broken}", "-config.expand-env=true", "-verify-config")
    assert done.returncode != 0


def test_promtail_accepts_its_config() -> None:
    arguments = ("-config.file=promtail/promtail.yml", "-config.expand-env=true", "-check-syntax")
    done = run(binary("promtail"), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- Compose for real ------------------------------------------------------------------------------------------------


def _compose_command() -> list[str]:
    plugin = shutil.which("docker")
    if plugin and run(plugin, "compose", "version").returncode == 0:
        return [plugin, "compose"]
    return [str(binary("docker-compose"))]


@pytest.mark.parametrize("profile", ["", "gpu", "host", "container-logs"])
def test_compose_accepts_its_file_and_sees_what_the_tests_above_see(profile: str, tmp_path: Path) -> None:
    command = [*_compose_command(), "--project-directory", str(ROOT), "--file", str(COMPOSE_FILE)]
    if profile:
        command += ["--profile", profile]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    seen: dict[str, dict[str, Any]] = json.loads(done.stdout)["services"]
    wanted = {name for name, service in services().items() if service.get("profiles", [profile]) == [profile]}
    assert set(seen) == wanted
    for name, service in seen.items():
        assert service["image"] == services()[name]["image"]
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}
        test = [part.replace("$$", "$") for part in service["healthcheck"]["test"]]  # it prints what it would read
        assert test == services()[name]["healthcheck"]["test"]
