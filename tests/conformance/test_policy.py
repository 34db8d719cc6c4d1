"""Policy: which refusals a limit explains."""

from __future__ import annotations

import pytest

from sockproof.conformance.context.policy import SURELY_JOINED, Policy
from sockproof.conformance.context.said import Said
from sockproof.wire.websocket import Frame, Opcode


def said_in(fragments: int) -> Said:
    """A message that has been said in so many fragments."""
    said = Said()
    for number in range(fragments):
        opcode = Opcode.CONT if number else Opcode.TEXT
        said.note(Frame(opcode, b"x", number == fragments - 1), b"x")
    return said


@pytest.mark.parametrize("code", [1008, 1009])
def test_too_many_fragments_are_refused_by_a_limit(code: int) -> None:
    wanted = Policy().explains(code, said_in(SURELY_JOINED + 1))
    assert wanted is not None


def test_other_codes_and_a_declared_limit_explain_no_refusal() -> None:
    many = said_in(SURELY_JOINED + 1)
    assert Policy().explains(1002, many) is None
    assert Policy(limits={"max_fragments": 2000, "max_message": 2000}).explains(1008, many) is None
    assert Policy(limits={"max_fragments": 500}).explains(1008, many) is not None
    assert Policy().explains(1008, said_in(100)) is None
