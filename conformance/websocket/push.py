"""RFC 6455, sections 5.1 and 6.1: a server sends when it likes, and sends whole messages."""

from sockproof.conformance import Failure, Opcode, Target, WebSocketPeer, case, client_frame


async def pushed(peer: WebSocketPeer, number: int, size: int) -> None:
    """The next message is the one of this number; what fills it up is the server's own."""
    start = number.to_bytes(8, "big")[:size]
    wanted = f"BINARY of {size} octets that begins with {start.hex(' ')}"
    with peer.context.awaits(wanted):
        got = await peer.expect(Opcode.BINARY)
        while len(got.payload) != size:  # the application's own talk
            got = await peer.expect(Opcode.BINARY)
    if not got.payload.startswith(start):
        raise Failure(wanted, got)


@case(
    "rfc6455-6.1-fin",
    needs={"push", "echo"},
    over={"size": (8, 125, 126, 127, 65535, 65536)},
    deflated=True,
)
async def pushed_messages_arrive_whole_and_in_order(target: Target, size: int) -> None:
    peer = await target.connect(f"/push?count=5&size={size}")
    for number in range(5):
        await pushed(peer, number, size)
    await peer.echoes()


@case("rfc6455-6.1-fin", needs="push")
async def many_pushed_messages_arrive_whole_and_in_order(target: Target) -> None:
    peer = await target.connect("/push?count=1000&size=200")
    for number in range(1000):
        await pushed(peer, number, 200)
    await peer.fence()


@case("rfc6455-5.1-full-duplex", needs={"push"}, deflated=True)
async def server_sends_while_a_message_of_the_client_is_under_way(target: Target) -> None:
    peer = await target.connect("/push?count=3&size=1000")
    peer.send(client_frame(Opcode.TEXT, b"to be ", fin=False))
    for number in range(3):
        await pushed(peer, number, 1000)


@case("rfc6455-5.1-full-duplex", needs={"push", "echo"})
async def message_under_way_comes_back_behind_what_the_server_sent(target: Target) -> None:
    peer = await target.connect("/push?count=3&size=1000")
    peer.send(client_frame(Opcode.TEXT, b"to be ", fin=False))
    for number in range(3):
        await pushed(peer, number, 1000)
    peer.send(client_frame(Opcode.CONT, b"continued"))
    await peer.expect_message("to be continued")


@case("rfc6455-5.1-data-any-time")
async def server_sends_messages_unasked_or_none(target: Target) -> None:
    peer = await target.connect("/push?count=1&size=8" if target.supports("push") else None)
    peer.send(client_frame(Opcode.PING, b"what came before this?"))
    messages = 0
    with target.awaits("PONG 'what came before this?', messages before it or not"):
        while (await peer.receive()).opcode != Opcode.PONG:
            messages += 1
    target.report("messages that came unasked", str(messages))
