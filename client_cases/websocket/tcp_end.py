"""RFC 6455, sections 5.1 and 7.1.4: a server that stalls, drips, does not read, or vanishes."""

import asyncio

from sockproof.clients import WAITS, Opcode, WebSocketVisitor, case, expect_end_without

DATA = (Opcode.CONT, Opcode.TEXT, Opcode.BINARY)
STATES = ("idle", "in a frame", "in a header", "in a message", "behind a close frame")


async def brought_to(client: WebSocketVisitor, state: str) -> None:
    """The connection is open and in this state."""
    await client.accept()
    await client.echoed("an ordinary message")
    whole = client.frame(Opcode.TEXT, b"never to be finished").encode()
    if state == "in a frame":
        client.send_octets(whole[:-5], "a frame without its last 5 octets", inside=True)
    elif state == "in a header":
        client.send_octets(whole[:1], "the first octet of a frame", inside=True)
    elif state == "in a message":
        client.send(client.frame(Opcode.TEXT, b"never to be finished", fin=False))
    elif state == "behind a close frame":
        client.send(client.close_frame(1000))
    await client.flush()


@case("client-rfc6455-7.1.4-tcp-end", over={"state": STATES})
async def end_of_tcp_ends_the_connection(client: WebSocketVisitor, state: str) -> None:
    await brought_to(client, state)
    client.stream.end_writing()
    await expect_end_without(client, *DATA)


@case("client-rfc6455-7.1.4-tcp-reset", over={"state": STATES})
async def reset_of_tcp_is_survived(client: WebSocketVisitor, state: str) -> None:
    await brought_to(client, state)
    client.stream.reset()


@case("client-rfc6455-7.1.4-tcp-reset")
async def reset_while_the_client_sends_is_survived(client: WebSocketVisitor) -> None:
    await client.accept()
    client.stream.hold()
    client.send(*(client.frame(Opcode.BINARY, bytes(65_536)) for _ in range(16)))
    await client.flush()
    client.stream.reset()


@case("client-rfc6455-5.2-octet-by-octet", told=WAITS)
async def frame_that_stalls_in_its_middle_is_waited_for(client: WebSocketVisitor) -> None:
    await client.accept()
    octets = client.frame(Opcode.TEXT, b"first half, second half").encode()
    client.send_octets(octets[:13], "half of a message", inside=True)
    await client.flush()
    await asyncio.sleep(0.5)
    client.send_octets(octets[13:], "the other half of it")
    await client.expect_echo("first half, second half")


@case("client-rfc6455-5.2-octet-by-octet")
async def fragments_and_pings_may_drip(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.send_pieces(
        client.frame(Opcode.TEXT, b"drip, ", fin=False),
        client.frame(Opcode.PING, b"in between"),
        client.frame(Opcode.CONT, b"drop"),
        size=1,
    )
    await client.expect(Opcode.PONG, b"in between")
    await client.expect_echo("drip, drop")


@case("client-rfc6455-5.1-full-duplex", over={"kind": (Opcode.TEXT, Opcode.BINARY)}, limit=15)
async def nothing_is_lost_while_the_server_does_not_read(
    client: WebSocketVisitor, kind: Opcode
) -> None:
    await client.accept()
    client.stream.hold()
    messages = [b"%d " % number * 8000 for number in range(100, 300)]
    client.send(*(client.frame(kind, message) for message in messages))
    await asyncio.sleep(0.2)  # so that the client's answers fill what the kernel holds
    client.stream.release()
    for message in messages:
        await client.expect(kind, message)


@case("client-rfc6455-6.2-next-message")
async def messages_in_one_segment_stay_apart_and_in_order(client: WebSocketVisitor) -> None:
    await client.accept()
    messages = [f"{number}" * (number % 5) for number in range(40)]
    for message in messages:
        client.send_text(message)
    for message in messages:
        await client.expect_echo(message)


@case("client-rfc6455-6.1-opcode")
async def text_and_binary_in_turn_keep_their_types(client: WebSocketVisitor) -> None:
    await client.accept()
    for number in range(6):
        await client.echoed(f"text {number}")
        await client.echoed(f"binary {number}".encode())
