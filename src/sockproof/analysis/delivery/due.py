"""How many receipts are due and not in while a run goes on.

`python -m sockproof.analysis.delivery.due FOLDER NOW`.

The generator asks it when nothing comes any more: it ends the drain before its time only where
nothing is missing. Where rows of other hosts are still to come, nobody knows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sockproof.analysis.delivery.checker import missing
from sockproof.files import FileError
from sockproof.runs.load_records import LoadRecordError
from sockproof.runs.reader import LoadRunFolder


def main() -> int:
    """Print the number for the folder and the time that are given."""
    os.nice(10)
    try:
        run = LoadRunFolder(Path(sys.argv[1]))
        if len(run.recorded) < (run.about.processes or 1):
            return 2
        if len({process.file.boot for process in run.recorded}) > 1:
            return 2
        print(missing(run, int(sys.argv[2])))  # noqa: T201
    except (FileError, LoadRecordError, OSError, ValueError, IndexError):
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
