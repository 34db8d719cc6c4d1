"""`sockproof matrix`, `compare`, `--autobahn` and TLS options as a person types them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sockproof.shelves import SHELVES, shelf
from tests.cli.test_command import RUN
from tests.servers.tls import TlsServer
from tests.waiting import LIMIT, SOON

PINGS = ["--case", "websocket/control_frames/ping_is_answered_with_its_payload*"]
CERTIFICATE = ["--case", "websocket/tls/certificate*", *PINGS]


def sockproof(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    """A shelf with one target that works and one whose tool is missing."""
    root = tmp_path / "shelf"
    for name in SHELVES:
        if name == "targets":
            continue
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(shelf(name))
    shutil.copytree(shelf("targets") / "websockets", root / "targets" / "websockets")
    lacking = root / "targets" / "lacking"
    shutil.copytree(shelf("targets") / "websockets", lacking)
    text = (lacking / "target.toml").read_text(encoding="utf-8")
    text = text.replace('name = "websockets"', 'name = "lacking"\ntools = ["no-such-tool"]')
    (lacking / "target.toml").write_text(text, encoding="utf-8")
    return root


def test_matrix_skips_a_target_whose_tool_is_missing(targets: Path, tmp_path: Path) -> None:
    words = ("matrix", "--shelf", str(targets), *PINGS)
    done = sockproof(*words, cwd=tmp_path, SOCKPROOF_REQUIRE_TARGETS="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lacking: skipped: the target lacking needs: no-such-tool on the PATH" in done.stdout
    folder = tmp_path / "results" / "latest-matrix"
    made = json.loads((folder / "matrix.json").read_text(encoding="utf-8"))
    assert [column["name"] for column in made["columns"]] == ["websockets"]
    assert [each["name"] for each in made["skipped"]] == ["lacking"]
    assert {cell["outcome"] for row in made["rows"] for cell in row["cells"]} == {"PASS"}
    assert "no-such-tool" in (folder / "matrix.html").read_text(encoding="utf-8")
    assert (folder / "websockets" / "report.html").exists()


def test_missing_target_is_an_error_where_all_are_required(targets: Path, tmp_path: Path) -> None:
    words = ("matrix", "--shelf", str(targets), *PINGS)
    done = sockproof(*words, cwd=tmp_path, SOCKPROOF_REQUIRE_TARGETS="1")
    assert done.returncode == 2
    assert done.stderr == "sockproof: the target lacking needs: no-such-tool on the PATH\n"


def judged_beside(
    root: Path, cwd: Path, command: str, name: str, start: str
) -> subprocess.CompletedProcess[str]:
    """Judge a new target that begins so, and `websockets` behind it: that alone has a report."""
    folder = root / "targets" / name
    folder.mkdir()
    (folder / "target.toml").write_text(
        f'name = "{name}"\ntitle = "{name}"\nkind = "websocket"\nrequires = []\n'
        f"start = {start}\n"
        'url = "ws://127.0.0.1:{port}/"\nversion = "websockets"\n',
        encoding="utf-8",
    )
    named = ("--target", name, "--target", "websockets")
    done = sockproof(command, *named, "--shelf", str(root), *PINGS, cwd=cwd)
    assert done.returncode == 2, done.stdout + done.stderr
    made = (cwd / "results" / f"latest-{command}").glob("*/report.json")
    assert [each.parent.name for each in made] == ["websockets"]
    return done


@pytest.mark.parametrize("command", ["conformance", "matrix"])
def test_target_that_is_something_else_keeps_no_other_from_being_judged(
    targets: Path, tmp_path: Path, command: str
) -> None:
    start = '["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]'
    done = judged_beside(targets, tmp_path, command, "page", start)
    first, second = done.stderr.splitlines()
    assert first.startswith("sockproof: page: ws://127.0.0.1:")
    assert "is a web page (Directory listing for /), no WebSocket server" in first
    assert "HTTP/1.0 200 OK" in second


@pytest.mark.parametrize("command", ["conformance", "matrix"])
def test_target_that_does_not_start_keeps_no_other_from_being_judged(
    targets: Path, tmp_path: Path, command: str
) -> None:
    start = """["{python}", "-c", "raise SystemExit('no room')"]"""
    done = judged_beside(targets, tmp_path, command, "ending", start)
    assert done.stderr == "sockproof: ending: the target ending ended with 1: no room\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--suite", "deflate", "http://127.0.0.1:1/"),
        ("--suite", "rooms", "--suite", "websocket", "ws://127.0.0.1:1/"),
        ("--suite", "deflate", "--target", "websockets", "--target", "python-socketio-uvicorn"),
    ],
)
def test_suite_of_the_other_kind_of_server_is_refused(words: list[str], tmp_path: Path) -> None:
    done = sockproof("conformance", *words, cwd=tmp_path)
    assert done.returncode == 3
    assert "is for" in done.stderr
    assert done.stderr.count("\n") == 1


def test_application_is_not_judged(tmp_path: Path) -> None:
    for command in ("conformance", "matrix"):
        done = sockproof(command, "--target", "own-application", cwd=tmp_path)
        assert done.returncode == 3
        assert done.stderr.startswith("sockproof: the target own-application is for load tests")
        assert done.stderr.count("\n") == 1


def test_compare_says_what_changed(tmp_path: Path) -> None:
    words = ("conformance", "--target", "websockets", *PINGS)
    assert sockproof(*words, "--json", "a.json", cwd=tmp_path).returncode == 0
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    report["cases"][0].update(outcome="FAIL", got="\x1b[31msilence")
    (tmp_path / "b.json").write_text(json.dumps(report), encoding="utf-8")
    worse = sockproof("compare", "a.json", "b.json", cwd=tmp_path)
    assert worse.returncode == 1
    assert f"PASS → FAIL  {report['cases'][0]['id']}: \\x1b[31msilence" in worse.stdout
    better = sockproof("compare", "b.json", "a.json", cwd=tmp_path)
    assert better.returncode == 0
    assert "1 outcome changed (0 for the worse)" in better.stdout
    missing = sockproof("compare", "a.json", "nothing.json", cwd=tmp_path)
    assert missing.returncode == 3
    assert missing.stderr.count("\n") == 1


def test_autobahns_files_are_written(tmp_path: Path) -> None:
    words = ("conformance", "--target", "websockets", "--autobahn", "bahn")
    done = sockproof(*words, "--case", "websocket/control_frames/*", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (entries,) = json.loads((tmp_path / "bahn" / "index.json").read_text(encoding="utf-8")).values()
    assert entries
    for entry in entries.values():
        assert entry["behavior"] in ("OK", "INFORMATIONAL")
        assert (tmp_path / "bahn" / entry["reportfile"]).exists()


@pytest.fixture
def secured() -> Iterator[TlsServer]:
    """Our own server behind TLS, in a thread."""
    loop = asyncio.new_event_loop()
    server = TlsServer()
    loop.run_until_complete(server.__aenter__())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(SOON)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def outcomes(path: Path) -> dict[str, str]:
    report = json.loads(path.read_text(encoding="utf-8"))
    return {case["id"].rsplit("/", 1)[-1]: case["outcome"] for case in report["cases"]}


def test_trusted_certificate_passes(secured: TlsServer, tmp_path: Path) -> None:
    ca = str(secured.certificates.ca)
    words = ("conformance", secured.url, "--ca", ca, *CERTIFICATE, "--json", "r.json")
    done = sockproof(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(outcomes(tmp_path / "r.json").values()) == {"PASS"}


def test_untrusted_certificate_fails_its_case_and_nothing_else(
    secured: TlsServer, tmp_path: Path
) -> None:
    words = ("conformance", secured.url, *CERTIFICATE, "--json", "r.json")
    done = sockproof(*words, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = outcomes(tmp_path / "r.json")
    assert found.pop("certificate_chain_can_be_verified") == "FAIL"
    assert set(found.values()) == {"PASS"}


def test_credentials_go_to_nobody_who_is_not_trusted(secured: TlsServer, tmp_path: Path) -> None:
    words = ("conformance", secured.url, "--token", "sekret", *CERTIFICATE)
    done = sockproof(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "its certificate is not accepted" in done.stderr
    assert "--ca FILE" in done.stderr


def test_insecure_judges_no_certificate(secured: TlsServer, tmp_path: Path) -> None:
    words = ("conformance", secured.url, "--insecure", *CERTIFICATE, "--json", "r.json")
    assert sockproof(*words, cwd=tmp_path).returncode == 0
    found = outcomes(tmp_path / "r.json")
    assert found["certificate_chain_can_be_verified"] == "UNSUPPORTED"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["wss://127.0.0.1:1/", "--ca", "missing.pem"],
            "missing.pem: cannot be read: No such file",
        ),
        (["wss://127.0.0.1:1/", "--ca", "empty.pem"], "no certificate in PEM form"),
        (["wss://127.0.0.1:1/", "--ca", "empty.pem", "--insecure"], "cannot be combined"),
        (["ws://127.0.0.1:1/", "--insecure"], "are for wss:// and https://"),
    ],
)
def test_wrong_tls_option_is_one_line(words: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("", encoding="utf-8")
    done = sockproof("conformance", *words, cwd=tmp_path)
    assert done.returncode == 3
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
