"""Record what evidently or NannyML find in the fixed samples.

Run with an interpreter that has the peer (evidently 0.7 needs pandas before 3):
``python -m tests.unit.drift.record_peers evidently`` or ``nannyml``. It writes ``data/`` beside it.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.unit.drift.peer_data import categories, numbers

DATA = Path(__file__).parent / "data"


def main() -> None:
    warnings.simplefilter("ignore")
    name = sys.argv[1]
    found = {"evidently": evidently, "nannyml": nannyml}[name]()
    (DATA / f"{name}.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def evidently() -> dict[str, Any]:
    """Scores of its tests: a p-value, or a distance."""
    import evidently as package
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    def score(method: str | None, kind: Any, pair: tuple[Any, Any]) -> Any:
        reference, current = (pd.Series(values) for values in pair)
        test = get_stattest(reference, current, kind, method)
        result = test(reference.copy(), current.copy(), kind, None)
        return {"test": test.name, "score": float(result.drift_score), "drift": bool(result.drifted)}

    numeric = ["ks", "wasserstein", "psi", "jensenshannon", "hellinger", "kl_div", "cramer_von_mises", "anderson"]
    categorical = ["chisquare", "psi", "jensenshannon", "hellinger", "kl_div", "TVD"]
    return {
        "version": package.__version__,
        "numbers": {
            name: {
                method or "default": _or_error(score, method, ColumnType.Numerical, pair) for method in [*numeric, None]
            }
            for name, pair in numbers().items()
        },
        "categories": {
            name: {
                method or "default": _or_error(score, method, ColumnType.Categorical, pair)
                for method in [*categorical, None]
            }
            for name, pair in categories().items()
        },
    }


def nannyml() -> dict[str, Any]:
    """Values of its methods for the current sample as one chunk."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it reports each use to its makers otherwise
    import nannyml as package

    def value(method: str, kind: str, pair: tuple[Any, Any]) -> Any:
        reference, current = (pd.DataFrame({"x": values}) for values in pair)
        if kind == "categorical_methods":
            reference, current = reference.astype("category"), current.astype("category")
        calculator = package.UnivariateDriftCalculator(column_names=["x"], chunk_size=len(current), **{kind: [method]})
        chunk = calculator.fit(reference).calculate(current).to_df()["x"][method].iloc[-1]
        return {"score": float(chunk["value"]), "drift": bool(chunk["alert"])}

    continuous = ["kolmogorov_smirnov", "wasserstein", "jensen_shannon", "hellinger"]
    categorical = ["chi2", "jensen_shannon", "l_infinity", "hellinger"]
    return {
        "version": package.__version__,
        "numbers": {
            name: {method: _or_error(value, method, "continuous_methods", pair) for method in continuous}
            for name, pair in numbers().items()
        },
        "categories": {
            name: {method: _or_error(value, method, "categorical_methods", pair) for method in categorical}
            for name, pair in categories().items()
        },
    }


def _or_error(work: Any, *arguments: Any) -> Any:
    """What ``work`` gives, or the error that it raised: part of what is recorded."""
    try:
        found = work(*arguments)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    return found | {"score": found["score"] if np.isfinite(found["score"]) else repr(found["score"])}


if __name__ == "__main__":
    main()
