"""Engine.IO protocol, section "Handshake".

The queries have a `t`, as those of browsers do, to keep caches away.
"""

import json

from sockproof.conformance import Failure, Opcode, Unsupported, case
from sockproof.wire import WireError
from sockproof.wire.engineio import PacketType, decode

QUERY = "EIO=4&transport=polling&t=sockproof"
WEBSOCKET_QUERY = "EIO=4&transport=websocket&t=sockproof"


async def _handshake(target, transport="polling"):
    """The fields of the OPEN packet; that it is one at all is for cases of their own."""
    with target.preparing("an OPEN packet"):
        fields = json.loads((await _first_packet(target, transport)).data)
        if not isinstance(fields, dict):
            raise Failure("a JSON object", repr(fields)[:100])
        return fields


async def _first_packet(target, transport):
    peer = target.engineio()
    if transport == "polling":
        response = await peer.exchange("GET", QUERY)
        wanted = "200 with an OPEN packet first"
        if response.status != 200:
            _offered(target, transport, str(response))
            raise Failure(wanted, f"{response}: {response.body[:60]!r}", came=response)
        first = response.body.decode("utf-8", "replace").partition("\x1e")[0]
    else:
        wanted = "OPEN as the first message"
        try:
            websocket = await peer.open_websocket(WEBSOCKET_QUERY)
        except Failure as failure:
            _offered(target, transport, failure.got)
            raise
        with target.awaits(wanted):
            frame = await websocket.receive()
        if frame.opcode != Opcode.TEXT:
            _offered(target, transport, str(frame))
            raise Failure(wanted, frame)
        first = frame.payload.decode("utf-8", "replace")
    try:
        packet = decode(first)
    except WireError as error:
        raise Failure(wanted, f"{first[:60]!r}: {error}") from error
    if packet.type != PacketType.OPEN:
        raise Failure(wanted, packet)
    return packet


BOTH = {"transport": ["polling", "websocket"]}


def _offered(target, transport, got):
    """A transport that has shown itself before the run is there; another is not offered."""
    if not target.supports(transport):
        raise Unsupported(f"the transport {transport}", got)


@case("eio-handshake-polling")
async def open_packet_comes_first_over_long_polling(target):
    await _first_packet(target, "polling")


@case("eio-handshake-websocket")
async def open_packet_comes_first_on_a_websocket(target):
    await _first_packet(target, "websocket")


@case("eio-handshake-object", over=BOTH)
async def open_packet_holds_a_json_object(target, transport):
    packet = await _first_packet(target, transport)
    try:
        fields = json.loads(packet.data)
    except ValueError as error:
        raise Failure("a JSON object", f"{packet}: {error}", came=packet) from error
    if not isinstance(fields, dict):
        raise Failure("a JSON object", packet)


def _expect_field(fields, name, wanted, is_right):
    if name not in fields:
        raise Failure(f"{name}: {wanted}", f"no {name} in {sorted(fields)}")
    if not is_right(fields[name]):
        raise Failure(f"{name}: {wanted}", f"{name}: {fields[name]!r:.100}")


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


@case("eio-handshake-sid", over=BOTH)
async def handshake_has_a_sid(target, transport):
    fields = await _handshake(target, transport)
    _expect_field(fields, "sid", "a string, not empty", lambda sid: isinstance(sid, str) and sid)


@case("eio-handshake-upgrades", over=BOTH)
async def handshake_has_upgrades(target, transport):
    def is_right(names):
        return isinstance(names, list) and all(isinstance(name, str) for name in names)

    _expect_field(await _handshake(target, transport), "upgrades", "a list of strings", is_right)


@case("eio-handshake-ping-interval", over=BOTH)
async def handshake_has_a_ping_interval(target, transport):
    _expect_field(await _handshake(target, transport), "pingInterval", "a number", _is_number)


@case("eio-handshake-ping-timeout", over=BOTH)
async def handshake_has_a_ping_timeout(target, transport):
    _expect_field(await _handshake(target, transport), "pingTimeout", "a number", _is_number)


@case("eio-handshake-max-payload", over=BOTH)
async def handshake_has_a_max_payload(target, transport):
    fields = await _handshake(target, transport)
    if "maxPayload" not in fields:  # revision 4 has it since 2022 only, and clients do without
        target.non_strict("maxPayload: a number", f"no maxPayload in {sorted(fields)}")
        return
    _expect_field(fields, "maxPayload", "a number", _is_number)


@case("eio-handshake-max-payload-positive", over=BOTH)
async def max_payload_is_positive(target, transport):
    fields = await _handshake(target, transport)
    if "maxPayload" not in fields:
        raise Unsupported("a server that announces maxPayload", f"{sorted(fields)}")
    _expect_field(
        fields, "maxPayload", "a positive number", lambda octets: _is_number(octets) and octets > 0
    )


@case("eio-handshake-milliseconds", over={**BOTH, "field": ["pingInterval", "pingTimeout"]})
async def time_is_told_in_milliseconds(target, transport, field):
    fields = await _handshake(target, transport)
    wanted = "milliseconds, at least 100 of them"
    _expect_field(fields, field, wanted, lambda value: _is_number(value) and value >= 100)


@case("eio-handshake-sid-unique")
async def every_session_has_a_sid_of_its_own(target):
    transports = [each for each in BOTH["transport"] if target.supports(each)]
    sids = [(await _handshake(target, each))["sid"] for each in transports * 4]
    if len(set(sids)) < len(sids):
        raise Failure(f"{len(sids)} sids, all different", f"{sorted(sids)}")


@case("eio-handshake-upgrades-polling", needs={"upgrade"})
async def upgrades_of_long_polling_name_websocket(target):
    upgrades = (await _handshake(target))["upgrades"]
    if "websocket" not in upgrades:
        target.non_strict("upgrades: ['websocket']", f"upgrades: {upgrades}")


@case("eio-handshake-upgrades-websocket", needs={"websocket"})
async def upgrades_of_a_websocket_are_none(target):
    upgrades = (await _handshake(target, "websocket"))["upgrades"]
    if upgrades:
        target.non_strict("upgrades: []", f"upgrades: {upgrades}")


@case("eio-handshake-sid-selects", needs={"polling", "message-echo"}, exclusive=True)
async def packets_of_one_session_stay_in_it(target):
    one, other = await target.echo("polling"), await target.echo("polling")
    query = f"{one.engine.session_query}&t=sockproof"
    with target.preparing("a POST in one session"):
        await one.engine.exchange("POST", query, one.body("for one"), "text/plain")
    await other.quiet()
    await one.hear("for one")
