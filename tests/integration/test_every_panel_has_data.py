"""Every query of every panel of the generated dashboards returns data after the demo."""

from __future__ import annotations

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.integration

DASHBOARDS = sorted((ROOT / "grafana" / "dashboards").rglob("*.json"))
