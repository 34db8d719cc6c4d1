"""Proxies: their URLs, and what is said to one until octets pass through it to a target.

The rules that hold here:

* A tunnel is made for every scheme, `http://` and `ws://` included: what stands between passes
  octets on and reads none of them.
* What a proxy answers is bounded, read octet by octet if need be, and never believed.

Sections: RFC 9110, 9.3.6 (CONNECT); RFC 1928 (SOCKS 5); RFC 1929 (its user and password).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes, urlsplit

from sockproof.wire import WireError
from sockproof.wire.http import HeadReader, Request, parse_response_head
from sockproof.wire.url import basic, masked_url

MAX_HEAD = 64 * 1024
MAX_INTERIM = 100  # interim responses before an answer
PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080, "socks4a": 1080}
_REMOTE = ("http", "https", "socks5h", "socks4a")  # that resolve the target's name themselves

_NO_LOGIN, _BY_PASSWORD, _NONE = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
# Of SOCKS 5, and whether it is the server that cannot be reached.
_REPLIES = {
    1: ("general failure", False),
    2: ("its rules do not allow this", False),
    3: ("network unreachable", True),
    4: ("host unreachable", True),
    5: ("connection refused", True),
    6: ("TTL expired", True),
    7: ("it does not support this command", False),
    8: ("it does not support this type of address", False),
}
_REPLIES_4 = {0x5B: "rejected, or failed", 0x5C: "no identd", 0x5D: "identd names another user"}
_GATEWAY = (502, 503, 504)


class ProxyUrlError(ValueError):
    """A URL that cannot be a proxy's; the message is one line without secrets."""


class ProxyError(WireError):
    """A proxy makes no tunnel; `is_targets` where it says that it cannot reach the target."""

    def __init__(self, text: str, is_targets: bool = False) -> None:
        super().__init__(text)
        self.is_targets = is_targets


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, and what it is asked by; `shown` is its URL without secrets."""

    scheme: str
    host: str
    port: int
    userinfo: str | None = field(repr=False)  # as the URL has it, percent-encoded
    url: str = field(repr=False)
    shown: str

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Take a URL apart; HOST:PORT alone is an HTTP proxy's. Raises `ProxyUrlError`."""
        whole = url if "://" in url else f"http://{url}"
        shown = masked_url(whole)
        try:
            parts = urlsplit(whole)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ProxyUrlError("a proxy's URL is invalid: its host or its port") from None
        if parts.scheme not in PORTS:
            known = ", ".join(f"{each}://" for each in PORTS)
            raise ProxyUrlError(f"a proxy's URL begins with one of {known}")
        if not host or any(character.isspace() for character in url):
            raise ProxyUrlError(f"{shown!r} is not a proxy's URL with a host and a port")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ProxyUrlError(f"{shown!r} has more than a proxy's host and port")
        found = cls(
            scheme=parts.scheme,
            host=host,
            port=PORTS[parts.scheme] if port is None else port,
            userinfo=parts.netloc.rpartition("@")[0] or None,
            url=whole,
            shown=shown,
        )
        if found.scheme.startswith("socks5") and max(map(len, found.login)) > 255:
            raise ProxyUrlError("SOCKS 5 has no users or passwords of more than 255 octets")
        return found

    @property
    def tls(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.scheme == "https"

    @property
    def resolves(self) -> bool:
        """Whether it is told the target's name; without that, an address."""
        return self.scheme in _REMOTE

    @property
    def needs_ipv4(self) -> bool:
        """Whether it is told an address of IPv4 alone."""
        return self.scheme == "socks4"

    @property
    def login(self) -> tuple[bytes, bytes]:
        """User and password, decoded; empty where there are none."""
        user, _, password = (self.userinfo or "").partition(":")
        return unquote_to_bytes(user), unquote_to_bytes(password)


class Tunnel:
    """What is said to a proxy and heard of it, until it passes octets on."""

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        """`host` is what the proxy is told: a name, or the text of an address."""
        self.proxy = proxy
        self.is_open = False
        self._talk = _TALKS[proxy.scheme](proxy, host, port)
        self._first = next(self._talk)

    def begin(self) -> bytes:
        """What is sent first."""
        return self._first

    def feed(self, data: bytes) -> bytes:
        """Take octets of the proxy; returns what is to be sent. Raises `ProxyError`."""
        try:
            return self._talk.send(data)
        except StopIteration as end:
            self.is_open = True
            if end.value:
                text = "the proxy sent octets behind its answer that nobody asked for"
                raise ProxyError(text) from None
            return b""


_Talk = Generator[bytes, bytes, bytes]  # what is sent, what is received; the octets behind


def _connect(proxy: Proxy, host: str, port: int) -> _Talk:
    authority = f"[{host}]:{port}" if ":" in host else f"{_ascii(host).decode('ascii')}:{port}"
    request = Request(authority, (("Host", authority),), method="CONNECT")
    if proxy.userinfo is not None:
        request = request.adding("Proxy-Authorization", basic(proxy.userinfo))
    data = yield request.encode()
    for _ in range(MAX_INTERIM):
        reader = HeadReader(MAX_HEAD)
        try:
            while (read := reader.feed(data)) is None:
                data = yield b""
            lines, wrong, data = read
            response = parse_response_head(lines, wrong)
        except WireError as error:
            raise ProxyError(f"the proxy's answer cannot be read: {error}") from None
        if 200 <= response.status < 300:
            return data
        if response.status >= 200:
            said = f"{response.status} {response.reason[:80]}".rstrip()
            reaches = response.status not in _GATEWAY
            what = "the proxy answered" if reaches else "the proxy cannot reach the server:"
            hint = _login_hint(proxy) if response.status == 407 else ""
            raise ProxyError(f"{what} {said}{hint}", not reaches)
    raise ProxyError(f"the proxy sent more than {MAX_INTERIM} interim responses")


def _socks5(proxy: Proxy, host: str, port: int) -> _Talk:
    user, password = proxy.login
    target = _address5(host) + port.to_bytes(2, "big")
    ways = bytes((_NO_LOGIN, _BY_PASSWORD)) if proxy.userinfo is not None else bytes((_NO_LOGIN,))
    rest = yield bytes((5, len(ways))) + ways
    answer, rest = yield from _exactly(2, rest)
    if answer[0] != 5:
        raise ProxyError(f"the proxy does not speak SOCKS 5: it answered {answer!r}")
    if answer[1] == _BY_PASSWORD and _BY_PASSWORD in ways:
        rest += yield bytes((1, len(user))) + user + bytes((len(password),)) + password
        status, rest = yield from _exactly(2, rest)
        if status[1]:
            raise ProxyError(f"the proxy refuses the login{_login_hint(proxy)}")
    elif answer[1] == _NONE:
        raise ProxyError(f"the proxy accepts no login that is offered{_login_hint(proxy)}")
    elif answer[1] != _NO_LOGIN:
        raise ProxyError(f"the proxy chose a login that was not offered: {answer[1]}")
    rest += yield b"\5\1\0" + target
    head, rest = yield from _exactly(2, rest)
    if head[0] != 5:
        raise ProxyError(f"the proxy does not speak SOCKS 5: it answered {head!r}")
    if head[1]:
        said, is_targets = _REPLIES.get(head[1], ("unknown", False))
        what = "the proxy cannot reach the server" if is_targets else "the proxy refuses"
        raise ProxyError(f"{what}: {said} (SOCKS 5, reply {head[1]})", is_targets)
    head, rest = yield from _exactly(3, rest)
    if head[1] == _NAME:
        length, more = head[2], 2
    elif head[1] in (_IPV4, _IPV6):
        length, more = 4 if head[1] == _IPV4 else 16, 1
    else:
        raise ProxyError(f"the proxy answered with an unknown type of address: {head[1]}")
    _, rest = yield from _exactly(length + more, rest)
    return rest


def _socks4(proxy: Proxy, host: str, port: int) -> _Talk:
    try:
        address, name = ipaddress.IPv4Address(host).packed, b""
    except ValueError:
        address, name = b"\0\0\0\1", _ascii(host) + b"\0"  # SOCKS 4A
    user = proxy.login[0]
    rest = yield b"\4\1" + port.to_bytes(2, "big") + address + user + b"\0" + name
    answer, rest = yield from _exactly(2, rest)
    if answer[0]:
        raise ProxyError(f"the proxy does not speak SOCKS 4: it answered {answer!r}")
    if answer[1] != 0x5A:
        said = _REPLIES_4.get(answer[1], "unknown")
        raise ProxyError(f"the proxy refuses: {said} (SOCKS 4, reply {answer[1]})")
    _, rest = yield from _exactly(6, rest)
    return rest


_TALKS = {
    **dict.fromkeys(("http", "https"), _connect),
    **dict.fromkeys(("socks5", "socks5h"), _socks5),
    **dict.fromkeys(("socks4", "socks4a"), _socks4),
}


def _exactly(count: int, rest: bytes) -> Generator[bytes, bytes, tuple[bytes, bytes]]:
    """So many octets, and those behind them."""
    while len(rest) < count:
        rest += yield b""
    return rest[:count], rest[count:]


def _address5(host: str) -> bytes:
    try:
        packed = ipaddress.ip_address(host.partition("%")[0]).packed
    except ValueError:
        name = _ascii(host)
        return bytes((_NAME, len(name))) + name
    return bytes((_IPV4 if len(packed) == 4 else _IPV6,)) + packed


def _ascii(host: str) -> bytes:
    try:
        name = host.encode("ascii" if host.isascii() else "idna")
    except UnicodeError:
        name = b""
    if not 0 < len(name) <= 255:
        raise ProxyError(f"{host[:80]!r} is no name that a proxy can be told")
    return name


def _login_hint(proxy: Proxy) -> str:
    if proxy.userinfo is None:
        return f" (user and password stand in its URL: {proxy.scheme}://USER:PASSWORD@HOST:PORT)"
    return " (to the user and password of its URL)"
