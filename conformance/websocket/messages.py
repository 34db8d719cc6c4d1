"""RFC 6455, sections 5.6, 5.8, 6.1 and 6.2: messages, one after the other, and what they hold."""

import time
from collections.abc import Iterator

from sockproof.conformance import Frame, Opcode, Target, case, client_frame, text_frame

LOOKS_LIKE = {
    "http-request": b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "close-frame": b"\x88\x82\x00\x00\x00\x00\x03\xe8",
    "unmasked-text": b"\x81\x05hello",
    "line-ends": b"\r\n\r\n\n\0\n",
    "old-framing": b"\x00text\xff\xff\x00",
    "every-octet": bytes(range(256)),
}
TEXTS = {
    "crlf": "one\r\ntwo\r\n",
    "cr": "one\rtwo",
    "lf": "one\ntwo\n",
    "separators": "one\x85two\u2028three\u2029four\x0bfive\x0csix",
    "blanks-around": "  \t two blanks before and behind  ",
    "blank": " ",
    "nul": "before\0behind",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f",
    "composed": "caf\u00e9 \u212b \u1e9b\u0323",
    "decomposed": "cafe\u0301 A\u030a \u017f\u0323\u0307",
    "byte-order-mark": "\ufeffmarked",
    "noncharacters": "\ufdd0 \uffff \U0001fffe",
    "json-number": "1.0",
    "json-large-number": "12345678901234567890",
    "json-null": "null",
    "json-empty-text": '""',
    "json-object": '{"b": 1.50, "a": 1e2, "b": [ ]}',
    "json-escapes": '"\\u00e9\\/ \\ud83d\\ude00"',
    "looks-escaped": "%41 &amp; \\n \\x41 +",
}


@case("rfc6455-6.2-parsed-as-frames", needs="echo", over={"payload": list(LOOKS_LIKE)})
async def payload_that_looks_like_something_else_is_payload(target: Target, payload: str) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, LOOKS_LIKE[payload]))
    await peer.expect_message(LOOKS_LIKE[payload])
    await peer.fence()


@case("rfc6455-6.2-parsed-as-frames")
async def http_after_the_handshake_is_not_answered_as_http(target: Target) -> None:
    """Its first octet, read as a frame's, has reserved bits set and no mask behind it."""
    peer = await target.connect()
    peer.send_octets(target.upgrade_request().encode(), "an HTTP request instead of a frame")
    await peer.expect_failed(1002, fence="none")


@case("rfc6455-6.2-next-message", needs="echo", deflated=True)
async def many_messages_in_one_segment_come_back_in_order(target: Target) -> None:
    peer = await target.connect()
    sizes = [number * 7 % 131 for number in range(100)]
    messages = [b"%d " % number + b"m" * size for number, size in enumerate(sizes)]
    for number, message in enumerate(messages):
        peer.send(client_frame(Opcode.BINARY if number % 3 else Opcode.TEXT, message))
    for number, message in enumerate(messages):
        await peer.expect(Opcode.BINARY if number % 3 else Opcode.TEXT, message)
    await peer.fence()


@case("rfc6455-6.2-next-message", needs="echo", over={"cut": (1, 2, 4, 6, 8)})
async def segment_may_end_inside_the_next_message(target: Target, cut: int) -> None:
    peer = await target.connect()
    first, second, third = (text_frame(each).encode() for each in ("one", "two two", "three"))
    begun = f"a frame and the first {cut} octets of the next"
    peer.send_octets(first + second[:cut], begun, inside=True)
    await peer.expect_message("one")
    peer.send_octets(second[cut:] + third, "the rest of it and one more")
    await peer.expect_message("two two")
    await peer.expect_message("three")


@case("rfc6455-6.2-next-message", needs="echo")
async def message_is_answered_while_the_next_has_only_begun(target: Target) -> None:
    peer = await target.connect()
    peer.send(text_frame("complete"), client_frame(Opcode.TEXT, b"begun ", fin=False))
    await peer.expect_message("complete")
    peer.send(client_frame(Opcode.CONT, b"and ended"))
    await peer.expect_message("begun and ended")


@case(
    "rfc6455-5.6-binary-any",
    needs="echo",
    over={"octets": ("ff", "c3", "00", "eda080", "efbbbf61", "610000", "20610a")},
)
async def binary_message_is_no_text(target: Target, octets: str) -> None:
    peer = await target.connect()
    message = bytes.fromhex(octets)
    peer.send(client_frame(Opcode.BINARY, message))
    await peer.expect_message(message)


@case("rfc6455-8.1-valid-accepted", needs="echo", over={"text": list(TEXTS)}, deflated=True)
async def text_comes_back_octet_by_octet(target: Target, text: str) -> None:
    """Nothing reads it as lines, as JSON or as anything else, and nothing tidies it up."""
    peer = await target.connect()
    peer.send(text_frame(TEXTS[text]))
    await peer.expect_message(TEXTS[text])


@case("rfc6455-5.6-text-utf8-sent", needs="echo", deflated=True)
async def text_of_the_server_is_utf8(target: Target) -> None:
    peer = await target.connect()
    text = "é, ж, 聊, 👋: one octet to four "
    peer.send(text_frame(text * 50))
    await peer.expect_message(text * 50)


@case("rfc6455-5.2-rsv-zero", needs="echo", over={"kind": ("text", "binary", "pong", "close")})
async def server_sets_no_reserved_bit(target: Target, kind: str) -> None:
    peer = await target.connect()
    stimulus = {
        "text": client_frame(Opcode.TEXT, b"no bits, please. " * 100),
        "binary": client_frame(Opcode.BINARY, b"no bits, please. " * 100),
        "pong": client_frame(Opcode.PING, b"no bits, please"),
        "close": client_frame(Opcode.CLOSE, (1000).to_bytes(2, "big")),
    }[kind]
    opcode = Opcode.PONG if kind == "pong" else stimulus.opcode
    peer.send(stimulus)
    # A reserved bit is a Failure wherever it is met: no extension was offered.
    with target.preparing(f"a {Opcode(opcode).name} without reserved bits"):
        await peer.expect(opcode, None if kind == "close" else stimulus.payload)


@case("rfc6455-5.8-extensions-negotiated", needs="echo")
async def server_uses_no_extension_that_it_did_not_agree_to(target: Target) -> None:
    """Neither a reserved bit nor a reserved opcode comes, in whatever it sends for these."""
    peer = await target.connect(extensions="x-sockproof-unknown")
    texts = [b"again " * size for size in (0, 10, 200, 5000)]
    for text in texts:
        ping = b"%d octets" % len(text)
        peer.send(client_frame(Opcode.TEXT, text), client_frame(Opcode.PING, ping))
        await peer.expect_all(Frame(Opcode.TEXT, text), Frame(Opcode.PONG, ping))


LONG = 260  # turns, more than a count in one octet holds
LIMIT = 20.0  # seconds for them


def _turns(target: Target) -> Iterator[int]:
    """The numbers of the turns; fewer with a server that takes its time for each answer."""
    until = time.monotonic() + LIMIT / 2
    for number in range(target.rounds(LONG, 1100)):
        if time.monotonic() > until:
            target.report("turns", f"{number}, for each took its time")
            return
        yield number


@case("rfc6455-6.2-next-message", needs="echo", limit=LIMIT)
async def each_message_of_a_long_conversation_comes_back(target: Target) -> None:
    peer = await target.connect()
    for number in _turns(target):
        peer.send(text_frame(f"turn {number}"))
        await peer.expect_message(f"turn {number}")


@case("rfc6455-5.5.2-answered", limit=LIMIT)
async def each_ping_of_a_long_conversation_is_answered(target: Target) -> None:
    peer = await target.connect()
    for number in _turns(target):
        peer.send(client_frame(Opcode.PING, b"turn %d" % number))
        await peer.expect(Opcode.PONG, b"turn %d" % number)
