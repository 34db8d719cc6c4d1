"""Blind faults in the WebSocket messages that carry packets, in both directions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from sockproof.wire.engineio import SEPARATOR, Packet, PacketType
from sockproof.wire.websocket import Frame, Opcode
from tests.servers import engineio_server
from tests.servers.blind_weaving import count, fault, once
from tests.servers.engineio_http import WebSocket
from tests.servers.engineio_session import Session

# WebSocket messages that come in.


def _frames(name: str, change: Any) -> None:
    """A fault that reads another frame: `change(websocket, frame)`; None passes it over."""

    @fault(name, WebSocket, "_next")
    async def following(go: Any, websocket: WebSocket) -> Frame:
        while True:
            frame = change(websocket, await go())
            if frame is not None:
                return frame


def _messages(name: str, change: Any) -> None:
    """A fault that reads another message; None passes it over."""

    @fault(name, WebSocket, "receive")
    async def receive(go: Any, websocket: WebSocket) -> str | bytes:
        while True:
            message = change(await go())
            if message is not None:
                return message


def _is_part(frame: Frame) -> bool:
    return frame.opcode == Opcode.CONT or not frame.fin


def _decoded_apart(websocket: WebSocket, frame: Frame) -> Frame:
    if frame.opcode == Opcode.BINARY:
        vars(websocket)["blind binary"] = True
    if frame.opcode == Opcode.TEXT:
        vars(websocket)["blind binary"] = False
    if _is_part(frame) and not vars(websocket)["blind binary"] and frame.opcode < 8:
        return replace(frame, payload=frame.payload.decode("utf-8", "replace").encode())
    return frame


def _after_a_control(websocket: WebSocket, frame: Frame) -> Frame:
    state = vars(websocket)
    if frame.opcode in (Opcode.PING, Opcode.PONG):
        state["blind control"] = state.get("blind open", False)
        return frame
    state["blind open"] = not frame.fin
    if frame.opcode == Opcode.CONT and state.pop("blind control", False):
        return replace(frame, payload=b"")
    return frame


def _pong_in_between(websocket: WebSocket, frame: Frame) -> Frame:
    if frame.opcode == Opcode.PONG and vars(websocket).get("blind open"):
        return Frame(Opcode.CONT, frame.payload, fin=False, mask_key=frame.mask_key)
    if frame.opcode < 8:
        vars(websocket)["blind open"] = not frame.fin
    return frame


def _many_parts(websocket: WebSocket, frame: Frame) -> Frame:
    if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
        vars(websocket)["blind parts"] = 0
    if frame.opcode == Opcode.CONT and count(websocket, "parts") > 9:
        return replace(frame, payload=b"")
    return frame


_frames("fragments-are-decoded-apart", _decoded_apart)
_frames("fragments-behind-a-ping-are-lost", _after_a_control)
_frames("pongs-between-fragments-are-fragments", _pong_in_between)
_frames("fragments-after-the-tenth-are-lost", _many_parts)
_frames(
    "first-fragments-that-are-empty-are-passed-over",
    lambda w, f: None if f.opcode in (1, 2) and not f.fin and not f.payload else f,
)
_frames(
    "empty-last-fragments-are-passed-over",
    lambda w, f: None if f.opcode == 0 and f.fin and not f.payload else f,
)
_frames(
    "frames-of-126-octets-lose-one",
    lambda w, f: (
        replace(f, payload=f.payload[:-1]) if len(f.payload) == 126 and f.opcode < 3 else f
    ),
)
_frames(
    "frames-of-65536-octets-lose-one",
    lambda w, f: (
        replace(f, payload=f.payload[:-1]) if len(f.payload) == 65_536 and f.opcode < 3 else f
    ),
)
_frames(
    "frames-above-64-kilobytes-are-cut",
    lambda w, f: replace(f, payload=f.payload[:65_536]) if f.opcode < 3 else f,
)


@fault("fragmented-binary-is-text", WebSocket, "_next")
async def _(go: Any, websocket: WebSocket) -> Frame:
    frame = await go()
    if frame.opcode == Opcode.BINARY and not frame.fin:
        return replace(frame, opcode=Opcode.TEXT)
    return frame


@fault("fragmented-messages-may-have-any-size", WebSocket, "_next")
async def _(go: Any, websocket: WebSocket) -> Frame:
    frame = await go()
    if frame.opcode < 8:
        websocket.max_message = engineio_server.MAX_PAYLOAD * (10 if _is_part(frame) else 1)
    return frame


@fault("fragmented-messages-are-limited-to-half", WebSocket, "_next")
async def _(go: Any, websocket: WebSocket) -> Frame:
    frame = await go()
    if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
        websocket.max_message = engineio_server.MAX_PAYLOAD // (1 if frame.fin else 2)
    return frame


@fault("binary-messages-may-have-any-size", WebSocket, "_next")
async def _(go: Any, websocket: WebSocket) -> Frame:
    frame = await go()
    if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
        binary = frame.opcode == Opcode.BINARY
        websocket.max_message = engineio_server.MAX_PAYLOAD * (10 if binary else 1)
    return frame


@fault("binary-messages-of-the-limit-are-refused", WebSocket, "_next")
async def _(go: Any, websocket: WebSocket) -> Frame:
    frame = await go()
    if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
        websocket.max_message = engineio_server.MAX_PAYLOAD - (frame.opcode == Opcode.BINARY)
    return frame


@fault("messages-in-bad-utf8-are-mended", WebSocket, "_message")
def _(go: Any, websocket: WebSocket, opcode: int, payload: bytes) -> str | bytes:
    return go(opcode, payload) if opcode == Opcode.BINARY else payload.decode("utf-8", "replace")


@fault("binary-that-is-utf8-is-text", WebSocket, "_message")
def _(go: Any, websocket: WebSocket, opcode: int, payload: bytes) -> str | bytes:
    try:
        return f"4{payload.decode()}" if opcode == Opcode.BINARY else go(opcode, payload)
    except UnicodeDecodeError:
        return payload


def _packets(name: str, change: Any) -> None:
    """A fault that takes another message for a packet: `change(message)`; None is no packet."""

    @fault(name, engineio_server, "decode")
    def decoded(go: Any, message: str | bytes) -> Packet:
        return go(message if (changed := change(message)) is None else changed)


def _text(change: Any) -> Any:
    return lambda message: change(message) if isinstance(message, str) else None


_packets(
    "websocket-types-seven-to-nine-are-noops",
    _text(lambda m: "6" if m[:1] in ("7", "8", "9") else m),
)
_packets(
    "websocket-types-are-digits-of-any-script",
    _text(lambda m: f"{int(m[0])}{m[1:]}" if m[:1].isdecimal() else m),
)
_packets("websocket-types-may-have-a-blank-in-front", _text(lambda m: m.lstrip()))
_packets("websocket-empty-messages-are-noops", _text(lambda m: m or "6"))
_packets("websocket-letters-are-noops", _text(lambda m: "6" if m[:1].isalpha() else m))
_packets("websocket-messages-lose-a-byte-order-mark", _text(lambda m: m.replace("\ufeff", "")))
_packets("websocket-base64-is-binary", _text(lambda m: b"?" if m[:1] == "b" else m))
_packets(
    "websocket-separators-split-binary",
    lambda m: m.partition(b"\x1e")[0] if isinstance(m, bytes) else m,
)
_messages("websocket-empty-binary-is-passed-over", lambda m: None if m == b"" else m)
_messages(
    "websocket-single-octets-are-passed-over",
    lambda m: None if isinstance(m, bytes) and len(m) == 1 else m,
)


# WebSocket messages that go out.


def _sent(name: str, change: Any) -> None:
    """A fault that sends other messages: `change(websocket, message)` gives them."""

    @fault(name, WebSocket, "send")
    def send(go: Any, websocket: WebSocket, message: str | bytes) -> None:
        for each in change(websocket, message):
            go(each)


def _every(
    websocket: WebSocket, message: str | bytes, number: int, times: int
) -> list[str | bytes]:
    data = isinstance(message, bytes) or message[:1] == "4"
    hit = data and count(websocket, "sent") == number
    return [message] * times if hit else [message]


def _cut(message: str | bytes, octets: int) -> list[str | bytes]:
    return [message[:-1] if isinstance(message, bytes) and len(message) == octets else message]


_sent("websocket-empty-binary-is-not-sent", lambda w, m: [] if m == b"" else [m])
_sent("websocket-empty-binary-is-empty-text", lambda w, m: [""] if m == b"" else [m])
_sent("websocket-binary-of-126-octets-loses-one", lambda w, m: _cut(m, 126))
_sent("websocket-binary-of-65536-octets-loses-one", lambda w, m: _cut(m, 65_536))
_sent(
    "websocket-binary-above-64-kilobytes-is-cut-in-two",
    lambda w, m: [m[:65_536], m[65_536:]] if isinstance(m, bytes) and len(m) > 65_536 else [m],
)
_sent(
    "websocket-ascii-octets-are-text",
    lambda w, m: [m.decode()] if isinstance(m, bytes) and m.isascii() and m else [m],
)
_sent(
    "websocket-binary-ends-with-a-newline",
    lambda w, m: [m + b"\n"] if isinstance(m, bytes) and len(m) > 100 else [m],
)
_sent("websocket-thirty-third-messages-are-lost", lambda w, m: _every(w, m, 33, 0))
_sent("websocket-fifty-first-messages-come-twice", lambda w, m: _every(w, m, 51, 2))
_sent(
    "websocket-text-has-surrogates-replaced",
    lambda w, m: (
        ["".join(c if ord(c) < 0x10000 else "\ufffd" for c in m)] if isinstance(m, str) else [m]
    ),
)


@fault("two-messages-of-a-moment-are-one", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    kept = vars(session).get("blind kept")
    text = packet.type == PacketType.MESSAGE and isinstance(packet.data, str)
    websocket = session.websocket
    if websocket is None or not text or len(packet.data) > 60:
        _flush(session, go)
        go(packet)
    elif kept is None:
        vars(session)["blind kept"] = packet
        asyncio.get_running_loop().call_soon(_flush, session, go)
    else:
        vars(session)["blind kept"] = None
        go(replace(kept, data=f"{kept.data}{SEPARATOR}{packet.encode()!s}"))


def _flush(session: Session, go: Any) -> None:
    kept, vars(session)["blind kept"] = vars(session).get("blind kept"), None
    if kept is not None:
        go(kept)


@fault("binary-follows-its-text-in-one-message", Session, "_send_on")
def _(go: Any, session: Session, websocket: WebSocket, message: str | bytes) -> None:
    if isinstance(message, bytes) and once(session, "binary"):
        go(websocket, b"\x04" + message)
    else:
        go(websocket, message)
