"""Socket.IO protocol, "Packet encoding": many of one thing, within the octets that are announced.

The document names no limits beside `maxPayload`, and every server may have some: what is too much
is refused, or ends the connection, and the report says so. It is never lost without a word.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
NAMED = {"transport": ("websocket", "polling"), "what": ("arguments", "keys", "levels", "octets")}
FENCES = 4  # more of them, one behind the other
FENCE = "behind all of them"
AT_ONCE = 10  # packets in a POST: more are refused by some servers
MOST_ANSWERS = 1500
EVENT, ACK = PacketType.EVENT, PacketType.ACK


def _nested(depth: int) -> Any:
    value: Any = "inside"
    for _ in range(depth):
        value = [value]
    return value


LARGE: dict[str, Callable[[], list[Any]]] = {
    "arguments": lambda: [*range(3000)],
    "keys": lambda: [{f"key-{number}": number for number in range(5000)}],
    "levels": lambda: [_nested(200)],
    "octets": lambda: ["0123456789 sockproof " * 12_000],
}


async def _answers(peer: SocketIOPeer, packets: list[Packet]) -> list[Packet] | None:
    """What comes of the packets; None where the server has refused some, or ended the session."""
    fence = Packet(EVENT, peer.namespace, ["message", FENCE])
    kind = engineio.PacketType.MESSAGE
    messages = [message for packet in (*packets, fence) for message in peer.text(packet)]
    for some in _by_tens(messages):
        if not await peer.engine.send_or_end(*(engineio.Packet(kind, each) for each in some)):
            return None
    found: list[Packet] = []
    while len(found) < MOST_ANSWERS:
        packet = await peer.next_or_end()
        if packet is None or packet.type == PacketType.DISCONNECT:
            return None
        if packet.data == ["message-back", FENCE]:
            break
        found.append(packet)
    return found


async def _answer(peer: SocketIOPeer, packet: Packet) -> list[Packet] | None:
    """What comes of one packet, whose handler may need longer than that of what is behind it."""
    came = await _answers(peer, [packet])
    for _ in range(FENCES):
        if came is None or came:
            break
        came = await _answers(peer, [])
    return came


async def _rest(peer: SocketIOPeer, came: list[Packet], count: int) -> list[Packet] | None:
    """What came and comes, until there are so many; None where the server ends the session."""
    while len(came) < count:
        packet = await peer.next_or_end()
        if packet is None or packet.type == PacketType.DISCONNECT:
            return None
        came.append(packet)
    return came


def _by_tens(messages: list[str | bytes]) -> Iterator[list[str | bytes]]:
    for start in range(0, len(messages), AT_ONCE):
        yield messages[start : start + AT_ONCE]


def _expect(target: Target, what: str, came: list[Packet] | None, wanted: list[Packet]) -> None:
    """All of them were answered, or the server has refused them: which, is reported."""
    if came is None:
        target.report("a limit that is not announced", f"{what}: refused")
        return
    got = [(each.namespace, each.id, each.data) for each in came]
    missing = [each for each in wanted if (each.namespace, each.id, each.data) not in got]
    if missing or len(came) != len(wanted):
        first = f", not {missing[0]!s:.100}" if missing else ""
        raise Failure(f"{what} answered, or refused", f"{len(came)} of {len(wanted)}{first}")


@case("sio-many", needs="fixture", over=NAMED, exclusive=True)
async def event_of_very_many_parts_is_handled_or_refused(
    target: Target, transport: str, what: str
) -> None:
    peer, args = await target.socketio(transport), LARGE[what]()
    came = await _answer(peer, Packet(EVENT, "/", ["message", *args]))
    wanted = [Packet(EVENT, peer.namespace, ["message-back", *args])]
    _expect(target, f"an event of very many {what}", came, wanted)


@case("sio-many", needs="fixture", over=TRANSPORTS, exclusive=True)
async def very_many_attachments_are_handled_or_refused(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    args = [f"attachment {number}".encode() for number in range(300)]
    came = await _answer(peer, Packet(EVENT, "/", ["message", *args]))
    wanted = [Packet(EVENT, peer.namespace, ["message-back", *args])]
    _expect(target, "an event of 300 attachments", came, wanted)


@case("sio-many", needs="fixture", over=TRANSPORTS, exclusive=True)
async def very_many_events_in_flight_are_handled_or_refused(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    count = 500 if transport == "websocket" else 300
    came = await _answers(peer, [Packet(EVENT, "/", ["message", n]) for n in range(count)])
    wanted = [Packet(EVENT, peer.namespace, ["message-back", n]) for n in range(count)]
    _expect(target, f"{count} events in flight", came, wanted)


@case("sio-many", needs="fixture", over=TRANSPORTS, exclusive=True)
async def very_many_acknowledgements_in_flight_are_sent_or_refused(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    ids = range(10**6, 10**6 + (500 if transport == "websocket" else 300))
    came = await _answers(peer, [Packet(EVENT, "/", ["message-with-ack", n], n) for n in ids])
    wanted = [Packet(ACK, peer.namespace, [n], n) for n in ids]
    if came is not None and len(came) < len(ids):  # handlers may end in any order
        with target.awaits(f"{len(ids)} acknowledgements, of which {len(came)} of {len(ids)} came"):
            came = await _rest(peer, came, len(ids))
    _expect(target, f"{len(ids)} acknowledgements in flight", came, wanted)


@case("sio-many", needs="fixture", over=TRANSPORTS, exclusive=True)
async def very_many_namespaces_are_refused_each(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    names = [f"/unknown-{number}" for number in range(200)]
    came = await _answers(peer, [Packet(PacketType.CONNECT, name) for name in names])
    if came is None:
        target.report("a limit that is not announced", "200 namespaces on a connection: refused")
        return
    answered = {each.namespace for each in came}
    if missing := [name for name in names if name not in answered]:
        raise Failure("each of 200 namespaces refused", f"no answer for {len(missing)} of them")


@case("rooms-members-only", needs={"join", "emit", "rooms"}, exclusive=True)
async def client_is_in_a_thousand_rooms(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    rooms = [target.unique("room") for _ in range(1000)]
    for start in range(0, len(rooms), 250):
        await member.proof("join", rooms=rooms[start : start + 250])
    inside = set((await member.proof("rooms")).get("rooms") or ())
    if missing := [room for room in rooms if room not in inside]:
        raise Failure(f"{len(rooms)} rooms", f"{len(missing)} of them missing")
    for room in rooms[::333]:
        await speaker.proof("emit", event="said", args=[room], to=[room])
        await member.expect_event("said", room)
    await speaker.fence(member)
