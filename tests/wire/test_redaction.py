"""Secrets are found in every spelling, and in parts that a cut has left."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockproof.wire.redaction import (
    PART,
    Redactor,
    secrets_of_headers,
    secrets_of_url,
    secrets_of_value,
)

SECRET = 'Corr3ct/horse+b"attery é'
SPELT = {
    "itself": SECRET,
    "percent": urllib.parse.quote(SECRET, safe=""),
    "percent, lower": urllib.parse.quote(SECRET, safe="").lower(),
    "plus": urllib.parse.quote_plus(SECRET),
    "json": json.dumps(SECRET)[1:-1],
    "json with slashes": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "hex": SECRET.encode().hex(),
    "HEX": SECRET.encode().hex().upper(),
    "base64": base64.b64encode(SECRET.encode()).decode()[:-4],
    "base64 behind one": base64.b64encode(b"u" + SECRET.encode()).decode()[4:-4],
    "base64 behind two": base64.b64encode(b"u:" + SECRET.encode()).decode()[4:-4],
    "urlsafe": base64.urlsafe_b64encode(SECRET.encode()).decode()[:-4],
    "beginning": SECRET[:PART],
    "end": SECRET[-PART:],
    "middle": SECRET[5 : 5 + PART],
    "case": SECRET.upper(),
}


@pytest.mark.parametrize("name", SPELT)
@pytest.mark.parametrize("before", range(5))
def test_spelling_is_blotted_out(name: str, before: int) -> None:
    text = "x" * before + SPELT[name] + " or higher"
    shown = Redactor([SECRET]).text(text)
    letters = [a for a, b in zip(SPELT[name], shown[before:], strict=False) if a == b != "*"]
    assert len(letters) < PART, shown
    assert shown.endswith(" or higher")


@given(st.text(min_size=PART, max_size=30), st.text(), st.text(), st.data())
def test_any_part_of_any_secret_is_blotted_out(
    secret: str, before: str, behind: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(secret) - PART))
    part = secret[start : start + PART]
    shown = Redactor([secret]).octets((before + part + behind).encode("utf-8", "surrogatepass"))
    inner = part.encode("utf-8", "surrogatepass")
    assert inner not in shown or set(inner) == {ord("*")}


def test_what_is_no_secret_stays() -> None:
    hide = Redactor(["abc", SECRET]).text
    assert hide("abc horse attery Corr3ct") == "abc horse attery Corr3ct"


def test_secrets_are_found_where_they_are_given() -> None:
    url = "wss://me:p%40ss%2Fword@h/?access_token=t%20k&page=3&own=mine"
    found = secrets_of_url(url, ["own"])
    assert {"p@ss/word", "p%40ss%2Fword", "t k", "mine"} <= set(found)
    assert "3" not in found
    headers = [("Cookie", "a=one; b=two"), ("X-Mine", "three"), ("Origin", "http://o")]
    basic = "Basic " + base64.b64encode(b"me:four").decode()
    found = secrets_of_headers([*headers, ("Authorization", basic)])
    assert {"one", "two", "three", "four", "me:four"} <= set(found)
    assert "http://o" not in found
    assert secrets_of_value({"a": [{"b": "deep"}, 12345, None, True]}) == ["12345", "deep"]
