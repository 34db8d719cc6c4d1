"""RFC 6455, sections 5.6 and 8.1: text is UTF-8, and what is not fails the connection."""

from sockproof.conformance import (
    Failure,
    Frame,
    Opcode,
    Target,
    case,
    client_frame,
    ordinary_length,
    ordinary_text,
    text_frame,
)

VALID = {
    "empty": "",
    "greek": "κόσμε",
    "chinese": "聊天室里有三个人",
    "emoji": "👩‍👩‍👧‍👦 is one family",
    "nul": "a\0b",
    "first-of-2-octets": "\u0080",
    "last-of-2-octets": "\u07ff",
    "first-of-3-octets": "\u0800",
    "before-surrogates": "\ud7ff",
    "behind-surrogates": "\ue000",
    "replacement-character": "\ufffd",
    "noncharacter": "\uffff",
    "first-of-4-octets": "\U00010000",
    "last-character": "\U0010ffff",
}
INVALID = {
    "lone-continuation": b"\x80",
    "latin-1": b"caf\xe9 au lait",
    "octet-fe": b"a\xfe",
    "octet-ff": b"a\xff",
    "start-without-rest": b"\xc3(",
    "five-octets": b"\xf8\x88\x80\x80\x80",
    "text-behind": b"\xce\xba\xe1\xbd\xb9\xcf\xed\xa0\x80edited",
}
FORBIDDEN = {
    "overlong-slash": b"\xc0\xaf",
    "overlong-slash-in-3": b"\xe0\x80\xaf",
    "overlong-slash-in-4": b"\xf0\x80\x80\xaf",
    "overlong-nul": b"\xc0\x80",
    "overlong-last-of-2": b"\xc1\xbf",
    "surrogate-high": b"\xed\xa0\x80",
    "surrogate-low": b"\xed\xbf\xbf",
    "surrogate-pair": b"\xed\xa0\x80\xed\xb0\x80",
    "above-last": b"\xf4\x90\x80\x80",
}
UNFINISHED = {"of-2": b"\xc3", "of-3": b"\xe2\x82", "of-4": b"\xf0\x9f\x98"}

KOSME = "κ\u1f79σμε".encode()  # its ό takes three octets
LATIN = "Hello-µ@ßöäüàá-UTF-8!!"
SPLIT = {"latin": LATIN, "greek": KOSME.decode(), "emoji": "κόσμε 👋"}
EMPTY_PIECES = {
    "all-empty": (b"", b"", b""),
    "empty-around": (b"", b"middle frame payload", b""),
}


def _fragments(*pieces: bytes) -> list[Frame]:
    """A text message cut into these pieces."""
    last = len(pieces) - 1
    return [
        client_frame(Opcode.CONT if at else Opcode.TEXT, piece, fin=at == last)
        for at, piece in enumerate(pieces)
    ]


BEFORE = {
    "text": [text_frame("before")],
    "binary": [client_frame(Opcode.BINARY, b"before")],
    "fragmented-text": _fragments(b"be", b"fore"),
    "fragmented-binary": [
        client_frame(Opcode.BINARY, b"be", fin=False),
        client_frame(Opcode.CONT, b"fore"),
    ],
}
# What goes wrong, and where: a valid beginning, the octets that no text has, and the rest.
WRONG_INSIDE = {
    "whole-character": (KOSME, b"\xf4\x90\x80\x80", b"edited"),
    "inside-a-character": (KOSME + b"\xf4", b"\x90", b"\x80\x80edited"),
}
AT_ONCE = 0.25  # seconds in which a server that looks at octets as they come has closed


def _single_octets(text: bytes) -> list[Frame]:
    """A text message in fragments of one octet, with an empty one at its end."""
    return _fragments(*(bytes([octet]) for octet in text), b"")


@case(
    "rfc6455-8.1-valid-accepted",
    needs="echo",
    over={"text": list(VALID)},
    autobahn={"empty": ["6.1.1"]},
    deflated=True,
)
async def valid_text_comes_back_as_it_was(target: Target, text: str) -> None:
    peer = await target.connect()
    peer.send(text_frame(VALID[text]))
    await peer.expect_message(VALID[text])


@case(
    "rfc6455-8.1-invalid-text",
    needs="echo",
    over={"octets": list(INVALID)},
    deflated=True,
    control=ordinary_text,
)
async def text_that_is_not_utf8_fails_the_connection(target: Target, octets: str) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, INVALID[octets]))
    await peer.expect_failed(1007, fence="message")


@case(
    "rfc6455-8.1-overlong-and-surrogates",
    needs="echo",
    over={"octets": list(FORBIDDEN)},
    deflated=True,
    control=ordinary_text,
)
async def forbidden_form_fails_the_connection(target: Target, octets: str) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"say " + FORBIDDEN[octets]))
    await peer.expect_failed(1007, fence="message")


@case(
    "rfc6455-8.1-incomplete-text",
    needs="echo",
    over={"character": list(UNFINISHED)},
    deflated=True,
    control=ordinary_text,
)
async def text_that_ends_inside_a_character_fails_the_connection(
    target: Target, character: str
) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"say " + UNFINISHED[character]))
    await peer.expect_failed(1007, fence="message")


@case(
    "rfc6455-8.1-invalid-text",
    needs="echo",
    over={"before": list(BEFORE)},
    deflated=True,
    control=ordinary_text,
)
async def text_behind_other_messages_is_checked_too(target: Target, before: str) -> None:
    peer = await target.connect()
    with target.preparing("the echo of a message"):
        peer.send(*BEFORE[before])
        await peer.expect(BEFORE[before][0].opcode, b"before")
    peer.send(client_frame(Opcode.TEXT, b"behind \xff it"))
    await peer.expect_failed(1007, fence="message")


@case(
    "rfc6455-8.1-invalid-text",
    needs="echo",
    over={"octets": (4096, 65_535, 65_536, 200_000)},
    control=ordinary_length,
)
async def text_is_checked_to_its_last_octet(target: Target, octets: int) -> None:
    peer = await target.connect()
    with target.large(octets + 1):
        peer.send(client_frame(Opcode.TEXT, b"t" * octets + b"\xff"))
        await peer.expect_failed(1007, fence="message")


@case("rfc6455-8.1-1007", needs="echo", control=ordinary_text)
async def close_for_text_that_is_not_utf8_has_code_1007(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"\xff, and why is told by the code"))
    await peer.expect_failed(1007, fence="message")


# Fragments.


@case("rfc6455-8.1-invalid-text", needs="echo", deflated=True, control=ordinary_text)
async def invalid_octet_in_a_later_fragment_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(*_fragments(b"well begun, ", b"badly \xff done"))
    await peer.expect_failed(1007, fence="message")


@case("rfc6455-8.1-incomplete-text", needs="echo", deflated=True, control=ordinary_text)
async def fragmented_text_that_ends_inside_a_character_fails_the_connection(
    target: Target,
) -> None:
    peer = await target.connect()
    peer.send(*_fragments("five €".encode()[:-2], b"\x82", b""))
    await peer.expect_failed(1007, fence="message")


@case(
    "rfc6455-8.1-invalid-text",
    needs="echo",
    autobahn=["6.3.2"],
    deflated=True,
    control=ordinary_text,
)
async def invalid_text_in_fragments_of_one_octet_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(*_single_octets(KOSME + b"\xed\xa0\x80edited"))
    await peer.expect_failed(1007, fence="message")


@case("rfc6455-5.6-text-split", needs="echo", deflated=True)
async def character_split_over_two_fragments_is_whole(target: Target) -> None:
    peer = await target.connect()
    octets = "five €".encode()
    peer.send(*_fragments(octets[:-2], octets[-2:]))
    await peer.expect_message("five €")


@case("rfc6455-5.4-fragmented-received", needs="echo", autobahn=["6.2.2"], deflated=True)
async def text_cut_between_two_characters_is_whole(target: Target) -> None:
    peer = await target.connect()
    octets = LATIN.encode()
    peer.send(*_fragments(octets[:15], octets[15:]))
    await peer.expect_message(LATIN)


@case(
    "rfc6455-5.6-text-split",
    needs="echo",
    over={"text": list(SPLIT)},
    autobahn={"latin": ["6.2.3"], "greek": ["6.2.4"]},
    deflated=True,
)
async def text_in_fragments_of_one_octet_is_whole(target: Target, text: str) -> None:
    peer = await target.connect()
    peer.send(*_single_octets(SPLIT[text].encode()))
    await peer.expect_message(SPLIT[text])


@case(
    "rfc6455-5.4-empty-fragments",
    needs="echo",
    over={"pieces": list(EMPTY_PIECES)},
    autobahn={"all-empty": ["6.1.2"], "empty-around": ["6.1.3"]},
    deflated=True,
)
async def text_with_empty_fragments_is_what_the_others_hold(target: Target, pieces: str) -> None:
    peer = await target.connect()
    peer.send(*_fragments(*EMPTY_PIECES[pieces]))
    await peer.expect_message(b"".join(EMPTY_PIECES[pieces]).decode())


@case("rfc6455-5.6-text-split-by-control", needs="echo")
async def pong_inside_a_character_leaves_it_whole(target: Target) -> None:
    peer = await target.connect()
    octets = "€".encode()
    peer.send(
        client_frame(Opcode.TEXT, octets[:1], fin=False),
        client_frame(Opcode.PONG, b"between"),
        client_frame(Opcode.CONT, octets[1:2], fin=False),
        client_frame(Opcode.PONG),
        client_frame(Opcode.CONT, octets[2:]),
    )
    await peer.expect_message("€")


@case("rfc6455-5.6-text-split-by-control", needs="echo", deflated=True)
async def ping_inside_a_character_leaves_it_whole(target: Target) -> None:
    peer = await target.connect()
    octets = "é".encode()
    peer.send(
        client_frame(Opcode.TEXT, octets[:1], fin=False), client_frame(Opcode.PING, b"between")
    )
    await peer.expect(Opcode.PONG, b"between")
    peer.send(client_frame(Opcode.CONT, octets[1:]))
    await peer.expect_message("é")


@case("rfc6455-5.6-binary-any", needs="echo", deflated=True)
async def binary_message_is_never_read_as_text(target: Target) -> None:
    peer = await target.connect()
    every_octet = bytes(range(256))
    peer.send(client_frame(Opcode.BINARY, every_octet))
    await peer.expect_message(every_octet)


@case("rfc6455-5.6-binary-any", needs="echo", over={"cut": (1, 128, 200)})
async def fragmented_binary_message_is_never_read_as_text(target: Target, cut: int) -> None:
    peer = await target.connect()
    every_octet = bytes(range(256))
    peer.send(
        client_frame(Opcode.BINARY, every_octet[:cut], fin=False),
        client_frame(Opcode.CONT, every_octet[cut:]),
    )
    await peer.expect_message(every_octet)


# When a server fails: at the first octet that no text has, or when the message is complete.


@case(
    "rfc6455-8.1-invalid-text",
    needs="echo",
    over={"wrong": list(WRONG_INSIDE)},
    autobahn={"whole-character": ["6.4.1"], "inside-a-character": ["6.4.2"]},
    control=ordinary_text,
)
async def invalid_fragment_fails_the_connection_at_once_or_at_the_end(
    target: Target, wrong: str
) -> None:
    peer = await target.connect()
    begin, middle, end = WRONG_INSIDE[wrong]
    peer.send(client_frame(Opcode.TEXT, begin, fin=False))
    with target.awaits("a valid beginning accepted"):
        if not await peer.goes_on():
            raise Failure("a valid beginning accepted", "the connection failed")
    peer.send(client_frame(Opcode.CONT, middle, fin=False))
    with target.awaits("the connection failed, or a Ping answered"):
        late = await peer.goes_on()
    if late:
        peer.send(client_frame(Opcode.CONT, end))
    _report(target, "fragment", late)
    await peer.expect_failed(1007, fence="message" if late else "none")


@case(
    "rfc6455-8.1-fails-early",
    needs="echo",
    over={"wrong": list(WRONG_INSIDE)},
    autobahn={"whole-character": ["6.4.3"], "inside-a-character": ["6.4.4"]},
)
async def invalid_octets_inside_a_frame_fail_it_at_once_or_at_the_end(
    target: Target, wrong: str
) -> None:
    peer = await target.connect()
    begin, middle, end = WRONG_INSIDE[wrong]
    text = begin + middle + end
    octets = client_frame(Opcode.TEXT, text, fin=False).encode()
    ends = (len(octets) - len(middle + end), len(octets) - len(end), len(octets))
    peer.send_octets(octets[: ends[0]], "TEXT, its beginning", inside=True)
    await peer.flush()
    peer.send_octets(octets[ends[0] : ends[1]], "its invalid octets", inside=True)
    late = not await peer.closes_within(AT_ONCE)
    if late:
        peer.send_octets(octets[ends[1] :], "the rest of the frame")
        peer.send(client_frame(Opcode.CONT))
    _report(target, "octet", late)
    await peer.expect_failed(1007, fence="message" if late else "none")


def _report(target: Target, what: str, late: bool) -> None:
    when = "when the message is complete" if late else f"at its first {what} that is not UTF-8"
    target.report(f"a text invalid in one {what}", f"fails {when}")
