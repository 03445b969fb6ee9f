"""The list of versions, what the modules pin, and what the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from native.components import GO_BINARIES
from native.context import Context
from native.errors import NativeError
from native.ports import BASE, parse_offset
from native.versions import go_needed, module_version, numbers, read_versions, version_of
from tests.support import PORTS, ROOT

VERSIONS = read_versions(ROOT / ".env")


def go_mod(component: str) -> str:
    return (ROOT / "native" / component / "go.mod").read_text()


@pytest.mark.parametrize(
    ("component", "module", "tag"),
    [
        # Prometheus v3.16.0 is the module's v0.316.0: the Go module has not reached v1.
        ("prometheus", "github.com/prometheus/prometheus", "v0.{minor:d}{patch_of_major:02d}.{patch}"),
        ("alertmanager", "github.com/prometheus/alertmanager", "v{version}"),
        ("loki", "github.com/grafana/loki/v3", "v{version}"),
        ("promtail", "github.com/grafana/loki/v3", "v{version}"),
        ("docker_compose", "github.com/docker/compose/v2", "v{version}"),
    ],
)
def test_a_module_pins_the_release_that_env_lists(component: str, module: str, tag: str) -> None:
    version = version_of(component, VERSIONS)
    major, minor, patch = numbers(version) or (0, 0, 0)
    expected = tag.format(version=version, minor=major, patch_of_major=minor, patch=patch)
    assert module_version(go_mod(component), module) == expected


def test_jaeger_2_is_pinned_as_the_v1_module_that_was_released_with_it() -> None:
    # Each Jaeger release has two numbers; 2.13.0 came with 1.76.0, and 2.x and 1.(x+63) ever since 2.0.0 with 1.63.
    major, minor, patch = numbers(version_of("jaeger", VERSIONS)) or (0, 0, 0)
    assert major == 2
    assert module_version(go_mod("jaeger"), "github.com/jaegertracing/jaeger") == f"v1.{minor + 63}.{patch}"


def test_phoenix_is_locked_at_the_release_that_env_lists() -> None:
    wanted = f"arize-phoenix=={version_of('phoenix', VERSIONS)}"
    assert wanted in (ROOT / "requirements" / "phoenix.in").read_text().split()
    assert f"\n{wanted} " in (ROOT / "requirements" / "phoenix.lock").read_text()


@pytest.mark.parametrize("binary", GO_BINARIES.values(), ids=lambda binary: binary.name)
def test_every_package_that_is_built_is_a_tool_of_its_module(binary: object) -> None:
    from native.components import GoBinary

    assert isinstance(binary, GoBinary)
    assert binary.package in go_mod(binary.module)
    assert go_needed(go_mod(binary.module)) >= (1, 24, 0), "tool lines exist since Go 1.24"
    assert binary.stamp.count("{version}") == 1


def test_a_line_of_env_that_is_no_assignment_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# comment\nPROMETHEUS_VERSION=v3.16.0\nexport X\n")
    with pytest.raises(NativeError, match=r"\.env:3: 'export X' is not NAME=value"):
        read_versions(tmp_path / ".env")


def test_a_component_without_a_version_is_named() -> None:
    with pytest.raises(NativeError, match=r"no LOKI_VERSION"):
        version_of("loki", {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("prometheus, version 3.16.0 (branch: HEAD)", (3, 16, 0)),
        ('{"gitCommit":"","gitVersion":"v2.13.0"}', (2, 13, 0)),
        ("go1.26", (1, 26, 0)),
        ("prometheus, version  (branch: )", None),
    ],
)
def test_numbers_finds_the_first_version(text: str, found: tuple[int, int, int] | None) -> None:
    assert numbers(text) == found


def test_the_documented_ports_are_the_ones_that_are_used() -> None:
    renamed = {"otlp-grpc": "jaeger_otlp_grpc", "otlp-http": "jaeger_otlp_http", "spanmetrics": "jaeger_spanmetrics"}
    for name, port in PORTS.items():
        assert BASE[renamed.get(name, name.replace("-", "_"))] == port
    assert len(set(BASE.values())) == len(BASE)


@pytest.mark.parametrize("text", ["-1", "x", "48850", "1.5"])
def test_a_port_offset_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(NativeError, match="from 0 to 48849"):
        parse_offset(text)


def test_empty_variables_mean_the_defaults() -> None:
    empty = dict.fromkeys(["STATE_DIR", "PORT_OFFSET", "BIND_ADDRESS", "OBSERVABILITY_CONFIG", "XDG_CACHE_HOME"], "")
    context = Context.from_environ(empty | {"HOME": "/home/someone"})
    assert context.state == ROOT / ".stack"
    assert context.cache == Path("/home/someone/.cache/ai-observability")
    assert context.listen_host == "127.0.0.1"
    assert context.config == ROOT / "observability.yml"
    assert context.generated == ROOT
    assert context.url("prometheus") == "http://127.0.0.1:9090"


def test_every_interface_is_reached_over_loopback() -> None:
    context = Context.from_environ({"BIND_ADDRESS": "0.0.0.0", "PORT_OFFSET": "100"})
    assert context.listen_host == "0.0.0.0"
    assert context.url("loki") == "http://127.0.0.1:3200"


def test_a_bind_address_that_is_none_is_refused() -> None:
    with pytest.raises(NativeError, match="must be an IPv4 address"):
        Context.from_environ({"BIND_ADDRESS": "everywhere"})


def test_another_config_has_its_own_generated_files() -> None:
    context = Context.from_environ({"OBSERVABILITY_CONFIG": "tests/integration/observability.yml"})
    assert context.generated == ROOT / ".stack" / "generated"
