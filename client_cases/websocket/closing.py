"""RFC 6455, sections 1.4, 5.5.1 and 7: the closing handshake, and how a client ends."""

import asyncio

from sockproof.clients import (
    WAITS,
    Failure,
    Opcode,
    StreamClosed,
    WebSocketVisitor,
    case,
    expect_end_without,
    expect_refused_close,
    server_frame,
)

AT_ONCE = 1.0  # seconds in which a client that does not wait ends TCP behind its Close frame
PATIENCE = 2.0  # seconds in which what is sent behind a Close frame has come
LONG = 7.0  # seconds after which a client has given up a server that does not end TCP, or not soon
DATA = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)
DEFINED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)
REASONS = {
    "an octet that is none": b"\xff",
    "a surrogate": b"\xed\xa0\x80",
    "overlong": b"\xc0\xaf",
    "cut off": "ab\u20ac".encode()[:-1],
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
}


async def opened(client: WebSocketVisitor) -> None:
    """The connection is open, and the client surely in its loop."""
    await client.accept()
    await client.echoed("an ordinary message")


async def expect_code(client: WebSocketVisitor, code: int | None, reason: str = "") -> None:
    """The Close frame that is sent is answered, with its code where the client is strict."""
    await client.accept()
    got = await client.close_handshake(code, reason)
    told = int.from_bytes(got.payload[:2], "big") if got.payload else None
    if told != code:
        client.context.non_strict(f"CLOSE {code or 'without a code'}", got)


@case("client-rfc6455-7.4.1-codes-received", over={"code": DEFINED})
async def close_frame_with_a_defined_code_is_answered(client: WebSocketVisitor, code: int) -> None:
    await client.accept()
    await client.close_handshake(code)


@case("client-rfc6455-5.5.1-code-echoed", over={"code": (1000, 1001, 3000, 4999)})
async def answer_to_a_close_frame_repeats_its_code(client: WebSocketVisitor, code: int) -> None:
    await expect_code(client, code, "a reason")


@case("client-rfc6455-5.5.1-answered", over={"behind": ("nothing", "messages")})
async def close_frame_without_a_body_is_answered(client: WebSocketVisitor, behind: str) -> None:
    await client.accept()
    if behind == "messages":
        client.send_text("one")
        client.send_text("two")
    await client.close_handshake(None)


@case("client-rfc6455-7.4.2-registered-later", over={"code": (1012, 1013, 1014)})
async def close_frame_with_a_code_registered_later_is_answered(
    client: WebSocketVisitor, code: int
) -> None:
    await answered_or_refused(client, code)


@case("client-rfc6455-7.4.2-applications", over={"code": (3000, 3999, 4000, 4999)})
async def close_frame_with_a_code_of_an_application_is_answered(
    client: WebSocketVisitor, code: int
) -> None:
    await answered_or_refused(client, code)


async def answered_or_refused(client: WebSocketVisitor, code: int) -> None:
    """The Close frame with this code is no error: its answer is not 1002."""
    await client.accept()
    got = await client.close_handshake(code)
    if got.payload[:2] == (1002).to_bytes(2, "big"):
        raise Failure(f"CLOSE {code}, or with another code than that of an error", got)


@case("client-rfc6455-7.4.2-unassigned", over={"code": (1016, 1100, 2999, 5000, 65_535)})
async def close_frame_with_an_unassigned_code_ends_the_connection(
    client: WebSocketVisitor, code: int
) -> None:
    await client.accept()
    client.send(client.close_frame(code))
    await expect_refused_close(client, -1, code, 1002)


@case("client-rfc6455-7.4.1-reserved-received", over={"code": (1004, 1005, 1006, 1015)})
async def reserved_close_code_is_a_protocol_error(client: WebSocketVisitor, code: int) -> None:
    await opened(client)
    client.send(client.close_frame(code))
    await expect_refused_close(client, code, 1002)


@case("client-rfc6455-7.4.1-never-sent", over={"code": (1005, 1006, 1015)})
async def reserved_close_code_is_not_sent_back(client: WebSocketVisitor, code: int) -> None:
    await opened(client)
    client.send(client.close_frame(code, "a reason"))
    try:
        got = await client.receive_answer()  # the peer refuses such a code
    except StreamClosed:
        return
    if got.opcode != Opcode.CLOSE:
        raise Failure("CLOSE, or the end of TCP", got)


@case("client-rfc6455-7.4.2-unused", over={"code": (0, 1, 999)})
async def close_code_below_1000_is_a_protocol_error(client: WebSocketVisitor, code: int) -> None:
    await opened(client)
    client.send(client.close_frame(code))
    await expect_refused_close(client, code, 1002)


@case("client-rfc6455-5.5.1-body-one-octet", over={"octet": (0x03, 0x20)})
async def close_body_of_one_octet_is_a_protocol_error(client: WebSocketVisitor, octet: int) -> None:
    await opened(client)
    client.send(client.frame(Opcode.CLOSE, bytes([octet])))
    await expect_refused_close(client, -1, 1002)


@case("client-rfc6455-5.5.1-reason-utf8", over={"reason": list(REASONS)})
async def reason_that_is_not_utf8_is_an_error(client: WebSocketVisitor, reason: str) -> None:
    await opened(client)
    client.send(client.close_frame(4321, REASONS[reason]))
    await expect_refused_close(client, 4321, 1007, 1002)


@case("client-rfc6455-5.5.1-reason-sent", over={"reason": ("plain", "of many languages")})
async def reason_of_the_answer_is_utf8(client: WebSocketVisitor, reason: str) -> None:
    await client.accept()
    text = "plain" if reason == "plain" else "\u4f60\u597d \u20ac \U0001f600" * 6
    got = await client.close_handshake(1000, text)  # the peer refuses what is not UTF-8
    if got.payload[:2] in (b"\x03\xea", b"\x03\xef"):
        raise Failure("CLOSE, or with another code than 1002 and 1007", got)


@case("client-rfc6455-5.5.1-body-sent")
async def body_of_the_answer_is_empty_or_begins_with_a_code(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.close_handshake(None)  # the peer refuses a body of one octet


@case("client-rfc6455-1.4-discarded", over={"what": ("text", "binary", "ping")})
async def what_stands_behind_a_close_frame_is_discarded(
    client: WebSocketVisitor, what: str
) -> None:
    await opened(client)
    opcode = {"text": Opcode.TEXT, "binary": Opcode.BINARY, "ping": Opcode.PING}[what]
    client.send(client.close_frame(1000), client.frame(opcode, b"behind the Close frame"))
    with client.context.awaits("CLOSE, and nothing else"):
        got = await client.receive_answer()
    if got.opcode != Opcode.CLOSE:
        raise Failure("CLOSE, and nothing else", got)
    await nothing_more(client)


async def nothing_more(client: WebSocketVisitor) -> None:
    """Behind its Close frame the client sends no data, up to the end of its side of TCP.

    That end is no matter of the case: a client that is slow to notice ours is let be.
    """
    client.context.log.note(client.number, "sent", "the end of our side of TCP")
    client.stream.end_writing()
    try:
        async with asyncio.timeout(PATIENCE):
            while (got := await client.receive_frame()).opcode not in (*DATA, Opcode.CLOSE):
                pass
    except (StreamClosed, TimeoutError):
        return
    if got.opcode == Opcode.CLOSE:
        client.context.non_strict("one Close frame", f"a second one: {got}")
    else:
        raise Failure("no data behind the Close frame", got)


@case("client-rfc6455-5.5.1-once", over={"messages": (1, 10)})
async def client_sends_nothing_behind_its_close_frame(
    client: WebSocketVisitor, messages: int
) -> None:
    await opened(client)
    client.send(*(client.frame(Opcode.TEXT, b"before") for _ in range(messages)))
    client.send(client.close_frame(1000), client.close_frame(1001))
    with client.context.awaits("CLOSE, behind as many echoes as it likes"):
        while (await client.receive_answer()).opcode != Opcode.CLOSE:
            pass
    await nothing_more(client)


@case("client-rfc6455-5.5.1-once")
async def client_that_failed_sends_nothing_behind_its_close_frame(
    client: WebSocketVisitor,
) -> None:
    await opened(client)
    bad = client.frame(Opcode.TEXT, b"bad", rsv=2)
    client.send(bad, *(client.frame(Opcode.TEXT, b"behind") for _ in range(20)))
    try:
        with client.context.awaits("CLOSE 1002"):
            got = await client.receive_answer()
    except Failure:
        return  # TCP ended, which 7.1.7 judges
    if got.opcode != Opcode.CLOSE:
        raise Failure("CLOSE 1002", got)
    await nothing_more(client)


@case("client-rfc6455-5.5.1-inside-message", over={"opcode": (Opcode.TEXT, Opcode.BINARY)})
async def close_frame_inside_a_message_ends_the_connection(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await opened(client)
    client.send(client.frame(opcode, b"unfinished", fin=False), client.close_frame(1001))
    with client.context.awaits("CLOSE"):
        got = await client.receive_answer()
    if got.opcode != Opcode.CLOSE:
        raise Failure("CLOSE, and nothing of the message", got)
    await nothing_more(client)


@case("client-rfc6455-5.5.1-answered")
async def close_frame_behind_a_big_message_is_answered(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(client.frame(Opcode.BINARY, bytes(1 << 20)))
    await client.close_handshake(1000)


@case("client-rfc6455-7.1.1-server-first", told=WAITS)
async def client_waits_for_the_server_to_end_tcp(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(client.close_frame(1000))
    await client.expect_close()
    try:
        async with asyncio.timeout(AT_ONCE):
            await client.stream.read()
    except TimeoutError:
        return
    except StreamClosed as closed:
        client.context.non_strict("the server's end of TCP awaited", closed.how, came=closed)


@case("client-rfc6455-7.1.1-gives-up", limit=LONG + 3, told=WAITS)
async def server_that_does_not_end_tcp_is_given_up(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(client.close_frame(1000))
    await client.expect_close()
    try:
        async with asyncio.timeout(LONG):
            await client.expect_end()
    except TimeoutError:
        client.context.non_strict("TCP ended by the client", f"still open after {LONG:g} s")


@case("client-rfc6455-7.1.1-clean")
async def tcp_is_ended_in_order(client: WebSocketVisitor) -> None:
    await opened(client)
    await client.close_handshake(1000)
    how = await client.expect_end()
    if client.stream.was_reset:
        client.context.non_strict("TCP ended by a FIN", how)


@case("client-rfc6455-7.1.7-closed", over={"offence": ("bits", "opcode", "length")})
async def failed_connection_is_closed(client: WebSocketVisitor, offence: str) -> None:
    await opened(client)
    client.send(OFFENCES[offence])
    await client.expect_failed(1002)
    client.stream.end_writing()
    await expect_end_without(client, *DATA)


OFFENCES = {
    "bits": server_frame(Opcode.TEXT, b"bad", rsv=3),
    "opcode": server_frame(5, b"bad"),
    "length": server_frame(Opcode.PING, bytes(126)),
}


@case("client-rfc6455-7.1.7-close-frame")
async def failure_is_told_by_a_close_frame(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(OFFENCES["bits"])
    await client.expect_failed(*range(1000, 5000))


@case("client-rfc6455-7.4.1-1002")
async def failure_over_a_protocol_error_is_told_by_1002(client: WebSocketVisitor) -> None:
    await opened(client)
    client.send(OFFENCES["bits"])
    await client.expect_failed(1002)


@case(
    "client-rfc6455-7.1.7-no-more-processing",
    over={"offence": ("bits", "opcode", "length")},
    told=WAITS,
)
async def frames_behind_an_offence_have_no_effect(client: WebSocketVisitor, offence: str) -> None:
    await opened(client)
    client.send(OFFENCES[offence], client.frame(Opcode.TEXT, b"behind the offence"))
    await client.expect_failed(1002, silent=True)


@case("client-rfc6455-7.3-not-at-will", told=WAITS)
async def connection_stays_open_while_nothing_is_said(client: WebSocketVisitor) -> None:
    await opened(client)
    await asyncio.sleep(1)
    await client.echoed("still here")


@case("client-rfc6455-7.3-not-at-will", limit=30)
async def connection_stays_open_over_many_messages(client: WebSocketVisitor) -> None:
    await client.accept()
    for number in range(200):
        client.send_text(f"message {number}")
        client.send(client.frame(Opcode.PONG, b"unasked"))
    for number in range(200):
        await client.expect_echo(f"message {number}")
