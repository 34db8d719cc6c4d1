"""Where a stamped body stands in a message is for the scenario to choose."""

from __future__ import annotations

import json

import pytest

from sockproof.load.messages.message import BINARY_BODY, BODY, Message, escaped


def test_body_goes_where_the_scenario_says() -> None:
    message = Message("chat message", {"room": 'a "room"', "deep": [{"text": BODY}]}, 7)
    body = 'Grüße "and" \\ quotes\n'
    text = message.before + b"stamp " + message.behind(escaped(body))
    expected = {"room": 'a "room"', "deep": [{"text": f"stamp {body}"}]}
    assert json.loads(text) == ["chat message", expected, 7]


def test_binary_body_is_an_attachment() -> None:
    message = Message("octets", {"in": [BINARY_BODY]}, "text")
    assert message.has_attachment
    assert message.arguments(b"\x00\xff") == [{"in": [b"\x00\xff"]}, "text"]


@pytest.mark.parametrize("args", [(), (BODY, BODY), ("no body",)])
def test_message_has_one_body(args: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="bodies instead of one"):
        Message("event", *args)
