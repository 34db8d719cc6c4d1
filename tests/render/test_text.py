"""Text from a server, made fit to be looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockproof.render.text import (
    group_of,
    last_wire_lines,
    lines,
    octets_left_out,
    sentence,
    short,
    spaced_hex,
    visible,
    wire_line,
)
from tests.render import sample


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcødé 日本語 👋", "plain ünïcødé 日本語 👋"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\0b\r\n\t", "a\\0b\\r\\n\\t"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eexe", "\\u202eexe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\ud800", "\\ud800"),
        ("\ufffe", "\\ufffe"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_cannot_be_seen_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_what_is_visible_can_be_printed_and_encoded(text: str) -> None:
    assert visible(text).isprintable()
    visible(text).encode("utf-8")


def test_short_bounds_what_it_shows() -> None:
    assert short("x" * 1_000_000, 10) == "xxxxxxxxxx… (999990 characters more)"
    assert short(None) == ""


def test_lines_keep_line_ends_and_the_end_of_a_long_log() -> None:
    assert lines("a\r\nb\n\x1b[1mc") == "a\nb\n\\x1b[1mc"
    assert lines("x" * 10 + "last", 4) == "(10 characters before this left out)\nlast"


def test_octets() -> None:
    assert spaced_hex("8105ff") == "81 05 ff"
    assert spaced_hex("8105ff", 2) == "81 05"
    entry = {"octets": "8105ff", "length": 1000}
    assert octets_left_out(entry, 128) == 997
    assert octets_left_out(entry, 2) == 998


def test_a_wire_line_has_time_connection_direction_and_meaning() -> None:
    entry = sample.wire()[1].to_json()
    assert wire_line(entry) == "      1.4 ms  #1 ← 101 Switching Protocols"
    assert wire_line(entry | {"text": ""}, 30).endswith("← 48 54 54 50 2f 31 2e 31 20 31")


def test_the_last_wire_lines_say_how_many_were_before() -> None:
    told = last_wire_lines(sample.case("a/b/c", "rooms-memory").to_json(), 2)
    assert len(told) == 3
    assert "5 entries before" in told[0]


@pytest.mark.parametrize(
    ("case_id", "group", "told"),
    [
        ("websocket/control/a_ping_is_answered", ("websocket", "control"), "a ping is answered"),
        ("rooms/deep/file/it_works[a/b_c]", ("rooms", "deep/file"), "it works [a/b_c]"),
        ("odd", ("odd", ""), "odd"),
    ],
)
def test_a_case_id_tells_group_and_sentence(
    case_id: str, group: tuple[str, str], told: str
) -> None:
    assert group_of(case_id) == group
    assert sentence(case_id) == told
