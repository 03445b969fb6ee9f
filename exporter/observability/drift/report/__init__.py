"""The report of one comparison of two tables, as one file of HTML: plots, statistics and data quality."""

from observability.drift.report.page import page

__all__ = ["page"]
