"""Acknowledgements of a lean connection: who is told, and what answers nothing."""

from __future__ import annotations

import threading

import pytest

from sockproof.load.socketio.acks import new_range
from sockproof.runs.load_records import Stray
from tests.load.peers import Link, Server, until
from tests.load.test_socketio_connection import MS, Replies, leave, left, made
from tests.waiting import SOON

pytestmark = pytest.mark.usefixtures("hub")


def test_acknowledgements_find_who_waits_for_them() -> None:
    def script(link: Link) -> None:
        link.admit()
        assert link.text() == '421["a"]'
        assert link.text() == '42/chat,2["b"]'
        assert link.text() == '423["c"]'
        link.say('433["späť"]', "43/chat,2[]", '461-1["x",{"_placeholder":true,"num":0}]', b"\xff")
        link.say('431["again"]', '4399["never asked for"]')
        link.say('461-98[{"_placeholder":true,"num":0}]', b"neither", '42["fence"]')
        left(link)

    replies: dict[str, Replies] = {"a": [], "b": [], "c": []}
    strays: list[tuple[int, Stray]] = []
    with Server(script) as server:
        heard = made(server).until_open()
        connection = heard.connection
        connection.strays.on_stray = lambda *told: strays.append(told)
        assert connection.emit("a", ack=replies["a"].append)
        assert connection.emit("b", ack=replies["b"].append, namespace="/chat")
        assert connection.emit("c", ack=replies["c"].append)
        assert connection.outstanding == 3
        until(lambda: (b'42["fence"]', False) in heard.messages)
        assert connection.outstanding == 0
        leave(heard)
    assert replies == {"a": [["x", b"\xff"]], "b": [b"[]"], "c": ['["späť"]'.encode()]}
    assert strays == [(1, Stray.DOUBLED), (99, Stray.UNASKED), (98, Stray.UNASKED)]


@pytest.mark.parametrize("binary", [False, True])
def test_acknowledgement_in_another_namespace_answers_nothing(binary: bool) -> None:
    def said(namespace: str, number: int) -> list[str | bytes]:
        if not binary:
            return [f"43{namespace}{number}[]"]
        return [f'461-{namespace}{number}[{{"_placeholder":true,"num":0}}]', b"\xff"]

    def script(link: Link) -> None:
        link.admit()
        assert link.text() == '421["a"]'
        assert link.text() == '42/chat,2["b"]'
        link.say(*said("/chat,", 1), *said("", 2), *said("/news,", 2), '42["fence"]')
        assert seen.wait(SOON)
        link.say(*said("", 1), *said("/chat,", 2), '42["fenced"]')
        left(link)

    seen = threading.Event()
    replies: dict[str, Replies] = {"a": [], "b": []}
    strays: list[tuple[int, Stray]] = []
    with Server(script) as server:
        heard = made(server).until_open()
        heard.connection.strays.on_stray = lambda *told: strays.append(told)
        heard.connection.emit("a", ack=replies["a"].append)
        heard.connection.emit("b", ack=replies["b"].append, namespace="/chat")
        until(lambda: (b'42["fence"]', False) in heard.messages)
        assert heard.connection.outstanding == 2
        seen.set()
        until(lambda: (b'42["fenced"]', False) in heard.messages)
        assert heard.connection.outstanding == 0
        leave(heard)
    content = [b"\xff"] if binary else b"[]"
    assert replies == {"a": [content], "b": [content]}
    assert strays == [(1, Stray.UNASKED), (2, Stray.UNASKED), (2, Stray.UNASKED)]


def test_acknowledgement_that_comes_before_its_message_is_early() -> None:
    def script(link: Link) -> None:
        link.admit()
        link.say("432[]", '42["fence"]')
        assert link.text() == '421["a"]'
        assert link.text() == '422["b"]'
        link.say("431[]", "432[]")
        left(link)

    strays: list[tuple[int, Stray]] = []
    replies: Replies = []
    with Server(script) as server:
        heard = made(server)
        heard.connection.strays.on_stray = lambda *told: strays.append(told)
        heard.until_open()
        until(lambda: (b'42["fence"]', False) in heard.messages)
        for event in ("a", "b"):
            heard.connection.emit(event, ack=replies.append)
        until(lambda: len(replies) == 2)
        leave(heard)
    assert strays == [(2, Stray.UNASKED), (2, Stray.EARLY)]


def test_acknowledgement_of_another_connection_is_foreign() -> None:
    ranges = [new_range(), new_range()]

    def script(link: Link) -> None:
        link.admit()
        number = int(link.text().removeprefix("42").partition("[")[0])
        assert number == ranges[0] + 1
        link.say(f"43{ranges[1] + 1}[]", f"43{number}[]", f"43{number}[]", '42["fence"]')
        left(link)

    strays: list[tuple[int, Stray]] = []
    replies: Replies = []
    with Server(script) as server:
        heard = made(server, numbers_from=ranges[0])
        heard.connection.strays.on_stray = lambda *told: strays.append(told)
        heard.until_open()
        heard.connection.emit("a", ack=replies.append)
        until(lambda: (b'42["fence"]', False) in heard.messages)
        leave(heard)
    assert replies == [b"[]"]
    assert strays == [(ranges[1] + 1, Stray.FOREIGN), (ranges[0] + 1, Stray.DOUBLED)]


def test_acknowledgement_that_comes_too_late_is_known() -> None:
    late = threading.Event()

    def script(link: Link) -> None:
        link.admit()
        assert late.wait(SOON)
        link.say('432["late"]', '431["in time"]', '42["fence"]')
        left(link)

    replies: Replies = []
    waits: Replies = []
    strays: list[tuple[int, Stray]] = []
    with Server(script) as server:
        heard = made(server).until_open()
        heard.connection.strays.on_stray = lambda *told: strays.append(told)
        heard.connection.emit("patient", ack=waits.append)
        heard.connection.emit("hasty", ack=replies.append, limit=20 * MS)
        until(lambda: replies)
        assert heard.connection.outstanding == 1
        late.set()
        until(lambda: (b'42["fence"]', False) in heard.messages)
        leave(heard)
    assert replies == [None]
    assert waits == [b'["in time"]']
    assert strays == [(2, Stray.LATE)]


def test_acknowledgements_never_asked_for_are_only_counted() -> None:
    numbers = range(1, 2001)
    strays: list[tuple[int, Stray]] = []

    def script(link: Link) -> None:
        link.admit()
        link.say(*(f"43{number}[]" for number in numbers), '42["fence"]')
        link.expect_close()

    with Server(script) as server:
        heard = made(server)
        heard.connection.strays.on_stray = lambda *told: strays.append(told)
        heard.until_open()
        until(lambda: (b'42["fence"]', False) in heard.messages)
        assert heard.connection.outstanding == 0
        heard.connection.close()
        heard.until_closed()
    assert strays == [(number, Stray.UNASKED) for number in numbers]
