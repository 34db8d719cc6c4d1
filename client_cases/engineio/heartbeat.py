"""Engine.IO protocol, section "Heartbeat", from the client's side."""

import asyncio
import time

from sockproof.clients import TRANSPORTS, Failure, Inconclusive, case
from sockproof.wire.engineio import Packet, PacketType

PING = Packet(PacketType.PING)
INTERVAL, TIMEOUT = 200, 1000  # milliseconds
SHORT = {"ping_interval": INTERVAL, "ping_timeout": TIMEOUT}
ROUNDS = 8  # longer than both together
TRIES = 3  # of PINGs in time, on a busy machine
LATE = 0.9  # seconds between two of our PINGs, behind which nothing is proved


async def pong(client, transport):
    """A PING is answered by a PONG that holds nothing, and behind it the client goes on."""
    client.setup(transport)
    session = await client.settled()
    session.engine.send(PING)
    await session.engine.expect(PacketType.PONG, "")
    await session.fence()


@case("client-eio-heartbeat-pong")
async def ping_on_a_websocket_is_answered(client):
    await pong(client, "websocket")


@case("client-eio-heartbeat-pong-polling")
async def ping_over_long_polling_is_answered(client):
    await pong(client, "polling")


@case("client-eio-heartbeat-pong-upgraded")
async def ping_behind_an_upgrade_is_answered(client):
    await pong(client, "upgrade")


@case("client-eio-heartbeat-pong-each", over={"transport": TRANSPORTS})
async def each_ping_is_answered_once(client, transport):
    client.setup(transport)
    session = await client.settled()
    for several in (1, 3, 1):
        session.engine.send(*[PING] * several)
        for _ in range(several):
            await session.engine.expect(PacketType.PONG, "")
    session.emit("message", "behind")
    if await until_answered(session, 1):
        raise Failure("a PONG for each PING", "one more")
    await session.fence()
    strange = [each for each in client.events() if each.get("name") != "message"]
    if strange:
        raise Failure("PINGs that are no events", f"{strange[0]!r:.200}")


@case("client-eio-heartbeat-pong", over={"transport": TRANSPORTS})
async def ping_between_events_is_answered_in_its_place_or_later(client, transport):
    client.setup(transport)
    session = await client.settled()
    session.emit("message", "before")
    session.engine.send(PING)
    session.emit("message", "behind")
    pongs = await until_answered(session, 2)
    if pongs == 0:
        await session.engine.expect(PacketType.PONG)
    elif pongs > 1:
        raise Failure("a PONG for the PING", f"{pongs} of them")


async def until_answered(session, events):
    """How many PONGs come before so many events of the client have."""
    pongs = 0
    with session.context.awaits("a PONG, and events"):
        while events:
            packet = await session.engine.receive()
            pongs += packet.type == PacketType.PONG
            events -= packet.type == PacketType.MESSAGE
    return pongs


@case("client-eio-heartbeat-timeout", over={"transport": ("websocket", "upgrade")}, limit=15)
async def server_that_sends_no_ping_is_taken_for_gone(client, transport):
    client.setup(transport)
    await client.settled(ping_interval=500, ping_timeout=500)
    await client.seen("disconnect", "/")


@case("client-eio-heartbeat-timeout", limit=15)
async def server_that_stops_sending_pings_is_taken_for_gone(client):
    client.setup("websocket")
    session = await client.settled(ping_interval=500, ping_timeout=500)
    session.engine.send(PING)
    await session.engine.expect(PacketType.PONG)
    await client.seen("disconnect", "/")


@case("client-eio-heartbeat-timeout-polling", limit=15)
async def server_that_sends_no_ping_over_long_polling_is_taken_for_gone(client):
    client.setup("polling")
    await client.settled(ping_interval=500, ping_timeout=500)
    await client.seen("disconnect", "/")


@case("client-eio-heartbeat-not-before", over={"transport": TRANSPORTS}, limit=15)
async def connection_stays_open_while_pings_come_in_time(client, transport):
    client.setup(transport)
    session = await client.settled(**SHORT)
    await beats(session)
    if client.count("disconnect"):
        raise Failure("a connection that stays open", "the application was told of its end")
    await session.fence()


@case("client-eio-heartbeat-not-before")
async def connection_stays_open_though_the_interval_is_longer_than_the_timeout(client):
    client.setup("websocket")
    session = await client.settled(ping_interval=1000, ping_timeout=300)
    await beats(session, rounds=2, interval=0.8, late=1.1)
    if client.count("disconnect"):
        raise Failure("a connection that stays open", "the application was told of its end")
    await session.fence()


@case("client-eio-heartbeat-no-ping", over={"transport": TRANSPORTS}, limit=15)
async def client_sends_no_ping_of_its_own(client, transport):
    client.setup(transport)
    session = await client.settled(**SHORT)
    await beats(session)
    await session.fence()


async def beats(session, rounds=ROUNDS, interval=INTERVAL / 1000, late=LATE):
    """The server's PINGs, in time, for longer than the times that it has announced.

    Where one left late they begin anew: a client that has ended then is in its right.
    """
    last, left, tries = time.monotonic(), rounds, TRIES
    in_time, missed = "PINGs sent in time", "some that left late"
    while left:
        await asyncio.sleep(interval)
        session.engine.send(PING)
        await session.engine.sent()
        left -= 1
        now = time.monotonic()
        if now - last > late:
            left, tries = rounds, tries - 1
        last = now
        if not tries:
            raise Inconclusive(in_time, missed)
        try:
            with session.context.awaits("a PONG"):
                await session.engine.expect(PacketType.PONG, "")
        except Failure as failure:
            if tries == TRIES:
                raise
            raise Inconclusive(in_time, missed) from failure
