"""What else RFC 6455 lets a server do on an open WebSocket."""

from __future__ import annotations

import itertools

from sockproof.wire.websocket import Frame, Opcode, close_payload
from tests.servers.engineio_http import HttpConnection, WebSocket

FRAGMENT = 5  # octets
CLOSES = {  # freedom -> payload of the Close frame
    "closes-with-a-reason": close_payload(1001, "so long, ⛵"),
    "closes-for-its-policy": close_payload(1008, "policy"),
    "closes-with-a-code-of-its-own": close_payload(4000, "x" * 123),
    "closes-without-a-code": b"",
}


class FreeWebSocket(WebSocket):
    """A WebSocket of a server that takes its freedoms."""

    def __init__(self, connection: HttpConnection, freedoms: frozenset[str]) -> None:
        super().__init__(connection.reader, connection.writer, connection.take_rest())
        self.freedoms = freedoms
        self._sent = itertools.count()
        self._again: list[str | bytes] = []

    def send(self, message: str | bytes) -> None:
        """Send a message, in as many frames as a server likes."""
        if "pings-websockets" in self.freedoms and next(self._sent) % 3 == 0:
            self.frame(Frame(Opcode.PING, b"are you there?"))
            self.frame(Frame(Opcode.PONG, b"unasked"))
        if "fragments-messages" not in self.freedoms:
            super().send(message)
            return
        text = isinstance(message, str)
        data = message.encode("utf-8") if isinstance(message, str) else message
        parts = [data[start : start + FRAGMENT] for start in range(0, len(data), FRAGMENT)]
        parts = [b"", *parts[:40], b"".join(parts[40:])]
        opcode = Opcode.TEXT if text else Opcode.BINARY
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            self.frame(Frame(opcode if number == 0 else Opcode.CONT, part, fin=last))

    def close(self, code: int = 1000) -> None:
        """Close the connection in one of the ways that are allowed."""
        for name, payload in CLOSES.items():
            if name in self.freedoms and code == 1000:
                self.frame(Frame(Opcode.CLOSE, payload))
                self.closing = True
        if "closes-without-a-close-frame" in self.freedoms:
            self.closing = True
        super().close(code)

    async def receive(self) -> str | bytes:
        """The next message."""
        return self._again.pop() if self._again else await super().receive()

    async def skip_until(self, wanted: str) -> None:
        """Overlook messages until this one, which is received next."""
        while (message := await self.receive()) != wanted:
            pass
        self._again.append(message)
