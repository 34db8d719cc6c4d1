"""Workers on hosts that share nothing with the master: neither files, nor clocks."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sockproof.runs.reader import LoadRunFolder
from tests.load.namespaces import Host, hosts
from tests.load.test_counts import COUNTED
from tests.sample import is_due
from tests.waiting import LIMIT, until

ROOT = Path(__file__).parents[2]
CHAT = ROOT / "locustfiles" / "chat_rooms.py"
BLOCKS = Path(__file__).with_name("small_blocks.py")  # of rows, so that a disk is soon full
PAGE = (ROOT / "docs/many-machines.md").read_text()
EXAMPLE = "http://chat.example:8080/"  # the server of the page
SERVED = "10.201.0.100"  # an address besides that of the master
HOUR = 3600 * 10**9  # nanoseconds
DELAY = 0.02  # seconds, of every delivery
Processes = list[Any]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Host]]:
    # Forward alone: no clock can be set back by more hours than the machine has been up.
    with hosts(tmp_path / "disk", 9, 9 + 5, 0) as found:
        yield found


class Server:
    """The unfaithful server, on the first host."""

    def __init__(self, host: Host) -> None:
        words = (sys.executable, "-m", "tests.load.unfaithful_host")
        self._host, self.url = host, f"http://{SERVED}:5000/"
        host.run("ip", "address", "add", f"{SERVED}/24", "dev", "eth0")
        self._process = host.start(*words, SERVED, "5000", str(DELAY))
        until(lambda: "ready" in host.output(self._process))

    def truth(self) -> dict[str, int]:
        """What it did; it ends."""
        self._process.communicate(timeout=LIMIT)
        found: dict[str, int] = json.loads(self._host.output(self._process).splitlines()[-1])
        return found


def summary_of(host: Host, results: str = "results") -> dict[str, Any]:
    """The summary that a host has written."""
    (path,) = (host.seen / results).glob("2*-load/summary.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def of_page(beginning: str, **given: str) -> list[str]:
    """A command of docs/many-machines.md as it is typed, with an address where it has a name."""
    (line,) = [each for each in PAGE.splitlines() if each.startswith(beginning)]
    program, *words = shlex.split(line)
    return [sys.executable, "-m", program, *(given.get(word, word) for word in words)]


def master(host: Host, url: str, workers: int, *words: str, scenario: Path = CHAT) -> Any:
    typed = of_page("locust -f locustfile.py --headless", **{EXAMPLE: url})
    assert {"--master", "--expect-workers"} <= set(typed)
    how = f"--expect-workers {workers} --users 20 --spawn-rate 100 --room-size 5 --rate 20"
    smaller = (*how.split(), "--run-time", "5s", "--drain", "3")
    return host.start(*typed, "-f", str(scenario), *smaller, *words)


def worker(host: Host, to: Host, scenario: Path = CHAT) -> Any:
    typed = of_page("locust -f locustfile.py --worker", **{"master.example": to.address})
    return host.start(*typed, "-f", str(scenario))


def changed(host: Host, *lines: str) -> Path:
    """The scenario, where these lines hold in its process."""
    name = "changed.py"
    (host.seen / name).write_text("\n".join((*lines, CHAT.read_text())))
    return host.place / name


def written(host: Host) -> list[Path]:
    """The folders of its runs."""
    return list(host.seen.glob("results/2*-load"))


def each_third_day(name: str) -> pytest.MarkDecorator:
    """Half a minute each: one of three days has it."""
    return pytest.mark.skipif(not is_due(name, 3), reason="its turn is another day's")


def test_every_count_is_exact(three: list[Host]) -> None:
    first, second, third = three
    server = Server(first)
    leading = master(first, server.url, 2)
    following = [worker(second, first), worker(third, first)]
    leading.wait(LIMIT)
    output = first.output(leading)
    assert [each.wait(LIMIT) for each in following] == [0, 0], second.output(following[0])
    truth, found = server.truth(), summary_of(first)
    counts = found["counts"]
    expected = {name: truth[misdeed] for misdeed, name in COUNTED.items()}
    assert {name: counts[name] for name in expected} == expected, output
    assert all(expected.values())
    assert counts["undetermined"] <= counts["emitted"] * 0.01
    assert found["generator"]["fit"], output
    assert [each["processes"] for each in found["clocks"]] == [1, 1]
    (folder,) = written(first)
    for line in LoadRunFolder(folder).clock_lines.values():
        off = min(abs(line.to_run(line.pivot) - line.pivot + hours * HOUR) for hours in (0, 5, -9))
        assert off <= line.error
    error = found["delivery_error_ms"]
    assert 0 < error < 1000 * DELAY
    # No delivery was faster than the server, but for the error: clocks are off by hours.
    assert found["latency"]["delivery"]["actual"]["p50_ms"] >= 1000 * DELAY * 0.97 - error
    assert found["latency"]["delivery"]["actual"]["samples"] > 0.9 * counts["receipts"]


def test_killed_worker_loses_nothing_of_the_others(three: list[Host]) -> None:
    first, second, third = three
    server = Server(first)
    leading = master(first, server.url, 2)
    following = [worker(second, first), worker(third, first)]
    until(lambda: list(third.seen.glob("results/*/clock-*.jsonl")))
    until(lambda: '"phase":1' in _read(third, "results/*/health-*.jsonl"))
    following[1].kill()
    leading.wait(LIMIT)
    assert following[0].wait(LIMIT) == 0
    truth, found = server.truth(), summary_of(first)
    counts, output = found["counts"], first.output(leading)
    assert counts["lost"] <= truth["lose"], output
    assert counts["invented"] <= truth["invent"], output
    assert 0 < found["unknown_share"] < 1
    reasons = " ".join(found["generator"]["reasons"])
    assert "the records of 1 of 2 processes end abruptly" in reasons, output
    assert reasons in " ".join(output.split()), output
    assert "of the receipts" in reasons


@each_third_day("late_worker_takes_its_share_and_that_of_a_dead_one")
def test_late_worker_takes_its_share_and_that_of_a_dead_one(three: list[Host]) -> None:
    first, second, third = three
    server = Server(first)
    hasty = changed(first, "import sockproof.load.locust.hooks as hooks", "hooks._GIVEN_UP = 2")
    words = ("--enable-rebalancing", "--run-time", "18s")
    leading = master(first, server.url, 1, *words, scenario=hasty)
    following = [worker(second, first)]
    until(lambda: '"phase":1' in _read(second, "results/2*/health-*.jsonl"))
    following.append(worker(third, first))
    until(lambda: '"phase":1' in _read(third, "results/2*/health-*.jsonl"))
    following[0].kill()
    leading.wait(LIMIT)
    assert following[1].wait(LIMIT) == 0, third.output(following[1])
    truth, found = server.truth(), summary_of(first)
    counts, output = found["counts"], first.output(leading)
    # Twenty at first; half of them moved to the late worker, and then the others.
    assert counts["connections_opened"] == 20 + 10 + 10, output
    for misdeed, name in COUNTED.items():
        assert counts[name] <= truth[misdeed], output
    assert 0 < found["unknown_share"] < 1
    assert "the records of 1 of 2 processes end abruptly" in output
    assert "Traceback" not in third.output(following[1])


@each_third_day("who_was_cut_off_and_came_back_loses_no_row")
def test_who_was_cut_off_and_came_back_loses_no_row(three: list[Host]) -> None:
    first, second, third = three
    server = Server(first)
    leading = master(first, server.url, 2, "--run-time", "16s")
    following = [worker(second, first), worker(third, first)]
    until(lambda: '"phase":1' in _read(third, "results/*/health-*.jsonl"))
    route = ("blackhole", f"{first.address}/32")
    third.run("ip", "route", "add", *route)
    time.sleep(10)
    third.run("ip", "route", "delete", *route)
    leading.wait(LIMIT)
    output = first.output(leading)
    assert [each.wait(LIMIT) for each in following] == [0, 0], third.output(following[1])
    truth, found = server.truth(), summary_of(first)
    for host in (second, third):
        (rows,) = host.seen.glob("results/2*/rows-*.bin")
        (there,) = first.seen.glob(f"results/2*/{rows.name}")
        assert rows.read_bytes() == there.read_bytes()
    counts = found["counts"]
    expected = {name: truth[misdeed] for misdeed, name in COUNTED.items()}
    assert {name: counts[name] for name in expected} == expected, output
    assert found["unknown_share"] is None


@each_third_day("commands_of_our_own_and_folders_brought_together")
def test_commands_of_our_own_and_folders_brought_together(
    three: list[Host], tmp_path: Path
) -> None:
    first, second, third = three
    server = Server(first)
    asked = of_page("sockproof load chat_rooms", **{EXAMPLE: server.url})
    assert asked[-3:] == ["--master", "--expect-workers", "2"]
    how = "--users 20 --rate 20 --room-size 5 -t 4s --drain 3 --no-report --rows end"
    leading = first.start(*asked, *how.split(), "--expect-workers", "4")
    work = of_page("sockproof load --worker", **{"master.example": first.address})
    work += ["--processes", "2"]
    following = [second.start(*work), third.start(*work, "--results", "elsewhere")]
    assert leading.wait(LIMIT) == 1, first.output(leading)
    assert [each.wait(LIMIT) for each in following] == [0, 0], second.output(following[0])
    truth, found = server.truth(), summary_of(first)
    expected = {name: truth[misdeed] for misdeed, name in COUNTED.items()}
    assert {name: found["counts"][name] for name in expected} == expected
    # What the hosts have kept is the same run.
    (here,) = third.seen.glob("elsewhere/2*-load")
    (there,) = second.seen.glob("results/2*-load")
    (whole,) = first.seen.glob("results/2*-load")
    joined, other = tmp_path / "joined", tmp_path / "other"
    shutil.copytree(there, joined)
    shutil.copytree(here, other)
    names = {"results/latest-load": str(joined), "from-host-2": str(other)}
    words = [each for each in of_page("sockproof summary", **names) if each != "from-host-3"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    again = json.loads((joined / "summary.json").read_text())
    assert again["counts"] == found["counts"]
    assert whole.name == there.name == here.name


@each_third_day("master_that_dies_leaves_a_line_and_rows_that_can_be_summed_up")
def test_master_that_dies_leaves_a_line_and_rows_that_can_be_summed_up(
    three: list[Host], tmp_path: Path
) -> None:
    first, second, _ = three
    server = Server(first)
    leading = master(first, server.url, 1, "--run-time", "600s")
    words = ("import sockproof.load.hosts.leader as leader", "leader.REFUSES = 2")
    impatient = changed(second, *words)
    following = worker(second, first, impatient)
    until(lambda: '"phase":1' in _read(second, "results/2*/health-*.jsonl"))
    leading.kill()
    assert following.wait(LIMIT) == 2
    output = second.output(following)
    folder = re.findall(r"5557 is gone: [^;]*; `sockproof summary (\S+)` sums up", output)
    assert [Path(each).name for each in folder] == [each.name for each in written(second)], output
    assert "not all rows" not in output
    assert "Traceback" not in output
    (here,) = written(second)
    shutil.copytree(here, tmp_path / "here")
    again = [sys.executable, "-m", "sockproof", "summary", str(tmp_path / "here")]
    done = subprocess.run(again, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 1, done.stdout + done.stderr  # the server did what it does
    assert f"run folder: {tmp_path / 'here'}" in done.stdout


@each_third_day("worker_whose_disk_is_full_says_so_in_one_line")
def test_worker_whose_disk_is_full_says_so_in_one_line(three: list[Host]) -> None:
    first, second, third = three
    server = Server(first)
    leading = master(first, server.url, 2, scenario=BLOCKS)
    following = [worker(each, first, scenario=BLOCKS) for each in (second, third)]
    until(lambda: '"phase":1' in _read(third, "results/2*/health-*.jsonl"))
    disk = os.statvfs(third.seen)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    third.run("mount", "-o", f"remount,size={used + (32 << 10)}", str(third.place))
    leading.wait(LIMIT)
    assert [each.wait(LIMIT) for each in following] == [0, 0], third.output(following[1])
    assert third.output(following[1]).count("No space left on device") == 1
    found, output = summary_of(first), first.output(leading)
    assert not found["generator"]["fit"]
    assert "not recorded, because of missing space" in output
    truth = server.truth()
    assert found["counts"]["lost"] <= truth["lose"]
    assert found["counts"]["invented"] <= truth["invent"]


def _read(host: Host, pattern: str) -> str:
    return "".join(path.read_text() for path in host.seen.glob(pattern))
