"""Socket.IO protocol: CONNECT_ERROR, of one namespace while others live, and of all."""

from typing import Any

from sockproof.clients import Failure, SocketIOSession, SocketIOVisitor, StreamClosed, case
from sockproof.wire.socketio import Packet, PacketType

MESSAGE = "Not authorized, Zoë"
DETAILS: dict[str, Any] = {
    "object": {"code": 42, "why": ["late", {"deep": None}]},
    "list": [1, "two", [3]],
    "text": "please reload 7",
    "number": 4711,
}
LIVES_ON = "the other namespace as it was"


async def _answered(client: SocketIOVisitor, *refused: str, **data: Any) -> SocketIOSession:
    """A session whose CONNECTs are answered as they come: these refused, the others accepted."""
    session = client.socketio(await client.engine())
    with client.context.preparing("a CONNECT to each namespace"):
        for _ in client.asked.namespaces:
            namespace = (await session.expect_connect()).namespace
            if namespace in refused:
                _refuse(session, namespace, **data)
            else:
                session.accept(namespace)
    return session


def _refuse(session: SocketIOSession, namespace: str, **data: Any) -> None:
    payload = {"message": MESSAGE, **data}
    session.send(Packet(PacketType.CONNECT_ERROR, namespace, payload))


def _holds(told: Any, wanted: Any) -> bool:
    """Whether a report holds a value somewhere, however the driver wraps it."""
    if told == wanted or (isinstance(told, str) and isinstance(wanted, str) and wanted in told):
        return True
    parts = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    return any(_holds(part, wanted) for part in parts)


async def _next(client: SocketIOVisitor, session: SocketIOSession, wanted: str) -> Packet | str:
    """The client's next packet, or how it gave its namespaces up, as its application was told."""
    with client.context.awaits(wanted):
        try:
            got = await session.receive()
        except StreamClosed as closed:
            how = closed.how
        else:
            if got.type != PacketType.DISCONNECT:
                return got
            how = str(got)
    await client.seen_any("disconnect", "error")
    return how


async def _given_up(
    client: SocketIOVisitor, session: SocketIOSession, namespace: str
) -> str | None:
    """How a client gave up this namespace, too; None where it answers there.

    A client may do so, and has to tell its application.
    """
    word = client.word()
    session.emit("message", word, namespace=namespace)
    got = await _next(client, session, LIVES_ON)
    if isinstance(got, str):
        return got
    if (got.data, got.namespace) != (["message-back", word], namespace):
        raise Failure(LIVES_ON, got)
    await client.told(word)
    return None


async def _lives_on(client: SocketIOVisitor, session: SocketIOSession, namespace: str) -> bool:
    """Whether a namespace goes on beside a refused one, as it should."""
    how = await _given_up(client, session, namespace)
    if how is not None:
        client.context.non_strict(LIVES_ON, f"all of them given up: {how}")
    return how is None


@case("client-sio-error-reported", over={"transport": ("websocket", "polling")})
async def refused_main_namespace_is_reported_once(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    await _answered(client, "/")
    await client.seen("connect_error", "/")
    if client.reported("connect"):
        raise Failure("no report `connect` of a namespace that refuses the client", "one")


@case("client-sio-error-reported")
async def refused_namespace_is_reported_once_beside_another(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/refused"))
    session = await _answered(client, "/refused")
    await client.seen("connect_error", "/refused")
    await _lives_on(client, session, "/")
    told = client.reported("connect_error")
    if len(told) != 1:
        raise Failure("one report `connect_error`", f"{len(told)} of them")


@case("client-sio-error-data")
async def message_of_a_refusal_reaches_the_application(client: SocketIOVisitor) -> None:
    await _answered(client, "/")
    report = await client.seen("connect_error", "/")
    if not _holds(report.get("data"), MESSAGE):
        raise Failure(f"a report that holds the message {MESSAGE!r}", f"{report!r:.300}")


@case("client-sio-error-details", over={"details": tuple(DETAILS)})
async def details_of_a_refusal_reach_the_application(client: SocketIOVisitor, details: str) -> None:
    await _answered(client, "/", data=DETAILS[details])
    report = await client.seen("connect_error", "/")
    if _holds(report.get("data"), DETAILS[details]):
        return
    wanted = f"a report that holds {DETAILS[details]!r}"
    if not _holds(report.get("data"), MESSAGE):
        raise Failure(wanted, f"{report!r:.300}")
    client.context.non_strict(wanted, f"{report!r:.300}")


@case("client-sio-error-text")
async def refusal_in_text_of_revision_4_is_told_of(client: SocketIOVisitor) -> None:
    session = client.socketio(await client.engine())
    await session.expect_connect("/")
    session.send_messages(f'4"{MESSAGE}"')
    report = await client.seen_any("connect_error", "error", "disconnect")
    held = "with its text" if _holds(report, MESSAGE) else "without its text"
    client.context.notes.append(("a refusal in text", f"reported as {report['type']}, {held}"))


@case("client-sio-error-empty", over={"payload": ("", "{}")})
async def refusal_without_a_message_is_told_of(client: SocketIOVisitor, payload: str) -> None:
    session = client.socketio(await client.engine())
    await session.expect_connect("/")
    session.send_messages(f"4{payload}")
    session.accept("/")  # for who passes over what is no refusal
    await client.seen_any("connect_error", "error", "disconnect", "connect")


@case("client-sio-error-others", over={"refused": ("/custom", "/")})
async def other_namespaces_live_on_beside_a_refused_one(
    client: SocketIOVisitor, refused: str
) -> None:
    other = "/" if refused == "/custom" else "/custom"
    client.setup(namespaces=(other, refused))
    session = await _answered(client, refused)
    await client.seen("connect_error", refused)
    await _lives_on(client, session, other)


@case("client-sio-error-not-connected")
async def events_of_a_refused_namespace_are_not_handled(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/refused"))
    session = await _answered(client, "/refused")
    session.emit("message", "to nobody", namespace="/refused")
    await client.seen("connect_error", "/refused")
    await _lives_on(client, session, "/")
    if client.events("message"):
        raise Failure("no event in a namespace that refused the client", client.events()[0])


@case("client-sio-error-not-connected")
async def refused_namespace_is_not_reported_as_disconnected(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/refused"))
    session = await _answered(client, "/refused")
    await client.seen("connect_error", "/refused")
    if await _lives_on(client, session, "/"):
        session.engine.vanish()
        await client.seen("disconnect", "/")
    if client.reported("disconnect", "/refused"):
        raise Failure("no report `disconnect` of a namespace that never was connected", "one")


@case("client-sio-error-again")
async def refused_namespace_can_be_connected_to_later(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/refused"))
    session = await _answered(client, "/refused")
    await client.seen("connect_error", "/refused")
    if not await _lives_on(client, session, "/"):
        return
    session.do("connect", namespace="/refused")
    got = await _next(client, session, "CONNECT to /refused")
    if isinstance(got, str):  # who gives up the others may do so a little later, too
        client.context.non_strict(LIVES_ON, f"all of them given up: {got}")
        return
    if (got.type, got.namespace) != (PacketType.CONNECT, "/refused"):
        raise Failure("CONNECT to /refused", got)
    session.accept("/refused")
    await session.fence("/refused")


@case("client-sio-error-late")
async def refusal_of_a_connected_namespace_leaves_nobody_deaf(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = await client.settled()
    _refuse(session, "/custom")
    await _lives_on(client, session, "/")
