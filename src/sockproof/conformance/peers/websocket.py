"""The client's side of one WebSocket connection, with what it demands of the server.

The rules that hold here:

* What an application says unasked is passed over: a message with none of the octets that this
  peer has sent answers nothing. Where a message is awaited it may still be the answer, spoilt;
  then a text of our own is sent, and when that comes back first, it was.
* After an offence, only what answers something sent with it or behind it shows that the server
  went on.
* A refusal that the server's policy or a limit explains makes the case UNSUPPORTED.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any

from sockproof.conformance.context.outcome import Failure, Overheard, StreamClosed, Unsupported
from sockproof.conformance.context.policy import is_of_an_application
from sockproof.conformance.peers.matching import answers, close_code, is_like, is_vague
from sockproof.conformance.peers.message import difference
from sockproof.conformance.peers.websocket_connection import WebSocketConnection
from sockproof.vocabulary import Seen
from sockproof.wire.websocket import Frame, Opcode, is_control

PASSED_KEPT = 100
ROUNDS = 5  # in which a Ping is repeated that others may have overtaken
FAILS_WITH_A_CLOSE = "rfc6455-7.1.7-close-frame"  # what a server breaks that ends TCP alone
PINGS_ANSWERED = "rfc6455-5.5.2-answered"  # without which no fence tells anything
CLOSE_GRACE = 0.5  # seconds in which a server may end TCP after its Close, before we do
Message = tuple[int, bytes]  # opcode and content
DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class WebSocketPeer(WebSocketConnection):
    """Our end of one WebSocket connection, as cases use it."""

    _strange: Frame | None = None  # a message that may be the one awaited, spoilt,
    _fence: bytes = b""  # and the mark of the text that tells

    def __init__(self, *what: Any, **more: Any) -> None:
        super().__init__(*what, **more)
        self._passed: deque[Frame] = deque(maxlen=PASSED_KEPT)  # own messages, out of their turn

    # What the application says of its own accord.

    async def receive_answer(self) -> Frame:
        """The next control frame, or message that holds something which this peer has sent."""
        try:
            while not (is_control((got := await self.receive()).opcode) or self._is_own(got)):
                self._pass_over(got)
        except StreamClosed as closed:
            self._forgive(None, closed.how)
            raise
        return got

    def _is_own(self, message: Frame) -> bool:
        """Whether the message holds what this peer has sent, and nobody else can have said it."""
        if "broadcast" not in self.context.policy.capabilities:
            return self.said.holds(message)
        return any(mark in message.payload for mark in self._marks)

    def _pass_over(self, message: Frame) -> None:
        """The application said this of its own accord, unless another case said it: a leak."""
        company, capabilities = self.context.company, self.context.policy.capabilities
        saying = company.whose(message.payload)
        foreign = saying is not None and not saying.is_meant_for(self.context.case)
        if saying is None or not foreign or "echo" not in capabilities:
            self.context.passed_over(str(message))
            company.talked(message.payload)
        elif "broadcast" not in capabilities:
            leak = company.leaked(saying, self.context.case, message.payload)
            if not company.is_told:
                raise Overheard("no message that was said on another connection", str(leak))

    async def _answer(
        self, wanted: str, opcode: int, payload: bytes | None, also: Collection[Message] = ()
    ) -> Frame:
        """The first frame that is this one, is a control frame, or is one of `also`.

        A Failure when another message came, and the echo of a text sent behind it comes first.
        Where no text can be sent now, a message that holds what this peer has sent is given, too.
        """
        for frame in self._passed:
            if is_like(frame, opcode, payload):  # it may have come too early
                self._suspect(frame)
        try:
            while True:
                got = await self.receive()
                if is_control(got.opcode):
                    return got
                if is_like(got, opcode, payload) or (got.opcode, got.payload) in also:
                    self._suspect(None)
                    return got
                if self._strange is not None and self._fence in got.payload:
                    told = difference(self._strange, opcode, payload)
                    raise Failure(wanted, told, came=self._strange)
                if not self.said.holds(got):
                    self._pass_over(got)
                elif not self._can_say_more():
                    return got
                else:
                    self._passed.append(got)
                self._suspect(got)
        except StreamClosed as closed:
            self._forgive(None, closed.how)
            raise

    def _suspect(self, message: Frame | None) -> None:
        """Have a text tell whether this message stands for the one awaited; None: it does not."""
        if message is None and self._fence:
            self._fences.append(self._fence)  # its echo is nobody's any more
            self._strange, self._fence = None, b""
        elif message is not None and self._strange is None and self._can_say_more():
            self._strange, self._fence = message, self._send_text_fence()

    def _can_say_more(self) -> bool:
        """Whether a text message may be sent now, and comes back from this server."""
        said = self.said
        midway = said.open or self._continues or self._held is not None
        return "echo" in self.context.policy.capabilities and not said.closing and not midway

    def _send_text_fence(self) -> bytes:
        """Send a text with a mark in it, thrice, lest a spoilt octet hide it; gives the mark."""
        mark = f"{self.context.mark}-{os.urandom(3).hex()}".encode()
        self._write(self.frame(Opcode.TEXT, b"a fence: " + b", ".join([mark] * 3)))
        return mark

    def _forgive(self, close: Frame | None, got: str) -> None:
        """Raise `Unsupported` where policy or a limit explains that the server ends here."""
        code = None if close is None else close_code(close)
        wanted = self.context.policy.explains(code, self.said)
        if wanted is not None:
            raise Unsupported(wanted, got)

    def _forgive_unanswered(self, close: Frame, opcode: int, payload: bytes | None) -> None:
        """Raise `Unsupported` where the server may have closed instead of sending this."""
        self.said.largest = max(self.said.largest, len(payload or b""))  # once it is inflated
        self._forgive(close, str(close))
        to_a_ping = is_control(opcode)
        later = to_a_ping and self.said.was_answered
        if is_of_an_application(close_code(close), to_a_ping=to_a_ping, later=later):
            raise Unsupported("a server that goes on for as long as the case asks", close)

    # Judging.

    async def expect(self, opcode: int, payload: bytes | None = None) -> Frame:
        """The next control frame or answer, which must be this one; its content counts."""
        policy = self.context.policy
        if opcode == Opcode.BINARY and policy.lacks("binary") and not policy.lacks("echo"):
            raise Unsupported("a server that sends binary messages back", "it does not")
        wanted = str(Frame(opcode, payload)) if payload is not None else Opcode(opcode).name
        with self.context.awaits(wanted):
            if is_control(opcode):
                got = await self.receive_answer()
            else:
                got = await self._answer(wanted, opcode, payload)
        if is_like(got, opcode, payload):
            return got
        if got.opcode == Opcode.CLOSE:
            self._forgive_unanswered(got, opcode, payload)
        raise Failure(wanted, difference(got, opcode, payload), came=got)

    async def expect_message(self, message: str | bytes) -> Frame:
        """The next answer must be this whole message: text for `str`, binary for `bytes`."""
        if isinstance(message, str):
            return await self.expect(Opcode.TEXT, message.encode("utf-8"))
        return await self.expect(Opcode.BINARY, message)

    async def expect_all(self, *frames: Frame) -> None:
        """These come, in whatever order: no document fixes that of Pongs among messages."""
        left = [(frame.opcode, frame.payload) for frame in frames]
        wanted = " and ".join(map(str, frames))
        with self.context.awaits(wanted):
            while left:
                got = await self._answer(wanted, *left[-1], also=left)
                if (got.opcode, got.payload) not in left:
                    if got.opcode == Opcode.CLOSE:
                        self._forgive_unanswered(got, *left[-1])
                    raise Failure(wanted, got)
                left.remove((got.opcode, got.payload))
        self._suspect(None)

    async def expect_pong(self, payload: bytes, sent: Frame | None = None) -> None:
        """The Ping with this payload, which has just been sent, is answered by a Pong with it.

        A Pong with another payload may be a heartbeat of the server's own, so that more Pings
        tell; and since only the latest of several need be answered (5.5.3), the first is repeated:
        as it was `sent`, where that matters, else masked with a new key.
        """
        wanted = str(Frame(Opcode.PONG, payload))
        with self.context.awaits(wanted):
            for _ in range(ROUNDS):
                self.skip_strange_pongs = False
                got = await self.receive_answer()
                self.skip_strange_pongs = True
                if is_like(got, Opcode.PONG, payload):
                    self.said.needs_no_pong(payload)
                    return
                if got.opcode == Opcode.CLOSE:
                    self._forgive_unanswered(got, Opcode.PONG, payload)
                    raise Failure(wanted, got)
                strange, fence = got, self._fence_frame()
                self.send(fence)
                got = await self.receive_answer()
                if is_like(got, Opcode.PONG, payload):
                    self.said.needs_no_pong(payload)
                    self.said.needs_no_pong(fence.payload)
                    return
                if not is_like(got, Opcode.PONG, fence.payload):
                    raise Failure(wanted, got)
                self.send(sent or self.frame(Opcode.PING, payload))
        raise Failure(wanted, strange)

    async def echoes(self, message: str | bytes = "") -> None:
        """Prepare: send a message and have it back, so that the server is surely in its loop."""
        message = message or f"are you there? {self.context.mark}"
        with self.context.preparing("an echo of an ordinary message"):
            payload = message.encode("utf-8") if isinstance(message, str) else message
            self.send_message(Opcode.TEXT if isinstance(message, str) else Opcode.BINARY, payload)
            await self.expect_message(message)

    def _fence_frame(self) -> Frame:
        mark = f"fence {os.urandom(6).hex()}".encode()
        self._marks.append(mark)
        return self.frame(Opcode.PING, mark)

    async def fence(self) -> None:
        """Nothing of ours came before: the answer to a Ping sent now is the next thing received."""
        fence = self._fence_frame()
        self.send(fence)
        with self.context.step(PINGS_ANSWERED, however=False):
            await self.expect(Opcode.PONG, fence.payload)

    async def expect_failed(
        self,
        *codes: int,
        fence: str = "ping",
        after: str | None = None,
        lossy: bool = False,
        silent: bool = False,
    ) -> Frame | None:
        """The server fails the connection (RFC 6455, 7.1.7) for what has just been sent.

        One of `codes` in its Close frame is right; another code, or the TCP connection closed
        without a Close frame, is NON_STRICT; going on is a Failure. A fence travels with the
        offending octets, so that a server that goes on answers it and nobody waits: `ping` where
        the frame itself is wrong; `message` where only the message's content is, which a server
        may look at later than at the Pings behind it; `none` where a fence would be read as part
        of a frame. `after` is a text that may be answered first: it was whole before the offence.
        Where octets follow the offence in later segments, they are `lossy`: they may reach a
        socket that is closed, whose RST takes the Close frame with it. `silent` is for cases
        about what follows the Close frame, which is nothing. Gives the Close frame.
        """
        names = " or ".join(map(str, codes))
        wanted = f"the connection failed: Close {names}, then the end of TCP"
        behind = self._send_fence(fence)
        try:
            with self.context.awaits(wanted), self._fence_step(fence):
                close = await self._failing(wanted, behind, after)
        except Failure as failure:
            if isinstance(failure.__cause__, StreamClosed):
                self._forgive(None, failure.got)
                if not lossy:
                    self.dropped(wanted, failure.__cause__)
                return None
            raise
        code = close_code(close)
        if code not in codes:
            self._forgive(close, str(close))
            self.context.non_strict(wanted, close)
        if not self.said.closing:
            self.send(self.frame(Opcode.CLOSE))
        if silent:
            await self._nothing_after_close(wanted, behind)
        return close

    def dropped(self, wanted: str, closed: StreamClosed) -> None:
        """Note that the server failed the connection by ending TCP alone, whatever it was for."""
        got = f"{closed.how} without a Close frame"
        self.context.non_strict(wanted, got, self.role + FAILS_WITH_A_CLOSE, came=closed)

    def _fence_step(self, fence: str) -> AbstractContextManager[None]:
        if fence == "ping":
            return self.context.step(PINGS_ANSWERED, however=False)
        return contextlib.nullcontext()

    def _send_fence(self, fence: str) -> Frame | None:
        """Send the fence; gives what would answer it."""
        if fence == "none":
            return None
        ping = self._fence_frame()
        if fence == "message":
            self.send(self.frame(Opcode.TEXT, ping.payload))
            return Frame(Opcode.TEXT, ping.payload)
        self.send(ping)
        return Frame(Opcode.PONG, ping.payload)

    async def _failing(self, wanted: str, behind: Frame | None, after: str | None) -> Frame:
        got = await self.receive_answer()
        while after is not None and is_like(got, Opcode.TEXT, after.encode()):
            got = await self.receive_answer()
        said = None
        while behind is not None and is_vague(got) and not answers(got, behind):
            said = said or got  # the application may have said it of its own accord
            got = await self.receive_answer()
        if got.opcode == Opcode.CLOSE:
            return got
        if said is not None:
            raise self._went_on(wanted, f": {said}, then {got}", got)
        what = "it answered what was sent behind it: " if answers(got, behind) else ""
        unasked = self.context.last_unasked
        before = f"; before it came {unasked}" if unasked else ""
        raise self._went_on(wanted, f": {what}{got}{before}", got)

    def _went_on(self, wanted: str, how: str, came: Frame) -> Failure:
        told = f"{self.context.other} went on{how}"
        return Failure(wanted, told, came=came, seen=Seen.NOT_CLOSED)

    async def _nothing_after_close(self, wanted: str, behind: Frame | None) -> None:
        """The server may only end TCP now. One that is slow to do so is let be."""
        try:
            async with asyncio.timeout(CLOSE_GRACE):
                got = await self.receive()
        except (TimeoutError, StreamClosed):
            return
        what = "it answered what was sent behind it: " if answers(got, behind) else ""
        raise self._went_on(wanted, f" after its Close frame: {what}{got}", got)

    async def goes_on(self) -> bool:
        """Whether the server answers a Ping; a Close that comes first is still to be received."""
        fence = self._fence_frame()
        self.send(fence)
        try:
            got = await self.receive_answer()
        except StreamClosed:
            return False
        if got.opcode == Opcode.CLOSE:
            self._frames.appendleft(got)
            return False
        if answers(got, Frame(Opcode.PONG, fence.payload)):
            return True
        raise Failure(f"{Frame(Opcode.PONG, fence.payload)} or CLOSE", got)

    async def closes_within(self, seconds: float) -> bool:
        """Whether the server closes in that time; its Close frame is still to be received."""
        try:
            async with asyncio.timeout(seconds):
                got = await self.receive_answer()
        except StreamClosed:
            return True
        except TimeoutError:
            return False
        if got.opcode != Opcode.CLOSE:
            raise Failure("CLOSE, or nothing yet", got)
        self._frames.appendleft(got)
        return True

    async def expect_close(self, *codes: int | None) -> Frame:
        """The next answer is a Close with one of these codes (None: none), or with any."""
        named = ", ".join("no code" if code is None else str(code) for code in codes)
        wanted = f"CLOSE with {named}" if codes else "CLOSE"
        with self.context.awaits(wanted):
            got = await self.receive_answer()
        if got.opcode != Opcode.CLOSE:
            raise Failure(wanted, got)
        code = close_code(got)
        if codes and code not in codes:
            self._forgive(got, str(got))
            raise Failure(wanted, got)
        return got

    async def expect_end(
        self, within: float | None = None, *, forbids: Collection[int] = ()
    ) -> str:
        """The server ends TCP; gives how it ended.

        A frame that comes before is a Failure when its opcode is one of `forbids`: then that is
        what the case is about, and the end only shows that nothing more comes. `within` (seconds)
        is for what has to happen at once; else the case's own limit holds.
        """
        wanted = "the end of the TCP connection"
        with self.context.preparing(wanted) if forbids else self.context.awaits(wanted):
            try:
                async with asyncio.timeout(within):
                    while (got := await self.receive_frame()).opcode not in forbids:
                        pass
            except StreamClosed as closed:
                return closed.how
            except TimeoutError:
                if within is None:
                    raise
                told = f"it was still open after {within:g} s"
                raise Failure(wanted, told, seen=Seen.NOT_CLOSED) from None
        raise Failure(wanted, got)
