"""Blind faults in the payloads of long-polling: what is in a body."""

from __future__ import annotations

import base64
import re
import unicodedata
from typing import Any

from sockproof.wire.engineio import SEPARATOR, Packet, PacketType
from tests.servers import engineio_faults
from tests.servers.blind_weaving import fault
from tests.servers.engineio_http import respond
from tests.servers.engineio_server import EngineIOServer

MARK = SEPARATOR.encode()

# Bodies of answers.


def _bodies(name: str, change: Any) -> None:
    """A fault that changes the body of the answer to a GET: `change(body, packets)`."""

    @fault(name, engineio_faults, "payload")
    def payload(go: Any, kind: Any, packets: list[Packet]) -> bytes:
        return change(go(kind, packets), packets)


def _parts(body: bytes, change: Any) -> bytes:
    return MARK.join(map(change, body.split(MARK)))


def _of_76(part: bytes) -> bytes:
    if part[:1] != b"b":
        return part
    return b"b" + base64.encodebytes(base64.b64decode(part[1:])).rstrip(b"\n")


_bodies("binary-stands-without-separators", lambda b, p: b.replace(MARK + b"b", b"b"))
_bodies("three-packets-stand-on-lines", lambda b, p: b.replace(MARK, b"\n") if len(p) == 3 else b)
_bodies(
    "two-packets-have-two-separators", lambda b, p: b.replace(MARK, MARK * 2) if len(p) == 2 else b
)
_bodies("answers-end-with-a-newline", lambda b, p: b + b"\n")
_bodies(
    "base64-has-no-padding",
    lambda b, p: _parts(b, lambda part: part.rstrip(b"=") if part[:1] == b"b" else part),
)
_bodies("base64-breaks-after-76", lambda b, p: _parts(b, _of_76))
_bodies(
    "empty-binary-is-an-empty-message",
    lambda b, p: _parts(b, lambda part: b"4" if part == b"b" else part),
)
_bodies(
    "empty-binary-is-left-out",
    lambda b, p: MARK.join(part for part in b.split(MARK) if part != b"b") or b"6",
)
_bodies(
    "single-octets-are-text",
    lambda b, p: _parts(
        b, lambda part: b"4" + part[1:] if part[:1] == b"b" and len(part) == 5 else part
    ),
)
_bodies("answers-escape-html", lambda b, p: b.replace(b"<", b"&lt;").replace(b"&", b"&amp;"))
_bodies("answers-have-a-byte-order-mark", lambda b, p: b"\xef\xbb\xbf" + b if b[:1] == b"4" else b)
_bodies("noops-are-of-type-8", lambda b, p: b"8" if b == b"6" else b)
_bodies("closes-are-words", lambda b, p: b"close" if b == b"1" else b)
_bodies("noops-are-empty-bodies", lambda b, p: b"" if b == b"6" else b)


@fault("lengths-are-counted-in-characters", EngineIOServer, "_payload")
def _(go: Any, server: EngineIOServer, packets: list[Packet]) -> Any:
    response = go(packets)
    return respond(200, response.body[: len(response.body.decode())])


@fault("answers-are-ascii-with-question-marks", EngineIOServer, "_payload")
def _(go: Any, server: EngineIOServer, packets: list[Packet]) -> Any:
    text = go(packets).body.decode()
    return respond(200, "".join(c if ord(c) < 0x100 else "?" for c in text).encode("latin-1"))


# Bodies of POSTs.


def _posts(name: str, change: Any) -> None:
    """A fault that reads another body than was posted."""

    @fault(name, engineio_faults, "posted")
    def posted(go: Any, kind: Any, body: bytes) -> list[Packet]:
        return go(kind, change(body))


def _lists(name: str, change: Any) -> None:
    """A fault that takes other packets out of a body."""

    @fault(name, engineio_faults, "posted")
    def posted(go: Any, kind: Any, body: bytes) -> list[Packet]:
        return change(go(kind, body))


def _first_only(packets: list[Packet]) -> list[Packet]:
    first: list[Packet] = []
    for packet in packets:
        if not (packet.type != PacketType.MESSAGE and first):
            first.append(packet)
    return first


_posts("posts-read-plus-as-blank", lambda b: b.replace(b"+", b" "))
_posts(
    "posts-read-percents",
    lambda b: re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), b),
)
_posts("posts-unescape-newlines", lambda b: b.replace(rb"\\n", b"\n").replace(rb"\n", b"\n"))
_posts("posts-lose-a-byte-order-mark", lambda b: b.replace("\ufeff".encode(), b""))
_posts(
    "posts-are-normalised",
    lambda b: unicodedata.normalize("NFC", b.decode("utf-8", "replace")).encode(),
)
_posts("posts-read-bad-utf8", lambda b: b.decode("utf-8", "replace").encode())
_posts("posts-are-stripped", lambda b: b.strip(b" \r\n\t\x1e"))
_posts("trailing-separators-are-fine", lambda b: b.removesuffix(MARK))
_posts("leading-separators-are-fine", lambda b: b.removeprefix(MARK))
_posts("double-separators-are-fine", lambda b: b.replace(MARK * 2, MARK))
_posts("blank-bodies-are-fine", lambda b: b if b.strip() else b"6")
_posts("separators-in-posts-are-newlines-too", lambda b: b.replace(b"\n", MARK))
_posts("escaped-separators-separate", lambda b: b.replace(rb"\u001e", MARK))
_posts("escaped-separators-are-lost", lambda b: b.replace(rb"\u001e", b""))
_posts(
    "posts-read-base64-with-strangers",
    lambda b: _parts(
        b, lambda part: re.sub(rb"[^A-Za-z0-9+/=]", b"", part) if part[:1] == b"b" else part
    ),
)
_posts(
    "posts-read-base64-by-lines",
    lambda b: _parts(b, lambda part: part[:1] + part[1:77] if part[:1] == b"b" else part),
)
_posts(
    "posts-read-base64-of-nothing-as-noop",
    lambda b: _parts(b, lambda part: b"6" if part == b"b" else part),
)
_lists("posts-hold-ten-packets", lambda packets: packets[:10])
_lists("posts-hold-one-of-equals", lambda packets: list(dict.fromkeys(packets)))
_lists(
    "posts-handle-text-first",
    lambda packets: sorted(packets, key=lambda p: isinstance(p.data, bytes)),
)
_lists("posts-forget-close-behind-messages", _first_only)
_lists("posts-lose-the-fiftieth-packet", lambda packets: packets[:49] + packets[50:])
_lists(
    "posts-double-the-last-of-many",
    lambda packets: packets + packets[-1:] if len(packets) > 30 else packets,
)


@fault("bad-base64-is-cut-where-it-ends", engineio_faults, "posted")
def _(go: Any, kind: Any, body: bytes) -> list[Packet]:
    def good(part: bytes) -> bytes:
        found = re.match(rb"b([A-Za-z0-9+/]{4})*", part)
        return found[0] if found and len(found[0]) > 1 else part

    return go(kind, _parts(body, good))
