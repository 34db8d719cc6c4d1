"""Engine.IO protocol, section "Packet encoding": long-polling's payloads."""

from sockproof.clients import case
from sockproof.wire.engineio import Packet, PacketType

SEVERAL = 12
FEW = 5  # packets in an answer, where their number is not what is judged
LIMIT = 2000
WORDS = {"ascii": "a" * 150, "two-octets": "é" * 75, "at-the-limit": "a" * 76}
OCTETS = {
    "none": b"",
    "1": b"\xff",
    "2": b"\x00\xfb",
    "3": b"\xfb\xff\xfe",
    "256": bytes(range(256)),
    "zeros": bytes(7),
}
UNREADABLE = {
    "not-utf8": b"4\xff\xfe",
    "base64-characters": b"b!!!!",
    "base64-cut": b"bAAA",
    "trailing-separator": b"6\x1e",
    "separator-alone": b"\x1e",
    "empty": b"",
}


async def backlog(client, session, words):
    """The client answers that many events while its POST waits, and may send no other."""
    session.emit("message", "first")
    post = await session.engine.visit("post")
    for number, word in enumerate(words):
        session.emit("message", word)
        if number % FEW == 0:
            await session.engine.sent()
    await client.until(
        "the events' reports", lambda: len(client.events("message")) == len(words) + 1
    )
    session.engine.take_post(post)
    session.engine.automatic("post")
    await session.expect_event("message-back", "first")


@case("client-eio-payload-sent")
async def what_has_gathered_is_posted_with_separators(client):
    client.setup("polling")
    session = await client.settled()
    words = [f"word {number:02}" for number in range(SEVERAL)]
    await backlog(client, session, words)
    await session.expect_echoes(words)


@case("client-eio-payload-received", over={"packets": (2, 12, 40)})
async def all_packets_of_one_answer_are_handled(client, packets):
    client.setup("polling")
    session = await client.settled()
    for number in range(packets):
        session.emit("message", number)
    await session.expect_echoes(range(packets))


@case("client-eio-payload-received")
async def packets_of_all_types_stand_in_one_answer(client):
    client.setup("polling")
    session = await client.settled()
    session.emit("message", 1)
    session.engine.send(Packet(PacketType.NOOP), Packet(PacketType.PING))
    session.emit("message", b"octets")
    session.engine.send(Packet(PacketType.NOOP))
    session.emit("message", 2)
    await session.expect_echoes([1, b"octets", 2])


@case("client-eio-payload-received")
async def packets_of_an_answer_in_many_octets_are_handled(client):
    client.setup("polling")
    session = await client.settled()
    words = [f"{number:02} " + "long" * 10_000 for number in range(SEVERAL)]
    for word in words:
        session.emit("message", word)
    await session.expect_echoes(words)


@case("client-eio-payload-base64-received", over={"octets": tuple(OCTETS)})
async def base64_in_an_answer_stands_for_octets(client, octets):
    client.setup("polling")
    session = await client.settled()
    data = OCTETS[octets]
    session.emit("message", data)
    await client.seen("event", "/", name="message", args=[data])


@case("client-eio-payload-base64-sent", over={"octets": tuple(OCTETS)})
async def octets_are_posted_as_base64(client, octets):
    client.setup("polling")
    session = await client.settled()
    data = OCTETS[octets]
    session.do("emit", event="octets", args=[data])
    await session.expect_event("octets", data)


@case("client-eio-payload-unreadable", over={"body": tuple(UNREADABLE)})
async def answer_that_cannot_be_read_leaves_no_deaf_client(client, body):
    client.setup("polling")
    session = await client.settled()
    poll = await session.engine.visit("poll")
    poll.answer(200, UNREADABLE[body])
    session.engine.automatic("poll")
    await session.goes_on("the answer ignored, or the session ended and that reported")


@case("client-eio-max-payload", over={"words": tuple(WORDS)})
async def posts_hold_no_more_packets_than_max_payload_allows(client, words):
    client.setup("polling")
    session = await client.settled(max_payload=LIMIT)
    several = [f"{number:02} {WORDS[words]}" for number in range(40)]
    await backlog(client, session, several)
    await session.expect_echoes(several)  # a POST too long is a Failure wherever it comes
