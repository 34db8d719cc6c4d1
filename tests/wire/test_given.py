"""What users type to be let in is taken as it is, or refused in a line that shows none of it."""

from __future__ import annotations

import pytest

from sockproof.wire.given import auth_payload, header_field


def test_field_is_taken_apart_at_its_first_colon() -> None:
    assert header_field("X-Key:  a: b ") == ("X-Key", "a: b")


@pytest.mark.parametrize("line", ["secret", ": secret", "two words: secret", "a\nb: secret"])
def test_what_is_no_field_is_refused_and_not_shown(line: str) -> None:
    with pytest.raises(ValueError, match="must be 'NAME: VALUE'") as refused:
        header_field(line)
    assert "secret" not in str(refused.value)


def test_payload_is_json() -> None:
    assert auth_payload('{"token": "…"}') == {"token": "…"}


@pytest.mark.parametrize(("text", "why"), [("{", "is not JSON"), ("[" * 100_000, "too deeply")])
def test_what_is_no_json_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        auth_payload(text)
