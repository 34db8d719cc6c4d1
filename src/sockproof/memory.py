"""What a process does with memory that it does not need any more.

glibc learns from each large block that is freed to keep such blocks: a few messages of several MiB
on a few connections, and the holes between them take more than they ever did.
"""

from __future__ import annotations

import contextlib
import ctypes

LARGE = 256 * 1024  # octets
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_… of <malloc.h>


def give_back_early() -> None:
    """Have blocks of `LARGE` octets and more go back to the system as soon as they are freed.

    For a process that takes from a server whatever that sends. Where the C library is not glibc
    nothing happens.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, LARGE)
        library.mallopt(_TRIM_THRESHOLD, LARGE)
