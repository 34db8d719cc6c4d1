"""Socket.IO protocol, "Sending and receiving data": events, their order, and what is none."""

from typing import Any

from sockproof.conformance import Failure, Target, case, ordinary_client
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}
ARGUMENTS: dict[str, list[Any]] = {
    "none": [],
    "one": ["hello"],
    "several": ["a", 1, -0.5, True, None],
    "nested": [{"list": [1, {"deep": [[]]}]}, []],
    "scripts": ["κόσμε 聊天室 שלום 👩‍👩‍👧 \u2028", {"ключ": "значение"}],
    "quotes": ['"\\/\b\f\n\r\t\u0001'],
}


@case("sio-event-received", needs="fixture", over={**TRANSPORTS, "arguments": tuple(ARGUMENTS)})
async def event_comes_back_with_its_arguments(
    target: Target, transport: str, arguments: str
) -> None:
    peer = await target.socketio(transport)
    await peer.emit("message", *ARGUMENTS[arguments])
    await peer.expect_event("message-back", *ARGUMENTS[arguments])


@case("sio-event-large", needs="fixture", over=TRANSPORTS)
async def event_of_many_octets_arrives_whole(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    text = "0123456789 sockproof " * 4000
    await peer.emit("message", text)
    await peer.expect_event("message-back", text)


@case("sio-order-received", needs="fixture", over=TRANSPORTS)
async def events_are_answered_in_the_order_they_were_sent(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    for number in range(20):
        await peer.emit("message", number)
    for number in range(20):
        await peer.expect_event("message-back", number)


@case("sio-order-sent", needs={"fixture", "emit"}, over=TRANSPORTS)
async def events_of_the_server_arrive_in_order(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.proof("emit", event="tick", args=[], to=[peer.sid], count=20, sequence=True)
    for number in range(20):
        await peer.expect_event("tick", number)


@case("sio-event-not-connected", needs={"fixture", "slow-timers"}, control=ordinary_client)
async def event_in_a_namespace_not_joined_is_not_processed(target: Target) -> None:
    peer = await target.socketio()
    await peer.emit("message", "nobody home", namespace="/custom")
    await peer.goes_on("the event passed over, or the connection closed")


@case(
    "sio-event-not-array",
    needs={"fixture", "slow-timers"},
    over={"payload": ('{"a":1}', '"text"', "7")},
    control=ordinary_client,
)
async def event_whose_payload_is_no_list_closes_the_connection(
    target: Target, payload: str
) -> None:
    peer = await target.socketio()
    await peer.send_raw("2" + ("/," if payload == "7" else "") + payload)
    await peer.expect_closed()


@case("sio-event-empty-array", needs={"fixture", "slow-timers"}, control=ordinary_client)
async def event_with_an_empty_list_closes_the_connection(target: Target) -> None:
    peer = await target.socketio()
    await peer.send_raw("2[]")
    await peer.expect_closed()


@case("sio-event-no-payload", needs={"fixture", "slow-timers"}, control=ordinary_client)
async def event_without_a_payload_closes_the_connection(target: Target) -> None:
    peer = await target.socketio()
    await peer.send_raw("2")
    await peer.expect_closed()


@case(
    "sio-packet-unknown-type",
    needs={"fixture", "slow-timers"},
    over={"digit": ("7", "9", "x")},
    control=ordinary_client,
)
async def packet_of_unknown_type_closes_the_connection(target: Target, digit: str) -> None:
    peer = await target.socketio()
    await peer.send_raw(digit + '["message","what?"]')
    await peer.expect_closed()


@case("sio-packet-bad-json", needs={"fixture", "slow-timers"}, control=ordinary_client)
async def event_with_bad_json_closes_the_connection(target: Target) -> None:
    peer = await target.socketio()
    await peer.send_raw('2["message",')
    await peer.expect_closed()


NO_NAMES = {"null": "null", "true": "true", "list": '["message"]', "object": '{"message":1}'}


@case(
    "sio-event-name-invalid",
    needs={"fixture", "slow-timers"},
    over={"name": tuple(NO_NAMES)},
    control=ordinary_client,
)
async def event_whose_name_is_neither_text_nor_number_is_rejected(
    target: Target, name: str
) -> None:
    peer = await target.socketio()
    await peer.send_raw(f'2[{NO_NAMES[name]},"no name"]')
    await peer.goes_on("the event rejected")


RESERVED = ("connect", "connect_error", "disconnect", "disconnecting", "newListener")


@case(
    "sio-event-name-reserved",
    needs={"fixture", "slow-timers", "log"},
    over={"name": (*RESERVED, "removeListener")},
    control=ordinary_client,
)
async def event_with_a_reserved_name_runs_no_handler(target: Target, name: str) -> None:
    peer, other = await target.connect_socketio(2)
    await peer.emit(name, "reserved")
    stays = await peer.goes_on("the event rejected")
    entries = (await other.proof("log", sid=peer.sid))["entries"]
    known = ("connect", "disconnect")
    types = [entry.get("type") for entry in entries if entry.get("type") in known]
    wanted = ["connect"] if stays else ["connect", "disconnect"]
    if types != wanted[: max(1, len(types))]:
        raise Failure(f"log entries of the types {wanted}", repr(entries)[:300])


@case("sio-format-namespace-without-comma", needs="fixture")
async def namespace_at_the_end_of_a_packet_needs_no_comma(target: Target) -> None:
    target.needs_no_auth("a CONNECT without a payload")
    peer = await target.socketio()
    await peer.send_raw("0/custom")
    await peer.expect(PacketType.CONNECT, "/custom")


@case("sio-connect-namespaces-apart", needs="fixture")
async def event_is_answered_in_its_own_namespace(target: Target) -> None:
    peer = await target.socketio()
    await peer.connect("/custom")
    await peer.greeted("/custom")
    await peer.send(Packet(PacketType.EVENT, "/custom", ["message", "there"]))
    await peer.expect_event("message-back", "there", namespace="/custom")
