"""Drift of the prompts and answers of LLM calls."""

from __future__ import annotations

from pydantic import Field

from observability.settings.base import Strict


class Conversations(Strict):
    """When prompts and answers of LLM calls count as drifted; their texts are not kept. The test is that of `drift`."""

    enabled: bool = Field(default=True, description="look at prompts and answers, where spans have them")
    baseline_calls: int = Field(
        default=500, ge=100, le=100_000, description="first calls of a service, model and prompt, that are its usual"
    )
    max_streams: int = Field(
        default=20, ge=1, description="services, models and prompts that are watched; the first that come"
    )
    max_per_second: float = Field(
        default=10.0, gt=0, description="calls a second that are looked at, chosen by chance where there are more"
    )
    embeddings_per_second: float = Field(
        default=2.0, ge=0, description="of these, calls whose texts are embedded by drift.embedder; 0 for none"
    )
    queue_calls: int = Field(
        default=500, ge=1, description="calls that wait to be looked at; above it they are left out, and counted"
    )
