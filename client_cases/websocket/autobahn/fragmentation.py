"""Autobahn|Testsuite, section 5: fragments."""

from sockproof.clients import Frame, Opcode, WebSocketVisitor, case

ALONE = b"non-continuation payload"
HELLO = b"Hello, world!"
WAYS = {"5.3": "together", "5.4": "apart", "5.5": "chopped"}
WITH_A_PING = {"5.6": "together", "5.7": "apart", "5.8": "chopped"}
CONTINUES_NOTHING = {
    "5.9": ("together", True),
    "5.10": ("apart", True),
    "5.11": ("chopped", True),
    "5.12": ("together", False),
    "5.13": ("apart", False),
    "5.14": ("chopped", False),
}
MIDWAY = {"5.16": False, "5.17": True}


def _fragment(client: WebSocketVisitor, number: int, first: bool, last: bool) -> Frame:
    return client.frame(Opcode.TEXT if first else Opcode.CONT, b"fragment%d" % number, fin=last)


async def _send(client: WebSocketVisitor, how: str, *frames: Frame) -> None:
    """Send frames together, apart (each in a TCP segment), or chopped octet by octet."""
    if how == "chopped":
        await client.send_pieces(*frames, size=1)
        return
    for frame in frames:
        client.send(frame)
        if how == "apart":
            await client.flush()


@case(
    "client-rfc6455-5.5-unfragmented",
    over={"opcode": (Opcode.PING, Opcode.PONG)},
    autobahn={"ping": ["5.1"], "pong": ["5.2"]},
)
async def fragmented_control_frame_fails_the_connection(
    client: WebSocketVisitor, opcode: Opcode
) -> None:
    await client.accept()
    client.send(
        client.frame(opcode, b"fragment1", fin=False), client.frame(Opcode.CONT, b"fragment2")
    )
    await client.expect_failed(1002)


@case(
    "client-rfc6455-5.4-fragmented-received",
    over={"number": tuple(WAYS)},
    autobahn={number: [number] for number in WAYS},
)
async def two_fragments_come_back_as_one_message(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    await client.flush()
    frames = (_fragment(client, 1, True, False), _fragment(client, 2, False, True))
    await _send(client, WAYS[number], *frames)
    await client.expect_echo("fragment1fragment2")
    await client.fence()


@case(
    "client-rfc6455-5.4-control-in-between",
    over={"number": tuple(WITH_A_PING)},
    autobahn={number: [number] for number in WITH_A_PING},
)
async def ping_between_fragments_is_answered(client: WebSocketVisitor, number: str) -> None:
    await client.accept()
    await client.flush()
    await _send(
        client,
        WITH_A_PING[number],
        _fragment(client, 1, True, False),
        client.frame(Opcode.PING, b"ping payload"),
        _fragment(client, 2, False, True),
    )
    await client.expect_all(
        Frame(Opcode.PONG, b"ping payload"), Frame(Opcode.TEXT, b"fragment1fragment2")
    )


@case(
    "client-rfc6455-5.4-continuation-alone",
    over={"number": tuple(CONTINUES_NOTHING)},
    autobahn={number: [number] for number in CONTINUES_NOTHING},
)
async def continuation_of_nothing_fails_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    how, last = CONTINUES_NOTHING[number]
    await client.accept()
    await client.flush()
    alone = client.frame(Opcode.CONT, ALONE, fin=last)
    await _send(client, how, alone, client.frame(Opcode.TEXT, HELLO))
    await client.expect_failed(1002, lossy=how != "together")


@case("client-rfc6455-5.4-continuation-alone", autobahn=["5.15"])
async def continuation_behind_a_whole_message_fails_the_connection(
    client: WebSocketVisitor,
) -> None:
    await client.accept()
    client.send(
        _fragment(client, 1, True, False),
        _fragment(client, 2, False, True),
        _fragment(client, 3, False, False),
        _fragment(client, 4, True, True),
    )
    await client.expect_failed(1002, after="fragment1fragment2")


@case(
    "client-rfc6455-5.4-continuation-alone",
    over={"number": tuple(MIDWAY)},
    autobahn={number: [number] for number in MIDWAY},
)
async def continuation_before_each_message_fails_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    await client.accept()
    for _ in range(2):
        client.send(
            _fragment(client, 1, False, MIDWAY[number]),
            _fragment(client, 2, True, False),
            _fragment(client, 3, False, True),
        )
    await client.expect_failed(1002)


@case("client-rfc6455-5.4-not-interleaved", autobahn=["5.18"])
async def message_inside_a_message_fails_the_connection(client: WebSocketVisitor) -> None:
    await client.accept()
    client.send(_fragment(client, 1, True, False), _fragment(client, 2, True, True))
    await client.expect_failed(1002)


@case(
    "client-rfc6455-5.4-control-in-between",
    over={"number": ("5.19", "5.20")},
    autobahn={"5.19": ["5.19"], "5.20": ["5.20"]},
)
async def pings_are_answered_while_a_message_is_incomplete(
    client: WebSocketVisitor, number: str
) -> None:
    how = "together" if number == "5.19" else "apart"
    await client.accept()
    await client.flush()
    first, second = (client.frame(Opcode.PING, b"pongme %d!" % count) for count in (1, 2))
    parts = [_fragment(client, count, count == 1, count == 5) for count in range(1, 6)]
    await _send(client, how, *parts[:2], first)
    await client.expect(Opcode.PONG, first.payload)
    await _send(client, how, *parts[2:4], second, parts[4])
    await client.expect_all(
        Frame(Opcode.PONG, second.payload),
        Frame(Opcode.TEXT, b"".join(part.payload for part in parts)),
    )
