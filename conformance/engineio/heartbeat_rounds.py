"""Engine.IO protocol, section "Heartbeat": the second round, beside other packets, and its end."""

import asyncio
import time

from sockproof.conformance import Failure, case, expect_ping, expect_timed_out
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
    """A client that answers no PING by itself."""
    peer = await target.socketio(transport)
    peer.engine.answer_pings = False
    return peer


@case("eio-heartbeat-ping-empty", needs=FAST, limit=rounds, over=ALL)
async def pings_of_two_rounds_have_no_payload(target, transport):
    peer = await _client(target, transport)
    for _ in range(2):
        packet = await expect_ping(peer.engine)
        if packet.data:
            target.non_strict("PING without a payload", packet)
        await peer.engine.send(PONG)


@case("eio-heartbeat-ping-sent", needs=FAST, limit=rounds, over=BOTH)
async def ping_is_sent_to_a_client_that_keeps_sending(target, transport):
    peer = await _client(target, transport)
    interval, timeout = peer.engine.timers

    async def keep_sending():
        while True:
            await peer.emit("message-with-ack", "nothing answers this")
            await asyncio.sleep(interval / 4)  # the time between two packets is the point here

    for _ in range(2):
        async with asyncio.timeout(2 * (interval + timeout) + 1):
            sending = asyncio.ensure_future(keep_sending())
            try:
                await expect_ping(peer.engine)
            finally:
                sending.cancel()
        await peer.engine.send(PONG)


@case("eio-heartbeat-pong-keeps", needs=FAST, limit=rounds)
async def pong_behind_a_message_of_one_post_counts(target):
    peer = await _client(target, "polling")
    interval, timeout = peer.engine.timers
    end = time.monotonic() + 1.2 * (interval + timeout)
    (text,) = peer.text(Event(EventType.EVENT, peer.namespace, ["message-with-ack", "in front"]))
    while time.monotonic() < end:
        await expect_ping(peer.engine)
        response = await peer.engine.post(encode_payload([Packet(PacketType.MESSAGE, text), PONG]))
        if response.status != 200:
            raise Failure(
                "200 to a POST with a PONG", f"{response}: {response.body[:60]!r}", came=response
            )
    peer.engine.answer_pings = True
    await peer.quiet()


@case("eio-heartbeat-timeout-websocket", needs=FAST, limit=rounds)
async def websocket_session_is_closed_when_pongs_come_no_more(target):
    await _falls_silent(target, "websocket")


@case("eio-heartbeat-timeout-polling", needs=FAST, limit=rounds)
async def long_polling_session_is_closed_when_pongs_come_no_more(target):
    await _falls_silent(target, "polling")


async def _falls_silent(target, transport):
    peer = await _client(target, transport)
    await expect_ping(peer.engine)
    await peer.engine.send(PONG)
    await expect_timed_out(peer.engine, "no second PONG comes")
