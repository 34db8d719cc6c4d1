"""RFC 6455, sections 5.1 and 6.1: a server sends when it likes, and sends whole messages."""

from sockproof.conformance import Opcode, Target, case, client_frame


@case("rfc6455-6.1-fin", needs={"push", "echo"}, over={"size": (8, 126, 65536)})
async def pushed_messages_arrive_whole_and_in_order(target: Target, size: int) -> None:
    peer = await target.connect(f"/push?count=5&size={size}")
    for number in range(5):
        await peer.expect(Opcode.BINARY, number.to_bytes(8, "big").ljust(size, b"\0"))
    await peer.echoes()


@case("rfc6455-5.1-full-duplex", needs={"push"})
async def server_sends_while_a_message_of_the_client_is_under_way(target: Target) -> None:
    peer = await target.connect("/push?count=3&size=1000")
    peer.send(client_frame(Opcode.TEXT, b"to be ", fin=False))
    for number in range(3):
        await peer.expect(Opcode.BINARY, number.to_bytes(8, "big").ljust(1000, b"\0"))
