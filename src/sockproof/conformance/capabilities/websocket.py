"""What a WebSocket server offers, found out by asking it over connections of our own.

A capability is believed when exactly what was asked for comes back, several times, with contents
that nobody else can know. Whatever else the application says meanwhile is passed over. One
spoilt answer among several takes nothing away: what becomes of each message is for the cases.

* `echo`: text comes back as text with the same contents, markup and line ends, too; `binary`:
  the same of binary messages.
* `refuses-text`, `refuses-binary`: the server ends the connection on an ordinary message of this
  kind, as an application may that has no use for it.
* `broadcast`: what one client says is said to others too. Then nobody can tell an answer from
  what somebody else has said, and there is neither `echo` nor `binary`.
* `push`, `server-close`, `headers`, `subprotocols`: the paths and names of the target contract.
* `permessage-deflate`: the extension is agreed upon when it is offered.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import operator
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import CaseEnd, IllegalFrame, StreamClosed
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.peers.client_frames import client_frame, text_frame
from sockproof.conformance.peers.upgrade_response import agreed_deflate
from sockproof.conformance.peers.websocket import WebSocketPeer
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire import WireError
from sockproof.wire.http import Request, Response
from sockproof.wire.websocket import Opcode, close_payload

Message = tuple[int, bytes]  # opcode and payload
Question = Callable[[Target, float], Awaitable[set[str]]]

LENGTHS = (24, 33, 48, 60)  # of our contents, in octets
ENOUGH = 3  # of them that come back: a server that spoils some lengths has an echo all the same
PACE = 0.05  # of the limit, after which the next of them is sent without an answer to the last
MOST_PASSED_OVER = 1000  # messages, before an answer
PROTOCOL_ERROR = 1002  # a Close code that tells of no policy
BETWEEN = 0.1  # seconds between two attempts at a server with little room
NO_ANSWER = (CaseEnd, StreamClosed, TimeoutError, OSError, WireError)


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[CaseContext]:
    """A context for connections that belong to no case."""
    context = CaseContext(WireLog())
    try:
        yield context
    finally:
        context.close()
        await context.gone()


def content(length: int = LENGTHS[0]) -> bytes:
    """Octets of ordinary text that nobody has said before, of both cases, blanks at its ends."""
    return b" Sockproof " + secrets.token_hex(length).encode()[: length - 12] + b" "


async def websocket_capabilities(server: Server, limit: float) -> frozenset[str]:
    """What the server offers; it has `limit` seconds for each answer."""
    over_tls = {"tls"} if server.address.tls else set()  # the URL tells, whatever is declared
    if server.profile.capabilities is not None:
        return (server.profile.capabilities - {"tls"}) | over_tls
    # Few connections side by side: a server may have no room for more.
    found = await _ask(server, limit, _messages, _headers)
    fence = Opcode.TEXT if "echo" in found else Opcode.PING
    found |= await _ask(server, limit, _push(fence), _server_close(fence), _handshakes)
    return frozenset(found | over_tls)


async def _ask(server: Server, limit: float, *questions: Question) -> set[str]:
    async def answer(question: Question) -> set[str]:
        async with asking() as context:
            with contextlib.suppress(*NO_ANSWER):
                return await question(Target(server, context), limit)
        return set()

    if server.room is not None:
        return set().union(*[await answer(each) for each in questions])
    return set().union(*await asyncio.gather(*map(answer, questions)))


class Ear:
    """Hears what a server says, whether or not the frames are as they should be.

    That a frame is masked or has a bit too many is for the cases to tell.
    """

    def __init__(self, peer: WebSocketPeer) -> None:
        self.peer = peer
        self.passed_over = 0
        self._begun: Message = (int(Opcode.TEXT), b"")  # what has come of a message in fragments

    @classmethod
    async def open(
        cls, target: Target, limit: float, path: str | None = None, *headers: tuple[str, str]
    ) -> Ear:
        """An open WebSocket, for which the server has `limit` seconds.

        Where there is room for few, the one before may not have left yet.
        """
        async with asyncio.timeout(limit):
            while True:
                try:
                    return cls(await target.connect(path, headers=headers))
                except CaseEnd:
                    if target.server.room is None:
                        raise
                    await asyncio.sleep(BETWEEN)

    async def message(self) -> Message:
        """The next whole message, Pong or Close."""
        while True:
            frame = await self.peer.receive_frame()
            if frame.opcode in (Opcode.CLOSE, Opcode.PONG):
                return frame.opcode, frame.payload
            if frame.opcode == Opcode.PING:
                self.peer.send(client_frame(Opcode.PONG, frame.payload))
                continue
            opcode, payload = self._begun
            if frame.opcode != Opcode.CONT:
                opcode, payload = frame.opcode, b""
            self._begun = opcode, payload + frame.payload
            if frame.fin:
                return self._begun

    async def until(self, wanted: Callable[[Message], bool], limit: float) -> Message:
        """The next message that is wanted, or a Close; `TimeoutError` when none comes in time."""
        async with asyncio.timeout(limit):
            while self.passed_over < MOST_PASSED_OVER:
                message = await self.message()
                if message[0] == Opcode.CLOSE or wanted(message):
                    return message
                self.passed_over += 1
        raise TimeoutError


# Text and binary messages.


async def _messages(target: Target, limit: float) -> set[str]:
    """`echo`, `binary`, what is refused, and whether somebody else hears it."""
    has_room = target.server.room is None
    bystander = await _bystander(target, limit) if has_room else None
    said = [content(length) for length in LENGTHS], [content(length) for length in LENGTHS]
    of_text = _exchange(target, limit, Opcode.TEXT, said[0], ("echo", "refuses-text"))
    of_binary = _exchange(target, limit, Opcode.BINARY, said[1], ("binary", "refuses-binary"))
    if has_room:
        text, binary = await asyncio.gather(of_text, of_binary)
    else:
        text, binary = await of_text, await of_binary
    if text == "echo" and await _rewrites(target, limit):
        text = ""
    if bystander is not None and await _overhears(bystander, said[0] + said[1], limit):
        return {text, binary, "broadcast"} - {"", "echo", "binary"}
    return {text, binary} - {""}


async def _rewrites(target: Target, limit: float) -> bool:
    """Whether text comes back in the words of an application: a terminal's lines, escaped markup.

    What is as long and has neither comes back as it was.
    """
    with contextlib.suppress(*NO_ANSWER):
        plain = await _changes(target, "one line of plain text", limit)
        return not plain and await _changes(target, "<i>markup</i> &\ntwo lines", limit)
    return False


async def _changes(target: Target, text: str, limit: float) -> bool:
    """Whether this comes back as another text."""
    mark = secrets.token_hex(8).encode()
    message = (int(Opcode.TEXT), f"{text} {mark.decode()}".encode())
    ear = await Ear.open(target, limit)
    ear.peer.send(client_frame(*message))
    got = await ear.until(lambda each: mark in each[1], limit)
    return got[0] == Opcode.TEXT and got != message


async def _bystander(target: Target, limit: float) -> Ear | None:
    with contextlib.suppress(*NO_ANSWER):
        return await Ear.open(target, limit)
    return None


async def _exchange(
    target: Target, limit: float, opcode: int, said: list[bytes], names: tuple[str, str]
) -> str:
    """The first name when messages come back, the second when they end the connection, or none.

    They come back once each: what says everything twice is no echo. Each is sent when the one
    before has come back, or is late, so that none disturbs another.
    """
    waiting = [(int(opcode), payload) for payload in said]
    sent = set(waiting)
    left, again = set(sent), 0
    returns, refuses = names
    try:
        ear = await Ear.open(target, limit)
        try:
            while left:
                if waiting:
                    ear.peer.send(client_frame(*waiting.pop(0)))
                try:
                    got = await ear.until(sent.__contains__, limit * PACE if waiting else limit)
                except TimeoutError:
                    if not waiting:
                        raise
                    continue
                again += got in sent - left
                if got[0] == Opcode.CLOSE:
                    if got[1][:2] == PROTOCOL_ERROR.to_bytes(2, "big"):
                        refuses = ""
                    break
                left.discard(got)
        except TimeoutError:
            refuses = ""
        except IllegalFrame:
            return returns  # it answers, if so that it cannot be read: the cases say how
    except StreamClosed:
        pass
    except NO_ANSWER:
        return ""
    if again > 1:
        return ""
    return returns if len(said) - len(left) >= ENOUGH else refuses


async def _overhears(bystander: Ear, said: list[bytes], limit: float) -> bool:
    """Whether this client, who said nothing, has heard any of what others said."""

    def known(message: Message) -> bool:
        return any(payload in message[1] for payload in said)

    with contextlib.suppress(*NO_ANSWER):
        ping = secrets.token_hex(6).encode()
        bystander.peer.send(client_frame(Opcode.PING, ping))
        fenced = (Opcode.PONG, ping)
        got = await bystander.until(lambda each: each == fenced or known(each), limit)
        return known(got)
    return False


# The paths and names of the target contract.


def _fenced(kind: int) -> tuple[Message, Message]:
    """What is sent, and what answers it: in a server with an echo the message itself."""
    payload = content()
    return (kind, payload), (Opcode.PONG if kind == Opcode.PING else kind, payload)


def _push(fence: int) -> Question:
    """Numbered messages, as many and as long as asked, before what is sent behind the handshake."""

    async def question(target: Target, limit: float) -> set[str]:
        for count, size in ((3, 16), (2, 24)):
            ear = await Ear.open(target, limit, f"/push?count={count}&size={size}")
            sent, answer = _fenced(fence)
            ear.peer.send(client_frame(*sent))

            def told(each: Message, size: int = size, answer: Message = answer) -> bool:
                return each == answer or (each[0] == Opcode.BINARY and len(each[1]) == size)

            for number in range(count):
                got = await ear.until(told, limit)
                if got[0] != Opcode.BINARY or got[1][:8] != number.to_bytes(8, "big"):
                    return set()
            if await ear.until(told, limit) != answer:
                return set()
        return {"push"}

    return question


def _server_close(fence: int) -> Question:
    """Close frames with the code and the reason that were asked for.

    Two of three: there are libraries that cannot send every code.
    """

    async def question(target: Target, limit: float) -> set[str]:
        right = 0
        for code in (1000, 3000 + secrets.randbelow(1000), 4000 + secrets.randbelow(1000)):
            reason = secrets.token_hex(8)
            ear = await Ear.open(target, limit, f"/close?code={code}&reason={reason}")
            sent, answer = _fenced(fence)
            ear.peer.send(client_frame(*sent))
            got = await ear.until(functools.partial(operator.eq, answer), limit)
            if got == answer:
                return set()
            right += got == (Opcode.CLOSE, close_payload(code, reason))
        return {"server-close"} if right >= 2 else set()

    return question


async def _headers(target: Target, limit: float) -> set[str]:
    """A JSON object that holds a header field of ours."""
    for _ in range(2):
        value = secrets.token_hex(8)
        ear = await Ear.open(target, limit, "/headers", ("X-Sockproof", value))
        text = content()
        ear.peer.send(text_frame(text.decode()))

        def shows(message: Message, text: bytes = text, value: str = value) -> bool:
            return message[1] == text or _fields(message).get("x-sockproof") == value

        got = await ear.until(shows, limit)
        if got[1] == text or got[0] == Opcode.CLOSE:
            return set()
    return {"headers"}


def _fields(message: Message) -> dict[str, object]:
    try:
        fields = json.loads(message[1]) if message[0] == Opcode.TEXT else None
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


# The opening handshake.


async def _handshakes(target: Target, limit: float) -> set[str]:
    found: set[str] = set()
    for question in (_subprotocols, _deflate):
        with contextlib.suppress(*NO_ANSWER):
            found |= await question(target, limit)
    return found


async def _upgrade(target: Target, request: Request, limit: float) -> Response:
    """The answer to a handshake, whose connection ends with it and leaves its place to the next."""
    async with asyncio.timeout(limit):
        while True:
            async with asking() as context:
                peer = await Target(target.server, context).http()
                response = await peer.ask(request, body=False)
            if response.status == 101 or target.server.room is None:
                return response
            await asyncio.sleep(BETWEEN)


async def _subprotocols(target: Target, limit: float) -> set[str]:
    """Those of the contract are chosen for what they are, and not for where they stand.

    Three of four: who takes the first of any list, or the last, is right with two.
    """
    other = f"x-{secrets.token_hex(4)}"
    right = 0
    for offer, chosen in (
        (("proof.v1", "proof.v2"), "proof.v2"),
        (("proof.v2", "proof.v1"), "proof.v2"),
        ((other, "proof.v1"), "proof.v1"),
        (("proof.v2", other), "proof.v2"),
    ):
        response = await _upgrade(target, target.upgrade_request(protocols=offer), limit)
        right += response.get("Sec-WebSocket-Protocol") == chosen and response.status == 101
    return {"subprotocols"} if right >= 3 else set()


async def _deflate(target: Target, limit: float) -> set[str]:
    request = target.upgrade_request(extensions="permessage-deflate")
    response = await _upgrade(target, request, limit)
    try:
        agreed = agreed_deflate(response) is not None
    except CaseEnd:
        agreed = True  # it answers, if wrongly: the cases say how
    return {"permessage-deflate"} if agreed else set()
