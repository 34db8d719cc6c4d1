"""Which messages mean what, as a scenario says it."""

from __future__ import annotations

from typing import Any

import pytest

from sockproof.load.messages.matching import Acknowledgements, Match, matches

MESSAGE = {"type": "ack", "ok": True, "n": 1, "data": {"ids": [7, "8"]}, "a.b": 2, "none": None}


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"type": "ack"}, True),
        ({"type": "nack"}, False),
        ({"data.ids.1": "8", "a.b": 2}, True),
        ({"data.ids.2": "8"}, False),
        ({"type.x": "ack"}, False),
        ({"ok": 1}, False),
        ({"n": True}, False),
        ({"none": None}, True),
        ({"missing": None}, False),
        (lambda said: said["n"] == 1, True),
        (lambda said: said["other"] == 1, False),
        (lambda said: said.other, False),
    ],
)
def test_fields_are_compared(match: Match, expected: bool) -> None:
    assert matches(match, MESSAGE) is expected


@pytest.mark.parametrize("message", [None, 1, "ack", [], [1], {}])
def test_other_messages_do_not_match(message: Any) -> None:
    assert not matches({"type": "ack"}, message)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(7, 7), ("7", 7), ("7x", None), (None, None), (True, None), ("9" * 30, None), (7.0, None)],
)
def test_number_of_an_acknowledgement(given: Any, expected: int | None) -> None:
    assert Acknowledgements({}).number({"id": given}) == expected
    assert Acknowledgements({}, "re.0").number({"re": [given]}) == expected
    assert Acknowledgements({}, lambda said: said["x"]).number({"x": given}) == expected
