"""How a Socket.IO connection over long-polling becomes a WebSocket."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import pytest

from sockproof.runs.load_records import Reason
from sockproof.wire.http import Request
from sockproof.wire.websocket import Opcode
from tests.load.peers import Gone, Link, until
from tests.load.polling_peer import PollingServer, heard_text, leave, passed, until_answered
from tests.waiting import EXPIRES, SOON

pytestmark = pytest.mark.usefixtures("hub")


def probed(link: Link, request: Request) -> None:
    link.shake(request=request)
    assert link.text() == "2probe"


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_upgrade_loses_and_doubles_nothing(busy: bool) -> None:
    got: list[str] = []
    opened = threading.Event()

    def on_websocket(link: Link, request: Request) -> None:
        assert opened.wait(SOON)  # else it might all come before the first namespace
        assert request.get("Cookie") == "node=3"
        probed(link, request)
        server.outgoing.put(b'42["polled",1]\x1e42["polled",2]')
        link.say("3probe")
        if busy:
            time.sleep(0.05)  # while more is sent and held back
        server.outgoing.put(b'42["polled",3]')
        server.upgrading = True
        assert link.text() == "5"
        while not server.outgoing.empty():
            link.say(*server.outgoing.get().decode().split("\x1e"))
        link.say(*(f'42["pushed",{number}]' for number in range(3)))
        while (text := link.text()) != "41":
            got.append(text)
            if text.startswith("451-"):
                got.append(link.frame().payload.decode())
        link.close()

    upgraded: list[str] = []
    with PollingServer(upgrades=["websocket"]) as server:
        server.headers = ("Set-Cookie: node=3",)
        server.on_websocket = on_websocket
        heard = server.connection("upgrade")
        connection = heard.connection
        connection.on_upgrade = lambda: upgraded.append(connection.transport_now)
        heard.until_open()
        opened.set()
        sent = 0
        while not upgraded or sent < 5:
            assert connection.emit("x", sent)
            sent += 1
            pause = time.monotonic() + 0.002
            until(partial(passed, pause))
        assert connection.emit("octets", b"last")
        until(lambda: len(heard.messages) == 6)
        assert connection.transport_now == "websocket"
        leave(heard)
    assert upgraded == ["websocket"]
    polled = [b'42["polled",%d]' % number for number in (1, 2, 3)]
    assert heard_text(heard) == polled + [b'42["pushed",%d]' % number for number in range(3)]
    posted = [packet.decode() for packet in server.packets[1:]]
    attached = ['451-["octets",{"_placeholder":true,"num":0}]', "last"]
    assert posted + got == [f'42["x",{number}]' for number in range(sent)] + attached
    assert not {"41", "1"} & set(posted)


def refused(link: Link, request: Request) -> None:
    link.respond(b"no", "400 Bad Request")


def other_answer(link: Link, request: Request) -> None:
    probed(link, request)
    link.say("3other")
    link.until_gone()


def drops(link: Link, request: Request) -> None:
    probed(link, request)


def never_answers(link: Link, request: Request) -> None:
    probed(link, request)
    link.until_gone()


def answers_and_drops(link: Link, request: Request) -> None:
    probed(link, request)
    link.say("3probe")
    time.sleep(0.05)  # something is held back by then


def answers_and_stalls(link: Link, request: Request) -> None:
    probed(link, request)
    link.say("3probe")  # and the GET does not end
    link.until_gone()


@pytest.mark.parametrize(
    "hook", [refused, other_answer, drops, never_answers, answers_and_drops, answers_and_stalls]
)
def test_upgrade_that_comes_to_nothing_leaves_long_polling(hook: Any) -> None:
    opened, over = threading.Event(), threading.Event()

    def on_websocket(link: Link, request: Request) -> None:
        assert opened.wait(SOON)  # from then on a GET hangs
        hook(link, request)
        over.set()

    with PollingServer(upgrades=["websocket"]) as server:
        server.on_websocket = on_websocket
        heard = server.connection("upgrade", connect_limit=EXPIRES)
        heard.connection.on_upgrade = lambda: pytest.fail("there is no WebSocket")
        heard.until_open()
        opened.set()
        sent = 0
        while not over.is_set() or sent < 5:
            assert heard.connection.emit("x", sent)
            sent += 1
            pause = time.monotonic() + 0.005
            until(partial(passed, pause))
        # The hook is over before its stream is: a GET that ended now would complete the upgrade.
        until(lambda: heard.connection._upgrade is None)
        server.outgoing.put(b'42["y"]')
        until(lambda: heard_text(heard) == [b'42["y"]'])
        assert heard.connection.transport_now == "polling"
        leave(heard)
    assert server.packets[1:-2] == [b'42["x",%d]' % number for number in range(sent)]


def test_what_was_held_back_is_kept_though_long_polling_is_full() -> None:
    opened, posting, drop, resume = (threading.Event() for _ in range(4))

    def on_websocket(link: Link, request: Request) -> None:
        assert opened.wait(SOON)
        probed(link, request)
        link.say("3probe")
        assert drop.wait(SOON)

    def on_post(link: Link, request: Request) -> None:
        if b"42" in request.body:
            posting.set()
            assert resume.wait(SOON)

    with PollingServer(upgrades=["websocket"]) as server:
        server.on_websocket, server.on_post = on_websocket, on_post
        heard = server.connection("upgrade", max_buffered=10_000).until_open()
        until_answered(heard)  # else the next POST takes some of what fills it
        connection = heard.connection
        sent = 0

        def fill() -> None:
            nonlocal sent
            while connection.emit("x", sent, "y" * 500):
                sent += 1

        fill()
        until(posting.is_set)
        assert connection.congested
        opened.set()
        until(lambda: not connection.congested)  # what is sent now is held back
        fill()
        assert sent > 36
        drop.set()
        until(lambda: connection.buffered > 20_000)  # it is long-polling's again
        resume.set()
        until(lambda: not connection.congested)
        leave(heard)
    assert server.packets[1:-2] == [
        b'42["x",%d,"%s"]' % (number, b"y" * 500) for number in range(sent)
    ]


@pytest.mark.parametrize("way", ["close", "abort", "server"])
@pytest.mark.parametrize("answered", [False, True])
def test_session_ends_in_the_middle_of_an_upgrade(way: str, answered: bool) -> None:
    opened, asked = threading.Event(), threading.Event()

    def on_websocket(link: Link, request: Request) -> None:
        assert opened.wait(SOON)  # from then on a GET hangs
        probed(link, request)
        if answered:
            link.say("3probe")
        asked.set()
        if way != "abort":
            assert link.frame().opcode == Opcode.CLOSE
        else:
            with pytest.raises((Gone, ConnectionError)):  # and no Close frame
                link.frame()

    with PollingServer(upgrades=["websocket"]) as server:
        server.on_websocket = on_websocket
        heard = server.connection("upgrade", close_limit=SOON).until_open()
        opened.set()
        until(asked.is_set)
        replies: list[Any] = []
        heard.connection.emit("x", ack=replies.append)
        if way == "server":
            server.outgoing.put(b"1")
        else:
            getattr(heard.connection, way)()
        wanted = Reason.SERVER_CLOSED if way == "server" else Reason.CLIENT
        assert heard.until_closed()[0] == wanted
    assert replies == [None]
    assert way != "close" or server.packets == [b"40", b'421["x"]', b"41", b"1"]
