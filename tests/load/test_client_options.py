"""What options of clients make of their requests, and paced methods with rates of their own."""

from __future__ import annotations

import contextlib
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pytest

from sockproof.load.locust.options import OptionError, Options, add_arguments, read_options
from sockproof.wire.http import Request
from tests.load.command import load
from tests.load.peers import Gone, Link, Server, open_packet

_SCENARIO = """\
from sockproof.load.users import BODY, NOBODY, Message, SocketIOUser, paced


class Talker(SocketIOUser):
    rate = 5

    @paced
    def usual(self):
        self.tell(Message("usual", BODY), to=NOBODY)

    @paced(rate=50)
    def often(self):
        self.tell(Message("often", BODY), to=NOBODY)
"""


def options(*words: str) -> Options:
    """The options that these words come to."""
    parser = ArgumentParser()
    parser.add_argument("--host", default="ws://127.0.0.1:1/")

    class Adapter:
        def add_argument(self, *names: str, **how: Any) -> None:
            for key in ("env_var", "is_secret", "include_in_web_ui"):
                how.pop(key, None)
            parser.add_argument(*names, **how)

    add_arguments(Adapter())
    return read_options(parser.parse_args(words))


def test_headers_and_cookies_add_up() -> None:
    words = ["--header", "A: 1", "--header", "Cookie: own=0", "--header", "B: 2\nC: 3"]
    found = options(*words, "--cookie", "a=1", "--cookie", "b=2")
    assert found.headers == (
        *(("A", "1"), ("B", "2"), ("C", "3")),
        ("Cookie", "own=0; a=1; b=2"),
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cookie", "secret"], "--cookie must be NAME=VALUE"),
        (["--path", "chat"], "--path must begin with /"),
        (["--namespace", "chat"], "--namespace must begin with /"),
        (["--header", "no colon"], "--header must be"),
    ],
)
def test_option_that_is_of_no_use_is_one_line(words: list[str], said: str) -> None:
    with pytest.raises(OptionError) as refused:
        options(*words)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_options_reach_the_server_and_methods_keep_their_rates(tmp_path: Path) -> None:
    requests: list[Request] = []
    events: list[str] = []
    connects: list[str] = []

    def script(link: Link) -> None:
        requests.append(link.shake())
        link.say(open_packet())
        with contextlib.suppress(Gone, ConnectionError):
            connects.append(link.text())
            link.say('40/chat,{"sid":"first"}')
            while found := re.match(r'42/chat,(\d+)\["(\w+)"', link.text()):
                events.append(found[2])
                link.say(f"43/chat,{found[1]}[]")
            link.expect_close()

    path = tmp_path / "scenario.py"
    path.write_text(_SCENARIO)
    words = ["--header", "X-A: 1", "--header", "X-B: 2", "--cookie", "a=1", "--cookie", "b=2"]
    words += ["--path", "/own/", "--namespace", "/chat", "--users", "1", "-t", "3s", "--no-report"]
    with Server(script) as server:
        load(tmp_path, str(path), server.url, *words)
    request = requests[0]
    assert request.target.startswith("/own/?EIO=4")
    assert (request.get("X-A"), request.get("X-B")) == ("1", "2")
    assert request.get("Cookie") == "a=1; b=2"
    assert connects == ["40/chat,"]
    assert events.count("often") > 3 * events.count("usual") > 0
