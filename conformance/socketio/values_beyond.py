"""Socket.IO protocol, "Sending and receiving data": values at and beyond each boundary.

Each is sent as an event and with an acknowledgement, over each transport: what comes back tells.
"""

from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, Unsupported, case
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


def _nested(depth: int, inside: Any) -> Any:
    value = inside
    for level in range(depth):
        value = [value] if level % 2 else {"deeper": value}
    return value


JSON: dict[str, Any] = {
    "integers-31": [2**31 - 1, 2**31, -(2**31), -(2**31) - 1],
    "integers-32": [2**32 - 1, 2**32, 2**32 + 1, -(2**32)],
    "integers-53": [2**53 - 2, 2**53 - 1, -(2**53) + 1],
    "fractions": [0.1, 1.123456789012, 123456789.123, -2.5],
    "small": [1e-7, 5e-10],
    "large": [1e21, 1.5e300],
    "falsy": [0, False, None, "", [], {}],
    "in-objects": {"zero": 0, "false": False, "null": None, "text": "", "list": [], "object": {}},
    "single": [[1], [[]], [{}], {"only": 1}],
    "truth": [True, 1, "true", "1"],
    "long-list": list(range(150)),
    "many-keys": {f"key {number}": number for number in range(120)},
    "depth-12": _nested(12, "inside"),
    "depth-50": _nested(50, "inside"),
    "numbered-keys": {"0": "zero", "1": "one"},
    "words": {"constructor": 1, "__proto__": 2, "toString": 3, "hasOwnProperty": 4},
    "odd-keys": {"": 1, "$set": 2, "a.b": 3, "Upper": 4, "upper": 5, "_placeholder": False},
}
TEXT = {
    "json": '{"a":[1,2]}',
    "list": "[1,2]",
    "digits": "0123",
    "number": "12",
    "words": "true null false undefined NaN",
    "true": "true",
    "null": "null",
    "blanks": "  in blanks \t\n",
    "line-ends": "one\r\ntwo\rthree\n",
    "nul": "one\0two\0",
    "separators": "\u2028 and \u2029 and \x1e",
    "invisible": "\ufeffmark \u200b\u200d\ufeff",
    "composed": "e\u0301 \u00e9 \u212b",
    "entities": "&amp; &lt;b&gt; %41 +",
    "backslashes": "\\ \\\\ \\n \\u0041",
    "controls": "\x7f\x80\x9f",
    "noncharacters": "\ufffe\uffff\U0010ffff",
}
ARGUMENTS: dict[str, list[Any]] = {
    "none": [],
    "null": [None],
    "trailing-nulls": ["value", None, None],
    "one-list": [[1, 2]],
    "list-of-one": [["only"]],
    "empty-list": [[]],
    "two": ["one", "two"],
    "equal": ["same", "same", "same"],
    "falsy": [0, "", False, None],
    "twelve": list(range(12)),
    "many": list(range(150)),
    "empty-binary": [b"", "", None, b""],
}


async def _both_ways(peer: SocketIOPeer, *args: Any) -> None:
    """The arguments come back in an event, and in an acknowledgement."""
    await peer.emit("message", *args)
    await peer.expect_event("message-back", *args)
    answer = await peer.call("message-with-ack", *args)
    if not _same(answer, list(args)):
        raise Failure(f"the acknowledgement {list(args)!r:.200}", repr(answer)[:200])


def _same(one: Any, other: Any) -> bool:
    """Equal, with true not 1, and nothing lost from lists and objects."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


@case("sio-event-json", needs="fixture", over={**TRANSPORTS, "value": tuple(JSON)})
async def json_value_comes_back_as_it_was(target: Target, transport: str, value: str) -> None:
    await _both_ways(await target.socketio(transport), JSON[value])


@case("sio-event-text", needs="fixture", over={**TRANSPORTS, "text": tuple(TEXT)})
async def text_comes_back_as_it_was(target: Target, transport: str, text: str) -> None:
    await _both_ways(await target.socketio(transport), TEXT[text], {TEXT[text]: [TEXT[text]]})


@case("sio-event-received", needs="fixture", over={**TRANSPORTS, "args": tuple(ARGUMENTS)})
async def arguments_come_back_as_they_were(target: Target, transport: str, args: str) -> None:
    await _both_ways(await target.socketio(transport), *ARGUMENTS[args])


@case("sio-event-received", needs={"fixture", "upgrade"}, over={"namespace": ("/", "/custom")})
async def arguments_come_back_after_an_upgrade(target: Target, namespace: str) -> None:
    peer = await target.socketio("upgrade", namespace=namespace)
    for args in (("é ☃ 𝄞", "second", None), (b"octets", "second", b"")):
        await _both_ways(peer, *args)


@case("sio-event-received", needs="fixture", over=TRANSPORTS)
async def arguments_come_back_in_another_namespace(target: Target, transport: str) -> None:
    peer = await target.socketio(transport, namespace="/custom")
    for args in ((), ("é ☃ 𝄞", "second", None), (b"octets", "second", b"")):
        await _both_ways(peer, *args)


AT_ONCE = 10  # attachments in a POST: more are refused by some servers
FEW = 10  # attachments that any server is held to take
SIZES = (65_535, 65_536, 65_537, 70_000)


def _fits(peer: SocketIOPeer, octets: int) -> None:
    announced = peer.engine.handshake.max_payload
    if announced is not None and announced < 2 * octets:
        raise Unsupported(f"a server that takes {octets} octets", f"maxPayload: {announced}")


@case("sio-event-large", needs="fixture", over={**TRANSPORTS, "size": SIZES})
async def long_text_and_attachment_come_back(target: Target, transport: str, size: int) -> None:
    peer = await target.socketio(transport)
    _fits(peer, size)
    await _both_ways(peer, "".join(chr(97 + number % 26) for number in range(size)))
    await _both_ways(peer, bytes(number * 7 % 256 for number in range(size)))


# Attachments: their number, their contents, and how deep they stand.

OCTETS = {
    "digit-four": (b"4", b"4plain", b"\x04", b"b4"),
    "ends": (b"\0", b"ends\0\0", b"\n", b"line\r\nend\r\n"),
    "equal": (b"the same", b"the same", b"the same"),
    "alike": (b"one", b"two", b"six"),
    "empty": (b"", b"x", b"", b""),
    "lengths": tuple(bytes(range(number)) for number in range(1, 9)),
    "text": (b"", b"ascii", "é ☃".encode(), b"\xff\xfe"),
}


@case("sio-binary-received", needs="fixture", over={**TRANSPORTS, "octets": tuple(OCTETS)})
async def attachments_come_back_as_they_were(target: Target, transport: str, octets: str) -> None:
    await _both_ways(await target.socketio(transport), *OCTETS[octets])


@case("sio-binary-sent", needs="fixture", over={**TRANSPORTS, "number": (1, 2, 9, 10, 11, 30, 100)})
async def event_of_many_attachments_comes_back(target: Target, transport: str, number: int) -> None:
    peer = await target.socketio(transport)
    octets = [bytes([n, n]) for n in range(number)]
    text, *attachments = peer.text(Packet(PacketType.EVENT, peer.namespace, ["message", *octets]))
    kind = engineio.PacketType.MESSAGE
    messages = [text, *attachments]
    for start in range(0, len(messages), AT_ONCE):
        some = [engineio.Packet(kind, each) for each in messages[start : start + AT_ONCE]]
        if not await peer.engine.send_or_end(*some):
            break
    came = await peer.aftermath(expected="the event, or the connection closed for its size")
    if came is None and number > FEW:
        raise Unsupported(f"a server that takes {number} attachments", "it closes the connection")
    if [each.data for each in came or ()] != [["message-back", *octets]]:
        raise Failure(f"the event with {number} attachments", ", ".join(map(str, came or ()))[:300])


@case("sio-placeholder-nested", needs="fixture", over={**TRANSPORTS, "depth": (1, 7, 12, 30)})
async def attachments_come_back_from_any_depth(target: Target, transport: str, depth: int) -> None:
    peer = await target.socketio(transport)
    values = [_nested(depth, b"deep"), [{"in": b"a list"}], {"of": [b"an object", [b""]]}]
    await _both_ways(peer, *values)


@case("sio-event-placeholder-lookalike", needs="fixture", over=TRANSPORTS)
async def objects_like_placeholders_come_back(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    wanted = "the object as it was, or the connection closed"
    for lookalike in (
        {"_placeholder": False, "num": 0},
        {"_placeholder": True, "num": 7},
        {"_placeholder": "true"},
    ):
        text = peer.text(Packet(PacketType.EVENT, peer.namespace, ["message", "like", lookalike]))
        came = await peer.aftermath(*text, expected=wanted)
        if came is None:
            return
        if [each.data for each in came] != [["message-back", "like", lookalike]]:
            raise Failure(wanted, ", ".join(map(str, came)) or "nothing")
