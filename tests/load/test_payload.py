"""What a plain WebSocket's message looks like, whatever its codec, and that its body is found."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sockproof.load.messages.message import Message
from sockproof.load.messages.payload import Payload, encoded
from sockproof.load.messages.placeholders import BINARY_BODY, BODY, ID, NUMBER
from sockproof.wire import stamp

TEXT = 'Grüße "and" \\ quotes\n'


def said(payload: Payload, body: str | bytes, number: int = 7) -> tuple[bytes, bool]:
    """The message with a stamp, as it leaves."""
    found = payload.said(body)
    return found.octets(stamp.octets(1, 2, 3, 4, 5, found.checksum), number)


def is_found(octets: bytes) -> bool:
    """Whether a stamp with an unaltered body is in them."""
    found = stamp.find(octets)
    return found is not None and stamp.intact(octets, found)


def test_json_has_body_and_number_anywhere() -> None:
    value = {"do": "say", "id": NUMBER, "deep": [1, {"text": BODY, "same": [ID]}], "%d": "%b"}
    octets, is_binary = said(Message.json(value), TEXT, 41)
    told = json.loads(octets)
    assert not is_binary
    assert told["id"] == 41
    assert told["deep"][1]["same"] == ["41"]
    assert told["deep"][1]["text"][stamp.LENGTH :] == TEXT
    assert told["%d"] == "%b"
    assert is_found(octets)
    assert is_found(json.dumps(told).encode())  # a server may write it in other ways


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        (Message.text("SAY lobby ", BODY), TEXT),
        (Message.text("SAY\nid:", NUMBER, "\n\n", BODY, "\0"), "hello"),
        (Message.binary(b"\x01", BINARY_BODY), b'\xff"\x00'),
        (Message.binary(b"\x01", BINARY_BODY, b"\x02"), b"\xff\x00"),
        (Message.coded({"text": BODY, "id": ID, "end": 1}, msgspec.msgpack.encode), "hello"),
        (Message.coded([BINARY_BODY, NUMBER], msgspec.msgpack.encode), b"\xff"),
    ],
)
def test_other_codecs_keep_what_tells_the_end_of_the_body(
    payload: Payload, body: str | bytes
) -> None:
    octets, _ = said(payload, body)
    assert is_found(octets)
    end = 1 if payload.is_coded or b'"' in octets else 0
    altered = bytearray(octets)
    altered[octets.rindex(b'"') - 1 if end else -1] ^= 1
    assert not is_found(bytes(altered))


def test_codec_is_given_what_is_filled_in() -> None:
    told: list[Any] = []

    def encode(value: Any) -> bytes:
        told.append(value)
        return msgspec.msgpack.encode(value)

    octets, is_binary = said(Message.coded({"t": BODY, "n": NUMBER, "i": ID}, encode), "hello", 9)
    assert is_binary
    assert msgspec.msgpack.decode(octets) == told[0]
    assert (told[0]["n"], told[0]["i"]) == (9, "9")
    assert told[0]["t"].endswith('hello"')


@pytest.mark.parametrize(
    "make",
    [
        lambda: Message.json({"text": "no body"}),
        lambda: Message.json([BODY, BODY]),
        lambda: Message.json({"octets": BINARY_BODY}),
        lambda: Message.text("a", "b"),
        lambda: Message.coded({"n": NUMBER}, json.dumps),
        lambda: Message.text(BODY, "\0").said('a "quote"'),
    ],
)
def test_message_without_a_body_that_can_be_found_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"bod|octets"):
        make()


def test_what_nobody_counts_is_sent_as_it_is_or_as_json() -> None:
    assert encoded({"a": "ü"}) == ('{"a":"ü"}'.encode(), False)
    assert encoded("PING") == (b"PING", False)
    assert encoded(b"\x00") == (b"\x00", True)
