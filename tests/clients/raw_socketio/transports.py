"""Long-polling, WebSocket and the change from one to the other, as our raw client has them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tests.clients.raw_socketio import packets as codec
from tests.clients.raw_socketio.http import Answer, Broken, WebSocket
from tests.clients.raw_socketio.packets import Malformed, Message

if TYPE_CHECKING:
    from tests.clients.raw_socketio.session import Session


class Polling:
    """One GET is always open, and one POST where there is something to send."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.on = session.on
        self.pausing = False
        self.polled = asyncio.Event()  # no GET is open, and none will be
        self.posting = asyncio.Lock()
        self.writer: asyncio.Task[None]
        self.last: list[Message] = []  # what was in the last POST

    def packets_of(self, body: bytes) -> list[Message]:
        """The packets of an answer."""
        return codec.packets_of(body, self.session.switches)

    async def poll(self) -> None:
        """GET after GET."""
        session, on = self.session, self.on
        if on("sends-two-gets-at-once"):
            session.start(self._again())
        target = session.target("polling", "" if on("polls-without-sid") else session.sid)
        await self._wait_to_begin()
        while not self.pausing and not session.over:
            try:
                answer = await self._get(target)
                if answer.status != 200:
                    if on("polls-on-after-errors"):
                        continue
                    raise Broken(f"HTTP {answer.status}")
                packets = self.packets_of(answer.body)
            except Broken:
                session.end("transport error")
                return
            except Malformed as error:
                session.malformed(error)
                continue
            if self.pausing and on("drops-what-the-last-get-brings"):
                break
            if on("stops-polling-after-a-noop") and packets == ["6"]:
                return
            for packet in packets:
                session.take(packet)
        self.polled.set()
        while on("polls-on-after-upgrade") and not session.over:
            await self._get(target)

    async def _wait_to_begin(self) -> None:
        if self.on("posts-before-it-polls"):
            await asyncio.sleep(0.02)

    async def _get(self, target: str) -> Answer:
        if self.on("gives-up-long-gets"):
            while True:
                try:
                    return await asyncio.wait_for(self.session.http.request("GET", target), 0.1)
                except TimeoutError:
                    continue
        return await self.session.http.request("GET", target)

    async def _again(self) -> None:
        while not self.session.over and not self.pausing:
            target = self.session.target("polling", self.session.sid)
            await self.session.http.request("GET", target)

    async def write(self) -> None:
        """POST after POST."""
        session, on = self.session, self.on
        while not session.over:
            await session.wake.wait()
            session.wake.clear()
            if on("gathers-packets"):
                await asyncio.sleep(0.02)
            while session.waiting and not session.over and self._may_post():
                if on("posts-at-once"):
                    session.start(self._post())
                    await asyncio.sleep(0)
                    continue
                async with self.posting:
                    if self._may_post():
                        await self._post()
                if on("loses-packets-while-posting"):
                    session.waiting.clear()

    def _may_post(self) -> bool:
        return not self.pausing or self.on("posts-after-upgrade")

    async def _post(self) -> None:
        session, on = self.session, self.on
        packets = self._batch()
        body = codec.payload(packets, session.switches)
        target = session.target("polling", "" if on("posts-without-sid") else session.sid)
        fields = [("Content-Type", "text/plain;charset=UTF-8")]
        if on("posts-without-a-type"):
            fields = []
        try:
            answer = await session.http.request("POST", target, body, fields)
            if on("posts-twice") and body.startswith(b"42"):
                answer = await session.http.request("POST", target, body, fields)
        except Broken:
            if on("posts-again-after-errors"):
                session.waiting[:0] = packets
                await asyncio.sleep(0.01)
                return
            session.end("transport error")
            return
        if answer.status != 200 and not on("overlooks-refused-posts"):
            session.end("transport error")

    def _batch(self) -> list[str]:
        """The next packets, as many as may be together."""
        session, on = self.session, self.on
        limit = session.max_payload
        if limit is None or on("posts-beyond-max-payload"):
            limit = 1 << 62
        packets: list[str] = []
        size = 0
        waiting = session.waiting
        self.last = []
        if on("sends-backwards"):
            waiting.reverse()
        while waiting:
            packet = codec.in_payload(waiting[0], session.switches)
            cost = len(packet) if on("counts-max-payload-in-characters") else len(packet.encode())
            size += cost
            if packets and not on("forgets-separators-in-max-payload"):
                size += len(codec.SEPARATOR)
            if packets and (size > limit or on("posts-one-packet-each")):
                break
            packets.append(packet)
            self.last.append(waiting.pop(0))
        return packets

    async def quiet(self) -> None:
        """No more requests from here on; wait for those that are open."""
        self.pausing = True
        async with self.posting:
            pass
        if not self.on("upgrades-while-it-polls"):
            await self.polled.wait()

    def resume(self) -> None:
        """Go on where the session was to change and did not."""
        session = self.session
        if self.on("is-lost-when-an-upgrade-fails"):
            self.pausing = True
            return
        self.pausing = False
        session.wake.set()
        if self.polled.is_set() and not session.over:
            self.polled.clear()
            session.start(self.poll())

    def drop(self, abruptly: bool) -> None:
        """Nothing more to do: requests end with their tasks."""

    async def close(self) -> None:
        """Send what waits, and CLOSE."""
        session = self.session
        if self.on("drops-what-waits-when-it-closes"):
            session.waiting.clear()
        session.waiting.append("1")
        self.pausing = True
        async with self.posting:
            while session.waiting:
                await self._post()
        session.over = True

    async def closed(self) -> None:
        """CLOSE has been said; wait for what it may have to."""
        session = self.session
        if self.on("awaits-one-more-get-behind-its-close"):
            await session.http.request("GET", session.target("polling", session.sid))


class WebSocketTransport:
    """A message for each packet."""

    def __init__(self, session: Session, socket: WebSocket) -> None:
        self.session = session
        self.on = session.on
        self.socket = socket
        self.ended = asyncio.Event()

    async def read(self) -> None:
        """Message after message."""
        session = self.session
        while (message := await self.socket.receive()) is not None:
            if isinstance(message, bytes) and self.on("reads-a-type-before-binary"):
                message = message[1:]
            if isinstance(message, bytes) and self.on("hears-no-binary-messages"):
                continue
            session.take(message)
        self.ended.set()
        if self.on("overlooks-the-end-of-websockets"):
            return
        self.socket.drop()
        session.end("transport close")

    async def write(self) -> None:
        """Packet after packet."""
        session = self.session
        session.wake.set()
        while not session.over:
            await session.wake.wait()
            session.wake.clear()
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        waiting, self.session.waiting[:] = list(self.session.waiting), []
        if self.on("sends-backwards"):
            waiting.reverse()
        texts = [each for each in waiting if isinstance(each, str)]
        if self.on("joins-packets-in-a-message") and len(texts) == len(waiting) > 1:
            self.socket.send(codec.SEPARATOR.join(texts))
            return
        for packet in waiting:
            self.socket.send(self._message(packet))

    def _message(self, packet: Message) -> Message:
        if isinstance(packet, str):
            return packet
        if self.on("sends-base64-on-websockets"):
            return codec.in_payload(packet, self.session.switches)
        return b"\x04" + packet if self.on("sends-a-type-before-binary") else packet

    def drop(self, abruptly: bool) -> None:
        """End it for a fault of the other end's, or because it has ended."""
        self.socket.close(abruptly)
        self.socket.drop()

    async def close(self) -> None:
        """Send what waits, and end."""
        self.flush()
        if self.on("says-close-on-websockets"):
            self.socket.send("1")
        if self.on("cuts-websockets-off"):
            await self.socket.line.writer.drain()
            self.socket.drop()
            return
        self.socket.close()
        try:
            await asyncio.wait_for(self.ended.wait(), 1)
        finally:
            self.socket.drop()

    async def closed(self) -> None:
        """Nothing is waited for besides."""


async def probed(session: Session, polling: Polling) -> WebSocketTransport | None:
    """The transport to which a session has changed; None where it stays as it is."""
    on = session.on
    if on("upgrades-late"):
        await asyncio.sleep(0.05)
    if on("pauses-before-it-probes"):
        polling.pausing = True
    sid = "" if on("upgrades-without-sid") else session.sid
    name = "polling" if on("upgrades-as-polling") else "websocket"
    target = session.target(name, sid)
    try:
        socket = await session.http.websocket(target)
    except Broken:
        polling.resume()
        return None
    try:
        if on("opens-two-websockets"):
            with contextlib.suppress(Broken):
                await session.http.websocket(target)  # open to the end, though nobody needs it
        if await _answered(session, socket):
            transport = WebSocketTransport(session, socket)
            session.start(transport.read())
            await _change(session, polling, socket)
            return transport
    except BaseException:
        socket.drop()
        raise
    socket.close()
    socket.drop()
    polling.resume()
    return None


async def _answered(session: Session, socket: WebSocket) -> bool:
    """Whether the probe was answered rightly."""
    on = session.on
    if on("upgrades-without-a-probe"):
        return True
    socket.send("2" if on("probes-without-its-word") else "2probe")
    if on("sends-before-the-upgrade"):
        socket.send('42["too-early"]')
    if on("awaits-no-answer-to-its-probe"):
        return True
    answer = await socket.receive()
    if on("takes-any-answer-to-its-probe"):
        return answer is not None
    return answer == "3probe"


async def _change(session: Session, polling: Polling, socket: WebSocket) -> None:
    on = session.on
    if on("loses-packets-in-an-upgrade"):
        session.waiting.clear()
    await polling.quiet()
    if on("loses-packets-in-an-upgrade"):
        session.waiting.clear()
    if not on("never-completes-its-upgrade"):
        socket.send("5")
    if on("completes-its-upgrade-twice"):
        socket.send("5")
    if on("repeats-packets-after-an-upgrade"):
        session.waiting[:0] = polling.last
