"""Cases and what a model answered, as a baseline."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from demo.serving.model import Case


def as_parquet(cases: Sequence[Case], answers: Sequence[dict[str, Any]]) -> bytes:
    """Features, answers and truth (n,): what ``PUT /v1/baselines/{model}`` takes."""
    rows = [
        {"features": case.features, "label": case.truth, **answer} for case, answer in zip(cases, answers, strict=True)
    ]
    output = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), output)
    return output.getvalue()
