"""A slow reader reads as fast as it is told, holds nobody up, and says so."""

from __future__ import annotations

import socket
from pathlib import Path

import gevent
import pytest

from sockproof.load.net.endpoint import Endpoint, traffic
from sockproof.load.net.stream import OPEN, Stream
from sockproof.runs.load_records import Reason
from tests.load.command import load
from tests.load.peers import Hub
from tests.load.pubsub import pubsub, scenario

QUICK = ("--users", "6", "--run-time", "3s", "--no-report", "--drain", "8")


class _Reading(Stream):
    """Counts what comes."""

    __slots__ = ("heard", "reads")

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.heard, self.reads = 0, 0

    def _connected(self) -> None:
        self.state = OPEN

    def _received(self, data: bytes) -> None:
        self.heard += len(data)
        self.reads += 1

    def _closed(self, reason: Reason, text: str) -> None:
        pass


def _read(rate: float | None, octets: int, hub: Hub) -> _Reading:
    """What a stream has read of so many octets, when all of them are there or half a second is
    over."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint(f"ws://127.0.0.1:{server.getsockname()[1]}/")
        stream = _Reading(endpoint if rate is None else endpoint.reading(rate))
        stream._open()
        while stream.state != OPEN:
            gevent.sleep(0.01)
        connection, _ = server.accept()
        with connection:
            connection.sendall(bytes(octets))
            for _ in range(50):
                gevent.sleep(0.01)
                if stream.heard == octets:
                    break
            stream._fail(Reason.CLIENT, "over")
    return stream


def test_a_stream_reads_no_faster_than_its_endpoint_says(hub: Hub) -> None:
    slow = _read(1000, 3000, hub)
    assert slow.heard <= 1000 * 30  # a busy machine is late, never early
    assert slow.reads > 1
    assert slow.heard / slow.reads <= 100


def test_others_are_as_fast_as_they_can(hub: Hub) -> None:
    assert _read(None, 3000, hub).heard == 3000
    traffic.reads_slowly = False
    try:
        assert _read(1000, 3000, hub).heard == 3000
    finally:
        traffic.reads_slowly = True


def test_a_run_says_who_reads_slowly_and_accuses_nobody(tmp_path: Path) -> None:
    path = Path(scenario(tmp_path, "rate = 40", "payload_bytes = 500"))
    text = path.read_text()
    path.write_text(f"{text}\nclass Slow(Member):\n    rate = 0.01\n    read_rate = 5000\n")
    with pubsub() as server:
        found = load(tmp_path, str(path), server.url, *QUICK)
    assert found.code == 0, found.output
    assert found.summary["slow_readers"] == 3
    assert "3 users read slowly (read_rate)" in found.output
    latency = {
        name: part["latency"]["delivery"]["intended"]["p50_ms"]
        for name, part in found.summary["classes"].items()
    }
    assert latency["Slow"] > 10 * latency["User"]


def test_without_slow_readers_nothing_is_said_of_them(tmp_path: Path) -> None:
    with pubsub() as server:
        found = load(tmp_path, scenario(tmp_path), server.url, *QUICK)
    assert found.summary["slow_readers"] == 0
    assert "read slowly" not in found.output


@pytest.mark.parametrize("rate", ["0", "'fast'", "-5"])
def test_a_rate_of_no_use_is_one_line(rate: str, tmp_path: Path) -> None:
    path = scenario(tmp_path, f"read_rate = {rate}")
    found = load(tmp_path, path, "ws://127.0.0.1:9/", *QUICK)
    assert found.code == 3
    assert "User.read_rate is at least 1 byte a second" in found.output
