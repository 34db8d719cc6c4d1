"""RFC 6455 from the server's side: an ordinary exchange, and two offences."""

from sockproof.clients import Opcode, WebSocketVisitor, accept_value, case, server_frame


@case("client-rfc6455-6.2-parsed-as-frames")
async def text_comes_back_as_it_was_sent(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("Hellö wörld")
    await client.close_handshake()


@case("client-rfc6455-4.1-accept-checked")
async def wrong_accept_value_fails_the_handshake(client: WebSocketVisitor) -> None:
    response = client.right_response().having("Sec-WebSocket-Accept", accept_value("another key"))
    await client.answer(response)
    await client.expect_no_connection()


@case("client-rfc6455-5.1-masked-received", over={"opcode": (Opcode.TEXT, Opcode.PING)})
async def masked_frame_fails_the_connection(client: WebSocketVisitor, opcode: Opcode) -> None:
    await client.accept()
    await client.echoed("an ordinary message")
    client.send(server_frame(opcode, b"masked", mask=b"\x01\x02\x03\x04"))
    await client.expect_failed(1002)
