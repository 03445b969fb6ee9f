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
    """

    name: str
    snapshot: str
    kind: Literal["chat", "embedding"]
    context_window: int
    first_token_seconds: float
    tokens_per_second: float = 0.0
    reasoning: bool = False


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model("gpt-4o", "gpt-4o-2024-08-06", "chat", 128_000, 0.18, 220.0),
        Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "chat", 128_000, 0.12, 320.0),
        Model("o4-mini", "o4-mini-2025-04-16", "chat", 200_000, 0.25, 450.0, reasoning=True),
        Model("text-embedding-3-small", "text-embedding-3-small", "embedding", 8_191, 0.04),
    )
}


def find_model(name: str) -> Model | None:
    """The model of that name or of that dated snapshot, or None if the provider has no such model."""
    return MODELS.get(name) or next((model for model in MODELS.values() if model.snapshot == name), None)
