"""Messages without a stamp, against servers that pass all of them on, and that lose some."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.load.messages.ephemeral import Ephemeral
from tests.load.command import load
from tests.load.pubsub import pubsub, scenario

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
    words = () if fault is None else ("--fault", fault, "--every", "50")
    with pubsub(*words) as server:
        found = load(tmp_path, scenario(tmp_path, *TYPING), server.url, *MANY)
        truth = server.truth
    told = found.summary["ephemeral"]["typing"]
    assert told["missing"] == truth["done"] == found.summary["counts"]["miscounted"], found.output
    assert told["surplus"] == 0
    assert 1500 < 0.9 * 9 * told["sent"] < told["due"] <= 9 * told["sent"]  # some still joined
    assert found.code == (0 if fault is None else 1), found.output
    assert "without a stamp" in found.output
    if fault is None:
        assert told["latency"]["samples"] > told["received"] / 2, found.output
    else:
        assert truth["done"] > 10


def test_a_message_is_known_by_its_content_and_value() -> None:
    typing = Ephemeral("typing", {"room": "lobby"}, by="1.name")
    assert typing.heard(["typing", {"name": "ann"}]) == typing.mark("ann") != typing.mark("bob")
    assert typing.heard(["typed", {"name": "ann"}]) is None
    counted = Ephemeral.json({"type": "typing"}, heard={"type": "typing"})
    assert counted.heard({"type": "typing", "from": "ann"}) == counted.mark()
    assert counted.name == typing.name == "typing"
    with pytest.raises(ValueError, match="heard"):
        Ephemeral(None, {"type": "typing"})
