"""The documentation of Socket.IO, "Connection state recovery": `pid`, `offset`, missed events."""

from typing import Any

from sockproof.clients import Failure, SocketIOSession, SocketIOVisitor, Unsupported, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

LIMIT = 60.0
AUTH = {"token": "abc"}
BOTH = ("/", "/custom")
LAST = ("several", "binary", "one-argument")


async def _recoverable(client: SocketIOVisitor, **pids: str) -> SocketIOSession:
    """The client's next session, whose namespaces are answered with a `pid` each."""
    session = client.socketio(client.open(await client.opening()))
    for _ in client.asked.namespaces:
        namespace = (await session.expect_connect()).namespace
        session.accept(namespace, pid=pids.get(namespace.strip("/") or "main", f"pid-{namespace}"))
    return session


async def _said(session: SocketIOSession, offset: str, *args: Any, namespace: str = "/") -> None:
    """An event with this offset behind its arguments has been handled.

    Whether its handlers get the offset, too, is a client's to say.
    """
    session.emit("message", *args, offset, namespace=namespace)
    await _echoed(session, offset, *args, namespace=namespace)


async def _echoed(session: SocketIOSession, offset: str, *args: Any, namespace: str = "/") -> None:
    wanted = ["message-back", *args, offset]
    with session.context.awaits(f"{wanted} in {namespace}"):
        got = await session.receive()
    if got.namespace != namespace or got.data not in (wanted, wanted[:-1]):
        raise Failure(f"{wanted} in {namespace}", got)


async def _reported(client: SocketIOVisitor, session: SocketIOSession) -> None:
    """All that the application was told so far has been reported; a fence that has an offset."""
    word = client.word()
    await _said(session, "offset-of-the-fence", word, "fence")

    def told() -> bool:
        return any(each["args"][:1] == [word] for each in client.events("message"))

    await client.until("the report of a fence", told)


async def _handled(session: SocketIOSession) -> None:
    """All that was sent before has been handled; no event tells, since each has an offset."""
    session.engine.send(engineio.Packet(engineio.PacketType.PING))
    await session.engine.expect(engineio.PacketType.PONG)


async def _asks(client: SocketIOVisitor, session: SocketIOSession) -> SocketIOSession:
    """The session behind the loss of this one, with its CONNECT; UNSUPPORTED where it does not ask.

    The CONNECT is not answered yet.
    """
    session.engine.vanish()
    session = client.socketio(client.open(await client.opening()))
    packet = await session.expect_connect("/")
    _recovers(packet.data or {})
    return session


def _recovers(*held: dict[str, Any]) -> None:
    if not any("pid" in each or "offset" in each for each in held):
        raise Unsupported("a client that recovers its state", "its CONNECT holds no pid")


def _holds(held: Any, **wanted: Any) -> None:
    if held != wanted:
        raise Failure(f"CONNECT with {wanted}", f"{held!r:.200}")


@case("client-lib-recovery-asked", over={"transport": ("websocket", "polling")}, limit=LIMIT)
async def client_asks_with_its_pid_and_offset(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await _said(session, "offset-1")
    _holds((await _asks(client, session)).auth["/"], pid="pid-1", offset="offset-1")


@case("client-lib-recovery-offset", over={"last": LAST}, limit=LIMIT)
async def offset_is_that_of_the_last_event(client: SocketIOVisitor, last: str) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await _said(session, "offset-1")
    if last == "several":
        for number in range(2, 6):
            await _said(session, f"offset-{number}")
    elif last == "binary":
        await _said(session, "offset-5", b"octets")
    else:
        await _said(session, "offset-5")
    _holds((await _asks(client, session)).auth["/"], pid="pid-1", offset="offset-5")


@case("client-lib-recovery-offset", limit=LIMIT)
async def offset_is_not_changed_by_an_acknowledgement(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await _said(session, "offset-1")
    session.send(Packet(PacketType.ACK, "/", ["no offset"], 99))
    await _handled(session)
    _holds((await _asks(client, session)).auth["/"], pid="pid-1", offset="offset-1")


@case("client-lib-recovery-offset", limit=LIMIT)
async def offset_outlasts_a_recovery_that_brought_nothing(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    sid = session.sids["/"]
    await _said(session, "offset-1")
    session = await _asks(client, session)
    session.accept("/", sid=sid, pid="pid-1")
    await _handled(session)
    _holds((await _asks(client, session)).auth["/"], pid="pid-1", offset="offset-1")


@case("client-lib-recovery-offset-none", limit=LIMIT)
async def client_that_received_nothing_sends_no_offset(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await client.seen("connect", "/")
    held = (await _asks(client, session)).auth["/"]
    if held not in ({"pid": "pid-1"}, {"pid": "pid-1", "offset": None}):
        raise Failure("CONNECT with the pid alone", f"{held!r:.200}")


@case("client-lib-recovery-auth", limit=LIMIT)
async def client_that_asks_authenticates_itself_too(client: SocketIOVisitor) -> None:
    client.setup(auth=AUTH, reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await _said(session, "offset-1")
    _holds((await _asks(client, session)).auth["/"], pid="pid-1", offset="offset-1", **AUTH)


@case("client-lib-recovery-not-asked", limit=LIMIT)
async def client_without_a_pid_asks_for_nothing(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await client.session()
    await session.fence()
    session.engine.vanish()
    session = await client.comes_back()
    if session.auth["/"] not in (None, {}):
        raise Failure("CONNECT without pid and offset", f"{session.auth['/']!r:.200}")


@case("client-lib-recovery-missed", over={"transport": ("websocket", "polling")}, limit=LIMIT)
async def missed_events_are_handled_once_and_in_order(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport, reconnect=True)
    session = await _recoverable(client, main="pid-1")
    sid = session.sids["/"]
    await _said(session, "offset-0", "x")
    session = await _asks(client, session)
    session.accept("/", sid=sid, pid="pid-1")
    for number in range(1, 6):
        session.emit("message", number, f"offset-{number}")
    for number in range(1, 6):
        await _echoed(session, f"offset-{number}", number)
    await _reported(client, session)
    told = [each["args"][:1] for each in client.events("message")]
    if told[1:-1] != [[number] for number in range(1, 6)]:
        raise Failure("the five missed events, once and in order", f"{told!r:.300}")


@case("client-lib-recovery-missed", limit=LIMIT)
async def recovered_connection_is_reported_once(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    sid = session.sids["/"]
    await _said(session, "offset-0", "x")
    session = await _asks(client, session)
    session.accept("/", sid=sid, pid="pid-1")
    await _reported(client, session)
    if len(client.reported("connect")) != 2:
        raise Failure("two reports `connect`", f"{len(client.reported('connect'))}")


@case("client-lib-recovery-new", limit=LIMIT)
async def new_pid_takes_the_place_of_the_old_one(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await _said(session, "offset-1")
    session = await _asks(client, session)
    session.accept("/", pid="pid-2")
    await _said(session, "offset-2")
    _holds((await _asks(client, session)).auth["/"], pid="pid-2", offset="offset-2")


@case("client-lib-recovery-new", limit=LIMIT)
async def offset_of_a_replaced_pid_is_not_sent_with_the_new_one(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await _said(session, "offset-1")
    session = await _asks(client, session)
    session.accept("/", pid="pid-2")
    await _handled(session)
    held = (await _asks(client, session)).auth["/"]
    if held.get("pid") != "pid-2":
        raise Failure("CONNECT with the pid 'pid-2'", f"{held!r:.200}")
    if held.get("offset") is not None:
        client.context.non_strict("no offset of the session before", f"{held!r:.200}")


@case("client-lib-recovery-new", limit=LIMIT)
async def pid_is_forgotten_where_the_server_gives_none_any_more(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _recoverable(client, main="pid-1")
    await _said(session, "offset-1")
    session = await _asks(client, session)
    session.accept("/")
    await session.fence()
    session.engine.vanish()
    session = await client.comes_back()
    if "pid" in (session.auth["/"] or {}):
        raise Failure("CONNECT without a pid", f"{session.auth['/']!r:.200}")


@case("client-lib-recovery-namespace", limit=LIMIT)
async def each_namespace_asks_with_its_own(client: SocketIOVisitor) -> None:
    client.setup(namespaces=BOTH, reconnect=True)
    session = await _recoverable(client, main="pid-m", custom="pid-c")
    await _said(session, "offset-m")
    await _said(session, "offset-c", namespace="/custom")
    session.engine.vanish()
    held = (await client.comes_back()).auth
    _recovers(*(data or {} for data in held.values()))
    _holds(held["/"], pid="pid-m", offset="offset-m")
    _holds(held["/custom"], pid="pid-c", offset="offset-c")
