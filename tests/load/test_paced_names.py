"""What a paced method sends has the method's name, unless the message has one of its own."""

from __future__ import annotations

from pathlib import Path

from tests.load.command import load
from tests.load.pubsub import pubsub, scenario

FEW = ("--users", "4", "--run-time", "3s", "--no-report", "--drain", "2")
_METHODS = (
    "own = Message.json({'type': 'publish', 'room': 'lobby', 'id': ID, 'data': BODY}, name='own')",
    "@paced(name='greeting')",
    "def greet(self): self.tell(self.message, to='lobby')",
    "@paced(rate=20, name='news')",
    "def tell_news(self):",
    "    self.tell(self.message, to='lobby')",
    "    self.tell(self.own, to='lobby')",
)


def test_names_of_methods_are_told_apart(tmp_path: Path) -> None:
    with pubsub() as server:
        found = load(tmp_path, scenario(tmp_path, *_METHODS), server.url, *FEW)
    assert found.code == 0, found.output
    names = found.summary["names"]
    assert set(names) == {"publish", "greeting", "news", "own"}
    emitted = {name: part["counts"]["emitted"] for name, part in names.items()}
    assert emitted["news"] == emitted["own"] > 2 * emitted["greeting"] > 0
    assert abs(emitted["greeting"] - emitted["publish"]) <= 8
    assert sum(emitted.values()) == found.summary["counts"]["emitted"]


def test_a_name_that_is_none_is_one_line(tmp_path: Path) -> None:
    path = scenario(tmp_path, "@paced(name='')", "def greet(self): pass")
    found = load(tmp_path, path, "ws://127.0.0.1:9/", *FEW)
    assert found.code != 0
    assert "the name of a message has 1 to 100 characters" in found.output
