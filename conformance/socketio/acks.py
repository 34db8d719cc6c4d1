"""Socket.IO protocol, "Acknowledgement": ids, payloads, and answers that nobody waits for."""

from sockproof.conformance import Failure, Target, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


async def _acknowledged(target: Target, transport: str, number: int, *args: object) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.EVENT, "/", ["message-with-ack", *args], number))
    with target.awaits(f"ACK id {number}"):
        got = await peer.receive()
    if (got.type, got.id, got.data) != (PacketType.ACK, number, list(args)):
        raise Failure(str(Packet(PacketType.ACK, "/", list(args), number)), str(got))


@case("sio-ack-same-id", needs="fixture", over=TRANSPORTS)
async def event_with_an_id_is_acknowledged_with_that_id(target: Target, transport: str) -> None:
    await _acknowledged(target, transport, 42, "a", 1, {"b": None})


@case("sio-ack-id-zero", needs="fixture")
async def id_of_zero_is_an_id(target: Target) -> None:
    await _acknowledged(target, "websocket", 0, "zero")


@case("sio-ack-id-large", needs="fixture", over={"number": (2**31, 2**53 - 1)})
async def large_id_comes_back_as_it_was(target: Target, number: int) -> None:
    await _acknowledged(target, "websocket", number, "large")


@case("sio-ack-empty", needs="fixture")
async def acknowledgement_without_arguments_is_an_empty_list(target: Target) -> None:
    await _acknowledged(target, "websocket", 3)


@case("sio-ack-once", needs="fixture", over=TRANSPORTS)
async def event_is_acknowledged_once(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.call("message-with-ack", "once")
    await peer.quiet()


@case("sio-ack-not-asked", needs="fixture")
async def event_without_an_id_is_not_acknowledged(target: Target) -> None:
    peer = await target.socketio()
    await peer.emit("message-with-ack", "unasked")
    await peer.quiet()


@case("sio-ack-namespace", needs="fixture")
async def acknowledgement_comes_in_the_namespace_of_its_event(target: Target) -> None:
    peer = await target.socketio()
    await peer.connect("/custom")
    await peer.expect_event("auth", {}, namespace="/custom")
    await peer.send(Packet(PacketType.EVENT, "/custom", ["message-with-ack", "there"], 5))
    got = await peer.expect(PacketType.ACK, "/custom")
    if (got.id, got.data) != (5, ["there"]):
        raise Failure("ACK in /custom id 5 ['there']", str(got))


@case("sio-ack-unknown-id", needs="fixture")
async def acknowledgement_that_nobody_waits_for_is_ignored(target: Target) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.ACK, "/", ["for whom?"], 4711))
    await peer.quiet()


@case("sio-ack-received", needs={"fixture", "call"}, over=TRANSPORTS)
async def acknowledgement_of_the_client_reaches_the_application(
    target: Target, transport: str
) -> None:
    peer, asker = await target.connect_socketio(2, transport)
    number = 9
    request = {"op": "call", "sid": peer.sid, "event": "ask", "args": ["why?"], "timeout": 4}
    if target.server.token is not None:
        request["token"] = target.server.token
    await asker.send(Packet(PacketType.EVENT, "/", ["sockproof", request], number))
    question = await peer.receive_event()
    if question.id is None or question.data != ["ask", "why?"]:
        raise Failure("EVENT ['ask', 'why?'] with an id", str(question))
    await peer.send(Packet(PacketType.ACK, "/", ["because", 7], question.id))
    answer = await asker.ack(number)
    if answer != [{"ok": True, "result": ["because", 7]}]:
        raise Failure("the result ['because', 7]", repr(answer))
