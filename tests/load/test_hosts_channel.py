"""Sender and receiver distrust each other: who does not know the key writes nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import random
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sockproof.load.hosts import receiver as receivers
from sockproof.load.hosts.channel import KEY, MAGIC, MOST, Channel, ChannelError
from sockproof.load.hosts.frames import (
    LONGEST_PIECE,
    Frame,
    packed,
    piece,
    read_piece,
    unpacked,
)
from sockproof.load.hosts.receiver import Receiver
from sockproof.load.hosts.sender import AT_ONCE, Sender
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.clock_line import RoundTrip, fit
from sockproof.runs.load_records import ROW, ROWS_AT, record_file
from tests.waiting import EXPIRES, SOON

RIGHT, WRONG = bytes(range(KEY)), bytes(KEY)
RUN = 7


@pytest.fixture
def recorded(tmp_path: Path) -> Recorder:
    """What a worker wrote."""
    folder = tmp_path / "there"
    folder.mkdir()
    recorder = Recorder(folder, RUN)
    recorder.connecting(recorder.client(), 5)
    recorder.phase(Phase.OVER, 9)
    recorder.close(10)
    return recorder


@contextmanager
def receiving(folder: Path) -> Iterator[tuple[Receiver, int]]:
    folder.mkdir(exist_ok=True)
    receiver = Receiver(folder, RUN, RIGHT)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=receiver.serve, args=(listening,), daemon=True).start()
        yield receiver, listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@contextmanager
def greeted(port: int, tag: int, run: int = RUN, boot: str = "boot") -> Iterator[Channel]:
    channel = Channel.connect("127.0.0.1", port, RIGHT, SOON)
    hello = {"run": run, "tag": tag, "boot": boot, "sends": True, "writes": True}
    channel.send(Frame.HELLO, json.dumps(hello).encode())
    try:
        yield channel
    finally:
        channel.close()


def test_who_does_not_know_the_key_is_not_heard(tmp_path: Path) -> None:
    with receiving(tmp_path / "here") as (_, port), pytest.raises(ChannelError, match="key"):
        Channel.connect("127.0.0.1", port, WRONG, SOON)
    assert list((tmp_path / "here").iterdir()) == []


def test_who_reflects_what_it_hears_proves_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def reflect() -> None:
            sock, _ = listening.accept()
            with sock:
                while octets := sock.recv(1 << 16):
                    sock.sendall(octets)

        threading.Thread(target=reflect, daemon=True).start()
        with pytest.raises(ChannelError, match="key"):
            Channel.connect("127.0.0.1", listening.getsockname()[1], RIGHT, SOON)


def test_an_altered_frame_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    ends: list[Channel] = []
    thread = threading.Thread(target=lambda: ends.append(Channel.accept(theirs, RIGHT, SOON)))
    thread.start()
    sender = Channel._proven(ours, RIGHT, b"sender", b"receiver", SOON)
    thread.join(SOON)
    sender.send(Frame.TIME, b"as it was")
    assert ends[0].receive() == (Frame.TIME, b"as it was")
    sender._sent += 1  # as if a frame had been taken out
    sender.send(Frame.TIME, b"behind it")
    with pytest.raises(ChannelError, match="altered"):
        ends[0].receive()
    ours.sendall(struct.pack("<BI", 1, MOST + 1))
    with pytest.raises(ChannelError, match="too long"):
        ends[0].receive()
    ours.close()
    theirs.close()


def test_what_unpacks_to_more_than_it_may_is_refused() -> None:
    for octets in (b"", b"x" * 10):
        assert unpacked(packed(octets), 10) == octets
    ten = packed(b"x" * 10)
    unsaid = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 10)
    short = ten.replace(b"\x0a", b"\x09", 1)  # what it says that it holds
    assert short != ten
    for content in (packed(b"x" * 11), b"", b"no frame", ten[:-1], ten + b"more", unsaid, short):
        with pytest.raises(ChannelError):
            unpacked(content, 10)
    with pytest.raises(ChannelError):
        unpacked(packed(bytes(1 << 28)), LONGEST_PIECE)


@pytest.mark.parametrize("count", [0, 1, 5, LONGEST_PIECE // ROW.size])
def test_rows_arrive_as_they_were(count: int) -> None:
    dice = random.Random(count)  # half of the columns do not repeat
    rows = b"".join(dice.randbytes(16) + bytes(15) + b"\x04" for _ in range(count))
    content = piece("rows", ROWS_AT, rows)
    assert read_piece(content) == ("rows", ROWS_AT, rows)
    assert len(content) <= len(rows) * 0.6 + 200


def test_whole_files_arrive_and_go_on_after_a_break(tmp_path: Path, recorded: Recorder) -> None:
    rows = (tmp_path / "there" / record_file("rows", recorded.tag)).read_bytes()
    name, boot = record_file("rows", recorded.tag), recorded._rows.boot
    with receiving(tmp_path / "here") as (receiver, port):
        with greeted(port, recorded.tag, boot=boot) as channel:
            assert json.loads(channel.receive()[1])["rows"] == ROWS_AT
            channel.send(Frame.PAGE, packed(rows[:ROWS_AT]))
            assert channel.receive()[0] == Frame.YES
            channel.send(Frame.PIECE, piece("rows", ROWS_AT, rows[ROWS_AT : ROWS_AT + 32]))
            assert channel.receive()[0] == Frame.YES
        assert receiver.waited_for() == 1
        with greeted(port, recorded.tag, boot=boot) as channel:
            stands = json.loads(channel.receive()[1])
            assert stands["rows"] == ROWS_AT + 32
            channel.send(Frame.PIECE, piece("rows", ROWS_AT + 32, rows[ROWS_AT + 32 :]))
            assert channel.receive()[0] == Frame.YES
            nothing = {kind: [0, 0] for kind in stands}
            whole = {**nothing, "rows": [len(rows), zlib.crc32(rows[ROWS_AT:]) ^ 1]}
            channel.send(Frame.WHOLE, json.dumps(whole).encode())
            assert channel.receive() == (Frame.AGAIN, json.dumps({"rows": ROWS_AT}).encode())
            channel.send(Frame.PIECE, piece("rows", ROWS_AT, rows[ROWS_AT:]))
            assert channel.receive()[0] == Frame.YES
            whole["rows"][1] ^= 1
            channel.send(Frame.WHOLE, json.dumps(whole).encode())
            assert channel.receive()[0] == Frame.YES
        assert receiver.waited_for() == 0
    assert (tmp_path / "here" / name).read_bytes() == rows


def test_what_is_of_another_run_or_place_is_refused(tmp_path: Path, recorded: Recorder) -> None:
    with receiving(tmp_path / "here") as (receiver, port):
        with greeted(port, recorded.tag, run=8) as channel:
            assert channel.receive() == (Frame.NO, b"a sender is of another run")
        with greeted(port, recorded.tag) as channel:
            channel.receive()
            channel.send(Frame.PAGE, packed(bytes(ROWS_AT)))
            assert channel.receive() == (Frame.NO, b"a page is of another process")
        with greeted(port, recorded.tag) as channel:
            channel.receive()
            channel.send(Frame.PIECE, piece("health", 5, b"{}"))
            kind, said = channel.receive()
            assert kind == Frame.NO
            assert b"has 0 octets, not 5" in said
        with greeted(port, recorded.tag, boot="another") as channel:
            assert channel.receive()[0] == Frame.NO
        with greeted(port, recorded.tag) as channel:
            channel.receive()
            channel.send(Frame.PIECE, piece("rows", ROWS_AT, bytes(32)))  # without a page
            with pytest.raises(ChannelError):
                channel.receive()
        assert len(receiver.problems) == 4


def test_a_disk_that_is_nearly_full_is_left_as_it_is(
    tmp_path: Path, recorded: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "LEAST_SPACE", 1 << 60)
    with receiving(tmp_path / "here") as (_, port), greeted(port, recorded.tag) as channel:
        channel.receive()
        channel.send(Frame.PIECE, piece("health", 0, b"{}\n"))
        kind, said = channel.receive()
        assert kind == Frame.NO
        assert said.endswith(b"the disk is full")
    assert list((tmp_path / "here").iterdir()) == []


class Failing:
    """A socket whose first calls of accept fail."""

    def __init__(self, listening: socket.socket, *errors: int) -> None:
        self.listening, self.errors = listening, list(errors)

    def accept(self) -> tuple[socket.socket, Any]:
        if self.errors:
            raise OSError(self.errors.pop(0), "failed")
        return self.listening.accept()


def test_connections_are_taken_again_when_there_are_descriptors(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path, RUN, RIGHT)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        failing: Any = Failing(listening, *[errno.EMFILE] * 2, errno.ECONNABORTED)
        threading.Thread(target=receiver.serve, args=(failing,), daemon=True).start()
        with greeted(listening.getsockname()[1], 5) as channel:
            assert channel.receive()[0] == Frame.STANDS
        listening.shutdown(socket.SHUT_RDWR)


def test_who_proves_nothing_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "PROOF", EXPIRES)
    with receiving(tmp_path / "here") as (_, port), contextlib.ExitStack() as stack:
        for number in range(3 * receivers.MOST_UNPROVEN):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", port), SOON))
            if number % 2:
                silent.sendall(MAGIC + bytes(16))  # half of a greeting
        with greeted(port, 5) as channel:
            assert channel.receive()[0] == Frame.STANDS


def test_what_speaks_another_protocol_is_told_nothing(tmp_path: Path) -> None:
    with receiving(tmp_path / "here") as (_, port):
        with socket.create_connection(("127.0.0.1", port), SOON) as sock:
            assert sock.recv(len(MAGIC)) == MAGIC
            sock.sendall(b"GET / HTTP/1.1\r\nHost: receiver\r\nAccept: everything\r\n\r\n")
            rest = b""
            with contextlib.suppress(ConnectionResetError):
                while part := sock.recv(1 << 16):
                    rest += part
        assert len(rest) == 32  # its own number for this connection, and nothing else


# Clocks: here both ends have the same one.


@contextmanager
def delaying(port: int, there: float, back: float) -> Iterator[int]:
    """A relay that takes so many seconds for what it passes on, on each way."""

    def relay(source: socket.socket, to: socket.socket, seconds: float) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(1 << 16):
                time.sleep(seconds)
                to.sendall(octets)
            to.shutdown(socket.SHUT_WR)

    def serve(listening: socket.socket) -> None:
        ours, _ = listening.accept()
        theirs = socket.create_connection(("127.0.0.1", port))
        with ours, theirs:
            threading.Thread(target=relay, args=(ours, theirs, there), daemon=True).start()
            relay(theirs, ours, back)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(SOON)


@pytest.mark.parametrize(("there", "back"), [(0.0, 0.0), (0.02, 0.0), (0.0, 0.02)])
def test_clock_is_wrong_by_no_more_than_is_stated(
    there: float, back: float, tmp_path: Path, recorded: Recorder
) -> None:
    trips: list[RoundTrip] = []

    def take(line: bytes) -> None:
        trips.append(RoundTrip(**json.loads(line)))
        if len(trips) == AT_ONCE:
            raise ChannelError("that is enough")

    with receiving(tmp_path / "here") as (_, receiver), delaying(receiver, there, back) as port:
        to = "127.0.0.1", port, RIGHT
        sender = Sender(tmp_path / "there", recorded.tag, RUN, 1, to, sends=False)
        with pytest.raises(ChannelError, match="enough"):
            sender._measure(take)
    line = fit(trips, trips[0].sent, trips[-1].received)
    assert line is not None
    slow = round((there + back) * 1e9 / 2)
    wrong = [abs(line.to_run(each.sent) - each.sent) for each in trips]
    assert max(wrong) <= line.error
    assert line.error >= slow
    # That the ways differ no round trip shows: what is measured is off, and the error says so.
    assert max(wrong) >= slow * 0.5
