"""Memory that is freed goes back to the operating system."""

import ctypes
import sys
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_BYTES = 1024 * 1024


def return_freed_memory() -> None:
    """Make glibc's allocator return each freed block of a mebibyte or more, for the whole process; elsewhere do nothing.

    By itself glibc raises this threshold with the blocks it sees and then keeps them: loading the model and embedding a
    report left some 60 MB resident that nothing used. A lower threshold saves little more and makes
    short queries slower to embed; this one costs only the embedding of long texts, about a seventh.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, _BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _BYTES)
