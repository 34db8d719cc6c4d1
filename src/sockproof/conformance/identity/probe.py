"""Requests that find out what a server is, and their answers in words.

Each goes over a connection of its own, and is bounded in time and in octets. What a server says
is shown in one line, its control characters as text.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import unescape

from sockproof.conformance.capabilities.websocket import NO_ANSWER, asking
from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import Failure
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.peers.upgrade_response import check_upgrade
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire.engineio import is_like_open
from sockproof.wire.http import Request, Response
from sockproof.wire.url import Address

SHOWN = 120  # characters of whatever a server says
BODY = 16 * 1024  # octets of a body that are looked at
BODY_PATIENCE = 1.0  # seconds that a body may take; some never end
POLLING = "EIO=4&transport=polling"

_EIO3 = re.compile(rb"\d{1,9}:0\{|\x00[\x00-\x09]{1,9}\xff0\{")
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,500})</title", re.IGNORECASE)
_PASSWORD = re.compile(rb"type\s{0,9}=\s{0,9}[\"']?password", re.IGNORECASE)
_PAGE = re.compile(rb"\s{0,99}(<!doctype html|<html|<head|<body)", re.IGNORECASE)


def shown(text: str, most: int = SHOWN) -> str:
    """The text in one line, bounded, what cannot be printed written as Python writes it."""
    head = text[:most]
    safe = "".join(each if each.isprintable() else _escaped(each) for each in head)
    return safe + ("…" if len(text) > most else "")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


@dataclass(frozen=True, slots=True)
class Answer:
    """A request and its response, with the beginning of the body."""

    request: Request
    response: Response

    @property
    def status(self) -> int:
        """The response's status code."""
        return self.response.status

    @property
    def body(self) -> bytes:
        """The beginning of the body."""
        return self.response.body

    @property
    def location(self) -> str | None:
        """Where a redirect leads to."""
        return self.response.get("Location") if 300 <= self.status < 400 else None

    @property
    def title(self) -> str | None:
        """The title of a web page, or its kind; None when this is no page."""
        found = _TITLE.search(self.body)
        if found is not None:
            return shown(unescape(found[1].decode("utf-8", "replace")).strip())
        is_page = "text/html" in (self.response.get("Content-Type") or "").lower()
        return "without a title" if is_page or _PAGE.match(self.body) else None

    @property
    def asks_for_a_password(self) -> bool:
        """Whether the page has a field for a password."""
        return _PASSWORD.search(self.body) is not None

    @property
    def text(self) -> str:
        """Reason, fields and body as one text to look for words in."""
        fields = "\n".join(f"{name}: {value}" for name, value in self.response.headers)
        return f"{self.response.reason}\n{fields}\n{self.body.decode('utf-8', 'replace')}"

    @property
    def is_engineio(self) -> bool:
        """Whether this is the payload of a handshake of Engine.IO 4, right or not quite."""
        return self.status == 200 and is_like_open(self.body)

    @property
    def is_old_engineio(self) -> bool:
        """Whether this is a payload of Engine.IO 3, or says so."""
        if self.status == 200:
            return _EIO3.match(self.body) is not None
        return b"nsupported protocol version" in self.body or b"nsupported version" in self.body

    @property
    def is_upgrade(self) -> bool:
        """Whether a WebSocket is open."""
        with contextlib.suppress(Failure):
            check_upgrade(self.request, self.response)
            return True
        return False

    def __str__(self) -> str:
        parts = [f"{self.request.method} {self.request.target} was answered with {self.response}"]
        for name in ("Location", "WWW-Authenticate"):
            value = self.response.get(name)
            parts += [] if value is None else [f"{name}: {shown(value)}"]
        lines = self.body.decode("utf-8", "replace").splitlines()
        first = next((line.strip() for line in lines if line.strip()), "")
        parts += [f'"{shown(first)}"'] if first else []
        return shown(", ".join(parts), 6 * SHOWN)


class Prober:
    """Asks one server; it has `limit` seconds for each answer."""

    def __init__(self, server: Server, limit: float) -> None:
        self.server = server
        self.limit = limit

    @property
    def address(self) -> Address:
        """Where the server is."""
        return self.server.address

    def url(self, scheme: str | None = None, path: str | None = None) -> str:
        """The server's URL with another scheme or path, without what may be secret in it."""
        over = replace(self.address, scheme=scheme or self.address.scheme)
        return f"{over.scheme}://{over.authority}{path or over.path}"

    def secure(self, scheme: str) -> str:
        """`scheme` with an s where the connection is encrypted."""
        return f"{scheme}s" if self.address.tls else scheme

    def _target(self) -> Target:
        return Target(self.server, CaseContext(WireLog()))

    async def ask(self, request: Request) -> Answer | None:
        """The answer to a request; None where no HTTP comes back."""
        async with asking() as context:
            with contextlib.suppress(*NO_ANSWER):
                async with asyncio.timeout(self.limit):
                    peer = await Target(self.server, context).http()
                    response = await peer.ask(request, body=False)
                    if response.status != 101:
                        response = await peer.beginning(response, BODY, BODY_PATIENCE)
                return Answer(request, response)
        return None

    def handshake_request(
        self,
        path: str | None = None,
        protocols: Iterable[str] | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Request:
        """The opening handshake of a WebSocket, at the URL's path or another."""
        return self._target().upgrade_request(path, protocols=protocols, headers=headers)

    def polling_request(self, path: str | None = None) -> Request:
        """The first request of an Engine.IO session, at the URL's path or another."""
        request = self._target().engineio_request("GET", POLLING)
        query = request.target.partition("?")[2]
        return request if path is None else replace(request, target=f"{path}?{query}")

    async def handshake(
        self,
        path: str | None = None,
        protocols: Iterable[str] | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Answer | None:
        """The answer to an opening handshake."""
        return await self.ask(self.handshake_request(path, protocols, headers))

    async def polling(self, path: str | None = None) -> Answer | None:
        """The answer to the first request of an Engine.IO session."""
        return await self.ask(self.polling_request(path))

    async def opens_engineio_websocket(self) -> bool:
        """Whether an Engine.IO session opens on a WebSocket at once."""
        async with asking() as context:
            with contextlib.suppress(*NO_ANSWER):
                async with asyncio.timeout(self.limit):
                    await Target(self.server, context).connect_engineio("websocket")
                return True
        return False
