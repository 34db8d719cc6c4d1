"""Stamps are found wherever they travel, and altered ones are noticed."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sockproof.wire import stamp

NUMBERS = st.integers(1, 2**63 - 1)
TEXTS = st.text(max_size=200)


@given(st.integers(0, 2**32 - 1), NUMBERS, st.integers(1, 2**32 - 1), NUMBERS, TEXTS, TEXTS, TEXTS)
def test_stamp_is_found_in_any_json(
    run: int, sender: int, sequence: int, at: int, body: str, before: str, after: str
) -> None:
    written = stamp.encode(run, sender, sequence, at, at + 5_000, body)
    assert len(written) == stamp.LENGTH
    for ascii_only in (True, False):
        message = json.dumps([before, {"deep": [written + body]}, after], ensure_ascii=ascii_only)
        data = ("42" + message).encode("utf-8", "surrogatepass")
        start = len(json.dumps(before, ensure_ascii=ascii_only)) if "$sp1$" in before else 0
        found = stamp.find(data, start)
        assert found is not None
        assert found[:4] == (run, sender, sequence, at)
        assert found.actual_ns == at + 5_000
        assert stamp.intact(data, found)


@given(st.binary(max_size=300))
def test_stamp_is_found_in_octets(body: bytes) -> None:
    data = stamp.encode(1, 2, 3, 4, 4, body).encode() + body
    found = stamp.find(data)
    assert found is not None
    assert found.sender == 2
    assert stamp.intact(data, found)


@given(st.text(min_size=1, max_size=80), st.data())
def test_altered_body_is_not_intact(body: str, data: st.DataObject) -> None:
    octets = bytearray(body.encode("utf-8", "surrogatepass"))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= 1 << data.draw(st.integers(0, 6))
    whole = stamp.encode(1, 2, 3, 4, 4, body).encode() + bytes(octets)
    found = stamp.find(whole)
    assert found is not None
    assert not stamp.intact(whole, found)


@given(st.integers(5, stamp.LENGTH - 1), st.integers(1, 255))
def test_altered_stamp_is_not_readable(at: int, change: int) -> None:
    data = bytearray(stamp.encode(1, 2, 3, 4, 4, "body").encode() + b"body")
    data[at] ^= change
    found = stamp.find(bytes(data))
    # A character and its neighbour may stand for the same bits only where padding would be.
    assert found is not None
    assert not found.readable
    assert not stamp.intact(bytes(data), found)


def test_nothing_is_found_where_nothing_is() -> None:
    assert stamp.find(b'42["message","$sp2$"]') is None
    cut = stamp.find(b"$sp1$short")
    assert cut is not None
    assert not cut.readable


def test_delay_is_bounded() -> None:
    for actual in (0, 2**62):
        found = stamp.find(stamp.encode(1, 2, 3, 1000, actual, "").encode())
        assert found is not None
        assert found.delay_us == (0 if actual == 0 else stamp.LONGEST_DELAY_US)
