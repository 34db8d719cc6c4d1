"""Credentials of URLs: sent as HTTP says, shown to nobody."""

from __future__ import annotations

import base64

import pytest

from sockproof.wire.url import basic, masked_url


@pytest.mark.parametrize(
    ("userinfo", "sent"),
    [
        ("user:word", b"user:word"),
        ("user", b"user:"),
        ("us%40er:w%3Aord:x", b"us@er:w:ord:x"),
    ],
)
def test_userinfo_is_sent_decoded(userinfo: str, sent: bytes) -> None:
    scheme, _, value = basic(userinfo).partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value) == sent


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://127.0.0.1:1/a?b=c#d", "ws://127.0.0.1:1/a?b=c#d"),
        ("ws://user:word@host/", "ws://***@host/"),
        ("ws://user:w@rd@host/p@th", "ws://***@host/p@th"),
        ("ws://h/?room=1&access_token=x&v=2", "ws://h/?room=1&access_token=***&v=2"),
        ("ws://h/?Token=a%20b", "ws://h/?Token=***"),
        ("ws://h/?monday=1&api-key=x=y", "ws://h/?monday=1&api-key=***"),
        ("no url", "no url"),
        ("//u@[::1/?token=x", "//***@[::1/?token=***"),
    ],
)
def test_secrets_of_a_url_are_not_shown(url: str, shown: str) -> None:
    assert masked_url(url) == shown
