"""OpenAI's ``POST /v1/chat/completions``, which Groq and Mistral answer as well."""

from __future__ import annotations

import time
from typing import Any

from demo.simulator.answers import Answer, validate
from demo.simulator.apis.base import Api, Wire, identifier, sse
from demo.simulator.ledger import Usage
from demo.simulator.models import Model, find_model


class ChatCompletion(Wire):
    """One chat completion, whole or in chunks."""

    def __init__(self, model: Model, *, streaming: bool, with_usage: bool) -> None:
        self.tells_usage = with_usage or not streaming
        self._with_usage = with_usage
        self._envelope = {
            "id": identifier("chatcmpl-"),
            "created": int(time.time()),
            "model": model.snapshot,
            "system_fingerprint": "fp_demo",
            "service_tier": "default",
        }

    def whole(self, said: Answer) -> dict[str, Any]:
        choice = {"index": 0, "message": said.message, "logprobs": None, "finish_reason": said.finish_reason}
        return {**self._envelope, "object": "chat.completion", "choices": [choice], "usage": usage(said.usage)}

    def opening(self, said: Answer) -> list[str]:
        calls = [
            self._delta({"tool_calls": [{"index": index, **call}]})
            for index, call in enumerate(said.message.get("tool_calls", ()))
        ]
        return [self._delta({"role": "assistant", "content": "", "refusal": None}), *calls]

    def part(self, text: str) -> str:
        return self._delta({"content": text})

    def closing(self, said: Answer) -> list[str]:
        last = [self._event([], usage=usage(said.usage))] if self._with_usage else []
        return [self._delta({}, said.finish_reason), *last, "data: [DONE]\n\n"]

    def _delta(self, content: dict[str, Any], finish_reason: str | None = None) -> str:
        return self._event([{"index": 0, "delta": content, "logprobs": None, "finish_reason": finish_reason}])

    def _event(self, choices: list[dict[str, Any]], **members: Any) -> str:
        empty = {"usage": None} if self._with_usage else {}
        return sse({**self._envelope, "object": "chat.completion.chunk", "choices": choices, **empty, **members})


class ChatCompletions(Api):
    """OpenAI's endpoint; Mistral reports the usage of every stream, Groq under a name of its own as well."""

    def __init__(self, provider: str = "openai") -> None:
        self.provider = provider

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        model = find_model(str(body.get("model")))
        if model is not None:
            validate(body, model)
        return body

    def wire(self, body: dict[str, Any], model: Model) -> Wire:
        asked = bool((body.get("stream_options") or {}).get("include_usage"))
        return ChatCompletion(
            model, streaming=bool(body.get("stream")), with_usage=asked or self.provider in ("mistral", "groq")
        )

    def headers(self) -> dict[str, str]:
        return {**super().headers(), "openai-version": "2020-10-01"}


def usage(counted: Usage) -> dict[str, Any]:
    """``counted`` as OpenAI reports it."""
    return {
        "prompt_tokens": counted.prompt,
        "completion_tokens": counted.completion,
        "total_tokens": counted.prompt + counted.completion,
        "prompt_tokens_details": {"cached_tokens": counted.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
