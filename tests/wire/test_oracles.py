"""The codecs against well-kept libraries, and against themselves chopped at every octet."""

from __future__ import annotations

import contextlib
import random
import zlib
from typing import Any

import pytest
import socketio.packet
import websocket
from engineio import packet as eio_packet
from engineio import payload as eio_payload
from hypothesis import given, settings
from hypothesis import strategies as st

from sockproof.wire import WireError, engineio
from sockproof.wire import socketio as sio
from sockproof.wire.deflate import Compressor, Decompressor, parse_extensions
from sockproof.wire.http import BodyReader, HeadReader, accept_value, parse_response_head
from sockproof.wire.websocket import Frame, FrameError, FrameParser, apply_mask, parse_close

quick = settings(deadline=None, max_examples=60)
KEYS = st.one_of(st.none(), st.binary(min_size=4, max_size=4))
FRAMES = st.builds(
    Frame,
    opcode=st.integers(0, 15),
    payload=st.binary(max_size=300),
    fin=st.booleans(),
    rsv=st.integers(0, 7),
    mask_key=KEYS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: "_placeholder" not in repr(value))


@quick
@given(st.lists(FRAMES, max_size=4))
def test_frames_fed_octet_by_octet_come_out_as_they_went_in(frames: list[Frame]) -> None:
    parser, found = FrameParser(), []
    for octet in b"".join(frame.encode() for frame in frames):
        found += parser.feed(bytes([octet]))
    assert found == frames
    assert parser.pending == 0


@quick
@given(st.binary(max_size=70_000), st.sampled_from([1, 2, 9, 10]))
def test_frame_is_what_websocket_client_writes(payload: bytes, opcode: int) -> None:
    abnf = websocket.ABNF(1, 0, 0, 0, opcode, 1, payload)
    abnf.get_mask_key = lambda _: b"key!"
    assert Frame(opcode, payload, mask_key=b"key!").encode() == abnf.format()


@pytest.mark.parametrize("length", [*range(2045, 2053), 65_537, 1_200_003])
@pytest.mark.parametrize("key", [b"key!", b"\0\1\0\xff", b"\0\0\0\0"])
def test_long_payload_is_masked_as_websocket_client_does(length: int, key: bytes) -> None:
    payload = random.Random(length).randbytes(length)
    assert apply_mask(payload, key) == websocket.ABNF.mask(key, payload)
    assert apply_mask(apply_mask(payload, key), key) == payload


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (Frame(3, b"x"), "reserved"),
        (Frame(9, b"x", fin=False), "fragmented"),
        (Frame(9, b"x" * 126), "more than 125"),
        (Frame(1, b"x", length_octets=2), "shortest"),
        (Frame(1, b"x", length_octets=8), "shortest"),
    ],
)
def test_illegal_frame_is_written_read_back_and_named(frame: Frame, word: str) -> None:
    (found,) = FrameParser().feed(frame.encode())
    assert found == frame
    assert word in found.violations[0]


def test_length_with_its_top_bit_or_beyond_the_bound_is_hopeless() -> None:
    for announced in (1 << 63, 1001):
        with pytest.raises(FrameError) as caught:
            FrameParser(1000).feed(
                Frame(1, b"ok").encode() + Frame(2, announced=announced).header()
            )
        assert caught.value.frames == [Frame(1, b"ok")]


@quick
@given(st.binary())
def test_close_payload_raises_nothing_else(payload: bytes) -> None:
    try:
        code, reason = parse_close(payload)
    except WireError:
        return
    assert (code is None) == (payload == b"")
    assert reason.encode() == payload[2:]


def test_accept_values_of_the_documents() -> None:
    assert accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert accept_value("sN9cRrP/n9NdMgdcy2VJFQ==") == "fFBooB7FAkLlXgRSz0BT3v4hq5s="


@quick
@given(st.integers(1, 40), st.binary(max_size=60))
def test_chunked_answer_is_read_however_it_is_cut(size: int, body: bytes) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in _pieces(body, 7)) + b"0\r\n\r\n"
    octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"rest"
    head, reader = HeadReader(), None
    for piece in _pieces(octets, size):
        if reader is not None:
            reader.feed(piece)
        elif (parts := head.feed(piece)) is not None:
            reader = BodyReader(parse_response_head(parts[0], parts[1]), 1000)
            reader.feed(parts[2])
    assert reader is not None
    assert reader.complete
    assert (bytes(reader.body), reader.rest) == (body, b"rest")


def _pieces(octets: bytes, size: int) -> list[bytes]:
    return [octets[at : at + size] for at in range(0, len(octets), size)]


@quick
@given(st.binary(max_size=200))
def test_arbitrary_octets_raise_nothing_but_wire_errors(octets: bytes) -> None:
    text = octets.decode("latin-1")
    for read in (
        lambda: engineio.decode(text),
        lambda: engineio.decode_payload(octets),
        lambda: sio.parse(text),
        lambda: sio.Decoder().feed(octets),
        lambda: parse_extensions(text),
        lambda: Decompressor(max_size=10_000).decompress(octets),
        lambda: engineio.Handshake.parse(engineio.Packet(engineio.PacketType.OPEN, text)),
    ):
        with contextlib.suppress(WireError):
            read()


@pytest.mark.parametrize(
    "text",
    [
        "2" + "[" * 100_000,
        "2[" + "9" * 5000 + "]",
        "5" + "9" * 30 + "-[]",
        "2" + "9" * 30 + "[]",
        "2[]",
    ],
)
def test_packets_made_to_hurt_are_wire_errors(text: str) -> None:
    with pytest.raises(WireError):
        sio.Decoder().feed(text)


@quick
@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x1e"))
        | st.binary(max_size=9)
    )
)
def test_payload_is_what_python_engineio_reads(messages: list[str | bytes]) -> None:
    packets = [engineio.Packet(engineio.PacketType.MESSAGE, each) for each in messages]
    body = engineio.encode_payload(packets)
    assert engineio.decode_payload(body) == packets
    if 0 < len(packets) < 16:
        theirs = eio_payload.Payload(encoded_payload=body.decode()).packets
        kinds = {eio_packet.MESSAGE}
        assert {each.packet_type for each in theirs} == kinds
        assert [each.binary for each in theirs] == [isinstance(m, bytes) for m in messages]


@quick
@given(
    # Hypothesis draws words of our source, too.
    st.text(min_size=1).filter(lambda name: name not in sio.RESERVED_NAMES),
    st.lists(JSON, max_size=3),
    st.none() | st.integers(0, 10**6),
)
def test_event_is_what_python_socketio_reads(
    name: str, args: list[Any], number: int | None
) -> None:
    packet = sio.Packet(sio.PacketType.EVENT, "/room", [name, *args], number)
    text, attachments = packet.encode()
    theirs = socketio.packet.Packet(encoded_packet=text)
    decoder = sio.Decoder()
    ours = decoder.feed(text)
    for each in attachments:
        ours = decoder.feed(each)
        theirs.add_attachment(each)
    assert ours is not None
    assert (ours.data, ours.id, ours.namespace) == (packet.data, number, "/room")
    assert (theirs.data, theirs.id, theirs.namespace) == (packet.data, number, "/room")


@quick
@given(st.lists(st.binary(max_size=2000), max_size=4), st.integers(9, 15), st.booleans())
def test_messages_inflate_to_what_they_were(
    messages: list[bytes], bits: int, takeover: bool
) -> None:
    ours, back = Compressor(bits, takeover), Decompressor(bits, takeover)
    assert [back.decompress(ours.compress(each)) for each in messages] == messages


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("bits", [8, 9, 12, 15])
def test_what_is_left_of_a_long_message_is_not_copied_again_and_again(
    bits: int, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    inflate = Decompressor._inflate

    def counted(self: Decompressor, octets: bytes, at_most: int) -> bytes:
        given.append(len(octets))
        return inflate(self, octets, at_most)

    monkeypatch.setattr(Decompressor, "_inflate", counted)
    message = random.Random(bits).randbytes(100_000)
    octets = Compressor(max(bits, 9)).compress(message)
    if last:  # two blocks with BFINAL, each of which ends the stream of zlib
        parts = [zlib.compressobj(wbits=-9) for _ in range(2)]
        halves = message[:50_000], message[50_000:]
        octets = b"".join(
            part.compress(half) + part.flush() for part, half in zip(parts, halves, strict=True)
        )
    assert Decompressor(bits).decompress(octets) == message
    assert sum(given) < 40 * len(octets)


def test_examples_of_rfc_7692_inflate() -> None:
    for octets in ("f248cdc9c90700", "000500faff48656c6c6f00", "f348cdc9c9070000"):
        assert Decompressor().decompress(bytes.fromhex(octets)) == b"Hello"


def test_truncated_corrupt_and_endless_messages_are_refused() -> None:
    whole = Compressor().compress(b"every word counts " * 20)
    bomb = zlib.compressobj(wbits=-15).compress(b"")
    bomb = Compressor().compress(b"\0" * 1_000_000) + bomb
    for octets in (whole[:-4], b"\xff" + whole, bomb):
        with pytest.raises(WireError):
            Decompressor(max_size=100_000).decompress(octets)
