"""Faults of our Socket.IO server in who hears what in a room, and between two processes of it.

Most of them show with one marked event only, so that a fault is noticed where it belongs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sockproof.wire.socketio import Packet

if TYPE_CHECKING:
    from tests.servers.rooms import Adapter
    from tests.servers.socketio_socket import Socket

KEPT_ROOMS = 64
WORDS = (
    *("__proto__", "constructor", "hasOwnProperty", "toString", "length", "prototype"),
    *("null", "None", "NaN", "undefined", "__class__", "self", "true", "0", "-1"),
    *(".", "../..", "*", "a,b", '["a"]', "'\"`", "\\", "%s{0}$(a)", " ", "聊天室"),
)
ALIKE = (
    *((" ", ""), ("R", "r"), ("\u00f6", "o\u0308"), ("屋", "室"), ("\U0001f601", "\U0001f600")),
    *((",b", ""), ("/custom/", "/custom"), ("\0c", "\0b"), ("x2", "x1"), ("007", "7")),
    *(("undefined", "null"), ("room-*", "room-1")),
)


def alike(name: str) -> str:
    """A room's name as a server has it that takes names that look alike for one."""
    for old, new in ALIKE:
        name = str(name).replace(old, new)
    return name


def heard(adapter: Adapter, socket: Socket, packet: Packet, everyone: bool) -> list[Packet]:
    """The packets that a hearer is sent of one event."""
    if everyone and adapter.fault == "broadcasts-in-the-main-namespace-too":
        return [packet, Packet(packet.type, "/", packet.data)]
    args = packet.data[1:]
    if len(args) > 1 and type(args[0]) is int and type(args[1]) is int:
        if adapter.fault == "reorders-between-processes" and is_apart(adapter, socket):
            return _reordered(adapter, socket, packet, args[1])
        return _in_a_crowd(adapter, socket, packet, args)
    if b"" in args and adapter.fault == "loses-empty-attachments-to-rooms":
        return [
            Packet(
                packet.type,
                packet.namespace,
                [b"?" if each == b"" else each for each in packet.data],
            )
        ]
    if is_apart(adapter, socket):
        return _apart(adapter, socket, packet, args)
    return [packet]


def overheard(adapter: Adapter, packet: Packet) -> None:
    """What is said to everyone in the main namespace may be heard by who is not in there."""
    if adapter.fault == "everyone-hears-the-main-namespace" and adapter.namespace == "/":
        for other in adapter.others.values():
            for socket in other.sockets.values():
                if "/" not in socket.connection.sockets:
                    socket.connection.send(packet)


def _in_a_crowd(adapter: Adapter, socket: Socket, packet: Packet, args: list[Any]) -> list[Packet]:
    """An event of the cases about many clients: who speaks, and the number of the event."""
    speaker, number, *octets = args
    match adapter.fault:
        case "loses-events-in-crowds" if number % 3 == 1:
            return []
        case "doubles-events-in-crowds" if number % 3 == 1:
            return [packet, packet]
        case "mixes-attachments-in-crowds" if octets:
            adapter.octets, other = octets, adapter.octets
            if number % 4 == 3:
                data = [packet.data[0], speaker, number, *other]
                return [Packet(packet.type, packet.namespace, data)]
        case "reorders-events-in-crowds":
            key = (socket.sid, speaker)
            if number % 4 == 1:
                adapter.kept[key] = packet
                return []
            if key in adapter.kept:
                return [packet, adapter.kept.pop(key)]
    return [packet]


# Two processes behind one address.


def is_apart(adapter: Adapter, socket: Socket) -> bool:
    """Whether the client is on another process than the one that speaks."""
    speaker = adapter.speaking
    return speaker is not None and speaker.connection.process != socket.connection.process


def _apart(adapter: Adapter, socket: Socket, packet: Packet, args: list[Any]) -> list[Packet]:
    match adapter.fault:
        case "doubles-between-processes" if str(packet.data[0]).startswith("said"):
            return [packet, packet]
        case "spoils-binary-between-processes" if args and isinstance(args[0], bytes):
            return [Packet(packet.type, packet.namespace, [packet.data[0], b"?", *args[1:]])]
    return [packet]


def _reordered(adapter: Adapter, socket: Socket, packet: Packet, number: int) -> list[Packet]:
    """The events 0 and 1, 2 and 3, and so on change places."""
    if number % 2 == 0:
        adapter.kept[socket.sid, 0] = packet
        return []
    return [packet, adapter.kept.pop((socket.sid, 0))]
