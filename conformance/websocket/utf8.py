"""RFC 6455, sections 5.6 and 8.1: text is UTF-8, and what is not fails the connection."""

from sockproof.conformance import Opcode, Target, case, client_frame, text_frame

VALID = {
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


@case("rfc6455-8.1-valid-accepted", needs="echo", over={"text": list(VALID)})
async def valid_text_comes_back_as_it_was(target: Target, text: str) -> None:
    peer = await target.connect()
    peer.send(text_frame(VALID[text]))
    await peer.expect_message(VALID[text])


@case("rfc6455-8.1-invalid-text", needs="echo", over={"octets": list(INVALID)})
async def text_that_is_not_utf8_fails_the_connection(target: Target, octets: str) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, INVALID[octets]))
    await peer.expect_failed(1007, fence="message")


@case("rfc6455-8.1-overlong-and-surrogates", needs="echo", over={"octets": list(FORBIDDEN)})
async def forbidden_form_fails_the_connection(target: Target, octets: str) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"say " + FORBIDDEN[octets]))
    await peer.expect_failed(1007, fence="message")


@case("rfc6455-8.1-incomplete-text", needs="echo", over={"character": list(UNFINISHED)})
async def text_that_ends_inside_a_character_fails_the_connection(
    target: Target, character: str
) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"say " + UNFINISHED[character]))
    await peer.expect_failed(1007, fence="message")


@case("rfc6455-8.1-invalid-text", needs="echo")
async def invalid_octet_in_a_later_fragment_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"well begun, ", fin=False),
        client_frame(Opcode.CONT, b"badly \xff done"),
    )
    await peer.expect_failed(1007, fence="message")


@case("rfc6455-5.6-text-split", needs="echo")
async def character_split_over_two_fragments_is_whole(target: Target) -> None:
    peer = await target.connect()
    octets = "five €".encode()
    peer.send(
        client_frame(Opcode.TEXT, octets[:-2], fin=False), client_frame(Opcode.CONT, octets[-2:])
    )
    await peer.expect_message("five €")


@case("rfc6455-5.6-text-split", needs="echo")
async def text_in_fragments_of_one_octet_is_whole(target: Target) -> None:
    peer = await target.connect()
    octets = "κόσμε 👋".encode()
    last = len(octets) - 1
    peer.send(
        *(
            client_frame(Opcode.CONT if at else Opcode.TEXT, octets[at : at + 1], fin=at == last)
            for at in range(len(octets))
        )
    )
    await peer.expect_message("κόσμε 👋")


@case("rfc6455-5.6-text-split-by-control", needs="echo")
async def ping_inside_a_character_leaves_it_whole(target: Target) -> None:
    peer = await target.connect()
    octets = "é".encode()
    peer.send(
        client_frame(Opcode.TEXT, octets[:1], fin=False), client_frame(Opcode.PING, b"between")
    )
    await peer.expect(Opcode.PONG, b"between")
    peer.send(client_frame(Opcode.CONT, octets[1:]))
    await peer.expect_message("é")


@case("rfc6455-5.6-binary-any", needs="echo")
async def binary_message_is_never_read_as_text(target: Target) -> None:
    peer = await target.connect()
    every_octet = bytes(range(256))
    peer.send(client_frame(Opcode.BINARY, every_octet))
    await peer.expect_message(every_octet)
