"""Become the process that a JSON file describes: ``launch.py FILE`` with ``argv``, ``env`` and ``cwd``.

Supervisor starts every component through this, so that an environment value may hold any character (its own
``environment=`` syntax does not allow that) and a component's environment is exactly what the file says.
It runs isolated (``python -I``) and imports nothing but the standard library, so it costs a few milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Replace this process."""
    program = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.chdir(program["cwd"])
    os.execve(program["argv"][0], program["argv"], program["env"])  # noqa: S606 - no shell is wanted here


if __name__ == "__main__":
    main()
