"""Socket.IO protocol, "Sending and receiving data": many packets at once, once and in order."""

from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
PLACES = {**TRANSPORTS, "namespace": ("/", "/custom")}
ACKS = (PacketType.ACK, PacketType.BINARY_ACK)
AT_ONCE = 10  # messages in a POST: more are refused by some servers


async def _send(peer: SocketIOPeer, packets: list[Packet]) -> None:
    """Send the packets, as many in one POST or segment as may be."""
    messages = [message for packet in packets for message in peer.text(packet)]
    kind = engineio.PacketType.MESSAGE
    for start in range(0, len(messages), AT_ONCE):
        some = messages[start : start + AT_ONCE]
        await peer.engine.send(*(engineio.Packet(kind, message) for message in some))


def _args(number: int) -> list[Any]:
    """Arguments that tell the event: text, one attachment, or three of one length."""
    octets = bytes([number % 256])
    several: list[list[Any]] = [[], [octets], [octets + b"1", octets + b"2", octets + b"3"]]
    return [number, *several[number % 3]]


@case("sio-order-received", needs="fixture", over=PLACES)
async def hundred_and_twenty_events_come_back_in_order(
    target: Target, transport: str, namespace: str
) -> None:
    peer = await target.socketio(transport, namespace=namespace)
    packets = [Packet(PacketType.EVENT, namespace, ["message", n]) for n in range(120)]
    await _send(peer, packets)
    for number in range(120):
        await peer.expect_event("message-back", number)
    await peer.quiet()


@case("sio-order-binary", needs="fixture", over=PLACES)
async def events_with_and_without_attachments_come_back_in_order(
    target: Target, transport: str, namespace: str
) -> None:
    peer = await target.socketio(transport, namespace=namespace)
    packets = [Packet(PacketType.EVENT, namespace, ["message", *_args(n)]) for n in range(40)]
    await _send(peer, packets)
    for number in range(40):
        await peer.expect_event("message-back", *_args(number))
    await peer.quiet()


@case("sio-ack-same-id", needs="fixture", over=PLACES)
async def sixty_events_are_acknowledged_each_with_its_own_values(
    target: Target, transport: str, namespace: str
) -> None:
    peer = await target.socketio(transport, namespace=namespace)
    event = ["message-with-ack"]
    ids = range(95, 155)
    await _send(peer, [Packet(PacketType.EVENT, namespace, [*event, *_args(n)], n) for n in ids])
    seen = {}
    for _ in ids:
        packet = await peer.receive()
        if packet.type not in ACKS or packet.id is None or packet.id in seen:
            raise Failure("one acknowledgement of each event", packet)
        seen[packet.id] = packet.data
    for number in ids:
        if seen.get(number) != _args(number):
            raise Failure(f"the acknowledgement {number} {_args(number)}", repr(seen.get(number)))
    await peer.quiet()


@case("sio-order-sent", needs="fixture", over=TRANSPORTS)
async def events_and_acknowledgements_of_a_burst_are_whole(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    packets = []
    for number in range(20):
        packets.append(Packet(PacketType.EVENT, "/", ["message", *_args(number)]))
        packets.append(Packet(PacketType.EVENT, "/", ["message-with-ack", *_args(number)], number))
    long = ["message", "long " * 300]
    packets.insert(10, Packet(PacketType.EVENT, "/", long))
    await _send(peer, packets)
    events: list[Any] = []
    acks: list[Any] = []
    for _ in packets:
        packet = await peer.receive()
        (acks if packet.type in ACKS else events).append(packet.data)
    wanted = [["message-back", *_args(number)] for number in range(20)]
    wanted.insert(5, ["message-back", *long[1:]])
    if events != wanted:
        raise Failure("21 events in order", f"{events!r:.300}")
    if acks != [_args(number) for number in range(20)]:
        # Handlers may end in another order than they began, so this is no promise.
        target.report("acknowledgements of a burst", "do not keep the order of their events")


@case("sio-connect-namespaces-apart", needs="fixture", over=TRANSPORTS)
async def events_of_three_namespaces_in_a_burst_are_answered_there(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    spaces = ("/", "/custom", "/other")
    for namespace in spaces[1:]:
        await peer.enter(namespace)
    await _send(
        peer,
        [Packet(PacketType.EVENT, spaces[n % 3], ["message", n, f"in {n}"]) for n in range(30)],
    )
    heard: dict[str, list[Any]] = {}
    for _ in range(30):
        packet = await peer.receive_event()
        heard.setdefault(packet.namespace, []).append(packet.data)
    for place, namespace in enumerate(spaces):
        wanted = [["message-back", n, f"in {n}"] for n in range(place, 30, 3)]
        if heard.get(namespace) != wanted:
            raise Failure(f"ten events in {namespace}", f"{heard.get(namespace)!r:.300}")


@case("sio-ack-namespace", needs="fixture", over=TRANSPORTS)
async def acknowledgements_of_three_namespaces_come_there(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    spaces = ("/", "/custom", "/other")
    for namespace in spaces[1:]:
        await peer.enter(namespace)
    for number, namespace in enumerate(spaces * 2):
        args = [number] if number < 3 else [number, b"octets"]
        await peer.send(Packet(PacketType.EVENT, namespace, ["message-with-ack", *args], number))
        packet = await peer.receive()
        if (packet.namespace, packet.id, packet.data) != (namespace, number, args):
            raise Failure(f"the acknowledgement {number} in {namespace}", packet)
