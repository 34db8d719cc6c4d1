"""The stamp that every counted message of a load run carries, directly before its body.

The rules that hold here:

* A stamp is text in ASCII of a fixed length: the mark `$sp1$` and 48 characters of base64 for
  URLs, an alphabet that no encoder of JSON or HTML escapes. It stands in the same string (or
  binary blob) as the body, so it travels wherever an application carries a string.
* It is found by its mark, without parsing the message around it. What is read from it is believed
  only when the check of its own fields is right: an altered stamp names nobody.
* The checksum of the body is that of its UTF-8 octets. A server may write the same JSON string in
  other ways, so a body is called altered only when its decoded text differs too.
"""

from __future__ import annotations

import binascii
import json.decoder
import struct
from collections.abc import Callable
from typing import Final, NamedTuple, cast
from zlib import crc32

MARK: Final = b"$sp1$"
LENGTH: Final = 53  # of a whole stamp, in characters
LONGEST_DELAY_US: Final = 0xFFFFFFFF

# run, sender, sequence, intended time, delay, checksum of the body; then the check of these.
FIELDS: Final = struct.Struct("<IQIQII")
CHECKED: Final = struct.Struct("<IQIQIII")
TO_URL: Final = bytes.maketrans(b"+/", b"-_")
FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_QUOTE: Final = b'"'
RESIDUE: Final = 0x2144DF1C  # CRC-32 of anything that ends with its own CRC-32
# Looked up once: these run for every message.
_encoded: Final = binascii.b2a_base64
_decoded: Final = binascii.a2b_base64
_packed: Final = FIELDS.pack
_unpacked: Final = CHECKED.unpack
_new: Final = cast("Callable[[type[Stamp], tuple[int, ...]], Stamp]", tuple.__new__)
_scanstring: Final = cast(
    "Callable[[str, int, bool], tuple[str, int]]",
    json.decoder.scanstring,  # type: ignore[attr-defined]
)


class Stamp(NamedTuple):
    """What a message says about itself; times are nanoseconds of the sender's monotonic clock."""

    run: int
    sender: int
    sequence: int
    intended_ns: int
    delay_us: int  # of the actual send behind the intended one
    checksum: int
    check: int
    body_at: int  # where the body begins in the octets that were searched

    @property
    def actual_ns(self) -> int:
        """When the message left, to the microsecond."""
        return self.intended_ns + self.delay_us * 1000

    @property
    def readable(self) -> bool:
        """Whether the fields are those that were written; false: nothing of them is known."""
        return self.sender != 0


def checksum_of(body: bytes | str) -> int:
    """The checksum that a stamp has of its body."""
    return crc32(body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body)


def octets(
    run: int, sender: int, sequence: int, intended_ns: int, actual_ns: int, checksum: int
) -> bytes:
    """The stamp, in ASCII, of a body with this checksum; sender and sequence count from 1."""
    delay = (actual_ns - intended_ns) // 1000
    if not 0 <= delay <= LONGEST_DELAY_US:
        delay = 0 if delay < 0 else LONGEST_DELAY_US
    fields = _packed(run, sender, sequence, intended_ns, delay, checksum)
    checked = fields + crc32(fields).to_bytes(4, "little")
    return MARK + _encoded(checked, newline=False).translate(TO_URL)


def encode(
    run: int, sender: int, sequence: int, intended_ns: int, actual_ns: int, body: bytes | str
) -> str:
    """The stamp that goes directly before `body`, as text."""
    checksum = checksum_of(body)
    return octets(run, sender, sequence, intended_ns, actual_ns, checksum).decode("ascii")


def find(data: bytes, start: int = 0) -> Stamp | None:
    """The first stamp in `data` from `start` on; None when there is no mark.

    A stamp that was altered is returned with all its fields 0: it is not `readable`.
    """
    at = data.find(MARK, start)
    if at < 0:
        return None
    body_at = at + LENGTH
    try:
        raw = _decoded(data[at + 5 : body_at].translate(FROM_URL))
        if crc32(raw) == RESIDUE:
            return _new(Stamp, (*_unpacked(raw), body_at))
    except (binascii.Error, struct.error):
        pass
    return Stamp(0, 0, 0, 0, 0, 0, 0, body_at)


def intact(data: bytes, stamp: Stamp) -> bool:
    """Whether the body behind `stamp`, which was found in `data`, is the one that was sent.

    The body ends at the quote that closes its JSON string, or with the data.
    """
    at = stamp.body_at
    end = data.find(_QUOTE, at)
    if crc32(data[at:end] if end >= 0 else data[at:]) == stamp.checksum:
        return stamp.sender != 0
    return stamp.sender != 0 and _intact_when_decoded(data, stamp, end)


def _intact_when_decoded(data: bytes, stamp: Stamp, quote: int) -> bool:
    rest = data[stamp.body_at :]
    if quote >= 0 and crc32(rest) == stamp.checksum:
        return True  # no JSON around it, and a quote inside it
    before = quote - 1 - stamp.body_at
    if (
        before >= 0
        and data[quote - 1 : quote + 2] == b'\\""'
        and (crc32(rest[:before]) == stamp.checksum)
    ):
        return True  # a quote that its sender has put behind it, and a server into JSON
    return checksum_heard(data, stamp.body_at) == stamp.checksum


def checksum_heard(data: bytes, body_at: int) -> int:
    """The checksum of the body that begins there, whatever its stamp says.

    It is that of the decoded text where a JSON string ends, else of all that is there.
    """
    rest = data[body_at:]
    try:
        body, _ = _scanstring(rest.decode("utf-8", "surrogatepass"), 0, False)
    except ValueError:
        return crc32(rest)
    return crc32(body.encode("utf-8", "surrogatepass"))
