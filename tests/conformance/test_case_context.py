"""What a case says that it expected when its time ran out or the stream ended."""

from __future__ import annotations

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.wirelog import WireLog


def test_what_is_awaited_is_said() -> None:
    context = CaseContext(WireLog())
    with context.awaits("an answer"):
        assert context.awaiting == "an answer"
    with context.preparing("an echo"):
        assert context.awaiting == "an echo"


def test_where_nothing_is_awaited_the_last_thing_sent_tells() -> None:
    context = CaseContext(WireLog())
    assert context.awaiting == "a word from the server"
    context.log.add(1, "sent", b"\x81\x01a", "TEXT 'a' [1 octet]")
    with context.awaits("an answer"):
        context.log.add(1, "sent", b"\x81\x01b", "TEXT 'b' [1 octet]")
        context.log.add(1, "received", b"\x81\x01a", "TEXT 'a' [1 octet]")
    assert context.awaiting == "more from the server, behind TEXT 'b' [1 octet]"
