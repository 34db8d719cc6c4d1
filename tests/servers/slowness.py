"""Faults that take time by the square of a length, where a correct server reads it once.

The time is slept away, so that a test of it keeps no processor busy.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from sockproof.wire.http import Request

UNIT = 4096  # octets of what is long that take `SECONDS`, and twice as many four times as long
SECONDS = 0.0125
MOST = 2.0
_BLANKS = re.compile(r"[ \t]+")
_DIGITS = re.compile(r"[0-9]+")
_HEAD = re.compile(r"4[0-6][^\[]*")
_NAME = re.compile(r'42\["([^"]*)"')


def _longest(pattern: re.Pattern[str], text: str) -> int:
    return max((len(found[0]) for found in pattern.finditer(text)), default=0)


def _values(request: Request) -> str:
    return "\n".join(value for _, value in request.headers)


# How many octets of what is slow to read a request, a message or a body has.
OF_REQUESTS: dict[str, Callable[[Request], int]] = {
    "tries-each-blank": lambda request: 2 * _longest(_BLANKS, _values(request)),
    "copies-lists-for-each-member": lambda request: 2 * _values(request).count(","),
    "compares-parameters-with-each-other": lambda request: (
        2 * _values(request).count(";") + 2 * _values(request).count("=")
    ),
    "copies-quoted-text-at-each-escape": lambda request: 4 * _values(request).count("\\"),
    "looks-each-field-up": lambda request: 16 * (len(request.headers) - 8),
    "copies-targets-at-each-octet": lambda request: len(request.target),
    "copies-targets-at-each-octet-of-a-query": lambda request: 3 * len(request.target),
    "splits-cookies-one-by-one": lambda request: 12 * (request.get("Cookie") or "").count(";"),
    "matches-origins-label-by-label": lambda request: 3 * len(request.get("Origin") or ""),
}
OF_MESSAGES: dict[str, Callable[[str], int]] = {
    "copies-heads-at-each-octet": lambda text: _longest(_HEAD, text),
    "compares-arguments-with-each-other": lambda text: 2 * text.count(","),
    "reads-numbers-digit-by-digit": lambda text: _longest(_DIGITS, text),
    "copies-what-is-nested": lambda text: 2 * text.count("[") + 5 * text.count('{"":'),
    "copies-text-at-each-escape": lambda text: 3 * text.count("\\"),
    "tries-each-blank-of-a-packet": lambda text: _longest(_BLANKS, text),
    "hashes-names-badly": lambda text: _longest(_NAME, text),
    "looks-for-the-end-of-text-again": lambda text: len(text) if text.endswith("a") else 0,
    "looks-attachments-up-one-by-one": lambda text: 32 * text.count('"num":') - 64,
    "splits-payloads-at-each-packet": lambda text: 20 * text.count("\x1e"),
    "decodes-base64-group-by-group": lambda text: len(text) if text[:1] == "b" else 0,
}


async def _takes(octets: int) -> None:
    if octets > 0:
        await asyncio.sleep(min(MOST, SECONDS * (octets / UNIT) ** 2))


async def request_read(fault: str | None, request: Request) -> None:
    """A request has been read."""
    if fault in OF_REQUESTS:
        await _takes(OF_REQUESTS[fault](request))


async def message_read(fault: str | None, message: str | bytes) -> None:
    """A message or the body of a POST has been read."""
    if fault in OF_MESSAGES and isinstance(message, str):
        await _takes(OF_MESSAGES[fault](message))


async def frames_joined(fault: str | None, fragments: int, octets: int, compressed: bool) -> None:
    """A message of so many fragments and octets, as they came, has been put together."""
    match fault:
        case "copies-messages-at-each-fragment" if fragments > 1:
            await _takes(16 * fragments)
        case "copies-messages-at-each-segment" if fragments == 1:
            await _takes(octets)
        case "copies-messages-at-each-block" if compressed:
            await _takes(octets)
