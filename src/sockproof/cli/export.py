"""`sockproof export`: the numbers of a load run for other programs."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from sockproof.errors import CommandError
from sockproof.files import write
from sockproof.vocabulary import LatencyKind, Origin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="a folder under results/")
    add("--format", required=True, choices=("csv", "parquet", "openmetrics", "hgrm"))
    add("--out", type=Path, metavar="FILE", help="(the standard output)")
    kinds = [each.value for each in LatencyKind]
    add("--latency", choices=kinds, default=LatencyKind.ACK.value, help="for hgrm (ack)")
    add(
        "--from",
        dest="origin",
        choices=[each.value for each in Origin],
        default=Origin.INTENDED.value,
        help="(intended)",
    )


def export(options: Namespace) -> int:
    """Write them to a file, or to where the output goes."""
    from sockproof.analysis.timeline import frames  # pandas takes its time to import
    from sockproof.analysis.timeline.export import export as exported

    path: Path | None = options.out
    if path is not None and not path.parent.is_dir():
        raise CommandError(f"{path}: there is no folder {path.parent}")
    run = frames.read(options.run)
    for problem in run.problems:
        print(f"sockproof: {problem}", file=sys.stderr)
    octets = exported(run, options.format, options.latency, options.origin)
    if path is None:
        if options.format == "parquet" and sys.stdout.isatty():
            raise CommandError("parquet is no text: name a file with --out")
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return 0
    write(path, octets)
    return 0
