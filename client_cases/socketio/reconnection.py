"""The documentation of Socket.IO: a client comes back by itself, with all that it was."""

import time
from collections.abc import AsyncIterator
from typing import Any

from sockproof.clients import (
    Failure,
    SocketIOSession,
    SocketIOVisitor,
    StreamClosed,
    Unsupported,
    case,
)
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling", "upgrade")}
LIMIT = 60.0  # seconds: a client waits between its attempts as long as it likes
BOTH = ("/", "/custom")
AUTH = {"token": "abc", "user": {"id": 7}}
ROUNDS = 3
AT_ONCE = 0.02  # seconds: no client that waits at all comes back as soon
SURELY = 0.1  # seconds: a client that comes back at once does so sooner at one attempt of several
ATTEMPTS = 5
STAYS_AWAY = 2000  # milliseconds of the client's own clock; clients come back within 1500


async def _begun(client: SocketIOVisitor) -> SocketIOSession:
    """The client's first session, whose loss a call that connects does not overlap with."""
    session = await client.settled()
    await session.fence(client.asked.namespaces[0])
    return session


async def _lost(client: SocketIOVisitor, session: SocketIOSession) -> SocketIOSession:
    """The client's next session, behind the loss of this one, which is settled by then."""
    for _ in range(2):
        await session.fence(client.asked.namespaces[0])
    session.engine.vanish()
    return await client.comes_back()


@case(
    "client-lib-reconnect",
    over={"loss": ("reset", "closed", "refused"), **TRANSPORTS},
    limit=LIMIT,
)
async def client_comes_back_when_its_connection_is_lost(
    client: SocketIOVisitor, loss: str, transport: str
) -> None:
    client.setup(transport, reconnect=True)
    session = await _begun(client)
    await session.lose(loss)
    await (await client.comes_back()).fence()


@case("client-lib-reconnect-new-session", over=TRANSPORTS, limit=LIMIT)
async def reconnection_is_a_new_session(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, reconnect=True)
    session = await _begun(client)
    old = session.engine.sid
    session.engine.vanish()
    visit = await client.opening()
    if old in visit.request.target:
        raise Failure("a handshake that names no session", visit.request)
    session = client.socketio(client.open(visit))
    await session.connected(["/"])
    await session.fence()


@case("client-lib-reconnect-namespaces", limit=LIMIT)
async def client_comes_back_to_all_of_its_namespaces(client: SocketIOVisitor) -> None:
    client.setup(namespaces=(*BOTH, "/third"), reconnect=True)
    session = await _lost(client, await client.settled())
    for namespace in client.asked.namespaces:
        await session.fence(namespace)


@case("client-lib-reconnect-auth", limit=LIMIT)
async def client_that_comes_back_authenticates_itself(client: SocketIOVisitor) -> None:
    client.setup(namespaces=BOTH, auth=AUTH, reconnect=True)
    session = await _lost(client, await client.settled())
    for namespace in BOTH:
        if session.auth[namespace] != AUTH:
            raise Failure(
                f"CONNECT to {namespace} with {AUTH}", f"{session.auth[namespace]!r:.200}"
            )


@case("client-lib-reconnect-reported", over=TRANSPORTS, limit=LIMIT)
async def reconnection_is_reported_once_in_each_namespace(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport, namespaces=BOTH, reconnect=True)
    session = await client.session()
    for namespace in BOTH:
        await session.fence(namespace)
    session = await _lost(client, session)
    for namespace in BOTH:
        await session.fence(namespace)
    for namespace in BOTH:
        kinds = ("connect", "disconnect")
        told = [each for each in client.reports if each["type"] in kinds]
        found = [each["type"] for each in told if each.get("namespace") == namespace]
        if found != ["connect", "disconnect", "connect"]:
            raise Failure(f"connect, disconnect, connect of {namespace}", ", ".join(found))


@case("client-lib-reconnect-handlers", over=TRANSPORTS, limit=LIMIT)
async def handlers_run_once_behind_reconnections(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, reconnect=True)
    session = await client.session()
    for _ in range(2):
        session = await _lost(client, session)
    session.emit("message", "once")
    await session.expect_event("message-back", "once")
    session.emit("message-with-ack", "once", id=1)
    await session.expect_ack(1, "once")
    await session.fence()
    if len(client.events("message")) != 1:
        raise Failure("one event handled", f"{len(client.events('message'))} times")


@case("client-lib-reconnect-again", limit=LIMIT)
async def client_comes_back_as_often_as_it_must(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await client.session()
    for _ in range(3):
        session = await _lost(client, session)
        await session.fence()


@case("client-lib-reconnect-again", over={"loss": ("reset", "closed")}, limit=20.0)
async def client_that_is_cut_off_as_soon_as_it_is_back_comes_again(
    client: SocketIOVisitor, loss: str
) -> None:
    client.setup(reconnect=True)
    session = await _begun(client)
    for _ in range(3):
        await session.lose(loss)
        session = await client.comes_back()
    await session.fence()


@case("client-lib-reconnect-tries", over={"answer": ("503", "reset", "not-open")}, limit=LIMIT)
async def client_tries_again_when_an_attempt_fails(client: SocketIOVisitor, answer: str) -> None:
    client.setup(reconnect=True)
    session = await _begun(client)
    session.engine.vanish()
    visit = await client.opening()
    if answer == "503":
        visit.answer(503, b"come back later")
    elif answer == "reset":
        visit.reset()
    else:
        visit.answer(200, b"this is no session")
    await (await client.comes_back()).fence()


@case("client-lib-reconnect-delay", limit=LIMIT)
async def client_waits_before_it_comes_back(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _begun(client)
    gaps: list[float] = []
    async for gap in _attempts(client, session):
        gaps.append(gap)
        if len(gaps) == ATTEMPTS or (len(gaps) > 1 and min(gaps) >= SURELY):
            break
    if max(gaps) < AT_ONCE:
        raise Failure("a delay before each attempt", f"{_shown(gaps)} s")
    if min(gaps) < AT_ONCE:
        client.context.non_strict("a delay before each attempt", f"{_shown(gaps)} s")


@case("client-lib-reconnect-grows", limit=LIMIT)
async def delay_grows_from_attempt_to_attempt(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _begun(client)
    for _ in range(ROUNDS):  # a busy machine may draw out any of them
        gaps: list[float] = []
        async for gap in _attempts(client, session):
            gaps.append(gap)
            if len(gaps) == 3:
                break
        if gaps[-1] > gaps[0]:
            return
        session = await client.comes_back()
    client.context.non_strict("a delay that grows", f"{_shown(gaps)} s")


def _shown(gaps: list[float]) -> str:
    return ", ".join(f"{gap:.3f}" for gap in gaps)


async def _attempts(client: SocketIOVisitor, session: SocketIOSession) -> AsyncIterator[float]:
    """How long the client waits before each attempt to come back; these fail."""
    session.engine.vanish()
    while True:
        began = time.monotonic()
        visit = await client.opening()
        gap = time.monotonic() - began
        visit.answer(503, b"come back later")
        yield gap


# Nothing is to come: the client's own clock tells when it would have.


async def _stays_away(client: SocketIOVisitor, why: str) -> None:
    """The client opens no session while a time limit lapses that began when it was disconnected."""
    tells = ("ack-timeout", "error")

    def is_clear() -> bool:
        return client.has_openings or any(map(client.count, tells))

    await client.until("a time limit that lapses while the client is offline", is_clear)
    client.expect_no_opening(f"no further session: {why}")
    if not client.count("ack-timeout"):
        wanted = "a client whose time limits go on while it is offline"
        raise Unsupported(wanted, f"{client.reported('error')[0].get('text')!r:.200}")


async def _limited(client: SocketIOVisitor) -> SocketIOSession:
    """A session; the application emits with a time limit when it hears of its end."""
    session = await client.settled()
    limited = {"op": "emit-with-ack", "event": "never", "args": [], "timeout_ms": STAYS_AWAY}
    session.do("upon", report="disconnect", ops=[limited])
    await session.fence()
    return session


@case("client-lib-reconnect-off", limit=20.0)
async def client_that_is_told_not_to_come_back_stays_away(client: SocketIOVisitor) -> None:
    session = await _limited(client)
    session.engine.vanish()
    await client.seen("disconnect", "/")
    await _stays_away(client, "the client was told not to come back")


@case("client-lib-reconnect-closed", limit=20.0)
async def client_that_was_closed_stays_away(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _limited(client)
    session.do("close")
    await session.expect_ended()
    await client.seen("disconnect", "/")
    await _stays_away(client, "the application has closed the client")


@case("client-lib-reconnect-server", limit=LIMIT)
async def namespace_that_the_server_ended_is_not_come_back_to(client: SocketIOVisitor) -> None:
    client.setup(namespaces=BOTH, reconnect=True)
    session = await _begun(client)
    session.send(Packet(PacketType.DISCONNECT, "/custom"))
    await client.seen("disconnect", "/custom")
    await _back_to_main(client, session)


@case("client-lib-reconnect-left", limit=LIMIT)
async def namespace_that_was_left_is_not_come_back_to(client: SocketIOVisitor) -> None:
    client.setup(namespaces=BOTH, reconnect=True)
    session = await client.session()
    session.do("disconnect", via="/custom")
    await session.expect(PacketType.DISCONNECT, "/custom")
    await _back_to_main(client, session)


@case("client-lib-reconnect-error", limit=LIMIT)
async def namespace_that_refused_is_not_asked_again(client: SocketIOVisitor) -> None:
    client.setup(namespaces=BOTH, reconnect=True)
    session = await _begun(client)
    session.engine.vanish()
    session = client.socketio(client.open(await client.opening()))
    for _ in BOTH:
        if (await session.expect_connect()).namespace == "/":
            session.accept("/")
        else:
            refusal = {"message": "Not authorized any more"}
            session.send(Packet(PacketType.CONNECT_ERROR, "/custom", refusal))
    await client.seen("connect_error", "/custom")
    await _back_to_main(client, session)


async def _back_to_main(client: SocketIOVisitor, session: SocketIOSession) -> None:
    """The client comes back to the main namespace and to no other."""
    session.engine.vanish()
    session = client.socketio(client.open(await client.opening()))
    await session.connected(["/"])
    await session.fence()


# What is emitted while there is no connection.


async def _emits_offline(client: SocketIOVisitor, count: int) -> SocketIOSession:
    """A session behind whose end the application emits `count` numbered events."""
    session = await client.session()
    ops = [{"op": "emit", "event": "buffered", "args": [number]} for number in range(count)]
    session.do("upon", report="disconnect", ops=ops)
    await session.fence()
    return session


async def _buffered(session: SocketIOSession, count: int, namespace: str = "/") -> None:
    """The buffered events leave, in order; UNSUPPORTED where they were an error."""
    client = session.client
    for number in range(count):
        wanted = Packet(PacketType.EVENT, namespace, ["buffered", number])
        with client.context.awaits(str(wanted)):
            try:
                got = await session.receive(lambda: client.count("error") > 0)
            except StreamClosed as closed:
                if not client.count("error"):
                    raise Failure(str(wanted), closed.how) from closed
                error = client.reported("error")[0].get("text")
                raise Unsupported("a client that buffers", f"{error!r:.200}") from closed
        if (got.data, got.namespace) != (wanted.data, namespace):
            raise Failure(str(wanted), got)


@case("client-lib-buffer-offline", over=TRANSPORTS, limit=LIMIT)
async def what_was_emitted_offline_leaves_once_and_in_order(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport, reconnect=True)
    session = await _emits_offline(client, 10)
    session = await _lost(client, session)
    await _buffered(session, 10)
    await session.fence()
    session = await _lost(client, session)  # and not again
    await session.fence()


@case("client-sio-connect-events-after", limit=LIMIT)
async def what_was_buffered_does_not_leave_before_the_answer(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _emits_offline(client, 3)
    session.engine.vanish()
    session = client.socketio(client.open(await client.opening()))
    await session.expect_connect("/")
    session.engine.send(engineio.Packet(engineio.PacketType.PING))
    await session.engine.expect(engineio.PacketType.PONG)
    session.accept("/")
    await _buffered(session, 3)


@case("client-lib-buffer-first", limit=LIMIT)
async def what_was_buffered_leaves_before_what_is_emitted_later(client: SocketIOVisitor) -> None:
    client.setup(reconnect=True)
    session = await _emits_offline(client, 3)
    session.engine.vanish()
    session = client.socketio(client.open(await client.opening()))
    await session.expect_connect("/")
    session.accept("/")
    session.do("emit", event="late", args=[])
    await _buffered(session, 3)
    await session.expect_event("late")


@case("client-lib-buffer-not-again", over=TRANSPORTS, limit=LIMIT)
async def what_had_left_is_not_sent_again(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, reconnect=True)
    session = await client.session()
    for number in range(3):
        session.do("emit", event="sent", args=[number])
        await session.expect_event("sent", number)
    session.do("emit-with-ack", event="asked", args=[], timeout_ms=500)
    await session.expect_event("asked")
    session = await _lost(client, session)
    await session.fence()


@case("client-lib-buffer-before", limit=LIMIT)
async def what_is_emitted_before_a_namespace_is_connected_leaves_behind_it(
    client: SocketIOVisitor,
) -> None:
    session = await _asks_for_a_further_namespace(client)
    session.accept("/later")
    await _buffered(session, 3, "/later")
    await session.fence("/later")


@case("client-sio-connect-events-after")
async def no_event_leaves_before_its_namespace_is_connected(client: SocketIOVisitor) -> None:
    session = await _asks_for_a_further_namespace(client)
    await session.fence("/")


async def _asks_for_a_further_namespace(client: SocketIOVisitor) -> SocketIOSession:
    """A client that has emitted three events in /later, whose CONNECT is not answered yet."""
    session = await client.session()
    ops: list[dict[str, Any]] = [{"op": "connect"}]
    ops += [{"op": "emit", "event": "buffered", "args": [number]} for number in range(3)]
    session.do("several", ops=[{**op, "namespace": "/later"} for op in ops])
    await session.expect_connect("/later")
    return session
