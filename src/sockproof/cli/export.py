"""`sockproof export`: the numbers of a load run for other programs."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from sockproof.cli.settings import CommandError


def export(options: Namespace) -> int:
    """Write them to a file, or to where the output goes."""
    from sockproof.analysis import frames  # pandas takes its time to import
    from sockproof.analysis.export import export as exported

    run = frames.read(options.run)
    for problem in run.problems:
        print(f"sockproof: {problem}", file=sys.stderr)
    octets = exported(run, options.format, options.latency, options.origin)
    path: Path | None = options.out
    if path is None:
        if options.format == "parquet" and sys.stdout.isatty():
            raise CommandError("parquet is no text: name a file with --out")
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return 0
    try:
        path.write_bytes(octets)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from None
    return 0
