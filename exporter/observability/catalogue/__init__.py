"""The single list of metric families: name, type, labels, unit and help.

Exporter code, dashboards, alert rules and the docs table all take names from here, so a renamed
metric fails when the dashboards and rules are generated and never shows as "No data".

Names follow the Prometheus naming conventions and are written as PromQL sees them (a counter ends
in ``_total``). Histogram boundaries of client-side GenAI durations are those that the OpenTelemetry
GenAI metric conventions advise.
"""

from __future__ import annotations

from observability.catalogue import conversations, exporter, llm, models, recorded
from observability.catalogue.conversations import *  # noqa: F403
from observability.catalogue.exporter import *  # noqa: F403
from observability.catalogue.family import Family as Family
from observability.catalogue.llm import *  # noqa: F403
from observability.catalogue.models import *  # noqa: F403
from observability.catalogue.recorded import *  # noqa: F403

FAMILIES: tuple[Family, ...] = tuple(
    value
    for part in (llm, conversations, models, exporter, recorded)
    for value in vars(part).values()
    if isinstance(value, Family)
)
BY_NAME: dict[str, Family] = {family.name: family for family in FAMILIES}
EXPOSED: tuple[Family, ...] = tuple(family for family in FAMILIES if family.type != "recorded")
RECORDED: tuple[Family, ...] = tuple(family for family in FAMILIES if family.type == "recorded")

if len(BY_NAME) != len(FAMILIES):
    raise RuntimeError("two families share a name")

#: Closed vocabulary of ``error_type``.
ERROR_TYPES = (
    "rate_limit_exceeded",
    "invalid_request",
    "timeout",
    "content_filter",
    "model_not_found",
    "authentication",
    "server_error",
    "other",
)
#: Closed vocabulary of the ``type`` label of token families: disjoint, so their sum is the total.
TOKEN_TYPES = ("input", "cache_read", "cache_write", "output", "reasoning")
