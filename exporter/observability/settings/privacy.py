"""What happens to content."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from observability.privacy import KINDS, Masker
from observability.settings.base import Name, Strict


class Privacy(Strict):
    """What happens to prompts, answers, documents and tool arguments."""

    content: Literal["keep", "mask", "drop"] = Field(
        default="mask",
        description="keep: as it is; mask: personal data masked in all that the exporter writes; "
        "drop: content also removed at the gateway, so that Jaeger, Phoenix and Loki never see it",
    )
    kinds: tuple[str, ...] | None = Field(default=None, description="kinds that are masked; all known ones if left out")
    patterns: dict[Name, str] = Field(default_factory=dict, description="more kinds: name and regular expression")
    max_chars: int = Field(default=200_000, gt=0, description="longer texts are dropped, and counted as not masked")

    @model_validator(mode="after")
    def _can_be_masked(self) -> Privacy:
        self.masker()
        return self

    def masker(self) -> Masker:
        """What masks as these settings say; raises ``ValueError`` for an unknown kind or an unusable pattern."""
        return Masker(KINDS if self.kinds is None else self.kinds, self.patterns, max_chars=self.max_chars)
