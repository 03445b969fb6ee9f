"""``python -m demo.progression``: see :mod:`demo.serving.command`."""

from __future__ import annotations

import sys

from demo.serving.command import main
from demo.serving.model import Model


def load(seed: int) -> Model:
    """The model with patients of their own; raises ModuleNotFoundError without scikit-learn."""
    from demo.progression.model import Progression

    return Progression(seed)


if __name__ == "__main__":
    sys.exit(main("progression", "clinic", load))
