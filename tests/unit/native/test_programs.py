"""What the components are run with: the committed configs, and around them what differs natively."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from native.build import Binary
from native.components import COMPONENTS
from native.context import Context
from native.errors import NativeError
from native.ports import BASE
from native.programs import TARGETS, Programs, grafana_home
from native.supervision import Program, Supervisor
from tests.support import ROOT

BINARY = Binary(Path("/bin/true"), "1.2.3", "cache")


def programs(context: Context) -> Programs:
    return Programs(context, Supervisor(context))


def every(context: Context) -> list[Program]:
    made = programs(context)
    return [
        made.exporter(),
        made.preview(),
        made.prometheus(BINARY),
        made.alertmanager(BINARY),
        made.jaeger(BINARY),
        made.loki(BINARY),
        made.promtail(BINARY),
        made.phoenix(),
    ]


def test_every_component_is_described_and_knows_its_stack(context: Context) -> None:
    made = every(context)
    assert {program.name for program in made} == set(COMPONENTS) - {"grafana"}
    for program in made:
        assert program.env["STATE_DIR"] == str(context.state)
        assert program.env["LISTEN_HOST"] == "127.0.0.1"
        assert program.version


def test_prometheus_reads_the_committed_config_beside_its_own_targets(context: Context) -> None:
    program = programs(context).prometheus(BINARY)
    folder = context.state / "prometheus"
    assert f"--config.file={folder}/prometheus.yml" in program.argv
    assert (folder / "prometheus.yml").resolve() == ROOT / "prometheus" / "prometheus.yml"
    assert (folder / "rules").resolve() == ROOT / "prometheus" / "rules"
    assert (folder / "targets" / "apps").resolve() == ROOT / "prometheus" / "targets" / "apps"
    written = {file.stem: yaml.safe_load(file.read_text()) for file in (folder / "targets").glob("*.yml")}
    assert set(written) == set(TARGETS) - {"grafana"}
    assert written["spanmetrics"] == [{"targets": [f"127.0.0.1:{BASE['jaeger_spanmetrics'] + context.ports.offset}"]}]


def test_every_file_that_prometheus_names_is_written_or_meant_to_be_missing(context: Context) -> None:
    programs(context).prometheus(BINARY)
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    named = {
        file
        for job in config["scrape_configs"]
        for discovery in job.get("file_sd_configs", [])
        for file in discovery["files"]
    }
    missing = {file for file in named if not list((context.state / "prometheus").glob(file))}
    # No Grafana on this PATH, Phoenix is probed by the exporter, and apps are the user's.
    assert missing == {"targets/grafana.yml", "targets/phoenix.yml", "targets/apps/*.yml"}


def test_alertmanager_gets_the_local_receiver_unless_the_team_has_its_own(context: Context, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    for folder in ("alerts/templates", "secrets"):
        (repo / folder).mkdir(parents=True)
    (repo / "secrets" / "README.md").write_text("not a secret")
    (repo / "secrets" / "slack_api_url").write_text("https://hooks.example.test/1")
    own = replace(context, repo=repo, config=repo / "observability.yml")
    secrets = context.state / "alertmanager" / "secrets"

    program = programs(own).alertmanager(BINARY)
    assert (secrets / "webhook_url").read_text() == f"{context.url('exporter')}/v1/notifications"
    assert (secrets / "slack_api_url").read_text() == "https://hooks.example.test/1"
    assert secrets.stat().st_mode & 0o077 == 0
    assert not (secrets / "README.md").exists()
    assert "--cluster.listen-address=" in program.argv

    (repo / "secrets" / "slack_api_url").unlink()
    (repo / "secrets" / "webhook_url").write_text("https://pager.example.test")
    changed = programs(own).alertmanager(BINARY)
    assert (secrets / "webhook_url").read_text() == "https://pager.example.test"
    assert not (secrets / "slack_api_url").is_symlink()
    assert changed.fingerprint != program.fingerprint, "a changed secret restarts it"


def test_another_config_means_its_generated_rules_and_dashboards(context: Context, tmp_path: Path) -> None:
    other = replace(context, config=tmp_path / "other.yml")
    other.config.write_text("{}")
    made = programs(other)
    generated = context.state / "generated"
    assert made.loki(BINARY).env["LOKI_RULES_DIR"] == str(generated / "loki" / "rules")
    preview = made.preview().argv
    assert preview[preview.index("--dashboards") + 1] == str(generated / "grafana" / "dashboards")
    made.prometheus(BINARY)
    assert (context.state / "prometheus" / "rules").readlink() == generated / "prometheus" / "rules"


def test_a_changed_config_changes_the_fingerprint_and_only_a_changed_one(context: Context, tmp_path: Path) -> None:
    other = replace(context, config=tmp_path / "other.yml")
    other.config.write_text("{}")
    first = programs(other).exporter()
    assert programs(other).exporter() == first
    other.config.write_text("budgets: []")
    assert programs(other).exporter().fingerprint != first.fingerprint
    assert programs(other).jaeger(BINARY) == programs(other).jaeger(BINARY)


def test_phoenix_tells_nobody_and_opens_no_metrics_page(context: Context) -> None:
    shell = {**context.environ, "PHOENIX_ENABLE_PROMETHEUS": "true", "PHOENIX_SQL_DATABASE_URL": "postgresql://db/x"}
    environ = programs(replace(context, environ=shell)).phoenix().env
    assert "PHOENIX_ENABLE_PROMETHEUS" not in environ
    assert environ["PHOENIX_TELEMETRY_ENABLED"] == "false"
    assert environ["PHOENIX_ALLOW_EXTERNAL_RESOURCES"] == "false"
    assert environ["PHOENIX_HOST"] == "127.0.0.1"
    assert environ["PHOENIX_SQL_DATABASE_URL"] == "postgresql://db/x", "the team's own settings go through"


def test_prometheus_can_be_reloaded_over_http_on_loopback_only(context: Context) -> None:
    assert "--web.enable-lifecycle" in programs(context).prometheus(BINARY).argv
    outside = replace(context, listen_host="0.0.0.0")
    assert "--web.enable-lifecycle" not in programs(outside).prometheus(BINARY).argv


def test_grafana_is_taken_from_a_release_and_gets_no_default_password(
    context: Context, commands: Callable[..., str], tmp_path: Path
) -> None:
    assert grafana_home(context) is None
    release = tmp_path / "grafana-12"
    (release / "bin").mkdir(parents=True)
    binary = release / "bin" / "grafana"
    binary.write_text("#!/bin/sh\necho grafana version 12.2.0\n")
    binary.chmod(0o755)
    found = replace(context, environ={**context.environ, "GRAFANA_HOME": str(release)})
    assert grafana_home(found) == (binary, release)
    program = programs(found).grafana(binary, release)
    assert program.version == "12.2.0"
    password = context.state / "grafana" / "admin_password"
    assert program.env["GF_SECURITY_ADMIN_PASSWORD"] == f"$__file{{{password}}}"
    assert len(password.read_text()) >= 24
    assert password.stat().st_mode & 0o077 == 0
    assert programs(found).grafana(binary, release) == program, "the password is made once"
    assert program.env["JAEGER_PUBLIC_URL"] == context.url("preview"), "Jaeger itself has no page here"
    programs(found).prometheus(BINARY)
    assert (context.state / "prometheus" / "targets" / "grafana.yml").exists()


def test_a_grafana_home_without_grafana_is_refused(context: Context, tmp_path: Path) -> None:
    with pytest.raises(NativeError, match="has no bin/grafana"):
        grafana_home(replace(context, environ={"GRAFANA_HOME": str(tmp_path)}))


def test_phoenix_binds_grpc_to_its_host_or_refuses_to_start() -> None:
    spec = importlib.util.spec_from_file_location("phoenix_loopback", ROOT / "native" / "phoenix_loopback.py")
    assert spec is not None
    assert spec.loader is not None
    wrapper = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wrapper)
    bound: list[tuple[object, ...]] = []

    def bind(*arguments: object) -> int:
        bound.append(arguments)
        return 0

    on_host = wrapper.on_host(bind, "127.0.0.1")
    on_host("[::]:6317")
    on_host("[::]:6317", "credentials")
    assert bound == [("127.0.0.1:6317",), ("127.0.0.1:6317", "credentials")]
    with pytest.raises(RuntimeError, match="has to be adapted to this release"):
        on_host("0.0.0.0:6317")
