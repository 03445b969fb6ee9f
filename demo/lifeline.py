"""A child process of the demo ends when its parent does, however the parent ends.

The parent holds the write end of each child's standard input and writes nothing. The kernel closes it when the parent
is gone, even after SIGKILL; a thread of the child waits for that end of file. This works on every POSIX system and
needs no polling.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

#: Seconds that an orphan has to finish by itself before it is ended.
GRACE_SECONDS = 10.0


def end_with_parent() -> None:
    """Send SIGTERM to this process when its standard input ends, and end it hard :data:`GRACE_SECONDS` later."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
