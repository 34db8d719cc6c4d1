"""What a right client may make of a response: RFC 6455, 4.1, and RFC 9112."""

from __future__ import annotations

import asyncio
import re

from tests.clients.raw_websocket.response import RefusedError
from tests.clients.raw_websocket.switching import Mixin, has, offers


class OldVersionPasses:
    """A response of HTTP/1.0 is taken."""

    def read_status_line(self, line):
        super().read_status_line(line.replace("HTTP/1.0", "HTTP/1.1"))


class MalformedLinesPass:
    """A line of the head that is no field is passed over."""

    def malformed_line(self, line):
        pass


class LfAloneIsRefused:
    """Only CR LF ends a line (RFC 9112, 2.2: a recipient MAY recognize LF alone)."""

    def end_of_head(self, octets):
        found = super().end_of_head(octets)
        if found and re.search(rb"(?<!\r)\n", octets[: len(octets) - len(found[1])]):
            raise RefusedError("a line without CR")
        return found


class ProtocolNeeded:
    """Refuses an answer that chooses none."""

    def check_protocol(self):
        if self.subprotocols and not self.all("Sec-WebSocket-Protocol"):
            raise RefusedError("no subprotocol")
        super().check_protocol()


class RefusesByReset:
    """Ends TCP with a RST when the answer is refused."""

    async def refuse(self, why):
        self.reset()


class RefusesSlowly:
    """Takes a while to end TCP when the answer is refused."""

    async def refuse(self, why):
        await asyncio.sleep(0.4)


class RefusesAndReadsOn:
    """Reads the body of an answer, and awaits the end of TCP for a while."""

    async def refuse(self, why):
        await self.await_end()


class HalfCloses:
    """Ends its direction of TCP, and reads until the server ends its own."""

    async def refuse(self, why):
        self.writer.write_eof()
        await self.await_end()


FREEDOMS: dict[str, Mixin] = {
    "takes-http-1.0": OldVersionPasses,
    "passes-over-malformed-lines": MalformedLinesPass,
    "refuses-lines-with-lf-alone": LfAloneIsRefused,
    "needs-a-protocol": ProtocolNeeded,
    "takes-answer-without-server-no-takeover": offers(
        "permessage-deflate; server_no_context_takeover",
        has(keeps_no_takeover=lambda self, offer, values: True),
    ),
    "resets-tcp-when-refusing": RefusesByReset,
    "refuses-slowly": RefusesSlowly,
    "reads-on-when-refusing": RefusesAndReadsOn,
    "half-closes-when-refusing": HalfCloses,
}
