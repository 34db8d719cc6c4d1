"""Refusing what no client may send: RFC 6455, 5.1 to 5.6 and 7.4, and RFC 7692, 6.1."""

from __future__ import annotations

from collections.abc import Iterator

from sockproof.conformance.peers.message import REASON_IS_UTF8, Assembler
from sockproof.wire.websocket import Frame

ROLE = "client-"  # with which the ids of requirements begin that bind clients
MASKED = "rfc6455-5.1-masked"
_OTHERWISE = {REASON_IS_UTF8: "rfc6455-5.5.1-reason-sent"}


class ClientAssembler(Assembler):
    """Takes a client's frames one by one; gives control frames and whole messages."""

    def _wrong_with(self, frame: Frame) -> Iterator[tuple[str, str]]:
        if not frame.masked:
            yield "the client did not mask a frame (5.1)", MASKED
        for what, requirement in super()._wrong_with(frame):
            if requirement != "rfc6455-5.1-server-unmasked":
                yield what, _OTHERWISE.get(requirement, requirement)
