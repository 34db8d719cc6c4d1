"""The commands of `sockproof`: they read arguments, compose the parts, and give the exit code.

0 yes; 1 no; 2 could not be judged; 3 the command itself is wrong; 130 interrupted, with what was
done so far written. This module imports little, so that a signal is heard from the first moment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sockproof import signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    try:
        with signals.held():  # a module that is interrupted half-way says anything
            from sockproof.cli.command import execute
        return execute(arguments)
    except KeyboardInterrupt:
        print("sockproof: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        from sockproof.cli.crash import crashed

        return crashed(error, sys.argv[1:] if arguments is None else arguments)


def run() -> NoReturn:
    """The console script."""
    code: int | str | None = 130
    try:
        signals.install()
        code = main()
    except KeyboardInterrupt:
        pass
    except SystemExit as end:
        code = end.code
    if not signals.interrupted():
        sys.exit(code)
    # Threads that were left behind are not waited for, and nothing is said of a further signal.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, KeyboardInterrupt):
            continue
    os._exit(code if isinstance(code, int) else 130)
