"""A TCP or TLS stream on gevent's loop, without a greenlet.

The rules that hold here:

* The socket is the interpreter's own, whatever Locust has patched: nothing switches.
* Every way to end goes through `_fail`, once: watchers, file descriptor and buffers are gone when
  it returns, and `_closed` is called, from the hub and never from within a call of the user's.
* TLS runs over memory, so that the socket's readiness is all there is to wait for.
"""

from __future__ import annotations

import _socket
import errno
import socket
import ssl
import sys
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, Final

import gevent

from sockproof.load.net.endpoint import Endpoint, is_established, why
from sockproof.load.net.slow_reader import SlowReader, limit_buffer
from sockproof.load.net.timer_wheel import wheel
from sockproof.load.net.tls import Tls, tls_failure
from sockproof.load.net.tunnelling import Tunnelling
from sockproof.load.traffic import MAX_HELD, callback_failed, held, traffic
from sockproof.runs.load_records import Reason

IDLE: Final = 0
DIALLING: Final = 1
TUNNELLING: Final = 2
SECURING: Final = 3
SHAKING: Final = 4
OPEN: Final = 5
CLOSING: Final = 6
CLOSED: Final = 7
_READ: Final = 64 * 1024
_READABLE: Final = 1
_WRITABLE: Final = 2
_NO_PORT_YET: Final = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)
_Socket = _socket.socket  # without what the module `socket`, patched or not, puts around it
_PHASES: Final = {
    DIALLING: "no TCP connection",
    TUNNELLING: "the proxy did not connect",
    SECURING: "the TLS handshake did not end",
    SHAKING: "no answer to the opening handshake",
}


class Stream:
    """One stream; subclasses say what its octets mean.

    They define `_connected`, `_received`, `_ended` and `_closed`, and call `_write` and `_fail`.
    """

    __slots__ = (
        *("_address", "_beyond", "_out", "_reader", "_slow", "_socket", "_telling", "_tls"),
        *("_visit", "_writer", "deadline", "endpoint", "last_received", "state"),
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.state = IDLE
        self.last_received = 0  # when anything came last, CLOCK_MONOTONIC in nanoseconds
        self.deadline = 0  # by when this stream must be open, or closed; 0: no limit
        self._visit = 0
        self._address = 0
        self._beyond = 0  # of what has come and is not whole, see `held`
        self._telling = False  # whether `_closed` is about to be called
        self._socket: Any = None
        self._reader: Any = None
        self._slow: Any = None  # a `SlowReader`
        self._writer: Any = None
        self._tls: Tls | None = None
        self._out: bytearray | None = None  # what the operating system has not taken yet

    # What subclasses define.

    def _connected(self) -> None:
        """Octets can be sent."""
        raise NotImplementedError

    def _received(self, data: bytes) -> None:
        """Octets have come."""
        raise NotImplementedError

    def _ended(self) -> None:
        """The other side has ended the stream."""
        self._fail(Reason.SERVER_DROPPED, "the server ended the stream")

    def _closed(self, reason: Reason, text: str) -> None:
        """All is over; called once."""
        raise NotImplementedError

    # Connecting.

    def _open(self) -> None:
        if self.state not in (IDLE, CLOSED):
            raise RuntimeError("this connection is open already")
        if self._telling:
            raise RuntimeError("this connection has not ended yet")
        self.state = DIALLING
        self._address = 0
        self._limit(self.endpoint.connect_limit)
        self._dial()

    def _dial(self) -> None:
        endpoint = self.endpoint
        choice = (endpoint.preferred + self._address) % len(endpoint.addresses)
        family, address = endpoint.addresses[choice]
        doing = "opening a socket"
        try:
            self._socket = connecting = _Socket(family, socket.SOCK_STREAM)
            connecting.setblocking(False)
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            limit_buffer(connecting, endpoint.read_rate)
            source = endpoint.next_source()
            if source is not None and source[0] == family:
                doing = f"going out from {source[1]}"
                if sys.platform == "linux":
                    # The port is chosen at connect, where it need only be free to this target.
                    connecting.setsockopt(socket.IPPROTO_IP, _NO_PORT_YET, 1)
                connecting.bind((source[1], 0))
        except OSError as error:
            self._fail(*why(error.errno or 0, doing), soon=True)
            return
        number = connecting.connect_ex(address)
        if number not in (0, errno.EINPROGRESS):
            self._not_dialled(number)
            return
        # Within a machine it is there at once; TLS, of a proxy too, may fail within this call.
        if endpoint.is_plain and is_established(connecting):
            self._reached()
            return
        self._writer = gevent.get_hub().loop.io(connecting.fileno(), _WRITABLE)
        self._writer.start(self._dialled)

    def _not_dialled(self, number: int) -> None:
        endpoint = self.endpoint
        choice = (endpoint.preferred + self._address) % len(endpoint.addresses)
        self._let_go()
        self._address += 1
        if self._address < len(endpoint.addresses):
            self._dial()
        else:
            address = endpoint.addresses[choice][1]
            self._fail(*endpoint.why_not_connected(number, address), soon=True)

    def _dialled(self) -> None:
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._writer.close()
        self._writer = None
        if number:
            self._not_dialled(number)
        else:
            self._reached()

    def _reached(self) -> None:
        """There is a TCP connection."""
        endpoint = self.endpoint
        endpoint.preferred = (endpoint.preferred + self._address) % len(endpoint.addresses)
        self._reader = gevent.get_hub().loop.io(self._socket.fileno(), _READABLE)
        if endpoint.proxy is None:
            self._talk(None)
        else:
            self.state = TUNNELLING
            Tunnelling(self, self._talk).begin()

    def _talk(self, outer: Tls | None) -> None:
        """Octets reach the target, within the TLS of a proxy if there is one."""
        endpoint = self.endpoint
        self._slow = endpoint.read_rate and SlowReader(self, endpoint.read_rate, OPEN)
        self._reader.start(self._slow.readable if self._slow else self._readable)
        if endpoint.context is None:
            self._tls, self.state = outer, SHAKING
            self._connected()
        else:
            self.state = SECURING
            self._tls = Tls(endpoint.context, endpoint.host, outer)
            self._secure()

    # Time limits.

    def _limit(self, nanoseconds: int) -> None:
        """This state must be over by then."""
        self.deadline = monotonic_ns() + nanoseconds
        self._visit_by(self.deadline)

    def _visit_by(self, at: int) -> None:
        if self._visit == 0 or at < self._visit:
            self._visit = at
            wheel.add(self, at)

    def visited(self, now: int) -> None:
        """See whether the time limit of connecting or closing has passed."""
        if now < self._visit:
            return
        self._visit = 0
        if self.deadline == 0 or self.state == CLOSED:
            return
        if now < self.deadline:
            self._visit_by(self.deadline)
        else:
            self._late()

    def _late(self) -> None:
        phase = _PHASES.get(self.state, "no connection")
        self._fail(Reason.CONNECT_TIMEOUT, self.endpoint.too_late(phase))

    # Reading.

    def _readable(self, most: int = _READ) -> None:
        try:
            data = self._socket.recv(most)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(*why(error.errno or 0, "reading"))
            return
        self.last_received = traffic.read_at = monotonic_ns()
        traffic.bytes_received += len(data)
        try:
            if self._tls is not None:
                self._decrypt(data)
            elif data:
                self._received(data)
            else:
                self._ended()
        except Exception:  # a fault of ours; the hub must go on, and this connection cannot
            callback_failed(self)
            self._fail(Reason.PROTOCOL, "the connection's own code failed; see the traceback")

    def _hold(self, octets: int) -> bool:
        """Note how much has come that is not whole; false when that is too much for all."""
        self._beyond = held(self._beyond, octets, self.endpoint.share)
        return self._beyond == 0 or traffic.held <= MAX_HELD

    # Writing.

    @property
    def buffered(self) -> int:
        """Octets that wait until the target reads."""
        return 0 if self._out is None else len(self._out)

    @property
    def congested(self) -> bool:
        """Whether so much waits that nothing more is taken."""
        return self._out is not None and len(self._out) >= self.endpoint.max_buffered

    def _write(self, data: bytes) -> bool:
        """Send octets now, or as soon as the operating system takes them; false: not taken."""
        if self._out is not None:
            traffic.back_pressured += 1
            if len(self._out) >= self.endpoint.max_buffered:
                return False
        if self._tls is not None:
            self._tls.session.write(data)
            data = self._tls.outgoing.read()
        return self._put(data)

    def _put(self, data: bytes) -> bool:
        if self._out is not None:
            self._out += data
            return True
        try:
            sent = self._socket.send(data)
        except OSError as error:
            return self._unsent(data, error)
        traffic.bytes_sent += sent
        return sent == len(data) or self._keep(data, sent)

    def _unsent(self, data: bytes, error: OSError) -> bool:
        if isinstance(error, BlockingIOError | InterruptedError):
            return self._keep(data, 0)
        # What the server said before it closed may still be readable: the reader finds out.
        if error.errno not in (errno.EPIPE, errno.ECONNRESET):
            self._fail(*why(error.errno or 0, "sending"), soon=True)
        return False

    def _keep(self, data: bytes, sent: int) -> bool:
        """Send the rest when the socket is writable."""
        traffic.back_pressured += 1
        self._out = bytearray(memoryview(data)[sent:])
        self._writer = gevent.get_hub().loop.io(self._socket.fileno(), _WRITABLE)
        self._writer.start(self._writable)
        return True

    def _writable(self) -> None:
        out = self._out
        assert out is not None
        try:
            sent = self._socket.send(out)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(*why(error.errno or 0, "sending"))
            return
        traffic.bytes_sent += sent
        del out[:sent]
        if not out:
            self._out = None
            self._writer.close()
            self._writer = None

    # TLS.

    def _secure(self) -> None:
        tls = self._tls
        assert tls is not None
        try:
            tls.session.do_handshake()
        except ssl.SSLWantReadError:
            self._flush_tls(tls)
            return
        except (ssl.SSLError, OSError, ValueError) as error:
            self._flush_tls(tls)  # the alert that tells the server why
            self._fail(Reason.TLS, tls_failure(error))
            return
        self._flush_tls(tls)
        if self.state == SECURING:
            self.state = SHAKING
            self._connected()

    def _flush_tls(self, tls: Tls) -> None:
        data = tls.outgoing.read()
        if data and self._socket is not None:
            self._put(data)

    def _decrypt(self, data: bytes) -> None:
        tls = self._tls
        assert tls is not None
        if data:
            tls.incoming.write(data)
        else:
            tls.incoming.write_eof()
        if self.state == SECURING:
            self._secure()
            if self.state in (SECURING, CLOSED):
                return
        while self._tls is tls:  # which an end, and a request that begins anew, take away
            try:
                plain = tls.session.read(_READ)
            except ssl.SSLWantReadError:
                break
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                self._ended()
                return
            except ssl.SSLError as error:
                self._fail(Reason.TLS, tls_failure(error))
                return
            if not plain:
                self._ended()
                return
            self._received(plain)
        if self._tls is tls:
            self._flush_tls(tls)

    # Ending.

    def _let_go(self) -> None:
        """Stop watching before the descriptor's number is free for another socket."""
        if self._slow is not None:
            self._slow.close()
            self._slow = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._tls = None
        self._out = None
        self._hold(0)

    def later(self, call: Callable[..., None], *args: object) -> None:
        """Call from the hub, not from within the call that is under way."""
        gevent.get_hub().loop.run_callback(call, *args)

    def _fail(self, reason: Reason, text: str, soon: bool = False) -> None:
        """End the stream at once; `soon` tells of it from the hub, not from within this call."""
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.deadline = 0
        self._let_go()
        if soon:
            self._telling = True
            self.later(self._tell, reason, text)
        else:
            self._closed(reason, text)

    def _tell(self, reason: Reason, text: str) -> None:
        self._telling = False
        self._closed(reason, text)
