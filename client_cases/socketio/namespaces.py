"""Socket.IO protocol: how a client connects to namespaces, and keeps them apart."""

import asyncio
from typing import Any

from sockproof.clients import Failure, SocketIOSession, SocketIOVisitor, Unsupported, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType, parse

TRANSPORTS = {"transport": ("websocket", "polling", "upgrade")}
AUTH: dict[str, dict[str, Any]] = {
    "token": {"token": "abc"},
    "nested": {"user": {"id": 7, "roles": ["a", "b"]}, "fresh": True, "none": None},
    "text": {"name": 'Zoë ☃ \U0001f600 "quoted" \\ 1,2', "": "no name"},
    "empty-values": {"a": "", "b": [], "c": {}, "d": 0, "e": False},
}


@case("client-sio-connect-sent", over=TRANSPORTS)
async def first_packet_is_connect(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = client.socketio(await client.engine())
    await session.expect_connect("/")


@case("client-sio-connect-namespace", over=TRANSPORTS)
async def each_namespace_gets_a_connect(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, namespaces=("/", "/custom", "/other"))
    session = client.socketio(await client.engine())
    await session.connected(client.asked.namespaces)


@case("client-sio-connect-not-implicit", over={"transport": ("websocket", "polling")})
async def main_namespace_is_not_connected_to_unasked(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport, namespaces=("/custom",))
    session = client.socketio(await client.engine())
    await session.connected(["/custom"])
    await session.fence("/custom")


@case("client-sio-connect-once", over=TRANSPORTS)
async def namespace_gets_one_connect(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, namespaces=("/", "/custom"))
    session = await client.session()
    for namespace in client.asked.namespaces:
        await session.fence(namespace)


@case("client-sio-connect-auth", over={"auth": tuple(AUTH)})
async def payload_of_connect_is_what_the_application_gives(
    client: SocketIOVisitor, auth: str
) -> None:
    client.setup(auth=AUTH[auth])
    session = client.socketio(await client.engine())
    packet = await session.expect_connect("/")
    if packet.data != AUTH[auth]:
        raise Failure(f"CONNECT with {AUTH[auth]}", packet)


@case("client-sio-connect-auth-each")
async def each_connect_holds_what_the_application_gives(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/custom"), auth=AUTH["nested"])
    session = client.socketio(await client.engine())
    for _ in client.asked.namespaces:
        packet = await session.expect_connect()
        if packet.data != AUTH["nested"]:
            raise Failure(f"CONNECT with {AUTH['nested']}", packet)
        session.accept(packet.namespace)


@case("client-sio-connect-auth-absent")
async def connect_without_authentication_has_no_payload(client: SocketIOVisitor) -> None:
    session = client.socketio(await client.engine())
    packet = await session.expect_connect("/")
    if packet.data not in (None, {}):
        raise Failure("CONNECT without a payload, or with an empty object", packet)


@case("client-sio-connect-reported", over=TRANSPORTS)
async def connected_namespace_is_reported_once(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, namespaces=("/", "/custom"))
    session = await client.session()
    for namespace in client.asked.namespaces:
        await session.fence(namespace)
    told = sorted(each["namespace"] for each in client.reported("connect"))
    if told != ["/", "/custom"]:
        raise Failure("one report `connect` of each namespace", f"those of {told}")


@case("client-sio-connect-not-before")
async def refused_namespace_is_not_reported_as_connected(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = client.socketio(await client.engine())
    refusal = Packet(PacketType.CONNECT_ERROR, "/custom", {"message": "Not authorized"})
    for _ in client.asked.namespaces:
        if (await session.expect_connect()).namespace == "/":
            session.accept("/")
        else:
            session.send(refusal)
    await client.seen("connect_error", "/custom")
    if client.reported("connect", "/custom"):
        raise Failure("no report `connect` before the answer", "one of /custom")


@case("client-sio-connect-unanswered")
async def namespace_without_an_answer_is_not_reported_as_connected(
    client: SocketIOVisitor,
) -> None:
    client.setup(namespaces=("/", "/silent"))
    session = client.socketio(await client.engine())
    await _asked_at_once(session)
    session.accept("/")
    await session.fence("/")
    if client.reported("connect", "/silent"):
        raise Failure("no report `connect` of a namespace that is not connected", "one")


@case("client-sio-connect-any-order")
async def namespaces_are_answered_in_reverse(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/one", "/two"))
    session = client.socketio(await client.engine())
    for namespace in reversed(await _asked_at_once(session)):
        session.accept(namespace)
        await session.fence(namespace)


async def _asked_at_once(session: SocketIOSession) -> list[str]:
    """The namespaces of the CONNECTs that come before any is answered."""
    found = [(await session.expect_connect()).namespace]
    session.engine.send(engineio.Packet(engineio.PacketType.PING))
    while len(found) < len(session.client.asked.namespaces):
        packet = await session.engine.receive()
        if packet.type == engineio.PacketType.PONG:
            raise Unsupported("a client that asks for its namespaces at once", f"it asks: {found}")
        found.append(parse(str(packet.data))[0].namespace)
    return found


@case("client-sio-connect-apart", over=TRANSPORTS)
async def event_reaches_the_handlers_of_its_namespace(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport, namespaces=("/", "/custom"))
    session = await client.session()
    for number, namespace in enumerate(("/custom", "/", "/custom")):
        session.emit("message", number, "where", namespace=namespace)
        await session.expect_event("message-back", number, "where", namespace=namespace)
    await session.fence("/")
    await session.fence("/custom")
    told = sorted((each["args"][0], each["namespace"]) for each in client.events("message"))
    if told != [(0, "/custom"), (1, "/"), (2, "/custom")]:
        raise Failure("each event in its own namespace", f"{told}")


NAMES = ("/a/b", "/0", "/1-2", "/with-dash", "/UPPER.case~", "/zoë", "/a b", '/"[{]}', "/%2F")


@case("client-sio-connect-name", over={"name": NAMES})
async def name_of_a_namespace_is_kept(client: SocketIOVisitor, name: str) -> None:
    client.setup(namespaces=(name,))
    session = client.socketio(await client.engine())
    await session.connected([name])
    await session.fence(name)


@case("client-sio-connect-later")
async def client_connects_to_a_further_namespace(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.do("connect", namespace="/later")
    same = asyncio.ensure_future(session.expect_connect("/later"))
    other = asyncio.ensure_future(client.opening())
    try:
        await asyncio.wait({same, other}, return_when=asyncio.FIRST_COMPLETED)
        if same.done():
            await same
            client.context.notes.append(("a further namespace", "over the same connection"))
            session.accept("/later")
        else:
            client.context.notes.append(("a further namespace", "over another connection"))
            session = client.socketio(client.open(await other))
            await session.connected(["/later"])
    finally:
        same.cancel()
        other.cancel()
    await client.seen("connect")  # that of the first
    await client.seen("connect", "/later")
    await session.fence("/later")


@case("client-sio-connect-unknown-fields")
async def connect_with_other_fields_is_accepted(client: SocketIOVisitor) -> None:
    session = client.socketio(await client.engine())
    await session.expect_connect("/")
    session.accept("/", also=[1, {"more": None}], pid=7, offset={"no": "text"})
    await client.seen("connect", "/")
    await session.fence()


@case("client-sio-connect-no-sid", over={"payload": ("", "{}", '{"sid":""}', '{"sid":7}')})
async def connect_without_a_sid_is_told_of(client: SocketIOVisitor, payload: str) -> None:
    session = client.socketio(await client.engine())
    await session.expect_connect("/")
    session.send_messages(f"0{payload}")
    await client.seen_any("connect", "connect_error", "error", "disconnect")


@case("client-sio-connect-answered-twice")
async def second_answer_to_connect_is_no_second_connection(client: SocketIOVisitor) -> None:
    session = await client.session()
    await client.seen("connect", "/")
    session.accept("/", sid=session.sids["/"])
    await session.goes_on("the second CONNECT passed over, or the connection closed")
    if client.reported("connect")[1:]:
        wanted = "no second report `connect` without a disconnect between"
        client.context.non_strict(wanted, "a second one")


@case("client-sio-connect-unasked")
async def connect_that_nobody_asked_for_is_passed_over(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.accept("/nobody")
    session.emit("message", "to nobody", namespace="/nobody")
    await session.goes_on("the CONNECT passed over, or the connection closed")
