"""No secret that a command is given stands in what it prints or leaves, whatever a server says."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sockproof.shelves import shelf
from sockproof.targets.launch import free_port
from tests.servers import reflecting
from tests.waiting import EXPIRES, LIMIT

RUN = [sys.executable, "-c", "from sockproof.cli import run; run()"]
PASSWORD, TOKEN, QUERY = "Canary/Pass1word", 'canary+Token2"value', "canaryQuery3value"
HEADER, COOKIE, AUTH = "canaryHeader4-value", "canaryCookie5=value", "canaryAuth6'value<é>"
BEARER, OWN = "canaryBearer7.value", "canaryOwn8parameter"
CANARIES = [PASSWORD, TOKEN, QUERY, HEADER, COOKIE, AUTH, BEARER, OWN]
GIVEN = ["--header", f"X-Canary: {HEADER}", "--auth", json.dumps({"who": {"token": AUTH}})]
INSTEAD = ["--header", f"Authorization: Bearer {BEARER}"]  # of the URL's own


def url(port: int, scheme: str) -> str:
    who = f"user:{urllib.parse.quote(PASSWORD, safe='')}"
    query = f"access_token={urllib.parse.quote(QUERY)}&own={urllib.parse.quote(OWN)}"
    return f"{scheme}://{who}@127.0.0.1:{port}/?{query}"


def spellings(canary: str) -> Iterator[bytes]:
    """What must not be found: the whole, ten characters of either end, and other alphabets."""
    octets = canary.encode()
    yield from (octets, octets[:10], octets[-10:], octets.upper(), octets.hex().encode())
    yield urllib.parse.quote(canary, safe="").encode()
    for before in range(3):
        yield base64.b64encode(bytes(before) + octets)[4:-4]


def assert_hidden(texts: dict[str, bytes], own: bool = True) -> None:
    """None of the canaries stands in any of these."""
    for name, text in texts.items():
        squeezed = text.replace(b" ", b"").replace(b"\n", b"")
        for canary in CANARIES:
            if canary == OWN and not own:
                continue  # of which only a profile says that it is secret
            for spelt in spellings(canary):
                for where in (text, squeezed, text.lower()):
                    at = where.find(spelt)
                    assert at < 0, (name, canary, where[max(0, at - 200) : at + 100])


def left(folder: Path) -> dict[str, bytes]:
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "profile.toml"
    }
    assert len(found) >= 3
    return found


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_conformance_shows_no_secret(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "profile.toml").write_text('[profile]\nsecret_query = ["own"]\n')
    words = [
        *(GIVEN if scheme == "ws" else [*INSTEAD, *GIVEN]),
        "--cookie",
        f"id={COOKIE}",
        "--token",
        TOKEN,
        "--profile",
        "profile.toml",
    ]
    globs = ["websocket/opening*", "websocket/close_*", "websocket/ping*", "websocket/text*"]
    globs += ["engineio/[hp]*", "socketio/*", "deflate/nego*"]
    cases = [word for glob in globs for word in ("--case", glob)]
    with reflecting.server() as server:
        done = subprocess.run(
            [*RUN, "conformance", url(server.port, scheme), *words, *cases[: 8 if scheme == "ws"
             else 99], "-v", "--timeout", str(EXPIRES), "--max-time", "40s",
             "--exclude", "websocket/b*"],
            cwd=tmp_path, capture_output=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        assert len(server.links) > reflecting.CLEAN
    assert done.returncode in (0, 1, 2), done.stderr
    assert b"Traceback" not in done.stderr
    printed = {"stdout": done.stdout, "stderr": done.stderr}
    assert_hidden({**printed, **left(tmp_path)})


@pytest.mark.parametrize("client", ["lean", "reference"])
@pytest.mark.parametrize("words", [["--transport", "polling"], ["--transport", "websocket"]])
def test_load_shows_no_secret(client: str, words: list[str], tmp_path: Path) -> None:
    more = ["--users", "80", "--run-time", "4s", "--drain", "0", *words, "--client", client]
    given = [*INSTEAD, *GIVEN] if client == "lean" else GIVEN
    with reflecting.server() as server:
        process = subprocess.Popen(
            [*RUN, "load", "echo", *given, url(server.port, "http"), *more],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + LIMIT / 2
        while b"locust" not in (children := _arguments_of_children(process.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        output, _ = process.communicate(timeout=LIMIT)
        assert len(server.links) > reflecting.CLEAN
    assert process.returncode in (0, 1, 2), output
    assert_hidden({"output": output, "ps": children, **left(tmp_path)}, own=False)


OF_EACH_USER = """
import base64
from sockproof.load.users import SocketIOUser, WebSocketUser

SECRETS = [base64.b64decode(each).decode() for each in {secrets}]

class Socket(WebSocketUser):
    query = {{"access_token": SECRETS[0]}}
    cookies = {{"id": SECRETS[1]}}
    headers = {{"Authorization": "Bearer " + SECRETS[2]}}

class Client(SocketIOUser):
    auth = {{"user": [SECRETS[3]]}}
    headers = {{"X-Key": SECRETS[4]}}
"""


@pytest.mark.parametrize("kind", ["Socket", "Client"])
def test_load_shows_no_secret_of_a_user(kind: str, tmp_path: Path) -> None:
    secrets = [base64.b64encode(each.encode()).decode() for each in CANARIES[-5:]]
    scenario, folder = tmp_path / "own.py", tmp_path / "run"
    scenario.write_text(OF_EACH_USER.format(secrets=secrets))
    folder.mkdir()
    more = ["--users", "80", "--run-time", "4s", "--drain", "0"]
    with reflecting.server() as server:
        where = f"{'ws' if kind == 'Socket' else 'http'}://127.0.0.1:{server.port}/"
        done = subprocess.run(
            [*RUN, "load", str(scenario), where, *more, "--", kind],
            cwd=folder, capture_output=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        assert len(server.links) > reflecting.CLEAN
    assert done.returncode in (0, 1, 2), done.stderr
    assert_hidden({"stdout": done.stdout, "stderr": done.stderr, **left(folder)})


def _arguments_of_children(pid: int) -> bytes:
    """What `ps` shows of the processes that a process has started."""
    found = b""
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text() if entry.name.isdigit() else ""
            if stat and int(stat.rpartition(")")[2].split()[1]) == pid:
                found += (entry / "cmdline").read_bytes()
        except OSError:
            continue
    return found


def test_page_of_locust_shows_no_secret(tmp_path: Path) -> None:
    port = free_port()
    page = f"http://127.0.0.1:{port}"
    with reflecting.server() as server:
        words = [sys.executable, "-m", "locust", "-f", str(shelf("locustfiles") / "echo.py")]
        words += ["--host", url(server.port, "http"), "--web-port", str(port)]
        words += ["--web-host", "127.0.0.1", "--autostart", "-u", "20", "-r", "20", *GIVEN]
        log = (tmp_path / "log").open("wb")
        process = subprocess.Popen(
            words, cwd=tmp_path, stdout=log, stderr=log, env={**os.environ, "NO_PROXY": "*"}
        )
        try:
            pages = _pages(page)
        finally:
            process.terminate()
            process.wait(LIMIT)
            log.close()
    assert len(pages) > 8
    assert b"***" in pages["/"]
    assert_hidden({**pages, **left(tmp_path)}, own=False)


def _pages(page: str) -> dict[str, bytes]:
    """All that Locust's page and its downloads show, of a run that has had errors."""
    deadline = time.monotonic() + LIMIT / 2
    while True:
        try:
            if (
                b'"num_failures":0'
                not in _get(f"{page}/stats/failures/csv") + _get(f"{page}/stats/requests")
                and len(_get(f"{page}/stats/failures/csv").splitlines()) > 1
            ):
                break
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)
    names = ["/", "/stats/requests", "/stats/requests/csv", "/stats/failures/csv", "/exceptions"]
    names += ["/exceptions/csv", "/stats/report", "/stats/report?download=1", "/logs", "/tasks"]
    return {name: _get(page + name) for name in [*names, "/sockproof/live.json"]}


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=LIMIT) as answer:
        fields = str(answer.headers).encode()
        body: bytes = answer.read()
        return fields + body
