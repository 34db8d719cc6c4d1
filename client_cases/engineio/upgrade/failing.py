"""Engine.IO protocol, section "Upgrade": attempts that fail leave long-polling as it was."""

from sockproof.clients import EngineIOWebSocket, Failure, Visit, case

ENDS = ("fin", "rst", "close")
WRONG: dict[str, str | bytes] = {
    "pong-alone": "3",
    "pong-other": "3other",
    "ping": "2probe",
    "message": '42["message","early"]',
    "noop": "6",
    "no-type": "x",
    "octets": b"3probe",
}


async def asked_to_upgrade(client):
    """A session over long-polling, and the request for its WebSocket."""
    engine = await client.upgrading(held=["websocket"])
    return engine, await engine.visit("websocket")


async def goes_on_over_polling(client, engine):
    """The client is served over long-polling, in the session that it has."""
    session = client.socketio(engine)
    wanted = "the same session over long-polling"
    if not await client.connects(session):
        raise Failure(wanted, "the application is told that there is no connection")
    session.accept("/")
    await session.fence()
    await session.fence()
    client.expect_no_opening(wanted)


async def refused(client, how):
    """The WebSocket of an upgrade is refused so, as often as the client asks for it."""
    engine, visit = await asked_to_upgrade(client)
    how(visit)
    engine.treat("websocket", how)
    await goes_on_over_polling(client, engine)


@case("client-eio-upgrade-refused", over={"status": (400, 403, 404, 500, 200)})
async def client_whose_websocket_is_refused_goes_on_over_polling(client, status):
    await refused(client, lambda visit: visit.answer(status, b"no WebSocket here"))


@case("client-eio-upgrade-refused", over={"end": ("fin", "rst")})
async def client_whose_websocket_is_not_answered_goes_on_over_polling(client, end):
    await refused(client, Visit.end if end == "fin" else Visit.reset)


@case("client-eio-upgrade-interrupted", over={"when": ("at-once", "probed"), "end": ENDS})
async def client_whose_websocket_ends_before_upgrade_goes_on_over_polling(client, when, end):
    engine, visit = await asked_to_upgrade(client)
    websocket = EngineIOWebSocket(visit)
    if when == "probed":
        with client.context.preparing("2probe"):
            await websocket.receive()
    else:
        await visit.connection.stream.flush()
    if end == "fin":
        visit.end()
    elif end == "rst":
        visit.reset()
    else:
        websocket.close(1011)
    await goes_on_over_polling(client, engine)


@case("client-eio-upgrade-wrong-answer", over={"answer": tuple(WRONG)})
async def probe_that_is_answered_wrongly_is_no_upgrade(client, answer):
    engine, visit = await asked_to_upgrade(client)
    websocket = EngineIOWebSocket(visit)
    with client.context.preparing("2probe"):
        await websocket.receive()
    websocket.send(WRONG[answer])
    await goes_on_over_polling(client, engine)
    await websocket.arrived()
    if "5" in websocket.heard:
        raise Failure("no UPGRADE behind an answer that is none", "5")
