"""Whether octets are UTF-8 is told of long texts as of short ones, without their whole text."""

from __future__ import annotations

import tracemalloc

import pytest

from sockproof.load.net import frames
from sockproof.load.net.frames import is_utf8

PIECE = frames._PIECE
LETTERS = ("x", "é", "€", "\U0001f600")
WRONG = (b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\x80")


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("before", [0, 5, PIECE - 4, PIECE - 1, PIECE, 2 * PIECE - 2])
def test_letter_anywhere_is_utf8(letter: str, before: int) -> None:
    for behind in (0, 1, PIECE):
        assert is_utf8(b"a" * before + letter.encode() + b"b" * behind)


@pytest.mark.parametrize("octets", WRONG, ids=bytes.hex)
@pytest.mark.parametrize("before", [0, 5, PIECE - 3, PIECE - 1, PIECE, 2 * PIECE - 2])
def test_what_is_not_utf8_is_told_anywhere(octets: bytes, before: int) -> None:
    for behind in (0, 1, PIECE):
        assert not is_utf8(b"a" * before + octets + b"b" * behind)


def test_one_wide_letter_takes_no_memory_for_the_others() -> None:
    octets = "\U0001f600".encode() + b"x" * 8_000_000
    tracemalloc.start()
    try:
        assert is_utf8(octets)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4_000_000
