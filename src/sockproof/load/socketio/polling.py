"""Long-polling: Engine.IO packets in the bodies of HTTP requests and responses.

One GET is always under way, on a stream of its own; packets that are sent collect behind the
POST that is under way and leave together in the next one, as browsers do it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from urllib.parse import quote

from sockproof.load.net.endpoint import Endpoint, together
from sockproof.load.net.frames import is_utf8
from sockproof.load.net.http_stream import HttpStream
from sockproof.load.net.opening_handshake import one_line
from sockproof.load.net.websocket import no_message
from sockproof.load.traffic import callback_failed, traffic
from sockproof.runs.load_records import Reason
from sockproof.wire import WireError
from sockproof.wire.http import Response

SEPARATOR = b"\x1e"
TYPE = "text/plain;charset=UTF-8"
# In one POST. python-engineio says "ok" to a body with more packets and throws it away.
MAX_PACKETS = 16
MAX_PACKETS_READ = 100_000  # in the body of an answer
MAX_PACKETS_QUEUED = 10_000  # that wait for a POST, of whatever length
MAX_COOKIES = 50  # of a session (RFC 6265, 6.1), and
MAX_COOKIE_OCTETS = 8192  # all together, with their names


class PollingTransport:
    """An Engine.IO session over long-polling."""

    __slots__ = (
        "_closing",
        "_cookies",
        "_get",
        "_headers",
        "_host",
        "_on_paused",
        "_post",
        "_queue",
        "_queued",
        "_target",
        "endpoint",
        "max_payload",
        "on_close",
        "on_message",
        "over",
    )

    def __init__(self, endpoint: Endpoint, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.endpoint = endpoint
        self.on_message: Callable[[bytes, bool], None] = no_message
        self.on_close: Callable[[Reason, str], None] | None = None
        self.max_payload = 0  # octets of a POST's body; 0: the session is not open yet
        self.over = False
        self._headers = together(endpoint.headers, headers)
        self._cookies: dict[str, str] = {}
        self._target = endpoint.target("EIO=4&transport=polling", endpoint.socketio_path)
        self._get = HttpStream(endpoint, self._polled, self._failed)
        self._post = HttpStream(endpoint, self._posted, self._failed)
        self._queue: list[bytes] = []
        self._queued = 0  # octets in it
        self._closing = False
        self._on_paused: Callable[[], None] | None = None

    # What the session calls.

    @property
    def last_received(self) -> int:
        """When anything came last."""
        return max(self._get.last_received, self._post.last_received)

    @property
    def buffered(self) -> int:
        """Octets that wait for a POST, or for the operating system."""
        return self._queued + self._post.buffered

    @property
    def congested(self) -> bool:
        """Whether nothing more is taken."""
        full = self._queued >= self.endpoint.max_buffered
        return full or len(self._queue) >= MAX_PACKETS_QUEUED

    def open(self) -> None:
        """Ask for a session."""
        self._get.request(self._head("GET"))

    def begin(self, sid: str, max_payload: int) -> None:
        """The session is open."""
        self._target += f"&sid={quote(sid, safe='', errors='replace')}"
        self.max_payload = max_payload

    def send_text(self, data: bytes) -> bool:
        """Send a text packet; false when it was not taken."""
        if self.over or self.congested:
            traffic.back_pressured += not self.over
            return False
        self._queue.append(data)
        self._queued += len(data)
        if not self._post.busy:
            self._flush()
        return True

    def send_packet(self, text: bytes, attachments: Sequence[bytes]) -> bool:
        """Send a text packet and binary ones directly behind it, all or none."""
        if self.over or self.congested:
            traffic.back_pressured += not self.over
            return False
        self.take(text, attachments)
        return True

    def take(self, text: bytes, attachments: Sequence[bytes]) -> None:
        """Send packets however much waits already: they were taken before."""
        if self.over:
            return
        parts = [text, *(b"b" + base64.b64encode(each) for each in attachments)]
        self._queue += parts
        self._queued += sum(map(len, parts))
        if not self._post.busy:
            self._flush()

    def pause(self, on_paused: Callable[[], None]) -> None:
        """Send what waits, let the GET end, begin no other; then call back."""
        self._on_paused = on_paused
        self._see_whether_paused()

    def resume(self) -> None:
        """Go on polling after a pause that came to nothing."""
        self._on_paused = None
        self._poll()

    def drop(self) -> None:
        """Let go of both streams; nobody is told."""
        self.over = True
        self._get.drop()
        self._post.drop()
        self._queue, self._queued = [], 0

    def close(self) -> None:
        """Tell the server that the session ends; `on_close` follows when it has heard it."""
        if self.over or self._closing:
            return
        self._closing = True
        if self.max_payload == 0:
            self.abort()
            return
        self._queue.append(b"1")
        if not self._post.busy:
            self._flush()

    def abort(self) -> None:
        """Cut both streams; `on_close` follows."""
        self._end(Reason.CLIENT, "cut off by us", soon=True)

    # Requests and answers.

    def _head(self, method: str, body: bytes = b"") -> bytes:
        lines = [
            f"{method} {self._target} HTTP/1.1",
            f"Host: {self.endpoint.host_header}",
            *(f"{name}: {value}" for name, value in self._headers if name.lower() != "cookie"),
        ]
        cookies = self.cookies()
        if cookies:
            lines.append(f"Cookie: {cookies}")
        if method == "POST":
            lines += [f"Content-Type: {TYPE}", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def cookies(self) -> str:
        """The value of Cookie: the user's own ones, then those that the server has set."""
        own = [value for name, value in self._headers if name.lower() == "cookie"]
        return "; ".join([*own, *(f"{name}={value}" for name, value in self._cookies.items())])

    def _poll(self) -> None:
        if not self.over and not self._get.busy and not self._closing:
            self._get.request(self._head("GET"), limited=False)

    def _flush(self) -> None:
        if self.max_payload == 0:
            return
        queue = self._queue
        count, size = 1, len(queue[0])
        most = min(len(queue), MAX_PACKETS)
        while count < most and size + 1 + len(queue[count]) <= self.max_payload:
            size += 1 + len(queue[count])
            count += 1
        body = SEPARATOR.join(queue[:count])
        del queue[:count]
        self._queued = sum(map(len, queue)) if queue else 0
        self._post.request(self._head("POST", body))

    def _remember_cookies(self, response: Response) -> None:
        for line in response.all("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            name, value = name.strip(), value.strip()
            others = {each: kept for each, kept in self._cookies.items() if each != name}
            octets = sum(len(each) + len(kept) for each, kept in others.items())
            if len(others) < MAX_COOKIES and octets + len(name) + len(value) <= MAX_COOKIE_OCTETS:
                self._cookies[name] = value
            else:
                traffic.cookies_refused += 1

    def _refused(self, method: str, response: Response, body: bytes) -> None:
        said = f"{response.status} {response.reason}".rstrip() + one_line(body)
        self._end(Reason.HTTP_STATUS, f"a {method} was answered with {said}")

    def _polled(self, response: Response, body: bytes) -> None:
        if self.over:
            return
        self._remember_cookies(response)
        if response.status != 200 and not self._closing:
            self._refused("GET", response, body)
            return
        try:
            if response.status == 200:  # else the session is over already for the server
                self._deliver(body)
        except WireError as error:
            self._end(Reason.BAD_PACKET, str(error))
        if self._closing:
            self._see_whether_left()
        elif self._on_paused is not None:
            self._see_whether_paused()
        else:
            self._poll()

    def _deliver(self, body: bytes) -> None:
        if not body.isascii() and not is_utf8(body):
            raise WireError("the body of a response is not UTF-8")
        packets = body.count(SEPARATOR) + 1
        if packets > MAX_PACKETS_READ:
            self._end(Reason.TOO_BIG, f"a body holds {packets} packets")
            return
        end = -1
        while end < len(body):
            start = end + 1
            end = body.find(SEPARATOR, start)
            end = len(body) if end < 0 else end
            if self.over:
                return
            part = body[start:end]
            is_binary = part[:1] == b"b"
            if is_binary:
                try:
                    part = binascii.a2b_base64(memoryview(part)[1:], strict_mode=True)
                except binascii.Error as error:
                    raise WireError(f"invalid base64 after the b: {error}") from None
            try:
                self.on_message(part, is_binary)
            except Exception:
                callback_failed(self)

    def _posted(self, response: Response, body: bytes) -> None:
        if self.over:
            return
        self._remember_cookies(response)
        if response.status != 200 and not self._closing:
            self._refused("POST", response, body)
        elif self._queue:
            self._flush()
        elif self._closing:
            self._see_whether_left()
        elif self._on_paused is not None:
            self._see_whether_paused()

    def _see_whether_left(self) -> None:
        # What the server has held back until now comes with the answer to the last GET.
        if not self.over and not self._get.busy and not self._post.busy and not self._queue:
            self._end(Reason.CLIENT, "closed by us")

    def _see_whether_paused(self) -> None:
        if self._on_paused is None or self.over or self._get.busy or self._post.busy:
            return
        if not self._queue:
            on_paused, self._on_paused = self._on_paused, None
            on_paused()

    def _failed(self, reason: Reason, text: str) -> None:
        self._end(reason, text)

    def _end(self, reason: Reason, text: str, soon: bool = False) -> None:
        if self.over:
            return
        self.drop()
        if self.on_close is not None:
            if soon:
                self._get.later(self.on_close, reason, text)
            else:
                self.on_close(reason, text)
