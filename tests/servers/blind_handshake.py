"""Blind faults in OPEN packets, queries, and what a sid selects."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from sockproof.wire.engineio import Packet, PacketType
from tests.servers import engineio_faults, engineio_server
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_http import Gone, HttpConnection, respond
from tests.servers.engineio_server import EngineIOServer
from tests.servers.engineio_session import Session

# OPEN packets. `_fields(change, …)` registers a fault that changes the object.


def _fields(name: str, changes: dict[str, Any], transport: str = "", nth: int = 1) -> None:
    """A fault that puts fields into OPEN (None of all takes one out), of every nth session."""

    @fault(name, engineio_faults, "open_packets")
    def open_packets(go: Any, kind: Any, handshake: Any, mark: Any) -> list[Packet]:
        packets: list[Packet] = go(kind, handshake, mark)
        own = "polling" if handshake.upgrades else "websocket"
        number = int(handshake.sid.rsplit("-", 1)[1])
        if transport not in ("", own) or number % nth:
            return packets
        fields = {**json.loads(packets[0].data), **changes}
        fields = {key: value for key, value in fields.items() if value is not ABSENT}
        return [replace(packets[0], data=json.dumps(fields))]


ABSENT = object()
_fields("websocket-sid-is-null", {"sid": None}, "websocket", 3)
_fields("websocket-sid-is-empty", {"sid": ""}, "websocket", 3)
_fields("upgrades-are-objects", {"upgrades": [{"name": "websocket"}]}, "polling", 5)
_fields("websocket-has-no-upgrades-field", {"upgrades": ABSENT}, "websocket")
_fields("websocket-has-no-interval", {"pingInterval": ABSENT}, "websocket")
_fields("interval-is-true", {"pingInterval": True}, "polling", 3)
_fields("websocket-timeout-is-null", {"pingTimeout": None}, "websocket")
_fields("websocket-timeout-is-text", {"pingTimeout": "20000"}, "websocket", 3)
_fields("timeout-is-no-json-number", {"pingTimeout": float("nan")}, "polling", 5)
_fields("websocket-max-payload-is-text", {"maxPayload": "1e6"}, "websocket")
_fields("max-payload-is-null", {"maxPayload": None}, "polling", 5)
_fields("websocket-tells-seconds", {"pingInterval": 25, "pingTimeout": 20}, "websocket")
_fields("timeout-is-in-seconds", {"pingTimeout": 20}, "polling", 3)
_fields("max-payload-is-negative", {"maxPayload": -1}, "polling", 5)
_fields("websocket-max-payload-is-zero", {"maxPayload": 0}, "websocket", 3)
_fields("upgrades-are-in-capitals", {"upgrades": ["WebSocket"]}, "polling")
_fields("some-polling-sessions-hide-the-upgrade", {"upgrades": []}, "polling", 3)
_fields("websocket-lists-polling", {"upgrades": ["polling"]}, "websocket")
_fields("websocket-lists-itself", {"upgrades": ["websocket"]}, "websocket", 3)


@fault("open-is-null-at-times", engineio_faults, "open_packets")
def _(go: Any, kind: Any, handshake: Any, mark: Any) -> list[Packet]:
    nth = int(handshake.sid.rsplit("-", 1)[1]) % 5 == 0
    return [Packet(PacketType.OPEN, "null")] if nth else go(kind, handshake, mark)


@fault("open-is-written-twice", engineio_faults, "open_packets")
def _(go: Any, kind: Any, handshake: Any, mark: Any) -> list[Packet]:
    (packet,) = go(kind, handshake, mark)
    return [replace(packet, data=json.dumps(packet.data))]


@fault("websocket-noop-comes-before-open", engineio_faults, "open_packets")
def _(go: Any, kind: Any, handshake: Any, mark: Any) -> list[Packet]:
    noop = [] if handshake.upgrades else [Packet(PacketType.NOOP)]
    return [*noop, *go(kind, handshake, mark)]


@fault("polling-open-comes-behind-a-message", engineio_faults, "payload")
def _(go: Any, kind: Any, packets: list[Packet]) -> bytes:
    if packets[0].type == PacketType.OPEN:
        packets = [Packet(PacketType.NOOP), *packets]
    return go(kind, packets)


@fault("handshakes-have-status-201", EngineIOServer, "_open")
def _(go: Any, server: EngineIOServer, query: Any) -> Any:
    return replace(go(query), status=201)


@fault("second-handshake-of-a-connection-is-empty", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: HttpConnection, request: Any) -> Any:
    response = await go(connection, request)
    if response.body[:1] == b"0" and count(connection, "handshakes") > 1:
        return respond(200)
    return response


# Sessions.


@fault("sids-come-round-after-ten", EngineIOServer, "_make_session")
def _(go: Any, server: EngineIOServer, *args: Any) -> Any:
    session = go(*args)
    session.sid = f"engine-{count(server, 'sessions') % 10}"
    return session


@fault("sids-are-told-in-seconds", EngineIOServer, "_make_session")
def _(go: Any, server: EngineIOServer, *args: Any) -> Any:
    session = go(*args)
    session.sid = f"engine-{int(time.time())}"
    return session


@fault("a-connection-has-one-session", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Any) -> Any:
    kept = vars(connection).setdefault("blind session", session)
    return await go(connection, session if kept.closed else kept)


@fault("sids-are-read-by-their-beginning", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    whole = next((each for each in server.sessions if sid and each.startswith(sid)), sid)
    query["sid"] = whole
    return go(request, query, whole)


@fault("sids-are-read-in-any-case", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    query["sid"] = sid.lower()
    return go(request, query, sid.lower())


@fault("open-is-binary-on-websockets", Session, "_send_on")
def _(go: Any, session: Session, websocket: Any, message: str | bytes) -> None:
    if isinstance(message, str) and message[:1] == "0":
        message = message.encode()
    go(websocket, message)


@fault("posts-go-to-the-first-session-of-a-connection", EngineIOServer, "_post")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any, session: Any) -> Any:
    kept = vars(connection).setdefault("blind posted", session)
    return await go(connection, request, session if kept.closed else kept)


@fault("short-sids-open-websockets", EngineIOServer, "_serve_websocket")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any) -> bool:
    sid = request.target.partition("&sid=")[2]
    if sid and sid not in server.sessions and len(sid) < 8:
        request = replace(request, target=request.target.replace(f"&sid={sid}", ""))
    return await go(connection, request)


@fault("posts-without-sid-open-sessions", EngineIOServer, "_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: dict[str, str]) -> Any:
    refused = go(request, query)
    opens = request.method == "POST" and "sid" not in query
    return server._open(query) if opens and refused is not None else refused


# Queries. `_reads(name, transport, …)` registers a fault that reads a query in its own way.


def _reads(name: str, where: str, change: Any) -> None:
    @fault(name, engineio_server, "query_of")
    def query(go: Any, request: Any) -> dict[str, str]:
        found: dict[str, str] = go(request)
        kind = "websocket" if request.get("Sec-WebSocket-Key") else "polling"
        if where in ("", kind):
            change(found, request)
        return found


def _put(name: str, when: Any, value: str) -> Any:
    def change(query: dict[str, str], request: Any) -> None:
        if when(query.get(name), query):
            query[name] = value

    return change


def _leading_number(value: str | None, query: Any) -> bool:
    return (value or "")[:1] == "4"


def _is_four_in_unicode(value: str | None, query: Any) -> bool:
    return value is not None and value.isdigit() and int(value) == 4


def _is_above(value: str | None, query: Any) -> bool:
    return value is not None and value.isdigit() and int(value) > 4


def _missing_with_sid(value: str | None, query: Any) -> bool:
    return value is None and "sid" in query


_reads("polling-empty-eio-is-taken", "polling", _put("EIO", lambda v, q: v == "", "4"))
_reads("polling-needs-no-eio-with-a-sid", "polling", _put("EIO", _missing_with_sid, "4"))
_reads(
    "polling-empty-transport-is-taken",
    "polling",
    _put("transport", lambda v, q: v == "", "polling"),
)
_reads(
    "polling-needs-no-transport-with-a-sid",
    "polling",
    _put("transport", _missing_with_sid, "polling"),
)
_reads("polling-eio-is-its-first-digit", "polling", _put("EIO", _leading_number, "4"))
_reads("polling-eio-is-any-four", "polling", _put("EIO", _is_four_in_unicode, "4"))
_reads("polling-takes-later-revisions", "polling", _put("EIO", _is_above, "4"))
_reads("polling-takes-revision-three", "polling", _put("EIO", lambda v, q: v == "3", "4"))
_reads(
    "polling-transport-in-capitals",
    "polling",
    _put("transport", lambda v, q: (v or "").lower() == "polling", "polling"),
)
_reads("websocket-empty-eio-is-taken", "websocket", _put("EIO", lambda v, q: v == "", "4"))
_reads("upgrades-need-no-eio", "websocket", _put("EIO", _missing_with_sid, "4"))
_reads(
    "websocket-empty-transport-is-taken",
    "websocket",
    _put("transport", lambda v, q: v == "", "websocket"),
)
_reads("upgrades-need-no-transport", "websocket", _put("transport", _missing_with_sid, "websocket"))
_reads("websocket-eio-is-its-first-digit", "websocket", _put("EIO", _leading_number, "4"))
_reads("websocket-takes-later-revisions", "websocket", _put("EIO", _is_above, "4"))
_reads("websocket-takes-revision-three", "websocket", _put("EIO", lambda v, q: v == "3", "4"))
_reads(
    "websocket-transport-in-capitals",
    "websocket",
    _put("transport", lambda v, q: (v or "").lower() == "websocket", "websocket"),
)
_reads(
    "websocket-webtransport-is-taken",
    "websocket",
    _put("transport", lambda v, q: v == "webtransport", "websocket"),
)


@fault("words-of-the-language-break-the-query", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: HttpConnection, request: Any) -> Any:
    if any(word in request.target for word in ("constructor", "__proto__", "toString")):
        raise Gone
    return await go(connection, request)


@fault("long-parameters-are-refused", EngineIOServer, "_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: dict[str, str]) -> Any:
    long = any(len(value) > 64 for name, value in query.items() if name != "sid")
    return engineio_server.refusal(engineio_server.BAD_REQUEST) if long else go(request, query)


@fault("parameters-without-a-value-are-refused", EngineIOServer, "_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: dict[str, str]) -> Any:
    bare = any(value == "" for name, value in query.items())
    return engineio_server.refusal(engineio_server.BAD_REQUEST) if bare else go(request, query)


@fault("parameters-in-another-order-are-refused", EngineIOServer, "_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: dict[str, str]) -> Any:
    if "EIO" in query and next(iter(query)) != "EIO":
        return engineio_server.refusal(engineio_server.BAD_REQUEST)
    return go(request, query)


@fault("b64-makes-text-base64", EngineIOServer, "_payload")
def _(go: Any, server: EngineIOServer, packets: list[Packet]) -> Any:
    if vars(server).get("blind b64"):
        packets = [
            replace(p, data=p.data.encode()) if p.type == 4 and isinstance(p.data, str) else p
            for p in packets
        ]
    return go(packets)


@fault("b64-makes-text-base64", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: HttpConnection, request: Any) -> Any:
    vars(server)["blind b64"] = "b64=1" in request.target
    return await go(connection, request)


@fault("upgrades-are-at-another-path", EngineIOServer, "_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: dict[str, str]) -> Any:
    upgrades = request.get("Sec-WebSocket-Key") and "sid" in query
    return respond(404) if upgrades else go(request, query)


@fault("posts-are-not-found-on-kept-connections", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: HttpConnection, request: Any) -> Any:
    response = await go(connection, request)
    late = count(connection, "requests") > 2 and request.method == "POST"
    return respond(404) if late else response
