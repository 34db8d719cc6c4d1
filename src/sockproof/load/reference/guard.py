"""What keeps the libraries of the reference client from being held up or filled up by a server.

They have no limits of their own: a frame, a head or a body may be of any length and come for
ever, and a socket that always has something to read never lets another greenlet run. So their
sockets are watched. What is too long or too late is an `OSError`, which both libraries take for
the end of a connection.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading
import time
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import gevent
import gevent.local
import requests
import requests.adapters
import urllib3
import websocket
from engineio.payload import Payload
from websocket._abnf import continuous_frame, frame_buffer
from websocket._http import _ssl_socket, connect, proxy_info

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.reference.way import Way
from sockproof.load.socketio.polling import MAX_COOKIE_OCTETS, MAX_COOKIES
from sockproof.load.traffic import MAX_HELD, SHOWN_FAILURES, held, traffic

MAX_HEAD = 256 * 1024  # octets of an answer's head, and of what frames its body
CHUNK = 4096  # octets of a body at a time; compressed, they may be a thousand times as many
TURN = 32  # reads after which others have a turn
# The library stops reading, without a word, at a body of more than 16 packets, which is no fault
# of the server's; how big a body may be is bounded by its octets.
Payload.max_decode_packets = 10_000
_log = logging.getLogger("sockproof")
# First octets in UTF-8 of characters for which Python takes four octets, and two, for each of all.
_FOURFOLD, _TWOFOLD = re.compile(rb"[\xf0-\xf4]"), re.compile(rb"[\xc4-\xef]")
_FOLLOWING = bytes(range(0x80, 0xC0))  # octets in UTF-8 that begin no character
_dial: Any = connect
_secure: Any = _ssl_socket
_no_proxy: Any = proxy_info
_DIRECT = _no_proxy()
_DIRECT.no_proxy = ["*"]  # whatever the environment says: an endpoint has its proxy
_allowed = gevent.local.local()  # what the current greenlet may still read, and until when


class TooMuch(OSError):
    """A server said more than is taken, or took longer than is waited for."""


@contextlib.contextmanager
def allowance(octets: int, seconds: float, what: str) -> Iterator[None]:
    """Inside, this greenlet reads no more from watched sockets, and no longer."""
    before = dict(vars(_allowed)) if hasattr(_allowed, "__dict__") else {}
    _allowed.octets, _allowed.until, _allowed.what = octets, time.monotonic() + seconds, what
    try:
        yield
    finally:
        for name in ("octets", "until", "what"):
            if name in before:
                setattr(_allowed, name, before[name])
            elif hasattr(_allowed, name):
                delattr(_allowed, name)


def see_text(octets: bytes | bytearray, most: int) -> None:
    """See that text in UTF-8 takes no more octets of memory than `most`; raises `TooMuch`.

    One wide character makes all others as wide, in each of the libraries' copies.
    """
    if 4 * len(octets) <= most or octets.isascii():
        return
    width = 4 if _FOURFOLD.search(octets) else 2 if _TWOFOLD.search(octets) else 1
    whole = width * len(octets.translate(None, _FOLLOWING))
    if whole > most:
        raise TooMuch(f"a text is too big: {whole} octets of memory, more than {most}")


class Watched:
    """A socket whose reads are counted, and let others run."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def recv(self, size: int) -> bytes:
        data: bytes = self._inner.recv(size)
        self.look(len(data))
        return data

    def makefile(self, mode: str = "rb", buffering: int | None = None, **_: Any) -> Any:
        """What http.client reads from."""
        del mode, buffering
        return io.BufferedReader(_Raw(self, self._inner.makefile("rb", buffering=0)))

    def look(self, octets: int) -> None:
        """Some octets were read; raises `TooMuch`."""
        self._reads += 1
        if self._reads % TURN == 0:
            gevent.sleep(0)
        if not hasattr(_allowed, "until"):
            return
        _allowed.octets -= octets
        if _allowed.octets < 0:
            raise TooMuch(f"{_allowed.what} is too long")
        if time.monotonic() > _allowed.until:
            raise TooMuch(f"{_allowed.what} timed out")


class _Raw(io.RawIOBase):
    def __init__(self, watched: Watched, inner: Any) -> None:
        self._watched, self._raw = watched, inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._raw.readinto(buffer) or 0
        self._watched.look(count)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


# WebSocket.


class _Frames(frame_buffer):
    """Frames of bounded length."""

    def __init__(self, owner: GuardedWebSocket) -> None:
        super().__init__(owner._recv, True)
        self._owner = owner

    def recv_header(self) -> None:
        super().recv_header()
        if self.has_mask():
            raise websocket.WebSocketProtocolException("a frame from the server is masked")

    def recv_length(self) -> None:
        super().recv_length()
        self._owner.expect(self.length or 0)


class _Fragments(continuous_frame):
    """Messages of bounded length."""

    def __init__(self, owner: GuardedWebSocket) -> None:
        super().__init__(False, True)
        self._owner = owner

    def add(self, frame: Any) -> None:
        if not frame.fin and not self.cont_data:
            frame.data = bytearray(frame.data)  # grows in its place, and is not copied each time
        super().add(frame)
        self._owner.collected = 0 if frame.fin or not self.cont_data else len(self.cont_data[1])
        self._owner.expect(0)

    def extract(self, frame: Any) -> Any:
        found = super().extract(frame)
        frame.data = bytes(frame.data)
        return found


def web_socket(endpoint: Endpoint, way: Way) -> type[GuardedWebSocket]:
    """websocket-client's class, with the limits of this endpoint and the way to it."""
    return type("GuardedWebSocket", (GuardedWebSocket,), {"endpoint": endpoint, "way": way})


class GuardedWebSocket(websocket.WebSocket):
    """The library's WebSocket, with limits; texts are not looked at, which takes it very long."""

    endpoint: Endpoint
    way: Way

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "skip_utf8_validation": True})
        self.frame_buffer = _Frames(self)
        self.cont_frame = _Fragments(self)
        self.collected = 0  # octets of fragments
        self._beyond = 0

    def connect(self, url: str, **options: Any) -> None:
        """Connect as the library does, within the endpoint's limits."""
        seconds = self.endpoint.connect_limit / 1e9
        with allowance(MAX_HEAD, seconds, "the answer to the opening handshake"):
            dialled = self._dialled(url)
            options["socket"] = Watched(dialled)
            super().connect(url, **options)  # type: ignore[no-untyped-call]

    def _dialled(self, url: str) -> Any:
        if self.way.is_direct:
            return _dial(url, self.sock_opt, _DIRECT, None)[0]
        dialled = self.way.dial()
        dialled.settimeout(self.sock_opt.timeout)
        if self.endpoint.context is None:
            return dialled
        return _secure(dialled, self.sock_opt.sslopt, self.endpoint.host)

    def recv(self) -> str | bytes:
        """The next message; raises `TooMuch`, and what the library raises."""
        with self.readlock:
            opcode, data = self.recv_data()
        if opcode == websocket.ABNF.OPCODE_TEXT:
            see_text(data, self.endpoint.max_message)
            return str(data, "utf-8")
        return bytes(data) if opcode == websocket.ABNF.OPCODE_BINARY else ""

    def expect(self, length: int) -> None:
        """So many octets are about to come; raises `TooMuch`."""
        most = self.endpoint.max_message
        whole = self.collected + length
        if whole > most:
            raise TooMuch(f"a message is too big: {whole} octets, more than {most}")
        self._beyond = held(self._beyond, whole, self.endpoint.share)
        if self._beyond and traffic.held > MAX_HELD:
            raise TooMuch("too big: incomplete messages of all connections together")

    def shutdown(self) -> None:
        """Close the socket, whatever it waits for."""
        super().shutdown()  # type: ignore[no-untyped-call]
        self._beyond = held(self._beyond, 0, 0)
        self.frame_buffer.recv_buffer = []  # of a message that will not be whole any more
        self.cont_frame.cont_data = None

    def _recv(self, bufsize: int) -> Any:
        data = super()._recv(bufsize)  # type: ignore[no-untyped-call]
        if self.sock is None:  # it was shut down meanwhile, and what came before is gone
            raise websocket.WebSocketConnectionClosedException("socket is already closed.")
        return data


# HTTP.


class _Led(urllib3.connection.HTTPConnection):
    """A connection that goes its way, and is watched."""

    way: Way

    def _new_conn(self) -> Any:
        return super()._new_conn() if self.way.is_direct else self.way.dial()

    def connect(self) -> None:
        super().connect()
        self.sock = Watched(self.sock)


class _LedSecurely(_Led, urllib3.connection.HTTPSConnection):
    """The same over TLS."""


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, way: Way) -> None:
        self._way = way
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        way = {"way": self._way}
        plain = {"ConnectionCls": type("_Led", (_Led,), way)}
        secure = {"ConnectionCls": type("_LedSecurely", (_LedSecurely,), way)}
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_Pool", (urllib3.HTTPConnectionPool,), plain),
            "https": type("_SecurePool", (urllib3.HTTPSConnectionPool,), secure),
        }


class _Cookies(DefaultCookiePolicy):
    """No more cookies than the lean client keeps."""

    def __init__(self, jar: Any) -> None:
        super().__init__()
        self._jar = jar

    def set_ok(self, cookie: Any, request: Any) -> bool:
        octets = sum(len(each.name) + len(each.value or "") for each in self._jar)
        fits = octets + len(cookie.name) + len(cookie.value or "") <= MAX_COOKIE_OCTETS
        if len(self._jar) < MAX_COOKIES and fits:
            return bool(super().set_ok(cookie, request))
        traffic.cookies_refused += 1
        return False


class GuardedSession(requests.Session):
    """Requests whose answers are bounded, and lead nowhere else."""

    def __init__(self, endpoint: Endpoint, way: Way) -> None:
        super().__init__()
        self._most = endpoint.max_message * 4 // 3 + MAX_HEAD
        self._share = endpoint.share
        self.verify = endpoint.verify
        self.cert = endpoint.cert
        self.cookies.set_policy(_Cookies(self.cookies))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(way))

    def merge_environment_settings(self, *args: Any, **options: Any) -> Any:
        """What the environment says, but for its proxies."""
        return {**super().merge_environment_settings(*args, **options), "proxies": {}}

    def request(self, method: str, url: str, **options: Any) -> Any:  # type: ignore[override]
        """Ask, and read the whole answer; raises `requests.exceptions.RequestException`."""
        options = {**options, "allow_redirects": False, "stream": True}
        seconds = options.get("timeout") or 30.0
        body, beyond = bytearray(), 0
        try:
            with allowance(self._most + MAX_HEAD, 2 * seconds, f"the answer to a {method}"):
                response = super().request(method, url, **options)
                for chunk in response.raw.stream(CHUNK, decode_content=True):
                    body += chunk
                    beyond = held(beyond, len(body), self._share)
                    if len(body) > self._most or (beyond and traffic.held > MAX_HELD):
                        response.close()
                        raise requests.exceptions.ConnectionError("the body is too big")
            see_text(body, self._most)
            if body.count(b"\x1e") >= Payload.max_decode_packets:
                raise requests.exceptions.ConnectionError("the body holds too many packets")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, requests.exceptions.RequestException):
                raise
            raise requests.exceptions.ConnectionError(str(error)) from None
        finally:
            held(beyond, 0, 0)
        response._content, response._content_consumed = bytes(body), True
        return response


# What the libraries would print.


class _OneLine(logging.Handler):
    """Says the first errors of the libraries in a line each, and counts all."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        said(f"{record.getMessage()}: {type(error).__name__}: {error}" if error else "")


def said(text: str) -> None:
    """Count a failure within the libraries; the first ones are shown."""
    traffic.callback_failures += 1
    if text and traffic.callback_failures <= SHOWN_FAILURES:
        _log.error("the reference client: %s", " ".join(text.split())[:300])


def _in_thread(told: Any) -> None:
    said(f"{getattr(told.exc_type, '__name__', 'error')}: {told.exc_value}")


def quiet_logger() -> logging.Logger:
    """What the libraries log to: their tracebacks are no news."""
    logger = logging.Logger("sockproof.reference", logging.ERROR)
    logger.addHandler(_OneLine())
    threading.excepthook = _in_thread
    return logger


QUIET = quiet_logger()
