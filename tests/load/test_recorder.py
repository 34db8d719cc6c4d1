"""What the recorder writes down: its fast path says the same as its slow one."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sockproof.analysis.evidence.history import History
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.load.record.row_writer import LineWriter
from sockproof.runs import load_lines
from sockproof.runs.histogram import bucket_of
from sockproof.runs.load_records import (
    FOREVER,
    ROW,
    ROWS_AT,
    STEP,
    Kind,
    LoadRecordError,
    ReceiptFlag,
)
from sockproof.runs.reader import LoadRunFolder
from sockproof.wire import stamp
from tests.recorded import lines_of, read_rows, row_files

RUN = 7


def message(recorder: Recorder, sequence: int = 1, run: int = RUN, body: str = "body") -> bytes:
    """What a client hears: an event with a stamped body."""
    sender = recorder.identity(3)
    text = stamp.encode(run, sender, sequence, 1_000, 5_000_000, body) + body
    return f'42["said","room",{json.dumps(text)}]'.encode()


def rows(folder: Path) -> list[tuple[int, ...]]:
    """All rows but the last, which ends the file."""
    found: list[tuple[int, ...]] = list(read_rows(row_files(folder)[0]))
    assert found[-1][6] == Kind.END
    return found[:-1]


def latency(folder: Path) -> dict[str, Any]:
    """The first line of histograms."""
    path = lines_of(row_files(folder)[0], "latency")
    value: dict[str, Any] = json.loads(path.read_text().splitlines()[0])
    return value


def test_message_that_is_as_it_was_sent_is_a_receipt(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    sender = recorder.identity(3)
    assert recorder.heard(2, message(recorder), 6_000_000) == (sender, 1)
    assert recorder.receipts == 1
    recorder.close(7_000_000)
    found = stamp.find(message(recorder))
    assert found is not None
    said, mark = found.checksum << 32 | 1, found.check & 0xFFFF
    assert rows(tmp_path) == [(sender, said, 6_000_000, 2, mark, 0, Kind.RECEIPT)]
    expected = {"intended": 6_000_000 - 1_000, "actual": 1_000_000}
    told = {name: {str(bucket_of(value)): 1} for name, value in expected.items()}
    assert latency(tmp_path)["delivery"] == told


def altered(data: bytes) -> bytes:
    return data.replace(b"body", b"bodY")


def without_stamp(data: bytes) -> bytes:
    at = data.index(b"$sp1$") + 20
    return data[:at] + b"!" + data[at + 1 :]


@pytest.mark.parametrize(
    ("change", "found", "flags"),
    [
        (altered, True, ReceiptFlag.CORRUPTED),
        (without_stamp, False, ReceiptFlag.CORRUPTED | ReceiptFlag.UNREADABLE),
        (lambda data: data[:40], False, ReceiptFlag.CORRUPTED | ReceiptFlag.UNREADABLE),
    ],
)
def test_message_that_was_altered_is_noted(
    change: Callable[[bytes], bytes], found: bool, flags: int, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path, RUN)
    assert (recorder.heard(2, change(message(recorder)), 6_000_000) is not None) == found
    recorder.close(7_000_000)
    assert [row[5] for row in rows(tmp_path)] == [flags]
    assert latency(tmp_path)["delivery"]["intended"] == {}


def test_message_of_another_run_is_foreign(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    recorder.heard(2, message(recorder, run=RUN + 1), 6_000_000)
    recorder.close(7_000_000)
    assert [row[5] for row in rows(tmp_path)] == [ReceiptFlag.FOREIGN]


def test_body_that_was_written_in_another_way_is_intact(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    body = 'Grüße, "你好" 😀'
    ascii_only = message(recorder, body=body)
    as_it_is = json.dumps(json.loads(ascii_only[2:]), ensure_ascii=False).encode()
    assert recorder.heard(2, ascii_only, 1) is not None
    assert recorder.heard(2, b"42" + as_it_is, 1) is not None
    assert recorder.corrupted == 0
    recorder.close(7_000_000)


def test_message_without_a_stamp_is_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    assert recorder.heard(2, b'42["auth",{}]', 1) is None
    recorder.close(2)
    assert rows(tmp_path) == []


def test_latency_belongs_to_the_part_in_which_the_message_was_due(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    recorder.phase(Phase.MEASURED, 2_000)
    recorder.heard(2, message(recorder), 6_000_000)  # was due at 1,000
    recorder.ack_received(2, 1, 1_500, 1_500, 5_000)
    recorder.ack_received(2, 2, 2_500, 2_600, 5_000)
    recorder.close(7_000_000)
    lines = lines_of(row_files(tmp_path)[0], "latency").read_text().splitlines()
    told = json.loads(lines[1])
    assert told["delivery"]["intended"] == {}
    assert sum(told["ack"]["intended"].values()) == sum(told["ack"]["actual"].values()) == 1
    assert {name for name, counts in told["before"].items() if counts} >= {"ack", "delivery"}


class Disk:
    """Stands in for `posix_fallocate`, on a disk that is full while it is told so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._allocate = os.posix_fallocate
        monkeypatch.setattr("os.posix_fallocate", self)

    def __call__(self, descriptor: int, begin: int, length: int) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self._allocate(descriptor, begin, length)


ROWS_OF_A_BLOCK = STEP // ROW.size - ROWS_AT // ROW.size


def test_full_disk_is_said_once_and_what_was_recorded_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems: list[str] = []
    disk = Disk(monkeypatch)
    recorder = Recorder(tmp_path, RUN, problems.append)
    disk.full = True
    for sequence in range(1, 150_000):
        recorder.sending(1, sequence, 0, 1, 1)
    recorder.close(2)
    assert len(problems) == 1
    assert "No space left on device" in problems[0]
    file = row_files(tmp_path)[0]
    found = list(read_rows(file))
    assert [row[0] >> 32 for row in found] == list(range(1, ROWS_OF_A_BLOCK + 1))
    assert file.missing == {Kind.EMIT: 149_999 - ROWS_OF_A_BLOCK, Kind.END: 1}
    assert file.closed


def test_rows_go_on_when_there_is_space_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    recorder = Recorder(tmp_path, RUN)
    for sequence in range(1, 300_000):
        disk.full = ROWS_OF_A_BLOCK < sequence <= 140_000 or 200_000 < sequence < 250_000
        if sequence in (140_001, 260_000):  # the second finds nothing to do: a block had place
            recorder.tick(sequence)
        recorder.sending(1, sequence, 0, sequence, sequence)
    recorder.close(300_001)
    file = row_files(tmp_path)[0]
    found = [row[0] >> 32 for row in read_rows(file) if row[6] == Kind.EMIT]
    assert found == [*range(1, ROWS_OF_A_BLOCK + 1), *range(140_001, 300_000)]
    assert file.missing == {Kind.EMIT: 140_000 - ROWS_OF_A_BLOCK}
    assert list(read_rows(file))[-1][6] == Kind.END
    gap = file.gaps[0]
    assert (gap.begin, {*gap.kinds}) == (ROWS_OF_A_BLOCK + 1, {Kind.EMIT})
    assert [line["rows"] for line in load_lines.read(lines_of(file, "health"))] == [
        ROWS_OF_A_BLOCK,
        ROWS_OF_A_BLOCK + 260_000 - 140_001,
        len(found),
    ]
    assert LoadRunFolder(tmp_path).problems == []


def test_process_that_is_killed_has_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    recorder = Recorder(tmp_path, RUN)
    disk.full = True
    for sequence in range(1, ROWS_OF_A_BLOCK + 12):
        recorder.sending(1, sequence, 0, 5, 5)
    file = row_files(tmp_path)[0]  # as it is now
    assert file.missing == {Kind.EMIT: 10}  # the last is still under way
    assert not file.closed
    assert (file.gaps[0].begin, file.gaps[0].end) == (5, FOREVER)
    recorder.close(6)


def test_lines_wait_for_space(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    lines = LineWriter(path)
    lines.write({"n": 0})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12, before[1]))  # in the middle of the next
    try:
        for number in (1, 2, 3):
            with pytest.raises(LoadRecordError, match=r"cannot write .*: File too large"):
                lines.write({"n": number})
        assert lines.missing == 3
        assert path.read_text() == '{"n":0}\n{"n"'
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lines.write({"n": 4})
    assert lines.missing == 0
    lines.close()
    assert [line["n"] for line in load_lines.read(path)] == [0, 1, 2, 3, 4]


def test_lines_that_are_too_many_to_wait_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    lines = LineWriter(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        for _ in range(300):
            with pytest.raises(LoadRecordError):
                lines.write({"n": "x" * 10_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lines.write({"n": "last"})
    lines.close()
    found = list(load_lines.read(path))
    assert len(found) + lines.missing == 301
    assert 100 < len(found) < 110
    assert found[-1] == {"n": "last"}


def test_echo_is_a_receipt_and_an_acknowledgement(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    for intended in (1_000, 5_000_000):  # late once, and on time once
        recorder.sending(3, 1, 1, intended, 5_000_000, 1)
        recorder.echoed(3, 1, intended, 5_000_000, 6_000_000)
    assert (recorder.acknowledged, recorder.receipts, recorder.outstanding) == (2, 2, 0)
    recorder.close(7_000_000)
    sender = recorder.identity(3)
    heard = (sender, 1, 6_000_000, 3, 0, ReceiptFlag.EXACT, Kind.RECEIPT)
    assert [row for row in rows(tmp_path) if row[6] == Kind.RECEIPT] == [heard, heard]
    assert [row[2:4] for row in rows(tmp_path) if row[6] == Kind.ACK] == [(6_000_000, 3)] * 2
    for kind in ("ack", "delivery"):
        told = latency(tmp_path)[kind]
        assert told["actual"] == {str(bucket_of(1_000_000)): 2}
        assert told["intended"] == {str(bucket_of(each)): 1 for each in (1_000_000, 5_999_000)}


def test_stamp_of_an_emit_is_the_one_that_stamps_have(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    for intended, actual in ((5, 5), (1_000, 2_000_999), (1, 1 + 2**45)):
        made = recorder.sending(3, 9, 1, intended, actual, 0, 77)
        sender = recorder.identity(3)
        assert made == stamp.octets(RUN, sender, 9, intended, actual, 77)
    recorder.close(2**46)


def test_message_that_did_not_leave_was_not_emitted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    recorder.sending(3, 1, 1, 10, 20, 1)
    recorder.sending(3, 2, 1, 10, 20, 1)
    recorder.sending(4, 1, 1, 30, 30)
    recorder.withdrawn(3, 2, 10, 20, 1)  # another has come between
    recorder.withdrawn(4, 1, 30, 30)
    assert (recorder.emitted, recorder.withheld, recorder.outstanding) == (1, 2, 1)
    recorder.close(40)
    told = [(row[0], row[3]) for row in rows(tmp_path) if row[6] == Kind.WITHDRAWN]
    assert told == [(2, 3), (1, 4)]
    history = History(LoadRunFolder(tmp_path))
    assert list(history.turns()) == [0]
    emits = history.emits
    assert (emits.key & 0xFFFFFFFF).tolist() == [1]
    assert emits.sender.tolist() == [2]
    health = json.loads(lines_of(row_files(tmp_path)[0], "health").read_text().splitlines()[0])
    assert {name: count for name, count in health["lag"].items() if count} == {"10": 1}


def test_lag_of_what_is_on_time_is_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, RUN)
    for actual in (10, 10, 15):
        recorder.sending(3, 1, 1, 10, actual)
    recorder.close(40)
    health = json.loads(lines_of(row_files(tmp_path)[0], "health").read_text().splitlines()[0])
    assert health["lag"] == {"0": 2, "5": 1}
