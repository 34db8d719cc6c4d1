"""RFC 6455, section 10.4: what a client cannot hold is refused, and it survives."""

from sockproof.clients import (
    WAITS,
    Failure,
    Frame,
    Opcode,
    StreamClosed,
    WebSocketVisitor,
    case,
    expect_end_without,
)

MEBIBYTE = 1 << 20


@case("client-rfc6455-10.4-frame-limit", over={"bits": (40, 62)}, told=WAITS)
async def giant_length_is_refused_without_its_payload(client: WebSocketVisitor, bits: int) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    header = bytes([0x82, 127]) + (1 << bits).to_bytes(8, "big")
    told = f"a frame of 2 to the power {bits} octets, and 1000 of them"
    client.send_octets(header + bytes(1000), told, inside=True)
    if not await client.closes_within(1):
        client.context.non_strict("Close 1009 at once", "it awaits the payload")
    client.stream.end_writing()
    await expect_end_without(client, Opcode.TEXT, Opcode.BINARY)


@case("client-rfc6455-10.4-protects-itself", over={"mebibytes": (2, 8)}, limit=15)
async def big_message_is_sent_back_or_refused(client: WebSocketVisitor, mebibytes: int) -> None:
    await client.accept()
    payload = b"%8d" % 1 * (mebibytes * MEBIBYTE // 8)
    client.send(client.frame(Opcode.BINARY, payload))
    await sent_back_or_refused(client, Frame(Opcode.BINARY, payload))


async def sent_back_or_refused(client: WebSocketVisitor, echo: Frame) -> bool:
    """Whether the message comes back; else it is refused, by a Close frame or by ending TCP."""
    try:
        got = await client.receive_answer()
    except StreamClosed:
        return False
    if got.opcode == Opcode.CLOSE:
        return False
    if (got.opcode, got.payload) != (echo.opcode, echo.payload):
        raise Failure(str(echo), got)
    return True


@case("client-rfc6455-7.4.1-1009", limit=15)
async def message_that_is_too_big_is_refused_with_1009(client: WebSocketVisitor) -> None:
    await client.accept()
    payload = bytes(8 * MEBIBYTE)
    client.send(client.frame(Opcode.BINARY, payload))
    try:
        got = await client.receive_answer()
    except StreamClosed as closed:
        client.context.non_strict("CLOSE 1009", closed.how, came=closed)
        return
    if got.opcode == Opcode.CLOSE and got.payload[:2] != (1009).to_bytes(2, "big"):
        client.context.non_strict("CLOSE 1009", got)


@case("client-rfc6455-10.4-tiny-fragments", limit=15)
async def many_tiny_fragments_are_put_together_or_refused(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(client.frame(Opcode.TEXT, b"t", fin=False))
    client.send(*(client.frame(Opcode.CONT, b"u", fin=False) for _ in range(3000)))
    client.send(client.frame(Opcode.CONT, b"v"))
    await sent_back_or_refused(client, Frame(Opcode.TEXT, b"t" + b"u" * 3000 + b"v"))


@case("client-rfc6455-10.4-control-flood", over={"opcode": (Opcode.PING, Opcode.PONG)}, limit=15)
async def flood_of_control_frames_loses_no_message(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await client.accept()
    client.send(*(client.frame(opcode, b"%d" % number) for number in range(150)))
    client.send_text("behind the flood")
    while True:
        try:
            got = await client.receive_answer()
        except StreamClosed:
            return
        if got.opcode != Opcode.PONG:
            break
    if got.opcode != Opcode.CLOSE and got.payload != b"behind the flood":
        raise Failure("the message behind the flood", got)
