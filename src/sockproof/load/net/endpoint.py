"""Where connections go and how: what thousands of them have in common, kept once.

Names are resolved once a process, so that a run measures the target and not the name server.
"""

from __future__ import annotations

import _socket
import copy
import errno
import functools
import itertools
import os
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from sockproof.files import MIB, FileError, opened
from sockproof.runs.load_records import Reason
from sockproof.wire.http import Headers
from sockproof.wire.proxy import Proxy, ProxyError, ProxyUrlError, Tunnel
from sockproof.wire.url import Address, AddressError, basic

SocketAddress = tuple[int, tuple[object, ...]]  # family, and what connect() takes
# What a connection may hold besides messages of the length that is usual.
OWN_SHARE = 64 * 1024

_TCP_INFO = getattr(socket, "TCP_INFO", 0)
_ESTABLISHED = b"\1"  # the first octet of Linux's `struct tcp_info`


class EndpointError(Exception):
    """A URL, a name, a certificate file or a source address that is of no use; one line."""


@functools.cache
def resolve(host: str, port: int) -> tuple[SocketAddress, ...]:
    """The addresses of a host, asked for once a process; raises `EndpointError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or error
        raise EndpointError(f"the name {host!r} cannot be resolved: {what}") from None
    return tuple(dict.fromkeys((int(family), address) for family, _, _, _, address in found))


def checked_headers(headers: Headers) -> Headers:
    """The fields, which can be sent; raises `EndpointError`."""
    for name, value in headers:
        if any(character in name + value for character in "\r\n\0"):
            raise EndpointError(f"the header {name!r} has a line break in it")
        if max(name + value, default="") > "\xff":
            raise EndpointError(f"the header {name!r} has characters beyond Latin-1")
    return headers


def together(common: Headers, own: Headers) -> Headers:
    """All fields: of the common ones, those whose names stand in `own` are left out."""
    names = {name.lower() for name, _ in own}
    return (*(pair for pair in common if pair[0].lower() not in names), *own)


class Endpoint:
    """A URL with all options of its connections; made once and shared.

    Schemes: ws, wss, http, https. Limits are in seconds and octets. `sources` are own addresses
    that are taken in turn; each has some 28,000 ports to one target. `deflate` offers
    permessage-deflate. `path` is that of Socket.IO; without it, the URL's, or `/socket.io/`.
    `proxy` leads to the target. `usual` is the length of the run's own messages.
    Raises `EndpointError`.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        protocols: Sequence[str] = (),
        path: str | None = None,
        deflate: bool = False,
        sources: Sequence[str] = (),
        ca: Path | str | None = None,
        insecure: bool = False,
        cert: Path | str | None = None,
        key: Path | str | None = None,
        proxy: Proxy | None = None,
        connect_limit: float = 10.0,
        close_limit: float = 2.0,
        max_message: int = 16 * MIB,
        max_buffered: int = MIB,
        usual: int = 0,
    ) -> None:
        try:
            address = Address.parse(url)
        except AddressError as error:
            raise EndpointError(str(error)) from None
        for character in path or "":
            if not "!" <= character <= "~":
                raise EndpointError(f"{character!r} must be percent-encoded in a path: {path!r}")
        self.url = url
        self.tls = address.tls
        self.host = address.host
        self.port = address.port
        self.host_header = address.authority
        self.path = address.path
        self.query = address.query
        self.socketio_path = path or (self.path if self.path != "/" else "/socket.io/")
        self.headers = _with_credentials(tuple(headers), address.user)
        checked_headers(self.headers)
        self.protocols = tuple(protocols)
        self.read_rate: float | None = None  # octets a second; None: as fast as they come
        self._offering: dict[tuple[str, ...], Endpoint] = {}
        self._reading: dict[float, Endpoint] = {}
        self._through: dict[str, Endpoint] = {}
        self.deflate = deflate
        self.connect_limit = int(connect_limit * 1e9)  # nanoseconds, like all times below
        self.close_limit = int(close_limit * 1e9)
        self.max_message = max_message
        self.max_buffered = max_buffered
        self.share = OWN_SHARE + 4 * usual  # a server may say it again in JSON, in Base64
        self.verify: bool | str = False if insecure else True if ca is None else str(ca)
        self.context = _context(ca, insecure) if self.tls else None
        # What requests and websocket-client are told: a file, or two.
        self.cert = None if cert is None else str(cert) if key is None else (str(cert), str(key))
        if cert is not None:
            _show_certificate(self.context, cert, key)
        self._ca, self._insecure = ca, insecure
        self._sources: Iterator[tuple[int, str]] | None = None
        self._families: set[int] = set()
        if sources:
            checked = _checked_sources(sources)
            self._sources = itertools.cycle(checked)
            self._families = {family for family, _ in checked}
        self._reach(proxy)

    def _reach(self, proxy: Proxy | None) -> None:
        """Find the way to the target, or to the proxy that leads there."""
        self.proxy = proxy
        host, port = (self.host, self.port) if proxy is None else (proxy.host, proxy.port)
        self.addresses = resolve(host, port)
        self.preferred = 0  # the address that answered last
        if self._families:
            self.addresses = tuple(each for each in self.addresses if each[0] in self._families)
            if not self.addresses:
                what = "IPv4" if socket.AF_INET in self._families else "IPv6"
                raise EndpointError(
                    f"the sources are {what}, but {host} has no address of that kind"
                )
        self.proxy_context = None
        self._told = self.host  # what a proxy is told of the target
        if proxy is not None:
            if proxy.tls:
                self.proxy_context = _context(self._ca, self._insecure)
            if not proxy.resolves:
                self._told = _address(self.host, self.port, proxy.needs_ipv4)
            try:
                self.tunnel()
            except ProxyError as error:
                raise EndpointError(str(error)) from None

    def tunnel(self) -> Tunnel:
        """What is said to the proxy for one connection."""
        assert self.proxy is not None
        return Tunnel(self.proxy, self._told, self.port)

    def through(self, url: str) -> Endpoint:
        """The same endpoint by way of another proxy; empty: of none. Raises `EndpointError`."""
        found = self._through.get(url)
        if found is None:
            try:
                proxy = Proxy.parse(url) if url else None
            except ProxyUrlError as error:
                raise EndpointError(str(error)) from None
            found = self._through[url] = copy.copy(self)
            found._offering, found._reading = {}, {}
            found._reach(proxy)
        return found

    def offering(self, protocols: Sequence[str]) -> Endpoint:
        """The same endpoint with these subprotocols beside its own."""
        if not protocols:
            return self
        found = self._offering.get(tuple(protocols))
        if found is None:
            found = self._offering[tuple(protocols)] = copy.copy(self)
            found.protocols = (*self.protocols, *protocols)
        return found

    def reading(self, rate: float) -> Endpoint:
        """The same endpoint, of whose connections each reads so many octets a second at most."""
        found = self._reading.get(rate)
        if found is None:
            found = self._reading[rate] = copy.copy(self)
            found.read_rate, found._offering = rate, {}
        return found

    def target_of(self, path: str | None, query: Mapping[str, str]) -> str:
        """The request target with another path, and more in its query.

        Raises `EndpointError` for what cannot stand there.
        """
        found = self.target(urlencode(query), path)
        wrong = next((each for each in found if not "!" <= each <= "~"), None)
        if wrong is not None or not found.startswith("/"):
            raise EndpointError(f"no path of a URL: {path!r}")
        return found

    def next_source(self) -> tuple[int, str] | None:
        """The own address (family, text) that the next connection goes out from."""
        return None if self._sources is None else next(self._sources)

    def target(self, extra: str = "", path: str | None = None) -> str:
        """The request target, with `extra` added to the URL's own query."""
        query = "&".join(part for part in (self.query, extra) if part)
        where = self.path if path is None else path
        return f"{where}?{query}" if query else where

    @property
    def is_plain(self) -> bool:
        """Whether what is sent goes to the target itself, and as it is."""
        return self.context is None and self.proxy is None

    @functools.cached_property
    def engineio_target(self) -> str:
        """That of an Engine.IO session that begins with a WebSocket."""
        return self.target("EIO=4&transport=websocket", self.socketio_path)

    def too_late(self, phase: str) -> str:
        """The line for what took longer than the connect limit."""
        way = "" if self.proxy is None else f" (through the proxy {self.proxy.shown})"
        return f"{phase} within {self.connect_limit / 1e9:g} s{way}"

    def why_not_connected(self, number: int, address: Sequence[object]) -> tuple[Reason, str]:
        """The reason and the line for an error number of a connect."""
        where = f"{address[0]} port {address[1]}"
        if self.proxy is not None:
            reason, said = why(number, f"connecting to the proxy, {where}")
            ours = reason in (Reason.OWN_LIMIT, Reason.SOURCE)
            return reason if ours else Reason.PROXY, said
        if number == errno.ECONNREFUSED:
            return Reason.REFUSED, f"nothing listens on {where}"
        return why(number, f"connecting to {where}")


def is_established(connecting: _socket.socket) -> bool:
    """Whether a TCP connection that was asked for is there; false where the system does not say."""
    return bool(_TCP_INFO) and (
        connecting.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1) == _ESTABLISHED
    )


def why(number: int, doing: str) -> tuple[Reason, str]:
    """The reason and the line for an error number of the operating system."""
    said = f"{doing}: {os.strerror(number)}"
    if number in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return Reason.RESET, said
    if number == errno.EADDRNOTAVAIL:
        return Reason.SOURCE, f"{said}; are all ports in use? name more local addresses (--source)"
    if number in (errno.EMFILE, errno.ENFILE):
        return Reason.OWN_LIMIT, f"{said}; raise the limit (ulimit -n)"
    if number in (errno.ENOMEM, errno.ENOBUFS, errno.EACCES, errno.EPERM):
        return Reason.OWN_LIMIT, said
    return Reason.UNREACHABLE, said


def _address(host: str, port: int, is_ipv4: bool) -> str:
    """The address that a proxy is told: of IPv4 where there is one, as python-socks chooses."""
    found = sorted(resolve(host, port), key=lambda each: each[0] != socket.AF_INET)
    if is_ipv4 and found[0][0] != socket.AF_INET:
        raise EndpointError(f"SOCKS 4 needs IPv4, of which {host} has no address")
    return str(found[0][1][0])


def _checked_sources(sources: Sequence[str]) -> list[tuple[int, str]]:
    checked = []
    for text in sources:
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        try:
            socket.inet_pton(family, text)
        except OSError:
            raise EndpointError(f"a source must be a local IP address, not {text!r}") from None
        checked.append((int(family), text))
    return checked


def _context(ca: Path | str | None, insecure: bool) -> ssl.SSLContext:
    try:
        if ca is not None:
            with opened(Path(ca), 16 * MIB):
                pass
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, FileError) as error:
        raise EndpointError(f"cannot read the certificates in {ca}: {error}") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _show_certificate(
    context: ssl.SSLContext | None, cert: Path | str, key: Path | str | None
) -> None:
    if context is None:
        raise EndpointError("a client certificate is for https:// and wss://")
    try:
        for file in (cert,) if key is None else (cert, key):
            with opened(Path(file), 16 * MIB):
                pass
        # Without a word a password would be asked for on the terminal.
        context.load_cert_chain(cert, key, password="")
    except (OSError, FileError, ssl.SSLError) as error:
        said = getattr(error, "reason", None) or error
        raise EndpointError(f"cannot read the client certificate in {cert}: {said}") from None


def _with_credentials(headers: Headers, user: str | None) -> Headers:
    """The fields, and Authorization of the URL's userinfo unless the fields have their own."""
    if user is None or any(name.lower() == "authorization" for name, _ in headers):
        return headers
    return (*headers, ("Authorization", basic(user)))
