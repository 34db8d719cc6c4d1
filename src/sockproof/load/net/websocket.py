"""A WebSocket connection for load: RFC 6455 and, when asked for, permessage-deflate.

The rules that hold here:

* A frame that arrives whole is cut out of what was read and handed on; nothing else is made of
  it. Only what arrives in pieces is collected, in a buffer that lives as long as it must.
* What comes first in the code is what happens for every message; the rest is in `_other_frame`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from random import getrandbits
from typing import Final

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.frames import SHORT, TEXT, TEXT_FRAMES, frame, is_utf8
from sockproof.load.net.opening_handshake import OpeningHandshake
from sockproof.load.net.stream import CLOSED, CLOSING, IDLE, OPEN, Stream
from sockproof.load.traffic import callback_failed, traffic
from sockproof.runs.load_records import Reason
from sockproof.wire import TooBig, WireError
from sockproof.wire.deflate import Compressor, Decompressor
from sockproof.wire.websocket import close_payload, may_be_sent_in_close, parse_close

_BINARY: Final = 0x82
_CLOSE: Final = 0x88
_PING: Final = 0x89
_PONG: Final = 0x8A
_integer: Final = int.from_bytes
_RSV1: Final = 0x40
_TOGETHER: Final = "incomplete messages of all connections together are too big"


def no_message(data: bytes, is_binary: bool) -> None:
    """What `on_message` is while nobody listens."""


class WebSocketConnection(Stream):
    """One WebSocket connection.

    The user sets the callbacks, then calls `open`:

    * `on_open()` once, when messages can be sent;
    * `on_message(data, is_binary)` for each message, text as its UTF-8 octets; `last_received`
      is the time at which it was read;
    * `on_close(reason, text)` exactly once after each `open`, whoever closed, and also when the
      connection never came about.
    """

    __slots__ = (
        "_close_heard",
        "_collected",
        "_deflate",
        "_ending",
        "_fragments",
        "_headers",
        "_inflated",
        "_needed",
        "_opcode",
        "_shake",
        "_target",
        "on_close",
        "on_message",
        "on_open",
        "protocol",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        target: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """`target` in place of the endpoint's path and query; `headers` beside the endpoint's."""
        super().__init__(endpoint)
        self.on_open: Callable[[], None] | None = None
        self.on_message: Callable[[bytes, bool], None] = no_message
        self.on_close: Callable[[Reason, str], None] | None = None
        self.protocol: str | None = None  # the subprotocol that the server chose
        self._target = target
        self._headers = headers
        self._reset()

    def _reset(self) -> None:
        self._shake: OpeningHandshake | None = None
        self._close_heard = False
        self._collected: bytearray | None = None  # a frame that has not arrived whole
        self._needed = 0  # octets it has at least
        self._fragments: bytearray | None = None  # a message that has not arrived whole
        self._opcode = 0
        self._inflated = False  # whether that message is a compressed one
        self._deflate: tuple[Compressor, Decompressor] | None = None
        self._ending: tuple[Reason, str] | None = None  # why a closing handshake was begun

    # What users call.

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.state == OPEN

    def open(self) -> None:
        """Begin to connect; raises RuntimeError when it is open already."""
        self._open()

    def send_text(self, data: bytes) -> bool:
        """Send a text message given as UTF-8; false when it was not taken.

        That is when the connection is not open, or `congested`.
        """
        if self.state != OPEN:
            return False
        if self._deflate is not None:
            return self._write_compressed(TEXT, data)
        size = len(data)
        if size >= SHORT or self._out is not None or self._tls is not None:
            return self._write(frame(TEXT, data))
        # What `frame` and `_put` do is written out here.
        header, length, ones, over = TEXT_FRAMES[size]
        masked = _integer(header + data, "big") ^ (getrandbits(32) * ones >> over)
        try:
            sent = self._socket.send(masked.to_bytes(length, "big"))
        except OSError as error:
            return self._unsent(masked.to_bytes(length, "big"), error)
        traffic.bytes_sent += sent
        return sent == length or self._keep(masked.to_bytes(length, "big"), sent)

    def send_binary(self, data: bytes) -> bool:
        """Send a binary message; false when it was not taken."""
        if self.state != OPEN:
            return False
        if self._deflate is None:
            return self._write(frame(_BINARY, data))
        return self._write_compressed(_BINARY, data)

    def send_packet(self, text: bytes, attachments: Sequence[bytes]) -> bool:
        """Send a text message and binary ones directly behind it, all or none."""
        return self.send_all([(text, False), *((each, True) for each in attachments)])

    def send_all(self, messages: Sequence[tuple[bytes, bool]]) -> bool:
        """Send messages, each with whether it is binary, all or none."""
        if self.state != OPEN or self._refused():
            return False
        frames = []
        for data, is_binary in messages:
            first = _BINARY if is_binary else TEXT
            if self._deflate is None:
                frames.append(frame(first, data))
            else:
                frames.append(frame(first | _RSV1, self._deflate[0].compress(data)))
        return self._write(b"".join(frames))

    def _write_compressed(self, first: int, data: bytes) -> bool:
        assert self._deflate is not None
        if self._refused():  # before the compressor has taken the message into its context
            return False
        return self._write(frame(first | _RSV1, self._deflate[0].compress(data)))

    def _refused(self) -> bool:
        """Whether nothing more is taken, as `_write` says and counts it."""
        traffic.back_pressured += self.congested
        return self.congested

    def ping(self, data: bytes = b"") -> None:
        """Send a Ping frame."""
        if self.state == OPEN:
            self._write(frame(_PING, data))

    def expect(self, within_limit: bool) -> None:
        """Let the open connection end unless this is called again within the connect limit."""
        self.deadline = 0
        if within_limit:
            self._limit(self.endpoint.connect_limit)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; `on_close` follows when the server has ended the stream."""
        if self.state == OPEN:
            self._ending = Reason.CLIENT, "closed by us"
            self._say_close(close_payload(code, reason))
        elif self.state not in (IDLE, CLOSING, CLOSED):
            self._fail(Reason.CLIENT, "closed by us before it was open", soon=True)

    def abort(self, why: tuple[Reason, str] = (Reason.CLIENT, "cut off by us")) -> None:
        """End the stream at once, without a closing handshake; `on_close` follows."""
        if self.state != IDLE:
            self._ending = self._ending or why
            self._fail(*self._ending, soon=True)

    # The opening handshake.

    def _connected(self) -> None:
        shake = self._shake = OpeningHandshake()
        target = self._target or self.endpoint.target()
        self._write(shake.request(self.endpoint, target, self._headers))

    def _shaking(self, data: bytes) -> None:
        shake = self._shake
        assert shake is not None
        try:
            read = shake.read(data, self.endpoint)
        except WireError as error:
            reason = Reason.HTTP_STATUS if shake.refused else Reason.BAD_HANDSHAKE
            self._fail(reason, f"the opening handshake: {error}")
            return
        if read is None:
            return
        rest, self.protocol, self._deflate = read
        self._shake = None
        self.state = OPEN
        self.deadline = 0
        if self.on_open is not None:
            try:
                self.on_open()
            except Exception:
                callback_failed(self)
        if rest:
            self._received(rest)

    # Frames.

    def _received(self, data: bytes) -> None:  # noqa: C901 - a call costs what a message does
        if self.state != OPEN:
            if self.state < OPEN:
                self._shaking(data)
                return
            if self._close_heard:  # what comes behind a Close frame is not looked at
                return
        collected = self._collected
        if collected is not None:
            collected += data
            if len(collected) < self._needed:
                self._holding(len(collected))
                return
            data = bytes(collected)
            collected = self._collected = None  # which may be large
        position, size = 0, len(data)
        needed = 2
        while size - position >= 2:
            first, length = data[position], data[position + 1]
            start = position + 2
            if length > 125:
                if length > 127:
                    self._violated(1002, "a frame from the server is masked")
                    return
                start += 2 if length == 126 else 8
                if start > size:
                    needed = start - position
                    break
                length = _integer(data[position + 2 : start], "big")
                if length < 126 or (start - position == 10 and length < 65536):
                    self._violated(1002, "a frame's length is not in its shortest form")
                    return
                if length > self.endpoint.max_message:
                    self._too_big(f"a frame announces {length} octets")
                    return
            end = start + length
            if end > size:
                needed = end - position
                break
            payload = data[start:end]
            position = end
            is_text = first == TEXT
            if (is_text or first == _BINARY) and self._fragments is None:
                if is_text and not payload.isascii() and not is_utf8(payload):
                    self._violated(1007, "a text message is not UTF-8")
                    return
                try:
                    self.on_message(payload, not is_text)
                except Exception:
                    callback_failed(self)
            elif not self._other_frame(first, payload):
                return
            if self.state == CLOSED:
                return
        if position < size:
            self._collected = bytearray(data[position:] if position else data)
            self._needed = needed
        if self._beyond:
            self._holding(size - position)

    def _holding(self, octets: int) -> bool:
        """Note what is there of a frame; false when the connection ends, since it is too much."""
        fragments = 0 if self._fragments is None else len(self._fragments)
        return self._hold(octets + fragments) or self._too_big(_TOGETHER)

    def _other_frame(self, first: int, payload: bytes) -> bool:
        """A frame that is no whole message; false when nothing behind it is to be read."""
        opcode, reserved = first & 0x0F, first & 0x70
        if opcode >= 8 and (not first & 0x80 or len(payload) > 125):
            what = "is fragmented" if not first & 0x80 else f"has {len(payload)} octets"
            return self._violated(1002, f"a control frame {what}")
        if reserved and (reserved != _RSV1 or opcode not in (1, 2) or self._deflate is None):
            return self._violated(1002, "a frame has reserved bits set")
        if opcode in (0, 1, 2):
            return self._fragment(opcode, first, payload)
        if first == _PING:
            traffic.pings_answered += 1
            if self.state == OPEN:
                self._write(frame(_PONG, payload))
            return True
        if first == _CLOSE:
            return self._closed_by_server(payload)
        if first == _PONG:
            return True
        return self._violated(1002, f"a frame has the reserved opcode 0x{opcode:X}")

    def _fragment(self, opcode: int, first: int, payload: bytes) -> bool:
        message = self._fragments
        if (opcode == 0) == (message is None):
            what = "continues no message" if opcode == 0 else "starts inside another message"
            return self._violated(1002, f"a frame {what}")
        if message is None:
            self._opcode, self._inflated = opcode, bool(first & _RSV1)
            message = self._fragments = bytearray()
        if len(message) + len(payload) > self.endpoint.max_message:
            return self._too_big("a fragmented message is too long")
        message += payload
        if not first & 0x80:
            return self._holding(0)
        self._fragments = None
        whole = bytes(message)
        del message, payload
        if self._inflated:
            assert self._deflate is not None
            try:
                whole = self._deflate[1].decompress(whole)
            except TooBig as error:
                return self._too_big(str(error))
            except WireError as error:
                return self._violated(1007, str(error))
            except zlib.error as error:
                return self._violated(1007, f"a message cannot be decompressed: {error}")
        if self._opcode == 1 and not whole.isascii() and not is_utf8(whole):
            return self._violated(1007, "a text message is not UTF-8")
        try:
            self.on_message(whole, self._opcode == 2)
        except Exception:
            callback_failed(self)
        return self.state != CLOSED

    # Ending.

    def _say_close(self, payload: bytes) -> None:
        self._write(frame(_CLOSE, payload))
        if self.state == OPEN:  # and not failed while writing
            self.state = CLOSING
            self._limit(self.endpoint.close_limit)

    def _closed_by_server(self, payload: bytes) -> bool:
        try:
            code, reason = parse_close(payload)
        except WireError as error:
            return self._violated(1002, str(error))
        if code is not None and not may_be_sent_in_close(code):
            return self._violated(1002, f"a Close frame has the code {code}")
        self._close_heard = True
        if self._ending is None:
            said = "without a code" if code is None else f"with {code}"
            said += f" {reason[:123]!r}" if reason else ""
            self._ending = Reason.SERVER_CLOSED, f"the server closed {said}"
            self._say_close(payload[:2])
        return False

    def _violated(self, code: int, text: str, reason: Reason = Reason.PROTOCOL) -> bool:
        if self.state == OPEN:
            self._write(frame(_CLOSE, close_payload(code)))
        self._fail(reason, text)
        return False

    def _too_big(self, text: str) -> bool:
        more = "" if text == _TOGETHER else f", more than {self.endpoint.max_message}"
        return self._violated(1009, text + more, Reason.TOO_BIG)

    def _late(self) -> None:
        if self.state == CLOSING:
            self._fail(Reason.CLIENT, "the closing handshake did not end")
        else:
            super()._late()

    def _ended(self) -> None:
        if self._shake is not None and self.state < OPEN:
            text = "the server ended the stream instead of answering the opening handshake"
            self._fail(Reason.BAD_HANDSHAKE, text)
        else:
            self._fail(Reason.SERVER_DROPPED, "the server ended the stream without a Close frame")

    def _closed(self, reason: Reason, text: str) -> None:
        if self._ending is not None:
            reason, text = self._ending
        self._reset()
        if self.on_close is not None:
            try:
                self.on_close(reason, text)
            except Exception:
                callback_failed(self)
