"""Evidently's report of the same data, for teams that know it: the optional extra ``evidently``.

Evidently pins pandas and plotly below versions that other extras of ours need, so that it may want an environment of
its own (docs/drift-cli.md). Nothing else of this package uses it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from observability.drift.compare import Comparison
from observability.drift.detector import DriftResult
from observability.predictions.baselines import Baseline

#: Where the report holds its data: after the first tag of a script, one line each.
_DATA = re.compile(r"(?<=<script>)\s*var \w+ = .*\n\s*var additional_graphs_\w+ = .*")


class EvidentlyMissing(ImportError):
    """Evidently is not installed."""


@dataclass(frozen=True)
class EvidentlyReport:
    """What Evidently found: ``results`` by column, ``drift_share`` of them with drift, ``dataset_drift`` where that is
    as large as the monitor's. ``score`` is Evidently's; where its ``method`` is a test that is the p-value."""

    dataset_drift: bool
    drift_share: float
    results: dict[str, DriftResult]
    html: str

    @property
    def scores(self) -> dict[str, float]:
        """Column → score."""
        return {name: result.score for name, result in self.results.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, without the page."""
        return {
            "dataset_drift": self.dataset_drift,
            "drift_share": self.drift_share,
            "columns": [result.to_dict() for result in self.results.values()],
        }


class EvidentlyDriftMonitor:
    """Compares tables with ``reference_data``, a data frame of pandas, an Arrow table or a mapping of columns.

    ``categorical`` columns are categories whatever they hold; of the others, texts and booleans are, numbers are not.
    ``drift_share`` is the share of drifted columns from which the data set drifted. Raises :class:`EvidentlyMissing`
    without the extra, ``ValueError`` for reference data without a row or a column.
    """

    def __init__(self, reference_data: Any, *, categorical: Sequence[str] = (), drift_share: float = 0.5) -> None:
        self._evidently = _evidently()
        self._reference = _frame(reference_data)
        if not len(self._reference) or not len(self._reference.columns):
            raise ValueError("reference data have a row and a column at least")
        self.drift_share = drift_share
        unknown = sorted(set(categorical) - set(self._reference.columns))
        if unknown:
            raise ValueError(f"the reference data have no column {', '.join(unknown)}")
        numbers = [
            name
            for name, column in self._reference.items()
            if column.dtype.kind in "iuf" and name not in set(categorical)
        ]
        self._definition = self._evidently.DataDefinition(
            numerical_columns=numbers,
            categorical_columns=[name for name in self._reference.columns if name not in set(numbers)],
        )

    def detect(self, current_data: Any) -> EvidentlyReport:
        """Compare ``current_data``, in any of the forms that the reference data may have. Raises ``KeyError`` where it
        lacks columns of these, and what Evidently raises."""
        from evidently.presets import DataDriftPreset

        current = _frame(current_data)
        lacking = [name for name in self._reference.columns if name not in current.columns]
        if lacking:
            raise KeyError(f"no column for: {', '.join(lacking)}")
        dataset = self._evidently.Dataset.from_pandas
        report = self._evidently.Report([DataDriftPreset(drift_share=self.drift_share)], include_tests=True)
        snapshot = report.run(
            dataset(current[list(self._reference.columns)], data_definition=self._definition),
            dataset(self._reference, data_definition=self._definition),
        )
        results = self._results(snapshot.dict(), current)
        share = sum(result.is_drift for result in results.values()) / len(results)
        return EvidentlyReport(share >= self.drift_share, share, results, _safe(snapshot.get_html_str(as_iframe=False)))

    def _results(self, found: dict[str, Any], current: Any) -> dict[str, DriftResult]:
        drifted = {
            test["metric_config"]["params"]["column"]: test["status"] == "FAIL"
            for test in found["tests"]
            if "column" in test["metric_config"]["params"]
        }
        results = {}
        for metric in found["metrics"]:
            config = metric["config"]
            if "column" not in config:
                continue
            name, score = config["column"], float(metric["value"])
            results[name] = DriftResult(
                is_drift=drifted[name],
                score=score,
                p_value=score if config["method"].endswith("p_value") else None,
                threshold=float(config["threshold"]),
                method=config["method"],
                feature=name,
                n_reference=int(self._reference[name].notna().sum()),
                n_current=int(current[name].notna().sum()),
                timestamp=datetime.now(UTC),
            )
        return results


def evidently_report(found: Comparison, baseline: Baseline, current: Baseline) -> EvidentlyReport:
    """Evidently's report of the features that ``found`` compares, of the same rows and with the same kinds."""
    names = list(found.results)
    monitor = EvidentlyDriftMonitor(
        {name: baseline.features[name] for name in names},
        categorical=[name for name in names if baseline.kinds[name] != "numeric"],
        drift_share=found.dataset_share,
    )
    return monitor.detect({name: current.features[name] for name in names})


def _evidently() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it uses what numpy and others will remove, when it is imported
            import evidently
            import evidently.presets
    except ImportError as error:
        raise EvidentlyMissing(
            "Evidently is not installed, or not with what it needs: pip install 'ai-observability[evidently]', "
            f"in an environment of its own if others need pandas 3 or plotly 6 ({error})"
        ) from error
    return evidently


def _frame(data: Any) -> Any:
    """``data`` as a data frame of pandas."""
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, Mapping):
        data = pa.table(dict(data))
    return data.to_pandas()


def _safe(html: str) -> str:
    """The page, its data unable to leave the script that they are in: Evidently writes names and values as they are.

    Raises RuntimeError if the page is not as it was with the versions of the extra.
    """
    safe, replaced = _DATA.subn(lambda found: found[0].replace("<", r"\u003c"), html)
    if replaced != 1:
        raise RuntimeError("Evidently's page has another form than that of the versions that the extra allows")
    return safe
