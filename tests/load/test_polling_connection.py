"""A Socket.IO connection over long-polling, and how that becomes a WebSocket."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.load.socketio.polling import MAX_PACKETS
from sockproof.load.traffic import traffic
from sockproof.shelves import shelf
from sockproof.targets.certificates import Certificates
from sockproof.targets.launch import RunningTarget, launch
from sockproof.targets.spec import load_targets
from sockproof.wire.http import Request
from tests.load.peers import Heard, Link, Server, relay, until
from tests.load.polling_peer import SEPARATOR, PollingServer, heard_text, leave, until_answered
from tests.waiting import SOON

pytestmark = pytest.mark.usefixtures("hub")


def came_or_closed(heard: Heard, messages: int) -> bool:
    return len(heard.messages) == messages or bool(heard.closed)


def test_packets_are_posted_and_polled() -> None:
    with PollingServer(sid="über &1") as server:
        server.headers = ("Set-Cookie: node=3; Path=/", "X-More: 1")
        heard = server.connection(headers=[("Cookie", "own=1"), ("X-Token", "abc")])
        heard.until_open()
        connection = heard.connection
        assert connection.transport_now == "polling"
        events: list[Any] = []
        connection.on_event = lambda *told: events.append(told)
        assert connection.emit("grüße", 1)
        assert connection.emit("octets", b"\x00\xff")
        server.outgoing.put(SEPARATOR.join([b'42["a"]', b"2", '42["ü"]'.encode()]))
        server.outgoing.put(b'451-["b",{"_placeholder":true,"num":0}]\x1eb' + b"/wA=")
        until(lambda: len(events) == 3)
        until(lambda: len(server.packets) == 5)
        leave(heard)
    assert events == [("a", [], "/"), ("ü", [], "/"), ("b", [b"\xff\x00"], "/")]
    encoded = b"b" + base64.b64encode(b"\x00\xff")
    octets = b'451-["octets",{"_placeholder":true,"num":0}]'
    wanted = [b"40", '42["grüße",1]'.encode(), octets, encoded, b"3", b"41", b"1"]
    assert server.packets == wanted
    first, *later = server.requests
    assert first.target == "/socket.io/?EIO=4&transport=polling"
    assert first.get("Cookie") == "own=1"
    for request in later:
        assert request.target == f"{first.target}&sid=%C3%BCber%20%261"
        assert request.get("Cookie") == "own=1; node=3"
        assert request.get("X-Token") == "abc"
        if request.method == "POST":
            assert request.get("Content-Type") == "text/plain;charset=UTF-8"


def test_what_waits_for_a_post_leaves_in_order_and_in_portions() -> None:
    with PollingServer(maxPayload=1000) as server:
        heard = server.connection(close_limit=SOON).until_open()
        sent = [f'42["x",{number},"{"y" * (number % 300)}"]'.encode() for number in range(120)]
        for packet in sent:
            assert heard.connection.emit_stamped((packet[2:], b"", b""))
        leave(heard)
    assert server.packets == [b"40", *sent, b"41", b"1"]
    portions = server.posted[2:-1]
    assert all(1 <= body.count(SEPARATOR) + 1 <= MAX_PACKETS for body in portions)
    assert all(len(body) <= 1000 for body in portions)
    assert len(portions) < 60


@pytest.mark.parametrize("tls", [False, True])
def test_each_request_may_have_its_own_stream(tls: bool, certificates: Certificates) -> None:
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.chain, certificates.key)
    with PollingServer(context=context) as server:
        server.headers = ("Connection: close",)
        heard = server.connection(ca=certificates.ca).until_open()
        for number in range(5):
            until_answered(heard)  # else two leave in one POST
            assert heard.connection.emit("x", number)
            server.outgoing.put(b'42["y",%d]' % number)
            until(partial(came_or_closed, heard, number + 1))
        leave(heard)
        assert len(server.links) > 10
    assert heard_text(heard) == [b'42["y",%d]' % number for number in range(5)]


def test_stream_that_ended_between_requests_is_opened_again() -> None:
    with PollingServer() as server:
        heard = server.connection().until_open()
        assert heard.connection.emit("first")
        until(lambda: b'42["first"]' in server.packets)
        dropped: list[bytes] = []

        def on_post(link: Link, request: Request) -> None:
            if not dropped:
                dropped.append(request.body)
                raise ConnectionError

        server.on_post = on_post
        assert heard.connection.emit("again")
        until(lambda: b'42["again"]' in server.packets)
        leave(heard)
    assert dropped == [b'42["again"]']


def test_posts_that_are_not_answered_hold_sends_back() -> None:
    resume = threading.Event()

    def on_post(link: Link, request: Request) -> None:
        if b"42" in request.body:
            assert resume.wait(SOON)

    with PollingServer(maxPayload=4000) as server:
        server.on_post = on_post
        heard = server.connection(max_buffered=10_000).until_open()
        before = traffic.back_pressured
        sent: list[bytes] = []
        while heard.connection.emit("x", len(sent), "y" * 500):
            sent.append(b'42["x",%d,"%s"]' % (len(sent), b"y" * 500))
            assert len(sent) < 100
        assert heard.connection.congested
        assert not heard.connection.emit("x", b"octets", ack=print)
        assert heard.connection.outstanding == 0
        assert 10_000 <= heard.connection.buffered < 10_000 + 600
        assert traffic.back_pressured == before + 2
        resume.set()
        until(lambda: not heard.connection.congested)
        leave(heard)
    assert server.packets[1:-2] == sent


@pytest.fixture(scope="module")
def target() -> Iterator[RunningTarget]:
    """python-socketio's own server."""
    with launch(load_targets(shelf("targets"))["python-socketio-uvicorn"]) as running:
        yield running


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("transport", ["websocket", "polling", "upgrade"])
def test_real_server_is_spoken_to(
    transport: str, tls: bool, target: RunningTarget, certificates: Certificates
) -> None:
    if not tls:
        speak(Endpoint(target.url), transport)
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    with Server(relay(target.port), context=context) as server:
        url = f"https://localhost:{server.port}/"
        speak(Endpoint(url, ca=certificates.ca), transport)


def speak(endpoint: Endpoint, transport: str) -> None:
    """Events, attachments and a refused namespace."""
    connection = SocketIOConnection(endpoint, transport=transport, auth={"token": "x"})
    heard = Heard(connection)
    back: list[Any] = []
    replies: list[Any] = []
    refused: list[Any] = []
    upgraded: list[bool] = []
    connection.on("message-back", lambda *args: back.append(list(args)))
    connection.on_namespace = lambda *told: refused.append(told)
    connection.on_upgrade = lambda: upgraded.append(True)
    heard.until_open()
    values: list[list[Any]] = [[each, "ü" * each, {"k": b"\xff" * each}] for each in range(40)]
    for value in values:
        assert connection.emit("message", *value)
        assert connection.emit("message-with-ack", *value, ack=replies.append)
    connection.join_namespace("/nowhere")
    until(lambda: len(back) == len(replies) == 40 and refused)
    if transport == "upgrade":
        until(lambda: upgraded)
        connection.emit("message", "upgraded")
        until(lambda: back[-1] == ["upgraded"])
    assert back[:40] == replies == values
    assert refused == [("/nowhere", None)]
    assert connection.transport_now == ("polling" if transport == "polling" else "websocket")
    leave(heard)
