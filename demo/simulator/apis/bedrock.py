"""Amazon Bedrock's ``POST /model/{model}/converse``; the access key id of the signature names the caller."""

# ruff: noqa: ARG002  (every API has the same signatures)
from __future__ import annotations

import json
import re
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from demo.simulator.answers import Answer
from demo.simulator.apis.base import Api, Wire, caller_of, function, identifier, text_of, tool_call
from demo.simulator.errors import Kind, ProviderError, invalid
from demo.simulator.models import Model

_STOP = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "content_filtered"}
_ERRORS = {
    Kind.RATE_LIMIT_EXCEEDED: "ThrottlingException",
    Kind.MODEL_NOT_FOUND: "ResourceNotFoundException",
    Kind.AUTHENTICATION: "AccessDeniedException",
    Kind.SERVER_ERROR: "InternalServerException",
    Kind.TIMEOUT: "ModelTimeoutException",
}


class Conversation(Wire):
    """One answer; streams of Bedrock are a binary format that is not spoken here."""

    def whole(self, said: Answer) -> dict[str, Any]:
        usage = said.usage
        content: list[dict[str, Any]] = []
        if said.message.get("content") is not None:
            content.append({"text": said.message["content"]})
        for call in said.message.get("tool_calls", ()):
            called = call["function"]
            used = {"toolUseId": call["id"], "name": called["name"], "input": json.loads(called["arguments"])}
            content.append({"toolUse": used})
        counted = {
            "inputTokens": usage.prompt - usage.cached,
            "outputTokens": usage.completion,
            "totalTokens": usage.prompt + usage.completion,
            "cacheReadInputTokens": usage.cached,
            "cacheWriteInputTokens": 0,
        }
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": _STOP[said.finish_reason],
            "usage": counted,
            "metrics": {"latencyMs": 12},
        }

    def opening(self, said: Answer) -> list[str]:
        raise invalid("ConverseStream is not simulated.")

    def part(self, text: str) -> str:
        raise invalid("ConverseStream is not simulated.")

    def closing(self, said: Answer) -> list[str]:
        raise invalid("ConverseStream is not simulated.")


class Converse(Api):
    """Bedrock's endpoint; the model stands in the URL."""

    provider = "bedrock"

    def caller(self, request: Request) -> str:
        found = re.search(r"Credential=([^/]+)/", request.headers.get("authorization", ""))
        return caller_of(found.group(1) if found else "")

    def model(self, request: Request, body: dict[str, Any]) -> Any:
        return str(request.path_params["model"])

    def streaming(self, request: Request, body: dict[str, Any]) -> bool:
        return False

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        if body.get("system"):
            messages.append({"role": "system", "content": text_of(body["system"])})
        for message in body.get("messages") or ():
            messages += _message(message)
        tools = [
            function(spec["name"], spec.get("description"), (spec.get("inputSchema") or {}).get("json"))
            for tool in (body.get("toolConfig") or {}).get("tools") or ()
            if (spec := tool.get("toolSpec"))
        ]
        limit = (body.get("inferenceConfig") or {}).get("maxTokens")
        return {"messages": messages, "tools": tools, "max_completion_tokens": limit}

    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        return Conversation()

    def headers(self) -> dict[str, str]:
        return {"x-amzn-requestid": identifier("")}

    def refuse(self, error: ProviderError) -> Response:
        kind = _ERRORS.get(error.kind, "ValidationException")
        headers = {**self.headers(), "x-amzn-errortype": kind}
        return JSONResponse({"message": error.message}, status_code=error.status, headers=headers)


def _message(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = message.get("content") or []
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    if results:
        return [
            {"role": "tool", "tool_call_id": each["toolUseId"], "content": text_of(each.get("content"))}
            for each in results
        ]
    used = [block["toolUse"] for block in blocks if "toolUse" in block]
    made: dict[str, Any] = {"role": message["role"], "content": text_of(blocks)}
    if used:
        made["tool_calls"] = [tool_call(each["toolUseId"], each["name"], each["input"]) for each in used]
    return [made]
