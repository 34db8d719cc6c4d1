"""What a case has said to a Socket.IO server, on all its connections and however it was carried."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAMESPACE = re.compile(rb"40(/[^,?]*)")
_OCTETS = (b"b", b"45", b"46")  # how an attachment over long-polling, and a binary packet, begin


@dataclass(slots=True)
class Spoken:
    """`octets`: binary data, or the announcement of some; `messages`: how many MESSAGEs of text;
    `namespaces`: those that clients have asked to be let into."""

    octets: bool = False
    messages: int = 0
    namespaces: set[str] = field(default_factory=set)

    def text(self, packet: bytes) -> None:
        """An Engine.IO packet has been sent as text."""
        self.octets = self.octets or packet.startswith(_OCTETS)
        self.messages += packet.startswith(b"4")
        if (found := _NAMESPACE.match(packet)) is not None:
            self.namespaces.add(found[1].decode("utf-8", "replace"))

    def body(self, body: bytes) -> None:
        """A request with this body has been sent."""
        for packet in body.split(b"\x1e"):
            self.text(packet)
