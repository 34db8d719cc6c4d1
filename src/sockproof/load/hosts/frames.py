"""What sender and receiver say to each other, in the frames of a channel."""

from __future__ import annotations

import struct
from enum import IntEnum

import zstandard

from sockproof.load.hosts.channel import MOST, ChannelError
from sockproof.runs.load_records import LINE_FILES

CLOCK_FILE = "clock"
KINDS = ("rows", *LINE_FILES, CLOCK_FILE)  # of files, by their number in a piece
LONGEST_PIECE = 512 << 10  # octets, before they are packed
_PIECE = struct.Struct("<BQ")  # which file, and where in it
_TIME = struct.Struct("<Q")
_LEVEL = -1  # of Zstandard: rows take less time to pack than with any other at that length


class Frame(IntEnum):
    """The kinds of frames."""

    TIME = 1  # from the sender: what does the clock show? From the receiver: nanoseconds
    HELLO = 2  # JSON: run, tag, boot, and what the connection is for
    STANDS = 3  # JSON: how many octets of each file are there
    PAGE = 4  # the first page of the rows, packed
    PIECE = 5  # of a file: which, where, and the octets, packed
    WHOLE = 6  # JSON: length and checksum of each file that has come to its end
    YES = 7
    NO = 8  # why not, for people
    AGAIN = 9  # JSON: files that are to be sent anew


def packed(octets: bytes) -> bytes:
    """Octets as they travel."""
    return zstandard.compress(octets, _LEVEL)


def unpacked(content: bytes, most: int) -> bytes:
    """What was packed, of so many octets at most; raises `ChannelError`."""
    try:
        if zstandard.get_frame_parameters(content).content_size > most:
            raise ChannelError("a piece is longer than it may be, or does not say its length")
        return zstandard.ZstdDecompressor().decompress(content, allow_extra_data=False)
    except zstandard.ZstdError:
        raise ChannelError("a piece cannot be unpacked") from None


def piece(kind: str, offset: int, octets: bytes) -> bytes:
    """The content of a frame with a piece of a file."""
    content = _PIECE.pack(KINDS.index(kind), offset) + packed(octets)
    assert len(content) <= MOST
    return content


def read_piece(content: bytes) -> tuple[str, int, bytes]:
    """Which file a piece is of, where it stands, and what it is; raises `ChannelError`."""
    if len(content) < _PIECE.size:
        raise ChannelError("a piece is too short")
    number, offset = _PIECE.unpack_from(content)
    if number >= len(KINDS):
        raise ChannelError("a piece is of no file")
    return KINDS[number], offset, unpacked(content[_PIECE.size :], LONGEST_PIECE)


def time_of(content: bytes) -> int:
    """What a clock showed; raises `ChannelError`."""
    if len(content) != _TIME.size:
        raise ChannelError("a frame holds no time")
    return int(_TIME.unpack(content)[0])


def of_time(time: int) -> bytes:
    """The content of a frame that says what a clock shows."""
    return _TIME.pack(time)
