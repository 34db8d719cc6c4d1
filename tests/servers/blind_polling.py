"""Blind faults in long-polling: requests, two of them at once, what a GET is given."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sockproof.wire.engineio import SEPARATOR, Packet, PacketType
from tests.servers.blind_weaving import count, fault, once
from tests.servers.engineio_http import Gone, HttpConnection, respond
from tests.servers.engineio_server import BAD_REQUEST, UNKNOWN_SID, EngineIOServer, refusal
from tests.servers.engineio_session import Session

MARK = SEPARATOR.encode()

# Requests.


def _answers(name: str, when: Any, change: Any) -> None:
    """A fault that changes the responses that `when` (of request and response) chooses."""

    @fault(name, EngineIOServer, "_answer")
    async def answer(go: Any, server: EngineIOServer, connection: Any, request: Any) -> Any:
        response = await go(connection, request)
        return change(response) if when(request, response) else response


def _status(status: int) -> Any:
    return lambda response: replace(response, status=status)


def _refuses(request: Any, response: Any) -> bool:
    return response.status == 400


def _posted(request: Any, response: Any) -> bool:
    return request.method == "POST" and response.status == 200


_answers(
    "posts-without-sid-get-405",
    lambda q, r: _refuses(q, r) and q.method == "POST" and "sid=" not in q.target,
    _status(405),
)
_answers(
    "unknown-sids-of-posts-get-404",
    lambda q, r: q.method == "POST" and b"Session ID" in r.body,
    _status(404),
)
_answers(
    "unknown-sids-of-gets-get-403",
    lambda q, r: q.method == "GET" and b"Session ID" in r.body,
    _status(403),
)
_answers("missing-transports-get-200", lambda q, r: b"Transport unknown" in r.body, _status(200))
_answers("other-revisions-get-426", lambda q, r: b"Unsupported" in r.body, _status(426))
_answers("accepted-posts-get-204", _posted, lambda r: respond(204))
_answers("accepted-posts-get-201", _posted, _status(201))
_answers("accepted-posts-say-ok-and-a-newline", _posted, lambda r: respond(200, b"ok\n"))
_answers("noops-are-html", lambda q, r: r.body == b"6", lambda r: respond(200, r.body, "text/html"))
_answers(
    "answers-have-no-charset-but-utf-16",
    lambda q, r: r.body[:1] == b"4",
    lambda r: respond(200, r.body, "text/plain; charset=utf-16"),
)


def _methods(name: str, method: str, becomes: str) -> None:
    @fault(name, EngineIOServer, "_answer")
    async def answer(go: Any, server: EngineIOServer, connection: Any, request: Any) -> Any:
        if request.method == method:
            request = replace(request, method=becomes)
        return await go(connection, request)


_methods("puts-are-posts", "PUT", "POST")
_methods("deletes-are-gets", "DELETE", "GET")
_methods("patches-are-posts", "PATCH", "POST")
_methods("methods-are-read-in-any-case", "get", "GET")


@fault("other-methods-get-500", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any) -> Any:
    response = await go(connection, request)
    known = request.method in ("GET", "POST", "OPTIONS")
    return response if known else replace(response, status=500)


@fault("jsonp-of-two-digits-hangs", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: HttpConnection, request: Any) -> Any:
    if re.search(r"[?&]j=\d\d", request.target):
        await connection.gone()
        raise Gone
    return await go(connection, request)


@fault("octet-streams-are-not-answered", EngineIOServer, "_post")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any, session: Any) -> Any:
    if "octet-stream" in (request.get("Content-Type") or ""):
        await connection.gone()
        raise Gone
    return await go(connection, request, session)


@fault("bodies-without-a-type-are-latin-1", HttpConnection, "body")
async def _(go: Any, connection: Any, request: Any, **named: Any) -> bytes:
    body = await go(request, **named)
    if request.method == "POST" and request.get("Content-Type") is None:
        return body.decode("latin-1").encode()
    return body


@fault("bodies-without-a-type-are-binary", EngineIOServer, "_post")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any, session: Any) -> Any:
    if request.get("Content-Type") is not None:
        return await go(connection, request, session)
    session.receive(Packet(PacketType.MESSAGE, await connection.body(request)))
    return respond(200, b"ok")


@fault("unknown-sids-leave-their-bodies-behind", EngineIOServer, "_answer")
async def _(go: Any, server: EngineIOServer, connection: HttpConnection, request: Any) -> Any:
    if request.method == "POST" and not any(sid in request.target for sid in server.sessions):
        return refusal(UNKNOWN_SID)
    return await go(connection, request)


@fault("posts-of-closed-sessions-are-ok", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    once_was = sid.startswith("engine-") and sid not in server.sessions
    return respond(200, b"ok") if once_was and request.method == "POST" else go(request, query, sid)


@fault("gets-of-closed-sessions-are-noops", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    once_was = sid.startswith("engine-") and sid not in server.sessions
    return respond(200, b"6") if once_was and request.method == "GET" else go(request, query, sid)


@fault("unknown-sids-open-sessions", EngineIOServer, "_session_refusal")
def _(go: Any, server: EngineIOServer, request: Any, query: Any, sid: str) -> Any:
    if sid not in server.sessions and request.method == "GET" and query["transport"] == "polling":
        return server._open(query)
    return go(request, query, sid)


@fault("closed-sids-open-websockets", EngineIOServer, "_serve_websocket")
async def _(go: Any, server: EngineIOServer, connection: Any, request: Any) -> Any:
    found = re.search(r"&sid=(engine-[^&]*)", request.target)
    if found and found[1] not in server.sessions:
        request = replace(request, target=request.target.replace(found[0], ""))
    return await go(connection, request)


# Two requests at once.


@fault("second-posts-wait-for-the-first", EngineIOServer, "_post")
async def _(
    go: Any, server: EngineIOServer, connection: Any, request: Any, session: Session
) -> Any:
    was, session.posting = session.posting, False
    try:
        return await go(connection, request, session)
    finally:
        session.posting = was


@fault("second-posts-get-409", EngineIOServer, "_post")
async def _(
    go: Any, server: EngineIOServer, connection: Any, request: Any, session: Session
) -> Any:
    second = session.posting
    response = await go(connection, request, session)
    return replace(response, status=409) if second else response


@fault("only-third-posts-close", EngineIOServer, "_post")
async def _(
    go: Any, server: EngineIOServer, connection: Any, request: Any, session: Session
) -> Any:
    if session.posting and once(session, "second post"):
        await connection.body(request)
        return refusal(BAD_REQUEST)
    return await go(connection, request, session)


@fault("second-gets-get-409", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    second = session.polling
    response = await go(connection, session)
    return replace(response, status=409) if second else response


@fault("second-gets-get-a-noop", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    return respond(200, b"6") if session.polling else await go(connection, session)


@fault("only-third-gets-close", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    if session.polling and once(session, "second get"):
        return refusal(BAD_REQUEST)
    return await go(connection, session)


@fault("first-gets-are-cut-by-second-ones", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    second = session.polling
    response = await go(connection, session)
    if session.closed and not second:
        raise Gone
    return response


@fault("first-gets-hang-behind-second-ones", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    held = not session.ready.is_set() and not session.polling
    response = await go(connection, session)
    if held and session.closed:
        await connection.gone()
        raise Gone
    return response


# GETs.


@fault("buffers-put-text-first", Session, "take")
def _(go: Any, session: Session) -> list[Packet]:
    return sorted(go(), key=lambda packet: isinstance(packet.data, bytes))


@fault("buffers-keep-fifty", Session, "take")
def _(go: Any, session: Session) -> list[Packet]:
    return go()[:50]


@fault("buffers-keep-one-of-equals", Session, "take")
def _(go: Any, session: Session) -> list[Packet]:
    return list(dict.fromkeys(go()))


@fault("buffers-keep-one-of-neighbours", Session, "take")
def _(go: Any, session: Session) -> list[Packet]:
    packets = go()
    return [p for n, p in enumerate(packets) if n == 0 or p != packets[n - 1]]


@fault("buffers-are-cut-at-64-kilobytes", EngineIOServer, "_payload")
def _(go: Any, server: EngineIOServer, packets: list[Packet]) -> Any:
    response = go(packets)
    return respond(200, response.body[:65_536])


@fault("fifty-first-packets-come-twice", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    go(packet)
    if packet.type == PacketType.MESSAGE and count(session, "sent") == 51:
        go(packet)


@fault("thirty-third-packets-are-lost", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    if packet.type != PacketType.MESSAGE or count(session, "sent") != 33:
        go(packet)


@fault("held-gets-are-answered-with-206", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    held = not session.ready.is_set()
    response = await go(connection, session)
    return replace(response, status=206) if held and response.status == 200 else response


@fault("held-gets-are-answered-one-packet-late", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    held = not session.ready.is_set()
    response = await go(connection, session)
    if held and response.body[:1] == b"4" and not session.closed:
        session.buffer[:0] = [Packet(PacketType.MESSAGE, response.body[1:].decode())]
        return respond(200, b"6")
    return response


@fault("gets-that-were-given-up-swallow-binary", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    try:
        return await go(connection, session)
    except Gone:
        vars(session)["blind given up"] = True
        raise


@fault("gets-that-were-given-up-swallow-binary", Session, "send")
def _(go: Any, session: Session, packet: Packet) -> None:
    if isinstance(packet.data, bytes) and vars(session).pop("blind given up", False):
        return
    go(packet)


@fault("gets-that-were-given-up-make-the-next-hang", EngineIOServer, "_poll")
async def _(go: Any, server: EngineIOServer, connection: Any, session: Session) -> Any:
    if vars(session).get("blind given up"):
        await connection.gone()
        raise Gone
    try:
        return await go(connection, session)
    except Gone:
        vars(session)["blind given up"] = True
        raise
