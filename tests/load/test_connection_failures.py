"""Every way in which a connection fails: its reason, told once, with nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from collections.abc import Callable

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.runs.load_records import Reason
from sockproof.targets.launch import free_port
from sockproof.wire.deflate import Compressor
from sockproof.wire.websocket import Frame, Opcode, close_payload
from tests.load.peers import DEFLATE, Heard, Link, Server, connected, message, until
from tests.waiting import EXPIRES, SOON

pytestmark = pytest.mark.usefixtures("hub")
MOST = 4096  # octets in a message


def tried(url: str, **options: object) -> tuple[Reason, str]:
    """Why a connection that is not to open did not."""
    heard = Heard(WebSocketConnection(Endpoint(url, **options))).open()  # type: ignore[arg-type]
    found = heard.until_closed()
    assert heard.opened == 0
    assert heard.connection.buffered == 0
    assert not heard.connection.send_text(b"into nothing")
    return found


def framed(*frames: Frame) -> bytes:
    return b"".join(frame.encode() for frame in frames)


def cont(payload: bytes, fin: bool = True) -> Frame:
    return Frame(Opcode.CONT, payload, fin=fin)


BEGUN = Frame(Opcode.TEXT, b"a", fin=False)
HUGE = b"\x82\x7f" + (1 << 63).to_bytes(8, "big")
VIOLATIONS = {
    "masked": (Frame(1, b"x", mask_key=b"key!").encode(), 1002, "masked"),
    "masked-empty": (b"\x81\x80key!", 1002, "masked"),
    "masked-long": (Frame(2, b"x" * 300, mask_key=b"key!").encode(), 1002, "masked"),
    "rsv1-without-deflate": (Frame(1, b"x", rsv=4).encode(), 1002, "reserved bits"),
    "rsv2": (Frame(2, b"x", rsv=2).encode(), 1002, "reserved bits"),
    "rsv3-in-ping": (Frame(9, b"x", rsv=1).encode(), 1002, "reserved bits"),
    "opcode-3": (Frame(3, b"x").encode(), 1002, "reserved opcode 0x3"),
    "opcode-f": (Frame(15, b"").encode(), 1002, "reserved opcode 0xF"),
    "continues-nothing": (framed(cont(b"x")), 1002, "continues no message"),
    "begins-inside": (framed(BEGUN, Frame(1, b"x")), 1002, "starts inside"),
    "ping-in-fragments": (Frame(9, b"x", fin=False).encode(), 1002, "is fragmented"),
    "ping-too-long": (Frame(9, b"x" * 126).encode(), 1002, "has 126 octets"),
    "close-code-1005": (Frame(8, close_payload(1005)).encode(), 1002, "the code 1005"),
    "close-code-999": (Frame(8, close_payload(999)).encode(), 1002, "the code 999"),
    "close-of-one-octet": (Frame(8, b"x").encode(), 1002, "1 octet"),
    "close-not-utf8": (Frame(8, close_payload(1000, b"\xff")).encode(), 1002, "not UTF-8"),
    "text-not-utf8": (Frame(1, b"\xc3\x28").encode(), 1007, "not UTF-8"),
    "text-cut-off": (Frame(1, b"\xe2\x82").encode(), 1007, "not UTF-8"),
    "surrogate": (Frame(1, b"\xed\xa0\x80").encode(), 1007, "not UTF-8"),
    "fragments-not-utf8": (framed(BEGUN, cont(b"\xff")), 1007, "not UTF-8"),
    "two-to-the-63": (HUGE, 1009, "announces 9223372036854775808 octets"),
    "one-too-many": (b"\x82\x7e" + (MOST + 1).to_bytes(2, "big"), 1009, "announces 4097"),
    "fragments-too-many": (
        framed(Frame(2, b"x" * MOST, fin=False), cont(b"", fin=False), cont(b"x", fin=False)),
        1009,
        "fragmented message",
    ),
}


@pytest.mark.parametrize("chop", [False, True], ids=["whole", "chopped"])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_frame_that_is_not_allowed_ends_the_connection(name: str, chop: bool) -> None:
    octets, code, said = VIOLATIONS[name]
    codes = []

    def script(link: Link) -> None:
        link.shake()
        link.say("before")
        with contextlib.suppress(ConnectionError):  # it may be known before the last octet
            link.send(octets, chop)
        codes.append(link.expect_close())
        link.until_gone()

    with Server(script) as server:
        heard = connected(server, max_message=MOST)
        reason, text = heard.until_closed()
    assert reason == (Reason.TOO_BIG if code == 1009 else Reason.PROTOCOL)
    assert said in text
    assert codes == [code]
    assert heard.messages == [(b"before", False)]


def test_what_is_behind_a_violation_is_not_heard() -> None:
    def script(link: Link) -> None:
        link.shake()
        link.send(Frame(3, b"x").encode() + message("behind"))
        link.until_gone()

    with Server(script) as server:
        heard = connected(server)
        assert heard.until_closed()[0] == Reason.PROTOCOL
    assert heard.messages == []


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (Compressor().compress(bytes(50 * MOST)), 1009, Reason.TOO_BIG),
        (b"\xff\xff\xff", 1007, Reason.PROTOCOL),
        (Compressor().compress(b"\xff\xfe"), 1007, Reason.PROTOCOL),
        (Compressor().compress(b"cut off in the middle of it")[:-4], 1007, Reason.PROTOCOL),
    ],
    ids=["bomb", "corrupt", "not-utf8", "cut-off"],
)
def test_compressed_message_that_is_none_ends_the_connection(
    payload: bytes, code: int, reason: Reason
) -> None:
    codes = []

    def script(link: Link) -> None:
        link.shake(DEFLATE)
        link.send(Frame(Opcode.TEXT, payload, rsv=4).encode())
        codes.append(link.expect_close())

    with Server(script) as server:
        heard = connected(server, deflate=True, max_message=MOST)
        assert heard.until_closed()[0] == reason
    assert codes == [code]
    assert heard.messages == []


OK = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
ANSWERS = {
    "404": (b"HTTP/1.1 404 Not Found\r\n\r\nno  such\nroom", Reason.HTTP_STATUS, "'no such room'"),
    "503-without-reason": (b"HTTP/1.1 503 \r\n\r\n", Reason.HTTP_STATUS, "answered 503"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", Reason.HTTP_STATUS, "302 Found"),
    "wrong-accept": (
        f"{OK}Sec-WebSocket-Accept: AAAA\r\n\r\n".encode(),
        Reason.BAD_HANDSHAKE,
        "Sec-WebSocket-Accept is 'AAAA'",
    ),
    "no-accept": (f"{OK}\r\n".encode(), Reason.BAD_HANDSHAKE, "Sec-WebSocket-Accept is None"),
    "no-upgrade": (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
        Reason.BAD_HANDSHAKE,
        "Upgrade is None",
    ),
    "no-connection": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        Reason.BAD_HANDSHAKE,
        "Connection is None",
    ),
    "no-http": (b"220 mail.example ESMTP\r\n\r\n", Reason.BAD_HANDSHAKE, "not an HTTP status line"),
    "octets": (bytes(range(256)) + b"\n\n", Reason.BAD_HANDSHAKE, "not an HTTP status line"),
    "nothing": (b"", Reason.BAD_HANDSHAKE, "instead of answering"),
    "half": (OK.encode(), Reason.BAD_HANDSHAKE, "instead of answering"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_opening_handshake_answered_with_no_has_its_reason(name: str) -> None:
    octets, wanted, said = ANSWERS[name]

    def script(link: Link) -> None:
        link.request()
        link.send(octets)

    with Server(script) as server:
        reason, text = tried(server.url)
    assert (reason, said in text) == (wanted, True), text


@pytest.mark.parametrize(
    "line",
    [
        "Sec-WebSocket-Protocol: unasked",
        "Sec-WebSocket-Extensions: permessage-deflate",
        "Sec-WebSocket-Extensions: unheard-of",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=77",
        "Sec-WebSocket-Extensions: ,;=",
    ],
)
@pytest.mark.parametrize("deflate", [False, True])
def test_answer_with_what_was_not_offered_is_refused(line: str, deflate: bool) -> None:
    if deflate and line == DEFLATE:
        line += ", permessage-deflate"  # once is what was offered

    def script(link: Link) -> None:
        link.shake(line, behind=message("never heard"))
        link.until_gone()

    with Server(script) as server:
        reason, text = tried(server.url, deflate=deflate, protocols=["asked"])
    assert reason == Reason.BAD_HANDSHAKE, text


@pytest.mark.parametrize(
    "piece",
    [b"X-Header: value\r\n", b"x" * 1000, b"\r\n"],
    ids=["lines", "one-line", "no-octet-of-sense"],
)
def test_answer_without_an_end_is_read_no_further_than_64_kib(piece: bytes) -> None:
    sent = 0

    def script(link: Link) -> None:
        nonlocal sent
        link.request()
        link.send(b"HTTP/1.1 101 Switching Protocols\r\nX-Endless: ")
        while sent < 64 << 20:
            try:
                link.send(piece * 50)
            except ConnectionError:
                return
            sent += len(piece) * 50

    with Server(script) as server:
        assert tried(server.url)[0] == Reason.BAD_HANDSHAKE
    assert sent < 16 << 20  # what fits into the sockets' buffers


def ended(link: Link) -> None:
    link.socket.shutdown(socket.SHUT_WR)
    link.until_gone()


def said_close(link: Link) -> None:
    link.send(Frame(Opcode.CLOSE, b"").encode())
    link.until_gone()


def said_close_and_reset(link: Link) -> None:
    link.send(Frame(Opcode.CLOSE, close_payload(1001)).encode())
    link.frame()
    link.reset()


@pytest.mark.parametrize(
    ("end", "reason", "said"),
    [
        (ended, Reason.SERVER_DROPPED, "without a Close frame"),
        (Link.reset, Reason.RESET, "reset by peer"),
        (said_close, Reason.SERVER_CLOSED, "closed without a code"),
        (said_close_and_reset, Reason.SERVER_CLOSED, "closed with 1001"),
    ],
)
def test_end_by_the_server_has_its_reason(
    end: Callable[[Link], None], reason: Reason, said: str
) -> None:
    def script(link: Link) -> None:
        link.shake()
        link.frame()
        end(link)

    with Server(script) as server:
        heard = connected(server)
        heard.connection.send_text(b"end it")
        found, text = heard.until_closed()
    assert (found, said in text) == (reason, True), text


def test_stream_that_ends_inside_a_frame_is_dropped() -> None:
    def script(link: Link) -> None:
        link.shake(behind=message("whole") + message("x" * 500)[:200])

    with Server(script) as server:
        heard = connected(server)
        assert heard.until_closed()[0] == Reason.SERVER_DROPPED
    assert heard.messages == [(b"whole", False)]


def test_reset_in_the_handshake_is_a_reset() -> None:
    def script(link: Link) -> None:
        link.request()
        link.reset()

    with Server(script) as server:
        assert tried(server.url)[0] == Reason.RESET


def test_port_where_nobody_listens_is_refused() -> None:
    port = free_port()
    found = tried(f"ws://127.0.0.1:{port}/")
    assert found == (Reason.REFUSED, f"nothing listens on 127.0.0.1 port {port}")


@pytest.mark.parametrize(
    ("scheme", "said"), [("ws", "no answer to the opening"), ("wss", "the TLS handshake did not")]
)
def test_server_that_says_nothing_is_not_waited_for_longer_than_the_limit(
    scheme: str, said: str
) -> None:
    with Server(Link.until_gone) as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        reason, text = tried(url, connect_limit=EXPIRES)
    assert (reason, said in text) == (Reason.CONNECT_TIMEOUT, True), text


def test_server_that_takes_no_connection_is_not_waited_for_longer_than_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(4):  # until the queue is full
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        assert tried(url, connect_limit=0.2) == (
            Reason.CONNECT_TIMEOUT,
            "no TCP connection within 0.2 s",
        )
        for each in waiting:
            each.close()


def test_close_that_is_not_answered_ends_after_its_limit() -> None:
    def script(link: Link) -> None:
        link.shake()
        link.until_gone()

    with Server(script) as server:
        heard = connected(server, close_limit=0.2)
        heard.connection.close()
        assert heard.until_closed() == (Reason.CLIENT, "closed by us")


def test_close_while_the_server_does_not_read_ends_after_its_limit() -> None:
    resume = threading.Event()

    def script(link: Link) -> None:
        link.shake()
        assert resume.wait(SOON)
        link.until_gone()

    with Server(script, receive_buffer=4096) as server:
        heard = connected(server, close_limit=0.2, max_buffered=10_000)
        while heard.connection.send_binary(bytes(50_000)):
            pass
        heard.connection.close()
        assert heard.until_closed()[0] == Reason.CLIENT
        resume.set()


@pytest.mark.parametrize("way", ["close", "abort"])
@pytest.mark.parametrize("when", ["at-once", "in-the-handshake"])
def test_close_before_it_is_open_is_told_once_and_later(way: str, when: str) -> None:
    asked = threading.Event()

    def script(link: Link) -> None:
        if link.request() is not None:
            asked.set()
        link.until_gone()

    with Server(script) as server:
        heard = Heard(WebSocketConnection(Endpoint(server.url))).open()
        if when == "in-the-handshake":
            until(asked.is_set)
        getattr(heard.connection, way)()
        assert heard.closed == []  # not from within the call
        getattr(heard.connection, way)()
        assert heard.until_closed()[0] == Reason.CLIENT
    assert heard.opened == 0


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM])
def test_machine_without_another_socket_is_its_own_reason(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> socket.socket:
        raise OSError(number, "none left")

    monkeypatch.setattr("sockproof.load.net.stream._Socket", none_left)
    reason, text = tried("ws://127.0.0.1:9/")
    assert (reason, "opening a socket" in text) == (Reason.OWN_LIMIT, True), text
