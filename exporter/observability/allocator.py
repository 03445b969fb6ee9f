"""Memory that is used again instead of given back, which large, short-lived buffers of every batch need; and memory
that is taken when it is written to, which tables need that fill slowly.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from typing import Any

import numpy as np
import numpy.typing as npt

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


def zeros(count: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array like that of :func:`numpy.zeros`, whose memory is taken page by page when something is written to it.

    What the allocator keeps is not known to be zero, so numpy would write to all of it at once.
    """
    size = count * np.dtype(kind).itemsize
    if size < _HUGE_PAGE:
        return np.zeros(count, kind)
    pages = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, kind)
