"""The lean connection hands over no more than the ws library and websocket-client do."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from sockproof.load.net.endpoint import Endpoint
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.runs.load_records import Reason
from tests.load.peers import Gone, Heard, Link, Server
from tests.load.real_clients import Handed, case_of, in_node, in_python, marked

TEXT = b"\x81\x06mark-1"
LONG = b"mark-1" + b"x" * 120
RIGHT: dict[str, bytes] = {
    "text": TEXT,
    "binary": b"\x82\x06mark-1",
    "fragments": b"\x01\x03mar\x80\x03k-1",
    "fragments-with-a-ping-between": b"\x01\x03mar\x89\x00\x80\x03k-1",
    "a-pong": b"\x8a\x00" + TEXT,
    "long": b"\x81\x7e\x00\x7e" + LONG,
}
WRONG: dict[str, bytes] = {
    "masked": b"\x81\x86\0\0\0\0mark-1",
    "rsv1": b"\xc1\x06mark-1",
    "rsv2": b"\xa1\x06mark-1",
    "rsv3": b"\x91\x06mark-1",
    "opcode-3": b"\x83\x06mark-1" + TEXT,
    "opcode-11": b"\x8b\x06mark-1" + TEXT,
    "not-utf8": b"\x81\x07mark-1\xff",
    "half-a-character": b"\x81\x08mark-1\xe2\x82",
    "a-surrogate": b"\x81\x09mark-1\xed\xa0\x80",
    "fragments-not-utf8": b"\x01\x06mark-1\x80\x01\xff",
    "fragment-of-nothing": b"\x80\x06mark-1" + TEXT,
    "message-within-a-message": b"\x01\x03mar" + TEXT,
    "fragment-without-an-end": b"\x01\x06mark-1",
    "ping-in-fragments": b"\x09\x00" + TEXT,
    "ping-too-long": b"\x89\x7e\x00\x7e" + bytes(126) + TEXT,
    "close-of-one-octet": b"\x88\x01x" + TEXT,
    "close-with-a-wrong-code": b"\x88\x02\x03\xed" + TEXT,
    "close-not-utf8": b"\x88\x03\x03\xe8\xff" + TEXT,
    "behind-close": b"\x88\x02\x03\xe8" + TEXT,
}
CASES = {**RIGHT, **WRONG}
CLOSE = b"\x88\x02\x03\xe8"


def script(link: Link) -> None:
    """Send the octets of the case that the client asks for, and an end."""
    name = case_of(link.shake())
    with contextlib.suppress(Gone, ConnectionError):
        link.send(CASES[name] + CLOSE)
        link.expect_close()


def lean(url: str, name: str) -> list[str]:
    """What the lean connection hands over."""
    handed: list[Any] = []
    heard = Heard(WebSocketConnection(Endpoint(f"{url}?name={name}")))
    heard.connection.on_message = lambda data, _: handed.append(data)
    heard.open().until_closed()
    return marked(handed)


@pytest.fixture(scope="module")
def real() -> dict[str, Handed]:
    """What the real clients hand over in each case."""
    return {
        "node": in_node("websocket", script, CASES),
        "python": in_python("websocket", script, CASES),
    }


@pytest.mark.usefixtures("hub")
def test_all_hand_over_what_is_right(real: dict[str, Handed]) -> None:
    with Server(script) as server:
        for name in RIGHT:
            assert lean(server.url, name) == ["mark-1"], name
    for name in RIGHT:
        assert [handed[name] for handed in real.values()] == [["mark-1"]] * 2, name


@pytest.mark.usefixtures("hub")
def test_lean_connection_hands_over_no_more_than_real_clients(real: dict[str, Handed]) -> None:
    with Server(script) as server:
        for name in WRONG:
            strict = [[] in (handed[name] for handed in real.values())]
            assert strict == [True], name
            assert lean(server.url, name) == [], name


# Browsers fail these; the libraries do not all.
@pytest.mark.parametrize(
    "octets",
    [b"\x81\x7e\x00\x06mark-1", b"\x81\x7f" + (126).to_bytes(8, "big") + LONG],
    ids=["126", "127"],
)
@pytest.mark.usefixtures("hub")
def test_length_that_is_not_in_its_shortest_form_fails_the_connection(octets: bytes) -> None:
    def longer(link: Link) -> None:
        link.shake()
        link.send(octets)
        assert link.expect_close() == 1002

    with Server(longer) as server:
        heard = Heard(WebSocketConnection(Endpoint(server.url))).open()
        assert heard.until_closed()[0] == Reason.PROTOCOL
    assert heard.messages == []


@pytest.mark.parametrize("chosen", [None, "chat"])
@pytest.mark.usefixtures("hub")
def test_subprotocol_has_to_be_chosen_where_any_is_offered(chosen: str | None) -> None:
    def chooses(link: Link) -> None:
        link.shake(*([] if chosen is None else [f"Sec-WebSocket-Protocol: {chosen}"]))
        link.send(CLOSE)
        with contextlib.suppress(Gone, ConnectionError):
            link.expect_close()

    with Server(chooses) as server:
        endpoint = Endpoint(server.url, protocols=["chat", "other"])
        heard = Heard(WebSocketConnection(endpoint)).open()
        wanted = Reason.BAD_HANDSHAKE if chosen is None else Reason.SERVER_CLOSED
        assert heard.until_closed()[0] == wanted
