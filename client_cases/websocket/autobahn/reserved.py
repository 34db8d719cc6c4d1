"""Autobahn|Testsuite, sections 3 and 4: reserved bits and reserved opcodes.

What is complete before the bad frame may be answered, or come too late: both are right.
"""

from sockproof.clients import Frame, Opcode, WebSocketVisitor, case

HELLO, LONG = b"Hello, world!", b"reserved opcode payload"
BITS = {
    "3.1": (Opcode.TEXT, HELLO, 1),
    "3.2": (Opcode.TEXT, HELLO, 2),
    "3.3": (Opcode.TEXT, HELLO, 3),
    "3.4": (Opcode.TEXT, HELLO, 4),
    "3.5": (Opcode.BINARY, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 5),
    "3.6": (Opcode.BINARY, HELLO, 6),
    "3.7": (Opcode.CLOSE, b"", 7),
}
BEHIND_A_MESSAGE = ("3.2", "3.3", "3.4")
OPCODES = {
    "4.1.1": (3, b""),
    "4.1.2": (4, LONG),
    "4.1.3": (5, b""),
    "4.1.4": (6, HELLO),
    "4.1.5": (7, HELLO),
    "4.2.1": (11, b""),
    "4.2.2": (12, LONG),
    "4.2.3": (13, b""),
    "4.2.4": (14, HELLO),
    "4.2.5": (15, HELLO),
}
DATA = tuple(number for number in OPCODES if number.startswith("4.1"))
CONTROL = tuple(number for number in OPCODES if number.startswith("4.2"))


async def _fails(client: WebSocketVisitor, bad: Frame, *, how: str, behind: bool) -> None:
    """The bad frame, between a message and a Ping where it is `behind` one, fails it all."""
    await client.accept()
    await client.flush()
    frames = [bad]
    if behind:
        frames = [client.frame(Opcode.TEXT, HELLO), bad, client.frame(Opcode.PING)]
    if how == "chopped":
        await client.send_pieces(*frames, size=1)
    for frame in frames if how != "chopped" else ():
        client.send(frame)
        if how == "apart":
            await client.flush()
    after = HELLO.decode() if behind else None
    await client.expect_failed(1002, after=after, lossy=how != "together")


@case(
    "client-rfc6455-5.2-rsv-received",
    over={"number": tuple(BITS)},
    autobahn={number: [number] for number in BITS},
)
async def reserved_bit_fails_the_connection(client: WebSocketVisitor, number: str) -> None:
    opcode, payload, bits = BITS[number]
    how = {"3.3": "apart", "3.4": "chopped"}.get(number, "together")
    bad = client.frame(opcode, payload, rsv=bits)
    await _fails(client, bad, how=how, behind=number in BEHIND_A_MESSAGE)


@case(
    "client-rfc6455-5.2-opcode-data-unknown",
    over={"number": DATA},
    autobahn={number: [number] for number in DATA},
)
async def reserved_data_opcode_fails_the_connection(client: WebSocketVisitor, number: str) -> None:
    await _reserved(client, number)


@case(
    "client-rfc6455-5.2-opcode-control-unknown",
    over={"number": CONTROL},
    autobahn={number: [number] for number in CONTROL},
)
async def reserved_control_opcode_fails_the_connection(
    client: WebSocketVisitor, number: str
) -> None:
    await _reserved(client, number)


async def _reserved(client: WebSocketVisitor, number: str) -> None:
    opcode, payload = OPCODES[number]
    place = int(number[-1])
    how = "chopped" if place == 5 else "together"
    await _fails(client, client.frame(opcode, payload), how=how, behind=place > 2)
