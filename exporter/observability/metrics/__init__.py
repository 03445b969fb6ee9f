"""The metric families as live numbers, with bounded label values, and the page of them."""

from observability.metrics.guard import CLOSED_LABELS, OTHER, Guard
from observability.metrics.store import Metrics, Reading, Rows

__all__ = ["CLOSED_LABELS", "OTHER", "Guard", "Metrics", "Reading", "Rows"]
