"""Socket.IO protocol: events both ways, their arguments and their order."""

import re
from typing import Any

from sockproof.clients import Failure, SocketIOVisitor, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling", "upgrade")}
VALUES: dict[str, list[Any]] = {
    "numbers": [0, -1, 2**31, 2**53 - 1, -(2**53) + 1, 0.5, -1.25, 1e-9, 1e300],
    "constants": [None, True, False, None],
    "empty": ["", [], {}, [[]], [{}], {"": {}}],
    "nested": [{"a": [1, {"b": [[], [None, {"c": "d"}]]}]}, [[["deep"]]]],
    "keys": [{"": 1, "a b": 2, "__proto__": 3, "constructor": 4, "0": 5, "zoë": 6, "$bin": 7}],
    "like-packets": ["42", '2["message"]', "5-", "/custom,", "1-2", "\x1e", "b", "probe"],
}
TEXTS = {
    "scripts": "Zoë Привет שלום 你好 नमस्ते ไทย",
    "astral": "\U0001f600 \U0001d11e \U0010ffff",
    "escaped": '"\\/\b\f\n\r\t',
    "control": "\x00\x01\x1f\x7f\x80",
    "separators": "\u2028\u2029\x1e\u00a0\ufeff\u200f",
    "combining": "e\u0301 \u0ba8\u0bbf",
}


@case("client-sio-event-received", over=TRANSPORTS)
async def event_reaches_its_handler_once_with_its_arguments(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    args = ["text", 7, {"an": ["object"]}]
    session.emit("message", *args)
    await session.expect_event("message-back", *args)
    await session.fence()
    _handled(client, "message", args)


def _handled(client: SocketIOVisitor, name: str, *wanted: list[Any]) -> None:
    """A handler ran for these events and no others of the name."""
    told = [each["args"] for each in client.events(name)]
    if told != list(wanted):
        raise Failure(f"`{name}` handled with {list(wanted)!r:.200}", f"{told!r:.300}")


@case("client-sio-event-arguments", over={"count": (0, 1, 2, 30, 300)})
async def event_has_as_many_arguments_as_were_sent(client: SocketIOVisitor, count: int) -> None:
    session = await client.session()
    args = [f"argument {number}" for number in range(count)]
    session.emit("message", *args)
    await session.expect_event("message-back", *args)
    await session.fence()
    _handled(client, "message", args)


@case("client-sio-event-text", over={"text": tuple(TEXTS), "transport": ("websocket", "polling")})
async def text_arrives_unchanged_in_both_directions(
    client: SocketIOVisitor, text: str, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message", TEXTS[text], {TEXTS[text]: [TEXTS[text]]})
    await session.expect_event("message-back", TEXTS[text], {TEXTS[text]: [TEXTS[text]]})
    await session.fence()
    _handled(client, "message", [TEXTS[text], {TEXTS[text]: [TEXTS[text]]}])


@case("client-sio-event-json", over={"values": tuple(VALUES)})
async def values_arrive_unchanged_in_both_directions(client: SocketIOVisitor, values: str) -> None:
    session = await client.session()
    session.emit("message", *VALUES[values])
    await session.expect_event("message-back", *VALUES[values])
    await session.fence()
    _handled(client, "message", VALUES[values])


@case("client-sio-event-large", over={"transport": ("websocket", "polling")})
async def large_event_arrives_whole_in_both_directions(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    text = "0123456789abcdef" * 16_000  # 256 kB; nothing of it repeats at the same place
    session.emit("message", text, len(text))
    await session.expect_event("message-back", text, len(text))
    await session.fence()


@case("client-sio-event-order", over=TRANSPORTS)
async def events_are_handled_in_the_order_in_which_they_come(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    count = 12
    for number in range(count):
        session.emit("message", number)
    wanted = f"{count} events handled"
    with client.context.awaits(wanted):
        for _ in range(count):  # in any order: it is what the application was told that counts
            got = await session.receive(lambda: client.count("disconnect") > 0)
            if got.type != PacketType.EVENT:
                raise Failure(wanted, got)
    await session.fence()
    _handled(client, "message", *([number] for number in range(count)))


@case("client-sio-event-order-sent", over=TRANSPORTS)
async def events_leave_in_the_order_in_which_they_are_emitted(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    ops = [{"op": "emit", "event": "numbered", "args": [number]} for number in range(12)]
    session.do("several", ops=ops)
    for number in range(12):
        await session.expect_event("numbered", number)


@case("client-sio-event-sent", over={"count": (0, 1, 3)})
async def emitted_event_is_a_list_with_its_name_first(client: SocketIOVisitor, count: int) -> None:
    session = await client.session()
    args = ["a", {"b": 1}, None][:count]
    session.do("emit", event="told", args=args)
    await session.expect_event("told", *args)


@case("client-sio-event-unhandled")
async def event_without_a_handler_changes_nothing(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.emit("nobody-knows-this", 1, {"two": 3})
    await session.fence()


@case("client-sio-event-not-connected")
async def event_of_a_foreign_namespace_is_not_handled(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.emit("message", "to nobody", namespace="/nobody")
    await session.goes_on("the event passed over, or the connection closed")
    if client.events("message"):
        raise Failure("no event of a namespace that the client is not in", client.events()[0])


@case("client-sio-event-placeholder-lookalike")
async def object_that_looks_like_a_placeholder_is_data(client: SocketIOVisitor) -> None:
    session = await client.session()
    lookalike = {"_placeholder": True, "num": 0}
    session.send_messages('2["message",{"_placeholder":true,"num":0}]')
    if await session.answers(["message-back", lookalike], "the object unchanged, or an end"):
        await session.fence()
        _handled(client, "message", [lookalike])


# How packets are written.


async def _text(session: Any) -> str:
    """The text of the client's next packet, as it is."""
    packet = await session.engine.receive()
    if packet.type != engineio.PacketType.MESSAGE or not isinstance(packet.data, str):
        raise Failure("a MESSAGE with text", packet)
    return packet.data


@case("client-sio-format-main-omitted", over={"kind": ("event", "ack")})
async def main_namespace_is_not_written(client: SocketIOVisitor, kind: str) -> None:
    session = await client.session()
    if kind == "event":
        session.emit("message", "x")
    else:
        session.emit("message-with-ack", "x", id=5)
    wanted = {"event": '2["message-back","x"]', "ack": '35["x"]'}[kind]
    got = await _text(session)
    if "/" in got:
        raise Failure(wanted, repr(got))


# Whether it asks for acknowledgements of its own is a client's to say.
WRITTEN = {
    "event": (Packet(PacketType.EVENT, "/custom", ["message", "x"]), r"2/custom,\d*\["),
    "ack": (Packet(PacketType.EVENT, "/custom", ["message-with-ack", "x"], 15), r"3/custom,15\["),
    "binary": (Packet(PacketType.EVENT, "/custom", ["message", b"x"]), r"51-/custom,\d*\["),
    "binary-ack": (
        Packet(PacketType.EVENT, "/custom", ["message-with-ack", b"x"], 15),
        r"61-/custom,15\[",
    ),
}


@case("client-sio-format-order-sent", over={"kind": tuple(WRITTEN)})
async def parts_of_a_packet_stand_in_order(client: SocketIOVisitor, kind: str) -> None:
    client.setup(namespaces=("/custom",))
    session = await client.session()
    packet, beginning = WRITTEN[kind]
    session.send(packet)
    got = await _text(session)
    if not re.match(beginning, got):
        raise Failure(f"a text that begins with {beginning}", repr(got))


@case("client-sio-format-namespace-sent", over={"transport": ("websocket", "polling")})
async def other_namespace_is_written_with_a_comma(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport, namespaces=("/custom",))
    session = client.socketio(await client.engine())
    got = await _text(session)
    if not (got == "0/custom," or got.startswith("0/custom,{")):
        if got != "0/custom":
            raise Failure("0/custom,", repr(got))
        client.context.non_strict("0/custom, with a comma", repr(got))


@case("client-sio-format-json-compact")
async def json_has_no_blanks(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.emit("message", "x", ["y", {"z": 1, "a": None}])
    got = await _text(session)
    if any(blank in got for blank in " \t\n\r"):
        client.context.non_strict("JSON without blanks between its parts", repr(got))


@case("client-sio-format-types-sent")
async def all_packets_have_a_type_that_exists(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.emit("message", "x")
    session.emit("message-with-ack", "y", id=0)
    session.emit("message", b"z")
    found = [(await session.receive()).type for _ in range(3)]
    if sorted(found) != [PacketType.EVENT, PacketType.ACK, PacketType.BINARY_EVENT]:
        raise Failure("an EVENT, an ACK and a BINARY_EVENT", ", ".join(each.name for each in found))


@case("client-sio-format-message", over={"transport": ("websocket", "polling")})
async def each_packet_is_one_message(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message", "one", b"octets")
    parts = [await session.engine.receive() for _ in range(2)]
    wanted = [(engineio.PacketType.MESSAGE, kind) for kind in (str, bytes)]
    if [(part.type, type(part.data)) for part in parts] != wanted:
        raise Failure("a MESSAGE of text, and one of octets", ", ".join(map(str, parts)))


READ = {
    "blanks": '2[ "message" ,\t"x" ,\n { "a" : [ 1 , 2 ] } ]',
    "escapes": '2["mess\\u0061ge","\\u0078",{"\\u0061":[1,2e0]}]',
}


@case("client-sio-format-json-blanks", over={"text": tuple(READ)})
async def json_that_is_written_otherwise_is_read(client: SocketIOVisitor, text: str) -> None:
    session = await client.session()
    session.send_messages(READ[text])
    await session.expect_event("message-back", "x", {"a": [1, 2]})


@case("client-sio-format-namespace-first-comma")
async def commas_behind_the_namespace_are_of_the_payload(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/custom",))
    session = await client.session()
    session.emit("message", "a,b", {"c,": [",", "/d,"]}, namespace="/custom")
    await session.expect_event("message-back", "a,b", {"c,": [",", "/d,"]}, namespace="/custom")


@case("client-sio-format-namespace-without-comma")
async def namespace_at_the_end_needs_no_comma(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = await client.settled()
    session.send_messages("1/custom")
    await client.seen("disconnect", "/custom")
    await session.fence("/")


@case("client-sio-format-main-written")
async def main_namespace_that_is_written_is_read_or_not(client: SocketIOVisitor) -> None:
    session = await client.session()
    session.send_messages('2/,["message","written"]')
    wanted = "the event handled or not, or the connection closed"
    handled = await session.answers(["message-back", "written"], wanted)
    client.context.notes.append(("the main namespace in a packet", "read" if handled else "not"))
