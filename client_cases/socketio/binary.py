"""Socket.IO protocol: octets at any depth, both ways, and their attachments."""

import json
import re
from typing import Any

from sockproof.clients import Failure, SocketIOSession, SocketIOVisitor, case, with_bins
from sockproof.wire import engineio
from sockproof.wire.socketio import PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
ALL = {"transport": ("websocket", "polling", "upgrade")}
EVERY_OCTET = bytes(range(256))
PLACE = '{"_placeholder":true,"num":%s}'
SHAPES: dict[str, list[Any]] = {
    "alone": [b"\x00\x01\xff"],
    "first-and-last": [b"first", "text", b"last"],
    "list": [[b"a", [b"b", [b"c"]]]],
    "object": [{"x": b"1", "y": {"z": [b"2", {"w": b"3"}]}}],
    "mixed": ["text", [1, b"one", None], {"a": b"two", "b": {"c": [b"three"]}}, b"four", True],
    "deep": [[[[[[[[[[{"a": {"b": {"c": b"down here"}}}]]]]]]]]]],
    "keys": [{"": b"empty", "__proto__x": b"proto", "1": b"digit"}],
    "same-twice": [b"same", b"same", [b"same"]],
    "ten": [bytes([number]) for number in range(10)],
}
CONTENTS = {
    "every-octet": EVERY_OCTET,
    "like-text": b'2["message","not a packet"]',
    "like-base64": b"bAAEC",
    "separator": b"a\x1eb",
    "zeros": bytes(1000),
    "utf-8": "Zoë \U0001f600".encode(),
}


def _handled(client: SocketIOVisitor, wanted: list[Any]) -> None:
    told = [each["args"] for each in client.events("message")]
    if told != [with_bins(wanted)]:
        raise Failure(f"one event handled, with {wanted!r:.200}", f"{told!r:.300}")


@case("client-sio-placeholder-nested", over={"shape": tuple(SHAPES), **TRANSPORTS})
async def octets_are_found_and_put_back_at_any_depth(
    client: SocketIOVisitor, shape: str, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message", *SHAPES[shape])
    await session.expect_event("message-back", *SHAPES[shape])
    await session.fence()
    _handled(client, SHAPES[shape])


@case("client-sio-binary-received", over={"octets": tuple(CONTENTS), **TRANSPORTS})
async def octets_arrive_unchanged_in_both_directions(
    client: SocketIOVisitor, octets: str, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message", CONTENTS[octets])
    await session.expect_event("message-back", CONTENTS[octets])
    await session.fence()
    _handled(client, [CONTENTS[octets]])


@case("client-sio-binary-received")
async def binary_events_in_two_namespaces_are_kept_apart(client: SocketIOVisitor) -> None:
    client.setup(namespaces=("/", "/custom"))
    session = await client.session()
    for namespace, octets in (("/custom", b"one"), ("/", b"two"), ("/custom", b"three")):
        session.emit("message", octets, namespace=namespace)
        await session.expect_event("message-back", octets, namespace=namespace)
    await session.fence("/custom")


@case("client-sio-binary-received-polling", over={"apart": (True, False)})
async def attachments_in_one_answer_or_in_several_complete_their_event(
    client: SocketIOVisitor, apart: bool
) -> None:
    client.setup("polling")
    session = await client.session()
    messages: tuple[str | bytes, ...] = (
        f'52-["message",{PLACE % 0},{PLACE % 1}]',
        b"one",
        b"two",
    )
    for message in messages:
        session.send_messages(message)
        if apart:
            await session.engine.sent()
    await session.expect_event("message-back", b"one", b"two")


@case("client-sio-binary-received-ping", over=ALL)
async def ping_between_attachments_is_no_part_of_them(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    session.send_messages(f'52-["message",{PLACE % 0},{PLACE % 1}]', b"one")
    session.engine.send(engineio.Packet(engineio.PacketType.PING))
    await session.engine.expect(engineio.PacketType.PONG)
    session.send_messages(b"two")
    await session.expect_event("message-back", b"one", b"two")


@case("client-sio-placeholder-by-number", over=TRANSPORTS)
async def attachment_goes_where_its_number_stands(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = await client.session()
    text = f'54-["message",{PLACE % 2},[{PLACE % 0}],{{"a":{PLACE % 3},"b":{PLACE % 1}}}]'
    session.send_messages(text, b"zero", b"one", b"two", b"three")
    await session.expect_event("message-back", b"two", [b"zero"], {"a": b"three", "b": b"one"})


@case("client-sio-attachment-empty", over=TRANSPORTS)
async def empty_attachment_arrives(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = await client.session()
    session.emit("message", b"", [b"", "between", b"full"])
    await session.expect_event("message-back", b"", [b"", "between", b"full"])
    await session.fence()
    _handled(client, [b"", [b"", "between", b"full"]])


@case("client-sio-attachment-large", over=TRANSPORTS)
async def large_attachment_arrives_whole(client: SocketIOVisitor, transport: str) -> None:
    client.setup(transport)
    session = await client.session()
    octets = b"".join(number.to_bytes(4, "big") for number in range(40_000))
    session.emit("message", "large", octets)
    await session.expect_event("message-back", "large", octets)


# What a client writes.


async def _messages(session: SocketIOSession, count: int) -> list[str | bytes]:
    """The client's next messages, as they are."""
    found: list[str | bytes] = []
    while len(found) < count:
        packet = await session.engine.receive()
        if packet.type != engineio.PacketType.MESSAGE:
            raise Failure("a MESSAGE", packet)
        found.append(packet.data)
    return found


@case("client-sio-binary-sent", over=ALL)
async def attachments_are_as_many_as_announced_and_follow_at_once(
    client: SocketIOVisitor, transport: str
) -> None:
    client.setup(transport)
    session = await client.session()
    several = [
        {"op": "emit", "event": "sent", "args": [with_bins(args)]}
        for args in ([b"one", b"two"], "no octets", {"a": b"three"})
    ]
    session.do("several", ops=several)
    found = await _messages(session, 6)
    kinds = [message if isinstance(message, bytes) else _kind(message) for message in found]
    if kinds != ["52-", b"one", b"two", "2", "51-", b"three"]:
        raise Failure("52-…, two attachments, 2…, 51-…, one attachment", f"{found!r:.200}")


def _kind(text: str) -> str:
    """The type and the number of attachments of a packet."""
    found = re.match(r"\d(?:\d+-)?", text)
    return found[0] if found else text[:10]


@case("client-sio-placeholder-sent")
async def placeholders_are_numbered_in_the_order_of_the_attachments(
    client: SocketIOVisitor,
) -> None:
    session = await client.session()
    args = [b"a", {"x": [b"b", {"y": b"c"}]}, b"d", [[b"e"]]]  # no order of members matters
    session.do("emit", event="sent", args=args)
    first, *octets = await _messages(session, 6)
    text = str(first)
    if octets != [b"a", b"b", b"c", b"d", b"e"]:
        raise Failure("the attachments depth first, in order", f"{octets}")
    numbers = _numbers(json.loads(text[text.index("[") :]))
    if numbers != [0, 1, 2, 3, 4]:
        raise Failure("placeholders numbered 0 to 4 in the order of the attachments", text)


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return [value.get("num")]
        value = list(value.values())
    return (
        [number for part in value for number in _numbers(part)] if isinstance(value, list) else []
    )


@case("client-sio-binary-only-with-data")
async def event_has_the_type_of_what_it_holds(client: SocketIOVisitor) -> None:
    session = await client.session()
    for value, wanted in (
        (b"octets", PacketType.BINARY_EVENT),
        ("text", PacketType.EVENT),
        ({"_placeholder": False}, PacketType.EVENT),
        ([[b""]], PacketType.BINARY_EVENT),
    ):
        session.emit("message", value)
        got = await session.expect_event("message-back", value)
        if got.type != wanted:
            raise Failure(wanted.name, got.type.name)


@case("client-sio-binary-sent", over={"octets": ("every-octet", "separator", "like-text")})
async def emitted_octets_leave_unchanged_over_long_polling(
    client: SocketIOVisitor, octets: str
) -> None:
    client.setup("polling")
    session = await client.session()
    session.do("emit", event="sent", args=[CONTENTS[octets], {"again": CONTENTS[octets]}])
    await session.expect_event("sent", CONTENTS[octets], {"again": CONTENTS[octets]})
