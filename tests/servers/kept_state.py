"""What a faulty WebSocket server keeps from one message, or from one client, and should not."""

from __future__ import annotations

from typing import Any

from tests.servers.websocket_receiver import BINARY, TEXT

ASTRAL = "\N{MUSICAL SYMBOL G CLEF}"
MOST_PONGS = 50
_by_key: dict[str, Any] = {}  # the first connection of each key
_reasons: list[str] = []


def answer(connection: Any, opcode: int, payload: bytes) -> tuple[Any, int, bytes]:
    """The connection that an answer leaves through, its type and its content."""
    match connection.fault:
        case "keeps-the-end-of-a-longer-message":
            before, connection.kept = connection.kept, payload
            if len(before) > len(payload) > 0 and payload.isupper():
                payload = payload[:-1] + before[len(payload) - 1 : len(payload)]
        case "types-a-message-like-the-last-but-one" if payload == b"turn 5":
            opcode = TEXT
        case "empty-pings-change-the-type" if payload == b"0123":
            opcode = TEXT if opcode == BINARY else BINARY
        case "counts-characters-in-utf-16" if len(payload) > 10_000 and opcode == TEXT:
            payload = payload.decode().replace(ASTRAL, "", 1).encode()
        case "reads-words-of-json" if payload in (b"null", b'""'):
            payload = b""
        case "takes-clients-of-one-key-for-one":
            key = connection.request.get("Sec-WebSocket-Key") or ""
            connection = _by_key.setdefault(key, connection)
    return connection, opcode, payload


def is_deaf(connection: Any) -> bool:
    """Whether messages are not answered any more."""
    many = connection.pong_count >= MOST_PONGS
    return bool(many and connection.fault == "is-deaf-after-many-pongs")


def reason(fault: str | None, code: int | None, text: str) -> str:
    """The reason in the answer to a Close, which a correct server leaves out."""
    if fault != "keeps-reasons" or code != 1001:
        return ""
    _reasons.append(text)
    return next((each for each in reversed(_reasons) if each), "")
