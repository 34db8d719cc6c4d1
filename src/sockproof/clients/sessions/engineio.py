"""Our end of one Engine.IO 4 session: over long-polling, a WebSocket, or one behind the other.

The rules that hold here:

* A session does by itself what a correct server does. A case that wants it otherwise takes the
  requests of a kind (`poll`, `post`, `websocket`) over: from then on `visit` gives them, and
  nobody else answers them.
* What the client does wrong while nobody looks is kept, in its place among the packets, and is a
  Failure of whoever receives next.
* What is sent between two awaits leaves in one piece: in one payload, where a GET waits.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from sockproof.clients.sessions.inbox import Inbox
from sockproof.clients.sessions.visit import Visit
from sockproof.clients.sessions.websocket import EngineIOWebSocket
from sockproof.conformance.context.outcome import CaseEnd, Failure, StreamClosed
from sockproof.wire import WireError
from sockproof.wire.engineio import (
    Handshake,
    Packet,
    PacketType,
    decode,
    decode_payload,
    encode_payload,
)

LINGERS = 10.0  # seconds that a client has to go when its case has ended
LETS_GO = 0.2  # seconds that a GET waits then
MAX_PAYLOAD = 1_000_000
PING_INTERVAL, PING_TIMEOUT = 25_000, 20_000  # milliseconds: longer than a case
# What faults break that are noted in whatever case.
ONE_GET, ONE_POST = "client-eio-polling-one-get", "client-eio-polling-one-post"
PAYLOADS, MAX_PAYLOAD_KEPT = "client-eio-payload-sent", "client-eio-max-payload"
ONE_WEBSOCKET, TYPES = "client-eio-websocket-one", "client-eio-packet-type-sent"
NOT_ANNOUNCED, PROBES = "client-eio-upgrade-announced", "client-eio-upgrade-probe"
PAUSES = "client-eio-upgrade-pause"
PROBE = "probe"
UNKNOWN_SID = b'{"code":1,"message":"Session ID unknown"}'
BAD_REQUEST = b'{"code":3,"message":"Bad request"}'
_numbers = itertools.count(1)


def new_sid() -> str:
    """A sid that nobody else has."""
    return f"{os.urandom(9).hex()}{next(_numbers)}"


class EngineIOSession(Inbox):
    """One session of a client, from the answer to its opening request on."""

    def __init__(self, visit: Visit, handshake: Handshake) -> None:
        super().__init__(visit.context)
        self.handshake = handshake
        self.sid = handshake.sid
        self.opening = visit
        self.transport = "websocket" if visit.is_upgrade else "polling"
        self.upgraded = asyncio.Event()
        self.weighs = True  # whether a POST beyond maxPayload is a fault
        self.probed = False  # by the client, on a WebSocket that is not the transport yet
        self.websocket: EngineIOWebSocket | None = None
        self.manual: set[str] = set()
        self.forgotten = False  # for the client: its requests are answered with 400
        self._visits: dict[str, deque[Visit]] = {}
        self._treated: dict[str, Callable[[Visit], None]] = {}
        self._poll: Visit | None = None
        self._post: Visit | None = None
        self._outbox: list[Packet] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.context.owns(self)

    # Opening.

    @classmethod
    def opened(cls, visit: Visit, first: str | None = None, **fields: Any) -> EngineIOSession:
        """The session that answers an opening request with a correct handshake.

        `fields` replace those of a usual `Handshake`; `first` is the text of the OPEN packet where
        a case has it otherwise.
        """
        upgrades = () if visit.is_upgrade else ("websocket",)
        usual = {
            "sid": new_sid(),
            "upgrades": upgrades,
            "ping_interval": PING_INTERVAL,
            "ping_timeout": PING_TIMEOUT,
            "max_payload": MAX_PAYLOAD,
        }
        handshake = Handshake(**{**usual, **fields})
        session = cls(visit, handshake)
        text = str(handshake.encode().encode()) if first is None else first
        if visit.is_upgrade:
            websocket = EngineIOWebSocket(visit)
            websocket.send(text)
            session.adopt(websocket)
        else:
            visit.answer(200, text.encode())
        return session

    def adopt(self, websocket: EngineIOWebSocket, behind: Iterable[str | bytes] = ()) -> None:
        """Have this WebSocket be the transport, and listen to it, `behind` what has come."""
        self.websocket, self.transport = websocket, "websocket"
        for message in behind:
            self._take(decode(message))
        self._start(self._listen(websocket))
        self._flush()

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What comes.

    async def serve(self, visit: Visit) -> None:
        """Take one request of the client, and return when it has been answered."""
        if visit.kind == "post":
            if self.transport != "polling":
                self._accuse(PAUSES, "no POST behind the upgrade", visit.request)
            if self._post is not None and not (self._post.answered.is_set() or self._post.has_gone):
                self._accuse(
                    ONE_POST, "one POST of a session at a time", "a second one while one waits"
                )
            self._post = visit
        if visit.kind in self._treated:
            self._treated[visit.kind](visit)
        elif visit.kind in self.manual:
            self._visits.setdefault(visit.kind, deque()).append(visit)
            self._changed.set()
        elif self.forgotten or visit.kind not in ("poll", "post", "websocket"):
            visit.answer(400, UNKNOWN_SID)
        elif visit.kind == "poll":
            self._polled(visit)
        elif visit.kind == "post":
            self.take_post(visit)
        else:
            await self._upgrading(visit)
        await visit.over()
        if self._poll is visit:
            self._poll = None

    async def visit(self, kind: str) -> Visit:
        """The next request of a kind, which this case answers itself; a waiting GET counts."""
        self.manual.add(kind)
        if kind == "poll" and self._poll is not None and not self._poll.answered.is_set():
            waiting, self._poll = self._poll, None
            return waiting
        with self.context.awaits(f"the client's next {kind} request"):
            while not self._visits.get(kind):
                await self._change()
        return self._visits[kind].popleft()

    def treat(self, kind: str, how: Callable[[Visit], None]) -> None:
        """Answer all further requests of a kind so; HTTP lets a client repeat one that was cut."""
        self.manual.discard(kind)
        self._treated[kind] = how
        for visit in self._visits.pop(kind, ()):
            how(visit)

    def automatic(self, kind: str) -> None:
        """Answer the requests of a kind as a correct server does again."""
        self.manual.discard(kind)
        for visit in self._visits.pop(kind, ()):
            if kind == "poll":
                self._polled(visit)
            elif kind == "post":
                self.take_post(visit)
            else:
                visit.answer(400, UNKNOWN_SID)

    def _polled(self, visit: Visit) -> None:
        if self.is_polled:
            self._accuse(ONE_GET, "one GET of a session at a time", "a second one while one waits")
            visit.answer(400, BAD_REQUEST)
            return
        if self.transport != "polling":
            self._accuse(PAUSES, "no GET behind the upgrade", visit.request)
            visit.answer(400, BAD_REQUEST)
            return
        if self.ended is not None:  # by a CLOSE that came before, as of two threads
            visit.answer(400, UNKNOWN_SID)
            return
        self._poll = visit
        if self.over:
            asyncio.get_running_loop().call_later(LETS_GO, visit.let_go)
        self._changed.set()
        self._flush()

    def take_post(self, visit: Visit) -> None:
        """Take the packets of a POST in, and answer it with `ok`."""
        visit.answer(200, b"ok")
        self.take_packets(visit)

    def take_packets(self, visit: Visit) -> None:
        """Take the packets of a POST in."""
        limit = self.handshake.max_payload if self.weighs else None
        try:
            packets = decode_payload(visit.body)
        except WireError as error:
            self._accuse(PAYLOADS, "a payload of Engine.IO packets", str(error))
            return
        if not packets:
            self._accuse(PAYLOADS, "a payload of Engine.IO packets", "an empty body")
        if limit is not None and len(visit.body) > limit and len(packets) > 1:
            got = f"{len(packets)} packets in a POST of {len(visit.body)} octets"
            wanted = f"at most {limit} octets of packets in a POST (maxPayload)"
            self._accuse(MAX_PAYLOAD_KEPT, wanted, got)
        for packet in packets:
            self._take(packet)

    async def _upgrading(self, visit: Visit) -> None:
        """Answer a probe on a WebSocket, and have it be the transport once the client says so."""
        if self.transport == "websocket" or "websocket" not in self.handshake.upgrades:
            broken = ONE_WEBSOCKET if self.transport == "websocket" else NOT_ANNOUNCED
            self._accuse(broken, "no WebSocket that was not announced", visit.request)
            visit.answer(400, BAD_REQUEST)
            return
        websocket = self.websocket = EngineIOWebSocket(visit)
        self._start(self._listen(websocket))

    def adopt_probe(self, websocket: EngineIOWebSocket) -> None:
        """Answer the probe that a case has taken in, and go on with the upgrade by itself."""
        self.websocket = websocket
        self._probe(websocket, Packet(PacketType.PING, PROBE))
        self._start(self._listen(websocket))

    async def _listen(self, websocket: EngineIOWebSocket) -> None:
        try:
            while True:
                message = await websocket.receive()
                try:
                    packet = decode(message)
                except WireError as error:
                    self._accuse(TYPES, "an Engine.IO packet", str(error))
                    continue
                if self.transport == "websocket":
                    self._take(packet)
                else:
                    self._probe(websocket, packet)
        except StreamClosed as closed:
            if self.transport == "websocket":
                self._end(closed.how)
        except CaseEnd as end:
            self._note(end)

    def _probe(self, websocket: EngineIOWebSocket, packet: Packet) -> None:
        if packet == Packet(PacketType.PING, PROBE):
            self.probed = True
            self._flush()
            websocket.send(f"3{PROBE}")
        elif packet == Packet(PacketType.UPGRADE) and self.probed:
            self.finish_upgrade(websocket)
        else:
            self._accuse(PROBES, "a probe, and UPGRADE behind it, on a WebSocket", packet)

    def finish_upgrade(self, websocket: EngineIOWebSocket) -> None:
        """The WebSocket is the transport from here on; a waiting GET is let go."""
        if self._poll is not None and not self._poll.answered.is_set():
            self._poll.answer(200, b"6")
        self.websocket, self.transport, self.probed = websocket, "websocket", False
        self.upgraded.set()
        self._changed.set()
        self._flush()

    def _take(self, packet: Packet) -> None:
        if packet.type == PacketType.CLOSE:
            self._end("the client sent CLOSE")
            if self._poll is not None and not self._poll.answered.is_set():
                self._poll.answer(200, b"6")
        elif packet.type != PacketType.NOOP:
            self._note(packet)

    @property
    def is_polled(self) -> bool:
        """Whether a GET waits."""
        return self._poll is not None and not (self._poll.answered.is_set() or self._poll.has_gone)

    def holds(self, kind: str) -> bool:
        """Whether a request of a kind waits for the case."""
        return bool(self._visits.get(kind))

    def expect_no(self, kind: str, expected: str) -> None:
        """No request of a kind that the case answers itself has come: a fence has shown it."""
        if self._visits.get(kind):
            raise Failure(expected, self._visits[kind][0].request)

    async def expect_upgrade(self) -> None:
        """The client upgrades to a WebSocket."""
        await self.until("the upgrade to a WebSocket", self.upgraded.is_set)

    # What the case sends.

    def send(self, *packets: Packet) -> None:
        """Send packets, over whatever is the transport when they leave."""
        self._outbox.extend(packets)
        self._flush()

    def release(self) -> None:
        """Let a GET that waits go, where there is a reason to."""
        self._flush()

    def _flush(self) -> None:
        if self.transport == "websocket" and self.websocket is not None:
            for packet in self._outbox:
                self.websocket.send(packet.encode())
            self._outbox.clear()
            self._changed.set()
            return
        poll = self._poll
        if poll is None or poll.answered.is_set() or poll.has_gone:
            return
        if self._outbox:
            asyncio.get_running_loop().call_soon(self._answer_poll)
        elif self.probed:
            poll.answer(200, b"6")

    def _answer_poll(self) -> None:
        poll = self._poll
        if poll is None or poll.answered.is_set() or not self._outbox:
            return
        if self.transport != "polling":
            self._flush()
            return
        packets, self._outbox = self._outbox, []
        poll.answer(200, encode_payload(packets))
        self._changed.set()

    async def sent(self) -> None:
        """Return once the client has been given all that was sent so far."""
        await self.until("all that was sent taken by the client", lambda: not self._outbox)
        if self.websocket is not None:
            await self.websocket.stream.flush()

    # Its end.

    def close(self) -> None:
        """Close it as a server does, with a CLOSE packet."""
        self.send(Packet(PacketType.CLOSE))

    def forget(self) -> None:
        """Do not know the session any more: its further requests are answered with 400."""
        self.forgotten = True
        self.manual.clear()

    def vanish(self) -> None:
        """Let go of every connection without a word, and do not know the session any more."""
        self.forget()
        for visit in [*([self._poll] if self._poll else []), *self._waiting()]:
            if not visit.answered.is_set():
                visit.reset()
        if self.websocket is not None:
            self.websocket.visit.reset()

    def _waiting(self) -> list[Visit]:
        return [visit for visits in self._visits.values() for visit in visits]

    def reset(self) -> None:
        """Linger when the case ends, as a correct server, until the driver has disposed of it."""
        self.over = True
        self._treated.clear()
        self._inbox.clear()
        self._outbox.clear()
        for kind in tuple(self.manual):
            self.automatic(kind)
        asyncio.get_running_loop().call_later(LINGERS, self._drop)

    def _drop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._poll is not None and not self._poll.answered.is_set():
            self._poll.answer(200, b"1")
        if self.websocket is not None and not self.websocket.visit.answered.is_set():
            self.websocket.close(1001)
            self.websocket.visit.end()
