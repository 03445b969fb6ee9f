"""Memory that is used again instead of given back: what large, short-lived buffers of every batch need."""

from __future__ import annotations

import ctypes
import mmap
import platform

#: glibc's ``malloc.h``.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_MIB = 2**20
#: Of the heap, that is to be in huge pages: blocks below the threshold from which glibc maps each by itself.
_BLOCK, _BLOCKS = 31 * _MIB, 4
_HUGE_PAGE = 2 * _MIB


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
    kept = all(library.mallopt(parameter, value) for parameter, value in asked)
    if kept:
        _in_huge_pages(library)
    return kept


def _in_huge_pages(library: ctypes.CDLL) -> None:
    """Ask the kernel for huge pages where the heap will grow: columns of a batch are read here and there, and looking
    up where a small page is takes longer than reading it. It is advice, that a kernel without them does not take.
    """
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.restype, library.free.argtypes = None, [ctypes.c_void_p]
    library.madvise.restype = ctypes.c_int
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    blocks = [library.malloc(_BLOCK) for _ in range(_BLOCKS)]
    for block in blocks:
        if block and hasattr(mmap, "MADV_HUGEPAGE"):
            start = -(-block // _HUGE_PAGE) * _HUGE_PAGE
            library.madvise(start, (block + _BLOCK - start) // _HUGE_PAGE * _HUGE_PAGE, mmap.MADV_HUGEPAGE)
    for block in blocks:
        library.free(block)
