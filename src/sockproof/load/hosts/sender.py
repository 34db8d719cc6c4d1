"""The sender: a process beside a worker that sends what the worker wrote to its own disk.

`python -m sockproof.load.hosts.sender FOLDER TAG RUN HOST PORT WHAT WORKER`, with the key as the
first line of its input. `WHAT` is `live`, `end` (send when the worker has ended) or `clock` (the
worker writes to the master's folder, and only its clock is another). It ends when all has arrived,
or when the receiver cannot be reached for a while after the worker has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from sockproof.load.hosts.channel import Channel, ChannelError, told
from sockproof.load.hosts.frames import (
    CLOCK_FILE,
    LONGEST_PIECE,
    Frame,
    packed,
    piece,
    time_of,
)
from sockproof.runs.load_records import (
    LINE_FILES,
    ROW,
    ROWS,
    ROWS_AT,
    LoadRecordError,
    read_header,
    record_file,
)

OFTEN = 0.5  # seconds between two looks at the clocks, and at the files
AT_ONCE = 8  # round trips at the beginning, since short runs have few
GIVE_UP = 20.0  # seconds without the receiver, after the worker has ended
STILL_THERE = 5.0  # seconds after which a word is said where nothing is to be sent
AHEAD = 4  # pieces that are sent before the first of them is answered
LIMIT = 10.0  # seconds that the receiver may be silent
_TAIL = 1 << 16  # octets at the end of a file in which its last line is


class NotTaken(Exception):
    """The receiver refuses what is sent; a line."""


class Sender:
    """Sends the files of one process."""

    def __init__(
        self, folder: Path, tag: int, run: int, worker: int, to: tuple[str, int, bytes], sends: bool
    ) -> None:
        """`to` is where the receiver listens, and the key; `sends`: not its clock alone."""
        self.folder, self.tag, self.run, self.worker = folder, tag, run, worker
        self._to = to
        self._sends = sends
        self.ended = False  # the worker writes no more
        self.boot = read_header(self.path("rows")).boot
        self._page = b""
        self._told_at = 0  # octets of the file of health when it was last looked at
        self._compared = threading.Event()  # the clocks, often enough to know the error
        self._checksums = dict.fromkeys(("rows", *LINE_FILES, CLOCK_FILE), (0, 0))

    def path(self, kind: str) -> Path:
        """Where the worker writes a file."""
        return self.folder / record_file(kind, self.tag)

    def _connect(self, writes: bool) -> tuple[Channel, dict[str, int]]:
        """A connection, and how far the receiver has come."""
        channel = Channel.connect(*self._to, LIMIT)
        hello = {"run": self.run, "tag": self.tag, "boot": self.boot}
        hello |= {"sends": self._sends, "writes": writes}
        channel.send(Frame.HELLO, json.dumps(hello).encode())
        return channel, told(_answer(channel, Frame.STANDS))

    # The clock.

    def measure(self) -> NoReturn:
        """Measure the worker's clock against the receiver's, again and again."""
        with self.path(CLOCK_FILE).open("ab", buffering=0) as file:
            while True:
                with contextlib.suppress(ChannelError, NotTaken, OSError):
                    self._measure(file.write)
                time.sleep(OFTEN)

    def _measure(self, write: Callable[[bytes], object]) -> NoReturn:
        channel, _ = self._connect(writes=False)
        at_once = AT_ONCE
        try:
            while True:
                sent = time.monotonic_ns()
                channel.send(Frame.TIME, b"")
                content = _answer(channel, Frame.TIME)
                received = time.monotonic_ns()
                line = {"sent": sent, "received": received, "there": time_of(content)}
                write(json.dumps(line).encode() + b"\n")
                at_once -= 1
                if at_once <= 0:
                    self._compared.set()
                    time.sleep(OFTEN)
        finally:
            channel.close()

    # The files.

    def look(self) -> bool:
        """Whether the worker writes no more."""
        if not self.ended:
            with contextlib.suppress(LoadRecordError):
                self.ended = read_header(self.path("rows")).closed
            self.ended |= os.getppid() != self.worker
        return self.ended

    def send(self, at_the_end: bool) -> None:
        """Send all, as it is written or when the worker has ended; raises `ChannelError`."""
        channel, stands = self._connect(writes=True)
        self._page = b""  # it may not have arrived before
        said = time.monotonic()
        try:
            while True:
                ended = self.look()
                if ended:
                    self._compared.wait(LIMIT)  # whoever died at once has heard and said something
                if ended or (not at_the_end and self._has_told()):
                    self._send_new(channel, stands, ended)
                    said = time.monotonic()
                elif time.monotonic() - said > STILL_THERE:
                    channel.send(Frame.TIME, b"")
                    _answer(channel, Frame.TIME)
                    said = time.monotonic()
                if ended and self._are_whole(channel, stands):
                    return
                if not ended:
                    time.sleep(OFTEN)
        finally:
            channel.close()

    def _has_told(self) -> bool:
        """Whether the worker has told of new rows since this was last asked."""
        before = self._told_at
        with contextlib.suppress(OSError):
            self._told_at = self.path("health").stat().st_size
        return self._told_at != before

    def _send_new(self, channel: Channel, stands: dict[str, int], ended: bool) -> None:
        """Send what is new: the next pieces are on their way while the first are written."""
        until = {name: self._length(name, stands[name]) for name in (*LINE_FILES, CLOCK_FILE)}
        until["rows"] = self._written() if ended else self._told(until["health"])
        unanswered = 0
        for frame, content in self._new(stands, until):
            channel.send(frame, content)
            unanswered += 1
            if unanswered > AHEAD:
                _answer(channel, Frame.YES)
                unanswered -= 1
        for _ in range(unanswered):
            _answer(channel, Frame.YES)

    def _new(self, stands: dict[str, int], until: dict[str, int]) -> Iterator[tuple[Frame, bytes]]:
        with self.path("rows").open("rb") as file:
            page = file.read(ROWS_AT)
        if page != self._page or stands["rows"] == ROWS_AT:
            self._page = page
            yield Frame.PAGE, packed(page)
        for name in ("rows", *LINE_FILES, CLOCK_FILE):  # rows before what tells of them
            for octets in self._between(name, stands[name], until[name]):
                yield Frame.PIECE, piece(name, stands[name], octets)
                stands[name] += len(octets)

    def _between(self, name: str, at: int, until: int) -> Iterator[bytes]:
        if at >= until:
            return
        with contextlib.suppress(FileNotFoundError), self.path(name).open("rb") as file:
            file.seek(at)
            while octets := file.read(min(LONGEST_PIECE, until - at)):
                yield octets
                at += len(octets)

    def _length(self, name: str, known: int = 0) -> int:
        """How long a file of whole lines is by now, of which so many octets are known."""
        with contextlib.suppress(OSError):
            length = self.path(name).stat().st_size
            if length == known:
                return known
            with self.path(name).open("rb") as file:
                file.seek(max(known, length - _TAIL))
                return length - len(file.read(length - file.tell()).rpartition(b"\n")[2])
        return 0

    def _told(self, length: int) -> int:
        """How long the file of rows is, as far as its process has told their checksum."""
        with contextlib.suppress(OSError, ValueError), self.path("health").open("rb") as file:
            file.seek(max(0, length - _TAIL))
            last = file.read(min(length, _TAIL)).rstrip().rpartition(b"\n")[2]
            if last:
                return ROWS_AT + int(json.loads(last).get(ROWS, 0)) * ROW.size
        return ROWS_AT

    def _written(self) -> int:
        """How long it is, of a process that writes no more."""
        at = max(self._told(self._length("health")), ROWS_AT)
        with self.path("rows").open("rb") as file:
            file.seek(at)
            while octets := file.read(1 << 20):
                kinds = octets[ROW.size - 1 :: ROW.size]
                empty = kinds.find(b"\0")
                if empty >= 0:
                    return at + empty * ROW.size
                at += len(kinds) * ROW.size
        return at

    def _are_whole(self, channel: Channel, stands: dict[str, int]) -> bool:
        """Whether what the receiver has is what is here; what is not, it shall have anew."""
        whole = {name: self._summed(name, length) for name, length in stands.items()}
        channel.send(Frame.WHOLE, json.dumps(whole).encode())
        kind, content = channel.receive()
        if kind == Frame.AGAIN:
            stands.update(told(content))
            self._page = b""
            return False
        _checked(Frame.YES, kind, content)
        return True

    def _summed(self, name: str, length: int) -> list[int]:
        octets, checksum = self._checksums[name]
        with contextlib.suppress(FileNotFoundError), self.path(name).open("rb") as file:
            octets = max(octets, ROWS_AT if name == "rows" else 0)
            file.seek(octets)
            while part := file.read(min(1 << 20, length - octets)):
                checksum, octets = zlib.crc32(part, checksum), octets + len(part)
        self._checksums[name] = octets, checksum
        return [octets, checksum]


def _answer(channel: Channel, wanted: Frame) -> bytes:
    return _checked(wanted, *channel.receive())


def _checked(wanted: Frame, kind: int, content: bytes) -> bytes:
    if kind == Frame.NO:
        raise NotTaken(content.decode("utf-8", "replace")[:300])
    if kind != wanted:
        raise ChannelError("an answer of another kind")
    return content


def main(words: list[str]) -> int:
    """Send, until all has arrived."""
    folder, tag, run = Path(words[0]), int(words[1]), int(words[2])
    what, worker = words[5], int(words[6])
    to = words[3], int(words[4]), bytes.fromhex(sys.stdin.readline().strip())
    try:
        sender = Sender(folder, tag, run, worker, to, what != "clock")
    except LoadRecordError as error:
        print(f"sockproof: {error}", file=sys.stderr)  # noqa: T201
        return 2
    threading.Thread(target=sender.measure, daemon=True).start()
    if what == "clock":
        while not sender.look():
            time.sleep(OFTEN)
        return 0
    return _send(sender, at_the_end=what == "end")


def _send(sender: Sender, at_the_end: bool) -> int:
    alone: float | None = None  # since when, after the worker has ended
    while True:
        try:
            sender.send(at_the_end)
            return 0
        except (ChannelError, OSError, LoadRecordError) as error:
            why = str(error)
            if sender.look():
                alone = alone or time.monotonic()
        except NotTaken as error:
            why, alone = str(error), -GIVE_UP  # and it will not
        if alone is not None and time.monotonic() - alone > GIVE_UP:
            text = f"not all rows reached the master: {why}; they are in {sender.folder}"
            print(f"sockproof: {text}", file=sys.stderr)  # noqa: T201
            return 2
        time.sleep(OFTEN)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # the thread of the clock holds up nothing
