"""Masked frames for load, RFC 6455 5.2 and 5.3: built in a few operations on whole integers."""

from __future__ import annotations

from codecs import getincrementaldecoder
from random import getrandbits
from typing import Final

TEXT: Final = 0x81  # the first octet of a whole text message in one frame
_integer: Final = int.from_bytes
_utf8: Final = getincrementaldecoder("utf-8")
_PIECE: Final = 65_536  # octets of text that are looked at at once
_NO_KEY: Final = b"\0\0\0\0"  # where the key goes


def _header(first: int, size: int) -> bytes:
    """The header of a masked frame whose key is 0."""
    if size < 126:
        return bytes((first, 0x80 | size)) + _NO_KEY
    if size < 65536:
        return bytes((first, 0xFE, size >> 8, size & 255)) + _NO_KEY
    return bytes((first, 0xFF)) + size.to_bytes(8, "big") + _NO_KEY


def _ones(size: int) -> int:
    """A 32-bit key, multiplied by this, repeats itself from the header's end to the frame's."""
    return _integer(b"\0\0\0\1" * (((size + 3) >> 2) + 1), "big")


# For text that is short, by its size: header, length of the frame, ones, and by how many bits the
# last key stands out behind the payload.
SHORT: Final = 512
TEXT_FRAMES: Final = [
    (_header(TEXT, size), len(_header(TEXT, size)) + size, _ones(size), -size % 4 * 8)
    for size in range(SHORT)
]


def frame(first: int, payload: bytes) -> bytes:
    """One masked frame; `first` is the header's first octet."""
    # Masking is one XOR of integers, which writes the key into the header, too.
    size = len(payload)
    header = _header(first, size)
    mask = getrandbits(32) * _ones(size) >> (-size % 4 * 8)
    return (_integer(header + payload, "big") ^ mask).to_bytes(len(header) + size, "big")


def is_utf8(octets: bytes) -> bool:
    """Whether the octets are UTF-8."""
    try:
        if len(octets) <= _PIECE:
            octets.decode("utf-8")
            return True
        # As text, one wide letter makes each of the others take four octets.
        decoder = _utf8()
        for at in range(0, len(octets), _PIECE):
            decoder.decode(octets[at : at + _PIECE])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True
