"""The files of a load run's folder: what each process writes while it runs; `runs` reads them.

The rules that hold here:

* Rows have 32 octets, little endian: a, b, c (64 bits each), client (32), mark (16), flags (8),
  kind (8). The kind is written last: a row that a killed process had not finished has kind 0,
  and kind 0 means that nothing is there. What was written is never changed.
* Rows stand behind a page that says whose they are and what could not be written: how many rows
  of each kind, and when. The page is there from the beginning, so that a full disk is told too.
* The room in a row is a number of `rooms-TAG.jsonl`: a room, or a room and the message that was
  said to it.
* All times are nanoseconds of the monotonic clock, comparable between processes of one boot.
* Everything but rows is a file of JSON lines, one file of each kind a process, each line flushed.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from pathlib import Path

from sockproof.errors import WrongInput
from sockproof.files import FileError, is_there, opened

SCHEMA = 1
RUN_FILE = "run.json"
SUMMARY_FILE = "summary.json"
REPORT_FILE = "report.html"
VIOLATIONS_FILE = "violations.jsonl"
GATE_FILE = "gate.json"
ENDED_FILE = "ended.json"  # of a run that a rule has ended: that rule, the value, the second
# The environment variable with the number of the process that waits for Locust and sums up.
STARTED_BY = "SOCKPROOF_STARTED_BY"
# And that by which it tells Locust what that cannot know itself.
TOLD = "SOCKPROOF_TOLD"
MAGIC = b"SPROWS2\n"
HEADER = struct.Struct("<8sIII44s")  # magic, run, tag, process id, boot id
KINDS = 32  # of rows, at most
LINE_FILES = ("rooms", "latency", "health")
# Behind the header: whether the process has ended in order, how many gaps follow, how many rows
# of each kind and how many lines of each file could not be written.
STATE = struct.Struct(f"<II{KINDS}Q{len(LINE_FILES)}Q")
GAP = struct.Struct("<QQII4x")  # from and to in nanoseconds (0: to the end), kinds as bits, rows
GAPS = 64  # at most; the last goes on over those that follow
ROWS_AT = 4096  # where the rows begin
# What a row consists of, in its order, and how much space each takes.
ROW_FIELDS = (
    *(("a", "Q"), ("b", "Q"), ("c", "Q")),
    *(("client", "I"), ("mark", "H"), ("flags", "B"), ("kind", "B")),
)
ROW = struct.Struct("<" + "".join(code for _, code in ROW_FIELDS))
STEP = 4 << 20  # by how much a file of rows grows
MOST_ROWS = 1 << 50  # octets of a file of rows; a hole is not read
# Keys of a line of health-TAG.jsonl: how many rows the process had written, and their CRC-32.
ROWS, ROWS_CHECKSUM = "rows", "rows_crc32"
WALL = "wall_ns"  # and the time of day then, in nanoseconds since 1970

FOREVER = (1 << 63) - 1
EVERYONE = 0  # the room of all connections
ITSELF = 1  # the room in which each sender is alone: what comes back to it
NOBODY = 2  # emits that are acknowledged and heard by none
FIRST_ROOM = 3

# What is told of by its own name, in a process and in a run; what is beyond has one name.
MOST_NAMES = 200  # of messages
MOST_REASONS = 200
MOST_CLASSES = 50  # of users
MOST_BODIES = 1000
OTHER = "(other)"

_ROW_FILES = "rows-*.bin"
_FIRST_TIME_NAMESPACE = 0xEFFFFFFA  # whose number is the same on every Linux


class LoadRecordError(WrongInput):
    """A run folder that cannot be written or read; one line."""


class Kind(IntEnum):
    """What a row tells."""

    # a = sequence << 32 | room, b = intended time, c = checksum of the body << 32 | microseconds
    # by which it left later; mark = the last bits of its stamp's check
    EMIT = 1
    ACK = 2  # a = sequence, c = time
    ACK_TIMEOUT = 3  # a = sequence, c = time
    # a = sender, b = checksum of the body << 32 | sequence, c = time; mark = as the stamp has it
    RECEIPT = 4
    JOIN_ASKED = 5  # a = room, c = time; the next three too
    JOINED = 6
    LEAVE_ASKED = 7
    LEFT = 8
    # c = time; the next four too. a = class of the user, b = number of the user, less one; 0: none;
    # flags = what its user expects, as bits of `Expected`
    CONNECT_ASKED = 9
    CONNECTED = 10
    DISCONNECT_ASKED = 11
    DISCONNECTED = 12  # a = reason, b = when anything was last received
    CONNECT_FAILED = 13  # a = reason, b = the number of a text
    END = 14  # the process has recorded everything that it saw
    PHASE = 15  # a = a `Phase`, c = when it began
    WITHDRAWN = 16  # a = sequence: the emit of this number did not leave
    STRAY_ACK = 17  # a = a `Stray`, b = the number of the acknowledgement, c = time
    # a = the client that the same user was before; c = time, flags = `LifeFlag`
    LIFE = 18
    # An answer refuses: a = the number of a text that says why, b = sequence of the message that
    # it answers (0: it is about a room), c = time
    REFUSED = 19
    UNANSWERED = 20  # what lets a client into a room or out of it: a = room, c = time
    ERROR = 21  # in the scenario: a = the number of a text, c = time; client = 0: of none
    # A value in the answer to a message: a = sequence, b = what stands for it, c = time,
    # mark = the number of a text that says which value, flags = `ValueFlag`
    VALUE = 22
    # A message without a stamp is sent, or heard: a = room (0 where it is heard), b = what stands
    # for its name and value, c = time, mark = the number of its name's text, flags = `EmitFlag`
    EPHEMERAL = 23
    EPHEMERAL_HEARD = 24


class EmitFlag(IntFlag):
    """What is special about an emit."""

    ACKNOWLEDGED = 1  # an acknowledgement was asked for
    SKIPS_SENDER = 2  # its sender is not to hear it, member or not
    MATCHED = 4  # which message acknowledges it is for the scenario to tell


class ReceiptFlag(IntFlag):
    """What is wrong with a receipt."""

    CORRUPTED = 1  # the body differs from what was sent
    UNREADABLE = 2  # the stamp was altered: nothing says whose message it was
    UNMARKED = 4  # there was no stamp where each message has one
    FOREIGN = 8  # it belongs to another run
    EXACT = 16  # it came back to its sender octet for octet; there is no checksum and no mark
    HISTORY = 32  # it is of a history, which repeats what was said


class LifeFlag(IntFlag):
    """How much a user misses while it has no connection; `REPLAYS` stands in `JOIN_ASKED`, too."""

    REPLAYS = 1  # nothing: the application hands it over once the user is back
    RECOVERED = 2  # nothing: the server has kept the connection's state, rooms and all


class ValueFlag(IntFlag):
    """What is asserted of a value in an answer."""

    INCREASING = 1  # it is larger than those before; otherwise no other is the same
    IN_ROOM = 2  # among those of one room
    OF_SENDER = 4  # among those of one user's messages
    MISSING = 8  # the answer has none
    UNJUDGED = 16  # a check of the scenario failed: nobody knows whether the message was accepted


class Stray(IntEnum):
    """An acknowledgement that answers nothing."""

    UNASKED = 1  # of a number that nobody has asked for
    EARLY = 2  # it had come before the message was sent
    DOUBLED = 3  # its message was acknowledged before
    FOREIGN = 4  # of a number that another client has asked for
    LATE = 5  # nobody waits for it any longer


class Phase(IntEnum):
    """The parts of a run, in their order."""

    RAMP = 0
    MEASURED = 1
    DRAIN = 2
    OVER = 3


class Reason(IntEnum):
    """Why a connection ended or did not come about; the numbers stand in the rows of a run."""

    CLIENT = 1  # we closed it
    SERVER_CLOSED = 2  # with a Close frame, a CLOSE packet
    SERVER_DROPPED = 3  # the stream ended without any
    RESET = 4
    SERVER_DISCONNECTED = 5  # a Socket.IO DISCONNECT packet
    PING_TIMEOUT = 6
    REFUSED = 10
    UNREACHABLE = 11
    CONNECT_TIMEOUT = 12
    TLS = 13
    HTTP_STATUS = 14
    BAD_HANDSHAKE = 15
    NAMESPACE_REFUSED = 16
    SOURCE = 17  # an own address that cannot be used, or has no port left
    OWN_LIMIT = 18  # of this machine: open files, memory
    LOGIN = 19  # what the scenario asks for before it connects
    PROTOCOL = 20  # WebSocket or HTTP that the standard does not allow
    TOO_BIG = 21
    BAD_PACKET = 22  # Engine.IO or Socket.IO that the protocol does not allow
    PROXY = 23  # which is not there, refuses, or does not speak its protocol

    @property
    def label(self) -> str:
        """The reason in words, for counting errors by it."""
        return _LABELS[self]


_LABELS = {
    Reason.CLIENT: "closed by us",
    Reason.SERVER_CLOSED: "server closed",
    Reason.SERVER_DROPPED: "server dropped the connection",
    Reason.RESET: "connection reset",
    Reason.SERVER_DISCONNECTED: "server disconnected the namespace",
    Reason.PING_TIMEOUT: "ping timeout",
    Reason.REFUSED: "connection refused",
    Reason.UNREACHABLE: "unreachable",
    Reason.CONNECT_TIMEOUT: "connect timed out",
    Reason.TLS: "TLS failed",
    Reason.HTTP_STATUS: "HTTP status",
    Reason.BAD_HANDSHAKE: "bad handshake",
    Reason.NAMESPACE_REFUSED: "namespace refused",
    Reason.SOURCE: "no source address",
    Reason.OWN_LIMIT: "limit of this machine",
    Reason.LOGIN: "login failed",
    Reason.PROTOCOL: "protocol error",
    Reason.TOO_BIG: "too big",
    Reason.BAD_PACKET: "bad packet",
    Reason.PROXY: "proxy failed",
}


def record_file(kind: str, tag: int) -> str:
    """The name of a process's file of rows, or of lines of a kind."""
    return f"{kind}-{tag:08x}.{'bin' if kind == 'rows' else 'jsonl'}"


def has_rows(folder: Path) -> bool:
    """Whether any process has recorded anything in a folder."""
    return any(folder.glob(_ROW_FILES))


def is_load_run(folder: Path) -> bool:
    """Whether a folder is that of a load run, whole or not."""
    return is_there(folder / RUN_FILE) or has_rows(folder)


def boot_id() -> str:
    """What names this boot of this machine; processes that share it share a clock.

    A time namespace has a clock of its own, and is named behind its boot.
    """
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:36]
        with contextlib.suppress(OSError):
            space = Path("/proc/self/ns/time").stat().st_ino
            if space != _FIRST_TIME_NAMESPACE:
                return f"{boot}{space & 0xFFFFFFFF:08x}"
        return boot
    return f"{os.uname().nodename[:20]}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which a process could not write rows, and of which kinds they would have been."""

    begin: int
    end: int
    kinds: frozenset[int]


@dataclass(frozen=True, slots=True)
class RowFile:
    """What the page before the rows says, and how many rows follow it at most."""

    path: Path
    run: int
    tag: int
    pid: int
    boot: str
    rows: int
    closed: bool = False  # the process has ended in order, whatever it could write
    missing: Mapping[int, int] = field(default_factory=dict)  # rows that were not written, by kind
    missing_lines: Mapping[str, int] = field(default_factory=dict)  # by kind of file
    gaps: tuple[Gap, ...] = ()


def read_header(path: Path) -> RowFile:
    """The header of a file of rows; raises `LoadRecordError` for anything else."""
    try:
        with opened(path, MOST_ROWS) as handle:
            page = os.read(handle, ROWS_AT)
            length = os.fstat(handle).st_size
    except OSError as error:
        raise LoadRecordError(f"cannot read {path}: {error.strerror}") from None
    except FileError as error:
        raise LoadRecordError(str(error)) from None
    if len(page) < ROWS_AT or not page.startswith(MAGIC):
        raise LoadRecordError(f"{path} is not a file of rows")
    _, run, tag, pid, boot = HEADER.unpack_from(page)
    closed, gaps, *missing = STATE.unpack_from(page, HEADER.size)
    return RowFile(
        path=path,
        run=run,
        tag=tag,
        pid=pid,
        boot=boot.rstrip(b"\0").decode("ascii", "replace"),
        rows=(length - ROWS_AT) // ROW.size,
        closed=bool(closed),
        missing={kind: count for kind, count in enumerate(missing[:KINDS]) if count},
        missing_lines={
            name: count for name, count in zip(LINE_FILES, missing[KINDS:], strict=True) if count
        },
        gaps=tuple(_gap(page, number) for number in range(min(gaps, GAPS))),
    )


def _gap(page: bytes, number: int) -> Gap:
    at = HEADER.size + STATE.size + number * GAP.size
    begin, end, kinds, _ = GAP.unpack_from(page, at)
    bits = (kind for kind in range(KINDS) if kinds >> kind & 1)
    return Gap(min(begin, FOREVER), min(end or FOREVER, FOREVER), frozenset(bits))


def finished_or_gone(folder: Path) -> bool:
    """Whether every process of this boot that writes rows here has ended, in order or not."""
    return not any(_goes_on(path) for path in folder.glob(_ROW_FILES))


def _goes_on(path: Path) -> bool:
    try:
        file = read_header(path)
    except LoadRecordError:
        return False
    if file.closed or file.boot != boot_id():
        return False
    try:
        state = Path(f"/proc/{file.pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] not in ("Z", "X")
