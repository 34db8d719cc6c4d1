"""WebSocket messages in every form (RFC 6455, 5.4), and of every size, as they carry packets."""

from sockproof.conformance import (
    Failure,
    Frame,
    Opcode,
    Unsupported,
    case,
    client_frame,
    ordinary_websocket_session,
)
from sockproof.wire.engineio import Packet as EnginePacket
from sockproof.wire.engineio import PacketType
from sockproof.wire.socketio import Packet
from sockproof.wire.socketio import PacketType as Type

NEEDS = {"websocket", "fixture"}
WORD = "in fragments: é € ☃ 𝄞"
FORMS = ["two", "octets", "empty-first", "empty-between", "empty-last", "ping", "pong", "both"]


def _frames(opcode, payload, form):
    """A message as the frames of a form; two control frames may be between its fragments."""
    size = 1 if form == "octets" else (len(payload) + 1) // 2
    parts = [payload[start : start + size] for start in range(0, len(payload), size)]
    parts = {
        "empty-first": [b"", *parts],
        "empty-between": [parts[0], b"", b"", *parts[1:]],
        "empty-last": [*parts, b""],
    }.get(form, parts)
    between = {"ping": [Opcode.PING], "pong": [Opcode.PONG], "both": [Opcode.PONG, Opcode.PING]}
    frames = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        frames.append(client_frame(opcode if number == 0 else Opcode.CONT, part, fin=last))
        if not last:
            frames += [client_frame(each, b"between") for each in between.get(form, ())]
    return frames


async def _send(peer, opcode, payload, form):
    """Send a message in a form; what answers a Ping in it is taken off. Gives what came before."""
    websocket = peer.engine.websocket
    websocket.send(*_frames(opcode, payload, form))
    before: list[Frame] = []
    if form not in ("ping", "both"):
        return before
    wanted = "PONG 'between'"
    with peer.context.awaits(wanted):
        while (got := await websocket.receive()).opcode != Opcode.PONG:
            before.append(got)  # an answer or the application's own, from another thread
    if got.payload != b"between":
        raise Failure(wanted, got)
    return before


@case("eio-message-websocket", needs=NEEDS, over={"form": FORMS})
async def text_in_fragments_is_one_packet(target, form):
    peer = await target.socketio("websocket")
    (text,) = peer.text(Packet(Type.EVENT, peer.namespace, ["message", WORD]))
    before = await _send(peer, Opcode.TEXT, f"4{text}".encode(), form)
    peer.engine.inbox.extend(map(peer.engine.packet_of, before))
    await peer.expect_event("message-back", WORD)


@case("eio-websocket-binary-received", needs=NEEDS, over={"form": FORMS})
async def binary_data_in_fragments_is_one_packet(target, form):
    peer = await target.socketio("websocket")
    octets = bytes(range(20)) + WORD.encode()
    text, _ = peer.text(Packet(Type.EVENT, peer.namespace, ["message", octets]))
    await peer.send_raw(text)
    before = await _send(peer, Opcode.BINARY, octets, form)
    peer.engine.inbox.extend(map(peer.engine.packet_of, before))
    await peer.expect_event("message-back", octets)


@case("eio-websocket-binary-received", needs=NEEDS, over={"octets": ["ascii", "utf-8", "one"]})
async def binary_data_that_could_be_text_is_binary(target, octets):
    peer = await target.socketio("websocket")
    data = {"ascii": b'42["message","no"]', "utf-8": "é".encode(), "one": b"4"}[octets]
    await peer.emit("message", data)
    await peer.expect_event("message-back", data)


@case("eio-upgrade-probe", needs={"upgrade", "fixture"}, over={"form": ["two", "octets", "ping"]})
async def probe_and_upgrade_in_fragments_are_read(target, form):
    peer = await target.socketio("polling")
    websocket = peer.engine.websocket = await peer.engine.unprobed()
    before = await _send(peer, Opcode.TEXT, b"2probe", form)
    wanted = "TEXT '3probe'"
    with target.awaits(wanted):  # nothing else is sent on it before UPGRADE
        got = before[0] if before else await websocket.receive()
    if (got.opcode, got.payload) != (Opcode.TEXT, b"3probe"):
        raise Failure(wanted, got)
    websocket.send(
        client_frame(Opcode.TEXT, b"", fin=False), client_frame(Opcode.CONT, b"5", fin=True)
    )
    peer.engine.transport = "websocket"
    await peer.quiet()


@case("eio-websocket-utf8", needs={*NEEDS, "slow-timers"}, control=ordinary_websocket_session)
async def text_that_is_no_utf_8_reaches_nobody(target):
    peer = await target.socketio("websocket")
    octets = b'42["message","\xff and \xc3"]'
    peer.engine.websocket.send(client_frame(Opcode.TEXT, octets))
    wanted = "the WebSocket closed for text that is no UTF-8"
    for packet in await peer.aftermath(expected=wanted) or ():
        if packet.data[:1] == ["message-back"]:
            raise Failure(wanted, f"it was corrected: {packet}")


# Sizes: about the ends of the three widths of a frame's length, and beyond what is read at once.

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 100_000]
POLLING = {"polling", "fixture"}


async def _octets_come_back(target, transport, octets):
    peer = await target.socketio(transport)
    data = bytes(number * 7 % 256 for number in range(octets))
    await peer.emit("message", data)
    await peer.expect_event("message-back", data)


@case("eio-websocket-binary-sent", needs=NEEDS, over={"octets": SIZES})
async def binary_data_of_any_size_comes_back(target, octets):
    await _octets_come_back(target, "websocket", octets)


@case("eio-polling-base64-sent", needs=POLLING, over={"octets": SIZES})
async def base64_of_any_size_comes_back(target, octets):
    await _octets_come_back(target, "polling", octets)


async def _text_comes_back(target, transport, octets):
    peer = await target.socketio(transport)
    around = len('42["message",""]')
    word = "".join(chr(97 + number % 26) for number in range(max(0, octets - around)))
    await peer.emit("message", word)
    await peer.expect_event("message-back", word)


@case("eio-message-websocket", needs=NEEDS, over={"octets": SIZES})
async def packet_of_any_size_comes_back(target, octets):
    await _text_comes_back(target, "websocket", octets)


@case("eio-message-polling", needs=POLLING, over={"octets": SIZES})
async def packet_of_any_size_comes_back_over_long_polling(target, octets):
    await _text_comes_back(target, "polling", octets)


def _limit(peer):
    announced = peer.engine.handshake.max_payload
    if announced is None or announced > 16 * 1024 * 1024:
        raise Unsupported("a maxPayload of at most 16 MiB", f"maxPayload: {announced}")
    return announced


def _filled(octets):
    """An event of so many octets that is acknowledged."""
    head, tail = b'427["message-with-ack","', b'"]'
    return head + b"x" * (octets - len(head) - len(tail)) + tail


@case("eio-websocket-max-payload-accepted", needs=NEEDS, exclusive=True)
async def message_of_max_payload_octets_in_fragments_is_accepted(target):
    peer = await target.socketio("websocket")
    octets = _limit(peer)
    peer.engine.websocket.send(*_frames(Opcode.TEXT, _filled(octets), "two"))
    with target.awaits(f"the answer to a message of {octets} octets in fragments"):
        await peer.ack(7)


@case("eio-websocket-max-payload-accepted", needs=NEEDS, exclusive=True)
async def binary_message_of_max_payload_octets_is_accepted(target):
    peer = await target.socketio("websocket")
    octets = _limit(peer)
    text = '51-7["message-with-ack","x",{"_placeholder":true,"num":0}]'
    await peer.engine.send(EnginePacket(PacketType.MESSAGE, text))
    await peer.engine.send(EnginePacket(PacketType.MESSAGE, b"x" * octets))
    with target.awaits(f"the answer to a binary message of {octets} octets"):
        await peer.ack(7)


@case(
    "eio-websocket-max-payload-exceeded",
    needs={*NEEDS, "slow-timers"},
    over={"kind": ["fragments", "binary"]},
    exclusive=True,
    control=ordinary_websocket_session,
)
async def larger_message_of_another_kind_is_refused(target, kind):
    peer = await target.socketio("websocket")
    octets = _limit(peer) + 1
    websocket = peer.engine.websocket
    if kind == "fragments":
        websocket.send(*_frames(Opcode.TEXT, _filled(octets), "two"))
    else:
        text = b'451-7["message-with-ack","x",{"_placeholder":true,"num":0}]'
        websocket.send_message(Opcode.TEXT, text)
        websocket.send_message(Opcode.BINARY, b"x" * octets)
    await peer.engine.expect_closed(f"a message of {octets} octets refused", lenient=True)
