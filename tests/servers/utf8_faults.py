"""What a careless UTF-8 decoder lets pass, by fault: RFC 6455, 8.1, and RFC 3629, 3."""

from __future__ import annotations

import re

_REST = rb"[\x80-\xbf]"
ACCEPTED = {
    "accepts-surrogates": rb"\xed[\xa0-\xbf]" + _REST,
    "accepts-overlong-forms": b"|".join(
        (
            rb"[\xc0\xc1]" + _REST,
            rb"\xe0[\x80-\x9f]" + _REST,
            rb"\xf0[\x80-\x8f]" + _REST + rb"{2}",
            rb"\xf8[\x80-\x87]" + _REST + rb"{3}",
            rb"\xfc[\x80-\x83]" + _REST + rb"{4}",
        )
    ),
    "accepts-characters-above-the-last": b"|".join(
        (
            rb"\xf4[\x90-\xbf]" + _REST + rb"{2}",
            rb"[\xf5-\xf7]" + _REST + rb"{3}",
            rb"[\xf8-\xfb]" + _REST + rb"{4}",
            rb"[\xfc\xfd]" + _REST + rb"{5}",
        )
    ),
}


def overlooking(fault: str | None, payload: bytes) -> bytes:
    """The text as such a decoder sees it: what it should have refused is a question mark."""
    accepted = ACCEPTED.get(fault or "")
    return payload if accepted is None else re.sub(accepted, b"?", payload)


def is_refused(fault: str | None, text: str) -> bool:
    """Whether a server with this fault refuses the valid text."""
    match fault:
        case "refuses-uncommon-text":
            return "\0" in text or not text.isascii()
        case "refuses-noncharacters":
            return any(ord(char) & 0xFFFE == 0xFFFE for char in text)
        case "refuses-the-private-use-area":
            return "\ue000" in text
        case "refuses-nul":
            return "\0" in text
        case "refuses-empty-text":
            return not text
    return False


def misjoined(fault: str | None, payload: bytes) -> bytes:
    """A message that came in fragments, as such a server puts it together."""
    match fault:
        case "joins-fragments-with-a-blank" if payload.startswith(b"Hello-"):
            return payload[:15] + b" " + payload[15:]
        case "loses-what-follows-an-empty-fragment" if payload == b"middle frame payload":
            return b""
        case "fills-messages-of-empty-fragments" if not payload:
            return b"?"
    return payload


def is_utf8(payload: bytes) -> bool:
    """Whether all of it is (RFC 3629)."""
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
