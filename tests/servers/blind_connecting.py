"""Blind faults in connecting to a namespace: sids, payloads, what comes too early."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from sockproof.wire import WireError
from sockproof.wire.socketio import Packet, PacketType
from tests.servers import socketio_faults
from tests.servers.blind_weaving import count, fault
from tests.servers.engineio_session import Session
from tests.servers.socketio_fixture import Fixture, Refused
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Connection, Socket

EVENTS = (PacketType.EVENT, PacketType.BINARY_EVENT)

# CONNECT. `change(connection, packet)` gives a packet, or None where there is to be no answer.


def _connects(name: str, change: Any) -> None:
    @fault(name, SocketIOServer, "_connect")
    def connect(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
        changed = change(connection, packet)
        if changed is not None:
            go(connection, changed)


def in_one_moment(connection: Connection, what: str) -> int:
    number = count(connection, what)
    asyncio.get_running_loop().call_soon(vars(connection).pop, f"blind {what}", None)
    return number


def _depth(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


_connects(
    "second-connects-of-a-moment-are-not-answered",
    lambda c, p: p if in_one_moment(c, "connects") == 1 else None,
)
_connects(
    "connects-with-deep-payloads-are-not-answered", lambda c, p: p if _depth(p.data) < 5 else None
)
_connects("third-namespaces-are-not-answered", lambda c, p: p if len(c.sockets) < 2 else None)
_connects(
    "namespaces-after-upgrades-are-not-answered",
    lambda c, p: None if vars(c.session).get("blind upgraded") and p.namespace != "/" else p,
)
_connects(
    "custom-connects-need-a-payload",
    lambda c, p: p if p.namespace == "/" or p.data is not None else replace(p, namespace="/?"),
)
_connects("namespaces-are-read-in-any-case", lambda c, p: replace(p, namespace=p.namespace.lower()))
_connects(
    "namespaces-are-read-by-their-beginning",
    lambda c, p: replace(p, namespace="/custom") if p.namespace.startswith("/custom") else p,
)
_connects(
    "namespaces-end-at-their-second-slash",
    lambda c, p: replace(p, namespace="/" + p.namespace.split("/")[1]),
)
_connects(
    "namespaces-may-end-with-a-slash",
    lambda c, p: replace(p, namespace=p.namespace.rstrip("/") or "/"),
)
_connects(
    "namespaces-may-be-percent-encoded",
    lambda c, p: replace(p, namespace=p.namespace.replace("%63", "c")),
)
_connects(
    "namespaces-of-words-are-the-main-one",
    lambda c, p: (
        replace(p, namespace="/")
        if p.namespace in ("/constructor", "/__proto__", "/toString")
        else p
    ),
)
_connects(
    "namespaces-of-words-are-not-answered",
    lambda c, p: None if p.namespace in ("/constructor", "/__proto__", "/toString") else p,
)
_connects("long-namespaces-are-not-answered", lambda c, p: None if len(p.namespace) > 200 else p)


def _forgetting(when: Any) -> Any:
    def forgotten(connection: Connection, packet: Packet) -> Packet:
        if when(packet):
            connection.sockets.pop(packet.namespace, None)
        return packet

    return forgotten


_connects("second-connects-with-payload-yield-sids", _forgetting(lambda p: bool(p.data)))
_connects("second-connects-to-custom-yield-sids", _forgetting(lambda p: p.namespace != "/"))


@fault("namespaces-after-upgrades-are-not-answered", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("empty-payloads-of-connects-are-refused", Fixture, "admit")
def _(go: Any, fixture: Fixture, namespace: str, auth: Any) -> None:
    if auth == {}:
        raise Refused("no payload")
    go(namespace, auth)


@fault("failing-handlers-close-the-connection", SocketIOServer, "_refuse")
def _(
    go: Any, server: SocketIOServer, connection: Any, namespace: str, auth: Any, why: Any
) -> None:
    if isinstance(auth, dict) and auth.get("mode") == "raise":
        connection.session.close("handler failed")
    else:
        go(connection, namespace, auth, why)


@fault("failing-handlers-are-not-answered", SocketIOServer, "_refuse")
def _(
    go: Any, server: SocketIOServer, connection: Any, namespace: str, auth: Any, why: Any
) -> None:
    if not (isinstance(auth, dict) and auth.get("mode") == "raise"):
        go(connection, namespace, auth, why)


@fault("failing-handlers-let-in", Fixture, "admit")
def _(go: Any, fixture: Fixture, namespace: str, auth: Any) -> None:
    if not (isinstance(auth, dict) and auth.get("mode") == "raise"):
        go(namespace, auth)


def _sids(name: str, change: Any) -> None:
    """A fault that gives another sid in the server's CONNECT: `change(socket)`."""

    @fault(name, Socket, "send")
    def send(go: Any, socket: Socket, packet: Packet) -> None:
        if packet.type == PacketType.CONNECT:
            packet = replace(packet, data={"sid": change(socket)})
        go(packet)


def _first(socket: Socket) -> Socket:
    return next(iter(socket.connection.sockets.values()))


_sids("custom-sids-are-numbers", lambda s: s.sid if s.namespace == "/" else 7)
_sids(
    "custom-sids-are-the-sessions",
    lambda s: s.sid if s.namespace == "/" else s.connection.session.sid,
)
_sids(
    "sids-of-third-namespaces-are-the-first",
    lambda s: s.sid if len(s.connection.sockets) < 3 else _first(s).sid,
)
_sids("sids-are-cut-to-eight", lambda s: s.sid[:8])
_sids(
    "custom-sids-over-polling-are-the-main-ones",
    lambda s: s.sid if s.connection.session.websocket else _first(s).sid,
)
_sids(
    "sids-after-upgrades-are-the-sessions",
    lambda s: (
        s.connection.session.sid if vars(s.connection.session).get("blind upgraded") else s.sid
    ),
)
_sids("sids-begin-anew-after-ten", lambda s: f"socket-{int(s.sid.split('-')[1]) % 10}")
_sids(
    "sids-after-refusals-are-empty",
    lambda s: "" if vars(s.connection).get("blind refused") else s.sid,
)


@fault("sids-after-upgrades-are-the-sessions", Session, "upgrade")
def _(go: Any, session: Session, websocket: Any) -> None:
    vars(session)["blind upgraded"] = True
    go(websocket)


@fault("sids-after-refusals-are-empty", SocketIOServer, "_refuse")
def _(go: Any, server: SocketIOServer, connection: Any, *args: Any) -> None:
    vars(connection)["blind refused"] = True
    go(connection, *args)


# What comes before the first CONNECT.


def _early(name: str, when: Any) -> None:
    """A fault that passes over what comes before the first CONNECT and should close."""

    @fault(name, SocketIOServer, "_packet")
    def packet(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
        if connection.greeted or not when(packet):
            go(connection, packet)


_early("early-disconnects-are-passed-over", lambda p: p.type == PacketType.DISCONNECT)
_early("early-acks-are-passed-over", lambda p: p.type == PacketType.ACK)
_early(
    "early-binary-events-are-passed-over", lambda p: any(isinstance(e, bytes) for e in p.data or ())
)
_early("early-events-of-custom-are-passed-over", lambda p: p.namespace != "/" and p.type in EVENTS)
_early("early-connect-errors-are-passed-over", lambda p: p.type == PacketType.CONNECT_ERROR)


@fault("early-events-are-kept-and-handled", SocketIOServer, "_packet")
def _(go: Any, server: SocketIOServer, connection: Connection, packet: Packet) -> None:
    kept = vars(connection).setdefault("blind kept", [])
    if not connection.greeted and packet.type != PacketType.CONNECT:
        kept.append(packet)
        return
    go(connection, packet)
    while kept:
        go(connection, kept.pop(0))


def _unreadable(name: str, when: Any) -> None:
    @fault(name, socketio_faults, "read")
    def read(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
        try:
            return go(connection, message)
        except WireError:
            if connection.greeted or not when(message):
                raise
            return None


_unreadable("unreadable-first-messages-are-passed-over", lambda m: isinstance(m, str))
_unreadable("binary-first-messages-are-passed-over", lambda m: isinstance(m, bytes))
_unreadable("empty-first-messages-are-passed-over", lambda m: m == "")


# Auth.


def _auth(name: str, change: Any) -> None:
    """A fault that changes the payload of a CONNECT: `change(connection, packet)` gives it."""
    _connects(name, lambda c, p: replace(p, data=change(c, p)))


def _each(change: Any) -> Any:
    def fields(connection: Connection, packet: Packet) -> Any:
        data = packet.data
        return {k: change(v) for k, v in data.items()} if isinstance(data, dict) else data

    return fields


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _main_auth(connection: Connection, packet: Packet) -> Any:
    main = connection.sockets.get("/")
    return main.auth if packet.data is None and main is not None else packet.data


_auth("auth-numbers-are-text", _each(lambda v: str(v) if type(v) is int else v))
_auth("auth-text-is-parsed", _each(_parsed))
_auth("auth-empty-text-is-null", _each(lambda v: None if v == "" else v))
_auth(
    "auth-integers-from-2-31-wrap",
    _each(lambda v: v - (1 << 32) if type(v) is int and v >= 1 << 31 else v),
)
_auth(
    "auth-loses-nulls",
    lambda c, p: (
        {k: v for k, v in p.data.items() if v is not None} if isinstance(p.data, dict) else p.data
    ),
)
_auth(
    "auth-loses-words-of-the-language",
    lambda c, p: (
        {k: v for k, v in p.data.items() if k not in ("__proto__", "constructor")}
        if isinstance(p.data, dict)
        else p.data
    ),
)
_auth("auth-nested-objects-are-empty", _each(lambda v: {} if isinstance(v, dict) else v))
_auth("auth-text-is-cut-at-255", _each(lambda v: v[:255] if isinstance(v, str) else v))
_auth("auth-of-main-stands-for-namespaces-without", _main_auth)


@fault("auth-of-the-last-connect-stands-for-all", Fixture, "connected")
def _(go: Any, fixture: Fixture, socket: Socket) -> None:
    shared = vars(socket.connection).setdefault("blind auth", socket.auth)
    socket.auth = shared if shared is not None else socket.auth
    go(socket)


def _not_objects(name: str, when: Any, hangs: bool) -> None:
    """A fault that accepts a CONNECT whose payload is no object, or never answers it."""

    @fault(name, socketio_faults, "read")
    def read(go: Any, connection: Connection, message: str | bytes) -> Packet | None:
        try:
            return go(connection, message)
        except WireError:
            text = str(message)
            namespace = "/custom" if text.startswith("0/custom,") else "/"
            payload = text.removeprefix("0").removeprefix("/custom,")
            if text[:1] != "0" or not when(payload):
                raise
            return None if hangs else Packet(PacketType.CONNECT, namespace)


_not_objects("auth-lists-are-not-answered", lambda text: text[:1] == "[", True)
_not_objects("auth-text-is-taken", lambda text: text[:1] == '"', False)
_not_objects("auth-false-is-taken", lambda text: text in ("false", "true"), False)
_not_objects("auth-empty-lists-are-taken", lambda text: text == "[]", False)
