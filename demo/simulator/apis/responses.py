"""OpenAI's ``POST /v1/responses``."""

from __future__ import annotations

import time
from typing import Any

from demo.simulator.answers import Answer
from demo.simulator.apis.base import Api, Wire, function, identifier, sse, text_of, tool_call
from demo.simulator.models import Model


class Response(Wire):
    """One response, whole or as a stream of its events."""

    def __init__(self, body: dict[str, Any], model: Model) -> None:
        self._id, self._message, self._reasoning = identifier("resp_"), identifier("msg_"), identifier("rs_")
        self._model, self._body = model, body
        self._sequence = -1

    def whole(self, said: Answer) -> dict[str, Any]:
        usage = said.usage
        counted = {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.prompt + usage.completion,
        }
        return {**self._envelope("completed"), "output": self._output(said), "usage": counted}

    def opening(self, said: Answer) -> list[str]:
        events = [
            self._event("response.created", response=self._envelope("in_progress")),
            self._event("response.in_progress", response=self._envelope("in_progress")),
        ]
        for index, item in enumerate(self._output(said)):
            if item["type"] == "message":
                begun = {**item, "status": "in_progress", "content": []}
                part = {"type": "output_text", "text": "", "annotations": []}
                events += [
                    self._event("response.output_item.added", output_index=index, item=begun),
                    self._event("response.content_part.added", **self._place(index), part=part),
                ]
                self._index = index
                continue
            events.append(self._event("response.output_item.added", output_index=index, item=item))
            if item["type"] == "function_call":
                where = {"item_id": item["id"], "output_index": index, "arguments": item["arguments"]}
                events.append(self._event("response.function_call_arguments.delta", **where, delta=item["arguments"]))
                events.append(self._event("response.function_call_arguments.done", **where, name=item["name"]))
            events.append(self._event("response.output_item.done", output_index=index, item=item))
        return events

    def part(self, text: str) -> str:
        return self._event("response.output_text.delta", **self._place(self._index), delta=text, logprobs=[])

    def closing(self, said: Answer) -> list[str]:
        body = self.whole(said)
        events = []
        for index, item in enumerate(body["output"]):
            if item["type"] == "message":
                (part,) = item["content"]
                place = self._place(index)
                events += [
                    self._event("response.output_text.done", **place, text=part["text"], logprobs=[]),
                    self._event("response.content_part.done", **place, part=part),
                    self._event("response.output_item.done", output_index=index, item=item),
                ]
        return [*events, self._event("response.completed", response=body)]

    def _place(self, index: int) -> dict[str, Any]:
        return {"item_id": self._message, "output_index": index, "content_index": 0}

    def _event(self, kind: str, **members: Any) -> str:
        self._sequence += 1
        return sse({"type": kind, "sequence_number": self._sequence, **members}, kind)

    def _output(self, said: Answer) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        if said.usage.reasoning:
            items.append({"type": "reasoning", "id": self._reasoning, "summary": []})
        for call in said.message.get("tool_calls", ()):
            called = call["function"]
            items.append(
                {
                    "type": "function_call",
                    "id": f"fc_{call['id']}",
                    "call_id": call["id"],
                    "name": called["name"],
                    "arguments": called["arguments"],
                    "status": "completed",
                }
            )
        if said.message.get("content") is not None:
            part = {"type": "output_text", "text": said.message["content"], "annotations": [], "logprobs": []}
            items.append(
                {
                    "type": "message",
                    "id": self._message,
                    "role": "assistant",
                    "status": "completed",
                    "content": [part],
                }
            )
        return items

    def _envelope(self, status: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "response",
            "created_at": int(time.time()),
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": self._body.get("instructions"),
            "metadata": self._body.get("metadata") or {},
            "model": self._model.snapshot,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": self._body.get("previous_response_id"),
            "service_tier": "default",
            "store": bool(self._body.get("store", True)),
            "temperature": self._body.get("temperature") or 1.0,
            "text": self._body.get("text") or {"format": {"type": "text"}},
            "tool_choice": self._body.get("tool_choice") or "auto",
            "tools": self._body.get("tools") or [],
            "top_p": self._body.get("top_p") or 1.0,
            "truncation": "disabled",
            "usage": None,
        }


class Responses(Api):
    """OpenAI's endpoint for agents."""

    provider = "openai"
    operation = "responses"

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        if body.get("instructions"):
            messages.append({"role": "system", "content": body["instructions"]})
        given = body.get("input")
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
        for item in items:
            match item.get("type", "message"):
                case "message":
                    messages.append({"role": item.get("role", "user"), "content": text_of(item.get("content"))})
                case "function_call":
                    call = tool_call(item["call_id"], item["name"], item["arguments"])
                    messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
                case "function_call_output":
                    messages.append(
                        {"role": "tool", "tool_call_id": item["call_id"], "content": text_of(item["output"])}
                    )
                case _:
                    pass
        tools = [
            function(tool["name"], tool.get("description"), tool.get("parameters"))
            for tool in body.get("tools") or ()
            if tool.get("type") == "function"
        ]
        return {
            "messages": messages,
            "tools": tools,
            "tool_choice": body.get("tool_choice"),
            "max_completion_tokens": body.get("max_output_tokens"),
            "response_format": _format((body.get("text") or {}).get("format")),
        }

    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        return Response(body, model)


def _format(asked: dict[str, Any] | None) -> dict[str, Any] | None:
    if asked and asked.get("type") == "json_schema":
        return {"type": "json_schema", "json_schema": {"schema": asked.get("schema", {})}}
    return asked
