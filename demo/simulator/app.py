"""The HTTP side of the simulator: OpenAI's endpoints, and ``/admin`` to steer it and to read its ledger."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import struct
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from demo.simulator.answers import Answer, PromptCache, answer, validate
from demo.simulator.errors import Kind, ProviderError, bad_key, injected, invalid, model_not_found
from demo.simulator.faults import FaultPlan, Faults
from demo.simulator.ledger import Ledger, Usage
from demo.simulator.models import MODELS, Model, find_model
from demo.simulator.text import embed, pieces, unit

#: API keys are this plus the name of the calling service, so that the ledger knows who called.
KEY_PREFIX = "sk-demo-"
#: Seconds after which a hanging call ends by itself; longer than any client of the demo waits.
HANG_SECONDS = 120.0
#: Standard deviation of the logarithm of a latency: a p95 of about twice the median.
LATENCY_SIGMA = 0.42

Endpoint = Callable[[Request, dict[str, Any], str, Model], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Call:
    """Who asked for a streamed answer, and how fast it comes."""

    caller: str
    model: str
    first_seconds: float
    rest_seconds: float


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

    async def chat(self, request: Request, body: dict[str, Any], caller: str, model: Model) -> Response:
        """``POST /v1/chat/completions``; raises ProviderError for what OpenAI refuses and for faults that are due."""
        stream = bool(body.get("stream"))
        validate(body, model)
        await self._maybe_fail(request, caller, model, "chat")
        said = answer(body, model, caller, self.cache, cut=self.plan.cut(caller, model.name))
        first = self.latency(model.first_token_seconds, "first", body)
        thinking = said.usage.reasoning / model.tokens_per_second
        speaking = (said.usage.completion - said.usage.reasoning) / model.tokens_per_second
        first += thinking * self.latency_scale * self.plan.faults.latency_factor
        rest = self.latency(speaking, "rest", body)
        envelope = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model.snapshot,
            "system_fingerprint": "fp_demo",
            "service_tier": "default",
        }
        if stream:
            with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            call = Call(caller, model.name, first, rest)
            events = self._stream(said, envelope, call, with_usage=with_usage)
            return StreamingResponse(events, media_type="text/event-stream", headers=_headers())
        await asyncio.sleep(first + rest)
        if await request.is_disconnected():
            self.ledger.failed(caller, model.name, "chat", Kind.TIMEOUT)
            return Response(status_code=499)
        self.ledger.succeeded(caller, model.name, "chat", said.usage, finish_reason=said.finish_reason)
        choice = {"index": 0, "message": said.message, "logprobs": None, "finish_reason": said.finish_reason}
        content = {**envelope, "object": "chat.completion", "choices": [choice], "usage": _usage(said.usage)}
        return JSONResponse(content, headers=_headers())

    async def _stream(
        self, said: Answer, envelope: dict[str, Any], call: Call, *, with_usage: bool
    ) -> AsyncIterator[str]:
        def event(choices: list[dict[str, Any]], **members: Any) -> str:
            usage = {"usage": None} if with_usage else {}
            chunk = {**envelope, "object": "chat.completion.chunk", "choices": choices, **usage, **members}
            return f"data: {json.dumps(chunk)}\n\n"

        def delta(content: dict[str, Any], finish_reason: str | None = None) -> list[dict[str, Any]]:
            return [{"index": 0, "delta": content, "logprobs": None, "finish_reason": finish_reason}]

        finished = False
        try:
            await asyncio.sleep(call.first_seconds)
            yield event(delta({"role": "assistant", "content": "", "refusal": None}))
            for index, tool in enumerate(said.message.get("tool_calls", ())):
                yield event(delta({"tool_calls": [{"index": index, **tool}]}))
            pause = call.rest_seconds / max(1, len(said.parts))
            for part in said.parts:
                await asyncio.sleep(pause)
                yield event(delta({"content": part}))
            self.ledger.succeeded(
                call.caller, call.model, "chat", said.usage, finish_reason=said.finish_reason, streamed=True
            )
            finished = True
            yield event(delta({}, said.finish_reason))
            if with_usage:
                yield event([], usage=_usage(said.usage))
            yield "data: [DONE]\n\n"
        finally:
            if not finished:  # the client went away: it saw a time-out or gave up
                self.ledger.failed(call.caller, call.model, "chat", Kind.TIMEOUT)

    async def embeddings(self, request: Request, body: dict[str, Any], caller: str, model: Model) -> Response:
        """``POST /v1/embeddings``; raises ProviderError as :meth:`chat` does."""
        given = body.get("input")
        texts = [given] if isinstance(given, str) else given
        if model.kind != "embedding" or not isinstance(texts, list) or not texts:
            raise invalid("'input' must be a string or a non-empty array of strings.", "input")
        if not all(isinstance(text, str) and text for text in texts):
            raise invalid("'$.input' is invalid: every item must be a non-empty string.", "input")
        dimensions = body.get("dimensions") or 1536
        if not isinstance(dimensions, int) or not 1 <= dimensions <= 1536:
            raise invalid("Invalid value for 'dimensions': expected an integer from 1 to 1536.", "dimensions")
        await self._maybe_fail(request, caller, model, "embeddings")
        await asyncio.sleep(self.latency(model.first_token_seconds * (1 + len(texts) / 50), "embeddings", body))
        if await request.is_disconnected():
            self.ledger.failed(caller, model.name, "embeddings", Kind.TIMEOUT)
            return Response(status_code=499)
        usage = Usage(prompt=sum(len(pieces(text)) for text in texts))
        self.ledger.succeeded(caller, model.name, "embeddings", usage)
        packed = body.get("encoding_format") == "base64"
        vectors = (embed(text, dimensions) for text in texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _base64(vector) if packed else vector}
            for index, vector in enumerate(vectors)
        ]
        counted = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
        return JSONResponse(
            {"object": "list", "data": data, "model": model.snapshot, "usage": counted}, headers=_headers()
        )

    async def _maybe_fail(self, request: Request, caller: str, model: Model, operation: str) -> None:
        """Raise the fault that is due, after a plausible while; hang for a time-out until the client has left."""
        kind = self.plan.next(caller, model.name, operation)
        if kind is None:
            return
        if kind is Kind.TIMEOUT:
            end = time.monotonic() + HANG_SECONDS
            while time.monotonic() < end and not await request.is_disconnected():
                await asyncio.sleep(0.05)
            raise ProviderError(kind, 504, "The request timed out.", type="server_error")
        await asyncio.sleep(self.latency(0.03, "error", kind, model.name))
        raise injected(kind, model.name)


def create_app(simulator: Simulator) -> FastAPI:
    """The ASGI app around ``simulator``."""
    app = FastAPI(title="OpenAI-compatible simulator", docs_url=None, redoc_url=None)

    async def json_body(request: Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise invalid("We could not parse the JSON body of your request.") from error
        if not isinstance(body, dict):
            raise invalid("The JSON body of your request must be an object.")
        return body

    def caller_of(request: Request) -> str:
        key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not key.startswith(KEY_PREFIX) or key == KEY_PREFIX:
            raise bad_key(key)
        return key.removeprefix(KEY_PREFIX)

    async def serve(request: Request, operation: str, endpoint: Endpoint) -> Response:
        """Answer one call, and count it if it ends in an error, under the model name that it asked for."""
        caller = name = "unknown"
        try:
            caller = caller_of(request)
            body = await json_body(request)
            if not isinstance(body.get("model"), str) or not body["model"]:
                raise invalid("you must provide a model parameter", "model")
            name = body["model"]
            model = find_model(name)
            if model is None:
                raise model_not_found(name)
            name = model.name
            return await endpoint(request, body, caller, model)
        except ProviderError as error:
            simulator.ledger.failed(caller, name, operation, error.kind)
            return error_response(error)

    @app.exception_handler(ProviderError)
    async def provider_error(_: Request, error: ProviderError) -> JSONResponse:
        return error_response(error)

    @app.post("/v1/chat/completions")
    async def chat_completions(request: Request) -> Response:
        return await serve(request, "chat", simulator.chat)

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        return await serve(request, "embeddings", simulator.embeddings)

    @app.get("/v1/models")
    async def models(request: Request) -> JSONResponse:
        caller_of(request)
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "demo"} for name in MODELS]
        return JSONResponse({"object": "list", "data": data})

    @app.get("/admin/ledger")
    async def ledger() -> JSONResponse:
        return JSONResponse({"seed": simulator.seed, **simulator.ledger.as_json()})

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
    unknown = set(values) - {"error_ratio", "kind", "latency_factor"}
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
    )


def error_response(error: ProviderError) -> JSONResponse:
    """``error`` as OpenAI sends it."""
    return JSONResponse(error.body, status_code=error.status, headers={**_headers(), **error.headers})


def _headers() -> dict[str, str]:
    return {"x-request-id": f"req_{uuid.uuid4().hex}", "openai-version": "2020-10-01"}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
