"""Numbers as people read them."""

from __future__ import annotations

import math


def number(value: float | None) -> str:
    """Four digits; a dash for what is not there."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return (f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}").replace("-", "−")


def p_value(value: float | None) -> str:
    """Three digits; what double precision takes for zero is below its smallest number."""
    if value is None or math.isnan(value):
        return "–"
    return "< 1e−300" if value < 1e-300 else f"{value:.3g}".replace("-", "−")


def percent(share: float) -> str:
    """With one digit, and no zero for what is none."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{share:.1%}".replace("%", " %")
