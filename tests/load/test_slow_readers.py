"""A slow reader reads as fast as it is told, holds nobody up, and says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.http_stream import HttpStream
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.load.traffic import traffic
from sockproof.targets.certificates import Certificates
from tests.load.command import load
from tests.load.peers import Heard, Hub, Link, Server, leave, until
from tests.load.polling_peer import PollingServer
from tests.load.pubsub import pubsub, scenario
from tests.load.test_endpoint import tls

RECORD = 50  # octets that a server sends at once, which is a record of TLS
QUICK = ("--users", "6", "--run-time", "3s", "--no-report", "--drain", "8")


class _Reading:
    """Counts what comes on a connection once it is open."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.connection = WebSocketConnection(endpoint)
        self.connection.on_open = self._opened
        self.connection.on_message = self._heard
        self.heard, self.octets, self.opened = 0, 0, 0.0
        self.times: set[int] = set()  # of reads

    def _opened(self) -> None:
        self.octets, self.opened = traffic.bytes_received, time.monotonic()

    def _heard(self, data: bytes, _: bool) -> None:
        self.heard += len(data)
        self.times.add(traffic.read_at)

    def is_within(self, rate: int) -> bool:
        """Whether no more was read than in the time since; a busy machine is late, never early."""
        octets = traffic.bytes_received - self.octets
        return octets <= rate * (time.monotonic() - self.opened + 0.2)  # two portions


def _read(
    rate: float | None, octets: int, hub: Hub, certificates: Certificates | None = None
) -> _Reading:
    """What a connection has read of so many octets: all of them, or with a rate what it has
    after half a second, and after several reads; over TLS where there are certificates."""

    def enough() -> bool:
        if reading.heard == octets:
            return True
        return slow and time.monotonic() > reading.opened + 0.5 and len(reading.times) > 1

    def script(link: Link) -> None:
        link.shake()
        assert link.text() == "go"
        for _ in range(octets // RECORD):
            link.say(bytes(RECORD))
        link.until_gone()

    ca = None if certificates is None else certificates.ca
    with Server(script, context=None if certificates is None else tls(certificates)) as server:
        endpoint = Endpoint(server.url, ca=ca)
        reading = _Reading(endpoint if rate is None else endpoint.reading(rate))
        slow = rate is not None and traffic.reads_slowly
        connection = reading.connection
        connection.open()
        until(lambda: connection.is_open)
        connection.send_text(b"go")
        until(enough)
        connection.abort()
    return reading


@pytest.mark.parametrize(("over_tls", "rate"), [(False, 1000), (True, 4000)])
def test_a_stream_reads_no_faster_than_its_endpoint_says(
    over_tls: bool, rate: int, hub: Hub, certificates: Certificates
) -> None:
    slow = _read(rate, 3000, hub, certificates if over_tls else None)
    assert len(slow.times) > 1
    assert slow.is_within(rate)


@pytest.mark.parametrize("over_tls", [False, True])
def test_others_are_as_fast_as_they_can(
    over_tls: bool, hub: Hub, certificates: Certificates
) -> None:
    given = certificates if over_tls else None
    fast = _read(None, 3000, hub, given)
    assert fast.heard == 3000
    assert not fast.is_within(1)
    traffic.reads_slowly = False
    try:
        assert _read(1000, 3000, hub, given).heard == 3000
    finally:
        traffic.reads_slowly = True


EVENT = b'42["said","' + b"a" * 30_000 + b'"]'


@pytest.mark.usefixtures("hub")
def test_long_polling_is_slow_until_the_drain() -> None:
    with PollingServer() as server:
        endpoint = Endpoint(server.url.replace("ws", "http", 1)).reading(2000)
        connection = SocketIOConnection(endpoint, transport="polling")
        heard = Heard(connection).until_open()
        before = traffic.bytes_received
        server.outgoing.put(EVENT)
        until(lambda: traffic.bytes_received > before + 200)
        assert heard.messages == []
        connection.emit("own", ack=lambda _: None)  # posts are answered meanwhile
        until(lambda: server.packets[-1:] == [b'421["own"]'])
        assert heard.messages == []
        traffic.reads_slowly = False
        try:
            assert heard.until_messages(1) == [(EVENT, False)]
        finally:
            traffic.reads_slowly = True
        leave(heard)


@pytest.mark.usefixtures("hub")
def test_answers_that_have_a_time_limit_are_read_as_they_come() -> None:
    def script(link: Link) -> None:
        while link.request() is not None:
            link.respond(b"a" * 500)

    answers: list[bytes] = []
    failures: list[str] = []
    with Server(script) as server:
        endpoint = Endpoint(server.url).reading(10)
        stream = HttpStream(
            endpoint,
            lambda _, body: answers.append(body),
            lambda _, text: failures.append(text),
        )
        stream.request(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        until(lambda: answers or failures)
        stream.drop()
    assert answers == [b"a" * 500], failures


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
    # What is late for all on a busy machine is so for both: slow readers are so by themselves.
    assert latency["Slow"] > latency["User"] + 500


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
