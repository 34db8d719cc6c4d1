"""A run folder is read in one place: what is whole as it was written, what is not in a line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.load_records import ROW as PACKED
from sockproof.runs.load_records import Kind
from sockproof.runs.reader import GrowingRun, LoadRunFolder, said
from sockproof.runs.rows import ROW
from tests.recorded import read_rows, row_files
from tests.runs.runs import SECOND, about, speak, write


def recorded(folder: Path, processes: int = 2) -> Path:
    """Some seconds of each process, which are in a room."""
    about(folder, processes=processes, started_ns=SECOND, parameters={"payload_octets": 9})
    for number in range(processes):
        recorder = Recorder(folder, 7)
        recorder.room(f"room {number}")
        write(recorder, SECOND, 1, 4)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return recorded(tmp_path / "run")


def test_each_process_tells_what_it_wrote(folder: Path) -> None:
    run = LoadRunFolder(folder)
    assert run.problems == []
    assert run.about.processes == 2
    assert run.about.parameters == {"payload_bytes": 9}  # by the name of now
    assert [each.tag for each in run.processes] == [file.tag for file in row_files(folder)]
    for process, file in zip(run.recorded, row_files(folder), strict=True):
        assert process.file == file
        assert process.path("rows") == file.path
        pieces = [row for part in process.rows.parts() for row in part.tolist()]
        assert pieces == list(read_rows(file))
        some = [row for row in pieces if row[-1] in (Kind.EMIT, Kind.ACK)]
        assert process.rows.of([Kind.EMIT, Kind.ACK]).tolist() == some
        assert process.rows.number([Kind.EMIT, Kind.ACK]) == len(some)
        assert process.rows.begun == {
            Phase.MEASURED: 2 * SECOND,
            Phase.DRAIN: 5 * SECOND,
            Phase.OVER: 6 * SECOND,
        }
        written = [json.loads(line) for line in process.path("health").read_text().splitlines()]
        assert [
            {"t": each.time, "phase": each.phase, "lag": each.lag, **each.values}
            for each in process.health()
        ] == written
        assert [each.tick for each in process.health()] == ["hub_lag_ns" in w for w in written]
    assert [each.rooms() for each in run.recorded] in (
        [{3: "room 0"}, {3: "room 1"}],
        [{3: "room 1"}, {3: "room 0"}],
    )


def test_array_of_rows_has_the_fields_that_are_packed() -> None:
    values = (1 << 63, 2, 3, 4, 5, 6, 7)
    assert ROW.itemsize == PACKED.size
    import numpy as np

    assert np.frombuffer(PACKED.pack(*values), dtype=ROW)[0].item() == values


def test_deliveries_are_told_by_who_knows_better(folder: Path) -> None:
    process = LoadRunFolder(folder).processes[0]
    before = [each.counts("delivery", "intended") for each in process.latencies()]
    assert sum(sum(counts.values()) for counts in before) == 200
    better = {"t": 2 * SECOND, "phase": 1, "delivery": {"intended": {"7": 3}, "actual": {}}}
    found = list(process.latencies([better]))
    told = [each.counts("delivery", "intended") for each in found]
    assert [counts for counts in told if counts] == [{"7": 3}]
    assert [each.time for each in found] == sorted(each.time for each in found)
    process.path("delivery").write_text(json.dumps(better) + "\n")
    assert list(LoadRunFolder(folder).processes[0].latencies()) == found


def test_damaged_line_costs_itself(folder: Path) -> None:
    process = LoadRunFolder(folder).processes[0]
    whole = len(list(process.health()))
    path = process.path("health")
    path.write_text("{\n" + path.read_text() + '{"t": 5, "pha')
    run = LoadRunFolder(folder)
    assert len(list(run.processes[0].health())) == whole
    (problem,) = run.problems
    assert problem.startswith(f"{path.name}: line 1 is not JSON")


def test_damaged_rows_cost_what_is_behind_them(folder: Path) -> None:
    file = row_files(folder)[0]
    content = bytearray(file.path.read_bytes())
    content[4096 + 60 * PACKED.size + 31] = 99  # the kind of row 61
    file.path.write_bytes(content)
    run = LoadRunFolder(folder)
    (problem,) = run.problems
    assert problem.startswith(f"{file.path.name}: row 61 ")
    damaged, whole = run.recorded
    assert (damaged.file.rows, damaged.file.closed) == (60, False)
    assert Phase.DRAIN not in damaged.rows.begun
    assert run.clock.begun(damaged.tag)[Phase.DRAIN] == 4  # as its lines say
    assert whole.file.closed


def test_damaged_page_costs_a_process(folder: Path) -> None:
    first, second = row_files(folder)
    first.path.write_bytes(b"nonsense")
    run = LoadRunFolder(folder)
    assert [each.tag for each in run.recorded] == [second.tag]
    assert run.left_out == 1
    assert run.problems == [f"{first.path} is not a file of rows; its process is left out"]
    assert len(list(run.processes[0].health())) > 0  # what it wrote besides is there


def test_file_that_is_missing_is_said(folder: Path) -> None:
    first, _ = LoadRunFolder(folder).processes
    first.path("latency").unlink()
    first.path("rows").unlink()
    run = LoadRunFolder(folder)
    told = {f"there is no {first.path(kind).name}" for kind in ("rows", "latency")}
    assert set(run.problems) == told
    assert list(run.processes[0].latencies()) == []
    assert not run.processes[0].has_rows
    assert run.left_out == 0


def test_what_is_no_file_of_a_process_is_none(folder: Path) -> None:
    for name in ("health-0.jsonl", "health-0123456G.jsonl", "rows-01234567.jsonl", "health-.jsonl"):
        (folder / name).write_text("{")
    run = LoadRunFolder(folder)
    assert len(run.processes) == 2
    assert run.problems == []


def test_folder_that_is_not_there_has_no_processes(tmp_path: Path) -> None:
    run = LoadRunFolder(tmp_path / "none")
    assert run.processes == []
    assert run.problems == []
    assert run.clock.measured_from is None


def test_growing_run_is_read_as_a_whole_one_is(tmp_path: Path) -> None:
    about(tmp_path, started_ns=SECOND)
    run = GrowingRun(tmp_path)
    recorder = Recorder(tmp_path, 7)
    health, latencies = [], []
    for second in range(1, 4):
        speak(recorder, second, second * SECOND, 5_000_000)
        recorder.tick((second + 1) * SECOND, {"hub_lag_ns": 1})
        for _ in range(2):
            health += [line for _, line in run.health()]
            latencies += [line for _, line in run.latencies()]
        assert len(health) == len(latencies) == second
    recorder.close(5 * SECOND)
    health += [line for _, line in run.health()]
    latencies += [line for _, line in run.latencies()]
    (whole,) = LoadRunFolder(tmp_path).processes
    assert health == list(whole.health())
    assert latencies == list(whole.latencies())
    clock = LoadRunFolder(tmp_path).clock
    assert run.clock.origin(whole.tag) == clock.origin(whole.tag) == SECOND
    assert run.clock.end == clock.end == 4


def test_growing_run_waits_for_whole_lines(tmp_path: Path) -> None:
    run = GrowingRun(tmp_path)
    path = tmp_path / "health-00010001.jsonl"
    path.write_text('{"t": 5, "phase": 0}\n{"t": 6, "ph')
    assert [line.time for _, line in run.health()] == [5]
    assert list(run.health()) == []
    with path.open("a") as file:
        file.write('ase": 0}\n{"no": "line"}\n{"t": 7, "phase": 1}\n')
    assert [(tag, line.time) for tag, line in run.health()] == [(0x10001, 6), (0x10001, 7)]


def test_first_problems_are_said() -> None:
    assert said(["a", "b"]) == ["a", "b"]
    assert said("abcdefg") == [*"abcde", "2 more files are damaged"]


def test_who_follows_a_run_imports_no_numpy() -> None:
    code = (
        "import sys, sockproof.analysis.gates.live_rules, sockproof.load.record.row_writer;"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_row_that_a_killed_process_had_not_finished_is_none(tmp_path: Path) -> None:
    about(tmp_path)
    recorder = Recorder(tmp_path, 7)
    speak(recorder, 1, SECOND, 5)
    (process,) = LoadRunFolder(tmp_path).recorded
    assert [Kind(row["kind"]) for part in process.rows.parts() for row in part] == [
        Kind.EMIT,
        Kind.RECEIPT,
        Kind.ACK,
    ]
    assert not process.file.closed
    recorder.close(2 * SECOND)
