"""RFC 7692, sections 6 and 7.2: compressed messages, as frames and as DEFLATE blocks."""

import random
import zlib

from sockproof.conformance import (
    RSV1,
    RSV2,
    RSV3,
    Failure,
    Frame,
    Opcode,
    case,
    client_frame,
    ordinary_compressed,
    ordinary_text,
    text_frame,
)
from sockproof.wire import WireError
from sockproof.wire.deflate import Compressor, Decompressor

NEEDS = {"permessage-deflate", "echo"}
WORDS = "Every word of this message comes again and again: "
NOISE = random.Random(7692).randbytes(70_000)
MESSAGES: dict[str, str | bytes] = {
    "empty": "",
    "one character": "a",
    "text": "Hello, hello, hello",
    "text in many scripts": "Grüße, Привет, 你好, 😀 " * 20,
    "10 KiB of text": WORDS * 205,
    "1 MiB of zeros": bytes(1 << 20),
    "70000 random octets": NOISE,
    "the tail amid random octets": NOISE[:800] + bytes.fromhex("00 00 ff ff") * 3 + NOISE[800:1600],
}
HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")  # 7.2.3.1
EXAMPLES = {
    "one block": HELLO,
    "stored block": bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00"),
    "final block": bytes.fromhex("f3 48 cd c9 c9 07 00 00"),
    "two blocks": bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"),
}
CORRUPT = {
    "reserved block type": bytes.fromhex("06 00 00"),
    "stored length": bytes.fromhex("00 05 00 00 00 48 65 6c 6c 6f 00"),
    "code lengths": bytes.fromhex("fc ff ff ff ff ff ff ff ff"),
    "plain text": b"Hello, this is no DEFLATE",
}


# Whole messages.


@case("rfc7692-5-agreed-used", needs=NEEDS, over={"message": list(MESSAGES)})
async def compressed_message_comes_back_with_its_content(target, message):
    socket = await target.connect_deflate()
    content = MESSAGES[message]
    if isinstance(content, str):
        socket.send_message(Opcode.TEXT, content.encode())
    else:
        socket.send_message(Opcode.BINARY, content)
    await socket.expect_message(content)


@case("rfc7692-6-opcode-kept", needs=NEEDS, over={"opcode": [Opcode.TEXT, Opcode.BINARY]})
async def opcode_is_that_of_the_original_message(target, opcode):
    socket = await target.connect_deflate()
    socket.send_message(opcode, b"of this type")
    await socket.expect(opcode, b"of this type")


@case("rfc7692-6.2-uncompressed-received", needs=NEEDS)
async def uncompressed_message_is_taken_as_it_is(target):
    socket = await target.connect_deflate()
    socket.send(text_frame("not compressed"))
    await socket.expect_message("not compressed")


@case("rfc7692-6.2-mixed", needs=NEEDS)
async def uncompressed_message_leaves_the_window_untouched(target):
    socket = await target.connect_deflate()
    compressor = _compressor(socket)
    for text in ("a first message, compressed", "a first message, compressed, again"):
        socket.send(_compressed(compressor, text))
        await socket.expect_message(text)
        socket.send(text_frame("in between, not compressed"))
        await socket.expect_message("in between, not compressed")


@case("rfc7692-6-control-uncompressed", needs=NEEDS)
async def control_frames_stay_uncompressed(target):
    socket = await target.connect_deflate()
    await socket.echoes()
    ping = client_frame(Opcode.PING, b"plain octets")
    socket.send(ping)
    with target.awaits("PONG 'plain octets'"):
        frame = await socket.receive_frame()
        while frame.opcode != Opcode.PONG or frame.payload != ping.payload:
            if frame.opcode == Opcode.PONG and _inflates_to(frame.payload, ping.payload):
                raise Failure("PONG 'plain octets'", f"{frame}, which is compressed", came=frame)
            frame = await socket.receive_frame()


# Fragments.


@case("rfc7692-6.2-compressed-received", needs=NEEDS, over={"size": [1, 3, 20]})
async def compressed_message_may_be_cut_at_any_octet(target, size):
    socket = await target.connect_deflate()
    text = WORDS * 3
    socket.send(*_fragments(_compressor(socket).compress(text.encode()), size))
    await socket.expect_message(text)


@case("rfc7692-7.2.3.1-one-block", needs=NEEDS)
async def example_in_two_fragments_is_hello(target):
    socket = await target.connect_deflate()
    socket.send(*_fragments(HELLO, 3))
    await socket.expect_message("Hello")


@case("rfc7692-7.2.3.6-empty-fragment", needs=NEEDS, over={"place": ["first", "middle", "last"]})
async def empty_fragment_in_a_compressed_message_is_no_content(target, place):
    socket = await target.connect_deflate()
    cut = {"first": 0, "middle": 3, "last": len(HELLO)}[place]
    socket.send(
        client_frame(Opcode.TEXT, HELLO[:cut], fin=False, rsv=RSV1),
        client_frame(Opcode.CONT, b"", fin=False),
        client_frame(Opcode.CONT, HELLO[cut:]),
    )
    await socket.expect_message("Hello")


@case("rfc7692-7.2.1-fragments-keep-tail", needs=NEEDS)
async def fragment_that_ends_like_the_tail_keeps_it(target):
    socket = await target.connect_deflate()
    two_blocks = EXAMPLES["two blocks"]
    cut = two_blocks.index(b"\xff\xff") + 2
    socket.send(
        client_frame(Opcode.TEXT, two_blocks[:cut], fin=False, rsv=RSV1),
        client_frame(Opcode.CONT, two_blocks[cut:]),
    )
    await socket.expect_message("Hello")


@case("rfc7692-6-control-in-between", needs=NEEDS)
async def ping_between_compressed_fragments_is_answered(target):
    socket = await target.connect_deflate()
    first, second = _fragments(HELLO, 4)
    socket.send(first, client_frame(Opcode.PING, b"between"), second)
    await socket.expect_all(Frame(Opcode.PONG, b"between"), Frame(Opcode.TEXT, b"Hello"))


@case(
    "rfc7692-6-rsv1-continuation-received",
    needs=NEEDS,
    over={"message": ["compressed", "not"]},
    control=ordinary_compressed,
)
async def continuation_frame_with_rsv1_fails_the_connection(target, message):
    socket = await target.connect_deflate()
    await socket.echoes()
    if message == "compressed":
        first = client_frame(Opcode.TEXT, HELLO[:3], fin=False, rsv=RSV1)
        socket.send(first, client_frame(Opcode.CONT, HELLO[3:], rsv=RSV1))
    else:
        socket.send(text_frame("Hel", fin=False), client_frame(Opcode.CONT, b"lo", rsv=RSV1))
    await socket.expect_failed(1002)


@case(
    "rfc7692-6-rsv1-control-received",
    needs=NEEDS,
    over={"opcode": [Opcode.PING, Opcode.PONG]},
    control=ordinary_compressed,
)
async def control_frame_with_rsv1_fails_the_connection(target, opcode):
    socket = await target.connect_deflate()
    await socket.echoes()
    socket.send(client_frame(opcode, b"reserved", rsv=RSV1))
    await socket.expect_failed(1002)


@case("rfc7692-6-rsv1-control-received", needs=NEEDS, control=ordinary_compressed)
async def close_with_rsv1_fails_the_connection(target):
    socket = await target.connect_deflate()
    socket.send(client_frame(Opcode.CLOSE, (1000).to_bytes(2, "big"), rsv=RSV1))
    await target.expect_close_refused(socket, 1000, 1002)


@case(
    "rfc7692-6-rsv2-rsv3",
    needs=NEEDS,
    over={"bits": ["RSV2", "RSV3", "RSV1 and RSV2"]},
    control=ordinary_compressed,
)
async def other_reserved_bits_still_fail_the_connection(target, bits):
    rsv = {"RSV2": RSV2, "RSV3": RSV3, "RSV1 and RSV2": RSV1 | RSV2}[bits]
    socket = await target.connect_deflate()
    await socket.echoes()
    socket.send(client_frame(Opcode.TEXT, HELLO if rsv & RSV1 else b"Hello", rsv=rsv))
    await socket.expect_failed(1002)


@case("rfc7692-5-declined-unused", needs={"echo"}, control=ordinary_text)
async def compressed_message_fails_the_connection_when_nothing_was_agreed(target):
    socket = await target.connect()
    await socket.echoes()
    socket.send(client_frame(Opcode.BINARY, HELLO, rsv=RSV1))
    await socket.expect_failed(1002)


# DEFLATE blocks.


@case("rfc7692-7.2.3.1-one-block", needs=NEEDS)
async def example_of_one_block_is_hello(target):
    await _is_hello(target, EXAMPLES["one block"])


@case("rfc7692-7.2.3.3-stored-block", needs=NEEDS)
async def example_of_a_stored_block_is_hello(target):
    await _is_hello(target, EXAMPLES["stored block"])


@case("rfc7692-7.2.3.4-bfinal-block", needs=NEEDS)
async def example_of_a_final_block_is_hello(target):
    await _is_hello(target, EXAMPLES["final block"])


@case("rfc7692-7.2.1-bfinal-padding", needs=NEEDS)
async def message_after_one_with_a_final_block_is_inflated(target):
    socket = await target.connect_deflate()
    for payload in (EXAMPLES["final block"], HELLO, EXAMPLES["final block"]):
        socket.send(client_frame(Opcode.TEXT, payload, rsv=RSV1))
        await socket.expect_message("Hello")


@case("rfc7692-7.2.3.5-two-blocks", needs=NEEDS)
async def example_of_two_blocks_is_hello(target):
    await _is_hello(target, EXAMPLES["two blocks"])


@case("rfc7692-7.2.3.6-empty-fragment", needs=NEEDS)
async def empty_message_between_others_is_one(target):
    socket = await target.connect_deflate()
    for payload, content in ((HELLO, "Hello"), (b"\0", ""), (b"\0", ""), (HELLO, "Hello")):
        socket.send(client_frame(Opcode.TEXT, payload, rsv=RSV1))
        await socket.expect_message(content)


@case("rfc7692-7.2.3.6-empty-fragment", needs=NEEDS)
async def single_octet_00_is_an_empty_message(target):
    socket = await target.connect_deflate()
    socket.send(client_frame(Opcode.TEXT, b"\0", rsv=RSV1))
    await socket.expect_message("")


@case(
    "rfc7692-7.2.1-block-types",
    needs=NEEDS,
    over={"blocks": ["stored", "fixed", "dynamic", "with empty ones"]},
)
async def blocks_of_every_type_are_inflated(target, blocks):
    socket = await target.connect_deflate()
    text = WORDS * 100
    level = 0 if blocks == "stored" else 9
    strategy = zlib.Z_FIXED if blocks == "fixed" else zlib.Z_DEFAULT_STRATEGY
    compressor = _compressor(socket, level=level, strategy=strategy)
    payload = compressor.compress(text.encode())
    if blocks == "with empty ones":  # 00 00 00 FF FF is one, stored
        payload = bytes.fromhex("00 00 00 ff ff") * 3 + payload
    socket.send(client_frame(Opcode.TEXT, payload, rsv=RSV1))
    await socket.expect_message(text)


# What cannot be inflated.


@case(
    "rfc7692-7.2.2-corrupt", needs=NEEDS, over={"what": list(CORRUPT)}, control=ordinary_compressed
)
async def corrupt_message_fails_the_connection(target, what):
    socket = await target.connect_deflate()
    await socket.echoes()
    socket.send(client_frame(Opcode.BINARY, CORRUPT[what], rsv=RSV1))
    await socket.expect_failed(1007, 1002, fence="message")


@case("rfc7692-7.2.2-truncated", needs=NEEDS, control=ordinary_compressed)
async def message_that_ends_inside_a_block_fails_the_connection(target):
    socket = await target.connect_deflate()
    await socket.echoes()
    payload = _compressor(socket).compress(WORDS.encode())
    socket.send(client_frame(Opcode.TEXT, payload[:-9], rsv=RSV1))
    await socket.expect_failed(1007, 1002, fence="message")


@case("rfc7692-7.2.2-beyond-window", needs=NEEDS, control=ordinary_compressed)
async def reference_to_before_the_first_octet_fails_the_connection(target):
    socket = await target.connect_deflate()
    socket.send(client_frame(Opcode.TEXT, bytes.fromhex("f2 00 11 00 00"), rsv=RSV1))
    await socket.expect_failed(1007, 1002, fence="message")


@case(
    "rfc7692-6-text-after-decompression",
    needs=NEEDS,
    over={"octets": [126, 5000, 70_000]},
    control=ordinary_compressed,
)
async def long_text_is_checked_to_its_end_once_inflated(target, octets):
    socket = await target.connect_deflate()
    await socket.echoes()
    with target.large(octets):
        socket.send_message(Opcode.TEXT, b"t" * octets + b"\xff")
        await socket.expect_failed(1007, fence="message")


@case("rfc7692-6-text-after-decompression", needs=NEEDS, control=ordinary_compressed)
async def text_that_is_not_utf8_once_inflated_fails_the_connection(target):
    socket = await target.connect_deflate()
    await socket.echoes()
    payload = _compressor(socket).compress(b"bad: \xff\xfe")
    socket.send(client_frame(Opcode.TEXT, payload, rsv=RSV1))
    await socket.expect_failed(1007, fence="message")


# What the server sends.


@case("rfc7692-6-rsv1-sent", needs=NEEDS)
async def server_sets_rsv1_on_first_frames_only(target):
    socket = await target.connect_deflate()
    socket.send(_compressed(_compressor(socket), WORDS * 100))
    await socket.expect_message(WORDS * 100)  # any other frame with RSV1 would be a Failure
    await socket.fence()


@case("rfc7692-6.1-rsv1-set", needs=NEEDS)
async def server_says_which_messages_are_compressed(target):
    socket = await target.connect_deflate()
    for text in (WORDS * 100, "short", WORDS * 100):
        socket.send_message(Opcode.TEXT, text.encode())
        await socket.expect_message(text)


@case("rfc7692-7.2.1-tail-removed", needs=NEEDS)
async def server_takes_the_tail_off(target):
    socket = await target.connect_deflate()
    socket.send_message(Opcode.TEXT, WORDS.encode())
    await socket.expect_message(WORDS)
    if socket.compressed and socket.frames[-1].payload.endswith(b"\0\0\xff\xff"):
        raise Failure("a compressed message without its tail 00 00 FF FF", str(socket.frames[-1]))


def _inflates_to(payload, content):
    try:
        return Decompressor().decompress(payload) == content
    except WireError:
        return False


def _compressor(socket, **how):
    agreed = socket.deflate
    return Compressor(agreed.client_max_window_bits, not agreed.client_no_context_takeover, **how)


def _compressed(compressor, text):
    return client_frame(Opcode.TEXT, compressor.compress(text.encode()), rsv=RSV1)


def _fragments(payload, size):
    """A compressed message in fragments of `size` octets, RSV1 on the first alone."""
    pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
    last = len(pieces) - 1
    return [
        client_frame(
            Opcode.CONT if index else Opcode.TEXT,
            piece,
            fin=index == last,
            rsv=0 if index else RSV1,
        )
        for index, piece in enumerate(pieces)
    ]


async def _is_hello(target, payload):
    socket = await target.connect_deflate()
    socket.send(client_frame(Opcode.TEXT, payload, rsv=RSV1))
    await socket.expect_message("Hello")
