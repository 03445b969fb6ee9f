"""The web application: pages, the generated dashboards as they lie on disk, and read-only ways to the backends."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Request
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from plotly.offline import get_plotlyjs
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dashboards_src.preview.backends import Backend, BackendError, NotAllowedError, ask
from dashboards_src.shared import BOARDS
from observability import problems

_LOG = logging.getLogger("dashboards_src.preview")
STATIC = Path(__file__).parent / "static"

#: Scripts and data from here only. Plotly sets style attributes on its SVG, hence 'unsafe-inline' for styles.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Config:
    """What differs between machines. ``links`` are the addresses of pages that a browser opens."""

    dashboards: Path
    backends: Mapping[str, Backend]
    links: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"


class DashboardFileError(Exception):
    """A generated file cannot be read; the message names it."""


def read_dashboards(folder: Path) -> dict[str, dict[str, Any]]:
    """Every dashboard below ``folder`` by uid. Raises :class:`DashboardFileError` for a file that is not one."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.rglob("*.json")):
        try:
            board = json.loads(path.read_text(encoding="utf-8"))
            found[board["uid"]] = board
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DashboardFileError(f"{path} is not a dashboard: {error!r}") from error
    return found


@lru_cache(maxsize=1)
def _plotly() -> tuple[bytes, str]:
    """plotly.js of the installed package, compressed (4.8 MB become 1.4), and its entity tag."""
    script = get_plotlyjs().encode()
    return gzip.compress(script, 6, mtime=0), f'"{hashlib.sha256(script).hexdigest()[:32]}"'


def create_app(config: Config) -> FastAPI:
    """The preview as an ASGI app."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Not through a proxy of the environment: the backends are this machine's or this network's.
        async with httpx.AsyncClient(trust_env=False) as client:
            app.state.client = client
            yield

    app = FastAPI(title="AI observability preview", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    _pages(app)
    _data(app, config)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.middleware("http")
    async def harden(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await proceed(request)
        response.headers.update(SECURITY_HEADERS)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response

    if config.host in _LOOPBACK:  # a page of somebody else's that resolves its name to 127.0.0.1 gets nothing
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])
    return app


def _pages(app: FastAPI) -> None:
    @app.get("/")
    @app.get("/d/{uid}")
    @app.get("/d/{uid}/{slug}")
    @app.get("/traces")
    @app.get("/trace/{trace_id}")
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/vendor/plotly.min.js")
    async def plotly(request: Request) -> Response:
        script, tag = _plotly()
        headers = {"ETag": tag, "Cache-Control": "max-age=86400", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(script), media_type="text/javascript", headers=headers)
        return Response(script, media_type="text/javascript", headers={**headers, "Content-Encoding": "gzip"})


def _data(app: FastAPI, config: Config) -> None:
    @app.exception_handler(DashboardFileError)
    async def unreadable(_request: Request, error: DashboardFileError) -> Response:
        return problems.problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    @app.get("/api/config")
    def configuration() -> JSONResponse:
        boards = read_dashboards(config.dashboards)
        listed = [
            {"uid": uid, "title": board["title"], "description": board["description"]} for uid, board in boards.items()
        ]
        order = list(BOARDS)  # the overview is what one opens first; a team's own dashboards come last
        listed.sort(key=lambda each: order.index(each["uid"]) if each["uid"] in order else len(order))
        return JSONResponse({"dashboards": listed, "links": dict(config.links), "backends": _addresses(config)})

    @app.get("/api/dashboards/{uid}")
    def dashboard(uid: str) -> Response:
        boards = read_dashboards(config.dashboards)
        if uid not in boards:
            known = ", ".join(boards) or "none; run: make generate"
            return problems.problem(HTTPStatus.NOT_FOUND, f"There is no dashboard {uid}. Known: {known}.")
        return JSONResponse(boards[uid])

    @app.get("/api/{name}/{path:path}")
    async def backend(request: Request, name: Annotated[str, PathParameter(pattern="^[a-z]+$")], path: str) -> Response:
        chosen = config.backends.get(name)
        if chosen is None:
            return problems.problem(HTTPStatus.NOT_FOUND, f"There is no backend {name}.")
        try:
            answer = await ask(request.app.state.client, chosen, path, request.url.query)
        except NotAllowedError as error:
            return problems.problem(HTTPStatus.FORBIDDEN, str(error))
        except BackendError as error:
            _LOG.warning("%s", error, extra={"event": "backend_failed", "backend": name, "path": path})
            return problems.problem(HTTPStatus.BAD_GATEWAY, str(error), backend=name)
        return Response(answer.content, answer.status, media_type=answer.media_type)


def _addresses(config: Config) -> dict[str, str]:
    return {name: backend.url for name, backend in config.backends.items()}
