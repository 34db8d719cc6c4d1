"""Socket.IO protocol, "Packet encoding": packets that are none, wherever they come.

Each would be answered if it were corrected: in another namespace, over long-polling, behind an
upgrade, with an id or attachments.
"""

import re

from sockproof.conformance import Failure, Seen, SocketIOPeer, Target, case, ordinary_client
from sockproof.wire.socketio import PacketType

NEEDS = {"fixture", "slow-timers"}
TRANSPORTS = {"transport": ("websocket", "polling")}
CLOSED = "the connection closed"
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
PLACEHOLDER = '{"_placeholder":true,"num":%s}'


async def _closes(peer: SocketIOPeer, *messages: str | bytes) -> None:
    """The connection is closed: an answer to these, or to an event behind them, is a Failure."""
    came = await peer.aftermath(*messages, expected=CLOSED)
    if came is not None:
        told = ", ".join(["the server went on", *map(str, came)])
        raise Failure(CLOSED, told, seen=Seen.NOT_CLOSED)


async def _had_better_close(target: Target, peer: SocketIOPeer, message: str) -> None:
    """A blank or mark too many, which some languages take for nothing, harms nobody."""
    came = await peer.aftermath(message, expected=CLOSED)
    if came is not None:
        told = ", ".join(["the server went on", *map(str, came)])
        target.non_strict(CLOSED, told, seen=Seen.NOT_CLOSED)


async def _ignored(peer: SocketIOPeer, *messages: str | bytes) -> None:
    """What is sent is passed over or closes the connection, which must not stop responding."""
    wanted = "the packet passed over, or the connection closed"
    for packet in await peer.aftermath(*messages, expected=wanted) or ():
        if packet.type == PacketType.DISCONNECT:  # put out for it
            return
        raise Failure(wanted, packet)


TYPES = {
    "seven": '7["message","no"]',
    "nine": '9["message","no"]',
    "letter": 'x["message","no"]',
    "sign": '+2["message","no"]',
    "blank": ' 2["message","no"]',
    "script": '\u0662["message","no"]',
}


@case("sio-packet-unknown-type", needs=NEEDS, over={**TRANSPORTS, "kind": tuple(TYPES)})
async def packet_of_no_type_closes_the_connection(
    target: Target, transport: str, kind: str
) -> None:
    await _closes(await target.socketio(transport), TYPES[kind])


JSON = {
    "comma": '2["message","no",]',
    "garbage": '2["message","no"]more',
    "quotes": "2['message','no']",
    "comment": '2["message",/* no */"no"]',
    "cut": '2["message","no"',
    "cut-with-id": '27["message-with-ack","no"',
    "cut-ack": '37["no"',
}


@case("sio-packet-bad-json", needs=NEEDS, over={**TRANSPORTS, "json": tuple(JSON)})
async def payload_that_is_no_json_closes_the_connection(
    target: Target, transport: str, json: str
) -> None:
    await _closes(await target.socketio(transport), JSON[json])


PLACES = ("custom", "upgrade", "binary")


@case("sio-packet-bad-json", needs={*NEEDS, "upgrade"}, over={"place": PLACES})
async def payload_that_is_no_json_closes_the_connection_anywhere(
    target: Target, place: str
) -> None:
    peer = await target.socketio("upgrade" if place == "upgrade" else "websocket")
    if place == "custom":
        await peer.enter("/custom")
        await _closes(peer, '2/custom,["message","no"')
    elif place == "binary":
        await _ignored(peer, f'51-["message",{PLACEHOLDER % 0}]more', b"octets")
    else:
        await _closes(peer, '2["message","no"')


IDS = {"hexadecimal": "0x1f", "script": "\u0667", "letters": "7a", "point": "7.5"}


@case("sio-packet-bad-id", needs=NEEDS, over={**TRANSPORTS, "number": tuple(IDS)})
async def id_of_more_than_digits_closes_the_connection(
    target: Target, transport: str, number: str
) -> None:
    await _closes(await target.socketio(transport), f'2{IDS[number]}["message-with-ack","no"]')


@case("sio-packet-bad-id", needs=NEEDS, over={"blank": ("blank", "mark")})
async def blank_about_an_id_closes_the_connection(target: Target, blank: str) -> None:
    text = {"blank": " 7 ", "mark": "\ufeff"}[blank]
    peer = await target.socketio()
    await _had_better_close(target, peer, f'2{text}["message-with-ack","no"]')


@case("sio-packet-bad-id", needs=NEEDS)
async def binary_event_whose_id_is_none_is_not_handled(target: Target) -> None:
    text = f'51-7a["message-with-ack",{PLACEHOLDER % 0}]'
    await _ignored(await target.socketio(), text, b"octets")


@case("sio-packet-empty", needs=NEEDS, over={**TRANSPORTS, "blank": ("space", "newline")})
async def message_of_blanks_closes_the_connection(
    target: Target, transport: str, blank: str
) -> None:
    await _closes(await target.socketio(transport), {"space": "  ", "newline": "\n"}[blank])


# Events that are none.

NO_LISTS = ("null", "true", '{"message":"no"}', '"message"', "")


@case("sio-event-not-array", needs=NEEDS, over={"number": ("none", "7")})
async def event_of_anything_but_a_list_closes_the_connection(target: Target, number: str) -> None:
    for payload in NO_LISTS[:4]:
        await _closes(await target.socketio(), f"2{'' if number == 'none' else number}{payload}")


@case("sio-event-no-payload", needs=NEEDS, over=TRANSPORTS)
async def event_of_an_id_alone_closes_the_connection(target: Target, transport: str) -> None:
    await _closes(await target.socketio(transport), "27")


@case("sio-event-empty-array", needs=NEEDS, over=TRANSPORTS)
async def empty_event_with_an_id_or_a_blank_closes_the_connection(
    target: Target, transport: str
) -> None:
    for text in ("27[]", "2[ ]"):
        await _closes(await target.socketio(transport), text)


@case("sio-event-empty-array", needs=NEEDS, over=TRANSPORTS)
async def event_of_an_empty_list_closes_any_connection(target: Target, transport: str) -> None:
    await _closes(await target.socketio(transport), "2[]")


CUSTOM = {
    "nothing": "2/custom,",
    "empty": "2/custom,[]",
    "id": "2/custom,7",
    "object": "2/custom,{}",
}


async def _in_custom(target: Target, text: str) -> None:
    peer = await target.socketio()
    await peer.enter("/custom")
    await _closes(peer, text)


@case("sio-event-no-payload", needs=NEEDS, over={"form": ("nothing", "id")})
async def event_without_payload_in_another_namespace_closes_the_connection(
    target: Target, form: str
) -> None:
    await _in_custom(target, CUSTOM[form])


@case("sio-event-empty-array", needs=NEEDS)
async def empty_event_in_another_namespace_closes_the_connection(target: Target) -> None:
    await _in_custom(target, CUSTOM["empty"])


NAMES = {
    "null": "null",
    "true": "true",
    "list": '["message"]',
    "object": '{"name":"message"}',
    "empty-list": "[]",
}


@case("sio-event-name-invalid", needs=NEEDS, over={**TRANSPORTS, "name": tuple(NAMES)})
async def name_that_is_no_text_reaches_no_handler(
    target: Target, transport: str, name: str
) -> None:
    await _ignored(await target.socketio(transport), f'2[{NAMES[name]},"no"]')


@case("sio-event-name-sent", needs=NEEDS)
async def empty_name_reaches_no_other_handler(target: Target) -> None:
    await _ignored(await target.socketio(), '2["","no"]')


RESERVED = ("connect", "connect_error", "disconnect", "disconnecting", "newListener")


@case(
    "sio-event-name-reserved",
    needs={*NEEDS, "log"},
    over={"name": RESERVED, "kind": ("text", "binary")},
    control=ordinary_client,
)
async def reserved_name_runs_no_handler(target: Target, name: str, kind: str) -> None:
    peer, other = await target.connect_socketio(2)
    sid = peer.sid
    before = (await other.proof("log", sid=sid))["entries"]
    if kind == "text":
        came = await peer.aftermath(f'2["{name}","no"]', expected="the event rejected")
    else:
        text = f'51-["{name}",{PLACEHOLDER % 0}]'
        came = await peer.aftermath(text, b"octets", expected="the event rejected")
    entries = (await other.proof("log", sid=sid))["entries"]
    connects = [sum(each.get("type") == "connect" for each in log) for log in (before, entries)]
    ends = [each for each in entries if each.get("type") == "disconnect"]
    if connects[0] != connects[1] or (came is not None and ends):
        raise Failure("no handler run by the event", f"{entries!r:.300}")


@case("sio-event-name-number", needs=NEEDS)
async def event_named_by_a_number_leaves_nobody_deaf(target: Target) -> None:
    await _ignored(await target.socketio(), '2[7,"numbered"]')


@case("sio-packet-connect-error-received", needs=NEEDS)
async def refusal_from_a_client_leaves_nobody_deaf(target: Target) -> None:
    await _ignored(await target.socketio(), '4{"message":"no"}')


# Namespaces in the text.


@case("sio-format-namespace-without-comma", needs={*NEEDS, "log"}, over=TRANSPORTS)
async def disconnect_from_a_namespace_needs_no_comma(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    sid = await peer.enter("/custom")
    await peer.send_raw("1/custom")
    with target.awaits("a disconnect in the log"):
        await peer.entries(sid)


@case("sio-format-namespace-first-comma", needs=NEEDS, over=TRANSPORTS)
async def commas_belong_to_payloads_of_every_kind(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.enter("/custom", {"one": "a,b", "two": [1, 2]})
    await peer.send_raw('2/custom,17["message-with-ack","a,b","c,/d,e"]')
    got = await peer.expect(PacketType.ACK, "/custom")
    if (got.id, got.data) != (17, ["a,b", "c,/d,e"]):
        raise Failure('ACK in /custom id 17 ["a,b", "c,/d,e"]', str(got))
