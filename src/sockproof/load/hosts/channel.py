"""A connection between a sender and a receiver: both prove the key, and each frame carries a code.

A frame is its kind (1 octet), the length of its content (4), the content, and a code of 16 octets,
of the key of this direction, the number of the frame, and all before.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import struct
from hashlib import blake2b
from io import BufferedReader
from typing import Any, Self

# Of a process with a channel. glibc gives the memory of each piece back to the kernel else, and to
# be given it anew costs more than to pack the piece.
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}
MAGIC = b"sockproof hosts 3\n"
KEY = 32  # octets
MOST = 2 << 20  # octets of a frame's content
_NONCE, _CODE = 32, 16
_HEAD = struct.Struct("<BI")
_NUMBER = struct.Struct("<Q")


class ChannelError(Exception):
    """The other end is gone, or is not who it should be; one line."""


class Channel:
    """One end of a connection that is proven."""

    def __init__(
        self, sock: socket.socket, reader: BufferedReader, ours: bytes, theirs: bytes
    ) -> None:
        self._socket, self._reader = sock, reader
        self._ours, self._theirs = ours, theirs
        self._sent = self._received = 0

    @classmethod
    def connect(cls, host: str, port: int, key: bytes, limit: float) -> Self:
        """The sender's end; raises `ChannelError`. So many seconds the other one may be silent."""
        try:
            sock = socket.create_connection((host, port), limit)
        except (OSError, UnicodeError) as error:
            raise ChannelError(f"cannot connect to {host}:{port}: {_reason(error)}") from None
        return cls._proven(sock, key, b"sender", b"receiver", limit)

    @classmethod
    def accept(cls, sock: socket.socket, key: bytes, limit: float) -> Self:
        """The receiver's end; raises `ChannelError`."""
        return cls._proven(sock, key, b"receiver", b"sender", limit)

    @classmethod
    def _proven(cls, sock: socket.socket, key: bytes, us: bytes, them: bytes, limit: float) -> Self:
        reader = sock.makefile("rb")
        try:
            sock.settimeout(limit)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            own = os.urandom(_NONCE)
            sock.sendall(MAGIC + own)
            greeting = _exactly(reader, len(MAGIC) + _NONCE)
            if not greeting.startswith(MAGIC):
                raise ChannelError("the other end speaks another protocol")
            other = greeting[len(MAGIC) :]
            ours, theirs = _key(key, us, own, other), _key(key, them, other, own)
            sock.sendall(_code(ours, b"proof"))
            # Who reflects what it hears, or another one's proof, has another key.
            if not hmac.compare_digest(_exactly(reader, _CODE), _code(theirs, b"proof")):
                raise ChannelError("the other end does not know the key of this run")
        except OSError as error:
            _close(sock, reader)
            raise ChannelError(f"the connection ended: {_reason(error)}") from None
        except ChannelError:
            _close(sock, reader)
            raise
        return cls(sock, reader, ours, theirs)

    def send(self, kind: int, content: bytes) -> None:
        """Send a frame; raises `ChannelError`."""
        head = _HEAD.pack(kind, len(content))
        code = _code(self._ours, _NUMBER.pack(self._sent), head, content)
        self._sent += 1
        try:
            self._socket.sendall(b"".join((head, content, code)))
        except OSError as error:
            raise ChannelError(f"the connection ended: {_reason(error)}") from None

    def receive(self) -> tuple[int, bytes]:
        """The next frame; raises `ChannelError`."""
        try:
            head = _exactly(self._reader, _HEAD.size)
            kind, length = _HEAD.unpack(head)
            if length > MOST:
                raise ChannelError(f"a frame of {length:,} octets is too long")
            content = _exactly(self._reader, length)
            code = _exactly(self._reader, _CODE)
        except OSError as error:
            raise ChannelError(f"the connection ended: {_reason(error)}") from None
        if not hmac.compare_digest(
            code, _code(self._theirs, _NUMBER.pack(self._received), head, content)
        ):
            raise ChannelError("a frame was altered on its way")
        self._received += 1
        return kind, content

    def close(self) -> None:
        """Nothing more is said."""
        _close(self._socket, self._reader)


def told(content: bytes) -> dict[str, Any]:
    """What a frame of JSON holds; raises `ChannelError`."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ChannelError("what a frame holds is no object of JSON")
    return value


def _exactly(reader: BufferedReader, length: int) -> bytes:
    octets = reader.read(length)
    if len(octets) < length:
        raise ChannelError("the other end closed the connection")
    return octets


def _close(sock: socket.socket, reader: BufferedReader) -> None:
    reader.close()  # the socket is closed when both are
    sock.close()


def _key(key: bytes, whose: bytes, own: bytes, other: bytes) -> bytes:
    return blake2b(own + other + whose, key=key, digest_size=KEY).digest()


def _code(key: bytes, *parts: bytes) -> bytes:
    made = blake2b(key=key, digest_size=_CODE)
    for part in parts:
        made.update(part)
    return made.digest()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
