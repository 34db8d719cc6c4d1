"""What the processes of a load run have recorded, read plainly and without the reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sockproof.runs.load_records import ROW, ROWS_AT, RowFile, read_header


def row_files(folder: Path) -> list[RowFile]:
    """The files of rows in a run folder, in the order of their names."""
    return [read_header(path) for path in sorted(folder.glob("rows-*.bin"))]


def read_rows(file: RowFile) -> Iterator[tuple[int, int, int, int, int, int, int]]:
    """All rows of a file: a, b, c, client, mark, flags, kind."""
    with file.path.open("rb") as stream:
        stream.seek(ROWS_AT)
        while len(octets := stream.read(ROW.size)) == ROW.size:
            row = ROW.unpack(octets)
            if row[6] == 0:
                return
            yield row


def lines_of(file: RowFile, kind: str) -> Path:
    """Where the process of a file of rows has written lines of this kind."""
    return file.path.with_name(f"{kind}-{file.tag:08x}.jsonl")
