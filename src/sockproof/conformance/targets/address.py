"""The URL of a target, taken apart: RFC 6455, section 3, and http(s) for Socket.IO."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from sockproof.wire.credentials import masked_url

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
        """Take a URL apart; raises `AddressError` with a line that says what to mend."""
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
