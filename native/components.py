"""The components: what each is built from, in which order they come up, and how a healthy one is told."""

from __future__ import annotations

from dataclasses import dataclass

from native.context import Context
from native.errors import NativeError

_PROMETHEUS_VERSION = "github.com/prometheus/common/version.Version={version}"
_LOKI_VERSION = "github.com/grafana/loki/v3/pkg/util/build.Version={version}"


@dataclass(frozen=True)
class GoBinary:
    """A binary that is built from the Go module in ``native/<module>/``.

    ``stamp`` is the variable that the linker sets, so that the binary reports its release.
    ``weight`` is the CPU time of a first build in seconds, measured one after another from an empty cache;
    it only serves to say how much is left.
    """

    name: str
    module: str
    package: str
    stamp: str
    weight: int
    tags: str = ""
    version_arguments: tuple[str, ...] = ("--version",)
    tool: bool = False


GO_BINARIES: dict[str, GoBinary] = {
    binary.name: binary
    for binary in (
        # Without these tags one dependency of the cloud service discoveries is on no module proxy. file_sd stays.
        GoBinary(
            "prometheus",
            "prometheus",
            "github.com/prometheus/prometheus/cmd/prometheus",
            _PROMETHEUS_VERSION,
            weight=195,
            tags="netgo,remove_all_sd",
        ),
        GoBinary(
            "alertmanager",
            "alertmanager",
            "github.com/prometheus/alertmanager/cmd/alertmanager",
            _PROMETHEUS_VERSION,
            weight=65,
        ),
        GoBinary(
            "jaeger",
            "jaeger",
            "github.com/jaegertracing/jaeger/cmd/jaeger",
            "github.com/jaegertracing/jaeger/internal/version.latestVersion=v{version}",
            weight=348,
            version_arguments=("version",),
        ),
        GoBinary("loki", "loki", "github.com/grafana/loki/v3/cmd/loki", _LOKI_VERSION, weight=300),
        GoBinary("promtail", "promtail", "github.com/grafana/loki/v3/clients/cmd/promtail", _LOKI_VERSION, weight=303),
        GoBinary(
            "promtool",
            "prometheus",
            "github.com/prometheus/prometheus/cmd/promtool",
            _PROMETHEUS_VERSION,
            weight=76,
            tags="netgo,remove_all_sd",
            tool=True,
        ),
        GoBinary(
            "amtool",
            "alertmanager",
            "github.com/prometheus/alertmanager/cmd/amtool",
            _PROMETHEUS_VERSION,
            weight=33,
            tool=True,
        ),
        GoBinary(
            "docker-compose",
            "docker_compose",
            "github.com/docker/compose/v2/cmd",
            "github.com/docker/compose/v2/internal.Version=v{version}",
            weight=132,
            version_arguments=("version",),
            tool=True,
        ),
    )
}


@dataclass(frozen=True)
class Component:
    """One supervised process. ``health`` is the path, on ``health_port``, that answers 200 once it can work."""

    name: str
    title: str
    health: str
    #: Name of the port in :data:`native.ports.BASE` that answers ``health``.
    health_port: str
    #: Seconds that a first start may take on a slow disk.
    deadline: float = 60.0
    #: Path of what a person looks at.
    page: str = ""
    #: In ``down``, 0 stops first: senders before those that they send to.
    stop_wave: int = 1


#: In the order in which they come up: the main job first.
COMPONENTS: dict[str, Component] = {
    component.name: component
    for component in (
        Component("exporter", "LLM metrics, cost, notifications", "/readyz", "exporter", page="/docs"),
        Component("preview", "the generated dashboards, drawn live", "/healthz", "preview", stop_wave=0),
        Component(
            "prometheus",
            "metrics and alert rules",
            "/-/ready",
            "prometheus",
            deadline=120,
        ),
        Component("alertmanager", "alerts and their routes", "/-/ready", "alertmanager"),
        Component(
            "jaeger",
            "OTLP gateway and traces",
            "/status",
            "jaeger_health",
            deadline=90,
            stop_wave=0,
        ),
        Component("loki", "logs (API)", "/ready", "loki", deadline=120),
        Component("promtail", "ships log files to Loki", "/ready", "promtail", page="/targets", stop_wave=0),
        Component("phoenix", "prompts, RAG and evaluations", "/healthz", "phoenix", deadline=300),
        Component("grafana", "dashboards", "/api/health", "grafana", deadline=120, stop_wave=0),
    )
}


def component(name: str) -> Component:
    """The component of that name; raises :class:`NativeError` listing the names there are."""
    try:
        return COMPONENTS[name]
    except KeyError:
        raise NativeError(f"no component {name!r}; there are: {', '.join(COMPONENTS)}") from None


@dataclass(frozen=True)
class Address:
    """A URL that a person or an application uses."""

    label: str
    url: str
    title: str


def addresses(context: Context, names: list[str]) -> list[Address]:
    """Where applications send to, then the pages of the components called ``names``: the closing table."""
    return [
        Address("OTLP/HTTP", context.url("jaeger_otlp_http"), "traces, logs, metrics of your apps"),
        Address("OTLP/gRPC", context.url("jaeger_otlp_grpc"), "the same by gRPC"),
        *(Address(name, page(name, context), COMPONENTS[name].title) for name in names),
    ]


def page(name: str, context: Context) -> str:
    """The URL of one component that a person opens."""
    return context.url(name) + COMPONENTS[name].page
