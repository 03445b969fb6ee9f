"""Google's ``POST /v1beta/models/{model}:generateContent``: thoughts are told beside the tokens of the answer."""

# ruff: noqa: ARG002  (every API has the same signatures)
from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from demo.simulator.answers import Answer
from demo.simulator.apis.base import Api, Wire, caller_of, function, identifier, sse, tool_call
from demo.simulator.errors import Kind, ProviderError
from demo.simulator.ledger import Usage
from demo.simulator.models import Model

_FINISH = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_STATUS = {
    Kind.RATE_LIMIT_EXCEEDED: "RESOURCE_EXHAUSTED",
    Kind.MODEL_NOT_FOUND: "NOT_FOUND",
    Kind.AUTHENTICATION: "UNAUTHENTICATED",
    Kind.SERVER_ERROR: "INTERNAL",
    Kind.TIMEOUT: "DEADLINE_EXCEEDED",
}


class Content(Wire):
    """One generated content, whole or in chunks of the same form."""

    def __init__(self, model: Model) -> None:
        self._envelope = {"modelVersion": model.snapshot, "responseId": identifier("goo")}

    def whole(self, said: Answer) -> dict[str, Any]:
        return self._body(_parts(said), said)

    def opening(self, said: Answer) -> list[str]:
        calls = [part for part in _parts(said) if "functionCall" in part]
        return [sse(self._body(calls))] if calls else []

    def part(self, text: str) -> str:
        return sse(self._body([{"text": text}]))

    def closing(self, said: Answer) -> list[str]:
        return [sse(self._body([{"text": ""}], said))]

    def _body(self, parts: list[dict[str, Any]], said: Answer | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        body: dict[str, Any] = {**self._envelope, "candidates": [candidate]}
        if said is not None:
            candidate["finishReason"] = _FINISH[said.finish_reason]
            body["usageMetadata"] = _usage(said.usage)
        return body


class GenerateContent(Api):
    """Google's endpoints for whole and for streamed answers; the model and the way stand in the URL."""

    provider = "google"

    def caller(self, request: Request) -> str:
        return caller_of(request.headers.get("x-goog-api-key") or request.query_params.get("key", ""))

    def model(self, request: Request, body: dict[str, Any]) -> Any:
        return str(request.path_params["model"])

    def streaming(self, request: Request, body: dict[str, Any]) -> bool:
        return str(request.url.path).endswith(":streamGenerateContent")

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        if system := body.get("systemInstruction"):
            messages.append({"role": "system", "content": _text(system.get("parts"))})
        for content in body.get("contents") or ():
            messages += _message(content)
        tools = [
            function(
                tool["name"],
                tool.get("description"),
                tool.get("parametersJsonSchema")
                or tool.get("parameters_json_schema")
                or _schema(tool.get("parameters") or {}),
            )
            for group in body.get("tools") or ()
            for tool in group.get("functionDeclarations") or ()
        ]
        wanted = body.get("generationConfig") or {}
        return {"messages": messages, "tools": tools, "max_completion_tokens": wanted.get("maxOutputTokens")}

    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        return Content(model)

    def refuse(self, error: ProviderError) -> Response:
        told = {
            "code": error.status,
            "message": error.message,
            "status": _STATUS.get(error.kind, "INVALID_ARGUMENT"),
        }
        return JSONResponse({"error": told}, status_code=error.status, headers=error.headers)


def _usage(usage: Usage) -> dict[str, Any]:
    text = [{"modality": "TEXT", "tokenCount": usage.prompt}]
    counted: dict[str, Any] = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.reasoning,
        "totalTokenCount": usage.prompt + usage.completion,
        "promptTokensDetails": text,
    }
    if usage.reasoning:
        counted["thoughtsTokenCount"] = usage.reasoning
    if usage.cached:
        counted["cachedContentTokenCount"] = usage.cached
        counted["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.cached}]
    return counted


def _parts(said: Answer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if said.message.get("content") is not None:
        parts.append({"text": said.message["content"]})
    for call in said.message.get("tool_calls", ()):
        called = call["function"]
        parts.append({"functionCall": {"name": called["name"], "args": json.loads(called["arguments"])}})
    return parts


def _text(parts: Any) -> str:
    return "\n".join(str(part["text"]) for part in parts or () if part.get("text"))


def _message(content: dict[str, Any]) -> list[dict[str, Any]]:
    parts = content.get("parts") or []
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    if results:
        return [
            {"role": "tool", "tool_call_id": each["name"], "content": json.dumps(each.get("response"))}
            for each in results
        ]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    made: dict[str, Any] = {
        "role": "assistant" if content.get("role") == "model" else "user",
        "content": _text(parts),
    }
    if calls:
        made["tool_calls"] = [tool_call(each["name"], each["name"], each.get("args") or {}) for each in calls]
    return [made]


def _schema(schema: Any) -> Any:
    """A schema of Google's kind, whose type names are in capitals, as JSON Schema."""
    if isinstance(schema, dict):
        return {
            key: value.lower() if key == "type" and isinstance(value, str) else _schema(value)
            for key, value in schema.items()
        }
    return [_schema(item) for item in schema] if isinstance(schema, list) else schema
