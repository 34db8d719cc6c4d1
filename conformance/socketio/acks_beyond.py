"""Socket.IO protocol, "Acknowledgement": ids at each boundary, and answers in every form."""

from collections.abc import Callable
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case, ordinary_client
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
PLACES = {**TRANSPORTS, "namespace": ("/", "/custom"), "kind": ("text", "binary")}
IDS = (0, 1, 9, 10, 99, 12_345, 999_999_999, 10**9, 2**31 - 1, 2**31, 2**32, 2**53 - 1)
BEYOND = (2**63, 10**18, 9 * 10**18 + 1)
ACKS = (PacketType.ACK, PacketType.BINARY_ACK)


@case("sio-ack-id-large", needs="fixture", over=PLACES)
async def ids_of_every_length_come_back(
    target: Target, transport: str, namespace: str, kind: str
) -> None:
    peer = await target.socketio(transport, namespace=namespace)
    args: list[Any] = ["of this id", b"octets"] if kind == "binary" else ["of this id"]
    for number in IDS:
        await peer.send(Packet(PacketType.EVENT, namespace, ["message-with-ack", *args], number))
        got = await peer.receive()
        if (got.namespace, got.id, got.data) != (namespace, number, args):
            raise Failure(f"the acknowledgement {number} in {namespace}", got)
    await peer.quiet()


@case(
    "sio-ack-id-beyond",
    needs={"fixture", "slow-timers"},
    over={"number": (2**63, 10**18, 10**19 - 1)},
    control=ordinary_client,
)
async def id_of_nineteen_digits_is_never_another(target: Target, number: int) -> None:
    peer = await target.socketio()
    wanted = f"the acknowledgement {number}, none, or the connection closed"
    text = f'2{number}["message-with-ack","large"]'
    for packet in await peer.aftermath(text, expected=wanted) or ():
        if packet.type in ACKS and packet.id != number:
            target.non_strict(wanted, packet)  # as where every number is a double


@case("sio-ack-not-asked", needs="fixture", over={**TRANSPORTS, "namespace": ("/", "/custom")})
async def event_without_an_id_is_never_acknowledged(
    target: Target, transport: str, namespace: str
) -> None:
    peer = await target.socketio(transport, namespace=namespace)
    await peer.call("message-with-ack", "asked")
    await peer.emit("message-with-ack", "unasked")
    await peer.emit("message-with-ack", b"unasked")
    await peer.emit("message", b"unasked")
    await peer.expect_event("message-back", b"unasked")
    await peer.quiet()


@case("sio-ack-once", needs={"fixture", "upgrade"}, over={"namespace": ("/", "/custom")})
async def acknowledgements_come_once_after_an_upgrade(target: Target, namespace: str) -> None:
    peer = await target.socketio("upgrade", namespace=namespace)
    several: tuple[list[Any], ...] = ([], ["text"], [b"octets"], [[1, 2]])
    for number, args in enumerate(several):
        await peer.send(Packet(PacketType.EVENT, namespace, ["message-with-ack", *args], number))
        got = await peer.receive()
        if (got.namespace, got.id, got.data) != (namespace, number, args):
            raise Failure(f"the acknowledgement {number} in {namespace}", got)
    await peer.quiet()


# Answers to calls.

CALL = {"fixture", "call", "slow-timers"}
STRANGE = {
    "text": '"an answer"',
    "true": "true",
    "null": "null",
    "object": '{"0":"an answer"}',
    "number": "7",
    "nothing": "",
    "cut": '["an answer"',
}


async def _called(target: Target) -> tuple[SocketIOPeer, SocketIOPeer, int]:
    """A client with a call under way, who asked for it as id 9, and the call's id."""
    peer, asker = await target.connect_socketio(2)
    request = {"op": "call", "sid": peer.sid, "event": "ask", "args": [], "timeout": 1.5}
    await asker.send(Packet(PacketType.EVENT, asker.namespace, ["sockproof", request], 9))
    with target.preparing("a call with an id"):
        question = await peer.receive_event()
        if question.id is None:
            raise Failure("an event with an id", question)
    return peer, asker, question.id


async def _unanswered(
    target: Target, text: Callable[[int], str], *attachments: bytes, lenient: bool = False
) -> None:
    """What is sent, which `text` makes of the call's id, does not answer the call of `_called`."""
    peer, asker, number = await _called(target)
    wanted = "what is no answer passed over, or the connection closed"
    came = await peer.aftermath(text(number), *attachments, expected=wanted)
    if came:
        raise Failure(wanted, came[0])
    if came is not None:
        await peer.send(Packet(PacketType.ACK, peer.namespace, ["the answer"], number))
    answer = await asker.ack(9)
    if isinstance(answer[0], dict) and answer[0].get("result") in (None, ["the answer"]):
        return
    got = f"the call is answered with {answer!r:.200}"
    if not lenient:
        raise Failure(wanted, got)
    target.non_strict(wanted, got)


@case("sio-ack-received-not-array", needs=CALL, over={"payload": tuple(STRANGE)})
async def acknowledgement_of_no_list_answers_nothing(target: Target, payload: str) -> None:
    lenient = payload == "nothing"  # many take it for an empty list
    await _unanswered(target, lambda asked: f"3{asked}{STRANGE[payload]}", lenient=lenient)


@case("sio-ack-without-id", needs=CALL, over={"kind": ("text", "binary")})
async def acknowledgement_without_an_id_answers_nothing(target: Target, kind: str) -> None:
    if kind == "text":
        await _unanswered(target, lambda _: '3["for whom?"]')
    else:
        text = '61-["for whom?",{"_placeholder":true,"num":0}]'
        await _unanswered(target, lambda _: text, b"octets")


WRAPS = {"2-8": 2**8, "2-16": 2**16, "2-31": 2**31, "2-32": 2**32, "2-53": 2**53, "2-64": 2**64}


@case("sio-ack-unknown-id", needs=CALL, over={"number": ("other", "sign", *WRAPS)})
async def acknowledgement_of_another_id_answers_nothing(target: Target, number: str) -> None:
    def text(asked: int) -> str:
        other = f"+{asked}" if number == "sign" else asked + WRAPS.get(number, 10)
        return f'3{other}["for whom?"]'

    await _unanswered(target, text)


@case("sio-ack-unknown-id", needs={"fixture", "slow-timers"})
async def binary_acknowledgement_that_nobody_waits_for_is_ignored(target: Target) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.ACK, peer.namespace, ["for whom?", b"octets"], 4711))
    await peer.send(Packet(PacketType.ACK, peer.namespace, ["for whom?"], 2**31 + 1))
    await peer.quiet()


@case("sio-ack-received-twice", needs=CALL)
async def second_acknowledgement_does_not_answer_the_next_call(target: Target) -> None:
    peer, asker, number = await _called(target)
    await peer.send(Packet(PacketType.ACK, peer.namespace, ["the first"], number))
    if (answer := await asker.ack(9)) != [{"ok": True, "result": ["the first"]}]:
        raise Failure("the first answer", repr(answer)[:200])
    await peer.send(Packet(PacketType.ACK, peer.namespace, ["the second"], number))
    await peer.quiet()
    request = {"op": "call", "sid": peer.sid, "event": "ask", "args": [2], "timeout": 1.5}
    await asker.send(Packet(PacketType.EVENT, asker.namespace, ["sockproof", request], 10))
    question = await peer.receive_event()
    await peer.send(Packet(PacketType.ACK, peer.namespace, ["the third"], question.id))
    if (answer := await asker.ack(10)) != [{"ok": True, "result": ["the third"]}]:
        raise Failure("the answer to the second call", repr(answer)[:200])


@case("sio-ack-binary-sent", needs="fixture", over=TRANSPORTS)
async def acknowledgement_behind_a_binary_one_has_its_own_type(
    target: Target, transport: str
) -> None:
    peer = await target.socketio(transport)
    several: tuple[list[Any], ...] = ([b"octets"], ["text"], [{"deep": [b"octets"]}], [])
    for number, args in enumerate(several):
        await peer.send(
            Packet(PacketType.EVENT, peer.namespace, ["message-with-ack", *args], number)
        )
        wanted = PacketType.ACK if number % 2 else PacketType.BINARY_ACK
        got = await peer.receive()
        if (got.type, got.id) != (wanted, number):
            raise Failure(f"{wanted.name} id {number}", got)
