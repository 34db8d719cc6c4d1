"""What a case says that it expected when its time ran out or the stream ended."""

from __future__ import annotations

from sockproof.conformance.context.case_context import Scene
from sockproof.conformance.context.wirelog import WireLog


def test_what_is_awaited_is_said() -> None:
    scene = Scene(WireLog())
    with scene.awaits("an answer"):
        assert scene.awaiting == "an answer"
    with scene.preparing("an echo"):
        assert scene.awaiting == "an echo"


def test_where_nothing_is_awaited_the_last_thing_sent_tells() -> None:
    scene = Scene(WireLog())
    assert scene.awaiting == "a word from the server"
    scene.log.add(1, "sent", b"\x81\x01a", "TEXT 'a' [1 octet]")
    with scene.awaits("an answer"):
        scene.log.add(1, "sent", b"\x81\x01b", "TEXT 'b' [1 octet]")
        scene.log.add(1, "received", b"\x81\x01a", "TEXT 'a' [1 octet]")
    assert scene.awaiting == "more from the server, behind TEXT 'b' [1 octet]"
