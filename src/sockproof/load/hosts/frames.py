"""What sender and receiver say to each other, in the frames of a channel.

Rows travel by columns of octets: those that hardly repeat, such as the low octets of times, as they
are, and the others packed. That takes a quarter of the time of packing rows, at the same length.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum

from sockproof.load.hosts.channel import MOST, ChannelError
from sockproof.runs.load_records import LINE_FILES, ROW

CLOCK_FILE = "clock"
ROWS_FILE = "rows"
KINDS = (ROWS_FILE, *LINE_FILES, CLOCK_FILE)  # of files, by their number in a piece
LONGEST_PIECE = 512 << 10  # octets, before they are packed
_PIECE = struct.Struct("<BQ")  # which file, and where in it
_TIME = struct.Struct("<Q")
_COLUMNS = struct.Struct("<II")  # how many rows, and which columns are packed, as bits
_LOOKED_AT = slice(0, 2048, 8)  # of a column
_MOST_KINDS = 4  # one in so many of the octets that are looked at is another one


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
    return zlib.compress(octets, 1)


def unpacked(content: bytes, most: int) -> bytes:
    """What was packed, of so many octets at most; raises `ChannelError`."""
    unpacking = zlib.decompressobj()
    try:
        octets = unpacking.decompress(content, most + 1)
    except zlib.error:
        raise ChannelError("a piece cannot be unpacked") from None
    if len(octets) > most or not unpacking.eof or unpacking.unused_data:
        raise ChannelError("a piece is longer than it may be")
    return octets


def packed_rows(octets: bytes) -> bytes:
    """Whole rows as they travel."""
    columns, which = [octets[at :: ROW.size] for at in range(ROW.size)], 0
    for at, column in enumerate(columns):
        some = column[_LOOKED_AT]
        which |= (len(set(some)) * _MOST_KINDS <= len(some)) << at
    plain = (column for at, column in enumerate(columns) if not which >> at & 1)
    repeating = (column for at, column in enumerate(columns) if which >> at & 1)
    head = _COLUMNS.pack(len(columns[0]), which)
    return b"".join((head, *plain, packed(b"".join(repeating))))


def unpacked_rows(content: bytes) -> bytes:
    """What rows were packed; raises `ChannelError`."""
    if len(content) < _COLUMNS.size:
        raise ChannelError("a piece is too short")
    count, which = _COLUMNS.unpack_from(content)
    if count * ROW.size > LONGEST_PIECE:
        raise ChannelError("a piece is longer than it may be")
    packs = which.bit_count()
    begin = _COLUMNS.size + (ROW.size - packs) * count
    repeating = unpacked(content[begin:], packs * count)
    if len(repeating) != packs * count:
        raise ChannelError("a piece is shorter than it says")
    octets, at, plain = bytearray(count * ROW.size), 0, _COLUMNS.size
    for column in range(ROW.size):
        if which >> column & 1:
            octets[column :: ROW.size] = repeating[at : at + count]
            at += count
        else:
            octets[column :: ROW.size] = content[plain : plain + count]
            plain += count
    return bytes(octets)


def piece(kind: str, offset: int, octets: bytes) -> bytes:
    """The content of a frame with a piece of a file."""
    pack = packed_rows if kind == ROWS_FILE else packed
    content = _PIECE.pack(KINDS.index(kind), offset) + pack(octets)
    assert len(content) <= MOST
    return content


def read_piece(content: bytes) -> tuple[str, int, bytes]:
    """Which file a piece is of, where it stands, and what it is; raises `ChannelError`."""
    if len(content) < _PIECE.size:
        raise ChannelError("a piece is too short")
    number, offset = _PIECE.unpack_from(content)
    if number >= len(KINDS):
        raise ChannelError("a piece is of no file")
    rest = content[_PIECE.size :]
    if KINDS[number] == ROWS_FILE:
        return ROWS_FILE, offset, unpacked_rows(rest)
    return KINDS[number], offset, unpacked(rest, LONGEST_PIECE)


def time_of(content: bytes) -> int:
    """What a clock showed; raises `ChannelError`."""
    if len(content) != _TIME.size:
        raise ChannelError("a frame holds no time")
    return int(_TIME.unpack(content)[0])


def of_time(time: int) -> bytes:
    """The content of a frame that says what a clock shows."""
    return _TIME.pack(time)
