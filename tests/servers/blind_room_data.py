"""Blind faults in binary data to rooms, in calls, sessions and connect handlers."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import Any

from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType
from tests.servers import room_faults, socketio_faults
from tests.servers.blind_hearers import has_octets, polls
from tests.servers.blind_weaving import count, fault
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection, Socket

# What one hearer of an event to others is sent: `change(adapter, socket, packet)` gives it.


def heard_by(name: str, change: Any) -> None:
    @fault(name, room_faults, "heard")
    def heard(go: Any, adapter: Adapter, socket: Socket, packet: Packet, everyone: bool) -> Any:
        return (
            change(adapter, socket, packet) if not everyone else go(adapter, socket, packet, True)
        )


def _mapped(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return [_mapped(e, change) for e in value] if isinstance(value, list) else change(value)


def spoilt(packet: Packet, change: Any) -> list[Packet]:
    return [replace(packet, data=_mapped(packet.data, change))]


def is_second(adapter: Adapter, packet: Packet) -> bool:
    """Whether this packet goes to its second hearer."""
    known = vars(adapter).setdefault("blind packets", {})
    known[id(packet)] = known.get(id(packet), 0) + 1
    return known[id(packet)] == 2


def of_octets(change: Any) -> Any:
    return lambda value: change(value) if isinstance(value, bytes) else value


def _nested(packet: Packet) -> list[Packet]:
    data = [
        _mapped(e, of_octets(lambda o: None)) if isinstance(e, list) else e for e in packet.data
    ]
    return [replace(packet, data=data)]


heard_by(
    "second-members-get-empty-binary",
    lambda a, s, p: (
        spoilt(p, of_octets(lambda o: b"")) if has_octets(p.data) and is_second(a, p) else [p]
    ),
)
heard_by(
    "second-members-get-null-for-nested-binary",
    lambda a, s, p: _nested(p) if has_octets(p.data) and is_second(a, p) else [p],
)
heard_by("binary-in-lists-to-rooms-is-null", lambda a, s, p: _nested(p))
heard_by(
    "polling-members-get-text-for-empty-binary",
    lambda a, s, p: spoilt(p, lambda v: "" if v == b"" else v) if polls(s) else [p],
)
heard_by(
    "binary-to-rooms-is-cut-at-64-kilobytes",
    lambda a, s, p: spoilt(p, of_octets(lambda o: o[:65_536])),
)
heard_by(
    "members-in-custom-get-reversed-binary",
    lambda a, s, p: spoilt(p, of_octets(lambda o: o[::-1])) if s.namespace != "/" else [p],
)
heard_by("empty-text-to-rooms-is-null", lambda a, s, p: spoilt(p, lambda v: None if v == "" else v))
heard_by(
    "integers-to-rooms-wrap-at-2-31",
    lambda a, s, p: spoilt(p, lambda v: v - (1 << 32) if type(v) is int and v >= 1 << 31 else v),
)


heard_by(
    "second-members-get-null-for-empty-binary",
    lambda a, s, p: (
        spoilt(p, lambda v: None if v == b"" else v)
        if has_octets(p.data) and is_second(a, p)
        else [p]
    ),
)


@fault("second-members-get-no-attachments", Adapter, "emit")
def _(go: Any, adapter: Adapter, event: str, args: list[Any], *rest: Any) -> None:
    hearers = adapter.hearers(*rest) if has_octets(args) else []
    for socket in hearers[1:]:
        vars(socket.connection)["blind second"] = True
    go(event, args, *rest)
    for socket in hearers[1:]:
        vars(socket.connection)["blind second"] = False


@fault("second-members-get-no-attachments", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    if vars(connection).get("blind second"):
        text = socketio_faults.written(None, packet)[0]
        connection.session.send(engineio.Packet(engineio.PacketType.MESSAGE, text))
    else:
        go(packet)


@fault("attachments-to-the-speaker-stand-behind-its-ack", Connection, "send")
def _(go: Any, connection: Connection, packet: Packet) -> None:
    if packet.type != PacketType.EVENT or not has_octets(packet.data):
        go(packet)
        return
    text, *attachments = socketio_faults.written(None, packet)
    connection.session.send(engineio.Packet(engineio.PacketType.MESSAGE, text))
    for each in attachments:
        late = engineio.Packet(engineio.PacketType.MESSAGE, each)
        asyncio.get_running_loop().call_soon(connection.session.send, late)


@fault("binary-to-rooms-announces-one-attachment", socketio_faults, "written")
def _(go: Any, kind: Any, packet: Packet) -> list[str | bytes]:
    text, *attachments = go(kind, packet)
    if len(attachments) > 1 and packet.data[0] not in ("message-back", "auth"):
        text = "51-" + text.partition("-")[2]
    return [text, *attachments]


# Sending without a name.


def _sends(name: str, when: Any, event: str) -> None:
    @fault(name, Fixture, "_op_send")
    def send(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
        if not when(socket, request):
            return go(socket, request)
        return fixture._op_emit(socket, {**request, "event": event})


_sends("send-to-a-room-is-an-event-msg", lambda s, r: r.get("to") is not None, "msg")
_sends("send-in-custom-is-an-event-data", lambda s, r: s.namespace != "/", "data")
_sends(
    "send-of-several-values-is-an-event-messages",
    lambda s, r: len(r.get("args", [])) > 1,
    "messages",
)


# Calls.


def _calls(name: str, change: Any) -> None:
    """A fault in calls: `await change(socket, go, event, args, timeout)`."""

    @fault(name, Socket, "call")
    async def call(go: Any, socket: Socket, *args: Any) -> Any:
        return await change(socket, go, *args)


async def _one_at_a_time(socket: Socket, go: Any, *args: Any) -> Any:
    lock = vars(socket).setdefault("blind lock", asyncio.Lock())
    if lock.locked():
        return []
    async with lock:
        return await go(*args)


async def _timeouts_are_null(socket: Socket, go: Any, *args: Any) -> Any:
    try:
        return await go(*args)
    except TimeoutError:
        return [None]


async def _block_after_timeouts(socket: Socket, go: Any, *args: Any) -> Any:
    if vars(socket).get("blind timed out"):
        raise TimeoutError
    try:
        return await go(*args)
    except TimeoutError:
        vars(socket)["blind timed out"] = True
        raise


async def _late_answers_count(socket: Socket, go: Any, *args: Any) -> Any:
    try:
        return await go(*args)
    except TimeoutError:
        socket._ids = itertools.count()
        raise


async def _shortened(socket: Socket, go: Any, *args: Any) -> Any:
    return (await go(*args))[:1]


_calls("two-calls-at-once-give-nothing", _one_at_a_time)
_calls("calls-that-time-out-give-null", _timeouts_are_null)
_calls("calls-after-a-timeout-time-out", _block_after_timeouts)
_calls("ids-of-calls-begin-anew-after-a-timeout", _late_answers_count)
_calls("calls-give-one-value", _shortened)


# Sessions.


@fault("sessions-are-merged", Fixture, "_op_session_set")
def _(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
    if isinstance(request["data"], dict) and isinstance(socket.data, dict):
        request = {**request, "data": {**socket.data, **request["data"]}}
    return go(socket, request)


@fault("sessions-lose-nulls", Fixture, "_op_session_set")
def _(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
    data = request["data"]
    if isinstance(data, dict):
        data = {key: item for key, item in data.items() if item is not None}
    return go(socket, {**request, "data": data})


@fault("sessions-are-of-the-caller", Fixture, "_op_session_set")
def _(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
    return go(socket, {key: item for key, item in request.items() if key != "sid"})


@fault("sessions-are-lost-when-a-room-is-left", Fixture, "_op_leave")
def _(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
    socket.data = {}
    return go(socket, request)


@fault("new-clients-inherit-the-last-session", Fixture, "connected")
def _(go: Any, fixture: Fixture, socket: Socket) -> None:
    sockets = list(fixture.server.adapters[socket.namespace].sockets.values())
    if len(sockets) > 1:
        socket.data = sockets[-2].data
    go(socket)


@fault("sessions-of-custom-are-stored-for-main-too", Fixture, "_op_session_set")
def _(go: Any, fixture: Fixture, socket: Socket, request: Any) -> Any:
    main = socket.connection.sockets.get("/")
    if main is not None:
        main.data = request["data"]
    return go(socket, request)


@fault("new-namespaces-inherit-the-session", Fixture, "connected")
def _(go: Any, fixture: Fixture, socket: Socket) -> None:
    main = socket.connection.sockets.get("/")
    if main is not None:
        socket.data = main.data
    go(socket)


@fault("returning-clients-have-their-old-sid", SocketIOServer, "_connect")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    old = vars(connection).get(f"blind sid {packet.namespace}")
    if old is not None:
        kept, server._sids = server._sids, itertools.count(int(old.split("-")[1]))
        go(connection, packet)
        server._sids = kept
    else:
        go(connection, packet)


@fault("returning-clients-have-their-old-sid", SocketIOServer, "_left")
def _(go: Any, server: SocketIOServer, socket: Socket, reason: str) -> None:
    vars(socket.connection)[f"blind sid {socket.namespace}"] = socket.sid
    go(socket, reason)


# Connect handlers and refusals.


def _handler_rooms(name: str, change: Any) -> None:
    """A fault in the rooms that a connect handler joins: `change(socket, rooms)` gives them."""

    @fault(name, Fixture, "connecting")
    def connecting(go: Any, fixture: Fixture, socket: Socket) -> None:
        auth = socket.auth
        if isinstance(auth, dict) and "join" in auth:
            socket.auth = {**auth, "join": change(socket, auth["join"])}
        go(socket)
        socket.auth = auth


_handler_rooms("connect-handlers-join-one-room", lambda s, rooms: rooms[:1])
_handler_rooms(
    "connect-handlers-join-nothing-in-custom", lambda s, rooms: rooms if s.namespace == "/" else []
)
_handler_rooms(
    "connect-handlers-join-nothing-over-polling", lambda s, rooms: [] if polls(s) else rooms
)


@fault("connect-handlers-join-late", Fixture, "connecting")
def _(go: Any, fixture: Fixture, socket: Socket) -> None:
    auth = socket.auth
    rooms = auth.get("join") if isinstance(auth, dict) else None
    socket.auth = None if rooms else auth
    go(socket)
    socket.auth = auth
    adapter = fixture.server.adapters[socket.namespace]
    for room in rooms or ():
        asyncio.get_running_loop().call_later(0.1, adapter.join, socket.sid, room)


@fault("connect-handlers-take-the-own-room-away", Fixture, "connecting")
def _(go: Any, fixture: Fixture, socket: Socket) -> None:
    go(socket)
    if isinstance(socket.auth, dict) and socket.auth.get("join"):
        fixture.server.adapters[socket.namespace].leave(socket.sid, socket.sid)


@fault("refused-clients-join-their-rooms", SocketIOServer, "_refuse")
def _(
    go: Any, server: SocketIOServer, connection: Connection, namespace: str, auth: Any, why: Any
) -> None:
    go(connection, namespace, auth, why)
    if namespace in server.adapters and isinstance(auth, dict):
        socket = Socket(f"ghost-{count(server, 'ghosts')}", namespace, connection, auth)
        adapter = server.adapters[namespace]
        adapter.sockets[socket.sid] = socket
        for room in auth.get("join", ()):
            adapter.join(socket.sid, room)


@fault("refused-clients-hear-everyone", SocketIOServer, "_refuse")
def _(go: Any, server: SocketIOServer, connection: Connection, namespace: str, *args: Any) -> None:
    go(connection, namespace, *args)
    if namespace in server.adapters and namespace not in connection.sockets:
        ghost = Socket(f"ghost-{count(server, 'ghosts')}", namespace, connection, None)
        server.adapters[namespace].sockets[ghost.sid] = ghost
