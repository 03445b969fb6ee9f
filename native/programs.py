"""What each component is run with: command line, environment and the files beside the configs.

The configs are the committed ones that Compose mounts too. What differs natively enters here.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import version as distribution_version
from pathlib import Path

import yaml

from native import phoenix_env
from native.build import Binary
from native.context import Context
from native.errors import NativeError
from native.supervision import Program, Supervisor
from native.versions import numbers

#: Prometheus jobs and the port that each scrapes. Phoenix is probed by the exporter instead (its page is Compose only).
TARGETS = {
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "exporter": "exporter",
    "jaeger": "jaeger_metrics",
    "spanmetrics": "jaeger_spanmetrics",
    "loki": "loki",
    "promtail": "promtail",
    "grafana": "grafana",
}
#: Names of the user's environment that reach a component, besides what every one gets.
_PASSED = {"exporter": ("EXPORTER_",), "phoenix": ("PHOENIX_",), "grafana": ("GF_",)}
#: These would open a port on every interface, or are ours to set.
_NEVER_PASSED = {"PHOENIX_ENABLE_PROMETHEUS"}


def grafana_home(context: Context) -> tuple[Path, Path] | None:
    """Grafana's executable and home folder, if this machine has one: ``GRAFANA_HOME`` or ``grafana`` on ``PATH``."""
    home = context.environ.get("GRAFANA_HOME")
    if home:
        binary = Path(home) / "bin" / "grafana"
        if not os.access(binary, os.X_OK):
            raise NativeError(f"GRAFANA_HOME={home} has no bin/grafana")
        return binary, Path(home)
    found = shutil.which("grafana", path=context.environ.get("PATH"))
    if found is None:
        return None
    # A release keeps bin/ and conf/ in one folder; Debian's package keeps conf/ in /usr/share/grafana.
    for folder in (Path(found).resolve().parent.parent, Path("/usr/share/grafana")):
        if (folder / "conf" / "defaults.ini").exists():
            return Path(found), folder
    raise NativeError(f"{found} is there, but not its home folder; set GRAFANA_HOME to the release")


def _grafana_version(binary: Path) -> str:
    """What ``grafana --version`` says, such as ``12.2.0``; "" if it says nothing of the kind."""
    done = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=20, check=False)
    found = numbers(done.stdout)
    return ".".join(map(str, found)) if found else ""


class Programs:
    """Makes the :class:`Program` of each component of one stack."""

    def __init__(self, context: Context, supervisor: Supervisor) -> None:
        self._context = context
        self._supervisor = supervisor

    def environment(self, component: str) -> dict[str, str]:
        """The variables that the configs use, see the README's table; the same for every component but ``_PASSED``."""
        context, ports, state = self._context, self._context.ports, self._context.state
        passed = {
            name: value
            for name, value in context.environ.items()
            if name.startswith(_PASSED.get(component, ("\0",))) and name not in _NEVER_PASSED
        }
        urls = {f"{name.upper()}_URL": context.url(name) for name in _WITH_PAGES}
        public = {
            f"{name.upper()}_PUBLIC_URL": context.environ.get(f"{name.upper()}_PUBLIC_URL") or context.url(name)
            for name in _WITH_PAGES
        }
        return (
            self._supervisor.base_environment()
            | passed
            | urls
            | public
            | {
                "LISTEN_HOST": context.listen_host,
                "OBSERVABILITY_CONFIG": str(context.config),
                "LOG_DIR": str(context.logs),
                "OTLP_GRPC_PORT": str(ports["jaeger_otlp_grpc"]),
                "OTLP_HTTP_PORT": str(ports["jaeger_otlp_http"]),
                "JAEGER_UI_PORT": str(ports["jaeger"]),
                "JAEGER_GRPC_PORT": str(ports["jaeger_grpc"]),
                "JAEGER_METRICS_PORT": str(ports["jaeger_metrics"]),
                "SPANMETRICS_PORT": str(ports["jaeger_spanmetrics"]),
                "JAEGER_HEALTH_PORT": str(ports["jaeger_health"]),
                "JAEGER_DATA_DIR": str(state / "jaeger"),
                "TRACE_TTL": context.environ.get("TRACE_TTL") or "168h",
                "LOKI_PORT": str(ports["loki"]),
                "LOKI_GRPC_PORT": str(ports["loki_grpc"]),
                "LOKI_DATA_DIR": str(state / "loki"),
                "LOKI_RULES_DIR": str(context.generated / "loki" / "rules"),
                "PROMTAIL_PORT": str(ports["promtail"]),
                "PROMTAIL_DATA_DIR": str(state / "promtail"),
            }
        )

    # ---- each component ----------------------------------------------------------------------------------------

    def exporter(self) -> Program:
        context = self._context
        environ = self.environment("exporter") | {
            "EXPORTER_HOST": context.listen_host,
            "EXPORTER_PORT": str(context.ports["exporter"]),
        }
        environ.pop("EXPORTER_LOG_FILE", None)  # its output goes to logs/exporter.log already
        return self._python("exporter", ["observability.server"], environ, context.repo / "exporter" / "observability")

    def preview(self, port: int | None = None) -> Program:
        context = self._context
        dashboards = context.generated / "grafana" / "dashboards"
        arguments = ["--host", context.listen_host, "--port", str(port or context.ports["preview"])]
        if not context.uses_committed_files:
            arguments += ["--dashboards", str(dashboards)]
        command = ["dashboards_src.preview", *arguments]
        return self._python(
            "preview", command, self.environment("preview"), context.repo / "dashboards_src", dashboards
        )

    def prometheus(self, binary: Binary) -> Program:
        context = self._context
        folder = context.state / "prometheus"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        rules = context.generated / "prometheus" / "rules"
        _link(folder / "prometheus.yml", context.repo / "prometheus" / "prometheus.yml")
        _link(folder / "rules", rules)
        self._write_targets(folder / "targets")
        argv = [
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={context.environ.get('PROMETHEUS_RETENTION') or '15d'}",
            f"--web.listen-address={self._address('prometheus')}",
            f"--storage.tsdb.retention.size={context.environ.get('PROMETHEUS_RETENTION_SIZE') or '10GB'}",
            f"--web.external-url={self.environment('prometheus')['PROMETHEUS_PUBLIC_URL']}",
            "--enable-feature=exemplar-storage,created-timestamp-zero-ingestion",
        ]
        if context.connect_host == "127.0.0.1" == context.listen_host:
            argv.append("--web.enable-lifecycle")
        return self._go("prometheus", binary, argv, folder / "prometheus.yml", rules)

    def alertmanager(self, binary: Binary) -> Program:
        context = self._context
        folder = context.state / "alertmanager"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        configuration = context.generated / "alerts" / "alertmanager.yml"
        templates = context.repo / "alerts" / "templates"
        _link(folder / "alertmanager.yml", configuration)
        _link(folder / "templates", templates)
        self._write_secrets(folder / "secrets")
        argv = [
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={self._address('alertmanager')}",
            f"--web.external-url={self.environment('alertmanager')['ALERTMANAGER_PUBLIC_URL']}",
            "--cluster.listen-address=",
        ]
        return self._go("alertmanager", binary, argv, configuration, templates, folder / "secrets")

    def jaeger(self, binary: Binary) -> Program:
        (self._context.state / "jaeger").mkdir(parents=True, exist_ok=True)
        configurations = [self._context.repo / "jaeger" / "config.yml"]
        if self._context.drops_content:
            configurations.append(self._context.repo / "jaeger" / "privacy-drop.yml")
        return self._go("jaeger", binary, [f"--config={file}" for file in configurations], *configurations)

    def loki(self, binary: Binary) -> Program:
        (self._context.state / "loki").mkdir(parents=True, exist_ok=True)
        configuration = self._context.repo / "loki" / "loki.yml"
        argv = [f"-config.file={configuration}", "-config.expand-env=true"]
        return self._go("loki", binary, argv, configuration, self._context.generated / "loki" / "rules")

    def promtail(self, binary: Binary) -> Program:
        (self._context.state / "promtail").mkdir(parents=True, exist_ok=True)
        configuration = self._context.repo / "promtail" / "promtail.yml"
        argv = [f"-config.file={configuration}", "-config.expand-env=true"]
        made = self._go("promtail", binary, argv, configuration)
        # While Loki is away it retries for ever, even when asked to stop. Nothing is lost: the positions are on disk.
        return replace(made, stop_seconds=5)

    def phoenix(self) -> Program:
        context = self._context
        (context.state / "phoenix").mkdir(parents=True, exist_ok=True)
        wrapper = context.repo / "native" / "phoenix_loopback.py"
        defaults = {
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
            "PHOENIX_DEFAULT_RETENTION_POLICY_DAYS": context.environ.get("PHOENIX_RETENTION_DAYS") or "30",
            "PHOENIX_WORKING_DIR": str(context.state / "phoenix"),
        }
        environ = (
            defaults
            | self.environment("phoenix")
            | {
                "PHOENIX_HOST": context.listen_host,
                "PHOENIX_PORT": str(context.ports["phoenix"]),
                "PHOENIX_GRPC_PORT": str(context.ports["phoenix_grpc"]),
            }
        )
        return Program(
            "phoenix",
            # -P: the wrapper's own folder must not be searched for modules.
            [str(phoenix_env.python(context)), "-P", str(wrapper), "serve"],
            environ,
            str(context.state / "phoenix"),
            context.version("phoenix"),
            "cache",
            _hash(wrapper, context.repo / "requirements" / "phoenix.lock"),
        )

    def grafana(self, binary: Path, home: Path) -> Program:
        context = self._context
        folder = context.state / "grafana"
        folder.mkdir(parents=True, exist_ok=True)
        configuration = context.repo / "grafana" / "grafana.ini"
        provisioning = context.repo / "grafana" / "provisioning"
        dashboards = context.generated / "grafana" / "dashboards"
        shared = self.environment("grafana")
        environ = shared | {
            "GF_SERVER_HTTP_ADDR": context.listen_host,
            "GF_SERVER_HTTP_PORT": str(context.ports["grafana"]),
            "GF_SERVER_ROOT_URL": shared["GRAFANA_PUBLIC_URL"],
            "GF_PATHS_DATA": str(folder),
            "GF_PATHS_LOGS": str(folder / "log"),
            "GF_PATHS_PLUGINS": str(folder / "plugins"),
            "GF_PATHS_PROVISIONING": str(provisioning),
            "GF_LOG_MODE": "console",
            # The __FILE variables are a feature of the image's start script; this one is the program's own.
            "GF_SECURITY_ADMIN_PASSWORD": f"$__file{{{self._grafana_password(folder)}}}",
            "DASHBOARDS_DIR": str(dashboards),
            # A Jaeger built from its Go module has no page; the preview shows a trace at the same path.
            "JAEGER_PUBLIC_URL": context.environ.get("JAEGER_PUBLIC_URL") or shared["PREVIEW_PUBLIC_URL"],
        }
        return Program(
            "grafana",
            [str(binary), "server", "--homepath", str(home), "--config", str(configuration)],
            environ,
            str(home),
            _grafana_version(binary),
            "PATH",
            _hash(configuration, provisioning, binary),
        )

    def _grafana_password(self, folder: Path) -> Path:
        """The file with the administrator's password: the team's, else one that is made once."""
        own = self._context.repo / "secrets" / "grafana_admin_password"
        if own.exists():
            return own
        made = folder / "admin_password"
        if not made.exists():
            made.touch(mode=0o600)
            made.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        return made

    # ---- shared ------------------------------------------------------------------------------------------------

    def _python(self, name: str, module: list[str], environ: dict[str, str], *read: Path) -> Program:
        context = self._context
        return Program(
            name,
            [sys.executable, "-m", *module],
            environ | {"PYTHONUNBUFFERED": "1"},
            str(context.repo),
            distribution_version("ai-observability"),
            ".venv",
            _hash(context.config, context.repo / "requirements" / "stack.lock", *read),
        )

    def _go(self, name: str, binary: Binary, arguments: list[str], *read: Path) -> Program:
        return Program(
            name,
            [str(binary.path), *arguments],
            self.environment(name),
            str(self._context.state / name),
            binary.version,
            binary.source,
            _hash(binary.path, *read),
        )

    def _address(self, port_name: str) -> str:
        return f"{self._context.listen_host}:{self._context.ports[port_name]}"

    def _write_targets(self, folder: Path) -> None:
        """file_sd targets with the native addresses; the user's own ``prometheus/targets/apps`` is linked."""
        folder.mkdir(parents=True, exist_ok=True)
        present = {job for job in TARGETS if job != "grafana" or grafana_home(self._context) is not None}
        for job, port_name in TARGETS.items():
            file = folder / f"{job}.yml"
            if job not in present:
                file.unlink(missing_ok=True)
                continue
            address = f"{self._context.connect_host}:{self._context.ports[port_name]}"
            _write(file, yaml.safe_dump([{"targets": [address]}]))
        _link(folder / "apps", self._context.repo / "prometheus" / "targets" / "apps")

    def _write_secrets(self, folder: Path) -> None:
        """The local receiver's URL, and links to what the team keeps in ``secrets/`` (tokens, passwords)."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = self._context.repo / "secrets"
        wanted = {file.name: file for file in own.iterdir() if file.suffix != ".md"} if own.is_dir() else {}
        for old in folder.iterdir():
            # A link whose secret is gone, or our own file that the team's replaces.
            if old.is_symlink() != (old.name in wanted):
                old.unlink()
        for name, file in wanted.items():
            _link(folder / name, file)
        if "webhook_url" not in wanted:
            _write(folder / "webhook_url", f"{self._context.url('exporter')}/v1/notifications")


_WITH_PAGES = ("exporter", "phoenix", "loki", "jaeger", "prometheus", "alertmanager", "grafana", "preview")


def _write(file: Path, text: str) -> None:
    """Write ``text`` unless the file holds it already: file_sd and the like need not look again."""
    if file.is_symlink():
        file.unlink()
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def _link(link: Path, target: Path) -> None:
    """Make ``link`` a symbolic link to ``target``, replacing another one."""
    if link.is_symlink():
        if link.readlink() == target:
            return
        link.unlink()
    elif link.exists():
        raise NativeError(f"{link} is in the way of a link to {target}; remove it")
    link.symlink_to(target)


def _hash(*paths: Path) -> str:
    """Hash of files and of all files under folders; of a large file (a binary) its size and date alone."""
    digest = hashlib.sha256()
    for file in _files(paths):
        digest.update(f"{file}\n".encode())
        if not file.exists():
            continue
        status = file.stat()
        if status.st_size > 4_000_000:
            digest.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
        else:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _files(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        else:
            yield path
