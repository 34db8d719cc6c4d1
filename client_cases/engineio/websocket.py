"""Engine.IO protocol, sections "WebSocket" and "Packet encoding": one packet, one message."""

from sockproof.clients import Failure, Frame, Opcode, case

SEPARATED = "/sep\x1earate"
OCTETS = (0, 1, 125, 126, 65536)


@case("client-eio-websocket-only")
async def client_of_websocket_alone_makes_no_other_request(client):
    client.setup("websocket")
    session = await client.settled()
    for _ in range(3):
        await session.fence()
    for visit in client.visits:
        if not visit.is_upgrade:
            raise Failure("no long-polling", visit.request)


@case("client-eio-websocket-one", over={"transport": ("websocket", "upgrade")})
async def session_has_one_websocket(client, transport):
    client.setup(transport)
    session = await client.settled()
    for _ in range(3):
        await session.fence()
    upgrades = [visit.request for visit in client.visits if visit.is_upgrade]
    if len(upgrades) != 1:
        raise Failure("one WebSocket of the session", f"{len(upgrades)} of them")


@case("client-eio-websocket-packet-each")
async def each_packet_is_a_message(client):
    client.setup("websocket")
    session = await client.settled()
    for number in range(10):
        session.emit("message", number, bytes([number]))
    await session.expect_events(
        *(["message-back", number, bytes([number])] for number in range(10))
    )
    await session.fence()


@case("client-eio-websocket-separator")
async def separator_of_long_polling_is_part_of_a_message(client):
    client.setup("websocket", namespaces=["/", SEPARATED])
    session = await client.settled(judged=True)
    await client.until("two reports of connect", lambda: client.count("connect") == 2)
    await session.fence(SEPARATED)
    await session.fence()


@case("client-eio-websocket-binary-sent", over={"octets": OCTETS})
async def octets_leave_as_a_binary_message(client, octets):
    client.setup("websocket")
    session = await client.settled()
    data = bytes(number % 256 for number in range(octets))
    if octets > 256:  # too long for an operation
        session.emit("message", data)
        await session.expect_event("message-back", data)
    else:
        session.do("emit", event="octets", args=[data])
        await session.expect_event("octets", data)


@case("client-eio-websocket-binary-received", over={"octets": OCTETS})
async def binary_message_is_handled_as_octets(client, octets):
    client.setup("websocket")
    session = await client.settled()
    data = bytes(number % 256 for number in range(octets))
    session.emit("message", data)
    await client.seen("event", "/", name="message", args=[data])


@case("client-eio-message-websocket")
async def message_in_fragments_with_a_ping_between_is_one(client):
    client.setup("websocket")
    session = await client.settled()
    text = '42["message","é☃😀"]'.encode()
    session.engine.websocket.send_frames(
        Frame(Opcode.TEXT, text[:14], fin=False),
        Frame(Opcode.PING, b"between"),
        Frame(Opcode.CONT, text[14:16], fin=False),
        Frame(Opcode.CONT, b"", fin=False),
        Frame(Opcode.CONT, text[16:]),
    )
    await session.expect_event("message-back", "é☃😀")
