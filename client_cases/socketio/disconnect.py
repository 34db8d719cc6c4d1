"""Socket.IO protocol: the end of one namespace and of all, and who hears of it."""

from sockproof.clients import Failure, SocketIOSession, SocketIOVisitor, StreamClosed, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling", "upgrade")}
BOTH = ("/", "/custom")


async def _two(client: SocketIOVisitor, transport: str = "websocket") -> SocketIOSession:
    """A client in the main namespace and in another one."""
    client.setup(transport, namespaces=BOTH)
    return await client.settled()


def _end(session: SocketIOSession, namespace: str) -> None:
    session.send(Packet(PacketType.DISCONNECT, namespace))


def _told_once(client: SocketIOVisitor, *namespaces: str) -> None:
    """The application heard that these namespaces are disconnected, of each once."""
    told = sorted(str(each.get("namespace")) for each in client.reported("disconnect"))
    if told != sorted(namespaces):
        raise Failure(f"one report `disconnect` of each of {namespaces}", f"those of {told}")


@case("client-sio-disconnect-received", over=TRANSPORTS)
async def namespace_that_the_server_ends_is_reported_once(
    client: SocketIOVisitor, transport: str
) -> None:
    session = await _two(client, transport)
    _end(session, "/custom")
    await client.seen("disconnect", "/custom")
    await session.fence("/")
    _told_once(client, "/custom")


@case("client-sio-disconnect-received")
async def last_namespace_that_the_server_ends_is_reported(client: SocketIOVisitor) -> None:
    session = await client.settled()
    _end(session, "/")
    await client.seen("disconnect", "/")


@case("client-sio-disconnect-received")
async def second_disconnect_is_not_reported(client: SocketIOVisitor) -> None:
    session = await _two(client)
    _end(session, "/custom")
    _end(session, "/custom")
    await client.seen("disconnect", "/custom")
    await session.goes_on("the second DISCONNECT passed over, or the connection closed")
    told = client.reported("disconnect", "/custom")
    if len(told) != 1:
        raise Failure("one report `disconnect` of /custom", f"{len(told)} of them")


@case("client-sio-disconnect-others", over={"ended": BOTH})
async def other_namespace_lives_on(client: SocketIOVisitor, ended: str) -> None:
    session = await _two(client)
    other = BOTH[1 - BOTH.index(ended)]
    _end(session, ended)
    await client.seen("disconnect", ended)
    await session.fence(other)
    session.emit("message-with-ack", "still here", namespace=other, id=1)
    await session.expect_ack(1, "still here", namespace=other)


@case("client-sio-disconnect-final")
async def event_behind_a_disconnect_is_not_handled(client: SocketIOVisitor) -> None:
    session = await _two(client)
    _end(session, "/custom")
    session.emit("message", "too late", namespace="/custom")
    await client.seen("disconnect", "/custom")
    await session.goes_on("the event passed over, or the connection closed")
    if client.events("message"):
        raise Failure("no event of a namespace that has ended", client.events("message")[0])


@case("client-sio-disconnect-no-reply", over=TRANSPORTS)
async def disconnect_is_not_answered(client: SocketIOVisitor, transport: str) -> None:
    session = await _two(client, transport)
    _end(session, "/custom")
    await session.fence("/")


@case("client-sio-disconnect-not-connected")
async def disconnect_of_a_foreign_namespace_is_passed_over(client: SocketIOVisitor) -> None:
    session = await client.settled()
    _end(session, "/nobody")
    if await session.goes_on("the DISCONNECT passed over, or the connection closed"):
        _told_once(client)


@case("client-sio-disconnect-again")
async def namespace_that_was_left_is_connected_to_anew(client: SocketIOVisitor) -> None:
    session = await _two(client)
    session.do("disconnect", via="/custom")
    await _left(session)
    session.do("connect", via="/", namespace="/custom")
    await session.expect_connect("/custom")
    session.accept("/custom", sid="another")
    await session.fence("/custom")
    if len(client.reported("connect", "/custom")) != 2:
        told = client.reported("connect", "/custom")
        raise Failure("a second report `connect`", f"{len(told)} in all")


@case("client-sio-disconnect-again")
async def namespace_that_the_server_ended_is_connected_to_anew(client: SocketIOVisitor) -> None:
    session = await _two(client)
    _end(session, "/custom")
    await client.seen("disconnect", "/custom")
    session.do("connect", via="/", namespace="/custom")
    await session.expect_connect("/custom")
    session.accept("/custom", sid="another")
    await session.fence("/custom")


async def _left(session: SocketIOSession) -> None:
    """The client has left /custom, by a DISCONNECT there."""
    wanted = "DISCONNECT in /custom"
    with session.context.awaits(wanted):
        got = await session.receive()
    if (got.type, got.namespace) != (PacketType.DISCONNECT, "/custom"):
        raise Failure(wanted, got)
    await session.client.seen("disconnect", "/custom")


@case("client-sio-disconnect-sent", over=TRANSPORTS)
async def client_that_leaves_a_namespace_says_so(client: SocketIOVisitor, transport: str) -> None:
    session = await _two(client, transport)
    session.do("disconnect", via="/custom")
    await _left(session)


@case("client-sio-disconnect-sent", over=TRANSPORTS)
async def client_that_is_closed_says_so(client: SocketIOVisitor, transport: str) -> None:
    session = await _two(client, transport)
    session.do("close")
    wanted = "DISCONNECT in each namespace, or the end of the session"
    left = set(BOTH)
    with client.context.awaits(wanted):
        while left:
            try:
                got = await session.receive()
            except StreamClosed:
                break
            if got.type != PacketType.DISCONNECT or got.namespace not in left:
                raise Failure(wanted, got)
            left.remove(got.namespace)


@case("client-sio-disconnect-sent-others")
async def client_that_leaves_one_namespace_stays_in_the_other(client: SocketIOVisitor) -> None:
    session = await _two(client)
    session.do("disconnect", via="/custom")
    await _left(session)
    await session.fence("/")
    _told_once(client, "/custom")


@case("client-sio-disconnect-sent-final")
async def event_of_a_namespace_that_was_left_is_not_handled(client: SocketIOVisitor) -> None:
    session = await _two(client)
    session.do("disconnect", via="/custom")
    await _left(session)
    session.emit("message", "too late", namespace="/custom")
    await session.goes_on("the event passed over, or the connection closed")
    if client.events("message"):
        raise Failure("no event of a namespace that was left", client.events("message")[0])


@case("client-sio-disconnect-sent-reported", over=TRANSPORTS)
async def application_hears_once_that_it_closed_the_client(
    client: SocketIOVisitor, transport: str
) -> None:
    session = await _two(client, transport)
    session.do("close")
    for _ in BOTH:
        await client.seen("disconnect")
    _told_once(client, *BOTH)


LOSSES = ("reset", "closed", "refused")


@case("client-sio-disconnect-transport", over={"loss": LOSSES, **TRANSPORTS})
async def end_of_the_connection_is_reported_once_in_each_namespace(
    client: SocketIOVisitor, loss: str, transport: str
) -> None:
    session = await _two(client, transport)
    await session.lose(loss)
    for _ in BOTH:
        await client.seen("disconnect")
    _told_once(client, *BOTH)


# What the documentation of the library says of reports.


@case("client-lib-disconnect-reason", over={"end": ("server", "lost", "closed")})
async def disconnect_is_reported_with_a_reason(client: SocketIOVisitor, end: str) -> None:
    session = await client.settled()
    if end == "server":
        _end(session, "/")
    elif end == "lost":
        session.engine.vanish()
    else:
        session.do("close")
    report = await client.seen("disconnect", "/")
    if not isinstance(report.get("reason"), str) or not report["reason"].strip():
        client.context.non_strict("a report `disconnect` with a reason", f"{report!r:.200}")


@case("client-lib-disconnect-reason-kinds")
async def reason_tells_an_ended_namespace_from_a_lost_connection(client: SocketIOVisitor) -> None:
    session = await _two(client)
    _end(session, "/custom")
    ended = await client.seen("disconnect", "/custom")
    session.engine.vanish()
    lost = await client.seen("disconnect", "/")
    if ended.get("reason") == lost.get("reason"):
        wanted = "two reasons, since the server ended one and the connection was lost for the other"
        client.context.non_strict(wanted, f"{ended.get('reason')!r} for both")


@case("client-lib-reports-order", over=TRANSPORTS)
async def reports_come_in_the_order_in_which_things_happened(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    for number in range(5):
        session.emit("numbered", number)
    session.emit("message", "last")
    await session.expect_event("message-back", "last")
    _end(session, "/")
    await client.seen("disconnect", "/")
    found = [_short(each) for each in client.heard]
    wanted = ["connect", *(f"numbered {number}" for number in range(5)), "message", "disconnect"]
    few = [each for each in wanted if not each.startswith("numbered")]
    if found not in (wanted, few):  # the few: of a driver without a handler for all events
        raise Failure(", ".join(wanted), ", ".join(found))


def _short(report: dict[str, object]) -> str:
    if report["type"] != "event":
        return str(report["type"])
    args = report.get("args")
    number = args[0] if isinstance(args, list) and args else ""
    return "message" if report.get("name") == "message" else f"{report.get('name')} {number}"
