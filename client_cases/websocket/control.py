"""RFC 6455, section 5.5: Pings and Pongs beside messages."""

from sockproof.clients import Frame, Opcode, WebSocketVisitor, case, expect_refused_close

PAYLOADS = {
    "octets of every value": bytes(range(125)),
    "not UTF-8": b"\xff\xfe\xc3",
    "zeros": bytes(4),
    "like a Close": b"\x03\xe8",
}


@case("client-rfc6455-5.5.3-same-payload", over={"payload": list(PAYLOADS)})
async def pong_has_the_payload_of_the_ping(client: WebSocketVisitor, payload: str) -> None:
    await client.accept()
    client.send(client.frame(Opcode.PING, PAYLOADS[payload]))
    await client.expect(Opcode.PONG, PAYLOADS[payload])


@case("client-rfc6455-5.5.2-answered")
async def ping_behind_a_message_is_answered(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(client.frame(Opcode.TEXT, b"a message"), client.frame(Opcode.PING, b"and a ping"))
    await client.expect_all(Frame(Opcode.TEXT, b"a message"), Frame(Opcode.PONG, b"and a ping"))


@case("client-rfc6455-5.5.3-latest")
async def latest_of_several_pings_is_answered(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(*(client.frame(Opcode.PING, b"%d" % number) for number in range(20)))
    while (await client.expect(Opcode.PONG)).payload != b"19":
        pass


@case("client-rfc6455-5.5.3-unsolicited", over={"payload": (b"", b"unasked", bytes(125))})
async def unsolicited_pong_is_let_be(client: WebSocketVisitor, payload: bytes) -> None:
    await client.accept()
    client.send(client.frame(Opcode.PONG, payload))
    await client.echoed("still here")


@case("client-rfc6455-5.4-control-in-between", over={"opcode": (Opcode.TEXT, Opcode.BINARY)})
async def ping_between_fragments_is_answered_before_the_message_ends(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await client.accept()
    client.send(client.frame(opcode, b"one, ", fin=False), client.frame(Opcode.PING, b"between"))
    await client.expect(Opcode.PONG, b"between")
    client.send(
        client.frame(Opcode.CONT, b"two, ", fin=False),
        client.frame(Opcode.PONG, b"unasked"),
        client.frame(Opcode.CONT, b"three"),
    )
    await client.expect(opcode, b"one, two, three")


@case("client-rfc6455-5.6-text-split", over={"cut": (1, 2, 3)})
async def ping_inside_a_character_leaves_it_whole(client: WebSocketVisitor, cut: int) -> None:
    await client.accept()
    octets = "\U0001f600".encode()
    client.send(
        client.frame(Opcode.TEXT, octets[:cut], fin=False),
        client.frame(Opcode.PING, b"between"),
        client.frame(Opcode.CONT, octets[cut:]),
    )
    await client.expect_all(Frame(Opcode.PONG, b"between"), Frame(Opcode.TEXT, octets))


@case("client-rfc6455-5.5-payload-125", over={"opcode": (Opcode.PING, Opcode.PONG)})
async def control_frame_of_125_octets_is_handled(client: WebSocketVisitor, opcode: Opcode) -> None:
    await client.accept()
    client.send(client.frame(opcode, b"p" * 125))
    if opcode == Opcode.PING:
        await client.expect(Opcode.PONG, b"p" * 125)
    await client.echoed("still here")


@case("client-rfc6455-5.5-unfragmented-sent")
async def control_frames_of_the_client_are_whole(client: WebSocketVisitor) -> None:
    await client.accept()
    for octets in (0, 1, 64, 125):
        client.send(client.frame(Opcode.PING, b"q" * octets))
        await client.expect(Opcode.PONG, b"q" * octets)
    await client.close_handshake(1000, "a reason " * 13)


@case("client-rfc6455-5.5-payload-sent", over={"octets": (100, 123)})
async def answer_to_a_long_reason_is_no_longer_than_a_control_frame(
    client: WebSocketVisitor, octets: int
) -> None:
    await client.accept()
    await client.close_handshake(1000, "r" * octets)


@case("client-rfc6455-5.5-payload-126")
async def pong_of_126_octets_fails_the_connection(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    client.send(client.frame(Opcode.PONG, b"s" * 126))
    await client.expect_failed(1002)


@case("client-rfc6455-5.5-payload-126")
async def close_frame_of_126_octets_is_not_answered_like_another(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    client.send(client.close_frame(4321, "s" * 124))
    await expect_refused_close(client, 4321, 1002)


@case("client-rfc6455-5.5-unfragmented", over={"rest": ("comes", "lacks")})
async def fragmented_pong_fails_the_connection(client: WebSocketVisitor, rest: str) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    client.send(client.frame(Opcode.PONG, b"o", fin=False))
    if rest == "comes":
        client.send(client.frame(Opcode.CONT, b"ne"))
    await client.expect_failed(1002)


@case("client-rfc6455-5.5-unfragmented")
async def fragmented_close_frame_is_not_answered_like_another(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    first = client.frame(Opcode.CLOSE, client.close_frame(4321).payload, fin=False)
    client.send(first, client.frame(Opcode.CONT, b"rest"))
    await expect_refused_close(client, 4321, 1002)
