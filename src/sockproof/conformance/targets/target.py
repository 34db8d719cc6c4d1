"""The target as a case sees it: how to reach it, what it offers, and what to say of it."""

from __future__ import annotations

import base64
import itertools
import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.contract import Contract
from sockproof.conformance.context.outcome import Failure, StreamClosed, Unsupported
from sockproof.conformance.context.policy import TOO_BIG, Policy
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.peers.client_frames import client_frame
from sockproof.conformance.peers.http import HttpPeer
from sockproof.conformance.peers.stream import Stream
from sockproof.conformance.peers.upgrade_response import agreed_deflate, check_upgrade
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.conformance.sessions.echo import EchoPeer
from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.conformance.sessions.fences import fence_of
from sockproof.conformance.sessions.socketio import SocketIOPeer
from sockproof.conformance.targets.farewell import Farewell
from sockproof.conformance.targets.fields import beside
from sockproof.conformance.targets.server import Server
from sockproof.vocabulary import Seen
from sockproof.wire.engineio import Packet, PacketType, encode_payload
from sockproof.wire.http import Request, upgrade_request
from sockproof.wire.url import Address, basic
from sockproof.wire.websocket import Opcode, parse_close

ORDINARY_MESSAGE = 64 * 1024  # octets that a server without declared limits is held to take
ORDINARY_FRAGMENTS = 1000  # of one message, likewise
_words = itertools.count(1)


class Target:
    """One server, seen from one case; its connections end with the case."""

    def __init__(self, server: Server, context: CaseContext, offer: str | None = None) -> None:
        self.server = server
        self.context = context
        profile = server.profile
        context.policy = Policy(
            profile.limits, server.capabilities, server.burst, profile.namespace
        )
        if not server.address.is_websocket:
            context.owns(Farewell(context, self._close_session))
        self.offer = offer  # of permessage-deflate, with each WebSocket that the case opens

    def beside(self) -> Target:
        """The same server as another case sees it; its connections end with this one."""
        context = CaseContext(
            self.context.log, company=self.context.company, case=f"beside {self.context.case}"
        )
        self.context.owns(context)
        return Target(self.server, context)

    # What the case may ask and say.

    @property
    def address(self) -> Address:
        """Where the server listens."""
        return self.server.address

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers."""
        return self.server.capabilities

    def limit(self, name: str) -> int | None:
        """A limit that the profile declares (`max_message` in octets, …), or None."""
        return self.server.profile.limits.get(name)

    def rounds(self, few: int, many: int = 1000) -> int:
        """How often to repeat: `few` times show the property, `--thorough` asks for `many`."""
        return many if self.server.thorough else few

    @contextmanager
    def large(self, octets: int, fragments: int = 1) -> Iterator[None]:
        """Inside, a message of so many octets is sent, which a server's limit may forbid.

        RFC 6455, 10.4 lets every server have limits. Beyond a declared `max_message` or
        `max_fragments` the case is UNSUPPORTED; where none is declared, Close 1009 shows that
        there is one, and so does a connection cut off under more than is ordinary.
        """
        wanted = f"a server that takes a message of {octets} octets in {fragments} fragments"
        asked = {"max_message": (octets, ORDINARY_MESSAGE)}
        if fragments > 1:
            asked["max_fragments"] = (fragments, ORDINARY_FRAGMENTS)
        for name, (amount, _) in asked.items():
            if amount > (self.limit(name) or amount):
                raise Unsupported(wanted, f"its profile declares {name} = {self.limit(name)}")
        undeclared = [name for name in asked if self.limit(name) is None]
        unusual = any(asked[name][0] > asked[name][1] for name in undeclared)
        try:
            yield
        except Failure as failure:
            cut_off = isinstance(failure.__cause__, StreamClosed) and unusual
            if undeclared and (cut_off or failure.close_code == TOO_BIG):
                got = f"{failure.got}; its profile declares no {' and no '.join(undeclared)}"
                raise Unsupported(wanted, got) from failure
            raise

    def unique(self, word: str) -> str:
        """A name that no other case of any run uses."""
        return f"{word}-{next(_words)}-{os.urandom(4).hex()}"

    def preparing(self, what: str, connecting: bool = False) -> AbstractContextManager[None]:
        """What goes wrong inside makes the case INCONCLUSIVE: it could not be set up."""
        return self.context.preparing(what, connecting)

    def awaits(self, what: str) -> AbstractContextManager[None]:
        """A time-out inside is a FAIL that expected `what`."""
        return self.context.awaits(what)

    def non_strict(
        self, expected: str, got: object, *, came: object = None, seen: Seen | None = None
    ) -> None:
        """Note that the server does what is allowed but is not the best; the case goes on.

        `got` is the thing that came, or words about it: then `came` is the thing.
        """
        self.context.non_strict(expected, got, came=came, seen=seen)

    def report(self, name: str, text: str) -> None:
        """Have the report tell what was seen and is not judged: a limit, a choice of the server."""
        self.context.notes.append((name, text))

    def supports(self, capability: str) -> bool:
        """Whether the server offers a capability."""
        return capability in self.server.capabilities

    # TCP, TLS and HTTP.

    async def http(self) -> HttpPeer:
        """A fresh connection on which no request has been made."""
        where = self.server.address
        with self.context.preparing(f"a connection to {where.host}:{where.port}", connecting=True):
            return await self._open(self.server.tls)

    async def plain_connection(self) -> HttpPeer:
        """A fresh TCP connection without TLS, whatever the URL says."""
        with self.context.preparing("a TCP connection"):
            return await self._open(None)

    async def tls_connection(self, tls_context: ssl.SSLContext | None) -> HttpPeer:
        """A fresh connection with this context; raises `ssl.SSLError` and other `OSError`."""
        return await self._open(tls_context)

    async def _open(self, tls: ssl.SSLContext | None) -> HttpPeer:
        where = self.server.address
        number = self.context.log.new_connection()
        stream = await Stream.open(where.host, where.port, tls)
        self.context.owns(stream)
        return HttpPeer(self.context, stream, number)

    @property
    def credentials(self) -> tuple[tuple[str, str], ...]:
        """The header fields that the user wants sent with every request."""
        user = self.server.address.user
        if user is None or any(name.lower() == "authorization" for name, _ in self.server.headers):
            return self.server.headers
        return (*self.server.headers, ("Authorization", basic(user)))

    # WebSocket.

    @staticmethod
    def key() -> str:
        """A random Sec-WebSocket-Key (RFC 6455, 4.1, item 7)."""
        return base64.b64encode(os.urandom(16)).decode("ascii")

    def upgrade_request(
        self,
        path: str | None = None,
        *,
        protocols: Iterable[str] | None = None,
        extensions: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Request:
        """An ordinary opening handshake, ready to be spoilt; `path` keeps the URL's own query.

        Without `protocols` it offers those of the user, whose fields are as they give them: a
        case that wants another value for one of them cannot be tried.
        """
        where = self.server.address
        target = where.target
        if path is not None:
            own = f"{'&' if '?' in path else '?'}{where.query}" if where.query else ""
            target = path + own
        return upgrade_request(
            where.authority,
            target,
            key=self.key(),
            protocols=self.server.subprotocols if protocols is None else protocols,
            extensions=extensions,
            headers=beside(self.credentials, headers),
        )

    async def connect(
        self,
        path: str | None = None,
        *,
        protocols: Iterable[str] | None = None,
        extensions: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> WebSocketPeer:
        """An open WebSocket; the handshake is part of setting the case up."""
        offer = extensions or self.offer
        request = self.upgrade_request(path, protocols=protocols, extensions=offer, headers=headers)
        with self.context.preparing("an open WebSocket", connecting=True):
            peer = await self.handshake(request)
        if extensions is None and self.offer is not None:
            _agreed_upon(peer, self.offer).compresses = True
        return peer

    async def handshake(self, request: Request) -> WebSocketPeer:
        """The WebSocket that `request` opens; anything but a right 101 is a Failure."""
        peer = await self.http()
        response = await peer.ask(request, "101 Switching Protocols", body=False)
        check_upgrade(request, response)
        return peer.upgraded(response, agreed_deflate(response))

    async def connect_deflate(self, offer: str = "permessage-deflate") -> WebSocketPeer:
        """An open WebSocket with permessage-deflate agreed upon; UNSUPPORTED when declined."""
        return _agreed_upon(await self.connect(extensions=offer), offer)

    async def expect_close_refused(
        self, peer: WebSocketPeer, sent: int | None, *codes: int
    ) -> None:
        """The connection is failed for a Close frame that is itself wrong, with the code `sent`.

        A server that took it for a right one closes too. Its answer tells: `sent` again, 1000 or
        no code is a Failure, unless the server fails connections for other reasons just so.
        """
        close = await peer.expect_failed(*codes)
        code = None if close is None else parse_close(close.payload)[0]
        if close is None or code in codes or code not in (None, 1000, sent):
            return
        if code == await self._code_of_failing():
            return
        wanted = f"Close {' or '.join(map(str, codes))}"
        raise Failure(wanted, f"{close}, as to a right Close frame", came=close)

    async def _code_of_failing(self) -> int | str | None:
        """The Close code with which the server fails a connection for a frame that is no frame."""
        peer = await self.connect()
        peer.send(client_frame(0x3, b"reserved", rsv=7))
        with self.context.preparing("a connection that fails"):
            try:
                got = await peer.receive()
            except StreamClosed:
                return "no Close frame"
        return parse_close(got.payload)[0] if got.opcode == Opcode.CLOSE else "none"

    # Engine.IO and Socket.IO.

    def engineio_request(
        self, method: str, query: str, body: bytes = b"", content_type: str | None = None
    ) -> Request:
        """A long-polling request with its query; `content_type` None leaves the field out."""
        where = self.server.address
        own = f"&{where.query}" if where.query else ""
        headers = [("Host", where.authority), *self.credentials]
        if content_type is not None:
            headers.append(("Content-Type", content_type))
        if method == "POST" or body:
            headers.append(("Content-Length", str(len(body))))
        target = f"{self.engineio_path}?{query}{own}"
        return Request(target, tuple(headers), method, body=body)

    @property
    def engineio_path(self) -> str:
        """Where the Engine.IO server answers."""
        path = self.server.address.path
        return self.server.profile.path if path == "/" else path

    async def _engineio_websocket(self, query: str) -> WebSocketPeer:
        path = f"{self.engineio_path}?{query}"
        return await self.handshake(self.upgrade_request(path))

    def engineio(self) -> EngineIOPeer:
        """An Engine.IO peer that has not opened anything yet."""
        peer = EngineIOPeer(
            self.context, self.http, self._engineio_websocket, self.engineio_request
        )
        peer.fence = lambda: fence_of(self.capabilities, self.server.auth)
        peer.most_octets = self.limit("max_message")
        return peer

    async def _close_session(self, sid: str) -> None:
        """Close a session over long-polling, out of the case's sight."""
        context = CaseContext(WireLog())
        try:
            peer = Target(self.server, context).engineio()
            peer.handshake = replace(peer.handshake, sid=sid)
            await peer.post(encode_payload([Packet(PacketType.CLOSE)]))
        finally:
            context.close()

    def _transport(self, asked: str | None) -> str:
        """The transport to use: the one asked for, or what the target has, WebSocket first."""
        offered = self.capabilities & {"polling", "websocket", "upgrade"}
        chosen = asked or ("polling" if offered == {"polling"} else "websocket")
        if self.capabilities and chosen not in offered:  # none are known before it was asked
            raise Unsupported(
                f"a target with {chosen}", "the target does not offer it", lacks=(chosen,)
            )
        return chosen

    async def connect_engineio(self, transport: str | None = None) -> EngineIOPeer:
        """An open Engine.IO session over `websocket`, `polling`, or both in turn (`upgrade`)."""
        transport = self._transport(transport)
        peer = self.engineio()
        with self.context.preparing(f"an Engine.IO session ({transport})", connecting=True):
            if transport == "websocket":
                await peer.open_direct()
                return peer
            await peer.open_polling()
            if transport == "upgrade":
                await peer.upgrade()
        return peer

    async def socketio(
        self, transport: str | None = None, *, namespace: str | None = None, auth: Any = None
    ) -> SocketIOPeer:
        """One connected Socket.IO client; the `auth` event that follows is taken off too."""
        where = namespace or self.server.profile.namespace
        engine = await self.connect_engineio(transport)
        peer = self._socketio_peer(engine, where)
        with self.context.preparing(f"a Socket.IO client in {where}"):
            await peer.connect(where, auth)
            await peer.greeted(where, auth)
        return peer

    def payload(self, own: Any) -> Any:
        """The payload of a CONNECT: a case's own, with the user's credentials in it."""
        return Contract(self.context, self.server.auth, None, False).credentials(own)

    def _socketio_peer(self, engine: EngineIOPeer, namespace: str) -> SocketIOPeer:
        greets = self.supports("auth")
        contract = Contract(self.context, self.server.auth, self.server.token, greets)
        return SocketIOPeer(engine, namespace, contract)

    async def echo(self, transport: str | None = None) -> EchoPeer:
        """A client of whatever sends messages back: an Engine.IO echo, or the contract's events."""
        if self.supports("engineio-echo"):
            return EchoPeer(await self.connect_engineio(transport))
        socket = await self.socketio(transport)
        return EchoPeer(socket.engine, socket)

    def needs_no_auth(self, what: str) -> None:
        """UNSUPPORTED with `--auth`: the case is about a CONNECT that cannot carry it."""
        if self.server.auth is not None:
            raise Unsupported(f"a server that takes {what}", "it is given --auth")

    async def unconnected(self, transport: str | None = None) -> SocketIOPeer:
        """A Socket.IO peer with an open Engine.IO session, connected to no namespace yet."""
        engine = await self.connect_engineio(transport)
        return self._socketio_peer(engine, self.server.profile.namespace)

    async def connect_socketio(
        self, count: int, transport: str | None = None, *, namespace: str | None = None
    ) -> list[SocketIOPeer]:
        """Several connected Socket.IO clients, one after the other."""
        return [await self.socketio(transport, namespace=namespace) for _ in range(count)]

    async def neighbours(self, *transports: str | None) -> list[SocketIOPeer]:
        """Connected clients over these transports, all on one process."""
        several = "cluster" in self.server.capabilities
        peers: list[SocketIOPeer] = []
        processes: set[object] = set()
        with self.context.preparing("clients at one process"):
            while len(peers) < len(transports):
                peer = await self.socketio(transports[len(peers)])
                place = (await peer.proof("info")).get("process") if several else None
                if not processes or place in processes:
                    processes.add(place)
                    peers.append(peer)
        return peers


def _agreed_upon(peer: WebSocketPeer, offer: str) -> WebSocketPeer:
    if peer.deflate is None:
        raise Unsupported(f"the offer {offer!r} accepted", "the server declines it")
    return peer
