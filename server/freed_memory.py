"""Returns freed memory to the operating system. It knows glibc's allocator; elsewhere it does nothing."""

import ctypes
import os
import sys
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_BYTES = 2 * 1024 * 1024
_ARENAS = 2


def return_freed_memory() -> None:
    """Make the allocator return each freed block of two mebibytes or more, for the whole process."""
    # By itself glibc raises this threshold with the blocks it sees and then keeps them, in up to eight arenas per processor:
    # loading the model and embedding a report left some 60 MB resident that nothing used, the threads of LanceDB another 30.
    # Half of this threshold saves one more and makes a recall 3 % slower; this one slows down only the embedding of long
    # texts, by about a seventh. Arrow's own allocator keeps some 10 MB, so it uses this one. numpy gets one thread: several
    # fight over each small product and spin while they wait for the next one.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy reads it when it is loaded
    with suppress(OSError, AttributeError):
        libc = _glibc()
        libc.mallopt(_M_MMAP_THRESHOLD, _BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _BYTES)
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


def return_all_freed_memory() -> None:
    """Return the smaller blocks, too, once; for after work that used many of them. This takes some milliseconds."""
    with suppress(OSError, AttributeError):
        _glibc().malloc_trim(0)


def _glibc() -> ctypes.CDLL:
    """Return glibc. Raises OSError where there is none."""
    if not sys.platform.startswith("linux"):
        raise OSError
    return ctypes.CDLL("libc.so.6")
