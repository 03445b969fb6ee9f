"""Alerts as code: recording rules, alert rules and Alertmanager's configuration, generated from ``observability.yml``.

``python -m alerts.generate`` writes them; metric names come from :mod:`observability.catalogue` and thresholds
from :mod:`observability.settings`, so a renamed metric or an unknown key fails before anything is written.
"""
