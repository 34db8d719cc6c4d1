"""HTTP/1.1 heads and bodies as octets: what the opening handshake and long-polling need.

The rules that hold here:

* A request is written exactly as its fields say, wrong or not; nothing is added or corrected.
* A head is read leniently and what is wrong with it is reported in `violations`, since a
  harness must see more than a client would accept. Only what cannot be read at all, or is
  beyond the bounds, raises `WireError`.
* Header names keep the case they had on the wire; looking one up ignores case.

Sections: RFC 6455, 4.1 and 4.2; RFC 9112, 2 to 7.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sockproof.wire import TooBig, WireError

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_HEAD_OCTETS = 256 * 1024

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS_LINE = re.compile(r"(HTTP/\d\.\d) (\d{3})(?: (.*))?")
_REQUEST_LINE = re.compile(r"(\S+) (\S+) (HTTP/\d\.\d)")

Headers = tuple[tuple[str, str], ...]


def accept_value(key: str) -> str:
    """The Sec-WebSocket-Accept value that answers `key` (RFC 6455, 4.2.2, step 5.4)."""
    digest = hashlib.sha1((key + GUID).encode("latin-1"), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def is_token(text: str) -> bool:
    """Whether `text` is a token (RFC 9110, 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


class HeaderLookup:
    """Looking up header fields by name, whatever their case."""

    headers: Headers

    __slots__ = ()

    def all(self, name: str) -> list[str]:
        """Every value of the field, in order, one for each line."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The field's value, several lines joined with a comma; None when it is absent."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def tokens(self, name: str) -> list[str]:
        """The members of a comma-separated field, in lower case, empty ones left out."""
        members = (part.strip().lower() for value in self.all(name) for part in value.split(","))
        return [member for member in members if member]


@dataclass(frozen=True, slots=True)
class Request(HeaderLookup):
    """One HTTP request, written as its fields say."""

    target: str = "/"
    headers: Headers = ()
    method: str = "GET"
    version: str = "HTTP/1.1"
    body: bytes = b""
    line_end: bytes = b"\r\n"
    violations: tuple[str, ...] = field(default=(), compare=False)

    def encode(self) -> bytes:
        """The request's octets; text is written as Latin-1."""
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = self.line_end.join(line.encode("latin-1") for line in [*lines, "", ""])
        return head + self.body

    def without(self, name: str) -> Request:
        """The same request without any line of the field `name`."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept)

    def adding(self, name: str, value: str) -> Request:
        """The same request with one more header line at the end."""
        return replace(self, headers=(*self.headers, (name, value)))

    def having(self, name: str, value: str) -> Request:
        """The same request with `value` in place of the field's lines, at the first one's place."""
        headers: list[tuple[str, str]] = []
        for pair in self.headers:
            if pair[0].lower() != name.lower():
                headers.append(pair)
            elif not any(key.lower() == name.lower() for key, _ in headers):
                headers.append((pair[0], value))
        result = replace(self, headers=tuple(headers))
        return result if self.get(name) is not None else result.adding(name, value)

    def __str__(self) -> str:
        return f"{self.method} {self.target} {self.version}"


@dataclass(frozen=True, slots=True)
class Response(HeaderLookup):
    """The head of one HTTP response, and its body once that has been read."""

    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    version: str = "HTTP/1.1"
    violations: tuple[str, ...] = field(default=(), compare=False)

    def having(self, name: str, *values: str) -> Response:
        """The same response with these values in place of the field's lines, at the end."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, *((name, value) for value in values)))

    def encode(self) -> bytes:
        """The response's octets."""
        lines = [f"{self.version} {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body

    def __str__(self) -> str:
        return f"{self.version} {self.status} {self.reason}".rstrip()


def upgrade_request(
    host: str,
    target: str = "/",
    *,
    key: str,
    protocols: Iterable[str] = (),
    extensions: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> Request:
    """An ordinary opening handshake for a WebSocket (RFC 6455, 4.1); `headers` come last."""
    lines = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ]
    offered = ", ".join(protocols)
    if offered:
        lines.append(("Sec-WebSocket-Protocol", offered))
    if extensions is not None:
        lines.append(("Sec-WebSocket-Extensions", extensions))
    return Request(target=target, headers=(*lines, *headers))


class HeadReader:
    """Collects octets up to the empty line that ends a head."""

    def __init__(self, max_octets: int = MAX_HEAD_OCTETS) -> None:
        self.max_octets = max_octets
        self._buffer = bytearray()
        self._searched = 0

    @property
    def octets(self) -> bytes:
        """What has arrived so far, for an error message that shows it."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> tuple[list[str], list[str], bytes] | None:
        """The head's lines, what is wrong with their ends, and the octets behind the head.

        None while the empty line is still to come. Raises `WireError` beyond `max_octets`.
        """
        self._buffer += data
        end = re.compile(rb"\r?\n\r?\n").search(self._buffer, max(0, self._searched - 3))
        self._searched = len(self._buffer)
        if (end.end() if end else self._searched) > self.max_octets:
            raise TooBig(f"the head is longer than {self.max_octets} octets")
        if end is None:
            return None
        head, rest = bytes(self._buffer[: end.start()]), bytes(self._buffer[end.end() :])
        wrong = []
        raw_lines = head.split(b"\n")
        if end.group() != b"\r\n\r\n" or any(not line.endswith(b"\r") for line in raw_lines[:-1]):
            wrong.append("a line of the head ends with LF alone")
        return [line.removesuffix(b"\r").decode("latin-1") for line in raw_lines], wrong, rest


def parse_request_head(lines: list[str], wrong: Iterable[str] = ()) -> Request:
    """A request from its head's lines; raises `WireError` when the first is no request line."""
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None:
        raise WireError(f"not an HTTP request line: {lines[0][:100]!r}")
    headers, violations = _parse_headers(lines[1:])
    method, target, version = match.groups()
    return Request(target, headers, method, version, violations=(*wrong, *violations))


def parse_response_head(lines: list[str], wrong: Iterable[str] = ()) -> Response:
    """A response from its head's lines; raises `WireError` when the first is no status line."""
    match = _STATUS_LINE.fullmatch(lines[0])
    if match is None:
        raise WireError(f"not an HTTP status line: {lines[0][:100]!r}")
    headers, violations = _parse_headers(lines[1:])
    version, status, reason = match.groups()
    if reason is None:
        violations.append("the status line lacks the space after the status code")
    return Response(
        int(status), reason or "", headers, version=version, violations=(*wrong, *violations)
    )


def _parse_headers(lines: list[str]) -> tuple[Headers, list[str]]:
    headers: list[tuple[str, str]] = []
    violations: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:
            name, value = headers.pop()
            headers.append((name, f"{value} {line.strip()}"))
            violations.append(f"the header field {name!r} is folded over several lines")
            continue
        name, colon, value = line.partition(":")
        if not colon or not is_token(name):
            violations.append(f"not a header field: {line[:100]!r}")
        if colon:
            headers.append((name.strip(), value.strip(" \t")))
    return tuple(headers), violations


class BodyReader:
    """Collects a message body framed by Content-Length, by chunks, or by the end of the stream.

    RFC 9112, 6 and 7. `complete` becomes true when the framing says so; `rest` then holds the
    octets behind it.
    """

    def __init__(self, message: Request | Response, max_octets: int) -> None:
        self.max_octets = max_octets
        self.body = bytearray()
        self.rest = b""
        self.complete = False
        self._buffer = bytearray()
        self._chunked = "chunked" in message.tokens("Transfer-Encoding")
        self._in_trailer = False
        self._left: int | None = None  # octets left of the body, or of this chunk with its CRLF
        lengths = set(message.all("Content-Length"))
        bodiless = isinstance(message, Response) and (
            message.status < 200 or message.status in (204, 304)
        )
        if bodiless:
            self._chunked, self._left = False, 0
        elif not self._chunked and lengths:
            text = lengths.pop()
            if lengths or not re.fullmatch(r"[0-9]{1,18}", text):
                raise WireError(f"Content-Length cannot be read: {message.get('Content-Length')!r}")
            self._left = int(text)
        elif not self._chunked and isinstance(message, Request):
            self._left = 0
        self.feed(b"")

    @property
    def until_close(self) -> bool:
        """Whether nothing but the end of the stream ends this body."""
        return not self._chunked and self._left is None

    def feed(self, data: bytes) -> None:
        """Take octets in; raises `WireError` for a bad chunk or beyond `max_octets`."""
        if self.complete:
            self.rest += data
            return
        self._buffer += data
        if self._chunked:
            self._feed_chunks()
        else:
            taken = len(self._buffer) if self._left is None else min(self._left, len(self._buffer))
            self._take(taken)
            if self._left is not None:
                self._left -= taken
                self._finish_when(self._left == 0)

    def feed_eof(self) -> None:
        """The stream ended; raises `WireError` when the framing says that more was to come."""
        if self.until_close:
            self._finish_when(True)
        if not self.complete:
            raise WireError(f"the stream ended inside a body, after {len(self.body)} octets")

    def _take(self, count: int) -> None:
        self.body += self._buffer[:count]
        del self._buffer[:count]
        if len(self.body) > self.max_octets:
            raise TooBig(f"the body is longer than {self.max_octets} octets")

    def _finish_when(self, complete: bool) -> None:
        if complete:
            self.complete = True
            self.rest, self._buffer = bytes(self._buffer), bytearray()

    def _line(self) -> bytes | None:
        line, end, rest = self._buffer.partition(b"\n")
        if not end:
            if len(line) > 4096:
                raise WireError("a chunk header or trailer line is longer than 4096 octets")
            return None
        self._buffer = rest
        return bytes(line.removesuffix(b"\r"))

    def _feed_chunks(self) -> None:
        while not self.complete:
            if self._left:
                taken = min(self._left, len(self._buffer))
                self._take(taken)
                self._left -= taken
                if self._left:
                    return
            line = self._line()
            if line is None:
                return
            if self._in_trailer:
                self._finish_when(line == b"")
            elif self._left == 0:  # the empty line behind a chunk's data
                if line:
                    raise WireError(f"a chunk is longer than its header says: {line[:40]!r}")
                self._left = None
            else:
                size = line.partition(b";")[0].strip()
                if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
                    raise WireError(f"not a chunk size: {line[:40]!r}")
                self._left = int(size, 16) or None
                self._in_trailer = self._left is None
