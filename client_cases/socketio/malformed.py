"""Socket.IO protocol: packets that no server may send.

Where the document names nothing else, a client passes over what it cannot read, or closes the
connection and tells its application; in neither case does it stop responding.
"""

from sockproof.clients import Failure, SocketIOSession, SocketIOVisitor, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet

TRANSPORTS = {"transport": ("websocket", "polling")}
PASSED_OVER = "the packet passed over, or the connection closed"
CLOSED = "the connection closed"
SWALLOWED = '2["nobody-knows-this"]'  # text that a packet which waits for attachments may end with
PLACE = '{"_placeholder":true,"num":%s}'

UNKNOWN = {
    "7": '7["message","odd"]',
    "9": "9",
    "letter": 'x["message","odd"]',
    "json": '["message","odd"]',
    "minus": '-2["message","odd"]',
    "blank": ' 2["message","odd"]',
}
NO_JSON = {
    "unfinished": '2["message","odd"',
    "comma": '2["message","odd",]',
    "quotes": "2['message','odd']",
    "bracket": '2["message","odd"]]',
    "rest": '2["message","odd"]rest',
    "brace": "2{",
    "ack": "31[",
    "connect": '0/custom,{"sid":',
    "error": '4/custom,{"message":',
    "escape": '2["message","\\x"]',
}
BAD_IDS = {
    "letter": '2x["message-with-ack","odd"]',
    "minus": '2-1["message-with-ack","odd"]',
    "half": '21.5["message-with-ack","odd"]',
    "blank": '21 1["message-with-ack","odd"]',
    "ack": '3x["odd"]',
}
ODD_PAYLOADS = {
    "connect-list": "0[1]",
    "connect-text": '0"sid"',
    "connect-number": "07",
    "disconnect-object": '1/custom,{"a":1}',
    "error-list": "4/custom,[1]",
    "error-number": "4/custom,null",
}
COUNTS = {
    "none": '5["message","counted"]',
    "minus": '5-["message","counted"]',
    "below-zero": '5-1-["message","counted"]',
    "letters": '51a-["message","counted"]',
    "half": '50.5-["message","counted"]',
    "huge": '599999999999999999999-["message","counted"]',
    "ack": '6["counted"]',
}


async def _passed_over(client: SocketIOVisitor, *messages: str | bytes) -> SocketIOSession:
    session = await client.settled()
    session.send_messages(*messages)
    await session.goes_on(PASSED_OVER)
    return session


@case("client-sio-packet-type-unknown", over={"text": tuple(UNKNOWN)})
async def packet_of_an_unknown_type_leaves_nobody_deaf(client: SocketIOVisitor, text: str) -> None:
    await _passed_over(client, UNKNOWN[text])
    if client.events("message"):
        raise Failure("a packet that is not handled", client.events("message")[0])


@case("client-sio-packet-empty", over=TRANSPORTS)
async def message_without_a_packet_leaves_nobody_deaf(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    await _passed_over(client, "")


@case("client-sio-packet-bad-json", over={"text": tuple(NO_JSON)})
async def payload_that_is_no_json_leaves_nobody_deaf(client: SocketIOVisitor, text: str) -> None:
    await _passed_over(client, NO_JSON[text])
    if client.events("message"):
        raise Failure("a packet that is not handled", client.events("message")[0])


@case("client-sio-packet-bad-id", over={"text": tuple(BAD_IDS)})
async def id_that_is_no_number_leaves_nobody_deaf(client: SocketIOVisitor, text: str) -> None:
    await _passed_over(client, BAD_IDS[text])


@case("client-sio-packet-deep", over={"brackets": ("lists", "objects")})
async def deeply_nested_json_leaves_nobody_deaf(client: SocketIOVisitor, brackets: str) -> None:
    depth = 50_000
    opening, closing = {"lists": ("[", "]"), "objects": ('{"a":', "}")}[brackets]
    inner = "" if brackets == "lists" else "1"
    await _passed_over(client, f'2/nobody,["deep",{opening * depth}{inner}{closing * depth}]')


@case("client-sio-packet-payload-odd", over={"text": tuple(ODD_PAYLOADS)})
async def payload_of_another_kind_leaves_nobody_deaf(client: SocketIOVisitor, text: str) -> None:
    client.setup(namespaces=("/", "/custom"))
    await _passed_over(client, ODD_PAYLOADS[text])


@case("client-sio-packet-closed-told", over={"text": ("type", "json", "stray")})
async def client_that_closes_for_a_packet_tells_its_application(
    client: SocketIOVisitor, text: str
) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = await client.settled()
    messages: dict[str, str | bytes] = {"type": "9", "json": "2{", "stray": b"stray"}
    session.send_messages(messages[text])
    if await session.goes_on(PASSED_OVER):
        return
    for _ in client.asked.namespaces:
        await client.seen("disconnect")
    told = sorted(each["namespace"] for each in client.reported("disconnect"))
    if told != ["/", "/custom"]:
        raise Failure("one report `disconnect` of each namespace", f"{told}")


# Events without a list: the document has the receiver close the connection.


async def _closed(client: SocketIOVisitor, text: str) -> None:
    session = await client.settled()
    session.send_messages(text)
    if await session.goes_on(CLOSED):
        handled = [each for each in client.events() if each.get("name") != "message"]
        got = f"handled as {handled[0]!r:.100}" if handled else "passed over"
        raise Failure(CLOSED, f"the client goes on; the event is {got}")


@case("client-sio-event-not-array", over={"payload": ('{"a":1}', '"message"', "null", "true")})
async def event_that_is_no_list_closes_the_connection(
    client: SocketIOVisitor, payload: str
) -> None:
    await _closed(client, f"2{payload}")


@case("client-sio-event-empty-array", over={"text": ("2[]", "29[]", "2/,[]")})
async def event_that_is_an_empty_list_closes_the_connection(
    client: SocketIOVisitor, text: str
) -> None:
    await _closed(client, text)


@case("client-sio-event-no-payload", over={"text": ("2", "29")})
async def event_without_a_payload_closes_the_connection(client: SocketIOVisitor, text: str) -> None:
    await _closed(client, text)


# Attachments: none, too few, too many, text in their place.


@case("client-sio-binary-stray", over={**TRANSPORTS, "octets": ("some", "none", "packet")})
async def binary_message_without_a_packet_leaves_nobody_deaf(
    client: SocketIOVisitor, transport: str, octets: str
) -> None:
    client.setup(transport)
    stray = {"some": b"\x00stray", "none": b"", "packet": b'2["message","stray"]'}[octets]
    await _passed_over(client, stray)
    if client.events("message"):
        raise Failure("octets that are not handled as a packet", client.events("message")[0])


@case("client-sio-binary-stray", over=TRANSPORTS)
async def stray_attachment_is_no_part_of_the_next_event(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    session.send_messages(b"stray", f'52-["message",{PLACE % 0},{PLACE % 1}]', b"one", b"two")
    await session.answers(["message-back", b"one", b"two"], PASSED_OVER)


@case("client-sio-binary-too-many", over=TRANSPORTS)
async def surplus_attachment_is_no_part_of_the_next_event(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    first = f'51-["message","first",{PLACE % 0}]'
    second = f'51-["message","second",{PLACE % 0}]'
    session.send_messages(first, b"one", b"surplus", second, b"two")
    found, _ = await session.aftermath(PASSED_OVER)
    wanted = [["message-back", "first", b"one"], ["message-back", "second", b"two"]]
    strange = [packet for packet in found if packet.data not in wanted]
    if strange:
        raise Failure("each event with its own attachment, or the connection closed", strange[0])


@case("client-sio-binary-text-while-pending", over={**TRANSPORTS, "came": ("none", "one")})
async def text_is_not_taken_for_an_attachment(
    client: SocketIOVisitor, transport: str, came: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    begun = f'52-["message","begun",{PLACE % 0},{PLACE % 1}]'
    octets = (b"one",) if came == "one" else ()
    session.send_messages(begun, *octets, '2["message","amid"]')
    # The event amid them may be handled as what it is; the one that waits may not be.
    found, _ = await session.aftermath("the event that waits ended, or the connection closed")
    strange = [packet for packet in found if packet.data != ["message-back", "amid"]]
    if strange:
        raise Failure("no event with text in place of its attachments", strange[0])


@case("client-sio-binary-text-while-pending")
async def text_amid_attachments_is_not_put_into_their_event(client: SocketIOVisitor) -> None:
    session = await client.settled()
    begun = f'52-["message","begun",{PLACE % 0},{PLACE % 1}]'
    session.send_messages(begun, b"one", '2["message","amid"]', b"two")
    found, _ = await session.aftermath("the event that waits ended, or the connection closed")
    whole = ["message-back", "begun", b"one", b"two"]
    strange = [each for each in found if each.data not in (["message-back", "amid"], whole)]
    if strange:
        raise Failure("no event with text in place of its attachments", strange[0])


@case("client-sio-binary-never-completed", over=TRANSPORTS, limit=60.0)
async def event_whose_attachments_never_come_ends_with_its_connection(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport, reconnect=True)
    session = await client.settled()
    session.send_messages(f'52-["message","begun",{PLACE % 0},{PLACE % 1}]', b"one")
    session.engine.send(engineio.Packet(engineio.PacketType.PING))
    await session.engine.expect(engineio.PacketType.PONG)
    session.engine.vanish()
    session = await client.comes_back()
    session.send_messages(f'51-["message","next",{PLACE % 0}]', b"its own")
    await session.expect_event("message-back", "next", b"its own")
    await session.fence()


@case("client-sio-binary-placeholder-range", over={"number": ("1", "-1", "10", "4294967296")})
async def placeholder_out_of_range_leaves_nobody_deaf(client: SocketIOVisitor, number: str) -> None:
    await _passed_over(client, f'51-["message","filled",{PLACE % number}]', b"octets")


@case(
    "client-sio-binary-placeholder-type",
    over={"number": ('"0"', "0.5", "true", "null", "[0]", "{}")},
)
async def placeholder_of_no_whole_number_leaves_nobody_deaf(
    client: SocketIOVisitor, number: str
) -> None:
    session = await client.settled()
    session.send_messages(f'51-["message","filled",{PLACE % number}]', b"octets")
    got = await session.answer(PASSED_OVER)
    if got is not None:
        if b"octets" in got.data or got.data[:2] != ["message-back", "filled"]:
            raise Failure(PASSED_OVER, got)
        client.context.non_strict(PASSED_OVER, got)


@case("client-sio-binary-placeholder-type")
async def placeholder_without_a_number_leaves_nobody_deaf(client: SocketIOVisitor) -> None:
    session = await client.settled()
    session.send_messages('51-["message","filled",{"_placeholder":true}]', b"octets")
    got = await session.answer(PASSED_OVER)
    if got is not None:
        if b"octets" in got.data or got.data[:2] != ["message-back", "filled"]:
            raise Failure(PASSED_OVER, got)
        client.context.non_strict(PASSED_OVER, got)


@case("client-sio-binary-count", over={"count": tuple(COUNTS)})
async def packet_without_a_proper_count_leaves_nobody_deaf(
    client: SocketIOVisitor, count: str
) -> None:
    session = await client.settled()
    # Text ends a packet that waits for attachments, and may be lost with it.
    session.send_messages(COUNTS[count], '2["message","amid"]')
    found, _ = await session.aftermath(PASSED_OVER)
    strange = [packet for packet in found if packet.data != ["message-back", "amid"]]
    if strange:
        raise Failure(PASSED_OVER, strange[0])


@case("client-sio-binary-count-zero", over=TRANSPORTS)
async def binary_event_of_no_attachments_leaves_nobody_deaf(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.settled()
    session.send_messages('50-["message","counted"]', SWALLOWED)
    wanted = "the event handled or not, or the connection closed"
    await session.answers(["message-back", "counted"], wanted)


@case("client-sio-binary-count-zero")
async def binary_acknowledgement_of_no_attachments_leaves_nobody_deaf(
    client: SocketIOVisitor,
) -> None:
    session = await client.settled()
    session.do("emit-with-ack", event="ask", args=[], timeout_ms=20_000)
    packet: Packet = await session.expect_event("ask")
    session.send_messages(f'60-{packet.id}["answer"]', SWALLOWED)
    await session.goes_on("the acknowledgement taken or not, or the connection closed")
