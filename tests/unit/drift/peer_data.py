"""Fixed samples that this project and others compare; of numpy alone, so that any interpreter reads them."""

from __future__ import annotations

from typing import Any

import numpy as np

REFERENCE = 2000
CURRENT = 500


def numbers() -> dict[str, tuple[Any, Any]]:
    """Reference and current values of several kinds, by name. ``RandomState`` gives the same in every version."""
    random = np.random.RandomState(20)

    def both(draw: Any) -> tuple[Any, Any]:
        return draw(REFERENCE, 0.0), draw(CURRENT, 0.2)

    outlier = both(lambda n, shift: random.normal(shift * 5, 1, n))
    outlier[1][0] = 1000.0
    return {
        "normal": both(lambda n, shift: random.normal(shift, 1, n)),
        "skewed": both(lambda n, shift: random.lognormal(shift, 1, n)),
        "rounded": both(lambda n, shift: np.round(random.normal(shift, 1, n), 1)),
        "zeros": both(lambda n, shift: np.where(random.uniform(size=n) < 0.4, 0.0, random.exponential(1 + shift, n))),
        "few": both(lambda n, shift: random.poisson(1 + shift, n).astype(float)),
        "outlier": outlier,
        "small": (random.normal(0, 1, 300), random.normal(0.2, 1, 40)),
        "constant": (np.full(300, 7.0), np.full(40, 7.0)),
    }


def categories() -> dict[str, tuple[Any, Any]]:
    """The same of categories."""
    random = np.random.RandomState(21)
    names = np.array(["red", "green", "blue", "grey"])
    return {
        "colours": (
            random.choice(names, REFERENCE, p=[0.4, 0.3, 0.2, 0.1]),
            random.choice(names, CURRENT, p=[0.35, 0.3, 0.2, 0.15]),
        ),
        "new": (
            random.choice(names[:3], REFERENCE, p=[0.5, 0.3, 0.2]),
            random.choice(names, CURRENT, p=[0.48, 0.28, 0.2, 0.04]),
        ),
        "yes_no": (
            random.choice(["yes", "no"], REFERENCE, p=[0.3, 0.7]),
            random.choice(["yes", "no"], CURRENT, p=[0.36, 0.64]),
        ),
    }
