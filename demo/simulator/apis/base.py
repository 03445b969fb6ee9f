"""What an API of the simulator is made of."""

# ruff: noqa: ARG002  (every API has the same signatures)
from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from demo.simulator.answers import Answer
from demo.simulator.errors import ProviderError, bad_key
from demo.simulator.models import Model

#: API keys are this plus the name of the calling service, so that the ledger knows who called.
KEY_PREFIX = "sk-demo-"


def identifier(prefix: str) -> str:
    """A fresh id as providers give them out."""
    return f"{prefix}{uuid.uuid4().hex}"


def caller_of(key: str) -> str:
    """Name of the calling service; raises ProviderError (401) for a key that is none of ours."""
    if not key.startswith(KEY_PREFIX) or key == KEY_PREFIX:
        raise bad_key(key)
    return key.removeprefix(KEY_PREFIX)


def sse(data: dict[str, Any], event: str | None = None) -> str:
    """One server-sent event."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(data)}\n\n"


class Wire(ABC):
    """How one answer is written: whole, or as a stream of an opening, parts of text, and a closing."""

    #: False if a streamed answer tells the client no token counts.
    tells_usage = True
    media_type = "text/event-stream"

    @abstractmethod
    def whole(self, said: Answer) -> dict[str, Any]:
        """The JSON body of an answer that is not streamed."""

    @abstractmethod
    def opening(self, said: Answer) -> list[str]:
        """What a stream sends before the first text; tool calls belong here."""

    @abstractmethod
    def part(self, text: str) -> str:
        """One piece of text."""

    @abstractmethod
    def closing(self, said: Answer) -> list[str]:
        """What a stream sends after the last text."""


class Api(ABC):
    """One endpoint for chat: how to read its requests and how to write its answers and errors."""

    provider: str
    operation = "chat"

    def caller(self, request: Request) -> str:
        """The calling service by its API key; raises ProviderError (401)."""
        return caller_of(request.headers.get("authorization", "").removeprefix("Bearer ").strip())

    def model(self, request: Request, body: dict[str, Any]) -> Any:
        """The name of the model that is asked for."""
        return body.get("model")

    def streaming(self, request: Request, body: dict[str, Any]) -> bool:
        """Whether the answer is to be streamed."""
        return bool(body.get("stream"))

    @abstractmethod
    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request in the terms of OpenAI's chat completions, which :func:`demo.simulator.answers.answer` reads."""

    @abstractmethod
    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        """The writer of the answer to this request."""

    def headers(self) -> dict[str, str]:
        """Headers of every answer."""
        return {"x-request-id": identifier("req_")}

    def refuse(self, error: ProviderError) -> Response:
        """``error`` as this API says it."""
        return JSONResponse(error.body, status_code=error.status, headers={**self.headers(), **error.headers})


def text_of(content: Any) -> str:
    """The text of a content that is a string, or a list of blocks with a ``text``."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    texts = [block if isinstance(block, str) else str(block.get("text") or "") for block in blocks]
    return "\n".join(text for text in texts if text)


def function(name: str, description: str | None, parameters: dict[str, Any] | None) -> dict[str, Any]:
    """A tool in the terms of chat completions."""
    return {
        "type": "function",
        "function": {"name": name, "description": description or "", "parameters": parameters or {}},
    }


def tool_call(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    """A tool call in the terms of chat completions; ``arguments`` as an object or as its JSON."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": written}}
