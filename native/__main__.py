"""``python -m native``; see :mod:`native.cli`."""

import sys

from native.cli import main

sys.exit(main())
