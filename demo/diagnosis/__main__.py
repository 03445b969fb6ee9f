"""``python -m demo.diagnosis``: see :mod:`demo.serving.command`."""

from __future__ import annotations

import sys

from demo.serving.command import main
from demo.serving.model import Model


def load(seed: int) -> Model:
    """The model with patients of their own; raises ModuleNotFoundError without scikit-learn."""
    from demo.diagnosis.model import Diagnosis

    return Diagnosis(seed)


if __name__ == "__main__":
    sys.exit(main("diagnosis", "clinic", load))
