"""Engine.IO protocol, section "Heartbeat"."""

import asyncio
import math
import time

from sockproof.conformance import (
    Failure,
    Inconclusive,
    StreamClosed,
    case,
    expect_ping,
    expect_timed_out,
)
from sockproof.wire.engineio import Packet, PacketType

ALL = {"transport": ["polling", "websocket", "upgrade"]}
BOTH = {"transport": ["polling", "websocket"]}
FAST = {"message-echo", "fast-timers"}

PONG = Packet(PacketType.PONG)


def three_rounds(interval, timeout):
    """Three times what lies between two PINGs at most, and time to open the session."""
    return 6 + 3 * (interval + timeout)


async def _client(target, transport=None):
    """A client that answers no PING by itself, over whichever transport there is by default."""
    peer = await target.echo(transport)
    peer.engine.answer_pings = False
    return peer


@case("eio-heartbeat-ping-sent", needs=FAST, limit=three_rounds)
async def ping_is_sent_on_a_websocket(target):
    await expect_ping((await _client(target, "websocket")).engine)


@case("eio-heartbeat-ping-sent-polling", needs=FAST, limit=three_rounds)
async def ping_is_sent_over_long_polling(target):
    await expect_ping((await _client(target, "polling")).engine)


@case("eio-heartbeat-ping-after-upgrade", needs=FAST, limit=three_rounds)
async def ping_is_sent_on_the_websocket_after_an_upgrade(target):
    await expect_ping((await _client(target, "upgrade")).engine)


@case("eio-heartbeat-ping-interval", needs=FAST, limit=three_rounds, exclusive=True)
async def next_ping_follows_after_the_ping_interval(target):
    peer = await _client(target)
    interval, _ = peer.engine.timers
    await expect_ping(peer.engine)
    await peer.engine.send(PONG)
    began = time.monotonic()
    await expect_ping(peer.engine)
    passed = time.monotonic() - began
    if not interval / 2 < passed < interval * 1.5 + 0.1:
        target.non_strict(f"the next PING after {interval:g} s", f"after {passed:.2f} s")


@case("eio-heartbeat-ping-empty", needs=FAST, limit=three_rounds)
async def ping_has_no_payload(target):
    packet = await expect_ping((await _client(target)).engine)
    if packet.data:
        target.non_strict("PING without a payload", packet)


@case("eio-heartbeat-pong-keeps", needs=FAST, limit=three_rounds, over=ALL)
async def session_whose_pings_are_answered_stays_open(target, transport):
    before = time.monotonic()
    peer = await _client(target, transport)
    interval, timeout = peer.engine.timers
    end = time.monotonic() + 1.2 * (interval + timeout)
    pinged = math.inf
    while time.monotonic() < end:
        try:
            await expect_ping(peer.engine)
            # It may have been on its way for a while: a busy machine hears of it late.
            pinged = min(time.monotonic(), before + interval)
            await peer.engine.send(PONG)
        except (Failure, StreamClosed):
            _in_time(pinged, timeout, before)
            raise
        before = time.monotonic()
    peer.engine.answer_pings = True
    await peer.quiet()


@case("eio-heartbeat-pong-in-time", needs=FAST, limit=three_rounds, over=BOTH, exclusive=True)
async def pong_may_take_most_of_the_ping_timeout(target, transport):
    before = time.monotonic()
    peer = await _client(target, transport)
    interval, timeout = peer.engine.timers
    for _ in range(2):
        await expect_ping(peer.engine)
        # It may have been on its way for a while: a busy machine hears of it late.
        pinged = min(time.monotonic(), before + interval)
        answers = pinged + 0.6 * timeout  # the time that an answer takes is the point here
        await asyncio.sleep(max(0.0, answers - time.monotonic()))
        before = time.monotonic()
        try:
            await peer.engine.send(PONG)
        except (Failure, StreamClosed):
            _in_time(pinged, timeout)
            raise
        _in_time(pinged, timeout)
    peer.engine.answer_pings = True
    await peer.quiet()


def _in_time(pinged, timeout, answered=0.0):
    """Raise `Inconclusive` where our own PONG may have been too late, if it has left."""
    left = answered if pinged < answered else time.monotonic()
    if left - pinged > 0.8 * timeout:
        raise Inconclusive("a PONG within the ping timeout", "we were too busy for that")


@case(
    "eio-heartbeat-timeout-websocket",
    needs=FAST,
    limit=three_rounds,
    over={"after": ["none", "upgrade"]},
)
async def websocket_session_without_pongs_is_closed(target, after):
    peer = await _client(target, "upgrade" if after == "upgrade" else "websocket")
    await expect_timed_out(peer.engine, "no PONG comes")


@case("eio-heartbeat-timeout-polling", needs=FAST, limit=three_rounds)
async def long_polling_session_without_pongs_is_closed(target):
    peer = await _client(target, "polling")
    await expect_timed_out(peer.engine, "no PONG comes")


@case("eio-heartbeat-client-ping", needs={"websocket", "slow-timers"})
async def ping_of_a_client_on_a_websocket_closes_the_session(target):
    engine = await target.connect_engineio("websocket")
    await engine.send(Packet(PacketType.PING))
    await engine.expect_closed("the session closed by a client's PING", lenient=True)


@case("eio-heartbeat-client-ping", needs={"polling", "slow-timers"})
async def ping_of_a_client_over_long_polling_closes_the_session(target):
    engine = await target.connect_engineio("polling")
    wanted = "the session closed by a client's PING"
    get = await engine.hold_get()  # some answer the POST only when their CLOSE has been taken
    with target.awaits(wanted):
        if (await engine.post(b"2")).status >= 400:
            return
    await engine.expect_closed(wanted, lenient=True, held=get)
