"""What the prediction store gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from observability.columns import Bools, Floats, Ints
from observability.predictions.rows import Predictions


@dataclass(frozen=True, slots=True)
class Waiting:
    """Labels that came before their prediction: of the rows ``rows`` (m,) of the batch; times are Unix seconds."""

    rows: Ints
    label: list[Any]
    timestamp: Floats


@dataclass(frozen=True, slots=True)
class Added:
    """What became of ``n`` predictions.

    ``new`` (n,): not there before. ``seqs`` (n,): their numbers, -1 of those that were there. ``waiting``: the labels
    of new ones that had come before them.
    """

    seqs: Ints
    new: Bools
    duplicates: int
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Joined:
    """``m`` predictions with the labels that they just got; every list and array has length m.

    ``timestamp`` and ``label_timestamp`` are Unix seconds. ``previous`` is the label that this one corrects, ``None``
    of a first one. ``writer`` is who stored the prediction, ``seq`` the prediction's number.
    """

    seq: Ints
    prediction_id: list[str]
    model: list[str]
    version: list[str]
    timestamp: Floats
    prediction: list[Any]
    confidence: Floats
    probabilities: list[dict[str, float] | None]
    segment: list[dict[str, str]]
    variant: list[str | None]
    error_type: list[str | None]
    writer: list[str]
    label: list[Any]
    label_timestamp: Floats
    previous: list[Any]

    def __len__(self) -> int:
        return len(self.prediction_id)


@dataclass(frozen=True, slots=True)
class AddedLabels:
    """What became of labels.

    ``joined``: those that are new or changed, and have a prediction. ``new`` and ``changed`` count them with or without
    one, ``waiting`` those of them without. ``duplicates`` said what was known, or are older than what is known.
    """

    joined: Joined
    new: int
    changed: int
    waiting: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Stored:
    """``n`` predictions as they are in the store, with their labels; every list and array has length n.

    ``labelled`` says which have a label; ``label`` is ``None`` and ``label_timestamp`` NaN of the others.
    """

    predictions: Predictions
    seq: Ints
    received: Floats
    writer: list[str]
    baseline_hash: list[str | None]
    labelled: Bools
    label: list[Any]
    label_timestamp: Floats

    def __len__(self) -> int:
        return len(self.seq)


@dataclass(frozen=True, slots=True)
class Deleted:
    """Rows that retention removed."""

    predictions: int
    labels: int
    baselines: int


#: Where a baseline came from.
Source = Literal["posted", "first_predictions"]


@dataclass(frozen=True, slots=True)
class StoredBaseline:
    """A baseline as it was uploaded, or made; ``content`` is Parquet, ``profile`` tells its source and each feature,
    ``created`` is Unix seconds."""

    model: str
    version: str
    hash: str
    rows: int
    created: float
    profile: dict[str, Any]
    content: bytes

    @property
    def source(self) -> Source:
        """Those that were stored before others were made were posted."""
        return "first_predictions" if self.profile.get("source") == "first_predictions" else "posted"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which predictions are wanted; ``None`` is any. Times are Unix seconds, ``since`` inclusive, ``until`` not.

    ``last_seq``: none that was stored after this one.
    """

    since: float | None = None
    until: float | None = None
    model: str | None = None
    version: str | None = None
    segment: tuple[tuple[str, str], ...] = ()
    labelled: bool | None = None
    failed: bool | None = None
    last_seq: int | None = None
