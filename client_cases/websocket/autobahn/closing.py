"""Autobahn|Testsuite, section 7: the closing handshake, Close codes and reasons."""

from sockproof.clients import (
    Failure,
    Frame,
    Opcode,
    Seen,
    StreamClosed,
    WebSocketVisitor,
    case,
    close_payload,
)

HELLO = "Hello World!"
BEHIND = {
    "7.1.2": (Opcode.CLOSE, b""),
    "7.1.3": (Opcode.PING, b""),
    "7.1.4": (Opcode.TEXT, HELLO.encode()),
}
REASONS = {"7.3.3": "", "7.3.4": HELLO, "7.3.5": "*" * 123}
CODES = {
    "7.7": (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999),
    "7.9": (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999),
    "7.13": (5000, 65535),
}
NUMBERED = {
    f"{section}.{place}": code
    for section, codes in CODES.items()
    for place, code in enumerate(codes, 1)
}
DEFINED = tuple(n for n, code in NUMBERED.items() if n.startswith("7.7") and code < 3000)
APPLICATIONS = tuple(n for n, code in NUMBERED.items() if n.startswith("7.7") and code >= 3000)
UNUSED = tuple(n for n, code in NUMBERED.items() if code < 1000)
RESERVED = tuple(n for n, code in NUMBERED.items() if code in (1004, 1005, 1006))
UNASSIGNED = tuple(n for n in NUMBERED if n not in (*DEFINED, *APPLICATIONS, *UNUSED, *RESERVED))
BIG = (b"BAsd7&jh23" * 26215)[: 1 << 18]


@case("client-rfc6455-5.5.1-answered", autobahn=["7.1.1"])
async def close_behind_a_message_is_answered(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed(HELLO)
    await client.close_handshake(1000)
    await client.expect_nothing_behind_close()


@case(
    "client-rfc6455-1.4-discarded",
    over={"number": tuple(BEHIND)},
    autobahn={number: [number] for number in BEHIND},
)
async def what_is_behind_a_close_is_discarded(client: WebSocketVisitor, number: str) -> None:
    opcode, payload = BEHIND[number]
    await client.accept()
    client.send(client.close_frame(1000), client.frame(opcode, payload))
    await client.expect_close_of(1000)
    await client.expect_nothing_behind_close()


@case("client-rfc6455-5.5.1-inside-message", autobahn=["7.1.5"])
async def close_inside_a_message_is_answered(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(
        client.frame(Opcode.TEXT, b"fragment1", fin=False),
        client.close_frame(1000),
        client.frame(Opcode.CONT, b"fragment2"),
    )
    await client.expect_close_of(1000)
    await client.expect_nothing_behind_close()


@case("client-rfc6455-5.5.1-answered", autobahn=["7.1.6"], limit=20.0)
async def close_behind_a_big_message_is_answered(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(
        client.frame(Opcode.TEXT, BIG),
        client.frame(Opcode.TEXT, HELLO.encode()),
        client.close_frame(1000),
        client.frame(Opcode.PING),
    )
    try:
        got = await _close_behind(client, [BIG, HELLO.encode()])
    except StreamClosed as closed:
        if not closed.reset:
            raise
        # Octets that the client has not read end its side by RST, which can take its Close along.
        client.context.non_strict("CLOSE 1000", closed, "client-rfc6455-7.1.1-clean")
        return
    if got.payload[:2] not in (b"", close_payload(1000)):
        client.context.non_strict("CLOSE 1000", got, "client-rfc6455-5.5.1-code-echoed")


async def _close_behind(client: WebSocketVisitor, sent: list[bytes]) -> Frame:
    """The Close frame, behind what was sent before ours or a part of it."""
    while (got := await client.receive_answer()).opcode != Opcode.CLOSE:
        if got.opcode == Opcode.TEXT and got.payload in sent:
            del sent[: sent.index(got.payload) + 1]
        elif got.opcode != Opcode.PONG:  # an answer in vain
            raise Failure("what was sent before the Close frame, or CLOSE", got)
    return got


@case("client-rfc6455-5.5.1-answered", autobahn=["7.3.1"])
async def close_without_a_body_is_answered(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(client.close_frame(None))
    await client.expect_close_of(1000)
    await client.expect_nothing_behind_close()


@case("client-rfc6455-5.5.1-body-one-octet", autobahn=["7.3.2"])
async def close_with_a_body_of_one_octet_fails_the_connection(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(client.frame(Opcode.CLOSE, b"a"))
    await client.expect_failed(1002, fence="none")


@case(
    "client-rfc6455-5.5.1-code-echoed",
    over={"number": tuple(REASONS)},
    autobahn={number: [number] for number in REASONS},
)
async def close_with_a_reason_is_answered(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    client.send(client.close_frame(1000, REASONS[number]))
    await client.expect_close_of(1000)
    await client.expect_nothing_behind_close()


@case("client-rfc6455-5.5-payload-126", autobahn=["7.3.6"])
async def close_of_126_octets_fails_the_connection(client: WebSocketVisitor) -> None:
    await _fails(client, 1000, b"*" * 124, 1002)


@case("client-rfc6455-5.5.1-reason-utf8", autobahn=["7.5.1"])
async def reason_that_is_not_utf8_fails_the_connection(client: WebSocketVisitor) -> None:
    await _fails(client, 1000, "κ\u1f79σμε".encode() + b"\xed\xa0\x80edited", 1002, 1007)


@case(
    "client-rfc6455-7.4.1-codes-received",
    over={"number": DEFINED},
    autobahn={number: [number] for number in DEFINED},
)
async def close_with_a_defined_code_is_answered(client: WebSocketVisitor, number: str) -> None:
    await _is_answered(client, NUMBERED[number])


@case(
    "client-rfc6455-7.4.2-applications",
    over={"number": APPLICATIONS},
    autobahn={number: [number] for number in APPLICATIONS},
)
async def close_with_a_code_of_applications_is_answered(
    client: WebSocketVisitor, number: str
) -> None:
    await _is_answered(client, NUMBERED[number])


@case(
    "client-rfc6455-7.4.2-unused",
    over={"number": UNUSED},
    autobahn={number: [number] for number in UNUSED},
)
async def close_with_a_code_below_1000_fails_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    await _fails(client, NUMBERED[number], b"", 1002)


@case(
    "client-rfc6455-7.4.1-reserved-received",
    over={"number": RESERVED},
    autobahn={number: [number] for number in RESERVED},
)
async def close_with_a_reserved_code_fails_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    await _fails(client, NUMBERED[number], b"", 1002)


@case(
    "client-rfc6455-7.4.2-unassigned",
    over={"number": UNASSIGNED},
    autobahn={number: [number] for number in UNASSIGNED},
)
async def close_with_a_code_of_nobody_is_answered_or_refused(
    client: WebSocketVisitor, number: str
) -> None:
    code = NUMBERED[number]
    await client.accept()
    client.send(client.close_frame(code))
    await client.expect_failed(1002, code, 1000, fence="none")


async def _is_answered(client: WebSocketVisitor, code: int) -> None:
    await client.accept()
    client.send(client.close_frame(code))
    await client.expect_close_of(code)
    await client.expect_nothing_behind_close()


async def _fails(client: WebSocketVisitor, code: int, reason: bytes, *codes: int) -> None:
    """A Close frame that is wrong fails the connection, and is not answered as if it were right."""
    await client.accept()
    client.send(client.close_frame(code, reason))
    close = await client.expect_failed(*codes, fence="none")
    # 1000 may be what the client closes with for whatever reason: NON_STRICT, as other codes.
    if close is not None and code != 1000 and close.payload[:2] == close_payload(code):
        wanted = f"the connection failed: Close {' or '.join(map(str, codes))}"
        raise Failure(
            wanted, f"it was answered as a right one: {close}", came=close, seen=Seen.OTHER
        )
