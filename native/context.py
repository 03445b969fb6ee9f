"""Where one native stack lives: its folders, ports and addresses, all from the environment."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from native.errors import NativeError
from native.ports import Ports, parse_offset
from native.versions import read_versions, version_of
from observability import settings

REPO = Path(__file__).resolve().parent.parent
#: Marks every process of a stack, so that ``down`` finds those whose supervisor died.
MARKER = "AI_OBSERVABILITY_STACK"
DEFAULT_CONFIG = "observability.yml"


@dataclass(frozen=True)
class Context:
    """One stack. Every path is absolute; ``listen_host`` is what components bind, an IPv4 address."""

    state: Path
    cache: Path
    ports: Ports
    listen_host: str
    config: Path
    environ: Mapping[str, str]
    repo: Path = REPO

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ, repo: Path = REPO) -> Context:
        """Read ``STATE_DIR PORT_OFFSET BIND_ADDRESS OBSERVABILITY_CONFIG XDG_CACHE_HOME``; empty means unset.

        Raises :class:`NativeError` for a value that cannot be used.
        """
        cache_home = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache")
        address = environ.get("BIND_ADDRESS") or "127.0.0.1"
        try:
            ipaddress.IPv4Address(address)
        except ValueError as error:
            raise NativeError(f"BIND_ADDRESS={address!r} must be an IPv4 address of this machine") from error
        return cls(
            state=(repo / (environ.get("STATE_DIR") or ".stack")).absolute(),
            cache=(cache_home / "ai-observability").absolute(),
            ports=Ports(parse_offset(environ.get("PORT_OFFSET"))),
            listen_host=address,
            config=(repo / (environ.get("OBSERVABILITY_CONFIG") or DEFAULT_CONFIG)).absolute(),
            environ=dict(environ),
            repo=repo,
        )

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def generated(self) -> Path:
        """Root of the generated files in use: the repository, unless another config is named."""
        return self.repo if self.uses_committed_files else self.state / "generated"

    @property
    def uses_committed_files(self) -> bool:
        return self.config == (self.repo / DEFAULT_CONFIG).absolute()

    @property
    def drops_content(self) -> bool:
        """Whether ``observability.yml`` says ``privacy.content: drop``; without the file the defaults hold."""
        return self.config.exists() and settings.load(self.config, environ={}).privacy.content == "drop"

    @property
    def connect_host(self) -> str:
        """The address at which this machine reaches what listens on ``listen_host``."""
        return "127.0.0.1" if self.listen_host == "0.0.0.0" else self.listen_host

    def url(self, port_name: str) -> str:
        """``http://127.0.0.1:9090`` for ``prometheus``: what components, tests and a browser on this machine open."""
        return f"http://{self.connect_host}:{self.ports[port_name]}"

    @cached_property
    def versions(self) -> dict[str, str]:
        return read_versions(self.repo / ".env")

    def version(self, component: str) -> str:
        """The pinned version of a component of ``.env``, without a leading ``v``."""
        return version_of(component, self.versions)

    def prepare(self) -> None:
        """Make the folders of the stack, readable by this user alone where secrets or the control socket are."""
        try:
            for folder in (self.state, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            (self.run / "components").mkdir(parents=True, exist_ok=True)
            self.run.chmod(0o700)
        except OSError as error:
            raise NativeError(f"STATE_DIR {self.state} cannot be written: {error.strerror}") from error
