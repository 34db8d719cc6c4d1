"""Engine.IO protocol, sections "Protocol" and "Message": what stands in packets."""

from sockproof.clients import TRANSPORTS, Failure, case
from sockproof.wire.engineio import Packet, PacketType

ONE_TRANSPORT = ("polling", "websocket")
TEXTS = (
    "",
    "é☃😀 \u2028\u2029",
    'quotes " and \\ and /',
    "\x00\x01\x1e\x7f",
    '42["message","not an event"]',
    "b" * 100_000,
)
UNKNOWN = {"7": "7", "9": "9x", "letter": "x", "sign": "-1", "digits-of-others": "\u0664x"}
MISPLACED = {
    "open": '0{"sid":"other","upgrades":[],"pingInterval":9000,"pingTimeout":9000}',
    "open-unreadable": "0{",
    "pong": "3",
    "pong-probe": "3probe",
    "upgrade": "5",
}


async def said(client, transport, text):
    """A session in which the server has sent this as a packet."""
    client.setup(transport)
    session = await client.settled()
    if transport == "polling":
        poll = await session.engine.visit("poll")
        poll.answer(200, text.encode())
        session.engine.automatic("poll")
    else:
        session.engine.websocket.send(text)
    return session


@case("client-eio-packet-type-sent", over={"transport": TRANSPORTS})
async def packets_begin_with_their_types(client, transport):
    client.setup(transport)
    session = await client.settled()
    session.engine.send(Packet(PacketType.PING))
    session.emit("message", "one", b"two")
    session.emit("message-with-ack", id=7)
    # A library may run both handlers in threads.
    answers = [await session.receive(), await session.receive()]
    found = {each.type.name.removeprefix("BINARY_"): each.data for each in answers}
    if found != {"EVENT": ["message-back", "one", b"two"], "ACK": []}:
        wanted = "'message-back' with its arguments, and the acknowledgement, in any order"
        raise Failure(wanted, " and ".join(map(str, answers)))
    await session.fence()


@case("client-eio-packet-type-unknown", over={"packet": tuple(UNKNOWN), "transport": ONE_TRANSPORT})
async def packet_of_no_type_leaves_no_deaf_client(client, packet, transport):
    session = await said(client, transport, UNKNOWN[packet])
    await session.goes_on("the packet ignored, or the session ended and that reported")


@case("client-eio-packet-type-unknown")
async def empty_message_leaves_no_deaf_client(client):
    session = await said(client, "websocket", "")
    await session.goes_on("the message ignored, or the session ended and that reported")


@case("client-eio-packet-misplaced", over={"packet": tuple(MISPLACED), "transport": ONE_TRANSPORT})
async def packet_out_of_place_leaves_no_deaf_client(client, packet, transport):
    session = await said(client, transport, MISPLACED[packet])
    await session.goes_on("the packet ignored, or the session ended and that reported")


@case("client-eio-noop", over={"transport": TRANSPORTS})
async def noop_changes_nothing(client, transport):
    client.setup(transport)
    session = await client.settled()
    for _ in range(3):
        session.engine.send(Packet(PacketType.NOOP))
        await session.fence()


@case("client-eio-message-polling", over={"text": range(len(TEXTS))})
async def payload_arrives_unchanged_over_long_polling(client, text):
    await _both_ways(client, "polling", TEXTS[text])


@case("client-eio-message-websocket", over={"text": range(len(TEXTS))})
async def payload_arrives_unchanged_on_a_websocket(client, text):
    await _both_ways(client, "websocket", TEXTS[text])


async def _both_ways(client, transport, text):
    client.setup(transport)
    session = await client.settled()
    session.emit("message", text)
    await session.expect_event("message-back", text)
    await client.seen("event", "/", name="message", args=[text])
