"""Socket.IO protocol: acknowledgements, those that a client gives and those that it awaits."""

from typing import Any

from sockproof.clients import Failure, Inconclusive, SocketIOSession, SocketIOVisitor, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling", "upgrade")}
ACKS = (PacketType.ACK, PacketType.BINARY_ACK)
LONG, AMPLE, SHORT = 20_000, 1000, 200  # milliseconds that the application waits for an answer
IGNORED = "the ACK passed over, or the connection closed"
ARGS: dict[str, list[Any]] = {
    "none": [],
    "one": ["x"],
    "null": [None],
    "list": [["x", "y"]],
    "several": [1, "two", {"three": [3]}, None],
}


# What a client answers.


@case("client-sio-ack-same-id", over=TRANSPORTS)
async def event_with_an_id_is_acknowledged_with_it(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message-with-ack", "x", {"y": 1}, id=456)
    await session.expect_ack(456, "x", {"y": 1})


@case("client-sio-ack-id-zero")
async def id_zero_is_acknowledged(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.emit("message-with-ack", "nought", id=0)
    await session.expect_ack(0, "nought")


@case("client-sio-ack-id-large", over={"number": (2**31, 2**32 + 5, 2**53 - 1)})
async def large_id_comes_back_with_every_digit(client: SocketIOVisitor, number: int) -> None:
    session = await client.session()
    session.emit("message-with-ack", "x", id=number)
    await session.expect_ack(number, "x")


@case("client-sio-ack-id-beyond", over={"number": (2**53 + 1, 2**63 + 25)})
async def id_beyond_what_a_double_holds_is_not_changed(
    client: SocketIOVisitor, number: int
) -> None:
    session = await client.settled()
    session.emit("message-with-ack", "x", id=number)
    wanted = f"the ACK {number}, or none, or the connection closed"
    got = await session.answer(wanted)
    if got is not None and (got.type not in ACKS or got.data != ["x"]):
        raise Failure(wanted, got)
    if got is not None and got.id != number:  # no server counts so far
        client.context.non_strict(wanted, got)


@case("client-sio-ack-once", over=TRANSPORTS)
async def event_with_an_id_is_acknowledged_once(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message-with-ack", "x", id=7)
    await session.expect_ack(7, "x")
    await session.fence()


@case("client-sio-ack-namespace")
async def acknowledgement_is_in_the_namespace_of_its_event(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = await client.session()
    for namespace in ("/custom", "/"):
        session.emit("message-with-ack", namespace, namespace=namespace, id=3)
        await session.expect_ack(3, namespace, namespace=namespace)


@case("client-sio-ack-not-asked", over={"name": ("message", "message-with-ack", "unknown")})
async def event_without_an_id_is_not_acknowledged(client: SocketIOVisitor, name: str) -> None:
    session = await client.session()
    session.emit(name, "x")
    if name == "message":
        await session.expect_event("message-back", "x")
    await session.fence()


@case("client-sio-ack-binary-event", over={"transport": ("websocket", "polling")})
async def binary_event_with_an_id_is_acknowledged(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message-with-ack", b"\x00\xff", [{"deep": b""}], id=12)
    await session.expect_ack(12, b"\x00\xff", [{"deep": b""}])


@case("client-sio-ack-binary-sent", over={"octets": (True, False)})
async def acknowledgement_has_the_type_of_what_it_holds(
    client: SocketIOVisitor, octets: bool
) -> None:
    session = await client.session()
    value = b"octets" if octets else "text"
    session.emit("message-with-ack", b"before", id=1)
    await session.expect_ack(1, b"before")
    session.emit("message-with-ack", value, id=2)
    wanted = PacketType.BINARY_ACK if octets else PacketType.ACK
    got = await session.receive()
    if (got.type, got.id, got.data) != (wanted, 2, [value]):
        raise Failure(str(Packet(wanted, "/", [value], 2)), got)


@case("client-sio-ack-array", over={"args": tuple(ARGS)})
async def payload_of_an_acknowledgement_is_the_list_of_values(
    client: SocketIOVisitor, args: str
) -> None:
    session = await client.session()
    session.emit("message-with-ack", *ARGS[args], id=9)
    await session.expect_ack(9, *ARGS[args])


@case("client-sio-ack-order", over=TRANSPORTS)
async def each_of_several_events_gets_its_own_acknowledgement(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    numbers = [number * 37 % 101 for number in range(12)]
    for number in numbers:
        session.emit("message-with-ack", f"number {number}", id=number)
    left = set(numbers)
    while left:
        got = await session.receive()
        if got.type not in ACKS or got.id not in left or got.data != [f"number {got.id}"]:
            raise Failure("the ACK of an event, with its own value", got)
        left.remove(got.id)
    await session.fence()


@case("client-sio-ack-no-handler")
async def event_without_a_handler_is_acknowledged_or_not(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.emit("nobody-knows-this", 1, id=77)
    got = await session.answer("an ACK, or none, or the connection closed")
    if got is not None and (got.type not in ACKS or got.id != 77):
        raise Failure("the ACK 77, or none", got)
    told = "acknowledged" if got is not None else "not acknowledged"
    client.context.notes.append(("an event without a handler", told))


# What a client is answered.


async def _asked(
    session: SocketIOSession, word: str, timeout_ms: int = LONG, via: str = "/"
) -> Packet:
    """The event for which the application awaits an answer."""
    session.do("emit-with-ack", via=via, event="ask", args=[word], timeout_ms=timeout_ms)
    got = await session.expect_event("ask", word, namespace=via)
    if got.id is None:
        raise Failure("an event with an id", got)
    return got


def _answers(client: SocketIOVisitor, *wanted: list[Any]) -> None:
    """These answers and no others have reached the application."""
    told = [each.get("args") for each in client.reported("ack")]
    if told != list(wanted):
        raise Failure(f"the answers {list(wanted)}", f"{told!r:.200}")


@case("client-sio-ack-asked", over={"transport": ("websocket", "polling")})
async def emits_that_await_answers_have_ids_of_their_own(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    found = [await _asked(session, f"word {number}") for number in range(5)]
    if len({each.id for each in found}) != 5:
        raise Failure("five ids", ", ".join(str(each.id) for each in found))


@case(
    "client-sio-ack-received",
    over={"args": ("none", "one", "list", "several"), "transport": ("websocket", "polling")},
)
async def values_of_an_acknowledgement_reach_the_application(
    client: SocketIOVisitor, args: str, transport: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    packet = await _asked(session, "first")
    session.acknowledge(packet, *ARGS[args])
    await client.seen("ack", args=ARGS[args])
    await session.fence()


@case("client-sio-ack-received-binary", over={"transport": ("websocket", "polling")})
async def octets_of_an_acknowledgement_reach_the_application(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    values = [{"deep": [b"\x00\x01", b""]}, "text", b"\xff"]
    session.acknowledge(await _asked(session, "octets"), *values)
    await client.seen("ack", args=values)


@case("client-sio-ack-received-any-order")
async def answers_come_in_reverse(client: SocketIOVisitor) -> None:
    session = await client.settled()
    found = [await _asked(session, word) for word in ("one", "two", "three")]
    for packet in reversed(found):
        session.acknowledge(packet, packet.data[1])
        report = await client.seen("ack", args=[packet.data[1]])
        if "asked" in report and report["asked"] != [packet.data[1]]:
            raise Failure("the answer given to whom it is for", f"{report!r:.200}")
    await session.fence()


@case("client-sio-ack-received-twice")
async def second_answer_is_passed_over(client: SocketIOVisitor) -> None:
    session = await client.settled()
    packet = await _asked(session, "once")
    session.acknowledge(packet, "first")
    session.acknowledge(packet, "second")
    await client.seen("ack", args=["first"])
    await session.goes_on(IGNORED)
    _answers(client, ["first"])


@case("client-sio-ack-received-foreign", over={"number": (0, 7, 2**53 - 1, 2**63)})
async def acknowledgement_of_nothing_is_passed_over(client: SocketIOVisitor, number: int) -> None:
    session = await client.settled()
    session.send(Packet(PacketType.ACK, "/", ["for whom?"], number))
    await session.goes_on(IGNORED)
    _answers(client)


@case("client-sio-ack-received-foreign")
async def acknowledgement_of_another_id_is_not_taken_for_the_answer(
    client: SocketIOVisitor,
) -> None:
    session = await client.settled()
    packet = await _asked(session, "mine")
    assert packet.id is not None
    session.send(Packet(PacketType.ACK, "/", ["another's"], packet.id + 1))
    if await session.goes_on(IGNORED):
        session.acknowledge(packet, "mine")
        await client.seen("ack", args=["mine"])


@case("client-sio-ack-received-namespace")
async def acknowledgement_in_another_namespace_is_no_answer(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = await client.settled()
    packet = await _asked(session, "mine")
    session.send(Packet(PacketType.ACK, "/custom", ["foreign"], packet.id))
    if await session.goes_on(IGNORED):
        session.acknowledge(packet, "mine")
        await client.seen("ack", args=["mine"])


@case("client-sio-ack-received-without-id")
async def acknowledgement_without_an_id_answers_nothing(client: SocketIOVisitor) -> None:
    session = await client.settled()
    packet = await _asked(session, "mine")
    session.send_messages('3["for whom?"]')
    if await session.goes_on(IGNORED):
        session.acknowledge(packet, "mine")
        await client.seen("ack", args=["mine"])


@case("client-sio-ack-received-not-array", over={"payload": ('{"a":1}', '"text"', "null", "")})
async def acknowledgement_that_is_no_list_leaves_nobody_deaf(
    client: SocketIOVisitor, payload: str
) -> None:
    session = await client.settled()
    packet = await _asked(session, "mine")
    session.send_messages(f"3{packet.id}{payload}")
    if not await session.goes_on(IGNORED):
        return
    # An acknowledgement may be told in a thread of its own: one more, and what came first is told.
    session.acknowledge(await _asked(session, "next"), "next")

    def told() -> list[Any]:
        return [each.get("args") for each in client.reported("ack")]

    await client.until("the next acknowledgement told", lambda: ["next"] in told())
    if told()[0] != ["next"]:
        client.context.non_strict("no answer from what is no list", client.reported("ack")[0])


# Time limits, as the documentation of the library describes them.


@case("client-lib-ack-timeout")
async def emit_that_is_not_answered_in_time_fails(client: SocketIOVisitor) -> None:
    session = await client.settled()
    await _asked(session, "in vain", SHORT)
    await client.seen("ack-timeout")


@case("client-lib-ack-settled")
async def emit_that_was_answered_does_not_time_out(client: SocketIOVisitor) -> None:
    session = await client.settled()
    packet = await _asked(session, "in time", AMPLE)
    session.acknowledge(packet, "in time")
    await client.seen_any("ack", "ack-timeout")
    if client.count("ack-timeout"):
        raise Inconclusive("an ACK that comes in time", f"it took more than {AMPLE} ms")
    # The limit of an emit that comes later lapses later, so it would have been told second.
    late = await _asked(session, "in vain", AMPLE)
    await client.until("the report ack-timeout", lambda: client.count("ack-timeout") > 0)
    session.acknowledge(late, "late")
    await session.goes_on(IGNORED)
    if client.count("ack-timeout") > 1 or client.count("ack") > 1:
        raise Failure("one ack-timeout, of the emit that was not answered", "one of each emit")


@case("client-lib-ack-late")
async def late_answer_is_no_answer(client: SocketIOVisitor) -> None:
    session = await client.settled()
    packet = await _asked(session, "in vain", SHORT)
    await client.seen("ack-timeout")
    session.acknowledge(packet, "late")
    await session.goes_on(IGNORED)
    _answers(client)


@case("client-lib-ack-late")
async def answer_behind_a_late_one_is_given_to_its_own_emit(client: SocketIOVisitor) -> None:
    session = await client.settled()
    late = await _asked(session, "in vain", SHORT)
    await client.seen("ack-timeout")
    packet = await _asked(session, "second")
    session.acknowledge(late, "late")
    session.acknowledge(packet, "second")
    await client.seen("ack", args=["second"])
    await session.fence()
    _answers(client, ["second"])


@case("client-lib-ack-lost")
async def emit_does_not_wait_for_ever_when_the_connection_is_lost(client: SocketIOVisitor) -> None:
    session = await client.settled()
    await _asked(session, "in vain", 1000)
    session.engine.vanish()
    await client.seen_any("ack-timeout", "error")
