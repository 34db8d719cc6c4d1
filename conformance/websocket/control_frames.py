"""RFC 6455, section 5.5: control frames."""

from sockproof.conformance import Failure, Opcode, Target, case, client_frame, text_frame


@case("rfc6455-5.5.3-payload-same", over={"octets": (0, 1, 125)})
async def ping_is_answered_with_its_payload(target: Target, octets: int) -> None:
    peer = await target.connect()
    payload = b"p" * octets
    peer.send(client_frame(Opcode.PING, payload), client_frame(Opcode.PING, b"the next one"))
    await peer.expect(Opcode.PONG, payload)


@case("rfc6455-5.5.2-binary-payload")
async def ping_with_octets_that_are_no_text_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.PING, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"))
    await peer.expect(Opcode.PONG, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")


@case("rfc6455-5.5-payload-126", over={"kind": (Opcode.PING, Opcode.PONG, Opcode.CLOSE)})
async def control_frame_of_126_octets_fails_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    payload = (1000).to_bytes(2, "big") + b"l" * 124
    peer.send(client_frame(kind, payload))
    await peer.expect_failed(1002)


@case("rfc6455-5.5-unfragmented", over={"kind": (Opcode.PING, Opcode.PONG)})
async def fragmented_control_frame_fails_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(kind, b"first", fin=False),
        client_frame(Opcode.CONT, b"second"),
    )
    await peer.expect_failed(1002)


@case("rfc6455-5.5.3-unsolicited-pong")
async def unsolicited_pong_is_not_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.PONG, b"unasked"),
        client_frame(Opcode.PING, b"fence"),  # an answer to the PONG would come first
    )
    await peer.expect(Opcode.PONG, b"fence")


@case("rfc6455-5.5.2-answered")
async def many_pings_in_flight_are_answered_in_order_up_to_the_last(target: Target) -> None:
    """Of several Pings only the latest need be answered (5.5.3)."""
    peer = await target.connect()
    payloads = [b"many %d" % number for number in range(10)]
    peer.send(*(client_frame(Opcode.PING, each) for each in payloads))
    left = list(payloads)
    while left:
        got = await peer.expect(Opcode.PONG)
        if got.payload not in left:
            raise Failure(f"a PONG to one of {left}", str(got))
        left = left[left.index(got.payload) + 1 :]


@case("rfc6455-5.4-control-in-between", needs="echo")
async def ping_inside_a_fragmented_message_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"one ", fin=False), client_frame(Opcode.PING, b"inside"))
    peer.send(client_frame(Opcode.CONT, b"message"), client_frame(Opcode.PING, b"behind"))
    got = [await peer.receive() for _ in range(2)]
    pongs = [each.payload for each in got if each.opcode == Opcode.PONG]
    if pongs[:1] != [b"inside"]:
        raise Failure("PONG 'inside'", ", ".join(map(str, got)))
    if not any(each.opcode == Opcode.TEXT for each in got):
        got.append(await peer.receive())
    if not any(each.payload == b"one message" for each in got):
        raise Failure("TEXT 'one message'", ", ".join(map(str, got)))


@case("rfc6455-5.4-control-in-between", needs="echo")
async def pong_inside_a_fragmented_message_leaves_it_whole(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"still ", fin=False),
        client_frame(Opcode.PONG, b"heartbeat"),
        client_frame(Opcode.CONT, b"one message"),
    )
    await peer.expect_message("still one message")


@case("rfc6455-5.5.2-answered", needs="echo")
async def ping_between_messages_disturbs_neither(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes("before")
    peer.send(client_frame(Opcode.PING, b"between"))
    await peer.expect(Opcode.PONG, b"between")
    peer.send(text_frame("after"))
    await peer.expect_message("after")
