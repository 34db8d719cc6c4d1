"""Room R26: calls in each namespace, with binary data, and after one that was not answered."""

from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire.socketio import Packet, PacketType

NEEDS = {"fixture", "call", "polling", "websocket"}
NAMESPACES = {"namespace": ("/", "/custom")}
ANSWERS: dict[str, list[Any]] = {
    "empty-text": ["", 0, False],
    "two-nulls": [None, None],
    "twelve": list(range(12)),
    "nested-lists": [[]],
}


async def _ask(
    asker: SocketIOPeer, number: int, peer: SocketIOPeer, *args: Any, timeout: float = 2
) -> None:
    """Have the application call a client; the answer comes with the acknowledgement `number`."""
    fields = {"sid": peer.sid, "event": "ask", "args": list(args), "timeout": timeout}
    request = {"op": "call", **fields}
    await asker.send(Packet(PacketType.EVENT, asker.namespace, ["sockproof", request], number))


async def _asked(peer: SocketIOPeer, *args: Any) -> int:
    """The call as it reaches the client; gives its id."""
    got = await peer.receive_event()
    wanted = f"EVENT {['ask', *args]!r:.100} with an id"
    if got.data != ["ask", *args] or got.id is None:
        raise Failure(wanted, got)
    return got.id


async def _answer(peer: SocketIOPeer, number: int, *args: Any) -> None:
    await peer.send(Packet(PacketType.ACK, peer.namespace, list(args), number))


async def _expect(asker: SocketIOPeer, number: int, **wanted: Any) -> None:
    answer = await asker.ack(number)
    if answer != [{"ok": True, **wanted}]:
        raise Failure(repr({"ok": True, **wanted}), repr(answer)[:200])


@case("rooms-call-id", needs=NEEDS, over=NAMESPACES)
async def call_with_binary_data_has_an_id(target: Target, namespace: str) -> None:
    asker, peer = await target.connect_socketio(2, namespace=namespace)
    await _ask(asker, 61, peer, "binary", {"$bin": [1, 2]}, [{"$bin": []}])
    number = await _asked(peer, "binary", b"\1\2", [b""])
    await _answer(peer, number, {"deep": b"\3"}, b"", b"\4")
    wanted = [{"deep": {"$bin": [3]}}, {"$bin": []}, {"$bin": [4]}]
    await _expect(asker, 61, result=wanted)


@case("rooms-call-result", needs=NEEDS, over={**NAMESPACES, "answer": tuple(ANSWERS)})
async def answer_of_any_values_is_the_result(target: Target, namespace: str, answer: str) -> None:
    asker, peer = await target.connect_socketio(2, namespace=namespace)
    await _ask(asker, 62, peer, answer)
    await _answer(peer, await _asked(peer, answer), *ANSWERS[answer])
    await _expect(asker, 62, result=ANSWERS[answer])


@case("rooms-call-timeout", needs=NEEDS)
async def call_after_one_that_timed_out_has_its_own_answer(target: Target) -> None:
    asker, peer = await target.connect_socketio(2)
    await _ask(asker, 63, peer, "first", timeout=1)
    first = await _asked(peer, "first")
    await _expect(asker, 63, timeout=True)
    await _ask(asker, 64, peer, "second")
    second = await _asked(peer, "second")
    await _answer(peer, first, "too late")
    await _answer(peer, second, "in time")
    await _expect(asker, 64, result=["in time"])


@case("rooms-call-result", needs={*NEEDS, "upgrade"})
async def call_under_way_outlives_an_upgrade(target: Target) -> None:
    asker, peer = await target.socketio(), await target.socketio("polling")
    await _ask(asker, 65, peer, "before the upgrade", timeout=4)
    number = await _asked(peer, "before the upgrade")
    await peer.engine.upgrade()
    await _answer(peer, number, "after the upgrade")
    await _expect(asker, 65, result=["after the upgrade"])


@case("rooms-call-result", needs=NEEDS, over={"how": ("left", "refused")})
async def call_under_way_outlives_what_befalls_another_namespace(target: Target, how: str) -> None:
    asker, peer = await target.connect_socketio(2)
    await peer.enter("/custom")
    await _ask(asker, 66, peer, "meanwhile", timeout=3)
    number = await _asked(peer, "meanwhile")
    if how == "left":
        await peer.disconnect("/custom")
    else:
        await peer.send(Packet(PacketType.CONNECT, "/random"))
        await peer.expect(PacketType.CONNECT_ERROR, "/random")
    await _answer(peer, number, "still")
    await _expect(asker, 66, result=["still"])


@case("rooms-call-result", needs=NEEDS)
async def binary_answers_of_two_calls_are_told_apart(target: Target) -> None:
    asker, peer = await target.connect_socketio(2)
    numbers = []
    for number in (67, 68):
        await _ask(asker, number, peer, number)
        numbers.append(await _asked(peer, number))
    for number, octets in ((numbers[1], b"of the second"), (numbers[0], b"of the first")):
        await _answer(peer, number, octets)
    await _expect(asker, 68, result=[{"$bin": list(b"of the second")}])
    await _expect(asker, 67, result=[{"$bin": list(b"of the first")}])
