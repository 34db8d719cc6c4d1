"""URLs of targets: taken apart (RFC 6455, 3; http and https for Socket.IO), and shown.

A URL may hold credentials: what is sent of them, and how a URL is shown without them.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlsplit

_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_SECRET_NAME = re.compile(
    r"token|auth|key|secret|passw|pwd|signature|\bsig\b|session|\bsid\b|jwt|credential",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"([?&])([^=&#]*)=([^&#\s]+)")

DEFAULT_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}


class AddressError(ValueError):
    """A URL that cannot be a target's; the message is one line."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target listens; `target` is path and query as a request line holds them."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    query: str
    user: str | None = None  # the URL's userinfo, as it is sent in Basic credentials

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take a URL apart; raises `AddressError` with a line that says what to correct."""
        shown = masked_url(url)
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise AddressError(f"{shown!r} is not a URL: {error}") from None
        if parts.scheme not in DEFAULT_PORTS:
            wanted = "ws://, wss://, http:// or https://"
            raise AddressError(f"{shown!r} does not begin with {wanted}")
        if not host or any(character.isspace() for character in url):
            raise AddressError(f"{shown!r} is not a URL with a host, like ws://127.0.0.1:8765/")
        if parts.fragment:
            raise AddressError(f"{shown!r} has a fragment; a WebSocket URL has none (RFC 6455, 3)")
        user = None
        if parts.username is not None:
            user = f"{parts.username}:{parts.password or ''}"
        return cls(
            url=url,
            scheme=parts.scheme,
            host=host,
            port=DEFAULT_PORTS[parts.scheme] if port is None else port,
            path=quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._"),
            query=quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]"),
            user=user,
        )

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("wss", "https")

    @property
    def is_websocket(self) -> bool:
        """Whether the target is a WebSocket server rather than a Socket.IO one."""
        return self.scheme in ("ws", "wss")

    @property
    def authority(self) -> str:
        """The Host field's value: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """Path and query for the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


def basic(userinfo: str) -> str:
    """The Authorization field's value for a URL's `user:password` (RFC 7617, 2; RFC 3986, 3.2.1).

    Percent-encoded octets are sent decoded; a missing password is an empty one.
    """
    user, _, password = userinfo.partition(":")
    octets = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(octets).decode("ascii")


def is_secret(name: str) -> bool:
    """Whether a parameter of this name is likely to be nobody else's business."""
    return _SECRET_NAME.search(name) is not None


def masked_url(url: str) -> str:
    """`url`, valid or not, with asterisks for its userinfo and for parameters named as secrets."""
    return _PARAMETER.sub(_masked, _USERINFO.sub("***@", url))


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}=***" if is_secret(found[2]) else found[0]
