"""The client's side of one Engine.IO session, over long-polling, over WebSocket, or upgrading.

Engine.IO protocol, revision 4. Packets are pulled: a read is an HTTP GET or a frame, made when a
case asks. PINGs of the server are answered while waiting; NOOPs are skipped. A server may send
MESSAGEs at any time: only what answers a fence shows that it has taken in what came before.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import (
    Failure,
    IllegalFrame,
    Inconclusive,
    StreamClosed,
    Unsupported,
)
from sockproof.conformance.peers.client_frames import text_packet
from sockproof.conformance.peers.http import HttpPeer
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.conformance.sessions.engineio_requests import EngineIORequests, Opener, Requester
from sockproof.conformance.sessions.fences import Fence
from sockproof.vocabulary import Seen
from sockproof.wire import WireError
from sockproof.wire.engineio import (
    Handshake,
    Packet,
    PacketType,
    decode,
    decode_payload,
    encode_payload,
)
from sockproof.wire.http import Response
from sockproof.wire.websocket import Frame, Opcode

Upgrader = Callable[[str], Awaitable[WebSocketPeer]]
MOST_NOOPS = 50  # in a row on a WebSocket, where nothing asks for them
LONGEST_PAUSE = 0.05  # seconds between two GETs of a server that holds none
WITHOUT_FENCE = 1.0  # seconds for a server that answers nothing to end a session
PONG = Packet(PacketType.PONG)
CRASHED = 500  # the status of a server that does not know what befell it
MESSAGES_ARRIVE = "eio-message-polling"  # requirements that are broken in whatever case
OCTETS_ARE_BINARY = "eio-websocket-binary-sent"


class EngineIOPeer(EngineIORequests):
    """Our end of one Engine.IO session.

    `transport` is what packets travel over now. `websocket` is the open WebSocket, if any; it is
    also there while an upgrade is being probed. `fence` makes a fence of what the server answers;
    `most_octets` is what it is declared to take at once, beside the `maxPayload` that it announces.
    """

    def __init__(
        self, context: CaseContext, open_http: Opener, open_websocket: Upgrader, request: Requester
    ) -> None:
        super().__init__(context, open_http, request)
        self.open_websocket = open_websocket
        self.transport = "none"
        self.websocket: WebSocketPeer | None = None
        self.answer_pings = True
        self.pinged_at: float | None = None  # by `time.monotonic`, for the first time
        self.fence: Callable[[], Fence | None] = lambda: None
        self.most_octets: int | None = None
        self.inbox: deque[Packet] = deque()
        self.waiting: asyncio.Task[Response] | None = None  # a GET
        self._polled = 0.0  # when a GET was last answered (monotonic)
        self._away = 0.0  # seconds before it in which none of ours waited

    @property
    def timers(self) -> tuple[float, float]:
        """The ping interval and the ping timeout, in seconds."""
        return self.handshake.ping_interval / 1000, self.handshake.ping_timeout / 1000

    # Opening.

    async def open_polling(self, query: str = "") -> Response:
        """Handshake by a long-polling GET; gives its response."""
        with self.context.step("eio-handshake-polling"):
            response = await self.exchange("GET", f"EIO=4&transport=polling{query}")
            if response.status != 200:
                raise Failure(
                    "200 with an OPEN packet", f"{response}: {response.body[:100]!r}", came=response
                )
            packets = self._decode_payload(response.body)
            self._expect_open(packets[0])
        self._take_handshake(packets[0])
        if not self.sid:
            with self.context.step("eio-handshake-sid"):
                raise Failure("a sid in the OPEN packet", packets[0])
        self._polled = time.monotonic()
        self.inbox.extend(packets[1:])
        self.transport = "polling"
        return response

    async def open_direct(self, query: str = "") -> None:
        """Handshake on a WebSocket, without long-polling before."""
        with self.context.step("eio-handshake-websocket"):
            self.websocket = await self.open_websocket(f"EIO=4&transport=websocket{query}")
            self.transport = "websocket"
            with self.context.awaits("an OPEN packet"):
                packet = await self._from_websocket()
            self._expect_open(packet)
        self._take_handshake(packet)

    @staticmethod
    def _expect_open(packet: Packet) -> None:
        if packet.type != PacketType.OPEN:
            raise Failure("an OPEN packet first", packet)

    def _take_handshake(self, packet: Packet) -> None:
        """Read what can be used of the handshake: its fields are for cases of their own."""
        with self.context.step("eio-handshake-object"):
            try:
                self.handshake = Handshake.usable(packet)
            except WireError as error:
                raise Failure("an OPEN packet with its fields", error) from error

    async def upgrade(self) -> None:
        """Move the session from long-polling to a WebSocket, as the document says."""
        await self.probe()
        self.complete_upgrade()

    async def probe(self) -> None:
        """Open the WebSocket of an upgrade and have its probe answered."""
        self.websocket = await self._second_transport()
        with self.context.step("eio-upgrade-probe"):
            self.websocket.send(text_packet(PacketType.PING, "probe"))
            await self.websocket.expect(Opcode.TEXT, b"3probe")

    async def _second_transport(self) -> WebSocketPeer:
        with self.context.step("eio-upgrade-announced"):
            return await self.open_websocket(self.query_of("websocket"))

    def complete_upgrade(self) -> None:
        """Send UPGRADE on the WebSocket, which is the transport from then on."""
        assert self.websocket is not None
        self.websocket.send(text_packet(PacketType.UPGRADE))
        self.transport = "websocket"
        self.context.sessions.pop(self.sid, None)  # it ends with its WebSocket

    async def unprobed(self) -> WebSocketPeer:
        """A WebSocket of this session, as the case needs it, on which nothing has been said."""
        with self.context.preparing("a WebSocket for the session"):
            return await self._second_transport()

    async def probed(self) -> WebSocketPeer:
        """The WebSocket of an upgrade, as the case needs it, whose probe has been answered."""
        with self.context.preparing("a probed WebSocket"):
            await self.probe()
        assert self.websocket is not None
        return self.websocket

    # Long-polling, request by request.

    async def poll(self) -> Response:
        """One GET, or that which waits; what it answers is left to the caller."""
        if self.waiting is not None:
            waiting, self.waiting = self.waiting, None
            return await waiting
        self._away = time.monotonic() - self._polled
        return await self.exchange("GET", self.session_query)

    async def hold_get(self) -> HttpPeer:
        """Send a GET and let the server take it; its answer, now or later, is left to the caller.

        The answers to other requests, made behind it, show that the server has come past it.
        """
        peer = await self.open_http()
        peer.send(self.request("GET", self.session_query))
        await peer.stream.flush()
        await self.passes()
        return peer

    def _decode_payload(self, body: bytes) -> list[Packet]:
        try:
            packets = decode_payload(body)
        except WireError as error:
            raise Failure("a payload of Engine.IO packets", f"{body[:100]!r}: {error}") from error
        if not packets:
            raise Failure("at least one packet in the payload", "an empty body")
        return packets

    # Packets, whatever the transport.

    async def send(self, *packets: Packet) -> None:
        """Send packets: one frame each on a WebSocket, one POST together over long-polling.

        More than the server takes by its own account is UNSUPPORTED.
        """
        if self.transport == "websocket":
            assert self.websocket is not None
            for packet in packets:
                opcode, octets = _message(packet)
                self._measure(octets)
                self.websocket.send_message(opcode, octets)
            return
        body = encode_payload(packets)
        self._measure(body)
        response = await self.post(body)
        if response.status != 200:  # that the body is `ok` is a case of its own
            self._forgive_end()
            raise Failure("200 to a POST", f"{response}: {response.body[:100]!r}", came=response)

    def _measure(self, octets: bytes) -> None:
        limits = {"announces maxPayload": self.handshake.max_payload}
        limits["is declared to take max_message"] = self.most_octets
        for name, most in limits.items():
            if most is not None and len(octets) > most:
                wanted = f"a server that takes {len(octets)} octets at once"
                raise Unsupported(wanted, f"it {name} = {most}")

    async def receive(self) -> Packet:
        """The next packet but NOOP, and but PING where pings are answered."""
        noops = 0
        while True:
            while not self.inbox:
                await self._fetch()
            packet = self.inbox.popleft()
            if packet.type == PacketType.NOOP:
                noops += 1
                if self.transport == "polling":  # a server may hold a GET, and need not
                    await asyncio.sleep(min(noops / 1000, LONGEST_PAUSE))
                elif noops > MOST_NOOPS:
                    raise Failure("packets", f"{noops} NOOP packets and nothing else")
                continue
            if packet.type == PacketType.PING and self.pinged_at is None:
                self.pinged_at = time.monotonic()
            if packet.type == PacketType.PING and packet.data == "" and self.answer_pings:
                await self.send(Packet(PacketType.PONG))
                continue
            return packet

    async def _fetch(self) -> None:
        if self.transport == "websocket":
            self.inbox.append(await self._from_websocket())
            return
        self.take(await self.poll())

    def take(self, response: Response) -> list[Packet]:
        """Receive the packets of a GET's answer; gives them too."""
        if response.status != 200:
            self._forgive_end()
            if response.status == CRASHED:  # what the answer would have held is lost
                got = f"{response}: {response.body[:100]!r}"
                raise IllegalFrame("200 with packets", got, MESSAGES_ARRIVE, came=response)
            raise Failure("200 with packets", f"{response}: {response.body[:100]!r}", came=response)
        packets = self._decode_payload(response.body)
        self._polled = time.monotonic()
        self.inbox.extend(packets)
        return packets

    def _forgive_end(self) -> None:
        """A session may have ended by right while we sent for longer than its heartbeat allows.

        A PING may have waited since shortly after the GET before the last one was answered.
        """
        silent = self._away + time.monotonic() - self._polled
        _, timeout = self.timers
        if self.answer_pings and silent > timeout:
            wanted = f"a GET, which a PING would answer, every {timeout:g} s"
            raise Inconclusive(wanted, f"we made none for {silent:.1f} s") from TimeoutError()

    async def _from_websocket(self) -> Packet:
        assert self.websocket is not None
        return self.packet_of(await self.websocket.receive())

    @staticmethod
    def packet_of(frame: Frame) -> Packet:
        """The packet that a message on the WebSocket is."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY):
            raise Failure("an Engine.IO packet", frame)
        message = frame.payload if frame.opcode == Opcode.BINARY else frame.payload.decode("utf-8")
        try:
            return decode(message)
        except WireError as error:
            if frame.opcode == Opcode.TEXT and _is_base64(frame.payload):
                got = f"{frame}: base64, as binary data is written over long-polling"
                wanted = "an Engine.IO packet"
                raise IllegalFrame(wanted, got, OCTETS_ARE_BINARY, came=frame) from error
            raise Failure("an Engine.IO packet", f"{frame}: {error}", came=frame) from error

    async def expect(self, type_: PacketType, data: str | bytes | None = None) -> Packet:
        """The next packet, which must be of this type and, where given, hold this data."""
        wanted = type_.name if data is None else str(Packet(type_, data))
        with self.context.awaits(wanted):
            packet = await self.receive()
        if packet.type != type_ or (data is not None and packet.data != data):
            raise Failure(wanted, packet)
        return packet

    async def say_goodbye(self) -> None:
        """Send CLOSE and be gone, as a client is that has said good-bye."""
        await self.send(Packet(PacketType.CLOSE))
        if self.websocket is not None:
            self.websocket.stream.close()
        else:
            self.context.builds_on("eio-close-received-polling")

    # The end of a session: a CLOSE packet, the end of the WebSocket, 400 over HTTP.

    async def expect_closed(
        self,
        expected: str = "the session closed",
        *,
        lenient: bool = False,
        held: HttpPeer | None = None,
    ) -> None:
        """The server ends the session for what was sent last.

        A fence is sent behind it: a server that answers that has gone on, which is a Failure at
        once, or NON_STRICT if `lenient`. Where nothing is known to be answered, a session that
        goes on cannot be told from a server that is slow, which is UNSUPPORTED.
        `held` is a GET that waits already.
        """
        fence = self.fence()
        with self.context.awaits(expected):
            try:
                async with asyncio.timeout(None if fence else WITHOUT_FENCE):
                    answer = await self._behind(fence, held)
            except TimeoutError:
                if fence is not None:
                    raise
                raise Unsupported("a server that answers messages", "nothing came") from None
        if answer is not None:
            got = f"the server went on: {answer}"
            if not lenient:
                raise Failure(expected, got, came=answer, seen=Seen.NOT_CLOSED)
            self.context.non_strict(expected, got, came=answer, seen=Seen.NOT_CLOSED)

    async def _behind(self, fence: Fence | None, held: HttpPeer | None) -> Packet | None:
        """The answer to the fence; None when the session ends instead."""
        if fence is not None and not await self.send_or_end(fence.packet):
            return None
        if held is not None:
            response = await held.answer("an answer to the waiting GET")
            if response.status >= 400:
                return None
            self.take(response)
        while (message := await self.message_or_end()) is not None:
            if fence is not None and fence.answered_by(message.data):
                return message
            self.context.passed_over(f"{message!s:.60}")
        return None

    async def send_or_end(self, *packets: Packet) -> bool:
        """Send packets; False where the server refuses them, since the session has ended."""
        if self.transport == "websocket":
            await self.send(*packets)
            return True
        body = encode_payload(packets)
        self._measure(body)
        return (await self.post(body)).status < 400

    async def message_or_end(self) -> Packet | None:
        """The next MESSAGE of the server, whatever it is about; None at the session's end."""
        while True:
            while self.inbox:
                packet = self.inbox.popleft()
                if packet.type == PacketType.MESSAGE:
                    return packet
                if packet.type == PacketType.CLOSE:
                    return None
                if packet.type == PacketType.PING and not await self.send_or_end(PONG):
                    return None
            if not await self._fetch_or_end():
                return None

    async def _fetch_or_end(self) -> bool:
        """Receive what comes next; False at the session's end."""
        if self.transport != "websocket":
            response = await self.poll()
            if response.status >= 400:
                return False
            self.take(response)
            return True
        assert self.websocket is not None
        try:
            frame = await self.websocket.receive()
        except StreamClosed:
            return False
        if frame.opcode == Opcode.CLOSE:
            return False
        self.inbox.append(self.packet_of(frame))
        return True


def _is_base64(payload: bytes) -> bool:
    """Whether this is how long-polling has binary data."""
    with contextlib.suppress(WireError):
        return [type(each.data) for each in decode_payload(payload)] == [bytes]
    return False


def _message(packet: Packet) -> tuple[int, bytes]:
    encoded = packet.encode()
    if isinstance(encoded, bytes):
        return Opcode.BINARY, encoded
    return Opcode.TEXT, encoded.encode("utf-8")
