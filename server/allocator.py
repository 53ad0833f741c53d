"""Memory that is freed goes back to the operating system. For glibc's allocator; elsewhere nothing is done."""

import ctypes
import os
import sys
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_BYTES = 2 * 1024 * 1024
_ARENAS = 2


def return_freed_memory() -> None:
    """Make the allocator return each freed block of two mebibytes or more, for the whole process.

    By itself glibc raises this threshold with the blocks it sees and then keeps them, in as many arenas as eight times the
    processors: loading the model and embedding a report left some 60 MB resident that nothing used, and the many threads of
    LanceDB another 30. Half of this threshold saves one more and makes a recall 3 % slower; this one costs only the embedding
    of long texts, about a seventh. numpy gets one thread: several fight over each small product, and wait for the next one
    by spinning. Arrow's own allocator keeps some 10 MB, so it uses this one.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy is not loaded yet; its products here are small
    with suppress(OSError, AttributeError):
        libc = _glibc()
        libc.mallopt(_M_MMAP_THRESHOLD, _BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _BYTES)
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


def return_all_freed_memory() -> None:
    """The smaller blocks too, once; for after work that used many of them. Takes some milliseconds."""
    with suppress(OSError, AttributeError):
        _glibc().malloc_trim(0)


def _glibc() -> ctypes.CDLL:
    """Raises OSError where there is none."""
    if not sys.platform.startswith("linux"):
        raise OSError
    return ctypes.CDLL("libc.so.6")
