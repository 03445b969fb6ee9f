"""Record what NannyML estimates on the data of ``estimation_data``.

Run with an interpreter that has nannyml (and statsmodels, which it imports but does not name):
``python -m tests.unit.performance.record_nannyml``. It writes ``data/nannyml.json`` beside it.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import nannyml
import pandas as pd

from tests.unit.performance import estimation_data as source

BINARY = ["roc_auc", "f1", "precision", "recall", "accuracy"]


def chunks(result: Any, metrics: list[str]) -> dict[str, list[float]]:
    """Estimates by metric, one per chunk of the analysis period."""
    frame = result.filter(period="analysis").to_df()
    return {metric: [float(value) for value in frame[(metric, "value")]] for metric in metrics}


def binary(sureness: float, seed: int) -> dict[str, Any]:
    data = {period: pd.DataFrame(columns) for period, columns in source.binary(sureness, seed).items()}
    estimator = nannyml.CBPE(
        y_pred_proba="y_pred_proba",
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_binary",
        metrics=BINARY,
        chunk_size=source.CHUNK,
    ).fit(data["reference"])
    result = estimator.estimate(data["analysis"].drop(columns="y_true"))
    calibrated = bool(estimator.needs_calibration)
    return {"sureness": sureness, "seed": seed, "calibrated": calibrated, "estimates": chunks(result, BINARY)}


def three_classes(sureness: float, seed: int) -> dict[str, Any]:
    data = {period: pd.DataFrame(columns) for period, columns in source.three_classes(sureness, seed).items()}
    data = {period: frame.astype({"y_true": str, "y_pred": str}) for period, frame in data.items()}
    estimator = nannyml.CBPE(
        y_pred_proba={str(code): f"proba_{code}" for code in range(3)},
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_multiclass",
        metrics=BINARY,
        chunk_size=source.CHUNK,
    ).fit(data["reference"])
    result = estimator.estimate(data["analysis"].drop(columns="y_true"))
    calibrated = [type(curve).__name__ == "IsotonicCalibrator" for curve in estimator._calibrators.values()]
    return {"sureness": sureness, "seed": seed, "calibrated": calibrated, "estimates": chunks(result, BINARY)}


def main() -> None:
    recorded = {
        "nannyml": importlib.metadata.version("nannyml"),
        "binary": [binary(1.0, 1), binary(2.5, 2), binary(0.5, 3)],
        "three_classes": [three_classes(1.0, 4), three_classes(2.5, 5)],
    }
    path = Path(__file__).parent / "data" / "nannyml.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()
