"""`sockproof clients`: drivers that are right, wrong, die and never come; what is typed wrongly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sockproof.cli import main
from tests.waiting import LIMIT

ROOT = Path(__file__).parents[2]
ECHO = ROOT / "drivers" / "websockets" / "driver.py"
CASES = ("--case", "websocket/autobahn_utf8/text_*")


def judge(tmp_path: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """The exit code, the report and what was said."""
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "sockproof", "clients", *words, "--json", str(report)]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=LIMIT, cwd=tmp_path
    )
    found = json.loads(report.read_text()) if report.exists() else {}
    return ended.returncode, found, ended.stdout + ended.stderr


def driver(tmp_path: Path, source: str) -> str:
    """The command of a driver of our own."""
    path = tmp_path / "driver.py"
    path.write_text(source)
    return f"{sys.executable} {path}"


def test_a_right_client_is_judged_with_its_driver(tmp_path: Path) -> None:
    code, report, said = judge(tmp_path, "--run", f"{sys.executable} {ECHO}", *CASES)
    assert (code, report["counts"]["PASS"], report["target"]) == (0, 6, "client"), said
    assert report["not_run"] == []


def test_a_bundled_driver_is_started_by_its_name(tmp_path: Path) -> None:
    code, report, said = judge(tmp_path, "--driver", "websockets", *CASES)
    assert (code, report["counts"]["PASS"], report["target"]) == (0, 6, "websockets"), said
    assert "clients --driver websockets --case websocket/" in report["cases"][0]["rerun"]


def test_a_client_that_changes_messages_fails(tmp_path: Path) -> None:
    shouts = ECHO.read_text().replace("send(message)", "send(message[:-1])")
    run = driver(tmp_path, shouts)
    code, report, said = judge(tmp_path, "--run", run, "--agent", "cuts", *CASES)
    assert (code, report["target"]) == (1, "cuts"), said
    assert report["counts"]["FAIL"] >= 1


def test_a_driver_that_dies_has_failed_the_case_and_is_started_again(tmp_path: Path) -> None:
    dies = ECHO.read_text().replace("await socket.send(message)", "os._exit(7)")
    code, report, said = judge(tmp_path, "--run", driver(tmp_path, dies), *CASES)
    assert code == 1, said
    assert len(report["cases"]) == 6
    outcomes = {case["id"]: case for case in report["cases"]}
    assert outcomes["websocket/autobahn_utf8/text_beyond_ascii_comes_back"]["outcome"] == "FAIL"
    failed = "websocket/autobahn_utf8/text_that_is_not_utf8_fails_the_connection[6.3.1]"
    assert outcomes[failed]["outcome"] == "PASS"


DIES_ONCE = """
def sent():
    sent.messages += 1
    if sent.messages == 3 and not os.path.exists("died"):
        open("died", "w").close()
        os._exit(7)
sent.messages = 0
"""


def test_a_death_that_no_case_reproduces_is_told_and_no_verdict(tmp_path: Path) -> None:
    first, rest = ECHO.read_text().split("\n\n\n", 1)
    dies = rest.replace("await socket.send(message)", "sent(); await socket.send(message)")
    run = driver(tmp_path, f"{first}\n{DIES_ONCE}\n{dies}")
    code, report, said = judge(tmp_path, "--run", run, *CASES)
    assert (code, report["counts"]["PASS"], report["not_run"]) == (2, 6, []), said
    assert report["problem"] == "the driver died, but of no single case"
    assert "its process ended with exit code 7" in report["remarks"][0]
    assert f"Inconclusive: {report['problem']}" in said
    assert " ".join(report["remarks"][0].split()[:5]) in said


def test_a_driver_that_never_comes_is_no_verdict(tmp_path: Path) -> None:
    run = driver(tmp_path, "print('nothing to do')")
    code, report, said = judge(tmp_path, "--run", run, *CASES)
    assert code == 2, said
    assert "nothing to do" in report["problem"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "nowhere"], "--listen is HOST:PORT"),
        (["--case", "websocket/nothing/*"], "no case matches"),
        (["--run", "/no/such/program"], "No such file"),
        (["--run", "'"], "No closing quotation"),
        (["--expect", "nobody"], "no such file, and no driver"),
        (["--driver", "nobody"], "no driver 'nobody'; choose one of aiohttp, "),
        (["--driver", "ws", "--run", "x"], "--driver and --run cannot be combined"),
        (["--driver", "websockets", "--suite", "socketio"], "has the suites websocket, deflate"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    code, _, told = judge(tmp_path, *words)
    assert code == 3
    assert said in told
    assert "Traceback" not in told


def test_clients_stand_side_by_side_in_a_matrix(tmp_path: Path) -> None:
    # python-socketio's Client gives each message a thread of its own, which keep no order.
    words = ["--driver", "websockets", "--driver", "python-socketio-async", *CASES]
    words += ["--case", "socketio/events/*[websocket]"]
    command = [sys.executable, "-m", "sockproof", "matrix", "--clients", *words]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=LIMIT, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads((tmp_path / "results" / "latest-matrix" / "matrix.json").read_text())
    assert found["of"] == "clients"
    assert [each["name"] for each in found["columns"]] == ["websockets", "python-socketio-async"]
    assert all(each["counts"]["PASS"] and not each["counts"]["FAIL"] for each in found["columns"])
    page = (tmp_path / "results" / "latest-matrix" / "matrix.html").read_text()
    assert "Socket.IO clients" in page
    assert "each column a released client" in page


def test_clients_and_servers_stand_in_one_table(tmp_path: Path) -> None:
    words = ["--pairs", "--driver", "websockets", "--target", "websockets", "--case", "*empty*"]
    command = [sys.executable, "-m", "sockproof", "matrix", *words]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=LIMIT, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "  websockets  ✓⇄" in ended.stdout
    found = json.loads((tmp_path / "results" / "latest-pairs" / "pairs.json").read_text())
    ((cell,),) = found["pairs"][0]["cells"]
    assert (cell["passed"], cell["cases"], cell["faults"]) == (2, 2, [])
    assert cell["extension"].startswith("permessage-deflate")
    page = (tmp_path / "results" / "latest-pairs" / "pairs.html").read_text()
    assert "WebSocket servers and clients" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pairs", "--clients"], "--pairs and --clients cannot be combined"),
        (["--pairs", "--target", "nobody"], "no target 'nobody'"),
        (["--pairs", "--case", "nothing/*"], "no matching case"),
        (["--driver", "ws"], "--driver is for --clients"),
        (["--clients", "--driver", "nobody"], "no driver 'nobody'"),
        (["--clients", "--target", "websockets"], "--target and --clients cannot be combined"),
        (["--clients", "--suite", "rooms"], "no suite 'rooms' of clients"),
    ],
)
def test_matrix_that_is_typed_wrongly_is_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["matrix", *words]) == 3
    assert said in capsys.readouterr().err
