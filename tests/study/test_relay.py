"""The relay of a study: it counts what goes through, delays it, and blocks upgrades."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from sockproof.study import Octets, Relay
from tests.waiting import SOON, until

UPGRADE = b"GET / HTTP/1.1\r\nHost: here\r\nUPGRADE:  WebSocket\r\n\r\n"


@pytest.fixture
def doubling() -> Iterator[str]:
    """A server that says everything twice, and ends when the client does."""

    def serve(each: socket.socket) -> None:
        with each:
            while octets := each.recv(65536):
                each.sendall(octets * 2)

    def accept() -> None:
        while True:
            try:
                each, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(each,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/path"
        listener.shutdown(socket.SHUT_RDWR)


def client(relay: Relay) -> socket.socket:
    port = int(relay.url.partition("127.0.0.1:")[2].partition("/")[0])
    return socket.create_connection(("127.0.0.1", port), timeout=SOON)


def exactly(connection: socket.socket, count: int) -> bytes:
    octets = b""
    while len(octets) < count:
        more = connection.recv(count - len(octets))
        assert more, "the stream ended"
        octets += more
    return octets


def test_octets_of_each_way_are_counted(doubling: str) -> None:
    with Relay(doubling) as relay, client(relay) as first, client(relay) as second:
        assert relay.url.endswith("/path")
        first.sendall(b"x" * 300_000)
        assert exactly(first, 600_000) == b"x" * 600_000
        before = relay.settled()
        assert before == Octets(300_000, 600_000)
        second.sendall(b"abc")
        assert exactly(second, 6) == b"abcabc"
        assert relay.settled() - before == Octets(3, 6)


def test_delay_is_added_each_way_and_the_order_kept(doubling: str) -> None:
    with Relay(doubling, delay=0.05) as relay, client(relay) as connection:
        began = time.monotonic()
        for each in range(20):
            connection.sendall(bytes([each]))
        heard = exactly(connection, 40)
        assert time.monotonic() - began >= 0.1
    assert list(dict.fromkeys(heard)) == list(range(20))


def test_upgrades_alone_are_blocked(doubling: str) -> None:
    with Relay(doubling, blocks_upgrades=True) as relay:
        with client(relay) as connection:
            connection.sendall(UPGRADE)
            assert connection.recv(1000).startswith(b"HTTP/1.1 403 ")
        with client(relay) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert exactly(connection, 36) == b"GET / HTTP/1.1\r\n\r\n" * 2
        assert relay.blocked == 1


def test_what_the_client_sent_last_still_arrives(doubling: str) -> None:
    with Relay(doubling) as relay, client(relay) as connection:
        connection.sendall(b"x" * 100_000)
        assert exactly(connection, 200_000)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b"", "the end goes through as well"


def test_stream_that_never_rests_is_given_up(
    doubling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Relay(doubling) as relay, client(relay) as connection:

        def moves(_: float) -> None:  # between any two looks, however long they are apart
            before = relay.octets
            connection.sendall(b"x")
            until(lambda: relay.octets != before)

        clock = SimpleNamespace(sleep=moves, monotonic=time.monotonic)
        monkeypatch.setattr("sockproof.study.relay.time", clock)
        monkeypatch.setattr("sockproof.study.relay._PATIENCE", 0.3)
        with pytest.raises(TimeoutError, match="does not come to rest"):
            relay.settled()
