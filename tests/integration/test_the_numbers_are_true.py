"""What the simulator served is what Prometheus says was called: calls, errors and tokens, model by model."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.integration
