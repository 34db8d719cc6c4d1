"""One TCP or TLS connection to the other end, with the octets that wait to be read kept bounded.

What is written between two awaits leaves in one piece, so that a case decides by its awaits how
its octets fall into segments: `write` collects, `flush` or any reading sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct

from sockproof.conformance.context.outcome import StreamClosed

READ_AHEAD_OCTETS = 256 * 1024
MOVES = 0.2  # seconds in which a server that reads takes something of what waits for it
READ_OCTETS = 8 * 1024  # what one read gives at most: a flood stays in the kernel, and takes turns


class Stream(asyncio.Protocol):
    """The octets of one connection, both ways."""

    other = "the server"

    def __init__(self) -> None:
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._changed = asyncio.Event()
        self._paused = False
        self._flush_due = False
        self._in_pieces = False
        self._half_closed = False
        self._transport: asyncio.Transport | None = None
        self.ended: str | None = None  # how the server ended the stream, once it has
        self.was_reset = False

    @classmethod
    async def open(
        cls, host: str, port: int, tls: ssl.SSLContext | None = None, server_name: str | None = None
    ) -> Stream:
        """Connect; raises `OSError` (and `ssl.SSLError`) when that is impossible."""
        loop = asyncio.get_running_loop()
        name = (server_name or host) if tls else None
        _, stream = await loop.create_connection(cls, host, port, ssl=tls, server_hostname=name)
        return stream

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._incoming += data
        if len(self._incoming) > READ_AHEAD_OCTETS and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        self._changed.set()

    def eof_received(self) -> bool:
        self.ended = self.ended or f"{self.other} closed the TCP connection"
        self._changed.set()
        # TLS cannot be half-closed; over TCP our side stays open to send what a case wants.
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ConnectionError):
            self.was_reset = self.was_reset or self.ended is None
            self.ended = self.ended or f"{self.other} reset the TCP connection"
        self.ended = self.ended or "the TCP connection ended"
        self._changed.set()

    # What a peer calls.

    def write(self, octets: bytes) -> None:
        """Send together with whatever else is written before the next await."""
        self._outgoing += octets
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    @property
    def has_more_to_send(self) -> bool:
        """Whether what is written now leaves behind something else, in one piece with it."""
        return bool(self._outgoing)

    def _flush_now(self) -> None:
        self._flush_due = False
        ended = self._half_closed or self._transport is None or self._transport.is_closing()
        if self._outgoing and self._transport is not None and not ended:
            self._transport.write(bytes(self._outgoing))
        self._outgoing.clear()

    async def flush(self) -> None:
        """Send what has been written, and wait until the kernel has taken all of it."""
        self._flush_now()
        while self._transport is not None and not self._transport.is_closing():
            if self._transport.get_write_buffer_size() == 0:
                break
            await asyncio.sleep(0.001)  # the kernel's buffer is full: the server reads slowly
        await asyncio.sleep(0)

    async def write_pieces(self, octets: bytes, size: int) -> None:
        """Write in pieces of `size` octets, each in a TCP segment of its own."""
        self._in_pieces = True
        for start in range(0, len(octets), size):
            self.write(octets[start : start + size])
            await self.flush()
        self._in_pieces = False

    async def still_sends(self) -> bool:
        """Whether octets of ours are on their way out, to be asked when a time-out came.

        A server that takes none of them within `MOVES` seconds keeps us from sending: that is
        not meant.
        """
        if self._transport is None or self._transport.is_closing():
            return False
        before = self._transport.get_write_buffer_size()
        if not before:
            return self._in_pieces or bool(self._outgoing)
        await asyncio.sleep(MOVES)
        return self._transport.get_write_buffer_size() < before

    async def pour(self, octets: bytes, times: int, patience: float = 0.5) -> int:
        """Write `octets` again and again, at most `times`, for as long as the server takes them.

        How often the kernel took all of them; less than `times` when the server read nothing for
        `patience` seconds, or ended the connection.
        """
        for taken in range(times):
            self.write(octets)
            try:
                async with asyncio.timeout(patience):
                    await self.flush()
            except TimeoutError:
                return taken
            if self.ended is not None or self._transport is None or self._transport.is_closing():
                return taken
        return times

    async def read(self) -> bytes:
        """The octets that have arrived, at least one; raises `StreamClosed` at the end."""
        self._flush_now()
        if self._incoming:
            await asyncio.sleep(0)  # a server that never stops shall not keep all others waiting
        while not self._incoming:
            if self.ended is not None:
                raise StreamClosed(self.ended, reset=self.was_reset)
            self._changed.clear()
            await self._changed.wait()
        data = bytes(self._incoming[:READ_OCTETS])
        del self._incoming[:READ_OCTETS]
        if not self._incoming:
            self.release()
        return data

    def hold(self) -> None:
        """Read nothing more from the socket, so that the server's octets wait in the kernel."""
        if self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def release(self) -> None:
        """Read again."""
        if self._transport is not None and self._paused:
            self._paused = False
            with contextlib.suppress(RuntimeError):
                self._transport.resume_reading()

    @property
    def unread(self) -> int:
        """How many octets have arrived that nobody has read."""
        return len(self._incoming)

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS session, for its version and certificate; None over TCP."""
        if self._transport is None:
            return None
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    def end_writing(self) -> None:
        """Half-close: send FIN, and go on reading. Nothing over TLS, which cannot."""
        self._flush_now()
        if self._transport is not None and self._transport.can_write_eof():
            self._half_closed = True
            with contextlib.suppress(OSError):
                self._transport.write_eof()

    def close(self) -> None:
        """Close our side; what was written still leaves."""
        self._flush_now()
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """End the connection by RST, as a crashed client's machine would."""
        self._flush_now()
        if self._transport is None:
            return
        raw = self._transport.get_extra_info("socket")
        if raw is not None and not self._transport.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(RuntimeError):  # a run that had to be cut off has closed its loop
            self._transport.abort()
