"""Damaged files before every command that reads one: see `damage_run`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.analysis.delivery.checker import check
from sockproof.analysis.summary.run_summary import summarize
from sockproof.runs.exit_code import exit_code
from sockproof.runs.gathered import gather
from sockproof.runs.load_records import HEADER, ROW, ROWS_AT, ValueFlag
from sockproof.runs.reader import LoadRunFolder
from tests import sample
from tests.analysis.history import Written, violations
from tests.damage_hosts import hosts_run
from tests.render.load_sample import run_folder
from tests.waiting import LIMIT

ROOT = Path(__file__).parents[1]
COUNT = 2000  # of all
PARTS = 100  # of which two have their turn on most days


@pytest.mark.parametrize("part", sample.rotating(range(PARTS), PARTS // 2, "damage"))
def test_damaged_files_are_told_in_a_line(part: int) -> None:
    count = COUNT // PARTS
    words = [str(count), str(sample.SEED), str(part * count)]
    command = [sys.executable, "-m", "tests.damage_run", *words]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def two_processes(folder: Path) -> Path:
    """A run of two processes."""
    run_folder(folder)
    (first,) = folder.glob("rows-*.bin")
    run_folder(folder)
    return first


def test_folder_that_is_whole_has_no_problems(tmp_path: Path) -> None:
    two_processes(tmp_path)
    assert LoadRunFolder(tmp_path).problems == []
    assert exit_code(summarize(tmp_path)) == 0


def test_process_whose_first_page_is_damaged_is_left_out(tmp_path: Path) -> None:
    rows = two_processes(tmp_path)
    whole = summarize(tmp_path).counts["emitted"]
    with rows.open("r+b") as file:
        file.write(b"nonsense")
    value = summarize(tmp_path)
    assert value.counts["emitted"] == whole // 2
    assert exit_code(value) == 2
    assert f"{rows} is not a file of rows; its process is left out" in value.generator.reasons


@pytest.mark.parametrize(("place", "octets"), [(24, b"\xff" * 4), (31, b"\x63"), (8, b"\xff" * 8)])
def test_rows_are_read_up_to_the_first_that_cannot_be(
    place: int, octets: bytes, tmp_path: Path
) -> None:
    rows = two_processes(tmp_path)
    with rows.open("r+b") as file:  # client, kind or, of a row of a message, its intended time
        number = _first_emit(rows, 200)
        file.seek(ROWS_AT + number * ROW.size + place)
        file.write(octets)
    value = summarize(tmp_path)
    assert exit_code(value) == 2
    (said,) = (each for each in value.generator.reasons if each.startswith(rows.name))
    at = ROWS_AT + number * ROW.size
    told = f"row {number + 1:,} (octet {at:,}) is damaged; the {number:,} rows before it"
    assert told in said


def altered(rows: Path, number: int, place: int) -> None:
    """Turn one bit of a row, which could be as it is then."""
    with rows.open("r+b") as file:
        file.seek(ROWS_AT + number * ROW.size + place)
        (octet,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([octet ^ 1]))


@pytest.mark.parametrize("place", [0, 4, 10, 18, 28])  # room, sequence, time, lag, mark
def test_bit_of_a_row_that_was_turned_is_noticed(place: int, tmp_path: Path) -> None:
    rows = two_processes(tmp_path)
    whole = summarize(tmp_path).counts["emitted"]
    number = _first_emit(rows, 1000)
    altered(rows, number, place)
    value = summarize(tmp_path)
    assert exit_code(value) == 2
    (said,) = (each for each in value.generator.reasons if each.startswith(rows.name))
    before = int(said.partition("; the ")[2].partition(" ")[0].replace(",", ""))
    assert "after it has changed since it was written" in said
    assert number - 300 <= before <= number  # it writes 300 rows a second
    assert whole // 2 < value.counts["emitted"] < whole


def test_checksum_that_is_altered_is_outweighed_by_those_behind_it(tmp_path: Path) -> None:
    rows = two_processes(tmp_path)
    path = rows.with_name(f"health{rows.stem.removeprefix('rows')}.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[5]["rows_crc32"] ^= 1
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert LoadRunFolder(tmp_path).problems == []


def test_rows_of_a_version_without_checksums_are_read(tmp_path: Path) -> None:
    rows = two_processes(tmp_path)
    whole = summarize(tmp_path).counts
    for path in tmp_path.glob("health-*.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            del line["rows"], line["rows_crc32"]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    altered(rows, _first_emit(rows, 1000), 18)  # which nobody can tell there
    assert LoadRunFolder(tmp_path).problems == []
    assert summarize(tmp_path).counts == whole


def test_rows_that_are_cut_off_of_a_process_that_was_killed_are_missed(tmp_path: Path) -> None:
    rows = two_processes(tmp_path)
    with rows.open("r+b") as file:
        file.seek(HEADER.size)
        file.write(bytes(4))  # it has not ended in order
        file.truncate(ROWS_AT + 1000 * ROW.size)
    (said,) = LoadRunFolder(tmp_path).problems
    assert "row 1,001" in said
    assert "is missing, and all after it; the 1,000 rows before it can be read" in said


def _first_emit(path: Path, start: int) -> int:
    content = path.read_bytes()[ROWS_AT:]
    return next(
        number
        for number in range(start, len(content) // ROW.size)
        if content[number * ROW.size + 31] == 1
    )


@pytest.mark.parametrize("name", ["health", "latency", "rooms"])
def test_damaged_lines_are_said_with_their_place(name: str, tmp_path: Path) -> None:
    two_processes(tmp_path)
    path = sorted(tmp_path.glob(f"{name}-*.jsonl"))[0]
    count = path.read_text().count("\n")
    path.write_text('{"t": "soon"}\n' + path.read_text())
    value = summarize(tmp_path)
    assert exit_code(value) == 2
    (said,) = (each for each in value.generator.reasons if each.startswith(path.name))
    assert said.startswith(f"{path.name}: line 1 is invalid")
    assert said.endswith(f"; {count} lines can be read")


@pytest.fixture(scope="module", name="hosts")
def _hosts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hosts")
    hosts_run(place)
    return place


def accused(folder: Path) -> list[str]:
    """The properties that a run is said to have violated, but for errors of the scenario."""
    return [
        name
        for name, each in summarize(folder).properties.items()
        if each.verdict is False and name != "scenario_errors"
    ]


def test_run_of_every_kind_of_row_is_whole(hosts: Path) -> None:
    assert LoadRunFolder(hosts / "many").problems == []
    assert accused(hosts / "many") == []


@pytest.mark.parametrize("share", ["all", *sample.rotating(range(8), 1, "names")])
def test_names_that_are_lost_accuse_nobody(share: int | str, hosts: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(hosts / "many", tmp_path / "run", symlinks=True)
    lines = (folder / "rooms-1").read_text().splitlines(keepends=True)
    kept = [line for at, line in enumerate(lines) if share != "all" and at % 8 != share]
    (folder / "rooms-1").write_text("".join(kept) or "nonsense\n")
    assert accused(folder) == []


def test_rooms_whose_names_are_lost_are_not_taken_for_one(tmp_path: Path) -> None:
    run = Written(tmp_path)
    speaker, hearer = run.client(), run.client()
    rooms = ("a", "b")
    for room in rooms:
        run.join(hearer, room, 1, 2)
    for sequence, room in enumerate(rooms, 1):
        run.say(speaker, sequence, room, 50, acked=60)
        value = (speaker[1], sequence, "id", ValueFlag.IN_ROOM, 7, 60)
        run.recorders[0].value(*value)  # the same in each room
    for sequence in (2, 1):  # there is no order between rooms
        run.hear(hearer, speaker, sequence, 70)
    assert violations(run.check()) == {}
    (path,) = tmp_path.glob("rooms-*")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"room"' not in line))
    assert violations(check(LoadRunFolder(tmp_path))) == {}


@pytest.mark.parametrize("damage", ["fifo", "endless", "hole", "folder", "not rows", "empty"])
def test_host_whose_file_is_damaged_costs_that_file(
    damage: str, hosts: Path, tmp_path: Path
) -> None:
    for name in ("part", "host"):
        shutil.copytree(hosts / name, tmp_path / name, symlinks=True)
    name = "health-1" if damage in ("endless", "hole") else "rows-1"
    path = (tmp_path / "host" / name).resolve()
    if damage == "hole":
        os.truncate(path, 1 << 40)
    elif damage == "not rows":
        path.write_bytes(b"nonsense")
    else:
        path.unlink()
        if damage == "fifo":
            os.mkfifo(path)
        elif damage == "endless":
            path.symlink_to("/dev/zero")
        elif damage == "folder":
            path.mkdir()
        else:
            path.write_bytes(b"")
    problems = gather(tmp_path / "part", [tmp_path / "host"])
    assert len(problems) == (0 if damage in ("not rows", "empty") else 1), problems
    value = summarize(tmp_path / "part")
    assert exit_code(value) == 2
    assert any(path.name in each for each in value.generator.reasons)
    assert value.counts["emitted"] > 0


def test_whole_rows_of_a_host_take_the_place_of_damaged_ones(hosts: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(hosts / "many", tmp_path / "many", symlinks=True)
    before = summarize(folder).counts
    rows = (folder / "rows-1").resolve()
    rows.write_bytes(b"nonsense")
    assert gather(folder, [hosts / "host"]) == []
    assert summarize(folder).counts == before


def test_run_that_knows_nothing_of_itself_is_summed_up(tmp_path: Path) -> None:
    two_processes(tmp_path)
    before = summarize(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"processes": "two"}))
    value = summarize(tmp_path)
    assert value.counts == before.counts
    assert exit_code(value) == 2
    assert "run.json" in value.generator.reasons[0]
