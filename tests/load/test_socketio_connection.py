"""A Socket.IO connection by itself, over a WebSocket: packets, acknowledgements, namespaces."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.socketio.acks import NEVER
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Reason
from sockproof.wire.websocket import Opcode
from tests.load.peers import Heard, Hub, Link, Server, message, open_packet, until
from tests.waiting import SOON

pytestmark = pytest.mark.usefixtures("hub")
MS = 1_000_000
Replies = list[Any]


def made(server: Server, endpoint: dict[str, Any] | None = None, **options: Any) -> Heard:
    """A connection that is not begun."""
    return Heard(SocketIOConnection(Endpoint(server.url, **(endpoint or {})), **options))


def left(link: Link) -> None:
    """The client's DISCONNECT and its closing handshake."""
    while (text := link.text()) != "41":
        assert text[:1] == "4"
    link.close()


def leave(heard: Heard) -> None:
    heard.connection.close()
    assert heard.until_closed() == (Reason.CLIENT, "closed by us")


def test_connect_says_path_namespace_and_auth() -> None:
    said: list[str] = []

    def script(link: Link) -> None:
        said.append(link.greet(sid="engine").target)
        said.append(link.text())
        link.say('40/chat,{"sid":"mine"}')
        said.append(link.text())
        link.close()

    with Server(script) as server:
        heard = made(server, namespace="/chat", auth={"token": "grüße"}).until_open()
        assert (heard.connection.sid, heard.connection.eio_sid) == ("mine", "engine")
        assert heard.connection.transport_now == "websocket"
        assert heard.connection.is_open
        leave(heard)
    target = "/socket.io/?EIO=4&transport=websocket"
    assert said == [target, '40/chat,{"token":"grüße"}', "41/chat,"]


def test_events_go_out_as_json() -> None:
    said: list[str] = []

    def script(link: Link) -> None:
        link.admit()
        said.extend(link.text() for _ in range(5))
        left(link)

    with Server(script) as server:
        heard = made(server)
        assert not heard.connection.emit("too soon")
        heard.until_open()
        connection = heard.connection
        assert connection.emit("plain")
        assert connection.emit("more", 1, None, {"ü": [True]}, ack=print)
        assert connection.emit("there", namespace="/other")
        assert connection.emit_stamped((b'["raw', b"stamp", b'"]'), print, "token", NEVER)
        assert connection.emit_stamped((b'["raw', b"stamp", b'"]'))
        connection._acks.clear()
        leave(heard)
        assert not connection.emit("too late", b"octets")
    assert said == [
        '42["plain"]',
        '421["more",1,null,{"ü":[true]}]',
        '42/other,["there"]',
        '422["rawstamp"]',
        '42["rawstamp"]',
    ]


def test_events_go_to_their_handlers_and_answers_back(hub: Hub) -> None:
    answers: list[str | bytes] = []

    def script(link: Link) -> None:
        link.admit()
        assert link.text() == "40/chat,"
        link.say('42["sum",1,2]', '427["sum",3,4]', '42/chat,8["sum",5,6]', '429["several"]')
        link.say('4210["nobody"]', '4211["nothing"]', '4212["fails"]', '4213["say \\"x\\\\",1]')
        link.say('451-14["octets",{"_placeholder":true,"num":0}]')
        link.say(b"\x00\x01")
        answers.extend(link.text() for _ in range(8))
        frame = link.frame()
        assert frame.opcode == Opcode.BINARY
        answers.append(frame.payload)
        left(link)

    def fails() -> None:
        raise KeyError("missing")

    heard_events: list[tuple[str, list[Any], str]] = []
    with Server(script) as server:
        heard = made(server)
        connection = heard.connection
        connection.on("sum", lambda a, b: a + b)
        connection.on("sum", lambda a, b: a * b, namespace="/chat")
        connection.on("several", lambda: (1, "two"))
        connection.on("nothing", lambda: None)
        connection.on('say "x\\', lambda number: [number])
        connection.on("octets", lambda octets: octets * 2)
        connection.on("gone", print)
        connection.on("gone", None)
        connection.on("fails", fails)
        connection.on_event = lambda *told: heard_events.append(told)
        heard.until_open()
        connection.join_namespace("/chat")
        until(lambda: len(heard_events) == 9)
        leave(heard)
    assert answers == [
        "437[7]",
        "43/chat,8[30]",
        '439[1,"two"]',
        "4310[]",
        "4311[]",
        "4312[]",
        "4313[[1]]",
        '461-14[{"_placeholder":true,"num":0}]',
        b"\x00\x01\x00\x01",
    ]
    assert [type(error) for error in hub.errors] == [KeyError]
    hub.errors.clear()
    assert heard_events[0] == ("sum", [1, 2], "/")
    assert heard_events[2] == ("sum", [5, 6], "/chat")
    assert heard_events[-1] == ("octets", [b"\0\1"], "/")


def test_events_that_nobody_listens_to_are_not_parsed_but_acknowledged() -> None:
    answers: list[str] = []

    def script(link: Link) -> None:
        link.admit()
        link.say('42["x"]', '425["x"]', '42/chat,6["x"]', '451-["x",{"_placeholder":true,"num":0}]')
        link.say(b"octets")
        answers.append(link.text())
        left(link)

    with Server(script) as server:
        heard = made(server).until_open()
        until(lambda: (b"octets", True) in heard.messages)
        leave(heard)
    assert answers == ["435[]"]  # nobody is in /chat
    assert [data for data, _ in heard.messages] == [
        b'42["x"]',
        b'425["x"]',
        b'451-["x",{"_placeholder":true,"num":0}]',
        b"octets",
    ]


@pytest.mark.parametrize("way", ["close", "abort", "server"])
def test_all_that_is_waited_for_is_answered_with_none_before_the_close(way: str) -> None:
    def script(link: Link) -> None:
        link.admit()
        for _ in range(3):
            link.text()
        if way == "close":
            left(link)
        elif way == "abort":
            link.until_gone()

    order: list[Any] = []
    with Server(script) as server:
        heard = made(server).until_open()
        connection = heard.connection

        def closed(*told: Any) -> None:
            order.append("closed")
            heard.closed.append(told)

        for number in range(3):
            connection.emit("x", ack=lambda reply, number=number: order.append((number, reply)))
        connection.on_close = closed
        if way != "server":
            getattr(connection, way)()
        heard.until_closed()
    assert order == [(0, None), (1, None), (2, None), "closed"]


def test_octets_travel_as_attachments_both_ways() -> None:
    said: list[Any] = []

    def script(link: Link) -> None:
        link.admit()
        for _ in range(2):
            said.append(link.text())
            said.extend(link.frame().payload for _ in range(int(said[-1][2])))
        head = '452-["deep",{"a":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":0}]'
        link.send(message(head) + message(b"zero") + message(b"one"), chop=True)
        left(link)

    events: list[Any] = []
    replies: Replies = []
    with Server(script) as server:
        heard = made(server)
        heard.connection.on("deep", lambda *args: events.append(args))
        heard.until_open()
        assert heard.connection.emit("one", b"\x01", {"k": [bytearray(b"\x02")]})
        assert heard.connection.emit("asks", b"", ack=replies.append, namespace="/chat")
        until(lambda: events)
        leave(heard)
    first = '452-["one",{"_placeholder":true,"num":0},{"k":[{"_placeholder":true,"num":1}]}]'
    second = '451-/chat,1["asks",{"_placeholder":true,"num":0}]'
    assert said == [first, b"\x01", b"\x02", second, b""]
    assert events == [({"a": [b"one"]}, b"zero")]
    assert replies == [None]


def test_further_namespaces_are_joined_refused_and_left() -> None:
    said: list[str] = []

    def script(link: Link) -> None:
        link.admit()
        said.extend(link.text() for _ in range(3))
        link.say('40/a,{"sid":"in a"}', '44/b,{"message":"no"}', '42/a,["x"]', "41/c,")
        said.append(link.text())
        left(link)

    told: list[tuple[str, str | None]] = []
    events: list[Any] = []
    with Server(script) as server:
        heard = made(server)
        connection = heard.connection
        connection.on_namespace = lambda *what: told.append(what)
        connection.on("x", lambda: events.append("x"), namespace="/a")
        heard.until_open()
        connection.join_namespace("/a", {"token": 1})
        connection.join_namespace("/b")
        connection.join_namespace("/c")
        until(lambda: len(told) == 3)
        connection.leave_namespace("/a")
        assert connection.is_open
        leave(heard)
    assert said == ['40/a,{"token":1}', "40/b,", "40/c,", "41/a,"]
    assert told == [("/a", "in a"), ("/b", None), ("/c", None)]
    assert events == ["x"]


def test_each_heartbeat_is_answered() -> None:
    def script(link: Link) -> None:
        link.admit()
        for more in ("", "probe", ""):
            link.say(f"2{more}")
            assert link.text() == f"3{more}"
        left(link)

    before = traffic.pings_answered
    with Server(script) as server:
        heard = made(server).until_open()
        until(lambda: traffic.pings_answered == before + 3)
        leave(heard)


def closes(link: Link) -> None:
    link.close(1000)


Script = Callable[[Link], None]
ENDS: dict[str, tuple[Script, Reason, str]] = {
    "disconnect": (lambda link: link.say("41"), Reason.SERVER_DISCONNECTED, "disconnected /"),
    "refused": (
        lambda link: link.say('44{"message":"no\\nentry"}'),
        Reason.NAMESPACE_REFUSED,
        'refused /: {"message":"no\\nentry"}',
    ),
    "close-packet": (lambda link: link.say("1"), Reason.SERVER_CLOSED, "CLOSE packet"),
    "close-frame": (closes, Reason.SERVER_CLOSED, "closed with 1000"),
    "dropped": (lambda link: link.socket.close(), Reason.SERVER_DROPPED, "ended the stream"),
    "reset": (Link.reset, Reason.RESET, "reset by peer"),
}


@pytest.mark.parametrize("before", [False, True], ids=["open", "before"])
@pytest.mark.parametrize("name", ENDS)
def test_session_that_the_server_ends_has_its_reason(name: str, before: bool) -> None:
    end, reason, said = ENDS[name]
    if name == "refused" and not before:  # who is in cannot be refused any more
        reason, said = Reason.BAD_PACKET, "which is connected"
    opened = threading.Event()

    def script(link: Link) -> None:
        link.greet() if before else link.admit()
        if before:
            assert link.text() == "40"
        else:
            assert opened.wait(SOON)
        end(link)
        if name in ("disconnect", "refused", "close-packet"):
            link.close()

    with Server(script) as server:
        heard = made(server)
        heard.open() if before else heard.until_open()
        opened.set()
        found, text = heard.until_closed()
        assert (found, said in text) == (reason, True), text
        assert heard.opened == (not before)
        assert (heard.connection.sid, heard.connection.outstanding) == (None, 0)


def test_session_opens_again_with_all_forgotten() -> None:
    def script(link: Link) -> None:
        link.admit(sid=f"engine {link.number}")
        assert link.text() == f"42{link.number + 1}" + '["x"]'
        if link.number == 0:
            link.say('452-["half"]')  # attachments that never come
            link.text()
            link.reset()
        else:
            link.say(f"43{link.number + 1}[]")
            left(link)

    replies: Replies = []
    with Server(script) as server:
        heard = made(server).until_open()
        heard.connection.on_event = print
        with pytest.raises(RuntimeError, match="open already"):
            heard.connection.open()
        heard.connection.emit("x", ack=replies.append)
        until(lambda: heard.connection._attached is not None)
        heard.connection.emit("end")
        assert heard.until_closed()[0] == Reason.RESET
        heard.until_open()
        assert heard.connection.eio_sid == "engine 1"
        heard.connection.emit("x", ack=replies.append)
        until(lambda: len(replies) == 2)
        leave(heard)
    assert replies == [None, b"[]"]


@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
def test_transport_has_to_be_a_known_one(transport: str) -> None:
    endpoint = Endpoint("http://127.0.0.1/")
    SocketIOConnection(endpoint, transport=transport)
    with pytest.raises(ValueError, match="transport is one of websocket, polling, upgrade"):
        SocketIOConnection(endpoint, transport=transport.upper())
    assert json.loads(open_packet()[1:])["sid"] == "sid"
