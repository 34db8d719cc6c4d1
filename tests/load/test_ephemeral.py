"""Messages without a stamp, against servers that pass all of them on, and that lose some."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.load.messages.ephemeral import Ephemeral
from tests.load.command import load
from tests.load.pubsub import pubsub, scenario
from tests.load.test_applications import done, served
from tests.sample import rotating

MANY = ("--users", "10", "--rate", "10", "--run-time", "4s", "--no-report", "--processes", "2")
TYPING = (
    "typing = Ephemeral.json(",
    "    {'type': 'typing', 'room': 'lobby'}, heard={'type': 'typing'}, by='from'",
    ")",
    "ephemeral = [typing]",
    "def new_connection(self):",
    "    self.name = f'user-{self.number}'",
    "    self.query = {'token': self.name}",
    "    return super().new_connection()",
    "@paced",
    "def publish(self):",
    "    self.notify(self.typing, to='lobby', by=self.name)",
)


@pytest.mark.parametrize("fault", [None, "drop-typing"])
def test_every_count_equals_the_truth(fault: str | None, tmp_path: Path) -> None:
    words = () if fault is None else ("--fault", fault, "--every", "20")
    with pubsub(*words) as server:
        found = load(tmp_path, scenario(tmp_path, *TYPING), server.url, *MANY)
        truth = server.truth
    told = found.summary["ephemeral"]["typing"]
    # What is dropped on its way to who is just joining was not due to that one.
    unseen = 0 if fault is None else 10
    assert truth["done"] - unseen <= told["missing"] <= truth["done"], found.output
    assert told["missing"] == found.summary["counts"]["miscounted"]
    assert told["surplus"] == 0
    # What is sent while others still join, which takes a busy machine seconds, is not due to them.
    assert 300 < told["due"] <= 9 * told["sent"], found.output
    assert found.code == (0 if fault is None else 1), found.output
    assert "without a stamp" in found.output
    if fault is None:
        assert told["latency"]["samples"] > 100, found.output
    else:
        assert truth["done"] > 10


_WRITERS = """
import requests

from sockproof.load.users import Ephemeral, SocketIOUser, paced


inside = []


class Writer(SocketIOUser):
    rate = 10

    def new_connection(self):
        self.name, self.room = f"user {self.number}", f"room {self.number % 2}"
        self.auth = requests.post(f"{self.host}api/session", json={"user": self.name}).json()
        self.ephemeral = [Ephemeral("typing", self.room, by="1.by")]
        return super().new_connection()

    def connected(self):
        self.enter(self.room, "open", self.room, None, then=self.is_in)

    def is_in(self):
        inside.append(self)
        for each in inside if len(inside) == 12 else ():  # what is sent before may be due or not
            each.settled()

    @paced
    def type(self):
        self.notify(self.ephemeral[0], to=self.room, by=self.name)
"""
_WAYS = [
    *(("", "polling", "lean"), ("", "upgrade", "reference")),
    *(("typing", "websocket", "lean"), ("typing", "upgrade", "lean")),
]


@pytest.mark.parametrize(("fault", "transport", "client"), rotating(_WAYS, 2, "ephemeral"))
def test_socketio_has_the_same_counts(
    fault: str, transport: str, client: str, tmp_path: Path
) -> None:
    path = tmp_path / "writers.py"
    path.write_text(_WRITERS)
    words = ["--transport", transport, "--client", client, "--users", "12", "--run-time", "4s"]
    with served("parlour.py", fault) as (url, port):
        found = load(tmp_path, str(path), url, *words, "--no-report")
        times = done("parlour.py", port)
    told = found.summary["ephemeral"]["typing"]
    assert told["missing"] == times == found.summary["counts"]["miscounted"], found.output
    assert told["surplus"] == 0
    assert 500 < told["due"] == 5 * told["sent"]
    assert (times > 5) == bool(fault)
    assert found.code == (1 if fault else 0), found.output


def test_a_message_is_known_by_its_content_and_value() -> None:
    typing = Ephemeral("typing", {"room": "lobby"}, by="1.name")
    assert typing.heard(["typing", {"name": "ann"}]) == typing.mark("ann") != typing.mark("bob")
    assert typing.heard(["typed", {"name": "ann"}]) is None
    counted = Ephemeral.json({"type": "typing"}, heard={"type": "typing"})
    assert counted.heard({"type": "typing", "from": "ann"}) == counted.mark()
    assert counted.name == typing.name == "typing"
    with pytest.raises(ValueError, match="heard"):
        Ephemeral(None, {"type": "typing"})
