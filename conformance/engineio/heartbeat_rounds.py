"""Engine.IO protocol, section "Heartbeat": the second round, beside other packets, and its end."""

import asyncio
import time

from sockproof.conformance import Failure, Opcode, StreamClosed, case
from sockproof.wire.engineio import Packet, PacketType, encode_payload
from sockproof.wire.socketio import Packet as Event
from sockproof.wire.socketio import PacketType as EventType

FAST = {"upgrade", "fixture", "fast-timers"}
ALL = {"transport": ["polling", "websocket", "upgrade"]}
BOTH = {"transport": ["polling", "websocket"]}
PONG = Packet(PacketType.PONG)


def rounds(interval, timeout):
    """Five times what lies between two PINGs at most, and time to open the session."""
    return 6 + 5 * (interval + timeout)


async def _client(target, transport):
    """A client that answers no PING by itself, with the interval and the time-out in seconds."""
    peer = await target.socketio(transport)
    peer.engine.answer_pings = False
    shake = peer.engine.handshake
    return peer, shake.ping_interval / 1000, shake.ping_timeout / 1000


async def _ping(target, peer, interval, timeout):
    """The next PING, before a client gives the connection up."""
    patience = interval + timeout + 0.5
    try:
        async with asyncio.timeout(patience):
            with target.awaits("a PING"):
                while (packet := await peer.engine.receive()).type == PacketType.MESSAGE:
                    pass
    except TimeoutError:
        raise Failure("a PING", f"none within {patience:g} s") from None
    if packet.type != PacketType.PING:
        raise Failure("a PING", str(packet))
    return packet


@case("eio-heartbeat-ping-empty", needs=FAST, limit=rounds, over=ALL)
async def pings_of_two_rounds_have_no_payload(target, transport):
    peer, interval, timeout = await _client(target, transport)
    for _ in range(2):
        packet = await _ping(target, peer, interval, timeout)
        if packet.data:
            target.non_strict("PING without a payload", str(packet))
        await peer.engine.send(PONG)


@case("eio-heartbeat-ping-sent", needs=FAST, limit=rounds, over=BOTH)
async def ping_is_sent_to_a_client_that_keeps_sending(target, transport):
    peer, interval, timeout = await _client(target, transport)

    async def keep_sending():
        while True:
            await peer.emit("unheard", "nothing answers this")
            await asyncio.sleep(interval / 4)  # the time between two packets is the point here

    for _ in range(2):
        async with asyncio.timeout(2 * (interval + timeout) + 1):
            sending = asyncio.ensure_future(keep_sending())
            try:
                await _ping(target, peer, interval, timeout)
            finally:
                sending.cancel()
        await peer.engine.send(PONG)


@case("eio-heartbeat-pong-keeps", needs=FAST, limit=rounds)
async def pong_behind_a_message_of_one_post_counts(target):
    peer, interval, timeout = await _client(target, "polling")
    end = time.monotonic() + 1.2 * (interval + timeout)
    (text,) = peer.text(Event(EventType.EVENT, peer.namespace, ["unheard", "in front"]))
    while time.monotonic() < end:
        await _ping(target, peer, interval, timeout)
        response = await peer.engine.post(encode_payload([Packet(PacketType.MESSAGE, text), PONG]))
        if response.status != 200:
            raise Failure("200 to a POST with a PONG", f"{response}: {response.body[:60]!r}")
    peer.engine.answer_pings = True
    await peer.quiet()


@case("eio-heartbeat-timeout-websocket", needs=FAST, limit=rounds)
async def websocket_session_is_closed_when_pongs_come_no_more(target):
    await _falls_silent(target, "websocket")


@case("eio-heartbeat-timeout-polling", needs=FAST, limit=rounds)
async def long_polling_session_is_closed_when_pongs_come_no_more(target):
    await _falls_silent(target, "polling")


async def _falls_silent(target, transport):
    peer, interval, timeout = await _client(target, transport)
    await _ping(target, peer, interval, timeout)
    await peer.engine.send(PONG)
    patience = interval + timeout + max(interval, timeout) + 1  # some look only now and then
    wanted = f"the session closed within {patience:g} s, as no second PONG comes"
    try:
        async with asyncio.timeout(patience):
            while not await _ends(peer.engine):
                pass
    except TimeoutError:
        raise Failure(wanted, "it stays open") from None


async def _ends(engine):
    """Receive once, and say whether that shows the session's end."""
    if engine.transport == "websocket":
        try:
            frame = await engine.websocket.receive()
        except StreamClosed:
            return True
        return frame.opcode == Opcode.CLOSE or frame.payload == b"1"
    response = await engine.poll()
    return response.status >= 400 or b"1" in response.body.split(b"\x1e")
