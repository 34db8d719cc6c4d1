"""`sockproof export`: the numbers of a load run for other programs."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from sockproof.errors import CommandError
from sockproof.files import write
from sockproof.runs.breakdown import By, parted
from sockproof.vocabulary import LatencyKind, Origin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="run folder, e.g. results/latest-load")
    add(
        "--format",
        required=True,
        choices=("csv", "parquet", "openmetrics", "hgrm"),
        metavar="FORMAT",
        help="output format: csv or parquet (a row for each second), openmetrics (totals) or hgrm "
        "(HdrHistogram of one latency)",
    )
    add("--out", type=Path, metavar="FILE", help="output file (default: standard output)")
    kinds = ", ".join(each.value for each in LatencyKind)
    add(
        "--latency",
        type=_latency,
        default=LatencyKind.ACK.value,
        metavar="KIND",
        help=f"latency to export as hgrm: {kinds}, or that of one message name or user class, e.g. "
        """'delivery["private"]' or 'ack[class="Reader"]' (default: %(default)s)""",
    )
    add(
        "--by",
        choices=("message", "class"),
        metavar="WHAT",
        help="how to group latencies in csv and parquet: message (by name) or class (by user "
        "class) (default: not grouped)",
    )
    add(
        "--from",
        dest="origin",
        choices=[each.value for each in Origin],
        default=Origin.INTENDED.value,
        metavar="ORIGIN",
        help="send time from which latencies in hgrm are measured: intended or actual "
        "(default: %(default)s)",
    )


def _latency(text: str) -> str:
    kind, bracket, _ = text.partition("[")
    try:
        plain, group = parted(f"latency.{text}")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if plain != f"latency.{kind}" or kind not in list(LatencyKind) or bool(bracket) != bool(group):
        raise argparse.ArgumentTypeError(f"{text} is no kind of latency")
    return f"{kind}{group or ''}"


def export(options: Namespace) -> int:
    """Write them to a file, or to where the output goes."""
    from sockproof.analysis.timeline import frames  # pandas takes its time to import
    from sockproof.analysis.timeline.export import Wanted
    from sockproof.analysis.timeline.export import export as exported

    path: Path | None = options.out
    if path is not None and not path.parent.is_dir():
        raise CommandError(f"{path}: there is no folder {path.parent}")
    by = {"message": By.NAME, "class": By.CLASS}.get(options.by)
    if by is not None and options.format not in ("csv", "parquet"):
        raise CommandError("--by is for csv and parquet; openmetrics has all parts")
    run = frames.read(options.run)
    for problem in run.problems:
        print(f"sockproof: {problem}", file=sys.stderr)
    octets = exported(run, options.format, Wanted(by, options.latency, options.origin))
    if path is None:
        if options.format == "parquet" and sys.stdout.isatty():
            raise CommandError("parquet is a binary format: name a file with --out")
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
        return 0
    write(path, octets)
    return 0
