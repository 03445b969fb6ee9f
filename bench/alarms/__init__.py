"""How often detectors alarm where nothing drifts, and how late where something does: ``python -m bench.alarms``."""
