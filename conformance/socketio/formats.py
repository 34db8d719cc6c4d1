"""Socket.IO protocol, "Packet encoding": "Format": the text of the packets that a server sends."""

import json
import re
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
_PARTS = re.compile(r"([0-9])(?:([0-9]+)-)?(?:(/[^,]*),)?([0-9]+)?(.*)", re.ASCII | re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')


async def _text(peer: SocketIOPeer) -> str:
    """The next packet as it is written; it must be text."""
    text = await peer.receive_raw()
    if isinstance(text, bytes):
        raise Failure("the text of a packet", f"{text[:60]!r}")
    return text


def _parts(text: str, wanted: str) -> re.Match[str]:
    """Type, number of attachments, namespace, id and JSON of a packet, each where it belongs."""
    found = _PARTS.fullmatch(text)
    if found is None:
        raise Failure(wanted, repr(text))
    return found


def _payload(text: str, wanted: str) -> Any:
    """The JSON of a packet, its placeholders left in."""
    try:
        return json.loads(_parts(text, wanted)[5])
    except ValueError as error:
        raise Failure(wanted, f"{text!r}: {error}") from error


def placeholders(value: Any) -> list[Any]:
    """The numbers of the placeholders, depth first."""
    if isinstance(value, dict) and value.get("_placeholder") is True:
        return [value.get("num")]
    items = list(value.values()) if isinstance(value, dict) else value
    return [n for item in items for n in placeholders(item)] if isinstance(items, list) else []


def _filled(value: Any, attachments: list[Any]) -> Any:
    """The value with an attachment in the place of each placeholder."""
    if isinstance(value, dict) and value.get("_placeholder") is True:
        return attachments[value["num"]]
    if isinstance(value, dict):
        return {key: _filled(item, attachments) for key, item in value.items()}
    return [_filled(item, attachments) for item in value] if isinstance(value, list) else value


@case("sio-format-types-sent", needs="fixture", over=TRANSPORTS)
async def every_packet_begins_with_a_type_from_0_to_6(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    for packet in (
        Packet(PacketType.EVENT, "/", ["message", "typed"]),
        Packet(PacketType.EVENT, "/", ["message-with-ack", "typed"], 8),
        Packet(PacketType.CONNECT, "/random"),
    ):
        await peer.send(packet)
        text = await _text(peer)
        if text[:1] not in tuple("0123456"):
            raise Failure("a type from 0 to 6", repr(text))


@case("sio-format-order-sent", needs="fixture", over=TRANSPORTS)
async def parts_of_a_packet_stand_in_their_order(target: Target, transport: str) -> None:
    peer = await target.socketio(transport, namespace="/custom")
    await peer.send(Packet(PacketType.EVENT, "/custom", ["message-with-ack", b"in order"], 12))
    text = await _text(peer)
    wanted = "61-/custom,12 and a list"
    if _parts(text, wanted).group(1, 2, 3, 4) != ("6", "1", "/custom", "12"):
        raise Failure(wanted, repr(text))
    if placeholders(_payload(text, wanted)) != [0]:
        raise Failure(wanted + " with one placeholder", repr(text))


@case("sio-format-main-omitted", needs="fixture", over=TRANSPORTS)
async def main_namespace_is_left_out(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", "left out")
    await peer.send(Packet(PacketType.EVENT, peer.namespace, ["message-with-ack", "left out"], 4))
    for _ in range(2):
        text = await _text(peer)
        namespace = _parts(text, "a packet")[3]
        if namespace == "/":  # the clients people use read it
            target.non_strict("no namespace in a packet of the main one", repr(text))
        elif namespace is not None:
            raise Failure("a packet of the main namespace", repr(text))


async def _expect_beginning(peer: SocketIOPeer, beginning: str) -> None:
    text = await _text(peer)
    if not text.startswith(beginning):
        raise Failure(f"a packet that begins with {beginning!r}", repr(text))


@case("sio-format-namespace-sent", needs="fixture", over=TRANSPORTS)
async def other_namespace_is_written_with_a_comma_behind_it(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.CONNECT, "/custom"))
    text = await _text(peer)
    if not text.startswith("0/custom,{"):
        raise Failure("a packet that begins with '0/custom,{'", repr(text))
    if target.supports("auth"):
        await _expect_beginning(peer, "2/custom,[")
    await peer.emit("message", "named", namespace="/custom")
    await peer.send(Packet(PacketType.EVENT, "/custom", ["message-with-ack", "named"], 4))
    await _expect_beginning(peer, "2/custom,[")
    await _expect_beginning(peer, "3/custom,4[")


@case("sio-format-namespace-first-comma", needs="fixture", over=TRANSPORTS)
async def commas_behind_the_first_belong_to_the_payload(target: Target, transport: str) -> None:
    peer = await target.socketio(transport, namespace="/custom")
    await peer.send_raw('2/custom,["message","a,/other,b",{"x,y":","}]')
    await peer.expect_event("message-back", "a,/other,b", {"x,y": ","})


@case("sio-format-json-compact", needs="fixture", over=TRANSPORTS)
async def json_has_no_blanks_between_its_parts(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", "com pact", {"a": [1, 2, {"b": None}], "c": [[], {}]})
    text = await _text(peer)
    wanted = "JSON without blanks between its parts"
    _payload(text, wanted)
    if re.search(r"\s", _STRING.sub("", text)):  # every reader of JSON takes them
        target.non_strict(wanted, repr(text))


@case("sio-format-message", needs="fixture", over=TRANSPORTS)
async def each_packet_is_one_message(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    for number in range(4):
        await peer.emit("message", "whole", number)
    for number in range(4):
        text = await _text(peer)
        if _payload(text, "one whole packet in a MESSAGE") != ["message-back", "whole", number]:
            raise Failure(f"the packet {number} in a MESSAGE of its own", repr(text))


@case("sio-attachment-unprefixed", needs="fixture", over=TRANSPORTS)
async def attachment_is_its_octets_and_nothing_else(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", b"4 plain octets", b"b4")
    await _text(peer)
    for octets in (b"4 plain octets", b"b4"):
        got = await peer.receive_raw()
        if got != octets:
            raise Failure(f"the attachment {octets!r}", f"{got[:60]!r}")


@case("sio-event-array-sent", needs={"fixture", "emit"}, over=TRANSPORTS)
async def payload_of_an_event_is_a_list_that_is_not_empty(target: Target, transport: str) -> None:
    speaker, peer = await target.connect_socketio(2, transport)
    await speaker.proof("emit", event="bare", args=[], to=[peer.sid])
    await peer.emit("message")
    await peer.emit("message", "one", 2)
    for _ in range(3):
        text = await _text(peer)
        payload = _payload(text, "a list that is not empty")
        if not isinstance(payload, list) or not payload:
            raise Failure("a list that is not empty", repr(text))


@case("sio-event-name-sent", needs="fixture", over=TRANSPORTS)
async def name_of_an_event_is_text_and_comes_first(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", "its name")
    text = await _text(peer)
    payload = _payload(text, "a list with the name first")
    if not isinstance(payload, list) or payload[:1] != ["message-back"]:
        raise Failure("the name 'message-back' first", repr(text))


@case("sio-binary-sent", needs="fixture", over=TRANSPORTS)
async def announced_attachments_follow_at_once(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    octets = [b"first", b"second", b"third"]
    await peer.emit("message", "announced", *octets)
    await peer.emit("message", "behind")
    text = await _text(peer)
    wanted = "53- and a list with three placeholders"
    count = len(placeholders(_payload(text, wanted)))
    if (_parts(text, wanted).group(1, 2), count) != (("5", "3"), 3):
        raise Failure(wanted, repr(text))
    came = [await peer.receive_raw() for _ in octets]
    if set(came) != set(octets):
        raise Failure("the three attachments at once", ", ".join(map(repr, came)))
    text = await _text(peer)
    if _payload(text, "the next event") != ["message-back", "behind"]:
        raise Failure("the next event behind three attachments", repr(text))


@case("sio-placeholder-sent", needs="fixture", over=TRANSPORTS)
async def placeholders_are_numbered_depth_first(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    octets = [b"zero", b"one", b"two"]
    arguments = [{"deep": [octets[0]], "deeper": {"still": octets[1]}}, octets[2]]
    await peer.emit("message", *arguments)
    text = await _text(peer)
    wanted = "placeholders numbered 0, 1, 2"
    payload = _payload(text, wanted)
    numbers = placeholders(payload)
    if sorted(number for number in numbers if type(number) is int) != [0, 1, 2]:
        raise Failure(wanted, repr(text))
    came = [await peer.receive_raw() for _ in octets]
    if _filled(payload, came)[1:] != arguments:
        raise Failure("each attachment at its placeholder's number", f"{text!r}: {came}")
    if numbers != [0, 1, 2]:  # every client puts them back by their numbers
        target.non_strict(wanted, f"{numbers}, the attachments in the order of the numbers")
