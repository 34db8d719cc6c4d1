"""A WebSocket connection by itself: messages both ways, and the handshake."""

from __future__ import annotations

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.load.traffic import traffic
from sockproof.wire.deflate import Compressor, Decompressor
from sockproof.wire.websocket import Frame, Opcode
from tests.load.peers import DEFLATE, Heard, Link, Server, connected, echo, leave, message

pytestmark = pytest.mark.usefixtures("hub")
SIZES = (0, 1, 2, 3, 4, 5, 125, 126, 127, 255, 256, 257, 65535, 65536, 200_003)


def text_of(size: int) -> bytes:
    return b"".join(b"%d," % number for number in range(size // 2 + 1))[:size]


@pytest.mark.parametrize("binary", [False, True])
def test_messages_of_every_length_come_back_as_they_were_sent(binary: bool) -> None:
    payloads = [text_of(size) for size in SIZES] + ["grüße 𝄞 ﷺ".encode()] * (not binary)
    with Server(echo) as server:
        heard = connected(server)
        for payload in payloads:
            send = heard.connection.send_binary if binary else heard.connection.send_text
            assert send(payload)
            found = heard.until_messages(len(heard.messages) + 1)[-1]
            assert found == (payload, binary)
        assert heard.connection.last_received > 0
        leave(heard)


def test_every_frame_is_masked_with_another_key() -> None:
    payloads = [text_of(size) for size in (8, 130, 70_000) for _ in range(20)]
    keys: list[bytes | None] = []
    lengths: list[int] = []

    def script(link: Link) -> None:
        link.shake()
        for payload in payloads:
            frame = link.frame()  # unmasked with the key it came with
            assert frame.payload == payload
            assert frame.encode()[-len(payload) :] != payload
            keys.append(frame.mask_key)
            lengths.append(len(frame.payload))
        link.close()

    with Server(script) as server:
        heard = connected(server)
        for payload in payloads:
            heard.connection.send_text(payload)
        heard.until_closed()
    assert lengths == [len(payload) for payload in payloads]
    assert len(set(keys)) > 55


@pytest.mark.parametrize("chop", [False, True])
def test_frames_behind_each_other_are_read_in_order(chop: bool) -> None:
    sent = [b"", b"a", b"x" * 126, b"y" * 300, b"last"]

    def script(link: Link) -> None:
        link.shake(behind=message("behind the handshake"))
        for payload in sent:
            link.send(message(payload.decode()) + message(payload), chop)
        link.send(b"\x82\x7f" + (65536).to_bytes(8, "big"), chop)
        link.send(b"z" * 65536)
        link.close()

    with Server(script) as server:
        heard = connected(server)
        heard.until_closed()
    wanted = [(payload, binary) for payload in sent for binary in (False, True)]
    assert heard.messages == [
        (b"behind the handshake", False),
        *wanted,
        (b"z" * 65536, True),
    ]


@pytest.mark.parametrize("chop", [False, True])
def test_fragments_are_put_together_around_control_frames(chop: bool) -> None:
    first, last = "héllo".encode()[:2], "héllo".encode()[2:]  # in the middle of a character

    def script(link: Link) -> None:
        link.shake()
        frames = [
            Frame(Opcode.TEXT, first, fin=False),
            Frame(Opcode.PING, b"between"),
            Frame(Opcode.CONT, b"", fin=False),
            Frame(Opcode.PONG, b"unasked"),
            Frame(Opcode.CONT, last),
            Frame(Opcode.BINARY, b"\xff", fin=False),
            Frame(Opcode.CONT, b"\xfe"),
            Frame(Opcode.TEXT, b"whole"),
        ]
        link.send(b"".join(frame.encode() for frame in frames), chop)
        pong = link.frame()
        assert (pong.opcode, pong.payload) == (Opcode.PONG, b"between")
        link.close()

    with Server(script) as server:
        heard = connected(server)
        heard.until_closed()
    assert heard.messages == [("héllo".encode(), False), (b"\xff\xfe", True), (b"whole", False)]


def test_each_ping_is_answered_with_its_payload() -> None:
    payloads = [bytes(range(size)) for size in (0, 1, 4, 125)]

    def script(link: Link) -> None:
        link.shake()
        for payload in payloads:
            link.send(Frame(Opcode.PING, payload).encode())
        for payload in payloads:
            frame = link.frame()
            assert (frame.opcode, frame.payload) == (Opcode.PONG, payload)
        link.close()

    before = traffic.pings_answered
    with Server(script) as server:
        connected(server).until_closed()
    assert traffic.pings_answered == before + len(payloads)


def test_own_ping_goes_out_and_its_pong_is_no_message() -> None:
    def script(link: Link) -> None:
        link.shake()
        frame = link.frame()
        assert (frame.opcode, frame.payload) == (Opcode.PING, b"are you there?")
        link.send(Frame(Opcode.PONG, frame.payload).encode())
        link.say("fence")
        link.close()

    with Server(script) as server:
        heard = connected(server)
        heard.connection.ping(b"are you there?")
        heard.until_closed()
    assert heard.messages == [(b"fence", False)]


@pytest.mark.parametrize(
    ("more", "ours", "theirs"),
    [
        ("", (15, True), (15, True)),
        ("; client_no_context_takeover; server_no_context_takeover", (15, False), (15, False)),
        ("; client_max_window_bits=9; server_max_window_bits=10", (9, True), (10, True)),
    ],
)
def test_messages_are_compressed_both_ways(
    more: str, ours: tuple[int, bool], theirs: tuple[int, bool]
) -> None:
    payloads = [text_of(size) for size in (0, 5, 5, 400, 400, 90_000)]
    sizes: list[int] = []

    def script(link: Link) -> None:
        request = link.shake(DEFLATE + more)
        assert "permessage-deflate" in request.tokens("Sec-WebSocket-Extensions")[0]
        inflate, deflate = Decompressor(*ours), Compressor(*theirs)
        for payload in payloads:
            frame = link.frame()
            assert frame.rsv == 4
            sizes.append(len(frame.payload))
            assert inflate.decompress(frame.payload) == payload
            packed = deflate.compress(payload)
            half = len(packed) // 2
            link.send(Frame(frame.opcode, packed[:half], fin=False, rsv=4).encode())
            link.send(Frame(Opcode.CONT, packed[half:]).encode())
        link.say("not compressed")
        link.send(Frame(Opcode.TEXT, deflate.compress(b"whole"), rsv=4).encode(), chop=True)
        link.close()

    with Server(script) as server:
        heard = connected(server, deflate=True)
        for payload in payloads:
            send = heard.connection.send_binary if payload else heard.connection.send_text
            assert send(payload)
        heard.until_closed()
    wanted = [(payload, bool(payload)) for payload in payloads]
    assert heard.messages == [*wanted, (b"not compressed", False), (b"whole", False)]
    assert sizes[5] < 60_000
    assert (sizes[4] < sizes[3]) == ours[1]  # said before, in the same context


def test_handshake_says_what_was_asked_for() -> None:
    asked = []

    def script(link: Link) -> None:
        asked.append(link.shake("Sec-WebSocket-Protocol: second"))
        link.close()

    with Server(script) as server:
        endpoint = Endpoint(
            f"{server.url}chat?room=1&x=%20",
            headers=[("X-Token", "abc"), ("Cookie", "theirs=1")],
            protocols=["first", "second"],
        )
        own = (("Cookie", "own=2"), ("X-User", "7"))
        heard = Heard(WebSocketConnection(endpoint, headers=own)).until_open()
        assert heard.connection.protocol == "second"
        heard.until_closed()
    (request,) = asked
    assert request.target == "/chat?room=1&x=%20"
    assert request.get("Host") == f"127.0.0.1:{server.port}"
    assert request.get("Sec-WebSocket-Protocol") == "first, second"
    assert request.get("Sec-WebSocket-Version") == "13"
    assert request.get("Sec-WebSocket-Extensions") is None
    assert request.get("X-Token") == "abc"
    assert request.get("X-User") == "7"
    assert request.all("Cookie") == ["own=2"]
