"""What the reference client takes of one packet, and what it lets go of; see `load/reference`."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import websocket

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.reference.client import Client, StrictJson, octets_of
from sockproof.load.reference.guard import TooMuch, see_text, web_socket
from sockproof.load.reference.way import Way
from sockproof.load.socketio.session import MAX_VALUES
from sockproof.load.traffic import traffic
from sockproof.runs.load_records import Stray
from sockproof.wire import WireError
from tests.hostile.wire import answers
from tests.load.command import load, violated
from tests.load.peers import Gone, Link, Server, message, open_packet

MIB = 1 << 20
HEAD = '["x",{"_placeholder":true,"num":0}]'
# Big, and nothing out of the ordinary.
ORDINARY: dict[str, list[str | bytes]] = {
    "text": ['42["news","' + "x" * MIB + '"]'],
    "wide-text": ['42["news","' + "\U0001f600" + "x" * MIB + '"]'],
    "values": ['42["news",[' + ",".join(map(str, range(100_000))) + "]]"],
    "attachments": [f"45100-{HEAD}", *[bytes(10_000 + n) for n in range(100)]],
    "thousand": [f"451000-{HEAD}", *[bytes(2 + n) for n in range(1000)]],
}


class Told:
    """The client without a connection, as it is once `/` is connected."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, bool]] = []
        self.broken: list[str] = []
        self.client = Client(json=StrictJson, reconnection=False, handle_sigint=False)
        self.client.endpoint = Endpoint("http://127.0.0.1:1/")
        self.client.heard = lambda data, is_binary: self.heard.append((data, is_binary))
        self.client.strayed = lambda *_: Stray.LATE
        self.client.broken = self._broken
        self.client.connection_namespaces = ["/"]

    def _broken(self, text: str) -> None:
        self.broken.append(text)
        self.client.forget()

    def say(self, *packets: str | bytes) -> None:
        """What Engine.IO hands over."""
        for each in packets:
            self.client._handle_eio_message(each[1:] if isinstance(each, str) else each)


@pytest.mark.parametrize("name", ORDINARY)
def test_big_and_ordinary_packets_are_heard(name: str) -> None:
    told, held = Told(), traffic.held
    told.say(*ORDINARY[name], '42["fence"]')
    text, *attachments = ORDINARY[name]
    placed = [(each, True) for each in attachments[:1]]  # the others have no place in the event
    assert told.broken == []
    assert told.heard == [(str(text).encode(), False), *placed, (b'42["fence"]', False)]
    assert traffic.held == held


@pytest.mark.parametrize(
    ("packets", "why"),
    [
        (['42["x"' + ",[]" * MAX_VALUES + "]"], f"a packet holds more than {MAX_VALUES} values"),
        ([f"451001-{HEAD}"], "a packet has more than 1000 attachments"),
        ([f"451000-{HEAD}", *[bytes(4 * MIB)] * 5], "the attachments of a packet are too big"),
    ],
    ids=["values", "number", "size"],
)
def test_packet_beyond_a_limit_ends_the_connection(packets: list[Any], why: str) -> None:
    told, held = Told(), traffic.held
    told.say(*packets, '42["behind it"]')
    assert told.broken == [f"WireError: {why}"]
    assert told.heard == []
    assert (traffic.held, told.client._binary_packet, told.client._pieces) == (held, None, [])


def test_end_lets_go_of_a_packet_that_is_not_whole() -> None:
    told, held = Told(), traffic.held
    told.say(f"459-{HEAD}", *[bytes(2 * MIB)] * 3)
    assert traffic.held > held
    told.client.forget()
    assert (traffic.held, told.client._binary_packet, told.client._pieces) == (held, None, [])


def test_values_are_counted_before_they_are_made() -> None:
    with pytest.raises(WireError, match="more than"):
        StrictJson.loads("[0" + ",[]" * MAX_VALUES + "]")
    assert len(StrictJson.loads("[0" + ",1" * (MAX_VALUES - 2) + "]")) == MAX_VALUES - 1


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("x" * 1000, 1000),
        ("é" * 1000, 1000),
        ("x" * 999 + "ж", 2000),
        ("ж" * 1000, 2000),
        ("x" * 999 + "\U0001f600", 4000),
    ],
)
def test_text_is_measured_by_what_it_takes_in_memory(text: str, octets: int) -> None:
    see_text(text.encode(), octets)
    if not text.isascii():  # whose length is bounded elsewhere
        with pytest.raises(TooMuch, match=f"{octets} octets of memory, more than {octets - 1}"):
            see_text(text.encode(), octets - 1)


@pytest.mark.parametrize("text", ["", "2", "x" * 65_535 + "ж\U0001f600" + "x" * 70_000])
def test_octets_of_a_text_are_as_they_came(text: str) -> None:
    assert octets_of(text) == b"4" + text.encode()


def test_socket_that_is_shut_down_holds_nothing_and_reads_no_more() -> None:
    endpoint = Endpoint("ws://127.0.0.1:1/")
    guarded: Any = web_socket(endpoint, Way(endpoint))()

    class ShutMeanwhile:
        _closed = True

        def gettimeout(self) -> float:
            return 1.0

        def recv(self, size: int) -> bytes:
            if size == 100:  # the end of it: others have a turn, and one cuts the connection off
                guarded.shutdown()
            return {2: b"\x82\x7f", 8: (16384 + 100).to_bytes(8, "big")}.get(size, bytes(size))

    guarded.sock = ShutMeanwhile()
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        guarded.recv()
    assert guarded.frame_buffer.recv_buffer == []


@pytest.mark.parametrize("first", [0x01, 0x02])
def test_message_in_fragments_is_one_of_octets(first: int) -> None:
    endpoint = Endpoint("ws://127.0.0.1:1/")
    guarded: Any = web_socket(endpoint, Way(endpoint))()
    guarded.sock, far = socket.socketpair()
    with guarded.sock, far:
        far.sendall(bytes((first, 2)) + b"ab\x00\x00\x00\x01c\x80\x01d")
        far.sendall(bytes((first, 1)) + b"e\x80\x01f")
        far.sendall(bytes((first | 0x80, 1)) + b"g")
        heard = [guarded.recv_data()[1] for _ in range(3)]
    assert heard == [b"abcd", b"ef", b"g"]
    assert {type(each) for each in heard} == {bytes}
    assert guarded.collected == 0


def _talking(packets: list[str | bytes]) -> Callable[[Link], None]:
    """A server that answers, and says all of these beside each of its first answers."""

    def script(link: Link) -> None:
        link.shake()
        link.say(open_packet())
        served = 0
        with contextlib.suppress(Gone, ConnectionError, ssl.SSLError, AssertionError):
            while True:
                text = link.text()
                link.send(b"".join(map(message, answers(text))))
                served += text.startswith("42")
                if text.startswith("42") and served <= 3:
                    link.say(*packets)

    return script


def test_run_on_a_server_that_says_big_things_is_judged_as_others_are(tmp_path: Path) -> None:
    packets = [each for name in ("text", "values", "attachments") for each in ORDINARY[name]]
    with Server(_talking(packets)) as server:
        url = server.url.replace("ws", "http", 1)
        few = ("--users", "2", "--rate", "5", "--run-time", "3s", "--drain", "2", "--no-report")
        found = load(tmp_path, "echo", url, "--client", "reference", *few)
    assert found.code in (0, 2), found.output  # a busy machine may leave it inconclusive
    assert violated(found) == {}
    assert found.summary["counts"]["acknowledged"] > 10
    assert found.summary["counts"]["bytes_received"] > 6 * MIB
