"""Socket.IO protocol, "Acknowledgement": ids, payloads, and answers that nobody waits for."""

import contextlib
import json

from sockproof.conformance import Failure, SocketIOPeer, StreamClosed, Target, case, ordinary_client
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
CALL = 9  # the id under which a call is asked for


async def _acknowledged(target: Target, transport: str | None, number: int, *args: object) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.EVENT, peer.namespace, ["message-with-ack", *args], number))
    with target.awaits(f"ACK id {number}"):
        got = await peer.receive()
    if (got.type, got.id, got.data) != (PacketType.ACK, number, list(args)):
        raise Failure(str(Packet(PacketType.ACK, "/", list(args), number)), str(got))


@case("sio-ack-same-id", needs="fixture", over=TRANSPORTS)
async def event_with_an_id_is_acknowledged_with_that_id(target: Target, transport: str) -> None:
    await _acknowledged(target, transport, 42, "a", 1, {"b": None})


@case("sio-ack-id-zero", needs="fixture")
async def id_of_zero_is_an_id(target: Target) -> None:
    await _acknowledged(target, None, 0, "zero")


@case("sio-ack-id-large", needs="fixture", over={"number": (2**31, 2**53 - 1)})
async def large_id_comes_back_as_it_was(target: Target, number: int) -> None:
    await _acknowledged(target, None, number, "large")


@case("sio-ack-empty", needs="fixture")
async def acknowledgement_without_arguments_is_an_empty_list(target: Target) -> None:
    await _acknowledged(target, None, 3)


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
    await peer.greeted("/custom")
    await peer.send(Packet(PacketType.EVENT, "/custom", ["message-with-ack", "there"], 5))
    got = await peer.expect(PacketType.ACK, "/custom")
    if (got.id, got.data) != (5, ["there"]):
        raise Failure("ACK in /custom id 5 ['there']", got)


@case("sio-ack-unknown-id", needs="fixture", control=ordinary_client)
async def acknowledgement_that_nobody_waits_for_is_ignored(target: Target) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.ACK, peer.namespace, ["for whom?"], 4711))
    await peer.quiet()


@case("sio-ack-received", needs={"fixture", "call"}, over=TRANSPORTS)
async def acknowledgement_of_the_client_reaches_the_application(
    target: Target, transport: str
) -> None:
    peer, asker = await target.connect_socketio(2, transport)
    number = 9
    request = {"op": "call", "sid": peer.sid, "event": "ask", "args": ["why?"], "timeout": 4}
    await asker.send(Packet(PacketType.EVENT, asker.namespace, ["sockproof", request], number))
    question = await peer.receive_event()
    if question.id is None or question.data != ["ask", "why?"]:
        raise Failure("EVENT ['ask', 'why?'] with an id", question)
    await peer.send(Packet(PacketType.ACK, peer.namespace, ["because", 7], question.id))
    answer = await asker.ack(number)
    if answer != [{"ok": True, "result": ["because", 7]}]:
        raise Failure("the result ['because', 7]", repr(answer))


@case("sio-ack-id-beyond", needs={"fixture", "slow-timers"})
async def id_beyond_double_precision_is_never_another(target: Target) -> None:
    peer = await target.socketio()
    await peer.send_raw(f'2{2**53 + 1}["message-with-ack","beyond"]')
    wanted = f"ACK id {2**53 + 1}, or the connection closed"
    with target.awaits(wanted):
        got = await peer.next_or_end()
    if got is not None and (got.type, got.id) != (PacketType.ACK, 2**53 + 1):
        target.non_strict(wanted, got)  # no client that people use counts so far


@case("sio-ack-binary-event", needs="fixture", over=TRANSPORTS)
async def binary_event_with_an_id_is_acknowledged_with_that_id(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    for number in (0, 123):
        args = ["message-with-ack", "binary", b"\1\2"]
        await peer.send(Packet(PacketType.EVENT, peer.namespace, args, number))
        got = await peer.expect(PacketType.BINARY_ACK)
        if (got.id, got.data) != (number, args[1:]):
            raise Failure(str(Packet(PacketType.BINARY_ACK, "/", args[1:], number)), str(got))


@case("sio-ack-same-id", needs="fixture", over=TRANSPORTS)
async def many_events_are_acknowledged_each_with_its_own_id(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    numbers = [number * 37 % 101 for number in range(30)]
    for number in numbers:
        args: list[object] = [f"number {number}"] + [bytes([number])] * (number % 2)
        await peer.send(
            Packet(PacketType.EVENT, peer.namespace, ["message-with-ack", *args], number)
        )
    for number in numbers:
        got = await peer.ack(number)
        if got != [f"number {number}"] + [bytes([number])] * (number % 2):
            raise Failure(f"ACK id {number} ['number {number}', …]", repr(got))
    await peer.quiet()


@case("sio-ack-array", needs="fixture", over=TRANSPORTS)
async def payload_of_an_acknowledgement_is_a_list(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    for number, values in enumerate(("", ',"value"', ',{"a":1},[2]')):
        await peer.send_raw(f'2{number}["message-with-ack"{values}]')
        text = await peer.receive_raw()
        if text != f"3{number}[{values[1:]}]" and not _is_list(str(text), number):
            raise Failure(f"3{number}[{values[1:]}]", f"{text!r:.100}")


def _is_list(text: str, number: int) -> bool:
    try:
        return isinstance(json.loads(text.removeprefix(f"3{number}")), list)
    except ValueError:
        return False


# What a client answers to a call of the application.


async def _called(target: Target, transport: str | None = None) -> tuple[SocketIOPeer, ...]:
    """A client that was called and has not answered yet, and who had it called; see `_result`."""
    peer, asker = await target.neighbours(transport, transport)
    request = {"op": "call", "sid": peer.sid, "event": "ask", "args": [], "timeout": 2}
    await asker.send(Packet(PacketType.EVENT, asker.namespace, ["sockproof", request], CALL))
    return peer, asker


async def _question(target: Target, peer: SocketIOPeer) -> int:
    """The id of the call."""
    with target.preparing("a call that carries an id"):
        got = await peer.receive_event()
        if got.id is None:
            raise Failure("an event with an id", got)
        return got.id


async def _result(asker: SocketIOPeer) -> object:
    """What the application was answered; None when it was not."""
    answer = (await asker.ack(CALL))[0]
    return answer.get("result") if isinstance(answer, dict) else answer


@case("sio-ack-received-binary", needs={"fixture", "call"}, over=TRANSPORTS)
async def binary_acknowledgement_of_the_client_reaches_the_application(
    target: Target, transport: str
) -> None:
    peer, asker = await _called(target, transport)
    number = await _question(target, peer)
    values = [b"\0\1", {"deep": [b"", b"\xff"]}]
    await peer.send(Packet(PacketType.ACK, peer.namespace, values, number))
    wanted = [{"$bin": [0, 1]}, {"deep": [{"$bin": []}, {"$bin": [255]}]}]
    got = await _result(asker)
    if got != wanted:
        raise Failure(repr(wanted), repr(got))


@case(
    "sio-ack-received-not-array", needs={"fixture", "call", "slow-timers"}, control=ordinary_client
)
async def acknowledgement_that_is_no_list_counts_for_nothing(target: Target) -> None:
    peer, asker = await _called(target)
    number = await _question(target, peer)
    await peer.send_raw(f'3{number}{{"no":"list"}}')
    with contextlib.suppress(Failure, StreamClosed):  # it may be closed by now
        await peer.send(Packet(PacketType.ACK, peer.namespace, ["a list"], number))
    got = await _result(asker)
    if got not in (None, ["a list"]):
        raise Failure("the result ['a list'], or none", repr(got))


@case("sio-ack-received-twice", needs={"fixture", "call"}, over=TRANSPORTS, control=ordinary_client)
async def second_acknowledgement_of_an_id_is_ignored(target: Target, transport: str) -> None:
    peer, asker = await _called(target, transport)
    number = await _question(target, peer)
    for word in ("first", "second"):
        await peer.send(Packet(PacketType.ACK, peer.namespace, [word], number))
    got = await _result(asker)
    if got != ["first"]:
        raise Failure("the result ['first']", repr(got))
    await peer.quiet()


@case("sio-ack-without-id", needs={"fixture", "call", "slow-timers"}, control=ordinary_client)
async def acknowledgement_without_an_id_counts_for_nothing(target: Target) -> None:
    peer, asker = await _called(target)
    number = await _question(target, peer)
    await peer.send_raw('3["for whom?"]')
    with contextlib.suppress(Failure, StreamClosed):
        await peer.send(Packet(PacketType.ACK, peer.namespace, ["with an id"], number))
    got = await _result(asker)
    if got not in (None, ["with an id"]):
        raise Failure("the result ['with an id'], or none", repr(got))


@case("sio-ack-without-id", needs={"fixture", "slow-timers"}, control=ordinary_client)
async def acknowledgement_without_an_id_is_ignored_or_closes_the_connection(target: Target) -> None:
    peer = await target.socketio()
    await peer.send_raw('3["for whom?"]')
    await peer.goes_on("it is ignored or closes the connection, which must not stop responding")
