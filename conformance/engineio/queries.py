"""Engine.IO protocol, section "Query parameters": in a session, and nearly right values."""

from dataclasses import replace
from urllib.parse import quote

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    case,
    ordinary_session,
    ordinary_websocket_session,
)
from sockproof.wire.engineio import PacketType
from sockproof.wire.socketio import Packet as Event
from sockproof.wire.socketio import PacketType as EventType

TEXT = "text/plain;charset=UTF-8"
OPEN = "EIO=4&transport=polling"
METHODS = {"method": ["GET", "POST"]}


def _event(peer, word):
    (text,) = peer.text(Event(EventType.EVENT, peer.namespace, ["message", word]))
    return f"{PacketType.MESSAGE:d}{text}".encode()


async def _lacks(target, method, query):
    """A request of a session that lacks a parameter; it harms nobody where it is served."""
    engine = await target.connect_engineio("polling")
    body = b"40" if method == "POST" else b""
    if method == "GET":
        await engine.post(b"40")  # so that a GET that is served has something to be answered with
    await engine.refused(
        method, f"{query}&sid={quote(engine.sid, safe='')}", body, TEXT, lenient=True
    )


@case("eio-polling-eio-missing", needs={"polling"}, over=METHODS, control=ordinary_session)
async def request_of_a_session_without_eio_is_refused(target, method):
    await _lacks(target, method, "transport=polling")


@case("eio-polling-transport-missing", needs={"polling"}, over=METHODS, control=ordinary_session)
async def request_of_a_session_without_transport_is_refused(target, method):
    await _lacks(target, method, "EIO=4")


@case(
    "eio-polling-transport-unknown",
    needs={"polling"},
    over={"transport": ["", "POLLING", "__proto__", "toString"]},
    control=ordinary_session,
)
async def request_whose_transport_is_nearly_one_is_refused(target, transport):
    await target.engineio().refused("GET", f"EIO=4&transport={transport}", lenient=True)


@case("eio-polling-eio-invalid", needs={"polling"}, control=ordinary_session)
async def digit_of_another_script_is_no_revision(target):
    wanted = "400"
    with target.awaits(wanted):
        response = await target.engineio().exchange("GET", "EIO=%D9%A4&transport=polling")
    if response.body[:2] == b"0{":
        target.non_strict(wanted, f"{response}: {response.body[:60]!r}", came=response)


PARAMETERS = {
    "long": "&t=" + "x" * 200,
    "empty": "&t=&u",
    "words": "&constructor=1&__proto__=2&toString=3",
    "percents": "&t=%25%20%C3%A9%00",
}


@case(
    "eio-polling-parameters-unknown", needs={"polling", "fixture"}, over={"more": list(PARAMETERS)}
)
async def parameters_of_any_form_change_nothing(target, more):
    peer = await target.socketio("polling")
    query = peer.engine.session_query + PARAMETERS[more]
    response = await peer.engine.exchange("POST", query, _event(peer, "served"), TEXT)
    if response.status != 200:
        raise Failure("200 to a POST", f"{response}: {response.body[:60]!r}", came=response)
    await peer.expect_event("message-back", "served")


@case("eio-polling-parameters-unknown", needs={"polling", "fixture"})
async def parameters_stand_in_any_order(target):
    peer = await target.socketio("polling")
    query = f"t=sockproof&sid={quote(peer.engine.sid, safe='')}&transport=polling&EIO=4"
    response = await peer.engine.exchange("POST", query, _event(peer, "served"), TEXT)
    if response.status != 200:
        raise Failure("200 to a POST", f"{response}: {response.body[:60]!r}", came=response)
    await peer.expect_event("message-back", "served")


@case(
    "eio-polling-method-unknown",
    needs={"polling", "fixture"},
    over={"method": ["PUT", "PATCH", "DELETE", "post"]},
    control=ordinary_session,
)
async def other_method_with_a_sid_is_refused(target, method):
    peer = await target.socketio("polling")
    wanted = "a status from 400 to 499, or the end of the connection"
    http = await target.http()
    http.send(target.engineio_request(method, peer.engine.session_query, _event(peer, "no"), TEXT))
    response = await http.response_or_end(wanted, body=True)
    if response is not None and not 400 <= response.status < 500:
        target.non_strict(wanted, response)
    if response is not None and response.status < 300 and method != "post":
        for packet in await peer.aftermath(expected=wanted) or ():
            if packet.data == ["message-back", "no"]:
                raise Failure(wanted, f"{method} was taken for POST: {packet}")


@case("eio-polling-method-unknown", needs={"polling"}, control=ordinary_session)
async def method_in_small_letters_opens_no_session(target):
    http = await target.http()
    http.send(replace(target.engineio_request("GET", OPEN), method="get"))
    wanted = "a status from 400 to 499, or the end of the connection"
    response = await http.response_or_end(wanted, body=True)
    if response is not None and response.status < 300:
        target.non_strict(wanted, f"{response}: {response.body[:60]!r}", came=response)


@case("eio-polling-jsonp", needs={"polling"})
async def request_of_a_later_jsonp_index_is_answered(target):
    await target.engineio().exchange("GET", f"{OPEN}&j=17")


# On a WebSocket.


async def _opens(target, query):
    """The first message behind the 101 to a handshake with this query, or None."""
    http = await target.http()
    http.send(target.upgrade_request(f"{target.engineio_path}?{query}"))
    wanted = "the WebSocket refused or closed"
    response = await http.response_or_end(wanted)
    if response is None or response.status != 101:
        return None
    websocket = http.upgraded(response)
    with target.awaits(wanted):
        try:
            frame = await websocket.receive()
        except (StreamClosed, Failure):
            return None
    return None if frame.opcode == Opcode.CLOSE else frame


@case(
    "eio-websocket-transport-unknown",
    needs={"websocket"},
    over={"transport": ["", "WEBSOCKET", "webtransport", "constructor"]},
    control=ordinary_websocket_session,
)
async def websocket_whose_transport_is_nearly_one_is_refused(target, transport):
    frame = await _opens(target, f"EIO=4&transport={transport}")
    if frame is not None and frame.payload[:2] == b"0{":
        target.non_strict("the WebSocket refused or closed", frame)


@case(
    "eio-websocket-eio-invalid",
    needs={"websocket"},
    over={"revision": ["", "4abc", "%D9%A4"]},
    control=ordinary_websocket_session,
)
async def websocket_whose_revision_is_nearly_one_is_refused(target, revision):
    frame = await _opens(target, f"EIO={revision}&transport=websocket")
    if frame is not None and frame.payload[:2] == b"0{":
        target.non_strict("the WebSocket refused or closed", frame)


async def _upgrades(target, query):
    """The WebSocket of an upgrade with this query is refused; one that is served harms nobody."""
    engine = await target.connect_engineio("polling")
    http = await target.http()
    http.send(
        target.upgrade_request(f"{target.engineio_path}?{query}&sid={quote(engine.sid, safe='')}")
    )
    wanted = "the WebSocket refused or closed"
    response = await http.response_or_end(wanted)
    if response is None or response.status != 101:
        return
    websocket = http.upgraded(response)
    websocket.send_message(Opcode.TEXT, b"2probe")
    with target.awaits(wanted):
        try:
            frame = await websocket.receive()
        except (StreamClosed, Failure):
            return
    if frame.payload == b"3probe":
        target.non_strict(wanted, frame)


@case("eio-websocket-eio-missing", needs={"upgrade"}, control=ordinary_websocket_session)
async def upgrade_without_eio_is_refused(target):
    await _upgrades(target, "transport=websocket")


@case("eio-websocket-transport-missing", needs={"upgrade"}, control=ordinary_websocket_session)
async def upgrade_without_transport_is_refused(target):
    await _upgrades(target, "EIO=4")
