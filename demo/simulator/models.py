"""The models that the simulator serves: names, snapshots and speeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Model:
    """One hosted model.

    ``snapshot`` is the dated name that a response carries, as at OpenAI, which is not the name that was asked for.
    ``first_token_seconds`` is the median time to the first token and ``tokens_per_second`` the speed after it, at
    latency scale 1 (about a third of what hosted models show, so that a minute holds hundreds of calls).
    ``cache``: ``automatic`` recognises known prefixes by itself, ``marked`` those that the request marks.
    """

    name: str
    snapshot: str
    kind: Literal["chat", "embedding", "rerank"]
    context_window: int
    first_token_seconds: float
    tokens_per_second: float = 0.0
    reasoning: bool = False
    cache: Literal["automatic", "marked"] = "automatic"


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model("gpt-4o", "gpt-4o-2024-08-06", "chat", 128_000, 0.18, 220.0),
        Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "chat", 128_000, 0.12, 320.0),
        Model("gpt-4.1", "gpt-4.1-2025-04-14", "chat", 1_000_000, 0.18, 220.0),
        Model("o4-mini", "o4-mini-2025-04-16", "chat", 200_000, 0.25, 450.0, reasoning=True),
        Model("text-embedding-3-small", "text-embedding-3-small", "embedding", 8_191, 0.04),
        Model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "chat", 200_000, 0.2, 200.0, cache="marked"),
        Model("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022", "chat", 200_000, 0.12, 300.0, cache="marked"),
        Model("gemini-2.5-flash", "gemini-2.5-flash", "chat", 1_000_000, 0.12, 320.0),
        Model("gemini-2.5-pro", "gemini-2.5-pro", "chat", 1_000_000, 0.25, 300.0, reasoning=True),
        Model("gemini-embedding-001", "gemini-embedding-001", "embedding", 2_048, 0.04),
        Model("mistral-large-latest", "mistral-large-2411", "chat", 128_000, 0.15, 250.0),
        Model("mistral-embed", "mistral-embed", "embedding", 8_192, 0.04),
        Model("command-r-plus-08-2024", "command-r-plus-08-2024", "chat", 128_000, 0.15, 250.0),
        Model("embed-v4.0", "embed-v4.0", "embedding", 128_000, 0.04),
        Model("rerank-v3.5", "rerank-v3.5", "rerank", 4_096, 0.05),
        Model("llama-3.3-70b-versatile", "llama-3.3-70b-versatile", "chat", 128_000, 0.08, 600.0),
        Model("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", "chat", 300_000, 0.12, 320.0),
    )
}


def find_model(name: str) -> Model | None:
    """The model of that name or of that dated snapshot, or None if the provider has no such model."""
    return MODELS.get(name) or next((model for model in MODELS.values() if model.snapshot == name), None)
