"""What an application makes of a message: RFC 6455, 1.1 and 5.6 leave it all to the application.

A server that sends back something else, nothing, or a Close frame with a code of its policy.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
import re
import time
from collections.abc import Callable
from typing import Any

from sockproof.wire.websocket import Opcode
from tests.servers.freedom import Freedom, Message
from tests.servers.websocket_receiver import Failed

TEXT, BINARY = Opcode.TEXT, Opcode.BINARY
Change = Callable[[int, bytes], Message | None]


class Changes(Freedom):
    """Answers with something made of the message, or with nothing."""

    def __init__(self, change: Change, contract: bool = True) -> None:
        self.change = change
        self.contract = contract

    async def hears(self, connection, message: Message) -> Message | None:
        return self.change(*message)


def on_text(change: Callable[[str], str]) -> Change:
    """A change of text alone: binary messages go back as they came."""

    def changed(opcode: int, payload: bytes) -> Message:
        if opcode == TEXT:
            payload = change(payload.decode()).encode()
        return opcode, payload

    return changed


def on_all(change: Callable[[bytes], bytes]) -> Change:
    """A change of the octets, whatever they are; text stays text where it is ASCII."""

    def changed(opcode: int, payload: bytes) -> Message:
        return BINARY if not payload.isascii() else opcode, change(payload)

    return changed


def enveloped(opcode: int, payload: bytes) -> Message:
    """JSON with the message inside."""
    binary = opcode == BINARY
    data = base64.b64encode(payload).decode() if binary else payload.decode()
    return TEXT, json.dumps({"type": "echo", "binary": binary, "data": data}).encode()


def binary_as_text(opcode: int, payload: bytes) -> Message:
    """Binary messages come back as text that tells their octets."""
    return (TEXT, payload.hex().encode()) if opcode == BINARY else (opcode, payload)


def json_alone(opcode: int, payload: bytes) -> Message:
    """A protocol of JSON: what it does not know, it says so."""
    try:
        request = json.loads(payload) if opcode == TEXT else None
    except ValueError:
        request = None
    if not isinstance(request, dict):
        return TEXT, b'{"type":"error","code":"bad_request","message":"a JSON object, please"}'
    return TEXT, b'{"type":"error","code":"unknown_type"}'


def silence(opcode: int, payload: bytes) -> None:
    """No answer at all."""


class Refuses(Freedom):
    """Closes for a message that its policy does not allow."""

    def __init__(
        self,
        code: int,
        why: str,
        *opcodes: int,
        contract: bool = True,
        waits: bool = False,
        words: bytes | None = None,
    ) -> None:
        self.code = code
        self.why = why
        self.opcodes = opcodes
        self.contract = contract
        self.waits = waits
        self.words = words

    async def hears(self, connection, message: Message) -> Message | None:
        if message[0] not in self.opcodes:
            return message
        if self.words is not None:
            await connection.message(TEXT, self.words)
        if not self.waits:
            raise Failed(self.code, self.why)
        connection.close(self.code, self.why)
        return None


class Ignores(Freedom):
    """Messages of this kind get no answer."""

    def __init__(self, opcode: int) -> None:
        self.opcode = opcode

    async def hears(self, connection, message: Message) -> Message | None:
        return None if message[0] == self.opcode else message


class Repeats(Freedom):
    """Each message comes back several times."""

    async def answered(self, connection, message: Message) -> None:
        await connection.message(*message)


class AnswersOnce(Freedom):
    """One message, one answer, and the connection is closed."""

    def __init__(self, code: int) -> None:
        self.code = code

    async def answered(self, connection, message: Message) -> None:
        connection.close(self.code)


class Counts(Freedom):
    """So many messages in one second, and no more."""

    def __init__(self, most: int, code: int) -> None:
        self.most = most
        self.code = code
        self.heard: dict[object, list[float]] = {}

    async def hears(self, connection, message: Message) -> Message | None:
        now = time.monotonic()
        recent = [at for at in self.heard.get(connection, []) if at > now - 1] + [now]
        self.heard[connection] = recent
        if len(recent) > self.most:
            raise Failed(self.code, "too many messages")
        return message

    def left(self, connection) -> None:
        self.heard.pop(connection, None)


class TakesItsTime(Freedom):
    """A worker answers, in order and some time after each message; Pongs overtake it."""

    def __init__(self, seconds: float, forgets: bool = False) -> None:
        self.seconds = seconds
        self.forgets = forgets  # what is not answered yet when the client closes
        self.queues: dict[object, asyncio.Queue[Any]] = {}

    async def opened(self, connection) -> None:
        self.queues[connection] = asyncio.Queue()
        connection.spawn(self._work(connection, self.queues[connection]))

    def left(self, connection) -> None:
        self.queues.pop(connection, None)

    async def hears(self, connection, message: Message) -> Message | None:
        self.queues[connection].put_nowait((time.monotonic() + self.seconds, message))
        return None

    async def _work(self, connection, queue: asyncio.Queue[Any]) -> None:
        while True:
            due, message = await queue.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await connection.message(*message)
            queue.task_done()

    async def closing(self, connection, answer):
        await self._finish(connection)
        return answer

    async def failing(self, connection, code: int, why: str) -> tuple[int, str]:
        await self._finish(connection)
        return code, why

    async def _finish(self, connection) -> None:
        if not self.forgets:
            await self.queues[connection].join()


class Bounded(Freedom):
    """No message longer than this: Close 1009."""

    def __init__(self, octets: int) -> None:
        self.octets = octets

    def bound(self) -> int | None:
        return self.octets


POLICY = (TEXT, BINARY)
SWITCHES = {
    "echoes-with-words-in-front": lambda: Changes(on_all(lambda payload: b"you said: " + payload)),
    "echoes-with-words-behind": lambda: Changes(on_text(lambda text: f"{text} (received)")),
    "echoes-in-capitals": lambda: Changes(on_text(str.upper)),
    "echoes-backwards": lambda: Changes(on_text(lambda text: text[::-1])),
    "echoes-trimmed": lambda: Changes(on_text(str.strip)),
    "echoes-in-envelopes": lambda: Changes(enveloped),
    "echoes-twice": Repeats,
    "echoes-as-a-terminal": lambda: Changes(on_text(lambda text: text.replace("\n", "\r\n"))),
    "echoes-with-markup-escaped": lambda: Changes(on_text(html.escape)),
    "echoes-without-markup": lambda: Changes(on_text(lambda text: re.sub("<[^>]*>", "", text))),
    "echoes-binary-as-text": lambda: Changes(binary_as_text),
    "json-protocol-answers-with-errors": lambda: Changes(json_alone, contract=False),
    "json-protocol-is-silent": lambda: Changes(silence, contract=False),
    "json-protocol-closes-with-1003": lambda: Refuses(1003, "no JSON", *POLICY, contract=False),
    "json-protocol-closes-with-1007": lambda: Refuses(1007, "no JSON", *POLICY, contract=False),
    "json-protocol-closes-with-1008": lambda: Refuses(1008, "policy", *POLICY, contract=False),
    "json-protocol-closes-with-3000": lambda: Refuses(3000, "log in", *POLICY, contract=False),
    "json-protocol-closes-with-4400": lambda: Refuses(4400, "", *POLICY, contract=False),
    "json-protocol-closes-and-waits": lambda: Refuses(
        4002, "Decode error", *POLICY, contract=False, waits=True
    ),
    "json-protocol-explains-and-closes": lambda: Refuses(
        4400, "", *POLICY, contract=False, words=b'{"error":"no JSON"}'
    ),
    "takes-no-binary-1003": lambda: Refuses(1003, "text only", BINARY),
    "takes-no-binary-1008": lambda: Refuses(1008, "text only", BINARY, waits=True),
    "takes-no-text-1003": lambda: Refuses(1003, "binary only", TEXT),
    "ignores-binary": lambda: Ignores(BINARY),
    "ignores-text": lambda: Ignores(TEXT),
    "answers-once-and-closes": lambda: AnswersOnce(1000),
    "two-hundred-messages-a-second": lambda: Counts(200, 1008),
    "twenty-messages-a-second": lambda: Counts(20, 4029),
    "echoes-300-ms-late": lambda: TakesItsTime(0.3),
    "echoes-30-ms-late": lambda: TakesItsTime(0.03),
    "echoes-late-or-not-at-all": lambda: TakesItsTime(0.05, forgets=True),
    "messages-up-to-8192": lambda: Bounded(8192),
    "messages-up-to-1024": lambda: Bounded(1024),
    "messages-up-to-65536": lambda: Bounded(65_536),
}
