"""Engine.IO protocol, section "Handshake": each of many, since some servers err now and then."""

import json
from functools import partial
from urllib.parse import quote

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    Unsupported,
    case,
    check_upgrade,
    ordinary_session,
    ordinary_websocket_session,
    text_packet,
)
from sockproof.wire.engineio import PacketType, decode

BOTH = {"transport": ["polling", "websocket"]}
NEEDS = {"polling", "websocket"}
MANY = 12


async def _opened(target, transport):
    """The payload of the OPEN packet of one more session."""
    engine = target.engineio()
    query = f"EIO=4&transport={transport}&t=sockproof"
    with target.preparing("an OPEN packet"):
        if transport == "polling":
            body = (await engine.exchange("GET", query)).body
        else:
            websocket = await engine.open_websocket(query)
            body = (await websocket.receive()).payload
            websocket.stream.close()
        packet = decode(body.decode("utf-8").partition("\x1e")[0])
        if packet.type != PacketType.OPEN:
            raise Failure("an OPEN packet", packet)
        return packet.data


async def _each(target, transport, name, wanted, is_right):
    """A field of many handshakes; one that is missing is for the cases of one handshake."""
    for _ in range(MANY):
        with target.preparing("a JSON object in the OPEN packet"):
            fields = json.loads(await _opened(target, transport))
            if not isinstance(fields, dict):
                raise Failure("a JSON object", repr(fields)[:60])
        if name in fields and not is_right(fields[name]):
            raise Failure(f"{name}: {wanted}", f"{name}: {fields[name]!r:.100}")


def _is_number(value, least=None):
    number = isinstance(value, int | float) and not isinstance(value, bool) and value == value
    return number and (least is None or value >= least)


def _are_names(value):
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


@case("eio-handshake-object", needs=NEEDS, over=BOTH)
async def every_open_packet_holds_a_json_object(target, transport):
    for _ in range(MANY):
        data = await _opened(target, transport)
        try:
            fields = json.loads(data)
        except ValueError as error:
            raise Failure("a JSON object", f"{data[:60]!r}: {error}") from error
        if not isinstance(fields, dict):
            raise Failure("a JSON object", data[:60])


@case("eio-handshake-sid", needs=NEEDS, over=BOTH)
async def every_handshake_has_a_sid(target, transport):
    await _each(
        target, transport, "sid", "a string, not empty", lambda sid: isinstance(sid, str) and sid
    )


@case("eio-handshake-upgrades", needs=NEEDS, over=BOTH)
async def upgrades_of_every_handshake_are_strings(target, transport):
    await _each(target, transport, "upgrades", "a list of strings", _are_names)


@case("eio-handshake-ping-interval", needs=NEEDS, over=BOTH)
async def ping_interval_of_every_handshake_is_a_number(target, transport):
    await _each(target, transport, "pingInterval", "a number", _is_number)


@case("eio-handshake-ping-timeout", needs=NEEDS, over=BOTH)
async def ping_timeout_of_every_handshake_is_a_number(target, transport):
    await _each(target, transport, "pingTimeout", "a number", _is_number)


@case("eio-handshake-milliseconds", needs=NEEDS, over=BOTH)
async def every_handshake_tells_milliseconds(target, transport):
    least = partial(_is_number, least=100)
    for name in ("pingInterval", "pingTimeout"):
        await _each(target, transport, name, "milliseconds, at least 100 of them", least)


@case("eio-handshake-max-payload", needs=NEEDS, over=BOTH)
async def max_payload_of_every_handshake_is_a_number(target, transport):
    await _each(target, transport, "maxPayload", "a number", _is_number)


@case("eio-handshake-max-payload-positive", needs=NEEDS, over=BOTH)
async def max_payload_of_every_handshake_is_positive(target, transport):
    await _each(target, transport, "maxPayload", "positive", partial(_is_number, least=1))


@case("eio-handshake-upgrades-polling", needs={"upgrade"})
async def every_handshake_over_long_polling_lists_websocket(target):
    found = [json.loads(await _opened(target, "polling"))["upgrades"] for _ in range(MANY)]
    if any("websocket" not in upgrades for upgrades in found):
        target.non_strict("upgrades: ['websocket']", f"upgrades: {found}")


@case("eio-handshake-upgrades-websocket", needs={"websocket"})
async def every_handshake_on_a_websocket_lists_none(target):
    found = [json.loads(await _opened(target, "websocket"))["upgrades"] for _ in range(MANY)]
    if any(found):
        target.non_strict("upgrades: []", f"upgrades: {found}")


@case("eio-handshake-sid-unique", needs={"polling"})
async def sids_of_many_sessions_are_different(target):
    sids = [json.loads(await _opened(target, "polling")).get("sid") for _ in range(3 * MANY)]
    if len(set(sids)) < len(sids):
        raise Failure(f"{len(sids)} sids, all different", f"{sorted(map(str, sids))}")


@case(
    "eio-polling-get-unknown-sid",
    needs={"polling"},
    over={"sid": ["cut", "longer", "capitals", "empty"]},
    control=ordinary_session,
)
async def sid_that_is_nearly_one_is_unknown(target, sid):
    engine = await target.connect_engineio("polling")
    known = engine.sid
    other = {
        "cut": known[:-1],
        "longer": f"{known}0",
        "capitals": known.swapcase(),
        "empty": "",
    }[sid]
    if other == known:
        return  # there are no letters in it
    wanted = "400, or a session of its own"
    with target.awaits(wanted):
        response = await engine.exchange(
            "GET", f"EIO=4&transport=polling&sid={quote(other, safe='')}"
        )
    if response.status < 400 and (sid != "empty" or response.body[:2] != b"0{"):
        raise Failure(wanted, f"{response}: {response.body[:60]!r}", came=response)
    if response.status not in (200, 400):
        target.non_strict(wanted, f"{response}: {response.body[:60]!r}", came=response)


async def _opens_none(target, sid):
    http = await target.http()
    query = f"EIO=4&transport=websocket&sid={quote(sid, safe='')}"
    http.send(target.upgrade_request(f"{target.engineio_path}?{query}"))
    wanted = "the WebSocket refused or closed"
    response = await http.response_or_end(wanted)
    if response is None or response.status != 101:
        return
    with target.awaits(wanted):
        try:
            frame = await http.upgraded(response).receive()
        except (StreamClosed, Failure):
            return
    if frame.payload[:2] == b"0{":
        raise Failure(wanted, frame)


@case(
    "eio-websocket-sid-unknown",
    needs=NEEDS,
    over={"sid": ["short", "closed"]},
    control=ordinary_websocket_session,
)
async def websocket_with_a_sid_of_no_session_opens_none(target, sid):
    if sid == "short":
        await _opens_none(target, "abc")
        return
    engine = await target.connect_engineio("polling")
    await engine.post(b"1")
    with target.preparing("a session that has ended"):
        while (await engine.poll()).status < 400:
            pass
    await _opens_none(target, engine.sid)


POLICY = (401, 403, 407, 429, 503)  # of a server that lets this client in no further


@case("eio-upgrade-announced", needs={"polling"})
async def websocket_of_an_upgrade_is_accepted(target):
    engine = await target.connect_engineio("polling")
    upgrades = engine.handshake.upgrades
    if "websocket" not in upgrades:
        raise Unsupported("a session that announces an upgrade", f"upgrades: {list(upgrades)}")
    http = await target.http()
    request = target.upgrade_request(f"{target.engineio_path}?{engine.query_of('websocket')}")
    response = await http.ask(request, "101 Switching Protocols", body=False)
    if response.status in POLICY:
        raise Unsupported("a server that lets this client upgrade", str(response))
    check_upgrade(request, response)
    if target.supports("upgrade"):  # its probe is for cases of its own
        return
    websocket = http.upgraded(response)
    websocket.send(text_packet(PacketType.PING, "probe"))
    wanted = "an answer to the probe"
    with target.awaits(wanted):
        try:
            got = await websocket.receive()
        except StreamClosed as closed:
            raise Failure(wanted, closed.how) from closed
    if got.opcode == Opcode.CLOSE:
        raise Failure(wanted, got)
