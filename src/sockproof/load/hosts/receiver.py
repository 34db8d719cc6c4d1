"""The receiver: a process beside the master that writes what workers of other hosts recorded.

`python -m sockproof.load.hosts.receiver FOLDER RUN HOST PORT OTHERWISE`, with the key in
hexadecimal as the first line of its input; `OTHERWISE` is the port where the first one is taken. It
ends when its input does. What it prints is a line of JSON each time: the port, then how many
senders are still to be waited for and how many octets have come, and what went wrong.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import threading
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sockproof.load.hosts.channel import KEY, Channel, ChannelError, told
from sockproof.load.hosts.frames import KINDS, Frame, of_time, read_piece, unpacked
from sockproof.runs.load_lines import MOST_OCTETS
from sockproof.runs.load_records import HEADER, MAGIC, ROWS_AT, record_file

MOST_SENDERS = 4096
MOST_UNPROVEN = 64  # connections at once
PROOF = 10.0  # seconds to prove the key
GONE = 20.0  # seconds without a word after which a sender is not waited for
LEAST_SPACE = 64 << 20  # octets that are left on the disk for the summary
SILENT = 60.0  # seconds after which a connection is closed
_MOST_BOOT = 44
# What accept fails with for a while: no descriptors or memory, a peer that is gone already.
_TRANSIENT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED)


class Refused(Exception):
    """Something that is not written; a line for people."""


@dataclass
class _File:
    """A file that grows."""

    path: Path
    octets: int
    most: int
    begins: int  # where its checksum begins
    checksum: int = 0

    def add(self, offset: int, octets: bytes) -> None:
        if offset != self.octets:
            raise Refused(f"{self.path.name} has {self.octets:,} octets, not {offset:,}")
        if self.octets + len(octets) > self.most:
            raise Refused(f"{self.path.name} is longer than it may be")
        self.write(offset, octets)
        self.octets += len(octets)
        self.checksum = zlib.crc32(octets, self.checksum)

    def write(self, offset: int, octets: bytes) -> None:
        try:
            space = os.statvfs(self.path.parent)
            if space.f_bavail * space.f_frsize < LEAST_SPACE + len(octets):
                raise Refused(f"cannot write {self.path}: the disk is full")
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                while octets:
                    written = os.pwrite(handle, octets, offset)
                    offset, octets = offset + written, octets[written:]
            finally:
                os.close(handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self.path, self.octets)
            raise Refused(f"cannot write {self.path}: {error.strerror}") from None

    def clear(self) -> None:
        with contextlib.suppress(OSError):
            os.truncate(self.path, min(self.octets, self.begins))
        self.octets, self.checksum = self.begins, 0


@dataclass
class _Process:
    """A process whose files come over the network."""

    tag: int
    boot: str
    files: dict[str, _File]
    heard: float  # when it said anything
    page: bytes = b""
    finished: bool = False
    turn: int = 0  # which connection writes: the last one
    lock: threading.Lock = field(default_factory=threading.Lock)


class Receiver:
    """All of them."""

    def __init__(self, folder: Path, run: int, key: bytes) -> None:
        self.folder, self.run, self.key = folder, run, key
        self.octets = 0
        self.problems: list[str] = []
        self._processes: dict[int, _Process] = {}
        self._lock = threading.Lock()
        self._unproven = threading.BoundedSemaphore(MOST_UNPROVEN)

    def serve(self, listening: socket.socket) -> None:
        """Take connections, each in a thread of its own."""
        while True:
            self._unproven.acquire()
            try:
                sock, _ = listening.accept()
            except OSError as error:
                if error.errno not in _TRANSIENT:
                    return
                self._unproven.release()
                time.sleep(0.1)  # descriptors may be free again by then
                continue
            threading.Thread(target=self._prove, args=(sock,), daemon=True).start()

    def _prove(self, sock: socket.socket) -> None:
        over = threading.Timer(PROOF, _cut, (sock,))
        over.daemon = True
        over.start()
        try:
            channel = Channel.accept(sock, self.key, SILENT)
        except (ChannelError, OSError):
            return
        finally:
            over.cancel()
            self._unproven.release()
        try:
            self._talk(channel)
        except ChannelError:
            return  # it will come again
        finally:
            channel.close()

    def waited_for(self) -> int:
        """How many senders have not sent all, and were heard of just now."""
        now = time.monotonic()
        with self._lock:
            each = list(self._processes.values())
        return sum(not one.finished and now - one.heard < GONE for one in each)

    def _talk(self, channel: Channel) -> None:
        kind, content = channel.receive()
        if kind != Frame.HELLO:
            raise ChannelError("no greeting")
        hello = told(content)
        writes = hello.get("writes") is True
        try:
            process = self._greeted(hello)
        except Refused as refused:
            self._refuse(channel, refused)
            return
        turn = 0  # it only compares clocks
        if writes:
            process.turn += 1
            turn = process.turn
        stands = {name: file.octets for name, file in process.files.items()}
        channel.send(Frame.STANDS, json.dumps(stands).encode())
        while True:
            kind, content = channel.receive()
            now = time.monotonic_ns()  # before anything else is done
            process.heard = time.monotonic()
            if kind == Frame.TIME:
                channel.send(Frame.TIME, of_time(now))
                continue
            with process.lock:
                if process.turn != turn:
                    raise ChannelError("another connection writes")
                try:
                    answer = self._take(process, kind, content)
                except Refused as refused:
                    self._refuse(channel, refused)
                    return
            channel.send(*answer)

    def _refuse(self, channel: Channel, refused: Refused) -> None:
        text = str(refused)
        if text not in self.problems and len(self.problems) < 20:
            self.problems.append(text)
        channel.send(Frame.NO, text.encode())

    def _greeted(self, hello: dict[str, Any]) -> _Process:
        tag, boot = hello.get("tag"), hello.get("boot")
        if hello.get("run") != self.run:
            raise Refused("a sender is of another run")
        if not isinstance(tag, int) or not 0 < tag < 1 << 32 or not isinstance(boot, str):
            raise Refused("a sender does not say who it is")
        if len(boot) > _MOST_BOOT or not boot.isascii() or not boot.isprintable():
            raise Refused("a sender does not say of which boot it is")
        with self._lock:
            known = self._processes.get(tag)
            if known is not None:
                if known.boot != boot:
                    raise Refused(f"two hosts have a process {tag:08x}")
                known.heard = time.monotonic()
                return known
            if len(self._processes) >= MOST_SENDERS:
                raise Refused(f"more than {MOST_SENDERS:,} senders")
            found = _Process(tag, boot, {}, time.monotonic())
            if hello.get("sends") is True:
                found.files = {name: self._file(name, tag) for name in KINDS}
            else:
                found.finished = True
            self._processes[tag] = found
            return found

    def _file(self, name: str, tag: int) -> _File:
        path = self.folder / record_file(name, tag)
        if path.exists():
            raise Refused(f"{path.name} is there already")
        begins = ROWS_AT if name == "rows" else 0
        return _File(path, begins, 1 << 50 if name == "rows" else MOST_OCTETS, begins)

    def _take(self, process: _Process, kind: int, content: bytes) -> tuple[int, bytes]:
        if not process.files:
            raise ChannelError("nothing was to be sent")
        if kind == Frame.PAGE:
            page = unpacked(content, ROWS_AT)
            self._check(process, page)
            process.files["rows"].write(0, page)
            process.page = page
        elif kind == Frame.PIECE:
            name, offset, octets = read_piece(content)
            if name == "rows" and not process.page:
                raise ChannelError("rows without a page")
            process.files[name].add(offset, octets)
            self.octets += len(octets)
        elif kind == Frame.WHOLE:
            wrong = self._compared(process, told(content))
            if wrong:
                return Frame.AGAIN, json.dumps(wrong).encode()
            process.finished = True
        else:
            raise ChannelError("an unknown frame")
        return Frame.YES, b""

    def _check(self, process: _Process, page: bytes) -> None:
        if len(page) != ROWS_AT:
            raise ChannelError("a page of another length")
        magic, run, tag, _, boot = HEADER.unpack_from(page)
        if (magic, run, tag) != (MAGIC, self.run, process.tag):
            raise Refused("a page is of another process")
        if boot.rstrip(b"\0").decode("ascii", "replace") != process.boot:
            raise Refused("a page is of another boot")

    def _compared(self, process: _Process, whole: dict[str, Any]) -> dict[str, int]:
        """The files that are not what was sent, which begin again, and where."""
        wrong = {}
        for name, file in process.files.items():
            file.write(file.octets, b"")  # it is there, though it may be empty
            if whole.get(name) != [file.octets, file.checksum]:
                file.clear()
                wrong[name] = file.octets
        return wrong


def main(words: list[str]) -> int:
    """Listen, until the input ends."""
    folder, run, host = Path(words[0]), int(words[1]), words[2]
    port, otherwise = int(words[3]), int(words[4])
    key = bytes.fromhex(sys.stdin.readline().strip())
    if len(key) != KEY:
        return 3
    try:
        try:
            listening = _listen(host, port)
        except (OSError, OverflowError):
            if otherwise == port:
                raise
            listening = _listen(host, otherwise)
    except (OSError, OverflowError) as error:
        _say({"problem": f"cannot listen on {host or '*'}:{port} for rows: {error}"})
        return 2
    receiver = Receiver(folder, run, key)
    threading.Thread(target=receiver.serve, args=(listening,), daemon=True).start()
    _say({"port": listening.getsockname()[1]})
    threading.Thread(target=_report, args=(receiver,), daemon=True).start()
    sys.stdin.read()  # until whoever started this closes it, or is gone
    _say(_state(receiver))
    return 0


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _listen(host: str, port: int) -> socket.socket:
    if host:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    return socket.create_server(("", port), family=family, backlog=128, dualstack_ipv6=both)


def _state(receiver: Receiver) -> dict[str, Any]:
    return {"waited_for": receiver.waited_for(), "octets": receiver.octets}


def _report(receiver: Receiver) -> None:
    told_problems = 0
    before: dict[str, Any] = {}
    while True:
        for text in receiver.problems[told_problems:]:
            told_problems += 1
            _say({"problem": text})
        state = _state(receiver)
        if state != before:
            _say(state)
            before = state
        time.sleep(0.25)


def _say(value: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # threads that wait for senders hold up nothing
