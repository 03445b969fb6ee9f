"""Drift of embeddings: how far their centre moved, how alike they still are, and whether anything else changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from observability.drift.centroids import centroid_shift, cosine_shift
from observability.drift.corrections import holm
from observability.drift.detector import DriftResult
from observability.drift.domain import DomainResult, domain_classifier
from observability.drift.mmd import MMDResult, mmd
from observability.drift.permutations import PermutationResult
from observability.drift.projection import EmbeddingProjection
from observability.drift.vectors import as_vectors, sample

__all__ = [
    "DomainResult",
    "EmbeddingDrift",
    "EmbeddingDriftDetector",
    "EmbeddingProjection",
    "MMDResult",
    "PermutationResult",
    "centroid_shift",
    "cosine_shift",
    "domain_classifier",
    "mmd",
]

#: Tests that are made of each sample.
PARTS = ("centroid", "cosine", "mmd", "domain")


@dataclass(frozen=True)
class EmbeddingDrift:
    """The four tests of one sample, and what they say together.

    ``adjusted`` holds their p-values after Holm's correction by name, ``p_value`` the smallest of them. ``is_drift`` is
    ``p_value <= false_alarm_rate``: of samples from the reference's own distribution no more than that share has it,
    where each is tested once. A p-value that is looked at again and again is another matter: there,
    :class:`EmbeddingProjection` gives columns for sequential tests.
    """

    is_drift: bool
    p_value: float
    false_alarm_rate: float
    centroid: PermutationResult
    cosine: PermutationResult
    mmd: MMDResult
    domain: DomainResult
    adjusted: Mapping[str, float]
    timestamp: datetime

    @property
    def parts(self) -> dict[str, PermutationResult]:
        """The four tests by name: ``centroid``, ``cosine``, ``mmd``, ``domain``."""
        return {"centroid": self.centroid, "cosine": self.cosine, "mmd": self.mmd, "domain": self.domain}

    def results(self, feature: str | None = None) -> list[DriftResult]:
        """The four tests in the form of all detectors: ``method`` is ``embedding_centroid``, ``embedding_cosine``, …;
        ``is_drift`` compares the adjusted p-value with ``threshold``, the false-alarm rate of all four together.
        """
        return [
            DriftResult(
                is_drift=_within(self.adjusted[name], self.false_alarm_rate),
                score=part.value,
                p_value=part.p_value,
                threshold=self.false_alarm_rate,
                method=f"embedding_{name}",
                feature=feature,
                n_reference=part.n_reference,
                n_current=part.n_current,
                timestamp=self.timestamp,
                expected=part.expected,
                adjusted_p_value=self.adjusted[name],
            )
            for name, part in self.parts.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the time in ISO 8601, and ``None`` for a ``z`` that is not finite."""
        parts = {
            name: {
                "value": part.value,
                "expected": part.expected,
                "z": part.z if math.isfinite(part.z) else None,
                "p_value": part.p_value,
                "adjusted_p_value": self.adjusted[name],
            }
            for name, part in self.parts.items()
        }
        return {
            "is_drift": self.is_drift,
            "p_value": self.p_value,
            "false_alarm_rate": self.false_alarm_rate,
            "n_reference": self.mmd.n_reference,
            "n_current": self.mmd.n_current,
            "permutations": self.mmd.permutations,
            "timestamp": self.timestamp.isoformat(),
            **parts,
        }


class EmbeddingDriftDetector:
    """Whether embeddings come from the distribution of ``reference_embeddings`` (n, d).

    ``false_alarm_rate`` is the chance of an alarm where they do, over all four tests together. ``permutations`` is by
    default enough for that rate to be reached with one test in doubt: twice the least number. Of a sample that has more
    than ``most`` rows, as many are drawn at random, as time grows with the square; ``seed`` makes all of it repeatable.

    Raises ValueError for a reference of fewer than two rows or with rows that are not finite, a rate outside (0, 1),
    ``most`` below two, and for so few permutations that no alarm could ever come.
    """

    def __init__(
        self,
        reference_embeddings: Any,
        *,
        false_alarm_rate: float = 0.01,
        permutations: int | None = None,
        most: int = 2000,
        seed: int = 0,
    ) -> None:
        if not 0 < false_alarm_rate < 1:
            raise ValueError(f"a false-alarm rate lies between 0 and 1, not at {false_alarm_rate}")
        if most < 2:
            raise ValueError(f"two rows or more are needed, not {most}")
        # the smallest p-value is 1/(1 + permutations), and Holm multiplies it by the number of tests
        least = int(np.ceil(len(PARTS) / false_alarm_rate - 1e-9)) - 1
        if permutations is not None and permutations < least:
            raise ValueError(
                f"with {permutations} permutations no alarm at {false_alarm_rate} can come: {least} or more are needed"
            )
        self.false_alarm_rate = false_alarm_rate
        self.permutations = 2 * least + 1 if permutations is None else permutations
        self._most = most
        self._seed = seed
        self.fit(reference_embeddings)

    def fit(self, reference: Any) -> EmbeddingDriftDetector:
        """Compare with ``reference`` (n, d) from now on."""
        rows = as_vectors(reference, "reference", least=2)
        self._reference = sample(rows, self._most, self._seed)
        return self

    def detect(self, current: Any) -> EmbeddingDrift:
        """Test ``current`` (m, d) by all four tests.

        Raises ValueError for fewer than two rows, rows that are not finite, or dimensions that differ.
        """
        rows = sample(as_vectors(current, "current", least=2), self._most, self._seed)
        both = (self._reference, rows, self.permutations)
        centroid, cosine = centroid_shift(*both, seed=self._seed), cosine_shift(*both, seed=self._seed)
        discrepancy, domain = mmd(*both, seed=self._seed), domain_classifier(*both, seed=self._seed)
        found = [part.p_value for part in (centroid, cosine, discrepancy, domain)]
        adjusted = dict(zip(PARTS, holm(found).adjusted.tolist(), strict=True))
        least = min(adjusted.values())
        return EmbeddingDrift(
            _within(least, self.false_alarm_rate),
            least,
            self.false_alarm_rate,
            centroid,
            cosine,
            discrepancy,
            domain,
            adjusted,
            datetime.now(UTC),
        )


def _within(p_value: float, rate: float) -> bool:
    """Whether ``p_value`` is at most ``rate``; both are fractions, and 4/400 is not above 0.01."""
    return p_value <= rate * (1 + 1e-9)
