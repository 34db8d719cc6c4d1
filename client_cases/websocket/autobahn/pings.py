"""Autobahn|Testsuite, section 2: Pings and Pongs."""

from sockproof.clients import Failure, Frame, Opcode, WebSocketVisitor, case

PINGS = {
    "2.1": b"",
    "2.2": b"Hello, world!",
    "2.3": b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff",
    "2.4": b"\xfe" * 125,
    "2.6": b"\xfe" * 125,
}
UNASKED = b"unsolicited pong payload"
MANY = [b"payload-%d" % number for number in range(10)]


@case(
    "client-rfc6455-5.5.3-same-payload",
    over={"number": tuple(PINGS)},
    autobahn={number: [number] for number in PINGS},
)
async def ping_is_answered_with_its_payload(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    await client.flush()
    ping = client.frame(Opcode.PING, PINGS[number])
    if number == "2.6":
        await client.send_pieces(ping, size=1)
    else:
        client.send(ping)
    await client.expect_pong(PINGS[number])


@case("client-rfc6455-5.5-payload-126", autobahn=["2.5"])
async def ping_of_126_octets_fails_the_connection(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(client.frame(Opcode.PING, b"\xfe" * 126))
    await client.expect_failed(1002)


@case(
    "client-rfc6455-5.5.3-unsolicited",
    over={"number": ("2.7", "2.8")},
    autobahn={"2.7": ["2.7"], "2.8": ["2.8"]},
)
async def unasked_pong_before_a_close_is_ignored(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    payload = b"" if number == "2.7" else UNASKED
    client.send(client.frame(Opcode.PONG, payload), client.close_frame(1000))
    await client.expect_close_of(1000)


@case("client-rfc6455-5.5.3-unsolicited", autobahn=["2.9"])
async def unasked_pong_before_a_ping_is_ignored(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(
        client.frame(Opcode.PONG, UNASKED),
        client.frame(Opcode.PING, b"ping payload"),
    )
    await client.expect(Opcode.PONG, b"ping payload")


@case(
    "client-rfc6455-5.5.2-answered",
    over={"number": ("2.10", "2.11")},
    autobahn={"2.10": ["2.10"], "2.11": ["2.11"]},
)
async def ten_pings_are_answered_in_order(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    await client.flush()
    pings = [client.frame(Opcode.PING, payload) for payload in MANY]
    if number == "2.11":
        await client.send_pieces(*pings, size=1)
    else:
        client.send(*pings)
    await _expect_pongs(client)


async def _expect_pongs(client: WebSocketVisitor) -> None:
    """Pongs come in the order of the Pings; only the last need be among them (5.5.3)."""
    left = list(MANY)
    with client.context.awaits(f"{Frame(Opcode.PONG, MANY[-1])} behind others of the ten"):
        while left:
            got = await client.receive_answer()
            if got.opcode != Opcode.PONG or got.payload not in left:
                raise Failure(f"a Pong with one of {len(left)} payloads, in order", got)
            del left[: left.index(got.payload) + 1]
