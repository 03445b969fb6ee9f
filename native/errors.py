"""The one exception that the command line prints as a plain message."""

from __future__ import annotations


class NativeError(RuntimeError):
    """Something the user can act on; the message says what happened and what to do."""


class Interrupted(NativeError):
    """``up`` was asked to stop; what already runs is left running."""
