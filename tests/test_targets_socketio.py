"""Each Socket.IO target keeps the target contract, as python-socketio's own client sees it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import engineio
import pytest
import socketio

from sockproof.fixtures import python_socketio
from sockproof.shelves import shelf
from sockproof.targets import install, launch
from sockproof.targets.spec import TargetMissing, TargetSpec, load_targets
from tests.waiting import SOON, until

TARGETS = {
    name: spec for name, spec in load_targets(shelf("targets")).items() if spec.kind == "socketio"
}
UNSTICKY = "python-socketio-unsticky"  # its requests reach one process or another
POLLING_ONLY = "python-socketio-nginx-polling"
PAGES = {
    "python-socketio-flask": {"": "a page of Flask"},
    "python-socketio-django": {"": "a page of Django", "about/": "at /about/"},
}
# Octets that no library changes: which ones do is for the conformance cases to tell.
WORDS = ["Grüße, 你好, 😀", b"\x00\xff", {"nested": [b"\x01", {"deep": b"\x02"}]}, None, 1.5]


def prepared(name: str) -> TargetSpec:
    """The target, with what it needs; skipped where that is missing and may be missing."""
    spec = TARGETS[name]
    try:
        install.prepare(spec)
    except TargetMissing as error:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS") == "1":
            raise
        pytest.skip(str(error))
    return spec


def group(leader: int) -> list[int]:
    """The processes of a group that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp = path.read_text().rpartition(")")[2].split()[:3]
            if int(pgrp) == leader and state != "Z":
                found.append(int(path.parent.name))
    return found


@pytest.fixture(scope="module", params=sorted(TARGETS))
def target(request: pytest.FixtureRequest) -> Iterator[launch.RunningTarget]:
    with launch.launch(prepared(request.param)) as running:
        yield running
        os.kill(running.pid, signal.SIGTERM)
        until(lambda: not group(running.pid))


class InOrder(engineio.Client):  # type: ignore[misc]
    """It takes one message after the other.

    The library's own gives each a thread, in no order: attachments may come before their event.
    """

    def _trigger_event(self, event: str, *args: Any, **options: Any) -> Any:
        return super()._trigger_event(event, *args, **{**options, "run_async": False})


class Sio(socketio.Client):  # type: ignore[misc]
    """A client on top of that."""

    def _engineio_client_class(self) -> type[engineio.Client]:
        return InOrder


class Client:
    """A real client, what it has heard kept in order."""

    def __init__(self, url: str, transports: list[str], auth: dict[str, Any]) -> None:
        self.heard: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self.goes_on = threading.Event()  # what it is slow about
        self.sio = Sio(reconnection=False, request_timeout=SOON)
        self.sio.on("*", lambda event, *args: self.heard.put((event, *args)))
        self.sio.on("message", lambda *args: self.heard.put(("message", *args)))
        self.sio.on("disconnect", lambda _: self.heard.put(("disconnect",)))
        self.sio.on("question", lambda *args: args)
        self.sio.on("slow", lambda: self.goes_on.wait(SOON))
        self.sio.connect(url, transports=transports, auth=auth, wait_timeout=SOON)

    def expect(self, *wanted: Any) -> None:
        """The next event."""
        assert self.heard.get(timeout=SOON) == wanted

    def proof(self, op: str, **fields: Any) -> dict[str, Any]:
        """Have the server do an operation."""
        answer = self.sio.call("sockproof", {"op": op, **fields}, timeout=SOON)
        assert answer["ok"] is True, answer
        return dict(answer)

    def close(self) -> None:
        """Leave without waiting for a GET to be answered."""
        self.goes_on.set()
        self.sio.eio.disconnect(abort=True)

    @property
    def sid(self) -> str:
        """The client's Socket.IO sid."""
        return str(self.sio.get_sid())


Connect = Callable[..., Client]


@pytest.fixture
def connect(target: launch.RunningTarget) -> Iterator[Connect]:
    clients = []

    def opened(*transports: str, auth: dict[str, Any] | None = None) -> Client:
        chosen = list(transports) or ["polling", "websocket"]
        if target.spec.name == UNSTICKY:
            chosen = ["websocket"]
        client = Client(target.url, chosen, {} if auth is None else auth)
        clients.append(client)
        client.expect("auth", {} if auth is None else auth)
        return client

    yield opened
    for client in clients:
        client.close()


def one_process(target: launch.RunningTarget) -> None:
    if target.spec.name == UNSTICKY:
        pytest.skip("clients of different processes do not hear each other")


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_greets_and_sends_back(
    target: launch.RunningTarget, connect: Connect, transport: str
) -> None:
    if (target.spec.name, transport) in ((UNSTICKY, "polling"), (POLLING_ONLY, "websocket")):
        pytest.skip(f"{target.spec.name} does not offer {transport}")
    client = connect(transport, auth={"who": "a client"})
    client.sio.emit("message", tuple(WORDS))
    client.expect("message-back", *WORDS)
    assert client.sio.call("message-with-ack", tuple(WORDS), timeout=SOON) == tuple(WORDS)
    info = client.proof("info")
    assert (info["sid"], info["namespace"]) == (client.sid, "/")
    assert info["transport"] == transport
    assert {"join", "leave", "rooms", "emit", "disconnect", "log"} <= set(info["capabilities"])


def test_rooms(target: launch.RunningTarget, connect: Connect) -> None:
    one_process(target)
    speaker, member, joined = connect(), connect(), connect(auth={"join": ["lobby"]})
    member.proof("join", rooms=["lobby"])
    assert member.proof("rooms")["rooms"] == sorted([member.sid, "lobby"])
    speaker.proof("emit", event="said", args=["hello", {"$bin": [1, 2]}], to=["lobby"])
    member.expect("said", "hello", b"\x01\x02")
    joined.expect("said", "hello", b"\x01\x02")
    speaker.proof("emit", event="said", args=["to one"], to=["lobby"], skip=[joined.sid])
    member.expect("said", "to one")
    member.proof("leave", rooms=["lobby"])
    speaker.proof("emit", event="said", args=["numbered"], to=["lobby"], count=2, sequence=True)
    speaker.proof("send", args=["fence"], to=[member.sid])
    member.expect("message", "fence")
    joined.expect("said", "numbered", 0)
    joined.expect("said", "numbered", 1)
    speaker.proof("close_room", room="lobby")
    speaker.proof("emit", event="said", args=["nobody"], to=["lobby"])
    speaker.proof("emit", event="said", args=["fence"], to=[joined.sid])
    joined.expect("said", "fence")


def test_calls_a_client(target: launch.RunningTarget, connect: Connect) -> None:
    one_process(target)
    caller, asked = connect(), connect()
    answer = caller.proof("call", sid=asked.sid, event="question", args=[7, "seven"])
    assert answer["result"] == [7, "seven"]
    answer = caller.proof("call", sid=asked.sid, event="slow", args=[], timeout=0.1)
    asked.goes_on.set()
    assert answer["timeout"] is True


def test_keeps_a_session_for_each_client(target: launch.RunningTarget, connect: Connect) -> None:
    first, second = connect(), connect()
    first.proof("session_set", data={"name": "first"})
    second.proof("session_set", data={"name": "second"})
    assert first.proof("session_get")["data"] == {"name": "first"}


def test_disconnects_and_writes_it_down(target: launch.RunningTarget, connect: Connect) -> None:
    one_process(target)
    observer, gone = connect(), connect(auth={"join": ["a room"]})
    sid = gone.sid
    observer.proof("disconnect", sid=sid)
    gone.expect("disconnect")
    until(lambda: len(observer.proof("log", sid=sid)["entries"]) >= 2)
    entries = observer.proof("log", sid=sid)["entries"]
    assert [entry["type"] for entry in entries] == ["connect", "disconnect"]
    assert entries[0]["auth"] == {"join": ["a room"]}
    assert entries[1]["rooms"] == sorted([sid, "a room"])
    assert entries[1]["reason"]


def test_refuses_what_it_does_not_know(target: launch.RunningTarget, connect: Connect) -> None:
    client = connect()
    for request in ({"op": "fly"}, {"op": "__init__"}, {"op": 7}, "join"):
        answer = client.sio.call("sockproof", request, timeout=SOON)
        assert answer["ok"] is False
        assert answer["error"]


@pytest.mark.parametrize("mode", ["false", "message", "data"])
def test_refuses_a_namespace(target: launch.RunningTarget, mode: str) -> None:
    sio = socketio.Client(reconnection=False, request_timeout=SOON)
    told: queue.Queue[Any] = queue.Queue()
    sio.on("connect_error", told.put, namespace="/reject")
    transports = ["polling"] if target.spec.name == POLLING_ONLY else ["websocket"]
    where = {"namespaces": ["/reject"], "transports": transports}
    sio.connect(target.url, auth={"mode": mode}, wait=False, **where)
    refusal = told.get(timeout=SOON)
    sio.eio.disconnect(abort=True)
    if mode != "false":
        wanted = {"message": "no entry"} | ({"data": {"code": 7}} if mode == "data" else {})
        assert refusal == wanted


def test_pages_of_the_application_answer(target: launch.RunningTarget) -> None:
    if target.spec.name not in PAGES:
        pytest.skip(f"{target.spec.name} has no pages")
    for path, words in PAGES[target.spec.name].items():
        with urllib.request.urlopen(target.url + path, timeout=SOON) as page:
            assert words in page.read().decode()


@pytest.mark.parametrize("name", ["python-socketio-uvicorn", "node-socketio"])
def test_operations_want_the_token(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCKPROOF_TOKEN", "secret")
    with launch.launch(prepared(name)) as running:
        client = Client(running.url, ["websocket"], {})
        try:
            for wrong in ({}, {"token": "other"}, {"token": None}):
                answer = client.sio.call("sockproof", {"op": "info", **wrong}, timeout=SOON)
                assert answer["ok"] is False
                assert "token" in answer["error"]
            client.proof("info", token="secret")
        finally:
            client.close()


def test_handlers_of_the_application_are_called_as_before() -> None:
    sio = socketio.Server(async_mode="threading")
    called: list[tuple[Any, ...]] = []
    sio.on("connect", lambda sid, environ: called.append(("connect", sid, environ)))
    sio.on("disconnect", lambda sid, reason: called.append(("disconnect", sid, reason)))
    python_socketio.install(sio)
    sid = sio.manager.connect("the session", "/")
    sio.handlers["/"]["connect"](sid, {"PATH": "/"}, None)
    sio.handlers["/"]["disconnect"](sid, "over")
    assert called == [("connect", sid, {"PATH": "/"}), ("disconnect", sid, "over")]
