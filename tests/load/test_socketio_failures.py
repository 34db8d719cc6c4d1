"""What a server does wrong with Engine.IO and Socket.IO ends the session with its reason."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Reason
from tests.load.peers import Heard, Hub, Link, Server, open_packet, until
from tests.waiting import EXPIRES, SOON

pytestmark = pytest.mark.usefixtures("hub")
DEEP = "[" * 100_000


def made(server: Server, **options: Any) -> Heard:
    """A connection that is not begun."""
    return Heard(SocketIOConnection(Endpoint(server.url, **options)))


OPENINGS = {
    "no-json": "0{",
    "a-list": "0[]",
    "deep": "0" + '{"sid":' * 100_000,
    "no-sid": '0{"pingInterval":1,"pingTimeout":1}',
    "sid-of-nothing": '0{"sid":"","pingInterval":1,"pingTimeout":1}',
    "sid-a-number": '0{"sid":7,"pingInterval":1,"pingTimeout":1}',
    "no-interval": '0{"sid":"x"}',
    "interval-nan": open_packet().replace("25000", "NaN"),
    "interval-endless": open_packet(pingInterval=10**400),
    "interval-long-number": open_packet().replace("25000", "9" * 5000),
    "interval-0": open_packet(pingInterval=0),
    "interval-text": open_packet(pingTimeout="20"),
    "two": open_packet(),
    "unknown-packet": "7",
    "empty": "",
    "old-protocol": '40{"sid"',
}


@pytest.mark.parametrize("name", OPENINGS)
def test_open_packet_that_is_none_is_a_bad_packet(name: str) -> None:
    def script(link: Link) -> None:
        link.shake()
        if name == "two":
            link.say(open_packet())
        link.say(OPENINGS[name])
        link.expect_close()

    with Server(script) as server:
        heard = made(server).open()
        assert heard.until_closed()[0] == Reason.BAD_PACKET
    assert heard.opened == 0


PACKETS = {
    "no-type": ["4"],
    "type-7": ["47"],
    "type-letter": ["4x"],
    "engine-8": ["8"],
    "binary-unannounced": [b"octets"],
    "event-no-list": ["42"],
    "event-an-object": ['42{"a":1}'],
    "event-not-ended": ['42["x"'],
    "event-empty": ["42[]"],
    "event-deep": ["42" + DEEP + "]"],
    "event-deep-and-whole": ["42" + DEEP + "]" * 100_000],
    "event-deep-argument": ['42["x",' + DEEP + "]" * 100_001],
    "event-ack-no-number": ['42-1["x"]'],
    "event-ack-long-number": ["42" + "9" * 5000 + '["x"]'],
    "event-namespace-endless": ['42/chat["x"]'],
    "connect-no-json": ["40{"],
    "connect-no-sid": ["40"],
    "connect-deep": ["40/x," + DEEP],
    "attachments-no-number": ['45["x"]'],
    "attachments-negative": ['45--1["x"]'],
    "attachments-too-many": ['45999999-["x"]'],
    "attachments-long-number": ["45" + "9" * 5000 + '-["x"]'],
    "attachments-text-between": ['451-["x",{"_placeholder":true,"num":0}]', '42["x"]'],
    "attachments-ack-between": ['451-["x",{"_placeholder":true,"num":0}]', "431[]"],
    "attachments-rare-between": ['451-["x",{"_placeholder":true,"num":0}]', "40/x,{}"],
    "attachments-no-placeholder": ['451-["x",{"_placeholder":true,"num":1}]', b""],
    "attachments-one-more": ['451-["x",{"_placeholder":true,"num":0}]', b"", b""],
    "attachments-deep": ['451-["x",' + DEEP, b""],
    "attachments-long-ack": ["451-" + "9" * 5000 + '["x",{"_placeholder":true,"num":0}]', b""],
    "binary-ack-no-id": ['461-["x",{"_placeholder":true,"num":0}]', b""],
    "binary-ack-deep": ["461-1" + DEEP, b""],
}
ACKS = {
    "ack-no-number": "43[]",
    "ack-no-list": "431",
    "ack-no-list-either": "4312",
    "ack-nothing": "43",
    "ack-letters": "43x[]",
    "ack-long-number": "43" + "9" * 5000 + "[]",
    "ack-namespace-endless": "43/chat[]",
    "ack-object": '431{"a":[]}',
}


def after(packets: list[str | bytes], **options: Any) -> Reason:
    """Why a session ended that was sent these packets once it was open."""
    opened = threading.Event()

    def script(link: Link) -> None:
        link.admit()
        assert opened.wait(SOON)
        link.say(*packets)
        link.say('42["x"]', '42["fence"]')
        link.expect_close()

    with Server(script) as server:
        heard = made(server, **options)
        heard.connection.on("x", lambda *_: None)
        heard.connection.on_event = lambda *_: None
        heard.until_open()
        heard.connection.emit("asks", ack=lambda _: None)
        opened.set()
        until(lambda: heard.closed or (b'42["fence"]', False) in heard.messages)
        if not heard.closed:
            heard.connection.close()
        return heard.until_closed()[0]


@pytest.mark.parametrize("name", PACKETS)
def test_packet_that_is_none_is_a_bad_packet(name: str) -> None:
    assert after(PACKETS[name]) == Reason.BAD_PACKET  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ACKS)
def test_acknowledgement_that_is_none_is_a_bad_packet(name: str, hub: Hub) -> None:
    reason, errors = after([ACKS[name]]), list(hub.errors)
    hub.errors.clear()
    assert errors == []
    assert reason == Reason.BAD_PACKET


def test_attachments_that_grow_beyond_a_message_end_the_session() -> None:
    head = '453-["x",{"_placeholder":true,"num":0}]'
    assert after([head, *[bytes(600)] * 3], max_message=1500) == Reason.BAD_PACKET


@pytest.mark.parametrize("head", ['42["x",', "431["])
def test_deep_json_is_a_bad_packet_though_nobody_asks_for_it(head: str) -> None:
    def script(link: Link) -> None:
        link.admit()
        link.text()
        link.say(head + DEEP + "]" * 100_001, '42["fence"]')
        link.expect_close()

    replies: list[Any] = []
    with Server(script) as server:
        heard = made(server).until_open()
        heard.connection.emit("asks", ack=replies.append)
        assert heard.until_closed()[0] == Reason.BAD_PACKET
    assert heard.messages == []
    assert replies == [None]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ([], f"no Engine.IO OPEN packet within {EXPIRES:g} s"),
        ([open_packet()], "no answer to CONNECT"),
    ],
)
def test_session_that_does_not_open_is_not_waited_for(said: list[str], text: str) -> None:
    def script(link: Link) -> None:
        link.shake()
        link.say(*said)
        link.expect_close()

    with Server(script) as server:
        heard = made(server, connect_limit=EXPIRES).open()
        reason, found = heard.until_closed()
    assert reason == Reason.CONNECT_TIMEOUT
    assert text in found


def test_heartbeat_that_stays_away_ends_the_session() -> None:
    def script(link: Link) -> None:
        link.admit(pingInterval=1500, pingTimeout=500)
        link.say("2")
        assert "3" in (link.text(), link.text())  # the event may leave before the PING is read
        link.say('42["no heartbeat"]')
        link.expect_close()

    replies: list[Any] = []
    with Server(script) as server:
        heard = made(server).until_open()
        heard.connection.emit("never answered", ack=replies.append)
        reason, text = heard.until_closed()
    assert (reason, text) == (Reason.PING_TIMEOUT, "no PING packet within 2 s")
    assert replies == [None]
    assert (b'42["no heartbeat"]', False) in heard.messages


def test_heartbeats_that_come_keep_the_session() -> None:
    def script(link: Link) -> None:
        link.admit(pingInterval=1000, pingTimeout=1000)
        for number in range(6):  # longer than the limit
            assert not stop.wait(0.5)
            link.say("2")
            assert link.text() == "3"
            link.say(f'42["{number}"]')
        link.expect_close()

    stop = threading.Event()
    with Server(script) as server:
        heard = made(server).until_open()
        until(lambda: (b'42["5"]', False) in heard.messages or heard.closed)
        assert heard.closed == []
        heard.connection.close()
        heard.until_closed()


def test_server_that_does_not_read_gets_no_more_than_the_limit() -> None:
    resume = threading.Event()
    got: list[Any] = []

    def script(link: Link) -> None:
        link.admit()
        assert resume.wait(SOON)
        while (text := link.text()) != "41":
            got.append(text)
            got.extend(link.frame().payload for _ in range(text.startswith("451-")))
        link.close()

    sent: list[Any] = []
    with Server(script, receive_buffer=8192) as server:
        heard = made(server, max_buffered=100_000).until_open()
        connection = heard.connection
        before = traffic.back_pressured
        body = "x" * 20_000
        while connection.emit("x", len(sent), body):
            sent.append(f'42["x",{len(sent)},"{body}"]')
            assert len(sent) < 5000
        assert connection.congested
        assert not connection.emit("x", b"octets", ack=print)
        assert not connection.emit("x", ack=print)
        assert connection.outstanding == 0
        assert connection.buffered < 100_000 + 21_000
        assert traffic.back_pressured > before
        resume.set()
        until(lambda: not connection.congested)
        assert connection.emit("x", b"afterwards")
        sent += ['451-["x",{"_placeholder":true,"num":0}]', b"afterwards"]
        until(lambda: connection.buffered == 0)
        connection.close()
        heard.until_closed()
    assert got == sent
