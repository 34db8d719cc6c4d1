"""What several cases of Engine.IO look for: labels, PINGs, the end of a silent session."""

from __future__ import annotations

import asyncio
import contextlib

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import Failure, StreamClosed
from sockproof.conformance.peers.client_frames import client_frame, close_frame, text_packet
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.vocabulary import Seen
from sockproof.wire.engineio import Packet, PacketType
from sockproof.wire.http import Response
from sockproof.wire.websocket import Opcode


def check_label(context: CaseContext, response: Response) -> None:
    """An answer to long-polling is labelled as text in UTF-8; as another type it is NON_STRICT."""
    label = response.get("Content-Type")
    kind, _, parameters = (label or "text/plain").lower().partition(";")
    charset = parameters.partition("charset=")[2].strip('" ')
    if charset not in ("", "utf-8", "utf8"):
        raise Failure("text/plain, in UTF-8", f"Content-Type: {label}")
    if kind.strip() != "text/plain":
        context.non_strict("text/plain, in UTF-8", f"Content-Type: {label}")


async def expect_post_refused(engine: EngineIOPeer, body: bytes) -> None:
    """A POST of what is no packet gets 400 or ends the connection; else it is NON_STRICT."""
    wanted = "400, or the connection closed"
    try:
        with engine.context.awaits(wanted):
            response = await engine.post(body)
    except Failure as failure:
        if isinstance(failure.__cause__, StreamClosed):
            return
        raise
    if response.status != 400:
        engine.context.non_strict(wanted, f"{response}: {response.body[:60]!r}", came=response)


# Heartbeat.


async def expect_ping(engine: EngineIOPeer) -> Packet:
    """The next PING, before a client gives the connection up.

    That is within pingInterval and pingTimeout. What the application says meanwhile is its own
    affair.
    """
    patience = sum(engine.timers) + 0.5
    try:
        async with asyncio.timeout(patience):
            with engine.context.awaits("a PING"):
                while (packet := await engine.receive()).type == PacketType.MESSAGE:
                    pass
    except TimeoutError:
        raise Failure("a PING", f"none within {patience:g} s", seen=Seen.NO_ANSWER) from None
    if packet.type != PacketType.PING:
        raise Failure("a PING", packet)
    return packet


async def expect_timed_out(engine: EngineIOPeer, why: str) -> None:
    """The server ends the session, since no PONG comes."""
    interval, timeout = engine.timers
    patience = interval + timeout + max(interval, timeout) + 1  # some look only now and then
    wanted = f"the session closed within {patience:g} s, as {why}"
    try:
        async with asyncio.timeout(patience):
            while not await _ends(engine):
                pass
    except TimeoutError:
        raise Failure(wanted, "it stays open", seen=Seen.NOT_CLOSED) from None


async def _ends(engine: EngineIOPeer) -> bool:
    """Receive once, and say whether that shows the session's end."""
    if engine.transport == "websocket":
        assert engine.websocket is not None
        try:
            frame = await engine.websocket.receive()
        except StreamClosed:
            return True
        return frame.opcode == Opcode.CLOSE or frame.payload == b"1"
    response = await engine.poll()
    return response.status >= 400 or b"1" in response.body.split(b"\x1e")


# Upgrade.


async def expect_no_message(websocket: WebSocketPeer) -> None:
    """No MESSAGE has been sent on a WebSocket whose upgrade is not complete."""
    ping = client_frame(Opcode.PING, b"behind it")
    websocket.send(ping)
    with websocket.context.awaits("PONG"):
        while (frame := await websocket.receive()).payload != ping.payload:
            if frame.opcode == Opcode.BINARY or frame.payload[:1] == b"4":
                raise Failure("no MESSAGE on the WebSocket before UPGRADE", frame)
            if frame.opcode == Opcode.CLOSE:
                raise Failure("the WebSocket open", frame)


async def expect_no_probe(websocket: WebSocketPeer, wanted: str) -> None:
    """The probe of a WebSocket that the session has no use for is answered by its end."""
    websocket.send(text_packet(PacketType.PING, "probe"))
    with websocket.context.awaits(wanted):
        try:
            frame = await websocket.receive()
        except StreamClosed:
            return
    if frame.opcode != Opcode.CLOSE:
        raise Failure(wanted, frame)


async def abandon(engine: EngineIOPeer, websocket: WebSocketPeer, how: str = "close") -> None:
    """Close a WebSocket of the session before UPGRADE, or `reset` its connection."""
    if how == "reset":
        websocket.stream.reset()
    else:
        websocket.send(close_frame(1000))
        with contextlib.suppress(StreamClosed, Failure):
            await websocket.receive()  # the server's Close frame
        websocket.stream.close()
    await engine.passes()
