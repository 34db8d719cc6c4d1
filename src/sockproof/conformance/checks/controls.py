"""Controls that many cases share: the ordinary things that an offence takes the place of.

The first line of a control's docstring is what is said of the cases whose control failed.
"""

from __future__ import annotations

from sockproof.conformance.context.outcome import Failure
from sockproof.conformance.peers.client_frames import client_frame, close_frame
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.conformance.targets.target import Target
from sockproof.wire.engineio import Packet, PacketType
from sockproof.wire.websocket import Opcode


async def _goes_on(target: Target, peer: WebSocketPeer) -> None:
    """The server answers a Ping, whatever else it answers before."""
    word = target.unique("control").encode()
    peer.send(client_frame(Opcode.PING, word))
    with target.awaits("a PONG behind it"):
        while (got := await peer.receive()).payload != word:
            if got.opcode == Opcode.CLOSE:
                raise Failure("a PONG behind it", got)


async def ordinary_handshake(target: Target) -> None:
    """The same without the offence was refused, too: an ordinary handshake."""
    await target.handshake(target.upgrade_request())


async def ordinary_frame(target: Target, kind: Opcode = Opcode.PING) -> None:
    """The same without the offence was refused, too: a right frame, and a Ping behind it."""
    if kind == Opcode.CLOSE:
        await ordinary_close(target)
        return
    peer = await target.connect()
    if kind == Opcode.CONT:
        peer.send(client_frame(Opcode.TEXT, b"an ordinary ", fin=False))
    peer.send(client_frame(kind, b"message"))
    await _goes_on(target, peer)


async def ordinary_text(target: Target) -> None:
    """The same without the offence was refused, too: a right text, and a Ping behind it."""
    await ordinary_frame(target, Opcode.TEXT)


async def ordinary_length(target: Target, octets: int) -> None:
    """The same without the offence was refused, too: a right text of that length."""
    peer = await target.connect()
    with target.large(octets):
        peer.send(client_frame(Opcode.TEXT, b"t" * octets))
        await _goes_on(target, peer)


async def ordinary_fragments(target: Target) -> None:
    """The same without the offence was refused, too: right fragments, and a Ping behind them."""
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"an ordinary ", fin=False),
        client_frame(Opcode.PING, b"between"),
        client_frame(Opcode.CONT, b"message"),
    )
    await _goes_on(target, peer)


async def ordinary_compressed(target: Target) -> None:
    """The same without the offence was refused, too: a right message, compressed."""
    peer = await target.connect_deflate()
    peer.send_message(Opcode.TEXT, b"an ordinary message")
    await _goes_on(target, peer)


async def ordinary_close(target: Target) -> None:
    """The same without the offence was refused, too: a right Close frame ends nothing."""
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()


async def ordinary_session(target: Target) -> None:
    """The same without the offence was refused, too: an ordinary session over long-polling."""
    await target.connect_engineio("polling")


async def ordinary_post(target: Target) -> None:
    """The same without the offence was refused, too: a right POST, and a GET behind it."""
    peer = await target.connect_engineio("polling")
    await peer.send(Packet(PacketType.MESSAGE, "0"))
    response = await peer.poll()
    if response.status != 200:
        raise Failure("200 to a GET behind a right POST", response)


async def ordinary_websocket_session(target: Target) -> None:
    """The same without the offence was refused, too: an ordinary session on a WebSocket."""
    await target.connect_engineio("websocket")


async def ordinary_upgrade(target: Target) -> None:
    """The same without the offence was refused, too: an ordinary change of the transport."""
    await target.connect_engineio("upgrade")


async def ordinary_client(target: Target, transport: str | None = None) -> None:
    """The same without the offence was refused, too: an ordinary event, and another behind it."""
    peer = await target.socketio(transport)
    if not target.supports("fixture"):
        return
    await peer.emit("message", "an ordinary event")
    await peer.expect_event("message-back", "an ordinary event")
    await peer.quiet()
