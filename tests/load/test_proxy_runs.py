"""Whole load runs through proxies: those of classes of users, and that of the environment."""

from __future__ import annotations

import base64
import contextlib
import re
from pathlib import Path

import pytest

from sockproof.targets.certificates import Certificates
from tests.load.command import load
from tests.load.peers import Gone, Link, Server, echo, relay
from tests.load.proxies import PASSWORD, USER, proxies
from tests.load.test_proxy import HOSTILE as SCRIPTS
from tests.sample import rotating

_EACH = """
from sockproof.load.users import SocketIOUser, paced

class Direct(SocketIOUser):
    rate = 5

    @paced
    def talk(self):
        self.round_trip()

class Http(Direct):
    proxy = "{http}"

class Https(Direct):
    proxy = "{https}"

class Socks(Direct):
    proxy = "{socks}"
"""
CLIENTS = ("lean", "reference")
QUICK = ("--users", "8", "--run-time", "4s", "--no-report", "--drain", "3")


@pytest.mark.parametrize("client", rotating(CLIENTS, 2, "proxies of classes"))
def test_each_class_has_its_proxy_over_both_transports(
    client: str, tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{USER}:{PASSWORD}@127.0.0.1:9")  # nobody listens
    monkeypatch.delenv("no_proxy", raising=False)
    path = tmp_path / "scenario.py"
    with (
        proxies(tmp_path, certificates) as real,
        Server(relay(real.http)) as http,
        Server(relay(real.socks)) as socks,
    ):
        login = f"{USER}:{PASSWORD}@127.0.0.1"
        urls = {"http": f"http://{login}:{http.port}", "socks": f"socks5h://{login}:{socks.port}"}
        path.write_text(_EACH.format(https=real.url("https"), **urls))
        words = ["--transport", "upgrade", "--client", client, "--ca", str(certificates.ca)]
        found = load(tmp_path, str(path), *QUICK, *words)
        assert min(len(http.links), len(socks.links)) >= 3  # polling has two, and the upgrade one
    assert found.code == 0, found.output
    told = found.summary["classes"]
    assert all(told[name]["counts"]["acknowledged"] > 5 for name in ("Direct", "Http", "Https"))
    assert told["Socks"]["counts"]["acknowledged"] > 5
    assert "http_proxy is ignored: 127.0.0.1 is this machine" in found.output
    assert_hidden(found.output.encode(), found.folder)


def assert_hidden(output: bytes, folder: Path) -> None:
    texts = [output, *(each.read_bytes() for each in folder.rglob("*") if each.is_file())]
    encoded = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    assert not any(PASSWORD.encode() in each or encoded in each for each in texts)


_RAW = """
from sockproof.load.users import WebSocketUser, paced

class Socket(WebSocketUser):
    rate = 5
    reconnect_after = None

    @paced
    def talk(self):
        self.tell()
"""


HOSTILE = ("flood", "close", "garbage")


_WAYS = [["--transport", "polling"], ["--transport", "websocket"], None]


@pytest.mark.parametrize("words", rotating(_WAYS, 3, "hostile proxies"))
def test_reference_client_says_in_a_line_what_a_hostile_proxy_does(
    words: list[str] | None, tmp_path: Path
) -> None:
    def script(link: Link) -> None:
        with contextlib.suppress(OSError):
            SCRIPTS[HOSTILE[link.number % 3]][0](link)

    path = tmp_path / "scenario.py"
    base = "WebSocketUser" if words is None else "SocketIOUser"
    path.write_text(_RAW.replace("WebSocketUser", base))
    more = ["--client", "reference", "--users", "6", "--run-time", "4s", "--drain", "0"]
    with Server(script) as server:
        scheme = "ws" if words is None else "http"
        more += ["--proxy", f"http://{USER}:{PASSWORD}@127.0.0.1:{server.port}", "--no-report"]
        found = load(tmp_path, str(path), f"{scheme}://127.0.0.1:9/", *more, *(words or ()))
    assert found.code == 2, found.output
    assert found.summary["counts"]["connect_failures"] == 6
    reasons = [line for line in found.output.splitlines() if "proxy failed: " in line]
    for kind in HOSTILE:
        said = SCRIPTS[kind][2]
        assert any(re.search(said, each) for each in reasons), found.output
    assert_hidden(found.output.encode(), found.folder)


def _proxy(link: Link) -> None:
    """Echoes as the server that it leads to; every third time it shows what it was given."""
    request = link.request()
    assert request is not None
    assert (request.method, request.target) == ("CONNECT", "far.invalid:80")
    given = request.get("Proxy-Authorization") or ""
    if link.number % 3 == 2:
        password = base64.b64decode(given.removeprefix("Basic ")).decode()
        link.respond(f"{password} {given}".encode(), f"403 not {password}, {given}")
        return
    link.send(b"HTTP/1.1 200 OK\r\n\r\n")
    with contextlib.suppress(Gone, ConnectionError):
        echo(link)


@pytest.mark.parametrize("client", rotating(CLIENTS, 2, "proxy of the environment"))
def test_proxy_of_the_environment_leads_there_and_its_password_is_hidden(
    client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(_RAW)
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(_proxy) as server:
        monkeypatch.setenv("http_proxy", f"http://{USER}:{PASSWORD}@127.0.0.1:{server.port}")
        words = ["--client", client, "--users", "6", "--run-time", "4s", "--drain", "1"]
        words += ["--no-report"] if client == "reference" else []
        found = load(tmp_path, str(path), "ws://far.invalid/", *words)
    assert found.code == 1, found.output
    shown = f"http://***@127.0.0.1:{server.port}"
    assert f"connecting through the proxy {shown} (http_proxy)" in found.output
    assert found.summary["counts"]["connect_failures"] == 2
    assert "proxy failed: the proxy answered 403 not" in found.output
    assert shown in (found.folder / "run.json").read_text()
    assert_hidden(found.output.encode(), found.folder)
