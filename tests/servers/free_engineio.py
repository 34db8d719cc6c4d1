"""What else an Engine.IO server may do: Engine.IO protocol, revision 4, and RFC 6455 below it.

`FreeEngineIO` goes in front of a correct server's class; the names in `freedoms`, each of which
a file in `tests/freedoms/engineio/` describes, switch what it does otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sockproof.wire.engineio import Handshake, Packet, PacketType
from sockproof.wire.http import Request, Response
from tests.servers import free_http
from tests.servers.engineio_http import REASONS, Gone, HttpConnection, WebSocket, respond
from tests.servers.engineio_server import (
    BAD_METHOD,
    BAD_REQUEST,
    PATH,
    UNKNOWN_SID,
    UNKNOWN_TRANSPORT,
    EngineIOServer,
    query_of,
    refusal,
)
from tests.servers.engineio_session import CLOSED_BY_CLIENT, Session
from tests.servers.free_websocket import FreeWebSocket

REASONS |= {401: "Unauthorized", 403: "Forbidden", 405: "Method Not Allowed"}
REASONS |= {429: "Too Many Requests", 503: "Service Unavailable"}
TIMERS = {  # freedom -> ping interval and timeout in milliseconds
    "pings-ten-times-a-second": (100, 5000),
    "pings-every-second": (1000, 1000),
    "pings-every-minute": (60_000, 60_000),
    "pings-every-five-minutes": (300_000, 200_000),
}
PAYLOADS = {"takes-little-at-once": 10_000, "takes-any-amount-at-once": 10**12}
FEW_CONNECTIONS = 10
FEW_REQUESTS = 100  # within a second
SHORT_HOLD = 0.2  # seconds that a GET is held, where it is not held for long
A_WHILE = 0.03  # seconds
PAGE = b"<!doctype html><title>Welcome</title><p>An ordinary page.\n"
CLOSING = {"closes-on-strange-packets", "answers-posts-behind-its-close"}
SIDS = {
    "has-short-sids": "{:x}",
    "has-long-sids": "session-{:08x}-" + "0123456789abcdef" * 30,
    "has-sids-of-any-characters": "a/b+c d=&{:x}%#é;?",
}


class FreeSession(Session):
    """A session of a server that takes its freedoms."""

    freedoms: frozenset[str] = frozenset()
    closed_on_strangeness = False
    taken: asyncio.Event  # that a GET has been answered

    def send(self, packet: Packet) -> None:
        """Send a packet, with what a server may put beside it."""
        noisy = packet.type == PacketType.MESSAGE and "sends-noops" in self.freedoms
        if noisy and not self.closed and self.sent % 2 == 0 and not _is_attachment(packet):
            super().send(Packet(PacketType.NOOP))
        super().send(packet)

    def take(self) -> list[Packet]:
        """What a GET is answered with."""
        packets = super().take()
        self.taken.set()
        if "gives-one-packet-for-each-get" in self.freedoms and len(packets) > 1:
            self.buffer = packets[1:]
            self.ready.set()
            return packets[:1]
        return packets

    def receive(self, packet: Packet) -> None:
        """Take one packet of the client in."""
        strange = (PacketType.OPEN, PacketType.UPGRADE, PacketType.NOOP)
        if packet.type in strange and self.freedoms & CLOSING:
            self.closed_on_strangeness = not self.closed
            self.taken.clear()
            self.close("parse error")
        super().receive(packet)

    def close(self, reason: str) -> None:
        """End the session."""
        if self.closed:
            return
        ends_by_client = reason == CLOSED_BY_CLIENT
        if "says-close-to-held-gets" in self.freedoms and ends_by_client:
            self.buffer.append(Packet(PacketType.CLOSE))
        if "says-close-before-it-closes" in self.freedoms and self.websocket is not None:
            self.websocket.send("1")
        super().close(reason)

    async def _beats(self, interval: float, timeout: float) -> None:
        early = 0.9 if "pings-a-little-early" in self.freedoms else 1.0
        await super()._beats(interval * early, timeout)


def _is_attachment(packet: Packet) -> bool:
    return isinstance(packet.data, bytes)


OLD_SESSION = b'69:0{"sid":"old","upgrades":[],"pingInterval":25000,"pingTimeout":20000}2:40'


class FreeEngineIO(EngineIOServer):
    """A correct server that takes some of its freedoms."""

    freedoms: frozenset[str] = frozenset()
    path = PATH

    def take_freedoms(self, freedoms: Iterable[str]) -> None:
        """Switch freedoms on, before anything is served."""
        self.freedoms = frozenset(freedoms)
        for name in self.freedoms:
            self.ping_interval, self.ping_timeout = TIMERS.get(
                name, (self.ping_interval, self.ping_timeout)
            )
            self.max_payload = PAYLOADS.get(name, self.max_payload)

    # Answers.

    def _shared(self, request: Request, response: Response) -> Response:
        shared = super()._shared(request, response)
        return free_http.shaped(self.freedoms, request, shared)

    async def _reply(self, http: HttpConnection, request: Request, response: Response) -> None:
        if "serves-older-clients" in self.freedoms and "EIO=" not in request.target:
            response = respond(200, OLD_SESSION) if response.status == 400 else response
        if "answers-slowly" in self.freedoms:
            await asyncio.sleep(A_WHILE)
        elsewhere = request.target.partition("?")[0] not in (PATH, self.path)
        if "leaves-other-paths-unanswered" in self.freedoms and elsewhere:
            await asyncio.Event().wait()
        shared = self._shared(request, response)
        octets, stays = free_http.written(self.freedoms, shared)
        http.writer.write(octets)
        if not stays:
            await http.writer.drain()
            raise Gone

    def _refusal(self, request: Request, query: dict[str, str]) -> Response | None:
        path = request.target.partition("?")[0]
        if path == self.path != PATH:
            request = replace(request, target=request.target.replace(path, PATH, 1))
        elif path != PATH and "serves-pages-elsewhere" in self.freedoms:
            return respond(200, PAGE, "text/html")
        if "takes-few-connections" in self.freedoms and len(self._tasks) > FEW_CONNECTIONS:
            return respond(503, b"too many connections")
        if "takes-few-requests" in self.freedoms and self._is_too_much():
            busy = respond(429, b"too many requests")
            return replace(busy, headers=(*busy.headers, ("Retry-After", "1")))
        for transport, other in (("polling", "websocket"), ("websocket", "polling")):
            alone = f"has-{transport}-alone" in self.freedoms
            if alone and query.get("transport") == other:
                return refusal(UNKNOWN_TRANSPORT)
        upgrading = query.get("transport") == "websocket" and "sid" in query
        if "offers-no-upgrade" in self.freedoms and upgrading:
            return refusal(BAD_REQUEST)
        if "serves-no-foreign-origins" in self.freedoms and self._is_foreign(request):
            return respond(403, b"this origin is not allowed")
        if request.method not in ("GET", "POST") and "names-the-methods" in self.freedoms:
            return respond(405, b"GET and POST")
        return super()._refusal(request, query)

    def _is_too_much(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._requests = [each for each in getattr(self, "_requests", []) if each > now - 1]
        if len(self._requests) < FEW_REQUESTS:
            self._requests.append(now)
        return len(self._requests) == FEW_REQUESTS

    def _is_foreign(self, request: Request) -> bool:
        return request.get("Origin") not in (None, self.url.rstrip("/"))

    def _preflight(self, query: dict[str, str]) -> Response:
        if "has-no-cors" in self.freedoms:
            return refusal(BAD_METHOD)
        if "answers-preflights-with-text" in self.freedoms:
            return respond(200, b"ok")
        return super()._preflight(query)

    async def _answer(self, connection: HttpConnection, request: Request) -> Response:
        refused = self._is_foreign(request) and "serves-no-foreign-origins" in self.freedoms
        if request.method == "OPTIONS" and refused:
            await connection.body(request)
            return respond(403, b"this origin is not allowed")
        response = await super()._answer(connection, request)
        if "j=" in request.target and "answers-jsonp" in self.freedoms:
            script = f"___eio[0]({json.dumps(response.body.decode())});".encode()
            return respond(response.status, script, "text/javascript; charset=UTF-8")
        return response

    # Sessions.

    def _make_session(self, transport: str) -> Session:
        number = next(self._numbers)
        sid = f"engine-{number}-{id(self):x}"
        for name, form in SIDS.items():
            if name in self.freedoms:
                sid = form.format(number)
        session = FreeSession(sid, transport, self.fault)
        session.freedoms = self.freedoms
        session.taken = asyncio.Event()
        return session

    def _open_packets(self, handshake: Handshake, query: dict[str, str]) -> list[Packet]:
        del query
        fields: dict[str, Any] = json.loads(handshake.encode().data)
        if self.freedoms & {"has-polling-alone", "offers-no-upgrade"}:
            fields["upgrades"] = []
        if "announces-no-max-payload" in self.freedoms:
            del fields["maxPayload"]
        text = json.dumps(fields, separators=(",", ":"))
        for name, write in free_http.OPENS.items():
            if name in self.freedoms:
                text = write(fields)
        more = [Packet(PacketType.NOOP)] if "sends-noops" in self.freedoms else []
        return [Packet(PacketType.OPEN, text), *more]

    # Long-polling.

    async def _wait_for_data(self, connection: HttpConnection, session: Session) -> None:
        short = {"answers-gets-at-once": 0.0, "holds-gets-briefly": SHORT_HOLD}
        hold = [seconds for name, seconds in short.items() if name in self.freedoms]
        try:
            if hold:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(hold[0]):
                        await super()._wait_for_data(connection, session)
            else:
                await super()._wait_for_data(connection, session)
        except Gone:
            if "given-up-gets-end-sessions" in self.freedoms:
                session.close(CLOSED_BY_CLIENT)
            raise
        if "gathers-packets" in self.freedoms:
            await asyncio.sleep(A_WHILE)

    async def _poll(self, connection: HttpConnection, session: Session) -> Response:
        response = await super()._poll(connection, session)
        ended = session.closed and response.status == 200
        return refusal(UNKNOWN_SID) if ended and self._refuses_held_gets() else response

    def _refuses_held_gets(self) -> bool:
        return "refuses-held-gets-of-closed-sessions" in self.freedoms

    async def _post(
        self, connection: HttpConnection, request: Request, session: Session
    ) -> Response:
        kind = request.get("Content-Type") or ""
        if "octet-stream" in kind and "refuses-octet-streams" in self.freedoms:
            await connection.body(request)
            return refusal(BAD_REQUEST)
        length = int(request.get("Content-Length") or 0)
        if length > self.max_payload and "cuts-large-posts-off" in self.freedoms:
            await self._reply(connection, request, respond(413))
            raise Gone
        was_open = not session.closed
        response = await super()._post(connection, request, session)
        if "answers-posts-behind-its-close" in self.freedoms and was_open:
            response = await self._behind_its_close(session, response)
        return response

    async def _behind_its_close(self, session: Session, response: Response) -> Response:
        """A POST that ends the session is answered when the CLOSE has been taken."""
        assert isinstance(session, FreeSession)
        if response.status == 413:
            session.taken.clear()
            session.close("transport error")
        elif not session.closed_on_strangeness:
            return response
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.ping_timeout / 1000):
                await session.taken.wait()
        return response if response.status == 413 else refusal(BAD_REQUEST)

    # WebSocket.

    def _upgrade(self, connection: HttpConnection, request: Request) -> WebSocket:
        connection.writer.write(free_http.handshake(self.freedoms, request))
        return FreeWebSocket(connection, self.freedoms)

    async def _serve_websocket(self, connection: HttpConnection, request: Request) -> bool:
        session = self.sessions.get(query_of(request).get("sid", ""))
        if (
            session is not None
            and session.websocket is not None
            and "second-websockets-end-sessions" in self.freedoms
        ):
            session.close("two WebSockets")
        return await super()._serve_websocket(connection, request)

    async def _probed(self, session: Session, websocket: WebSocket) -> bool:
        if "overlooks-strange-probes" in self.freedoms and isinstance(websocket, FreeWebSocket):
            await websocket.skip_until("2probe")
        return await super()._probed(session, websocket)
