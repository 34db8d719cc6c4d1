"""A correct Engine.IO server, revision 4: long-polling, WebSocket, and the upgrade between them.

Plain and small, so that a fault put into it changes one behaviour. It serves whatever is put on
top of it by `session_opened`; alone it takes messages in and says nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from sockproof.wire import WireError
from sockproof.wire.engineio import Handshake, Packet, decode
from sockproof.wire.http import Request, Response
from tests.servers import engineio_faults as faults
from tests.servers import slowness, tasks
from tests.servers.engineio_http import (
    Gone,
    HttpConnection,
    WebSocket,
    asks_for_websocket,
    respond,
)
from tests.servers.engineio_session import CLOSED_BY_CLIENT, Session

PATH = "/socket.io/"
MAX_PAYLOAD = 1_000_000
UNKNOWN_TRANSPORT = (0, "Transport unknown")
UNKNOWN_SID = (1, "Session ID unknown")
BAD_METHOD = (2, "Bad handshake method")
BAD_REQUEST = (3, "Bad request")
UNKNOWN_REVISION = (5, "Unsupported protocol version")


def refusal(error: tuple[int, str]) -> Response:
    """400 with its reason."""
    code, message = error
    body = json.dumps({"code": code, "message": message}).encode()
    return respond(400, body, "application/json")


class EngineIOServer:
    """The server; use it with `async with`, and `url` is where it answers."""

    def __init__(
        self, fault: str | None = None, ping_interval: int = 25_000, ping_timeout: int = 20_000
    ) -> None:
        self.fault = fault
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout
        self.max_payload = MAX_PAYLOAD
        self.sessions: dict[str, Session] = {}
        self.url = ""
        self.address = ("127.0.0.1", 0)  # where it listens
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, *self.address)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}/"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for session in list(self.sessions.values()):
            session.close("server shutting down")
        await tasks.end(self._tasks)

    # For the layer above.

    def session_opened(self, session: Session) -> None:
        """A session has begun; what is above sets `on_message` and `on_close`."""

    # Connections.

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = HttpConnection(reader, writer)
        try:
            while True:
                request = await connection.head()
                await slowness.request_read(self.fault, request)
                if asks_for_websocket(request):
                    if await self._serve_websocket(connection, request):
                        return
                    continue
                response = await self._answer(connection, request)
                await self._reply(connection, request, response)
        except (Gone, ConnectionError, WireError):
            pass
        finally:
            writer.close()

    async def _reply(self, http: HttpConnection, request: Request, response: Response) -> None:
        http.respond(self._shared(request, response))

    def _shared(self, request: Request, response: Response) -> Response:
        """The response with what lets pages of every origin read it."""
        origin = request.get("Origin")
        fields = [("Access-Control-Allow-Origin", origin or "*")]
        if origin is not None:
            fields.append(("Vary", "Origin"))
        if request.method == "OPTIONS":
            fields.append(("Access-Control-Allow-Headers", "Content-Type"))
        response = replace(response, headers=(*response.headers, *fields))
        return faults.cors(self.fault, response)

    def _refusal(self, request: Request, query: dict[str, str]) -> Response | None:
        """Why a request is refused, or None."""
        if request.target.partition("?")[0] != PATH and self.fault != "answers-at-every-path":
            return respond(404)
        if query.get("transport") not in ("polling", "websocket"):
            return refusal(UNKNOWN_TRANSPORT)
        if query.get("EIO") != "4":
            return refusal(UNKNOWN_REVISION)
        known = {"EIO", "transport", "sid", "t", "j"}
        if self.fault == "refuses-other-parameters" and set(query) - known:
            return refusal(BAD_REQUEST)
        origin_error = self._origin_refusal(request, query)
        if origin_error is not None:
            return origin_error
        sid = query.get("sid")
        if sid is None:
            by_post = self.fault == "opens-sessions-by-post" and request.method == "POST"
            by_others = self.fault == "opens-sessions-by-every-method" and request.method != "POST"
            allowed = request.method == "GET" or by_post or by_others
            return None if allowed else refusal(BAD_METHOD)
        return self._session_refusal(request, query, sid)

    def _origin_refusal(self, request: Request, query: dict[str, str]) -> Response | None:
        """None, as every origin is served, but for faults."""
        origin = request.get("Origin")
        own = self.url.rstrip("/")
        polls = query["transport"] == "polling" and request.method != "OPTIONS"
        match self.fault:
            case "needs-an-origin" if origin is None and query.get("t") == "no-origin":
                return refusal(BAD_REQUEST)
            case "refuses-its-own-origin" if origin == own:
                return refusal(BAD_REQUEST)
            case "refuses-origins-with-a-session" if polls and origin not in (None, own):
                return replace(self._open(query), status=400)
            case "refuses-origins-over-polling-only" if polls and origin not in (None, own):
                return refusal(BAD_REQUEST)
        return None

    def _session_refusal(
        self, request: Request, query: dict[str, str], sid: str
    ) -> Response | None:
        session = self.sessions.get(sid)
        if session is None:
            stranger = not sid.startswith("engine-")
            if self.fault == "takes-posts-of-nobody" and request.method == "POST" and stranger:
                return respond(200, b"ok")
            if self.fault == "answers-gets-of-nobody" and request.method == "GET" and stranger:
                return respond(200, b"6")
            return refusal(UNKNOWN_SID)
        if query["transport"] == "polling" and session.transport == "websocket":
            if self.fault == "polls-after-upgrade":
                return respond(200, b"ok" if request.method == "POST" else b"6")
            if self.fault == "polling-ends-upgraded-sessions":
                session.close("polling after the upgrade")
            return refusal(BAD_REQUEST)
        return None

    # Long-polling.

    async def _answer(self, connection: HttpConnection, request: Request) -> Response:
        query = faults.mended(self.fault, "polling", query_of(request))
        if request.method == "OPTIONS":
            await connection.body(request)
            return self._preflight(query)
        error = self._refusal(request, query)
        if error is None and request.method == "POST" and "sid" in query:
            return await self._post(connection, request, self._session(query))
        await connection.body(request)
        if error is not None:
            return error
        if "sid" not in query and query["transport"] == "polling":
            return self._open(query)
        if request.method != "GET" or query["transport"] != "polling":
            return refusal(BAD_REQUEST)
        return await self._poll(connection, self._session(query))

    def _preflight(self, query: dict[str, str]) -> Response:
        if self.fault == "preflights-open-sessions":
            return self._open(query)
        return refusal(BAD_REQUEST) if self.fault == "refuses-preflights" else respond(204)

    def _session(self, query: dict[str, str]) -> Session:
        if self.fault == "mixes-sessions-up" and query.get("t") == faults.MARK:
            return list(self.sessions.values())[-1]
        return self.sessions[query["sid"]]

    def _open(self, query: dict[str, str]) -> Response:
        session = self._new_session("polling", query)
        return self._payload(session.take())

    def _payload(self, packets: list[Packet]) -> Response:
        body = faults.payload(self.fault, packets)
        if self.fault == "labels-answers-as-latin-1":
            return respond(200, body, "text/plain; charset=ISO-8859-1")
        return respond(200, body)

    async def _poll(self, connection: HttpConnection, session: Session) -> Response:
        if session.polling and self.fault != "holds-second-gets":
            if self.fault == "closes-and-forgets-first-gets":
                session.ready = asyncio.Event()  # the first GET waits for the old one
            if self.fault != "survives-second-gets":
                session.close("two GETs at once")
            return refusal(BAD_REQUEST)
        session.polling = True
        session.came_back()
        try:
            await self._wait_for_data(connection, session)
        except Gone:
            session.gave_up()
            raise
        finally:
            session.polling = False
        return self._payload(session.take())

    async def _wait_for_data(self, connection: HttpConnection, session: Session) -> None:
        """Hold a GET until there is something to answer; raises `Gone` when the client leaves."""
        if session.ready.is_set():
            return
        loop = asyncio.get_running_loop()
        ready = loop.create_task(session.ready.wait())
        gone = loop.create_task(connection.gone())
        try:
            await asyncio.wait({ready, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ready, gone):
                task.cancel()
            await asyncio.gather(ready, gone, return_exceptions=True)
        if not session.ready.is_set():
            raise Gone

    async def _post(
        self, connection: HttpConnection, request: Request, session: Session
    ) -> Response:
        if session.posting and self.fault != "takes-second-posts":
            if self.fault != "survives-second-posts":
                session.close("two POSTs at once")
            await connection.body(request)
            return refusal(BAD_REQUEST)
        session.posting = True
        try:
            cut = self.fault == "reads-bodies-in-one-piece"
            body = await connection.body(request, in_one_piece=cut)
        finally:
            session.posting = False
        if session.closed:
            return refusal(UNKNOWN_SID)
        if self._is_too_large(len(body)):
            return respond(413)
        await slowness.message_read(self.fault, body.decode("utf-8", "replace"))
        if self.fault == "needs-a-content-type" and request.get("Content-Type") is None:
            return refusal(BAD_REQUEST)
        try:
            packets = faults.posted(self.fault, body)
            if not packets:
                raise WireError("a payload without a packet")
        except WireError:
            session.close("parse error")
            return refusal(BAD_REQUEST)
        for packet in packets:
            session.receive(packet)
        return respond(200, b"OK" if self.fault == "says-ok-in-capitals" else b"ok")

    def _is_too_large(self, octets: int) -> bool:
        if self.fault == "takes-posts-of-every-size":
            return False
        return octets >= self.max_payload + (self.fault != "refuses-posts-of-max-payload")

    # WebSocket.

    async def _serve_websocket(self, connection: HttpConnection, request: Request) -> bool:
        """Serve a WebSocket to its end; False when its handshake was refused."""
        query = faults.mended(self.fault, "websocket", query_of(request))
        if self.fault == "takes-websockets-of-nobody" and query.get("sid") not in self.sessions:
            query.pop("sid", None)
        error = self._refusal(request, query)
        if query.get("transport") != "websocket":
            error = error or refusal(BAD_REQUEST)
        session = self.sessions.get(query.get("sid", ""))
        if session is not None and (session.probing or session.websocket):
            allowed = ("takes-second-websockets", "second-websockets-take-over")
            error = error if self.fault in allowed else refusal(BAD_REQUEST)
        once = self.fault == "upgrades-only-once" and session is not None and session.abandoned
        if once or (session is not None and self.fault == "refuses-upgrades"):
            error = refusal(BAD_REQUEST)
        if error is not None:
            await connection.body(request)
            await self._reply(connection, request, error)
            return False
        websocket = self._upgrade(connection, request)
        websocket.max_message = self.max_payload - (self.fault == "refuses-messages-of-max-payload")
        if self.fault == "takes-messages-of-every-size":
            websocket.max_message *= 2
        if session is None:
            session = self._new_session("websocket", query, websocket)
        elif self.fault == "second-websockets-take-over" and session.websocket:
            session.websocket = websocket
        elif not await self._probed(session, websocket):
            return True
        await self._receive(session, websocket)
        return True

    def _upgrade(self, connection: HttpConnection, request: Request) -> WebSocket:
        return connection.upgrade(request)

    async def _probed(self, session: Session, websocket: WebSocket) -> bool:
        """Take a session over to its new WebSocket; False when that came to nothing."""
        try:
            if await websocket.receive() == "2probe" and not session.closed:
                forgets = self.fault == "answers-probes-without-data" and not session.received
                websocket.send("3" if forgets else "3probe")
                session.probe(websocket)
                if await websocket.receive() == "5" and not session.closed:
                    session.upgrade(websocket)
                    return True
        except Gone:
            pass
        finally:
            session.abandon()
        if self.fault == "abandoned-upgrades-end-sessions":
            session.close("transport close")
        websocket.close()
        return False

    async def _receive(self, session: Session, websocket: WebSocket) -> None:
        try:
            while True:
                for message in faults.messages(self.fault, await websocket.receive()):
                    await slowness.message_read(self.fault, message)
                    if self.fault == "skips-messages-without-a-type" and message == "abc":
                        continue
                    session.receive(decode(message))
        except WireError:
            session.close("parse error")
        except Gone:
            if session.websocket in (websocket, None):
                session.close(CLOSED_BY_CLIENT)

    # Sessions.

    def _make_session(self, transport: str) -> Session:
        sid = faults.session_id(self.fault, next(self._numbers))
        return Session(sid, transport, self.fault)

    def _open_packets(self, handshake: Handshake, query: dict[str, str]) -> list[Packet]:
        return faults.open_packets(self.fault, handshake, query.get("t"))

    def _new_session(
        self, transport: str, query: dict[str, str], websocket: WebSocket | None = None
    ) -> Session:
        session = self._make_session(transport)
        sid = session.sid
        session.websocket = websocket
        self.sessions[sid] = session
        upgrades = ("websocket",) if transport == "polling" else ()
        times = (self.ping_interval, self.ping_timeout)
        handshake = Handshake(sid, upgrades, *times, self.max_payload)
        for packet in self._open_packets(handshake, query):
            session.send(packet)
        self.session_opened(session)
        above = session.on_close

        def closed(reason: str) -> None:
            self.sessions.pop(sid, None)
            with contextlib.suppress(ConnectionError):
                above(reason)

        session.on_close = closed
        session.beat(self.ping_interval / 1000, self.ping_timeout / 1000)
        return session


def query_of(request: Request) -> dict[str, str]:
    """The query's parameters; of one that comes twice the first."""
    pairs = parse_qs(request.target.partition("?")[2], keep_blank_values=True)
    return {name: values[0] for name, values in pairs.items()}
