"""What a client checks of the answer to its opening handshake: RFC 6455, 4.1, and RFC 7692, 7.1.

Each check is a method, so that a fault can leave it out.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from tests.clients.raw_websocket.request import Asking, Fields, Offer, Place

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
PARAMETER = re.compile(rf'\s*({TOKEN})\s*(?:=\s*({TOKEN}|"(?:[^"\\]|\\.)*")\s*)?')
STATUS_LINE = re.compile(r"HTTP/1\.1 (\d{3})(?: (.*))?")
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
BITS = ("server_max_window_bits", "client_max_window_bits")
MAX_HEAD = 256 * 1024


class RefusedError(Exception):
    """The answer does not open a connection."""


@dataclass
class Agreed:
    """The parameters of permessage-deflate that both have agreed on."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15


class Checking(Asking):
    """Reads the response."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.agreed: Agreed | None = None
        self.status = 0
        self.reason = ""
        self.response: Fields = []

    # The head.

    def end_of_head(self, octets: bytes) -> tuple[bytes, bytes] | None:
        """The head without its empty line, and what is behind it; None while it is not whole."""
        found = re.search(rb"\r?\n\r?\n", octets)
        if found is None:
            if len(octets) > MAX_HEAD:
                raise RefusedError("a head without an end")
            return None
        return octets[: found.start()], octets[found.end() :]

    def read_head(self, head: bytes) -> None:
        first, *lines = re.split(r"\r?\n", head.decode("latin-1"))
        self.read_status_line(first)
        self.response = []
        for line in self.unfolded(lines):
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(TOKEN, name):
                self.malformed_line(line)
                continue
            self.response.append((name, value.strip(" \t")))

    def read_status_line(self, line: str) -> None:
        found = STATUS_LINE.fullmatch(line)
        if found is None:
            raise RefusedError(f"no status line: {line}")
        self.status, self.reason = int(found[1]), found[2] or ""

    def malformed_line(self, line: str) -> None:
        raise RefusedError(f"no field: {line}")

    def unfolded(self, lines: list[str]) -> list[str]:
        """The lines, those that begin with a blank joined to the one before (RFC 9112, 5.2)."""
        found: list[str] = []
        for line in lines:
            if line[:1] in (" ", "\t") and found:
                found[-1] += " " + line.strip()
            else:
                found.append(line)
        return found

    def same_name(self, one: str, other: str) -> bool:
        return one.lower() == other.lower()

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.response if self.same_name(key, name)]

    def tokens(self, name: str) -> list[str]:
        return [each.strip() for value in self.all(name) for each in value.split(",")]

    # The checks, in the order of 4.1.

    def is_interim(self) -> bool:
        """Whether another response comes behind this one (RFC 9110, 15.2)."""
        return 100 <= self.status < 200 and self.status != 101

    def check(self) -> None:
        self.check_status()
        self.check_upgrade()
        self.check_connection()
        self.check_accept()
        self.check_extensions()
        self.check_protocol()

    def check_status(self) -> None:
        if self.status != 101:
            raise RefusedError(f"status {self.status}")

    def check_upgrade(self) -> None:
        if [each.lower() for each in self.all("Upgrade")] != ["websocket"]:
            raise RefusedError("Upgrade")

    def check_connection(self) -> None:
        if "upgrade" not in [each.lower() for each in self.tokens("Connection")]:
            raise RefusedError("Connection")

    def accept(self) -> str:
        digest = hashlib.sha1((self.key + GUID).encode()).digest()
        return base64.b64encode(digest).decode()

    def check_accept(self) -> None:
        if self.all("Sec-WebSocket-Accept") != [self.accept()]:
            raise RefusedError("Sec-WebSocket-Accept")

    def check_protocol(self) -> None:
        chosen = self.all("Sec-WebSocket-Protocol")
        if len(chosen) > 1:
            raise RefusedError("Sec-WebSocket-Protocol twice")
        if chosen and chosen[0] not in self.subprotocols:
            raise RefusedError("a subprotocol that was not offered")

    def check_extensions(self) -> None:
        values = self.all("Sec-WebSocket-Extensions")
        self.check_extension_fields(values)
        if values:
            self.agree(self.parse_extensions(", ".join(values)))

    def check_extension_fields(self, values: list[str]) -> None:
        if len(values) > 1:
            raise RefusedError("Sec-WebSocket-Extensions twice")

    def parse_extensions(self, value: str) -> list[tuple[str, Fields]]:
        """The names with their parameters; an absent value is the empty text."""
        found: list[tuple[str, Fields]] = []
        items: Fields = []
        position = 0
        while True:
            item = PARAMETER.match(value, position)
            if item is None:
                raise RefusedError("Sec-WebSocket-Extensions is malformed")
            items.append((item[1], self.parameter_value(item[2])))
            position = item.end()
            separator = value[position : position + 1]
            if separator not in ("", ",", ";"):
                raise RefusedError("Sec-WebSocket-Extensions is malformed")
            if separator != ";":
                if items[0][1]:
                    raise RefusedError("an extension with a value")
                found.append((items[0][0], items[1:]))
                items = []
            if not separator:
                return found
            position += 1

    def parameter_value(self, value: str | None) -> str:
        if value is None:
            return ""
        if not value.startswith('"'):
            return value
        text = re.sub(r"\\(.)", r"\1", value[1:-1])
        if not re.fullmatch(TOKEN, text):
            raise RefusedError("a quoted value that is no token")
        return text

    # permessage-deflate.

    def agree(self, extensions: list[tuple[str, Fields]]) -> None:
        for name, parameters in extensions:
            if not self.was_offered(name):
                raise RefusedError(f"the extension {name} was not offered")
            self.check_single(name)
            self.check_names(parameters)
            self.check_doubled(parameters)
            self.check_flags(parameters)
            self.check_bits(parameters)
            values = dict(parameters)
            if not any(self.answers_offer(offer, values) for offer in self.offers()):
                raise RefusedError("a configuration that was not offered")
            self.agreed = self.understood(values)

    def was_offered(self, name: str) -> bool:
        return name == "permessage-deflate" and bool(self.offers())

    def check_single(self, name: str) -> None:
        if self.agreed is not None:
            raise RefusedError(f"{name} twice")

    def check_names(self, parameters: Fields) -> None:
        if any(name not in FLAGS + BITS for name, _ in parameters):
            raise RefusedError("an unknown parameter")

    def check_doubled(self, parameters: Fields) -> None:
        if len({name for name, _ in parameters}) < len(parameters):
            raise RefusedError("a parameter twice")

    def check_flags(self, parameters: Fields) -> None:
        if any(name in FLAGS and value for name, value in parameters):
            raise RefusedError("a value where none belongs")

    def check_bits(self, parameters: Fields) -> None:
        for name, value in parameters:
            if name in BITS and not re.fullmatch("[89]|1[0-5]", value):
                raise RefusedError(f"{name}={value}")

    def answers_offer(self, offer: Offer, values: dict[str, str]) -> bool:
        """Whether a response with these parameters may answer this offer (7.1.1, 7.1.2)."""
        return (
            self.keeps_no_takeover(offer, values)
            and self.keeps_server_bits(offer, values)
            and self.keeps_client_bits(offer, values)
        )

    def keeps_no_takeover(self, offer: Offer, values: dict[str, str]) -> bool:
        name = "server_no_context_takeover"
        return name not in offer or name in values

    def keeps_server_bits(self, offer: Offer, values: dict[str, str]) -> bool:
        name = "server_max_window_bits"
        return name not in offer or int(values.get(name, 15)) <= int(offer[name] or 15)

    def keeps_client_bits(self, offer: Offer, values: dict[str, str]) -> bool:
        name = "client_max_window_bits"
        if name not in values:
            return True
        return name in offer and int(values[name]) <= int(offer[name] or 15)

    def understood(self, values: dict[str, str]) -> Agreed:
        return Agreed(
            "server_no_context_takeover" in values,
            "client_no_context_takeover" in values,
            int(values.get("server_max_window_bits") or 15),
            int(values.get("client_max_window_bits") or 15),
        )
