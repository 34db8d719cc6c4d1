"""Engine.IO protocol, section "HTTP long-polling": the requests of a session."""

import asyncio

from sockproof.clients import Failure, case
from sockproof.wire.engineio import Packet, PacketType

UNKNOWN = b'{"code":1,"message":"Session ID unknown"}'
ANSWERS = {"noop": b"6", "ping": b"2", "several": b"6\x1e2\x1e6"}
ROUNDS = 5
SMALL = 60  # octets of maxPayload, so that what has gathered takes several POSTs
BETWEEN = 0.05  # seconds from one answer to a GET to the next


@case("client-eio-polling-only")
async def client_of_long_polling_alone_opens_no_websocket(client):
    client.setup("polling")
    session = await client.settled(upgrades=("websocket",))
    for _ in range(ROUNDS):
        await session.fence()
    for visit in client.visits:
        if visit.is_upgrade:
            raise Failure("no WebSocket", visit.request)


async def told(client, events):
    """The application has been told of so many events `message`."""
    await client.until("the events' reports", lambda: len(client.events("message")) >= events)


@case("client-eio-polling-one-post")
async def one_post_is_under_way_at_a_time(client):
    client.setup("polling")
    session = await client.settled(max_payload=SMALL)
    session.engine.weighs = False
    session.emit("message", 0)
    for batch in (1, 2):  # the second POST holds what has gathered while the first waited
        post = await session.engine.visit("post")
        for number in range((batch - 1) * ROUNDS + 1, batch * ROUNDS + 1):
            session.emit("message", number)
            await told(client, number + 1)
        session.engine.expect_no("post", "no second POST while one waits")
        session.engine.take_post(post)
    session.engine.automatic("post")
    await session.expect_echoes(range(2 * ROUNDS + 1))
    await session.fence()


@case("client-eio-polling-one-get")
async def one_get_is_under_way_at_a_time(client):
    client.setup("polling")
    session = await client.settled()
    for _ in range(ROUNDS):  # a second GET of the client is a Failure wherever it comes
        await session.fence()
    session.do("emit", event="first", args=[])
    session.do("emit", event="second", args=[])
    await session.expect_events(["first"], ["second"])
    await session.fence()


@case("client-eio-polling-again", over={"answer": tuple(ANSWERS)})
async def answered_get_is_followed_by_the_next(client, answer):
    client.setup("polling")
    session = await client.settled()
    for _ in range(ROUNDS):
        poll = await session.engine.visit("poll")
        poll.answer(200, ANSWERS[answer])
    await session.engine.visit("poll")


@case("client-eio-polling-held", limit=5)  # waits for a second
async def get_is_waited_for_while_the_server_has_nothing_to_say(client):
    client.setup("polling")
    session = await client.settled()
    poll = await session.engine.visit("poll")
    await asyncio.sleep(1)
    if poll.has_gone:
        raise Failure("a GET that waits", "the client ended its connection")
    poll.answer(200, b'42["message","late"]')
    session.engine.automatic("poll")
    await session.expect_event("message-back", "late")


@case("client-eio-polling-post-while-get")
async def post_is_made_while_a_get_waits(client):
    client.setup("polling")
    session = await client.settled()
    engine = session.engine
    session.emit("message", "one")
    post = await engine.visit("post")
    await engine.until("a GET that waits while a POST is under way", lambda: engine.is_polled)
    session.emit("message", "two")
    await engine.until("the next GET, the POST unanswered", lambda: engine.is_polled)
    engine.take_post(post)
    engine.automatic("post")
    await session.expect_echoes(["one", "two"])


@case("client-eio-polling-get-refused", over={"status": (400, 404, 500, 502)})
async def refused_get_ends_the_session(client, status):
    client.setup("polling")
    session = await client.settled()
    poll = await session.engine.visit("poll")
    session.engine.forget()
    poll.answer(status, UNKNOWN)
    await client.seen("disconnect", "/")


@case("client-eio-polling-post-refused", over={"status": (400, 500)})
async def refused_post_ends_the_session(client, status):
    client.setup("polling")
    session = await client.settled()
    session.emit("message", "refused")
    post = await session.engine.visit("post")
    post.answer(status, UNKNOWN)
    with client.context.awaits("a report of the end"):
        while not client.count("disconnect", "/"):  # it may be noticed with the next GET
            if session.engine.is_polled:
                session.engine.send(Packet(PacketType.NOOP))
            await asyncio.sleep(BETWEEN)


@case("client-eio-polling-post-refused")
async def post_whose_answer_is_lost_is_not_repeated(client):
    client.setup("polling")
    session = await client.settled()
    session.emit("message", "lost")
    post = await session.engine.visit("post")
    post.end()
    with client.context.awaits("a report of the end, or another attempt"):
        while not client.count("disconnect", "/") and not session.engine.holds("post"):
            if session.engine.is_polled:
                session.engine.send(Packet(PacketType.NOOP))
            await asyncio.sleep(BETWEEN)
    if session.engine.holds("post") and (await session.engine.visit("post")).body == post.body:
        # HTTP forbids to repeat a POST, and browsers do so on a connection that they used before.
        client.context.non_strict("no second attempt of a POST", post.request)


@case("client-eio-polling-post-answer", over={"body": ("empty", "packets")})
async def answer_to_a_post_holds_no_packets_for_the_client(client, body):
    client.setup("polling")
    session = await client.settled()
    session.emit("message", "one")
    post = await session.engine.visit("post")
    session.engine.take_packets(post)
    post.answer(200, b"" if body == "empty" else b'42["message","not an event"]')
    session.engine.automatic("post")
    await session.expect_event("message-back", "one")
    await session.fence()
