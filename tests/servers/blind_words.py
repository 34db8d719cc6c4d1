"""Faults at names that are words of a language, and at what is many, written from the sentences."""

from __future__ import annotations

from typing import Any

from sockproof.wire import WireError
from sockproof.wire.socketio import Packet, PacketType
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_session import Session
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import Fixture
from tests.servers.socketio_server import SocketIOServer

INHERITED = ("constructor", "__proto__", "prototype", "toString", "hasOwnProperty", "length")
VALUES = {"null": None, "None": None, "NaN": None, "true": True, "2": 2}
ECHOED = ("message", "message-with-ack")


@fault("inherited-functions-are-handlers", Fixture, "event")
def _inherited(go: Any, fixture: Fixture, socket: Any, name: Any, args: Any, number: Any) -> None:
    if name in INHERITED and number is not None:
        socket.acknowledge(number, ["[object Object]"])
        return
    go(socket, name, args, number)


@fault("attributes-are-handlers", Fixture, "event")
def _attributes(go: Any, fixture: Fixture, socket: Any, name: Any, args: Any, number: Any) -> None:
    if name in ("__class__", "__init__", "emit", "self"):
        socket.emit("message-back", *args)
        return
    go(socket, name, args, number)


@fault("errors-that-nobody-handles-end-sessions", Fixture, "event")
def _errors(go: Any, fixture: Fixture, socket: Any, name: Any, args: Any, number: Any) -> None:
    if name == "error":
        raise WireError("an error that nobody handles")
    go(socket, name, args, number)


@fault("event-names-are-read-as-json", Fixture, "event")
def _read(go: Any, fixture: Fixture, socket: Any, name: Any, args: Any, number: Any) -> None:
    if name in VALUES or str(name)[:2] == '["':
        raise WireError("an event's name is no text")
    go(socket, name, args, number)


@fault("event-names-are-identifiers", Fixture, "event")
def _identifiers(go: Any, fixture: Fixture, socket: Any, name: Any, args: Any, number: Any) -> None:
    if not all(each.isalnum() or each in "-_:" for each in str(name)):
        raise WireError("an event's name is no identifier")
    go(socket, name, args, number)


def _keys(name: str, drops: Any) -> None:
    """A fault that loses members of objects in events that are echoed."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(item) for key, item in value.items() if not drops(key)}
        return [walk(item) for item in value] if isinstance(value, list) else value

    @fault(name, Fixture, "event")
    def event(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
        go(socket, named, walk(args) if named in ECHOED else args, number)


_keys("inherited-keys-are-lost", lambda key: key in INHERITED)
_keys("keys-with-dots-are-lost", lambda key: "." in key)
_keys("keys-of-blanks-are-lost", lambda key: not key.strip())


@fault("sessions-inherit-from-one-object", Fixture, "_op_session_get")
def _inherits(go: Any, fixture: Fixture, socket: Any, request: Any) -> Any:
    answer = go(socket, request)
    for word in ("constructor", "__proto__", "prototype"):
        answer["data"] = {k: v for k, v in answer["data"].items() if k != word}
    return answer


@fault("rooms-named-by-attributes-are-lost", Adapter, "join")
def _attributed(go: Any, adapter: Adapter, sid: str, room: Any) -> None:
    if room not in ("__class__", "self", "None"):
        go(sid, room)


# What is many.


def _cut(name: str, most: int) -> None:
    @fault(name, Fixture, "event")
    def event(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
        go(socket, named, args[:most] if named in ECHOED else args, number)


_cut("arguments-beyond-1024-are-lost", 1024)
_cut("arguments-beyond-255-are-lost", 255)


@fault("objects-keep-1000-members", Fixture, "event")
def _members(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
    args = [dict([*a.items()][:1000]) if isinstance(a, dict) else a for a in args]
    go(socket, named, args, number)


@fault("nesting-beyond-128-is-lost", Fixture, "event")
def _levels(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
    go(socket, named, [a if _depth(a) < 128 else None for a in args], number)


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    return depth


@fault("text-beyond-200000-characters-is-cut", Fixture, "event")
def _text(go: Any, fixture: Fixture, socket: Any, named: Any, args: Any, number: Any) -> None:
    go(socket, named, [a[:200_000] if isinstance(a, str) else a for a in args], number)


@fault("events-with-more-than-256-attachments-are-dropped", SocketIOServer, "_packet")
def _attachments(go: Any, server: SocketIOServer, connection: Any, packet: Packet) -> None:
    many = packet.type == PacketType.BINARY_EVENT and len(packet.data) > 257
    if not many:
        go(connection, packet)


@fault("every-256th-event-is-dropped", SocketIOServer, "_packet")
def _every(go: Any, server: SocketIOServer, connection: Any, packet: Packet) -> None:
    if packet.type != PacketType.EVENT or count(connection, "events") % 256:
        go(connection, packet)


@fault("acknowledgements-beyond-256-are-dropped", Session, "send")
def _acknowledgements(go: Any, session: Session, packet: Any) -> None:
    if str(packet.data)[:1] != "3" or count(session, "acknowledgements") <= 256:
        go(packet)


@fault("namespaces-beyond-100-are-unanswered", SocketIOServer, "_refuse")
def _namespaces(
    go: Any, server: SocketIOServer, connection: Any, name: Any, auth: Any, refused: Any
) -> None:
    if count(connection, "refusals") <= 100:
        go(connection, name, auth, refused)


@fault("clients-are-in-512-rooms-at-most", Adapter, "join")
def _rooms(go: Any, adapter: Adapter, sid: str, room: Any) -> None:
    if len(adapter.rooms_of(sid)) < 512:
        go(sid, room)
