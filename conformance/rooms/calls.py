"""Rooms R26 and R28: the application calls a client, and keeps a session for each."""

from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
CALL = {"fixture", "call"}
ANSWERS = {"none": [], "one": ["yes"], "list": [[1, [2]]], "several": ["yes", 2, {"three": None}]}


async def _ask(asker: SocketIOPeer, number: int, sid: str, timeout: float = 2) -> None:
    """Have the application call a client; the answer comes with the acknowledgement `number`."""
    request = {"op": "call", "sid": sid, "event": "ask", "args": [number], "timeout": timeout}
    await asker.send(Packet(PacketType.EVENT, "/", ["sockproof", request], number))


async def _question(peer: SocketIOPeer) -> Packet:
    """The call as it reaches the client."""
    got = await peer.receive_event()
    if got.data[:1] != ["ask"]:
        raise Failure("the event 'ask'", got)
    if got.id is None:
        raise Failure("an event with an id", got)
    return got


def _expect_answer(answer: list[Any], **wanted: Any) -> None:
    if answer != [{"ok": True, **wanted}]:
        raise Failure(repr({"ok": True, **wanted}), repr(answer)[:200])


@case("rooms-call-id", needs=CALL, over=TRANSPORTS)
async def call_reaches_the_client_with_an_id(target: Target, transport: str) -> None:
    peer, asker = await target.connect_socketio(2, transport)
    await _ask(asker, 11, peer.sid)
    got = await _question(peer)
    if got.data != ["ask", 11]:
        raise Failure("the event ['ask', 11]", got)


@case("rooms-call-result", needs=CALL, over={**TRANSPORTS, "answer": tuple(ANSWERS)})
async def answer_of_the_client_is_the_calls_result(
    target: Target, transport: str, answer: str
) -> None:
    peer, asker = await target.connect_socketio(2, transport)
    await _ask(asker, 12, peer.sid)
    number = (await _question(peer)).id
    await peer.send(Packet(PacketType.ACK, "/", ANSWERS[answer], number))
    _expect_answer(await asker.ack(12), result=ANSWERS[answer])


@case("rooms-call-result", needs=CALL)
async def two_calls_of_one_client_have_their_own_results(target: Target) -> None:
    peer, asker = await target.connect_socketio(2)
    for number in (21, 22):
        await _ask(asker, number, peer.sid)
    questions = [await _question(peer) for _ in range(2)]
    if questions[0].id == questions[1].id:
        raise Failure("an id for each call", str(questions[1]))
    for question in reversed(questions):
        await peer.send(Packet(PacketType.ACK, "/", [question.data[1]], question.id))
    for number in (21, 22):
        _expect_answer(await asker.ack(number), result=[number])


@case("rooms-call-result", needs=CALL)
async def calls_of_two_clients_have_their_own_results(target: Target) -> None:
    first, second, asker = await target.connect_socketio(3)
    await _ask(asker, 31, first.sid)
    await _ask(asker, 32, second.sid)
    for peer, number in ((second, 32), (first, 31)):
        question = await _question(peer)
        if question.data != ["ask", number]:
            raise Failure(f"the event ['ask', {number}]", question)
        await peer.send(Packet(PacketType.ACK, "/", [number], question.id))
    for number in (31, 32):
        _expect_answer(await asker.ack(number), result=[number])


@case("rooms-call-result", needs=CALL)
async def call_of_one_client_is_not_answered_by_another(target: Target) -> None:
    peer, stranger, asker = await target.connect_socketio(3)
    await _ask(asker, 41, peer.sid)
    number = (await _question(peer)).id
    await stranger.send(Packet(PacketType.ACK, "/", ["from a stranger"], number))
    await stranger.quiet()
    await peer.send(Packet(PacketType.ACK, "/", ["from the client"], number))
    _expect_answer(await asker.ack(41), result=["from the client"])


@case("rooms-call-timeout", needs=CALL, over=TRANSPORTS)
async def call_that_is_not_answered_times_out(target: Target, transport: str) -> None:
    peer, asker = await target.connect_socketio(2, transport)
    await _ask(asker, 51, peer.sid, timeout=1)
    number = (await _question(peer)).id
    _expect_answer(await asker.ack(51), timeout=True)
    await peer.send(Packet(PacketType.ACK, "/", ["too late"], number))
    await peer.quiet()


# Sessions.

SESSION = {"session_set", "session_get"}


@case("rooms-session-kept", needs=SESSION, over={"transport": ("websocket", "polling")})
async def session_holds_what_was_stored_in_it(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    for data in ({"user": "jo", "list": [1, {"two": None}]}, {"user": "ma"}):
        await peer.proof("session_set", data=data)
        for _ in range(2):
            answer = await peer.proof("session_get")
            if answer.get("data") != data:
                raise Failure(f"the data {data!r}", repr(answer)[:200])


@case("rooms-session-kept", needs={*SESSION, "upgrade", "fixture"})
async def session_outlives_an_upgrade(target: Target) -> None:
    peer = await target.socketio("polling")
    await peer.proof("session_set", data={"user": "before"})
    with target.preparing("an upgrade"):
        await peer.engine.upgrade()
        await peer.quiet()
    answer = await peer.proof("session_get")
    if answer.get("data") != {"user": "before"}:
        raise Failure("the data {'user': 'before'}", repr(answer)[:200])


@case("rooms-session-per-client", needs=SESSION)
async def two_clients_have_two_sessions(target: Target) -> None:
    first, second = await target.connect_socketio(2)
    for peer, user in ((first, "jo"), (second, "ma")):
        await peer.proof("session_set", data={"user": user})
    third = await target.socketio()
    for peer, wanted in ((first, {"user": "jo"}), (second, {"user": "ma"}), (third, {})):
        answer = await peer.proof("session_get")
        if (answer.get("data") or {}) != wanted:
            raise Failure(f"the data {wanted!r}", repr(answer)[:200])


@case("rooms-session-per-namespace", needs={*SESSION, "fixture"})
async def client_has_a_session_for_each_namespace(target: Target) -> None:
    peer = await target.socketio()
    await peer.enter("/custom")
    await peer.proof("session_set", data={"in": "/"})
    for wanted in ({}, {"in": "/custom"}):
        answer = await peer.proof("session_get", via="/custom")
        if (answer.get("data") or {}) != wanted:
            raise Failure(f"the data {wanted!r} in /custom", repr(answer)[:200])
        await peer.proof("session_set", data={"in": "/custom"}, via="/custom")
    answer = await peer.proof("session_get")
    if answer.get("data") != {"in": "/"}:
        raise Failure("the data {'in': '/'}", repr(answer)[:200])
