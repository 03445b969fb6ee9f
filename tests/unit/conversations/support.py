"""Prompts that are drawn from a topic, and an exporter that is asked them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.app import create_app
from observability.conversations.watcher import Conversations
from observability.exporter import Exporter
from observability.settings import Runtime, Settings
from tests.support import poll
from tests.unit.exporter.support import chat, exporter_of, send, span

SHIPPING = (
    "parcel", "order", "delivery", "courier", "tracking", "label", "address", "warehouse", "late", "arrived", "damaged",
    "driver", "depot", "package", "sent", "shipped", "express", "customs", "door", "signature", "neighbour", "return",
)  # fmt: skip
COOKING = (
    "recipe", "oven", "butter", "flour", "sugar", "onion", "garlic", "simmer", "bake", "whisk", "salt", "pepper",
    "dough", "pan", "boil", "roast", "sauce", "cream", "lemon", "basil", "tomato", "cheese", "vanilla", "yeast",
)  # fmt: skip
_COMMON = (
    "the", "a", "my", "is", "was", "not", "and", "when", "where", "how", "do", "you", "please", "it", "with", "for",
)  # fmt: skip


def texts(random: np.random.Generator, count: int, topic: Sequence[str] = SHIPPING, *, words: int = 14) -> list[str]:
    """``count`` questions on a ``topic``, of about ``words`` words, drawn independently."""
    lengths = random.poisson(words, count) + 1
    total = int(lengths.sum())
    own, common = random.choice(np.array(topic), total), random.choice(np.array(_COMMON), total)
    drawn = np.where(random.random(total) < 0.5, own, common).tolist()
    ends = np.cumsum(lengths).tolist()
    return [" ".join(drawn[end - length : end]) for length, end in zip(lengths.tolist(), ends, strict=True)]


def asked(prompt: str, answer: str | None = "It is on its way.", **more: Any) -> dict[str, Any]:
    """Attributes of a chat call with content, in the current conventions."""
    attributes = chat(**more)
    system = {"role": "system", "parts": [{"type": "text", "content": "You are the support team."}]}
    user = {"role": "user", "parts": [{"type": "text", "content": prompt}]}
    attributes["gen_ai.input.messages"] = json.dumps([system, user])
    if answer is not None:
        said = {"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}
        attributes["gen_ai.output.messages"] = json.dumps([said])
    return attributes


@contextmanager
def running(settings: Settings, runtime: Runtime) -> Iterator[TestClient]:
    """A whole exporter."""
    with TestClient(create_app(Exporter(settings, runtime))) as client:
        yield client


def conversations_of(client: TestClient) -> Conversations:
    found = exporter_of(client).conversations
    assert found is not None
    return found


def ask(client: TestClient, spans: Sequence[Span], *, service: str = "shop", batch: int = 500) -> None:
    """Send ``spans`` and wait until their texts are looked at."""
    for start in range(0, len(spans), batch):
        send(client, *spans[start : start + batch], service=service)
    looked_at(client)


def looked_at(client: TestClient) -> None:
    poll("every text is looked at", lambda: conversations_of(client).idle, deadline=60, every=0.01)


def calls(prompts: Sequence[str], answers: Sequence[str] | None = None, **more: Any) -> list[Span]:
    """A call for each of ``prompts``."""
    said = [None] * len(prompts) if answers is None else answers
    return [span(asked(prompt, answer, **more)) for prompt, answer in zip(prompts, said, strict=True)]
