"""What no server may send accuses a requirement of the catalogue, whichever case meets it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import IllegalFrame
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.peers.message import BROKEN_BY_FRAMES, Assembler, Forbidden
from sockproof.conformance.peers.stream import Stream
from sockproof.conformance.peers.upgrade_response import BROKEN_BY_UPGRADES
from sockproof.conformance.peers.websocket_connection import WebSocketConnection
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.shelves import shelf
from sockproof.wire.http import Response
from sockproof.wire.websocket import RESERVED_OPCODES, Frame, Opcode

CATALOGUE = load_requirements(shelf("conformance") / "requirements")
BOUND = 1 << 20  # octets, which none of these frames comes near
ILLEGAL = {
    "masked": [Frame(Opcode.TEXT, b"text", mask_key=b"mask")],
    "reserved-bit": [Frame(Opcode.BINARY, b"octets", rsv=1)],
    "length-in-a-long-form": [Frame(Opcode.TEXT, b"text", length_octets=8)],
    "continuation-of-nothing": [Frame(Opcode.CONT, b"text")],
    "message-inside-another": [Frame(Opcode.TEXT, b"a", fin=False), Frame(Opcode.TEXT, b"b")],
    "fragmented-ping": [Frame(Opcode.PING, fin=False)],
    "long-pong": [Frame(Opcode.PONG, b"p" * 126)],
    "close-of-one-octet": [Frame(Opcode.CLOSE, b"\x03")],
    "close-with-a-reason-that-is-not-utf8": [Frame(Opcode.CLOSE, b"\x03\xe8\xff")],
    "close-1005": [Frame(Opcode.CLOSE, b"\x03\xed")],
    "text-that-is-not-utf8": [Frame(Opcode.TEXT, b"\xff")],
    "reserved-opcode": [Frame(0x3, b"what?")],
    "length-with-its-top-bit-set": [
        Frame(Opcode.TEXT, b"text", length_octets=8, announced=1 << 63)
    ],
}
frames = st.builds(
    Frame,
    opcode=st.sampled_from([*Opcode, *RESERVED_OPCODES]),
    payload=st.one_of(
        st.binary(max_size=8), st.sampled_from([b"p" * 126, b"\x03\xed", b"\x03\xe8"])
    ),
    fin=st.booleans(),
    rsv=st.integers(0, 7),
    mask_key=st.sampled_from([None, None, b"mask"]),
    length_octets=st.sampled_from([None, None, 2, 8]),
)


def received(sent: list[Frame]) -> IllegalFrame:
    """What a peer says of these frames from a server."""
    octets = b"".join(frame.encode() for frame in sent)
    context = CaseContext(WireLog())
    unread = cast(Stream, None)  # all that there is has come with the response
    peer = WebSocketConnection(context, unread, 1, Response(101), octets)
    with pytest.raises(IllegalFrame) as told:
        asyncio.run(peer.receive())
    return told.value


def refused(sent: list[Frame]) -> Forbidden | None:
    """Why a client refuses one of these frames; None where it takes them all."""
    assembler = Assembler(None, BOUND)
    try:
        for frame in sent:
            assembler.feed(frame)
    except Forbidden as forbidden:
        return forbidden
    return None


def accused(name: str | None) -> Requirement:
    """The requirement of this name, which says what a server does that does not keep it."""
    assert name in CATALOGUE
    assert CATALOGUE[name].broken
    return CATALOGUE[name]


@pytest.mark.parametrize("name", ILLEGAL)
def test_illegal_frame_accuses_a_requirement(name: str) -> None:
    assert accused(received(ILLEGAL[name]).broken).id in BROKEN_BY_FRAMES


def test_whatever_is_listed_is_accused_by_a_frame() -> None:
    assert {received(sent).broken for sent in ILLEGAL.values()} == set(BROKEN_BY_FRAMES)


@given(st.lists(frames, max_size=6))
def test_any_frame_that_is_refused_accuses_a_requirement(sent: list[Frame]) -> None:
    refusal = refused(sent)
    assert refusal is None or accused(refusal.requirement).id in BROKEN_BY_FRAMES


@pytest.mark.parametrize("field", BROKEN_BY_UPGRADES)
def test_illegal_101_accuses_a_requirement(field: str) -> None:
    accused(BROKEN_BY_UPGRADES[field])
