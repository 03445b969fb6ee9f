"""Anthropic's ``POST /v1/messages``: input tokens are told without those that the prompt cache read or wrote."""

# ruff: noqa: ARG002  (every API has the same signatures)
from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from demo.simulator.answers import Answer
from demo.simulator.apis.base import Api, Wire, caller_of, function, identifier, sse, text_of, tool_call
from demo.simulator.errors import Kind, ProviderError
from demo.simulator.ledger import Usage
from demo.simulator.models import Model

_STOP = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
_ERRORS = {
    Kind.RATE_LIMIT_EXCEEDED: "rate_limit_error",
    Kind.MODEL_NOT_FOUND: "not_found_error",
    Kind.AUTHENTICATION: "authentication_error",
    Kind.SERVER_ERROR: "api_error",
    Kind.TIMEOUT: "timeout_error",
}


class Message(Wire):
    """One message, whole or as a stream of its events."""

    def __init__(self, model: Model) -> None:
        self._envelope = {
            "id": identifier("msg_"),
            "type": "message",
            "role": "assistant",
            "model": model.snapshot,
            "stop_sequence": None,
        }

    def whole(self, said: Answer) -> dict[str, Any]:
        counted = {**_read(said.usage), "output_tokens": said.usage.completion}
        return {**self._envelope, "content": _blocks(said), "stop_reason": _STOP[said.finish_reason], "usage": counted}

    def opening(self, said: Answer) -> list[str]:
        begun: dict[str, Any] = {
            **self._envelope,
            "content": [],
            "stop_reason": None,
            "usage": {**_read(said.usage), "output_tokens": 1},
        }
        events = [_event("message_start", message=begun)]
        for index, block in enumerate(_blocks(said)):
            if block["type"] == "text":
                events.append(_event("content_block_start", index=index, content_block={"type": "text", "text": ""}))
                continue
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            events += [
                _event("content_block_start", index=index, content_block={**block, "input": {}}),
                _event("content_block_delta", index=index, delta=delta),
                _event("content_block_stop", index=index),
            ]
        return events

    def part(self, text: str) -> str:
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def closing(self, said: Answer) -> list[str]:
        ended = [] if said.message.get("tool_calls") else [_event("content_block_stop", index=0)]
        delta = {"stop_reason": _STOP[said.finish_reason], "stop_sequence": None}
        counted = {"output_tokens": said.usage.completion}
        return [*ended, _event("message_delta", delta=delta, usage=counted), _event("message_stop")]


class Messages(Api):
    """Anthropic's endpoint."""

    provider = "anthropic"

    def caller(self, request: Request) -> str:
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        return caller_of(key.strip())

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        if body.get("system"):
            messages.append({"role": "system", "content": text_of(body["system"]), **_mark(body["system"])})
        for message in body.get("messages") or ():
            messages += _message(message)
        tools = [
            function(tool["name"], tool.get("description"), tool.get("input_schema"))
            for tool in body.get("tools") or ()
            if "input_schema" in tool
        ]
        choice = (body.get("tool_choice") or {}).get("type")
        return {
            "messages": messages,
            "tools": tools,
            "tool_choice": choice,
            "max_completion_tokens": body.get("max_tokens"),
        }

    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        return Message(model)

    def headers(self) -> dict[str, str]:
        return {"request-id": identifier("req_")}

    def refuse(self, error: ProviderError) -> Response:
        told = {"type": _ERRORS.get(error.kind, "invalid_request_error"), "message": error.message}
        body = {"type": "error", "error": told, "request_id": identifier("req_")}
        return JSONResponse(body, status_code=error.status, headers={**self.headers(), **error.headers})


def _event(kind: str, **members: Any) -> str:
    return sse({"type": kind, **members}, kind)


def _read(usage: Usage) -> dict[str, Any]:
    hour = usage.written if usage.for_an_hour else 0
    return {
        "input_tokens": usage.prompt - usage.cached - usage.written,
        "cache_creation_input_tokens": usage.written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.written - hour,
            "ephemeral_1h_input_tokens": hour,
        },
        "service_tier": "standard",
    }


def _blocks(said: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if said.message.get("content") is not None:
        blocks.append({"type": "text", "text": said.message["content"]})
    for call in said.message.get("tool_calls", ()):
        called = call["function"]
        given = json.loads(called["arguments"])
        blocks.append({"type": "tool_use", "id": f"tool{call['id']}", "name": called["name"], "input": given})
    return blocks


def _mark(content: Any) -> dict[str, Any]:
    """``cache_control`` of the last block that has one."""
    blocks = content if isinstance(content, list) else []
    marks = [block["cache_control"] for block in blocks if isinstance(block, dict) and block.get("cache_control")]
    return {"cache_control": marks[-1]} if marks else {}


def _message(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    results = [
        {"role": "tool", "tool_call_id": block["tool_use_id"], "content": text_of(block.get("content"))}
        for block in blocks
        if block.get("type") == "tool_result"
    ]
    if results:
        return results
    calls = [
        tool_call(block["id"], block["name"], block["input"]) for block in blocks if block.get("type") == "tool_use"
    ]
    made: dict[str, Any] = {"role": message["role"], "content": text_of(content), **_mark(content)}
    return [{**made, "tool_calls": calls} if calls else made]
