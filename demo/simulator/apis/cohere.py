"""Cohere's ``POST /v2/chat``."""

# ruff: noqa: ARG002  (every API has the same signatures)
from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse, Response

from demo.simulator.answers import Answer
from demo.simulator.apis.base import Api, Wire, identifier, sse, text_of
from demo.simulator.errors import ProviderError
from demo.simulator.ledger import Usage
from demo.simulator.models import Model

_FINISH = {"stop": "COMPLETE", "tool_calls": "TOOL_CALL", "length": "MAX_TOKENS", "content_filter": "ERROR"}


class Chat(Wire):
    """One chat answer, whole or as a stream of its events."""

    def __init__(self) -> None:
        self._id = identifier("")

    def whole(self, said: Answer) -> dict[str, Any]:
        return {
            "id": self._id,
            "finish_reason": _FINISH[said.finish_reason],
            "message": _message(said),
            "usage": _usage(said.usage),
        }

    def opening(self, said: Answer) -> list[str]:
        message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        events = [_event("message-start", id=self._id, delta={"message": message})]
        for index, call in enumerate(said.message.get("tool_calls", ())):
            events += [
                _event("tool-call-start", index=index, delta={"message": {"tool_calls": call}}),
                _event("tool-call-end", index=index),
            ]
        if said.parts:
            begun = {"message": {"content": {"type": "text", "text": ""}}}
            events.append(_event("content-start", index=0, delta=begun))
        return events

    def part(self, text: str) -> str:
        return _event("content-delta", index=0, delta={"message": {"content": {"text": text}}})

    def closing(self, said: Answer) -> list[str]:
        ended = [_event("content-end", index=0)] if said.parts else []
        delta = {"finish_reason": _FINISH[said.finish_reason], "usage": _usage(said.usage)}
        return [*ended, _event("message-end", delta=delta)]


class CohereChat(Api):
    """Cohere's endpoint; its messages and tools are those of chat completions."""

    provider = "cohere"

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        messages = [
            {**message, "content": text_of([_plain(block) for block in message["content"]])}
            if isinstance(message.get("content"), list)
            else message
            for message in body.get("messages") or ()
        ]
        return {
            "messages": messages,
            "tools": body.get("tools") or [],
            "max_completion_tokens": body.get("max_tokens"),
        }

    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        return Chat()

    def refuse(self, error: ProviderError) -> Response:
        body = {"id": identifier(""), "message": error.message}
        return JSONResponse(body, status_code=error.status, headers=error.headers)


def _plain(block: Any) -> Any:
    """A document block of a tool's answer as text."""
    if isinstance(block, dict) and "document" in block:
        return str(block["document"].get("data", ""))
    return block


def _event(kind: str, **members: Any) -> str:
    return sse({"type": kind, **members}, kind)


def _message(said: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    if said.message.get("content") is not None:
        message["content"] = [{"type": "text", "text": said.message["content"]}]
    if said.message.get("tool_calls"):
        message["tool_calls"] = said.message["tool_calls"]
    return message


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "billed_units": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
        "tokens": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
    }
