"""Engine.IO protocol, section "Upgrade", from the client's side."""

import asyncio
import contextlib

from sockproof.clients import EngineIOWebSocket, Failure, case

SEVERAL = 8
A_WHILE = 0.3  # seconds in which a client that does not pause shows it
NONE = {"nothing": (), "another": ("webtransport",)}


async def probed(client):
    """A session over long-polling whose client has sent its probe, which is not answered yet."""
    client.setup("upgrade")
    engine = await client.engine()
    with client.context.preparing("the probe of an upgrade"):
        websocket = EngineIOWebSocket(await engine.visit("websocket"))
        if await websocket.receive() != "2probe":
            raise Failure("2probe", "another message")
    return engine, websocket


@case("client-eio-upgrade-made")
async def client_of_both_transports_upgrades(client):
    client.setup("upgrade")
    engine = await client.engine()
    await engine.expect_upgrade()
    session = client.socketio(engine)
    await session.connected(["/"])
    await session.fence()


@case("client-eio-upgrade-announced", over={"upgrades": tuple(NONE)})
async def client_upgrades_to_no_transport_that_is_not_announced(client, upgrades):
    client.setup("upgrade")
    engine = await client.engine(upgrades=NONE[upgrades])
    session = client.socketio(engine)
    await session.connected(["/"])
    for _ in range(3):
        await session.fence()
    for visit in client.visits:
        if visit.is_upgrade:
            raise Failure("no WebSocket, which was not announced", visit.request)


@case("client-eio-upgrade-sid")
async def websocket_of_an_upgrade_names_the_session(client):
    client.setup("upgrade")
    engine = await client.engine()
    await client.until("a WebSocket", lambda: any(visit.is_upgrade for visit in client.visits))
    for visit in client.visits:
        if visit.is_upgrade and visit.query.get("sid") != engine.sid:
            raise Failure(f"sid={engine.sid} in the query", visit.request)


@case("client-eio-upgrade-probe")
async def first_message_is_the_probe(client):
    client.setup("upgrade")
    engine = await client.engine()
    websocket = EngineIOWebSocket(await engine.visit("websocket"))
    with client.context.awaits("2probe"):
        message = await websocket.receive()
    if message != "2probe":
        raise Failure("2probe", f"{message!r:.100}")


@case("client-eio-upgrade-packet")
async def answered_probe_is_followed_by_upgrade(client):
    engine, websocket = await probed(client)
    websocket.send("3probe")
    engine.probed = True  # a GET that waits is answered with NOOP
    engine.release()
    with client.context.awaits("5"):
        message = await websocket.receive()
    if message != "5":
        raise Failure("5", f"{message!r:.100}")


@case("client-eio-upgrade-pause")
async def no_get_is_under_way_when_upgrade_leaves(client):
    engine, websocket = await probed(client)
    waiting = [await engine.visit("poll")] if engine.is_polled else []
    websocket.send("3probe")
    with contextlib.suppress(TimeoutError):  # one that pauses need not answer a Ping meanwhile
        async with asyncio.timeout(A_WHILE):
            await websocket.fence()
    if waiting and "5" in websocket.heard:
        raise Failure("no UPGRADE while a GET is under way", "5")
    for poll in waiting:
        poll.answer(200, b"6")
    engine.automatic("poll")
    engine.probed = True
    engine.release()
    with client.context.awaits("5"):
        while "5" not in websocket.heard:
            websocket.heard.append(await websocket.receive())
    engine.adopt(websocket, behind=websocket.heard[websocket.heard.index("5") + 1 :])
    session = client.socketio(engine)
    await session.connected(["/"])
    for _ in range(3):  # a GET or a POST behind the upgrade is a Failure wherever it comes
        await session.fence()


@case("client-eio-upgrade-not-before")
async def no_message_is_sent_on_the_websocket_before_upgrade(client):
    engine, websocket = await probed(client)
    session = client.socketio(engine)
    with client.context.preparing("a client that goes on over long-polling meanwhile"):
        if engine.is_polled:
            await session.connected(["/"])
            for number in range(SEVERAL):
                session.emit("message", number)
            await session.expect_echoes(range(SEVERAL))
    await websocket.fence()
    if websocket.heard:
        raise Failure("nothing on the WebSocket before UPGRADE", repr(websocket.heard[0]))


@case("client-eio-upgrade-sent")
async def what_is_emitted_during_an_upgrade_leaves_exactly_once(client):
    engine, websocket = await probed(client)
    session = client.socketio(engine)
    if engine.is_polled:
        with client.context.preparing("a client that is connected over long-polling"):
            await session.connected(["/"])
        for number in range(SEVERAL):
            session.emit("message", number)
        await engine.sent()
    engine.adopt_probe(websocket)
    await engine.expect_upgrade()
    if not session.sids:
        await session.connected(["/"])
        for number in range(SEVERAL):
            session.emit("message", number)
    for number in range(SEVERAL, 2 * SEVERAL):
        session.emit("message", number)
    await session.expect_echoes(range(2 * SEVERAL))
    await session.fence()


@case("client-eio-upgrade-received")
async def what_is_sent_during_an_upgrade_is_handled_exactly_once(client):
    engine, websocket = await probed(client)
    session = client.socketio(engine)
    if engine.is_polled:
        with client.context.preparing("a client that is connected over long-polling"):
            await session.connected(["/"])
    else:
        engine.adopt_probe(websocket)
        await engine.expect_upgrade()
        await session.connected(["/"])
    for number in range(SEVERAL):
        session.emit("counted", number)
        if number == SEVERAL // 2 and engine.transport == "polling":
            await engine.sent()
            engine.adopt_probe(websocket)
    await engine.expect_upgrade()
    session.emit("counted", SEVERAL)
    await session.fence()
    counted = [report["args"] for report in client.events("counted")]
    if sorted(counted) != [[number] for number in range(SEVERAL + 1)]:
        raise Failure(f"the events 0 to {SEVERAL}, once each", counted)
