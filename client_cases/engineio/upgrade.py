"""Engine.IO protocol, section "Upgrade", from the client's side."""

import asyncio

from sockproof.clients import EngineIOWebSocket, Failure, Unsupported, case

SEVERAL = 8
A_WHILE = 1.0  # seconds in which a client that does not pause is connected
NONE = {"nothing": (), "another": ("webtransport",)}


async def probed(client):
    """A session over long-polling whose client has sent its probe, which is not answered yet."""
    engine = await client.upgrading(held=["websocket"])
    with client.context.preparing("the probe of an upgrade"):
        websocket = EngineIOWebSocket(await engine.visit("websocket"))
        if await websocket.receive() != "2probe":
            raise Failure("2probe", "another message")
    return engine, websocket


async def meanwhile(client, engine):
    """Socket.IO over long-polling beside the probe; None of a client that pauses for that."""
    session = client.socketio(engine)
    if not engine.is_polled:
        return None
    try:
        async with asyncio.timeout(A_WHILE):
            await session.connected(["/"])
    except TimeoutError:
        return None
    return session


@case("client-eio-upgrade-made")
async def client_of_both_transports_upgrades(client):
    engine = await client.upgrading()
    await engine.expect_upgrade()
    session = client.socketio(engine)
    await session.connected(["/"])
    await session.fence()


@case("client-eio-upgrade-announced", over={"upgrades": tuple(NONE)})
async def client_upgrades_to_no_transport_that_is_not_announced(client, upgrades):
    client.setup("upgrade")
    engine = await client.engine(upgrades=NONE[upgrades])
    client.expect_polling(engine)
    session = client.socketio(engine)
    await session.connected(["/"])
    for _ in range(3):
        await session.fence()
    for visit in client.visits:
        if visit.is_upgrade:
            raise Failure("no WebSocket, which was not announced", visit.request)


@case("client-eio-upgrade-sid")
async def websocket_of_an_upgrade_names_the_session(client):
    engine = await client.upgrading()
    for visit in client.visits:
        if visit.is_upgrade and visit.query.get("sid") != engine.sid:
            raise Failure(f"sid={engine.sid} in the query", visit.request)


@case("client-eio-upgrade-probe")
async def first_message_is_the_probe(client):
    engine = await client.upgrading(held=["websocket"])
    websocket = EngineIOWebSocket(await engine.visit("websocket"))
    with client.context.awaits("2probe"):
        message = await websocket.receive()
    if message != "2probe":
        raise Failure("2probe", f"{message!r:.100}")


@case("client-eio-upgrade-packet")
async def answered_probe_is_followed_by_upgrade(client):
    engine, websocket = await probed(client)
    engine.probed = True  # a GET that waits is answered with NOOP
    engine.release()
    websocket.send("3probe")
    with client.context.awaits("5"):
        message = await websocket.receive()
    if message != "5":
        raise Failure("5", f"{message!r:.100}")


@case("client-eio-upgrade-pause")
async def no_request_follows_upgrade(client):
    engine, websocket = await probed(client)
    engine.adopt_probe(websocket)
    await engine.expect_upgrade()
    session = client.socketio(engine)
    await session.connected(["/"])
    for number in range(SEVERAL):  # a GET or a POST from there on is a Failure wherever it comes
        session.emit("message", number)
    await session.expect_echoes(range(SEVERAL))
    await session.fence()


@case("client-eio-upgrade-not-before")
async def no_message_is_sent_on_the_websocket_before_upgrade(client):
    engine, websocket = await probed(client)
    session = await meanwhile(client, engine)
    if session is not None:
        for number in range(SEVERAL):
            session.emit("message", number)
        with client.context.preparing("a client that goes on over long-polling meanwhile"):
            await session.expect_echoes(range(SEVERAL))
    await websocket.fence()
    if websocket.heard:
        raise Failure("nothing on the WebSocket before UPGRADE", repr(websocket.heard[0]))


@case("client-eio-upgrade-sent")
async def what_is_emitted_during_an_upgrade_leaves_exactly_once(client):
    engine, websocket = await probed(client)
    session = await meanwhile(client, engine)
    if session is not None:
        for number in range(SEVERAL):
            session.emit("message", number)
        await engine.sent()
    engine.adopt_probe(websocket)
    await engine.expect_upgrade()
    if session is None:
        session = client.socketio(engine)
        await session.connected(["/"])
        for number in range(SEVERAL):
            session.emit("message", number)
    for number in range(SEVERAL, 2 * SEVERAL):
        session.emit("message", number)
    await session.expect_echoes(range(2 * SEVERAL))
    await session.fence()


@case("client-eio-upgrade-sent")
async def what_waits_when_the_upgrade_begins_leaves_behind_it(client):
    engine, websocket = await probed(client)
    session = await meanwhile(client, engine)
    if session is None:
        raise Unsupported("a client that goes on over long-polling meanwhile", "it pauses")
    with client.context.preparing("a POST of the client, and events that wait for it"):
        session.emit("message", 0)
        post = await engine.visit("post")
        for number in range(1, SEVERAL):
            session.emit("message", number)
        await client.until("the reports", lambda: len(client.events("message")) == SEVERAL)
    engine.adopt_probe(websocket)
    engine.take_post(post)
    engine.automatic("post")
    await engine.expect_upgrade()
    await session.expect_echoes(range(SEVERAL))
    await session.fence()


@case("client-eio-upgrade-received")
async def what_is_sent_during_an_upgrade_is_handled_exactly_once(client):
    engine, websocket = await probed(client)
    session = await meanwhile(client, engine)
    if session is None:
        session = client.socketio(engine)
        engine.adopt_probe(websocket)
        await engine.expect_upgrade()
        await session.connected(["/"])
    for number in range(SEVERAL):
        session.emit("message", number)
        if number == SEVERAL // 2 and engine.transport == "polling":
            await engine.sent()
            engine.adopt_probe(websocket)
    await engine.expect_upgrade()
    session.emit("message", SEVERAL)
    await session.expect_echoes(range(SEVERAL + 1))
    await session.fence()
