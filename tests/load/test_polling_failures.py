"""What a server does wrong with long-polling ends the session with its reason."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.load.socketio.polling import MAX_COOKIES, MAX_PACKETS_READ, PollingTransport
from sockproof.load.socketio.session import MAX_VALUES, parsed
from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Reason
from sockproof.wire import WireError
from sockproof.wire.http import Request, Response
from tests.load.peers import Heard, Link, Server, open_packet, until
from tests.load.polling_peer import PollingServer
from tests.waiting import EXPIRES

pytestmark = pytest.mark.usefixtures("hub")
MOST = 3000  # octets in a message


def answered(octets: bytes, **options: Any) -> tuple[Reason, str]:
    """Why a session ended whose first request was answered so; the stream is closed behind it."""

    def script(link: Link) -> None:
        link.request()
        link.send(octets)
        if not ends:
            link.until_gone()

    ends = b"Content-Length" not in octets and b"chunked" not in octets
    with Server(script) as server:
        endpoint = Endpoint(server.url.replace("ws", "http"), max_message=MOST, **options)
        heard = Heard(SocketIOConnection(endpoint, transport="polling")).open()
        found = heard.until_closed()
        assert heard.opened == 0
        return found


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "nothing": (b"", Reason.SERVER_DROPPED, "instead of answering"),
    "half-a-head": (OK, Reason.SERVER_DROPPED, "instead of answering"),
    # The limit of the request, or that of the session: they begin at once.
    "half-a-body": (
        OK + b"Content-Length: 9\r\n\r\nhalf",
        Reason.CONNECT_TIMEOUT,
        f"within {EXPIRES:g} s",
    ),
    "status": (
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot here",
        Reason.HTTP_STATUS,
        "a GET was answered with 403 Forbidden: 'not here'",
    ),
    "status-without-length": (
        b"HTTP/1.1 500 Oh\r\n\r\nsorry",
        Reason.HTTP_STATUS,
        "answered with 500 Oh: 'sorry'",
    ),
    "no-http": (b"SSH-2.0-x\r\n\r\n", Reason.PROTOCOL, "not an HTTP status line"),
    "two-lengths": (
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n1",
        Reason.PROTOCOL,
        "Content-Length",
    ),
    "bad-chunk": (CHUNKED + b"xyz\r\n", Reason.PROTOCOL, "chunk size"),
    "bad-chunk-end": (CHUNKED + b"1\r\nabc\r\n", Reason.PROTOCOL, "chunk is longer"),
    "too-long": (
        OK + b"Content-Length: 900000\r\n\r\n" + bytes(100_000),
        Reason.TOO_BIG,
        "the body is longer",
    ),
    "too-many-chunks": (CHUNKED + b"fff\r\n" + bytes(80_000), Reason.PROTOCOL, "chunk"),
    "not-utf8": (OK + b"\r\n0\xff", Reason.BAD_PACKET, "not UTF-8"),
    "no-base64": (OK + b"\r\nb!!!!", Reason.BAD_PACKET, "base64"),
    "empty": (OK + b"Content-Length: 0\r\n\r\n", Reason.BAD_PACKET, "no Engine.IO OPEN packet"),
    "endless-interim": (
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
        Reason.PROTOCOL,
        "more than 100 interim responses",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_that_is_none_ends_the_session(name: str) -> None:
    octets, wanted, said = ANSWERS[name]
    limit = {"connect_limit": EXPIRES} if wanted == Reason.CONNECT_TIMEOUT else {}
    reason, text = answered(octets, **limit)
    assert (reason, said in text) == (wanted, True), text


def test_head_without_an_end_is_read_no_further_than_64_kib() -> None:
    reason, text = answered(OK + b"X-Endless: Content-Length" + b"x" * 100_000)
    assert reason == Reason.TOO_BIG, text


@pytest.mark.parametrize("chop", [False, True])
def test_answer_is_read_however_it_comes(chop: bool) -> None:
    def script(link: Link) -> None:
        link.request()
        body = open_packet(sid="chopped").encode()
        chunks = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:]))
        head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        link.send(head + CHUNKED + chunks + b"0\r\nTrailer: x\r\n\r\n", chop)
        assert link.request() is not None
        link.send(b'HTTP/1.0 200 OK\r\n\r\n40{"sid":"first"}')  # until the stream's end

    def rest(link: Link) -> None:
        while (request := link.request()) is not None:
            if request.method == "POST":
                posted.append(request.body)
                link.respond(b"ok")
            else:
                until_closed.append(link)
                link.until_gone()

    posted: list[bytes] = []
    until_closed: list[Link] = []
    with Server(lambda link: script(link) if link.number == 0 else rest(link)) as server:
        endpoint = Endpoint(server.url.replace("ws", "http"))
        heard = Heard(SocketIOConnection(endpoint, transport="polling")).until_open()
        assert heard.connection.eio_sid == "chopped"
        until(lambda: until_closed)
        heard.connection.close()
        heard.until_closed()
    assert posted[0] == b"40"
    assert b"\x1e".join(posted[1:]).split(b"\x1e") == [b"41", b"1"]


ENDS = {
    "post-refused": (("POST", "400 Bad Request"), Reason.HTTP_STATUS, "a POST was answered with"),
    "get-refused": (("GET", "502 Bad Gateway"), Reason.HTTP_STATUS, "a GET was answered with 502"),
    "get-dropped": (("GET", "drop"), Reason.SERVER_DROPPED, "instead of answering"),
    "get-reset": (("GET", "reset"), Reason.RESET, "reset"),
    "get-half": (("GET", "half"), Reason.SERVER_DROPPED, "instead of answering"),
    "post-unanswered": (("POST", "stall"), Reason.CONNECT_TIMEOUT, "no answer to a POST"),
    "close-packet": (("GET", "1"), Reason.SERVER_CLOSED, "CLOSE packet"),
    "disconnect": (("GET", "41"), Reason.SERVER_DISCONNECTED, "disconnected /"),
    "garbage": (("GET", "garbage"), Reason.BAD_PACKET, "not an Engine.IO packet"),
}


@pytest.mark.parametrize("name", ENDS)
def test_session_that_the_server_ends_has_its_reason(name: str) -> None:
    (method, how), wanted, said = ENDS[name]
    begun: list[float] = []

    def hook(link: Link, request: Request) -> bool:
        if not begun or request.method != method or request.body in (b"1", b"41"):
            return False
        if how == "drop":
            raise ConnectionError
        if how == "half":
            link.send(OK + b"Content-Length: 5\r\n\r\n42")
            raise ConnectionError
        if how == "stall":
            link.until_gone()
            raise ConnectionError
        if how == "reset":
            link.reset()
            raise ConnectionError
        if " " in how:
            link.respond(b"why", how)
        elif request.method == "GET":
            begun.clear()
            link.respond(how.encode())
        return True

    replies: list[Any] = []
    with PollingServer() as server:
        server.on_get = server.on_post = hook
        heard = server.connection(connect_limit=EXPIRES).until_open()
        begun.append(time.monotonic())
        heard.connection.emit("x", ack=replies.append)
        server.outgoing.put(b'42["go on"]')  # the GET that hangs ends
        reason, text = heard.until_closed()
        assert (reason, said in text) == (wanted, True), text
    assert replies == [None]


def test_heartbeat_that_stays_away_ends_the_session() -> None:
    with PollingServer(pingInterval=1500, pingTimeout=500) as server:
        heard = server.connection().until_open()
        server.outgoing.put(b"2")
        until(lambda: b"3" in server.packets)
        found = heard.until_closed()
    assert found == (Reason.PING_TIMEOUT, "no PING packet within 2 s")


def test_octets_that_answer_nothing_end_their_stream_alone() -> None:
    with PollingServer() as server:
        heard = server.connection().until_open()
        until(lambda: server.answered == 1)
        (poster,) = [link for link in server.links if link.number == 1]
        poster.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        until(lambda: poster.socket.fileno() == -1)  # closed by both
        assert heard.connection.emit("afterwards")
        until(lambda: b'42["afterwards"]' in server.packets)
        assert heard.closed == []
        heard.connection.close()
        heard.until_closed()


@pytest.mark.parametrize("sid", ["a b", "a\r\nX-Injected: 1", "日本", "\ud800", "&EIO=3", "/../"])
def test_id_of_a_session_cannot_change_a_request(sid: str) -> None:
    with PollingServer(sid=sid) as server:
        heard = server.connection().until_open()
        heard.connection.close()
        heard.until_closed()
    assert {request.get("X-Injected") for request in server.requests} == {None}
    targets = {request.target.partition("&sid=")[2] for request in server.requests[1:]}
    assert len(targets) == 1
    assert not set("& /\r\n") & set(*targets)


def test_close_that_is_not_heard_ends_after_its_limit() -> None:
    def hook(link: Link, request: Request) -> bool:
        if b"41" in request.body:
            link.until_gone()
            raise ConnectionError
        return False

    with PollingServer() as server:
        server.on_post = hook
        heard = server.connection(close_limit=0.2).until_open()
        heard.connection.close()
        heard.connection.close()
        assert heard.until_closed()[0] == Reason.CLIENT


@pytest.mark.parametrize("way", ["close", "abort"])
def test_close_before_it_is_open_is_told_once(way: str) -> None:
    with Server(Link.until_gone) as server:
        endpoint = Endpoint(server.url.replace("ws", "http"))
        heard = Heard(SocketIOConnection(endpoint, transport="polling")).open()
        getattr(heard.connection, way)()
        assert heard.closed == []
        assert heard.until_closed()[0] == Reason.CLIENT
        heard.open()
        getattr(heard.connection, way)()
        assert heard.until_closed()[0] == Reason.CLIENT


def test_cookies_are_kept_within_bounds_and_counted() -> None:
    endpoint = Endpoint("http://127.0.0.1:1/")
    transport = PollingTransport(endpoint)
    before = traffic.cookies_refused
    for number in range(200):
        fields = (("Set-Cookie", f"c{number}={'v' * 100}"), ("Set-Cookie", "c0=again"))
        transport._remember_cookies(Response(200, headers=fields))
    transport._remember_cookies(Response(200, headers=(("Set-Cookie", "long=" + "v" * 9000),)))
    assert transport.cookies().count("=") == MAX_COOKIES
    assert "c0=again" in transport.cookies()
    assert traffic.cookies_refused == before + 200 - MAX_COOKIES + 1


def test_body_of_very_many_packets_ends_the_session() -> None:
    ended: list[tuple[Reason, str]] = []
    transport = PollingTransport(Endpoint("http://127.0.0.1:1/"))
    transport.on_close = lambda reason, text: ended.append((reason, text))
    transport._polled(Response(200), b"\x1e".join([b"6"] * (MAX_PACKETS_READ + 1)))
    assert ended == [(Reason.TOO_BIG, f"a body holds {MAX_PACKETS_READ + 1} packets")]


def test_json_of_very_many_values_is_not_parsed() -> None:
    with pytest.raises(WireError, match="values"):
        parsed(b"[" + b"[]," * MAX_VALUES + b"1]", "an event")
    assert len(parsed(b"[" + b"1," * 10_000 + b"1]", "an event")) == 10_001


def test_what_all_connections_hold_together_is_bounded() -> None:
    before = traffic.held
    with Server(withholding) as server:
        endpoint = Endpoint(server.url)
        all_heard = [Heard(WebSocketConnection(endpoint)).open() for _ in range(4)]
        until(lambda: any(each.closed for each in all_heard))
        ended = next(each for each in all_heard if each.closed)
        assert ended.closed[0][0] == Reason.TOO_BIG
        assert "together" in ended.closed[0][1]
        for each in all_heard:
            each.connection.abort()
            each.until_closed()
    assert traffic.held == before


def withholding(link: Link) -> None:
    """Send six MiB of a frame of seven, and wait, unless the client has ended it by then."""
    link.shake()
    with contextlib.suppress(ConnectionError):
        link.send(b"\x82\x7f" + (7 << 20).to_bytes(8, "big") + bytes(6 << 20))
        link.until_gone()
