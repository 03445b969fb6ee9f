"""What holds for every service of docker-compose.yml, whatever it is."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

import pytest

from tests.support import ROOT
from tests.unit.configs.support import (
    COMPOSE_FILE,
    OPTIONAL,
    bind_mounts,
    compose,
    config,
    interpolate,
    services,
    versions,
    volume_mounts,
)

SERVICES = sorted(services())
REQUIRED = {"prometheus", "alertmanager", "grafana", "loki", "promtail", "jaeger", "phoenix", "exporter"}
#: The documented ports (DESIGN.md, README.md): container port to service.
PUBLISHED = {
    3000: "grafana",
    9090: "prometheus",
    9093: "alertmanager",
    3100: "loki",
    16686: "jaeger",
    4317: "jaeger",
    4318: "jaeger",
    6006: "phoenix",
    9464: "exporter",
}
#: The only services with a capability or as root, and why they are behind a profile: docker-compose.yml says it.
CAPABILITIES = {"dcgm-exporter": ["SYS_ADMIN"], "promtail-containers": ["DAC_READ_SEARCH"]}
WRITABLE_ROOT = {"dcgm-exporter"}
#: Mounts of the machine's own folders; only profiles have any.
MACHINE = {
    ("node-exporter", "/", "ro,rslave"),
    ("promtail-containers", "/var/lib/docker/containers", "ro"),
}


def _bytes(size: str) -> int:
    units = {"k": 1024, "m": 1024**2, "g": 1024**3}
    return int(size[:-1]) * units[size[-1]]


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"name": request.param, **services()[request.param]}


def test_the_stack_has_its_eight_services_and_the_rest_is_behind_profiles() -> None:
    unasked = {name for name, service in services().items() if not service.get("profiles")}
    assert unasked == REQUIRED
    assert set(SERVICES) - unasked == OPTIONAL


def test_ports_are_the_documented_ones_and_each_is_bound_to_the_loopback() -> None:
    found: dict[int, str] = {}
    for name, service in services().items():
        for port in service.get("ports", []):
            address, outside, inside = port.rsplit(":", 2)
            assert ip_address(address).is_loopback, f"{name}: {port}"
            assert outside == inside, f"{name}: {port}"
            found[int(inside)] = name
    assert found == PUBLISHED


def test_bind_address_moves_every_port() -> None:
    ports = [port for service in config("docker-compose.yml")["services"].values() for port in service.get("ports", [])]
    assert ports
    for port in ports:
        assert interpolate(port, {"BIND_ADDRESS": "192.0.2.7"}).startswith("192.0.2.7:"), port


def test_every_image_has_a_fixed_version_from_the_one_list(service: dict[str, Any]) -> None:
    raw = config("docker-compose.yml")["services"][service["name"]]["image"]
    assert re.search(r"\$\{[A-Z]+(_[A-Z]+)*_VERSION:\?see \.env\}", raw), f"{raw} does not take its version from .env"
    tag = service["image"].rpartition(":")[2]
    assert re.search(r"\d+\.\d+\.\d+", tag), f"{service['image']} is not a full version"
    assert "latest" not in tag


def test_every_version_of_the_list_is_used() -> None:
    text = COMPOSE_FILE.read_text()
    unused = {name for name in versions() if f"${{{name}:" not in text}
    assert unused <= {"DOCKER_COMPOSE_VERSION"}, "only the tool that reads the file is not in it"


def test_a_missing_version_is_an_error_and_not_an_empty_tag(service: dict[str, Any]) -> None:
    raw = config("docker-compose.yml")["services"][service["name"]]["image"]
    with pytest.raises(AssertionError, match="neither a value nor a default"):
        interpolate(raw, {})


def test_every_service_has_a_health_check_with_an_end(service: dict[str, Any]) -> None:
    check = service["healthcheck"]
    assert check["test"][0] == "CMD", "CMD-SHELL needs a shell, which distroless images lack"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_a_health_check_asks_its_own_container(service: dict[str, Any]) -> None:
    command = " ".join(service["healthcheck"]["test"])
    assert "127.0.0.1" in command or command == "CMD /usr/bin/loki -health", command


def test_no_service_runs_as_root_or_with_capabilities_unless_it_must(service: dict[str, Any]) -> None:
    uid = int(service["user"].partition(":")[0])
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == CAPABILITIES.get(service["name"], [])
    assert (uid == 0) == (service["name"] in CAPABILITIES)
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (service["name"] not in CAPABILITIES) or service["profiles"], "privileges are opt-in"


def test_the_root_of_every_container_is_read_only_unless_the_image_cannot(service: dict[str, Any]) -> None:
    assert service["read_only"] is (service["name"] not in WRITABLE_ROOT)


def test_memory_and_processes_are_bounded_and_go_knows_its_bound(service: dict[str, Any]) -> None:
    limit = _bytes(service["mem_limit"])
    assert 0 < limit <= 2 * 1024**3
    assert 0 < service["pids_limit"] <= 512
    go = service.get("environment", {}).get("GOMEMLIMIT")
    if go:
        assert 0.6 * limit <= int(go.removesuffix("MiB")) * 1024**2 <= 0.9 * limit


def test_the_gateway_refuses_data_before_its_container_is_out_of_memory() -> None:
    limiter = config("jaeger/config.yml")["processors"]["memory_limiter"]
    assert limiter["limit_mib"] * 1024**2 < 0.6 * _bytes(services()["jaeger"]["mem_limit"])


def test_logs_are_rotated(service: dict[str, Any]) -> None:
    assert service["logging"]["driver"] == "json-file"
    options = service["logging"]["options"]
    assert options["max-size"] == "10m"
    assert int(options["max-file"]) <= 5


def test_every_service_comes_back_after_a_crash(service: dict[str, Any]) -> None:
    assert service["restart"] == "unless-stopped"


def test_a_service_waits_until_what_it_needs_is_healthy() -> None:
    conditions = {
        (name, needed): rule["condition"]
        for name, service in services().items()
        for needed, rule in service.get("depends_on", {}).items()
    }
    assert conditions.pop(("jaeger", "phoenix")) == "service_started"  # slow; the gateway's queue bridges it
    assert set(conditions.values()) == {"service_healthy"}
    assert {needed for _, needed in conditions} <= set(SERVICES) - OPTIONAL


def test_nobody_waits_for_something_that_waits_for_it() -> None:
    waiting = {name: set(service.get("depends_on", {})) for name, service in services().items()}
    while waiting:
        free = {name for name, needed in waiting.items() if not needed & set(waiting)}
        assert free, f"a circle: {waiting}"
        waiting = {name: needed for name, needed in waiting.items() if name not in free}


def test_every_mounted_path_is_in_the_repository_and_read_only() -> None:
    seen = 0
    for name, source, target, mode in bind_mounts():
        if source.startswith("/"):
            assert (name, source, mode) in MACHINE
            assert services()[name]["profiles"], "the machine's folders are opt-in"
            continue
        assert (ROOT / source).exists(), f"{name} mounts {source}, which is not there"
        assert mode == "ro", f"{name} may write {source}"
        assert target.startswith("/")
        seen += 1
    assert seen >= 12


def test_no_container_gets_the_docker_socket() -> None:
    assert "docker.sock" not in COMPOSE_FILE.read_text()


def test_every_named_volume_is_declared_and_used_and_has_one_writer() -> None:
    writers: dict[str, set[str]] = {}
    for name, volume, _ in volume_mounts():
        writers.setdefault(volume, set()).add(name)
    assert set(writers) == set(compose()["volumes"])
    shared = {volume: names for volume, names in writers.items() if len(names) > 1}
    assert shared == {"exporter-logs": {"exporter", "promtail"}}
    reader = next(v for v in services()["promtail"]["volumes"] if isinstance(v, dict))
    assert reader["read_only"] is True
    assert reader["volume"]["nocopy"] is True  # else a Promtail that is first gives the folder to root


def test_data_of_every_component_that_keeps_some_are_in_a_volume() -> None:
    kept = {name for name, _, _ in volume_mounts()}
    assert kept >= REQUIRED


def test_secrets_are_files_that_exist_and_no_variable_holds_one() -> None:
    for name, secret in compose()["secrets"].items():
        assert set(secret) == {"file"}, name
        assert (ROOT / secret["file"]).exists(), f"{name}: {secret['file']}"
    declared = set(compose()["secrets"])
    used = {
        entry["source"] if isinstance(entry, dict) else entry
        for service in services().values()
        for entry in service.get("secrets", [])
    }
    assert used == declared
    for name, service in services().items():
        for variable in service.get("environment", {}):
            assert not re.search(r"PASSWORD|TOKEN|SECRET|KEY", variable), f"{name}: {variable}"


def test_every_channel_of_the_settings_has_its_secret_where_alertmanager_looks() -> None:
    mounted = {entry["target"] for entry in services()["alertmanager"]["secrets"]}
    names = ("webhook_url", "slack_api_url", "smtp_password", "pagerduty_routing_key")
    assert mounted == {f"/etc/alertmanager/secrets/{name}" for name in names}
    readme = (ROOT / "secrets" / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in names)


def test_without_a_channel_alerts_go_to_the_exporter_and_no_secret_is_committed() -> None:
    assert (ROOT / "alerts/secrets-compose/webhook_url").read_text() == "http://exporter:9464/v1/notifications"
    assert (ROOT / "alerts/secrets-compose/unset").read_bytes() == b""


def test_collectors_reach_nothing_outside_and_apps_reach_only_what_takes_telemetry() -> None:
    def on(network: str) -> set[str]:
        return {name for name, service in services().items() if network in service["networks"]}

    assert compose()["networks"]["collect"]["internal"] is True
    alone = {name for name, service in services().items() if service["networks"] == ["collect"]}
    assert alone == {"promtail", *OPTIONAL}
    assert on("telemetry") == {"jaeger", "exporter"}


def test_the_committed_targets_are_services_of_the_file_or_prometheus_itself() -> None:
    files = sorted((ROOT / "prometheus" / "targets").glob("*.yml"))
    assert {file.stem for file in files} == {
        entry["job_name"] for entry in config("prometheus/prometheus.yml")["scrape_configs"]
    } - {"apps"}
    for file in files:
        for group in config(f"prometheus/targets/{file.name}"):
            for target in group["targets"]:  # type: ignore[index]
                assert target.partition(":")[0] in {*REQUIRED, "localhost"}, f"{file.name}: {target}"
