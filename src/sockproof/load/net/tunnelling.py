"""The part of a stream's life in which it speaks with a proxy; without one, nobody comes here."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

from sockproof.load.net.endpoint import why
from sockproof.load.net.tls import Tls, tls_failure
from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Reason
from sockproof.wire.proxy import ProxyError

_READ = 64 * 1024


class Tunnelling:
    """Asks for a tunnel on a stream's socket; then the stream goes on, or it has failed.

    The stream's watcher holds it, so it is gone with that. The stream's time limit counts.
    """

    __slots__ = ("_done", "_is_secure", "_stream", "_tls", "_tunnel")

    def __init__(self, stream: Any, done: Callable[[Tls | None], None]) -> None:
        endpoint = stream.endpoint
        self._stream = stream
        self._done = done
        self._tunnel = endpoint.tunnel()
        self._tls: Tls | None = None  # to the proxy
        self._is_secure = False  # whether its handshake is over
        if endpoint.proxy_context is not None:
            self._tls = Tls(endpoint.proxy_context, endpoint.proxy.host)

    def begin(self) -> None:
        """Say the first word, or begin TLS."""
        self._stream._reader.start(self._readable)
        if self._tls is None:
            self._stream._put(self._tunnel.begin())
        else:
            self._secure(self._tls)

    def _readable(self) -> None:
        stream = self._stream
        try:
            data = stream._socket.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            reason, said = why(error.errno or 0, "reading what the proxy answers")
            ours = reason == Reason.OWN_LIMIT
            stream._fail(reason if ours else Reason.PROXY, said)
            return
        stream.last_received = traffic.read_at = monotonic_ns()
        traffic.bytes_received += len(data)
        if not data:
            stream._fail(Reason.PROXY, "the proxy ended the stream instead of answering")
        elif self._tls is None:
            self._heard(data)
        else:
            self._decrypt(self._tls, data)

    def _secure(self, tls: Tls) -> bool:
        """Go on with the TLS handshake; true once it is over."""
        if self._is_secure:
            return True
        try:
            tls.session.do_handshake()
        except ssl.SSLWantReadError:
            self._put(tls)
            return False
        except (ssl.SSLError, OSError, ValueError) as error:
            self._put(tls)  # the alert that tells the proxy why
            self._stream._fail(Reason.PROXY, f"to the proxy: {tls_failure(error)}")
            return False
        self._is_secure = True
        self._say(self._tunnel.begin())
        return True

    def _decrypt(self, tls: Tls, data: bytes) -> None:
        tls.incoming.write(data)
        if not self._secure(tls):
            return
        try:
            while not self._tunnel.is_open and self._stream._socket is not None:
                plain = tls.session.read(_READ)
                if not plain:
                    raise ssl.SSLEOFError(errno.EPIPE, "the end")
                self._heard(plain)
        except ssl.SSLWantReadError:
            self._put(tls)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._stream._fail(Reason.PROXY, "the proxy ended the stream instead of answering")
        except ssl.SSLError as error:
            self._stream._fail(Reason.PROXY, f"to the proxy: {tls_failure(error)}")

    def _heard(self, data: bytes) -> None:
        stream = self._stream
        try:
            answer = self._tunnel.feed(data)
        except ProxyError as error:
            stream._fail(Reason.UNREACHABLE if error.is_targets else Reason.PROXY, str(error))
            return
        if answer:
            self._say(answer)
        elif self._tunnel.is_open:
            stream._reader.stop()
            self._done(self._tls)

    def _say(self, data: bytes) -> None:
        if self._tls is None:
            self._stream._put(data)
        else:
            self._tls.session.write(data)
            self._put(self._tls)

    def _put(self, tls: Tls) -> None:
        data = tls.outgoing.read()
        if data and self._stream._socket is not None:
            self._stream._put(data)
