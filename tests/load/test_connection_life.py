"""How a connection closes and opens again, and how it holds back while the server does not read."""

from __future__ import annotations

import random
import socket
import ssl
import threading

import pytest

from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Reason
from sockproof.targets.certificates import Certificates
from sockproof.wire.deflate import Decompressor
from sockproof.wire.websocket import Frame, Opcode, close_payload
from tests.load.peers import (
    DEFLATE,
    Hub,
    Link,
    Server,
    connected,
    echo,
    leave,
    message,
    until,
)
from tests.waiting import SOON

pytestmark = pytest.mark.usefixtures("hub")
KIB = 1024


def test_close_says_its_code_and_reason_and_waits_for_the_answer() -> None:
    said = []

    def script(link: Link) -> None:
        link.shake()
        frame = link.frame()
        said.append(frame.payload)
        link.say("on its way already")
        link.send(Frame(Opcode.CLOSE, frame.payload).encode())

    with Server(script) as server:
        heard = connected(server)
        heard.connection.close(4001, "enough")
        assert not heard.connection.send_text(b"too late")
        heard.connection.close()
        assert heard.until_closed() == (Reason.CLIENT, "closed by us")
    assert said == [close_payload(4001, "enough")]
    assert heard.messages == [(b"on its way already", False)]


def test_close_of_the_server_is_answered_with_its_code() -> None:
    def script(link: Link) -> None:
        link.shake()
        link.send(Frame(Opcode.CLOSE, close_payload(4321, "for today")).encode())
        frame = link.frame()
        assert frame.payload == close_payload(4321)

    with Server(script) as server:
        heard = connected(server)
        assert heard.until_closed() == (
            Reason.SERVER_CLOSED,
            "the server closed with 4321 'for today'",
        )


@pytest.mark.parametrize("apart", [False, True])
def test_message_behind_a_close_frame_is_not_heard(apart: bool) -> None:
    def script(link: Link) -> None:
        link.shake()
        close = Frame(Opcode.CLOSE, close_payload(1000)).encode()
        link.send(close if apart else close + message("behind"))
        link.expect_close()  # so it has been read
        if apart:
            link.say("behind")

    with Server(script) as server:
        heard = connected(server)
        assert heard.until_closed()[0] == Reason.SERVER_CLOSED
    assert heard.messages == []


def test_connection_opens_again_and_again() -> None:
    with Server(echo) as server:
        heard = connected(server)
        with pytest.raises(RuntimeError, match="open already"):
            heard.connection.open()
        leave(heard)
        heard.until_open()
        assert heard.connection.send_text(b"second")
        assert heard.until_messages(1) == [(b"second", False)]
        heard.connection.abort()
        heard.until_closed()
        heard.until_open()
        leave(heard)
    assert len(heard.closed) == 3
    assert [each[0] for each in heard.closed] == [Reason.CLIENT] * 3


def test_connection_opens_again_from_within_its_close() -> None:
    def script(link: Link) -> None:
        if link.number == 0:
            link.shake()
            link.frame()
            link.send(message("old") + b"\x83\x00" + message("never looked at"))
            link.until_gone()
        else:
            echo(link)

    with Server(script) as server:
        heard = connected(server)

        def again(reason: Reason, text: str) -> None:
            heard.closed.append((reason, text))
            if len(heard.closed) == 1:
                heard.open()

        heard.connection.on_close = again
        heard.connection.send_text(b"go on")
        until(lambda: heard.opened == 2)
        heard.connection.send_text(b"new")
        assert heard.until_messages(2) == [(b"old", False), (b"new", False)]
        leave(heard)
    assert heard.closed[0][0] == Reason.PROTOCOL


def test_connection_cut_off_cannot_open_before_its_close_is_told() -> None:
    with Server(echo) as server:
        heard = connected(server)
        heard.connection.abort()
        with pytest.raises(RuntimeError, match="has not ended"):
            heard.connection.open()
        assert heard.until_closed() == (Reason.CLIENT, "cut off by us")
        heard.until_open()
        leave(heard)


def test_callback_that_fails_is_reported_and_the_next_message_comes(hub: Hub) -> None:
    with Server(echo) as server:
        heard = connected(server)
        kept = heard.connection.on_message

        def fails(data: bytes, is_binary: bool) -> None:
            kept(data, is_binary)
            raise LookupError("of the user's")

        heard.connection.on_message = fails
        before = traffic.callback_failures
        for word in (b"one", b"two"):
            heard.connection.send_text(word)
        heard.until_messages(2)
        leave(heard)
    assert traffic.callback_failures == before + 2
    assert all(isinstance(error, LookupError) for error in hub.errors)
    hub.errors.clear()


@pytest.mark.parametrize("kind", ["plain", "tls", "deflate"])
def test_server_that_does_not_read_holds_sends_back(kind: str, certificates: Certificates) -> None:
    resume = threading.Event()
    got: list[bytes] = []
    context = None
    if kind == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.chain, certificates.key)

    def script(link: Link) -> None:
        link.shake(*([DEFLATE] if kind == "deflate" else []))
        inflate = Decompressor()
        assert resume.wait(SOON)
        while (frame := link.frame()).opcode != Opcode.CLOSE:
            got.append(inflate.decompress(frame.payload) if kind == "deflate" else frame.payload)
        link.send(Frame(Opcode.CLOSE, frame.payload).encode())

    randomness = random.Random(1)
    sent: list[bytes] = []
    with Server(script, context=context, receive_buffer=8 * KIB) as server:
        options = {"max_buffered": 128 * KIB, "deflate": kind == "deflate"}
        heard = connected(server, ca=certificates.ca, **options)
        connection = heard.connection
        # Small, so that what waits leaves in many parts.
        connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * KIB)
        before = traffic.back_pressured
        while True:
            payload = b"%06d" % len(sent) + randomness.randbytes(16 * KIB)
            if not connection.send_binary(payload):
                break
            sent.append(payload)
            assert len(sent) < 5_000
        assert connection.congested
        assert 128 * KIB <= connection.buffered < 128 * KIB + 20 * KIB
        waited = traffic.back_pressured - before
        assert waited >= 8  # each that had to wait
        for _ in range(10):
            assert not connection.send_binary(b"refused" * 100)
            assert not connection.send_packet(b"refused", [b"too"])
        assert traffic.back_pressured == before + waited + 20
        assert connection.buffered < 128 * KIB + 20 * KIB
        resume.set()
        until(lambda: not connection.congested)
        sent.append(b"refused" * 100)  # the compressor must not know it from before
        assert connection.send_binary(sent[-1])
        until(lambda: connection.buffered == 0)
        leave(heard)
    assert got == sent
