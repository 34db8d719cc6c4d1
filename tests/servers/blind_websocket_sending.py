"""Blind faults in control frames and in the frames that are sent: RFC 6455, 5.1, 5.2 and 5.5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.websocket import Frame, Opcode, is_control
from tests.servers.blind_weaving import count, fault
from tests.servers.blind_websocket_frames import lets_pass, refuses
from tests.servers.websocket_connection import Connection

TEXT, BINARY, CONT, PING, PONG = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.PONG)
DATA = (TEXT, BINARY)


def sends(name: str, change: Callable[[Any, Frame], list[Frame] | Frame | None]) -> None:
    """A fault that sends other frames, or none."""

    @fault(name, Connection, "send")
    def send(go: Any, self: Any, frame: Frame) -> None:
        changed = change(self, frame)
        for each in changed if isinstance(changed, list) else [changed]:
            if each is not None:
                go(each)


def pongs(name: str, change: Callable[[Any, bytes], bytes | None]) -> None:
    """A fault that answers a Ping with other octets, or not at all."""

    @fault(name, Connection, "_ping")
    async def ping(go: Any, self: Any, frame: Frame) -> None:
        changed = change(self, frame.payload)
        if changed is not None:
            await go(replace(frame, payload=changed))


# Pings.
pongs("every-tenth-ping-is-lost", lambda s, p: None if count(s, "pings") % 10 == 0 else p)
pongs("a-ping-like-the-last-is-lost", lambda s, p: None if _is_known(s, p) else p)
pongs("pongs-end-at-a-zero-octet", lambda _, p: p.partition(b"\0")[0])
pongs("pongs-have-64-octets-at-most", lambda _, p: p[:64])
pongs("pongs-are-stripped", lambda _, p: p.strip())
pongs("pongs-have-replacement-characters", lambda _, p: p.decode("utf-8", "replace").encode()[:125])
pongs(
    "pings-without-a-payload-are-lost-inside-messages",
    lambda s, p: None if s.first is not None and not p else p,
)
pongs(
    "pings-behind-a-pong-of-the-same-content-are-lost",
    lambda s, p: None if vars(s).get("blind pong") == p and p else p,
)
refuses(
    "pings-of-125-octets-are-refused-inside-messages",
    lambda s, f: f.opcode == PING and len(f.payload) == 125 and s.first is not None,
)
refuses("pongs-of-125-octets-are-refused", lambda _, f: f.opcode == PONG and len(f.payload) == 125)
refuses("empty-pongs-are-refused", lambda _, f: f.opcode == PONG and not f.payload)
refuses(
    "a-pong-before-any-message-is-refused",
    lambda s, f: f.opcode == PONG and s.message_count == 0 and s.ping_count == 0,
)
refuses(
    "pongs-between-fragments-are-refused", lambda s, f: f.opcode == PONG and s.first is not None
)
refuses(
    "pings-that-are-not-text-are-refused-inside-text",
    lambda s, f: (
        f.opcode == PING
        and s.first is not None
        and s.first.opcode == TEXT
        and any(octet > 127 for octet in f.payload)
    ),
)
refuses(
    "a-hundred-pings-without-a-message-are-too-many",
    lambda s, f: f.opcode == PING and count(s, "in a row") > 100,
    1008,
)
lets_pass("pings-of-126-octets-pass", lambda _, f: f.opcode == PING and len(f.payload) == 126)
lets_pass("pongs-may-be-long", lambda _, f: f.opcode == PONG and len(f.payload) > 125 and f.fin)
lets_pass(
    "long-control-frames-pass-between-fragments",
    lambda s, f: is_control(f.opcode) and len(f.payload) > 125 and s.first is not None and f.fin,
)
lets_pass(
    "long-pings-of-16-bits-pass",
    lambda _, f: f.opcode == PING and f.length_octets is None and 126 <= len(f.payload) < 0x10000,
)
lets_pass(
    "unfinished-pings-pass-inside-messages",
    lambda s, f: f.opcode == PING and not f.fin and s.first is not None,
)
lets_pass("unfinished-pongs-pass", lambda _, f: f.opcode == PONG and not f.fin)
lets_pass("unfinished-closes-pass", lambda _, f: f.opcode == Opcode.CLOSE and not f.fin)
lets_pass(
    "unfinished-pings-without-payload-pass",
    lambda _, f: f.opcode == PING and not f.fin and not f.payload,
)


@fault("pings-behind-a-pong-of-the-same-content-are-lost", Connection, "_frame")
async def _noted(go: Any, self: Any, frame: Frame) -> None:
    if frame.opcode == PONG:
        vars(self)["blind pong"] = frame.payload
    await go(frame)


def _is_known(self: Any, payload: bytes) -> bool:
    known = vars(self).get("blind ping") == payload
    vars(self)["blind ping"] = payload
    return known


@fault("pongs-wait-for-the-next-message", Connection, "send")
def _waiting(go: Any, self: Any, frame: Frame) -> None:
    held = vars(self).setdefault("blind pongs", [])
    if frame.opcode == PONG and self.first is not None and self.first.opcode == BINARY:
        held.append(frame)
        return
    go(frame)
    while held:
        go(held.pop(0))


# What is sent.
sends(
    "large-frames-are-masked",
    lambda _, f: replace(f, mask_key=b"\1\2\3\4") if len(f.payload) > 0xFFFF else f,
)
sends(
    "every-second-pong-is-masked",
    lambda s, f: (
        replace(f, mask_key=b"\1\2\3\4") if f.opcode == PONG and count(s, "pongs") % 2 == 0 else f
    ),
)
sends(
    "failures-are-masked",
    lambda _, f: (
        replace(f, mask_key=b"\1\2\3\4")
        if f.opcode == Opcode.CLOSE and f.payload[:2] in (b"\x03\xea", b"\x03\xef")
        else f
    ),
)
sends(
    "long-binary-frames-have-rsv1",
    lambda s, f: (
        replace(f, rsv=4) if s.codec is None and f.opcode == BINARY and len(f.payload) > 125 else f
    ),
)
sends(
    "pongs-of-125-octets-have-rsv3",
    lambda _, f: replace(f, rsv=1) if f.opcode == PONG and len(f.payload) == 125 else f,
)
sends(
    "long-pongs-have-a-16-bit-length",
    lambda _, f: replace(f, length_octets=2) if f.opcode == PONG and len(f.payload) > 100 else f,
)
sends(
    "lengths-from-32768-have-64-bits",
    lambda _, f: replace(f, length_octets=8) if 0x8000 <= len(f.payload) <= 0xFFFF else f,
)
sends(
    "empty-binary-frames-have-a-16-bit-length",
    lambda _, f: replace(f, length_octets=2) if f.opcode == BINARY and not f.payload else f,
)
sends(
    "text-is-counted-in-characters",
    lambda s, f: (
        replace(f, announced=len(f.payload.decode("utf-8", "replace")))
        if f.opcode == TEXT and s.codec is None
        else f
    ),
)
sends(
    "64-bit-lengths-count-the-header",
    lambda _, f: replace(f, announced=len(f.payload) + 10) if len(f.payload) > 0xFFFF else f,
)
sends(
    "pongs-from-64-octets-are-fragmented",
    lambda _, f: (
        [replace(f, payload=f.payload[:50], fin=False), Frame(CONT, f.payload[50:])]
        if f.opcode == PONG and len(f.payload) >= 64
        else f
    ),
)
sends(
    "large-messages-have-fin-on-each-fragment",
    lambda _, f: (
        [replace(f, payload=f.payload[:60_000]), Frame(CONT, f.payload[60_000:])]
        if f.opcode in DATA and len(f.payload) > 0xFFFF
        else f
    ),
)
sends(
    "large-messages-are-never-finished",
    lambda _, f: (
        [
            replace(f, payload=f.payload[:60_000], fin=False),
            Frame(CONT, f.payload[60_000:], fin=False),
        ]
        if f.opcode in DATA and len(f.payload) > 0xFFFF
        else f
    ),
)
sends(
    "large-messages-repeat-their-opcode",
    lambda _, f: (
        [replace(f, payload=f.payload[:60_000], fin=False), replace(f, payload=f.payload[60_000:])]
        if f.opcode in DATA and len(f.payload) > 0xFFFF
        else f
    ),
)
sends(
    "each-hundredth-frame-has-opcode-3-in-front",
    lambda s, f: [Frame(0x3), f] if count(s, "sent") % 100 == 0 else f,
)
