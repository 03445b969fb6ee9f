"""Memory that is used again instead of given back: what large, short-lived buffers of every batch need."""

from __future__ import annotations

import ctypes
import platform

#: glibc's ``malloc.h``.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_MIB = 2**20


def keep_buffers() -> bool:
    """Tell glibc's allocator to keep what was freed, up to 128 MiB; ``False`` where the C library is another one.

    By default each buffer above 128 KiB is mapped anew and its pages are zeroed by the kernel on first touch: that
    costs more than decoding a batch of spans into it.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    asked = (
        (_M_MMAP_THRESHOLD, 32 * _MIB),  # the most that glibc allows
        (_M_TRIM_THRESHOLD, 128 * _MIB),
        (_M_TOP_PAD, 16 * _MIB),
        (_M_ARENA_MAX, 1),  # one heap, so that a buffer freed by one thread serves the next
    )
    return all(library.mallopt(parameter, value) for parameter, value in asked)
