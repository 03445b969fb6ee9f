"""Drift detectors of a team's own: a subclass of :class:`~observability.drift.detector.DriftDetector`, by its name."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from observability.drift.detector import DriftDetector

#: Entry points of this group are detectors that may be named by their name alone.
GROUP = "observability.drift_detectors"


class DetectorError(ValueError):
    """A detector that cannot be used; the message says which, and why."""


def load(spec: str) -> type[DriftDetector]:
    """The class of ``module:Class``, or of an entry point of :data:`GROUP`. Raises :class:`DetectorError`."""
    module, colon, name = spec.partition(":")
    try:
        if colon:
            found = getattr(importlib.import_module(module), name)
        else:
            found = next(iter(entry_points(group=GROUP, name=spec))).load()
    except StopIteration:
        raise DetectorError(f"{spec!r} is neither module:Class nor an entry point of {GROUP}") from None
    except Exception as error:  # a module may raise anything when it is imported
        raise DetectorError(f"the detector {spec!r} cannot be loaded: {error}") from error
    if not (isinstance(found, type) and issubclass(found, DriftDetector)):
        raise DetectorError(f"{spec!r} is no subclass of observability.drift.DriftDetector")
    return found
