"""The way of a real client's sockets through a proxy.

The libraries have ways of their own, without limits: an answer of any length is read, octet by
octet, and what was wrong is not told. So each socket is given to them when the tunnel is there.
"""

from __future__ import annotations

import contextlib
import socket
import time

import gevent

from sockproof.load.net.endpoint import Endpoint, why
from sockproof.load.net.tls import tls_failure
from sockproof.runs.load_records import Reason
from sockproof.wire.proxy import Proxy, ProxyError

_READ = 64 * 1024


class WayFailed(OSError):
    """The proxy makes no tunnel."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Way:
    """How one client's sockets reach the target; `failed` is what was wrong last."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.failed: WayFailed | None = None

    @property
    def is_direct(self) -> bool:
        """Whether there is no proxy."""
        return self._endpoint.proxy is None

    def dial(self) -> socket.socket:
        """A socket whose octets reach the target; raises `WayFailed`."""
        endpoint = self._endpoint
        proxy = endpoint.proxy
        assert proxy is not None
        try:
            return self._tunnelled(proxy)
        except WayFailed as error:
            self.failed = error
        except TimeoutError:
            text = endpoint.too_late("the proxy did not connect")
            self.failed = WayFailed(Reason.CONNECT_TIMEOUT, text)
        except ProxyError as error:
            reason = Reason.UNREACHABLE if error.is_targets else Reason.PROXY
            self.failed = WayFailed(reason, str(error))
        except OSError as error:  # TLS, too
            reason, said = why(error.errno or 0, "speaking with the proxy")
            if reason not in (Reason.OWN_LIMIT, Reason.SOURCE):
                reason = Reason.PROXY
            is_tls = type(error).__module__ == "ssl"
            text = f"to the proxy: {tls_failure(error)}" if is_tls else said
            self.failed = WayFailed(reason, text)
        raise self.failed

    def _tunnelled(self, proxy: Proxy) -> socket.socket:
        endpoint = self._endpoint
        until = time.monotonic() + endpoint.connect_limit / 1e9
        found = self._connected(until)
        try:
            if endpoint.proxy_context is not None:
                found = endpoint.proxy_context.wrap_socket(found, server_hostname=proxy.host)
            tunnel = endpoint.tunnel()
            found.sendall(tunnel.begin())
            while not tunnel.is_open:
                found.settimeout(max(0.001, until - time.monotonic()))
                data = found.recv(_READ)
                if not data:
                    text = "the proxy ended the stream instead of answering"
                    raise WayFailed(Reason.PROXY, text)
                if answer := tunnel.feed(data):
                    found.sendall(answer)
        except BaseException:
            found.close()
            raise
        return found if endpoint.proxy_context is None else _without_tls(found)

    def _connected(self, until: float) -> socket.socket:
        for family, address in self._endpoint.addresses:
            found = socket.socket(family, socket.SOCK_STREAM)
            try:
                found.settimeout(max(0.001, until - time.monotonic()))
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                found.connect(address)
            except TimeoutError:
                found.close()
                text = self._endpoint.too_late("no TCP connection")
                raise WayFailed(Reason.CONNECT_TIMEOUT, text) from None
            except OSError as error:
                found.close()
                failed = WayFailed(*self._endpoint.why_not_connected(error.errno or 0, address))
            else:
                return found
        raise failed


def _without_tls(secured: socket.socket) -> socket.socket:
    """A socket whose octets go through TLS: the libraries may have TLS of their own within."""
    near, far = socket.socketpair()
    secured.settimeout(None)
    gevent.spawn(_pass_on, secured, far)
    gevent.spawn(_pass_on, far, secured)
    return near


def _pass_on(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_READ):
            to.sendall(data)
    for each in (to, source):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
