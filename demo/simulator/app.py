"""The HTTP side of the simulator: the providers' endpoints, and ``/admin`` to steer it and to read its ledger."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from statistics import NormalDist
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from demo.simulator.answers import Answer, PromptCache, answer
from demo.simulator.apis.base import Api, Wire
from demo.simulator.apis.bedrock import Converse
from demo.simulator.apis.chat_completions import ChatCompletions
from demo.simulator.apis.cohere import CohereChat
from demo.simulator.apis.google import GenerateContent
from demo.simulator.apis.messages import Messages
from demo.simulator.apis.responses import Responses
from demo.simulator.apis.vectors import CohereEmbed, CohereRerank, EmbedContents, Embeddings, Numbers, usage_of
from demo.simulator.errors import Kind, ProviderError, injected, invalid, model_not_found
from demo.simulator.faults import FaultPlan, Faults
from demo.simulator.ledger import Call, Ledger
from demo.simulator.models import MODELS, Model, find_model
from demo.simulator.text import unit

#: Seconds after which a hanging call ends by itself; longer than any client of the demo waits.
HANG_SECONDS = 120.0
#: Standard deviation of the logarithm of a latency: a p95 of about twice the median.
LATENCY_SIGMA = 0.42

#: Path → API. Google's clients ask for version v1 or v1beta of theirs.
ENDPOINTS: dict[str, Api] = {
    "/v1/chat/completions": ChatCompletions(),
    "/v1/responses": Responses(),
    "/v1/embeddings": Embeddings(),
    "/v1/messages": Messages(),
    "/mistral/v1/chat/completions": ChatCompletions("mistral"),
    "/mistral/v1/embeddings": Embeddings("mistral"),
    "/openai/v1/chat/completions": ChatCompletions("groq"),
    "/{version}/models/{model}:generateContent": GenerateContent(),
    "/{version}/models/{model}:streamGenerateContent": GenerateContent(),
    "/{version}/models/{model}:batchEmbedContents": EmbedContents(),
    "/v2/chat": CohereChat(),
    "/v2/embed": CohereEmbed(),
    "/v2/rerank": CohereRerank(),
    "/model/{model}/converse": Converse(),
}


class Simulator:
    """The provider: its faults, its prompt cache, its ledger and how slow it is.

    ``latency_scale`` multiplies every latency; 0 answers at once.
    """

    def __init__(self, seed: int = 7, latency_scale: float = 1.0, faults: Faults | None = None) -> None:
        self.seed = seed
        self.latency_scale = latency_scale
        self.plan = FaultPlan(seed, faults)
        self.cache = PromptCache()
        self.ledger = Ledger()

    def latency(self, median: float, *key: object) -> float:
        """Seconds: lognormal around ``median``, the same for the same ``key``."""
        noise = NormalDist().inv_cdf(unit(self.seed, "latency", *key))
        return median * math.exp(LATENCY_SIGMA * noise) * self.latency_scale * self.plan.faults.latency_factor

    async def chat(self, request: Request, body: dict[str, Any], call: Call, api: Api, model: Model) -> Response:
        """One chat answer; raises ProviderError for what the provider refuses and for faults that are due."""
        asked = api.chat(body)
        if model.kind != "chat":
            raise invalid("This is not a chat model and thus not supported by this endpoint.", "model")
        await self._maybe_fail(request, call)
        cache = PromptCache() if self.plan.faults.cold_cache else self.cache
        said = answer(asked, model, call.caller, cache, cut=self.plan.cut(call.caller, model.name))
        first = self.latency(model.first_token_seconds, "first", body)
        thinking = said.usage.reasoning / model.tokens_per_second
        speaking = (said.usage.completion - said.usage.reasoning) / model.tokens_per_second
        first += thinking * self.latency_scale * self.plan.faults.latency_factor
        rest = self.latency(speaking, "rest", body)
        wire = api.wire(body, model)
        if call.streaming:
            events = self._stream(said, wire, call, first, rest)
            return StreamingResponse(events, media_type=wire.media_type, headers=api.headers())
        await asyncio.sleep(first + rest)
        if await request.is_disconnected():
            return self._gone(call)
        tools = len(said.message.get("tool_calls", ()))
        self.ledger.succeeded(call, said.usage, finish_reason=said.finish_reason, tools=tools)
        return JSONResponse(wire.whole(said), headers=api.headers())

    async def _stream(
        self, said: Answer, wire: Wire, call: Call, first_seconds: float, rest_seconds: float
    ) -> AsyncIterator[str]:
        finished = False
        tools = len(said.message.get("tool_calls", ()))
        try:
            await asyncio.sleep(first_seconds)
            for event in wire.opening(said):
                yield event
            pause = rest_seconds / max(1, len(said.parts))
            for part in said.parts:
                await asyncio.sleep(pause)
                yield wire.part(part)
            self.ledger.succeeded(
                call, said.usage, finish_reason=said.finish_reason, told=wire.tells_usage, tools=tools
            )
            finished = True
            for event in wire.closing(said):
                yield event
        finally:
            if not finished:  # the client went away: it saw a time-out or gave up
                self.ledger.failed(call, Kind.TIMEOUT, 200)

    async def numbers(self, request: Request, body: dict[str, Any], call: Call, api: Numbers, model: Model) -> Response:
        """Embeddings or a ranking; raises ProviderError as :meth:`chat` does."""
        if model.kind != api.kind:
            raise invalid(f"The input needs a model for {api.operation}.", "model")
        texts = api.texts(body)
        await self._maybe_fail(request, call)
        await asyncio.sleep(self.latency(model.first_token_seconds * (1 + len(texts) / 50), call.operation, body))
        if await request.is_disconnected():
            return self._gone(call)
        usage = usage_of(texts)
        self.ledger.succeeded(call, usage, told=api.tells_usage)
        return JSONResponse(api.reply(body, model, texts, usage), headers=api.headers())

    def _gone(self, call: Call) -> Response:
        self.ledger.failed(call, Kind.TIMEOUT, 499)
        return Response(status_code=499)

    async def _maybe_fail(self, request: Request, call: Call) -> None:
        """Raise the fault that is due, after a plausible while; hang for a time-out until the client has left."""
        kind = self.plan.next(call.caller, call.model, call.operation)
        if kind is None:
            return
        if kind is Kind.TIMEOUT:
            end = time.monotonic() + HANG_SECONDS
            while time.monotonic() < end and not await request.is_disconnected():
                await asyncio.sleep(0.05)
            raise ProviderError(kind, 504, "The request timed out.", type="server_error")
        await asyncio.sleep(self.latency(0.03, "error", kind, call.model))
        raise injected(kind, call.model)


def create_app(simulator: Simulator) -> FastAPI:
    """The ASGI app around ``simulator``."""
    app = FastAPI(title="Simulator of hosted models", docs_url=None, redoc_url=None)

    async def json_body(request: Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise invalid("We could not parse the JSON body of your request.") from error
        if not isinstance(body, dict):
            raise invalid("The JSON body of your request must be an object.")
        return body

    async def serve(request: Request, api: Api) -> Response:
        """Answer one call, and count it if it ends in an error, under the model name that it asked for."""
        call = Call("unknown", api.provider, api.operation, "unknown", "unknown")
        try:
            caller = api.caller(request)
            body = await json_body(request)
            name = api.model(request, body)
            if not isinstance(name, str) or not name:
                raise invalid("you must provide a model parameter", "model")
            model = find_model(name)
            call = Call(
                caller,
                api.provider,
                api.operation,
                model.name if model else name,
                name,
                api.streaming(request, body),
            )
            if model is None:
                raise model_not_found(name)
            if isinstance(api, Numbers):
                return await simulator.numbers(request, body, call, api, model)
            return await simulator.chat(request, body, call, api, model)
        except ProviderError as error:
            simulator.ledger.failed(call, error.kind, error.status)
            return api.refuse(error)

    def endpoint(path: str, api: Api) -> None:
        async def handle(request: Request) -> Response:
            return await serve(request, api)

        app.add_api_route(path, handle, methods=["POST"])

    for path, api in ENDPOINTS.items():
        endpoint(path, api)
    openai = ENDPOINTS["/v1/chat/completions"]

    @app.exception_handler(ProviderError)
    async def provider_error(_: Request, error: ProviderError) -> Response:
        return openai.refuse(error)

    @app.get("/v1/models")
    async def models(request: Request) -> JSONResponse:
        openai.caller(request)
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "demo"} for name in MODELS]
        return JSONResponse({"object": "list", "data": data})

    @app.get("/admin/ledger")
    async def ledger() -> JSONResponse:
        return JSONResponse({"seed": simulator.seed, **simulator.ledger.as_json()})

    @app.get("/admin/calls")
    async def calls(since: int = 0) -> JSONResponse:
        return JSONResponse(simulator.ledger.calls(since))

    @app.get("/admin/faults")
    async def get_faults() -> JSONResponse:
        return JSONResponse(asdict(simulator.plan.faults))

    @app.post("/admin/faults")
    async def set_faults(request: Request) -> JSONResponse:
        try:
            simulator.plan.faults = parse_faults(await json_body(request))
        except ValueError as error:
            return JSONResponse({"error": {"message": str(error)}}, status_code=400)
        return JSONResponse(asdict(simulator.plan.faults))

    @app.delete("/admin/faults")
    async def reset_faults() -> JSONResponse:
        simulator.plan.faults = Faults()
        return JSONResponse(asdict(simulator.plan.faults))

    return app


def parse_faults(values: dict[str, Any]) -> Faults:
    """Faults from a JSON object or from ``key=value`` settings; raises ValueError naming what is wrong."""
    unknown = set(values) - {"error_ratio", "kind", "latency_factor", "cold_cache"}
    if unknown:
        raise ValueError(f"unknown fault setting: {', '.join(sorted(unknown))}")
    kind = values.get("kind")
    if kind not in (None, *(str(member) for member in Kind)):
        raise ValueError(f"unknown kind {kind!r}; one of: {', '.join(Kind)}")
    default = Faults()
    return Faults(
        error_ratio=float(values.get("error_ratio", default.error_ratio)),
        kind=Kind(kind) if kind else None,
        latency_factor=float(values.get("latency_factor", default.latency_factor)),
        cold_cache=str(values.get("cold_cache", default.cold_cache)).lower() in ("true", "1"),
    )
