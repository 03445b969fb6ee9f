"""Probes of components that have no metrics page of their own: ``exporter_probe_success``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import httpx

from observability import catalogue
from observability.metrics import Metrics

_LOG = logging.getLogger(__name__)
EVERY_SECONDS = 15.0
_TIMEOUT_SECONDS = 5.0


async def probe_for_ever(metrics: Metrics, targets: Mapping[str, str]) -> None:
    """Ask each health endpoint (``targets``: name → URL) every :data:`EVERY_SECONDS`, until cancelled."""
    async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        last: dict[str, bool] = {}
        while True:
            for target, url in targets.items():
                healthy = await _healthy(client, url)
                metrics.set(catalogue.EXPORTER_PROBE_SUCCESS, (target,), float(healthy))
                if last.get(target) is not healthy:
                    _LOG.info(
                        "%s is %s", target, "healthy" if healthy else "not healthy",
                        extra={"event": "probe", "target": target, "healthy": healthy},
                    )  # fmt: skip
                    last[target] = healthy
            await asyncio.sleep(EVERY_SECONDS)


async def _healthy(client: httpx.AsyncClient, url: str) -> bool:
    try:
        response = await client.get(url)
    except httpx.HTTPError:
        return False  # not answering is what the probe reports
    return response.is_success
