"""Two providers without a client library here, called over plain HTTP with spans made by hand.

The chat span is that of OpenTelemetry's GenAI conventions. They have none for reranking, so that is OpenInference's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.invocation import InferenceInvocation
from opentelemetry.util.genai.types import InputMessage, OutputMessage, TextPart

from demo.index import Hit
from demo.provider_calls import CallError, asked_wait
from demo.research_agent.evaluation import grounded
from demo.tally import Tally

RERANKER = "rerank-v3.5"
_KINDS = {401: "authentication", 403: "authentication", 404: "model_not_found", 429: "rate_limit_exceeded"}
_FILTERED = "content management policy"


def post(http: httpx.Client, url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """The JSON of an answer; raises CallError for every other outcome."""
    try:
        answer = http.post(url, json=body, headers=headers)
    except httpx.TimeoutException as error:
        raise CallError("timeout", f"no answer within {http.timeout.read} s", type_="timeout") from error
    except httpx.TransportError as error:
        raise CallError("other", str(error), type_=type(error).__name__) from error
    if answer.status_code == httpx.codes.OK:
        result: dict[str, Any] = answer.json()
        return result
    try:
        said = answer.json()
    except json.JSONDecodeError:
        said = {}
    told = said.get("error") or said
    message = str(told.get("message") or answer.text)
    kind = _KINDS.get(answer.status_code, "server_error" if answer.is_server_error else "invalid_request")
    if _FILTERED in message:
        kind = "content_filter"
    raise CallError(kind, message, type_=str(told.get("type") or answer.status_code), wait=asked_wait(answer.headers))


class Anthropic:
    """``POST /v1/messages``, with the system prompt marked for the provider's cache."""

    def __init__(self, http: httpx.Client, root: str, key: str, genai: TelemetryHandler, tally: Tally) -> None:
        self._http = http
        self._url = f"{root}/v1/messages"
        self._headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        self._genai = genai
        self._tally = tally
        self._address = urlsplit(root)

    def summarise(self, model: str, system: str, question: str, pages: str) -> str:
        """What ``pages`` say to ``question``; raises CallError.

        How well the answer stands on the pages is an evaluation event of the call's own span.
        """
        asked = f"{pages}\n\nQuestion: {question}"
        with self._genai.inference(
            "anthropic",
            request_model=model,
            server_address=self._address.hostname,
            server_port=self._address.port,
            error_type_resolver=lambda error: error.type if isinstance(error, CallError) else None,
        ) as invocation:
            invocation.max_tokens = 400
            invocation.system_instruction = [TextPart(system)]
            invocation.input_messages = [InputMessage("user", [TextPart(asked)])]
            body = {
                "model": model,
                "max_tokens": 400,
                "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
                "messages": [{"role": "user", "content": asked}],
            }
            reply = post(self._http, self._url, body, self._headers)
            text = "".join(block.get("text", "") for block in reply["content"])
            _describe(invocation, reply, text)
            self._evaluate(invocation, text, pages)
        return text

    def _evaluate(self, invocation: InferenceInvocation, text: str, pages: str) -> None:
        verdict = grounded(text, pages)
        invocation.span.add_event("gen_ai.evaluation.result", verdict.attributes())
        self._tally.add("evaluation", verdict.name, verdict.label)


def _describe(invocation: InferenceInvocation, reply: dict[str, Any], text: str) -> None:
    """What the span says of the answer. Anthropic tells cached tokens beside ``input_tokens``, a span within them."""
    usage = reply["usage"]
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    invocation.response_id = reply["id"]
    invocation.response_model_name = reply["model"]
    invocation.finish_reasons = [reply["stop_reason"]]
    invocation.input_tokens = usage["input_tokens"] + read + written
    invocation.cache_read_input_tokens = read
    invocation.cache_write_input_tokens = written
    invocation.output_tokens = usage["output_tokens"]
    invocation.output_messages = [OutputMessage("assistant", [TextPart(text)])]


class Cohere:
    """``POST /v2/rerank``."""

    def __init__(self, http: httpx.Client, root: str, key: str, tally: Tally) -> None:
        self._http = http
        self._url = f"{root}/v2/rerank"
        self._headers = {"authorization": f"Bearer {key}"}
        self._tally = tally
        self._tracer = trace.get_tracer("demo.research_agent.rerank")

    def rerank(self, question: str, hits: Sequence[Hit], keep: int) -> list[Hit]:
        """The ``keep`` hits that fit ``question`` best, scored anew; raises CallError."""
        attributes: dict[str, str | float] = {
            "openinference.span.kind": "RERANKER",
            "reranker.model_name": RERANKER,
            "reranker.query": question,
            "reranker.top_k": keep,
            **_documents("reranker.input_documents", hits),
        }
        with (
            self._tally.outcome("rerank", RERANKER),
            self._tracer.start_as_current_span(
                f"rerank {RERANKER}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
            ) as span,
        ):
            body = {
                "model": RERANKER,
                "query": question,
                "documents": [hit.document.text for hit in hits],
                "top_n": keep,
            }
            try:
                reply = post(self._http, self._url, body, self._headers)
            except CallError as error:
                span.set_attribute("error.type", error.type)
                raise
            best = [Hit(hits[each["index"]].document, each["relevance_score"]) for each in reply["results"]]
            span.set_attributes(_documents("reranker.output_documents", best))
            # Cohere bills by the search. No convention has a name for that, so the exporter counts this one as unknown.
            span.set_attribute("gen_ai.usage.search_units", reply["meta"]["billed_units"]["search_units"])
            span.set_status(Status(StatusCode.OK))
        return best


def _documents(prefix: str, hits: Sequence[Hit]) -> dict[str, str | float]:
    described: dict[str, str | float] = {}
    for place, hit in enumerate(hits):
        described[f"{prefix}.{place}.document.id"] = hit.document.id
        described[f"{prefix}.{place}.document.score"] = hit.score
    return described
