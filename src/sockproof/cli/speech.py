"""What commands say: `say` for what they are asked for, `warn` for what is wrong."""

from __future__ import annotations

import contextlib
import sys

from sockproof.render.text import lines


def say(line: str) -> None:
    """Say it at once, into a pipe, too."""
    print(line, flush=True)


def warn(error: object) -> None:
    """Say what is wrong, in a line, wherever that can be said."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()  # what was said before stands before it
    with contextlib.suppress(OSError):
        print(f"sockproof: {lines(str(error))}", file=sys.stderr, flush=True)
