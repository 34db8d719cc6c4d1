"""The opening handshake that a client sends: RFC 6455, 4.1, and RFC 7692, 7.1."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field

Fields = list[tuple[str, str]]
Offer = dict[str, str | None]


@dataclass
class Place:
    """Where a connection goes to, and what for."""

    host: str
    port: int
    resource: str
    subprotocols: tuple[str, ...] = ()
    seen: dict[str, str] = field(default_factory=dict)  # what connections of one run share


class Asking:
    """Writes the request."""

    offered = "permessage-deflate; client_max_window_bits"
    line_end = "\r\n"

    def __init__(self, place: Place) -> None:
        self.place = place
        self.subprotocols = self.protocols()
        self.key = self.make_key()

    def nonce(self) -> bytes:
        """16 octets that nobody can guess, others for each connection."""
        return os.urandom(16)

    def make_key(self) -> str:
        return base64.b64encode(self.nonce()).decode()

    def protocols(self) -> list[str]:
        return list(self.place.subprotocols)

    def offers(self) -> list[Offer]:
        """Each offer of permessage-deflate by its parameters."""
        found = []
        for offer in filter(None, self.offered.split(",")):
            name, *parameters = (each.strip() for each in offer.split(";"))
            pairs = (each.partition("=") for each in parameters)
            if name == "permessage-deflate":
                found.append({key: value or None for key, _, value in pairs})
        return found

    def host(self) -> str:
        return f"{self.place.host}:{self.place.port}"

    def extensions(self) -> list[str]:
        """The values of the fields Sec-WebSocket-Extensions."""
        return [self.offered] if self.offered else []

    def fields(self) -> Fields:
        fields = [
            ("Host", self.host()),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", self.key),
            ("Sec-WebSocket-Version", "13"),
            ("Origin", f"http://{self.place.host}"),
        ]
        if self.subprotocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(self.subprotocols)))
        return fields + [("Sec-WebSocket-Extensions", each) for each in self.extensions()]

    def request_line(self) -> str:
        return f"GET {self.place.resource} HTTP/1.1"

    def field_line(self, name: str, value: str) -> str:
        return f"{name}: {value}"

    def head(self) -> bytes:
        lines = [self.request_line(), *(self.field_line(*pair) for pair in self.fields())]
        return self.line_end.join([*lines, "", ""]).encode("utf-8")
