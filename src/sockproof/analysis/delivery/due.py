"""How many receipts are due and not in while a run goes on.

`python -m sockproof.analysis.delivery.due FOLDER NOW`.

The generator asks it when nothing comes any more: it ends the drain before its time only where
nothing is missing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sockproof.analysis.delivery.checker import missing
from sockproof.runs.load_records import LoadRecordError
from sockproof.runs.reader import LoadRunFolder


def main() -> int:
    """Print the number for the folder and the time that are given."""
    os.nice(10)
    try:
        print(missing(LoadRunFolder(Path(sys.argv[1])), int(sys.argv[2])))  # noqa: T201
    except (LoadRecordError, OSError, ValueError, IndexError):
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
