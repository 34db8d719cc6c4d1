"""Engine.IO protocol, sections "Sending data" and "Receiving data": GET and POST over time."""

import asyncio
import contextlib
import itertools

from sockproof.conformance import Failure, Unsupported, beside_gets, case, ordinary_post
from sockproof.wire.engineio import PacketType
from sockproof.wire.http import Response

TEXT = "text/plain;charset=UTF-8"
GRACE = 1.0  # seconds for a GET to be answered when its session has ended
LARGEST = 16 * 1024 * 1024  # octets; a larger maxPayload is not exceeded by a case


@case("eio-polling-post-ok", needs={"polling", "message-echo"})
async def post_is_answered_with_200_and_ok(target):
    peer = await target.echo("polling")
    response = await peer.engine.post(peer.body("hello"))
    if (response.status, response.body) != (200, b"ok"):
        raise Failure(
            "200 and the body b'ok'",
            f"{response}, and the body {response.body[:60]!r}",
            came=response,
        )


@case("eio-polling-post-no-content-type", needs={"polling", "message-echo"})
async def body_without_a_content_type_is_read_as_text(target):
    peer = await target.echo("polling")
    response = await peer.engine.exchange("POST", peer.engine.session_query, peer.body("hello"))
    if response.status != 200:
        raise Failure(
            "200 to a POST without Content-Type",
            f"{response}: {response.body[:100]!r}",
            came=response,
        )
    await peer.hear("hello")


@case("eio-polling-post-octet-stream", needs={"polling", "message-echo"})
async def body_of_octets_is_accepted_or_refused(target):
    peer = await target.echo("polling")
    await peer.engine.post(peer.body("hello"), "application/octet-stream")


@case("eio-polling-get-held", needs={"polling", "message-echo"})
async def get_with_nothing_to_send_is_held_or_answered(target):
    peer = await target.echo("polling")
    get = await peer.engine.hold_get()
    await peer.say("hello")
    await get.answer("any answer to the GET")


@case("eio-polling-get-answered", needs={"polling", "message-echo"})
async def waiting_get_is_answered_as_soon_as_there_is_a_packet(target):
    peer = await target.echo("polling")
    get = await peer.engine.hold_get()
    await peer.say("hello")
    peer.engine.take(await get.answer("the GET answered with the packet"))
    await peer.hear("hello")


@case("eio-polling-get-buffered", needs={"polling", "message-echo"})
async def packets_that_wait_are_given_to_the_next_get(target):
    peer = await target.echo("polling")
    for word in ("one", "two"):
        await peer.say(word)
    await peer.engine.passes()
    packets = peer.engine.take(await peer.engine.poll())
    if PacketType.MESSAGE not in [packet.type for packet in packets]:
        got = ", ".join(map(str, packets))
        target.non_strict("the packets that wait in the answer to the next GET", got)
    for word in ("one", "two"):
        await peer.hear(word)


@case("eio-polling-get-cancelled", needs={"polling", "message-echo", "slow-timers"})
async def packet_is_not_lost_with_a_get_that_its_client_gave_up(target):
    peer = await target.echo("polling")
    get = await peer.engine.hold_get()
    get.stream.reset()
    await peer.engine.passes()
    if (await peer.engine.post(peer.body("hello"))).status >= 400:
        return  # the session is closed, and the client knows
    await peer.say("fence")
    await peer.hear("hello")


# Two requests at once.


ATTEMPTS = 5  # to have two GETs at once; the application may answer the first at any time


class TwoGets:
    """Two GETs of one session at once, and how a POST behind them is answered."""

    def __init__(self, peer, word):
        self.peer = peer
        self.word = word
        self.post: Response | None = None
        self.gets = []
        self.answers = []  # tasks, in the order of the GETs

    async def send(self):
        wanted = "an answer to one of two GETs"
        for _ in range(2):
            self.gets.append(await self.peer.engine.hold_get())
            self.answers.append(asyncio.ensure_future(self.gets[-1].answer(wanted)))
        self.post = await self.peer.engine.post(self.peer.body(self.word))
        await asyncio.wait(self.answers, return_when=asyncio.FIRST_COMPLETED)
        if self.post.status >= 400:  # the other one is answered as well, or it ends
            await asyncio.wait(self.answers, timeout=GRACE)
        await self.peer.engine.passes()

    def statuses(self):
        """Of the answers that have come."""
        return [got.status for got in self._come() if got is not None]

    def _come(self):
        return [each.result() if _is_answered(each) else None for each in self.answers]

    def met(self):
        """Whether the first GET was surely held when the second one came."""
        first, second = self._come()
        statuses = [*self.statuses(), *([self.post.status] if self.post else [])]
        if max(statuses, default=0) >= 400:
            return True
        heard_first = first is not None and self.word.encode() in first.body
        heard_second = second is not None and self.word.encode() in second.body
        return heard_first or (heard_second and first is None)

    async def give_up(self):
        for each in self.answers:
            each.cancel()
        await asyncio.gather(*self.answers, return_exceptions=True)


def _is_answered(task):
    return task.done() and not task.cancelled() and task.exception() is None


@contextlib.asynccontextmanager
async def _two_gets(target):
    """Two GETs that surely met; UNSUPPORTED where the server holds none for long enough."""
    for _ in range(ATTEMPTS):
        two = TwoGets(await target.echo("polling"), target.unique("fence"))
        await two.peer.quiet()  # nothing of ours is still to come
        try:
            await two.send()
            if two.met():
                yield two
                return
        finally:
            await two.give_up()
    raise Unsupported("a GET that is held until the next one comes", "each is answered before")


@case(
    "eio-polling-concurrent-get",
    needs={"polling", "message-echo", "slow-timers"},
    control=ordinary_post,
)
async def second_get_at_once_is_refused(target):
    async with _two_gets(target) as two:
        wanted, statuses = "400 to one of two GETs", two.statuses()
    got = " and ".join(map(str, statuses)) or "no answer, but the end of TCP"
    if max(statuses, default=400) < 400:
        raise Failure(wanted, got)
    if 400 not in statuses:
        target.non_strict(wanted, got)


@case(
    "eio-polling-concurrent-get-closes",
    needs={"polling", "message-echo", "slow-timers"},
    control=ordinary_post,
)
async def second_get_at_once_closes_the_session(target):
    async with _two_gets(target) as two:
        if two.post.status < 400:
            raise Failure(
                "the session closed by a second GET", f"a POST is answered with {two.post}"
            )


@case(
    "eio-polling-concurrent-get-first-ends",
    needs={"polling", "message-echo", "slow-timers"},
    control=ordinary_post,
)
async def first_of_two_gets_is_answered_too(target):
    async with _two_gets(target) as two:
        if two.post.status < 400:  # either GET may have taken the packet: one for the other
            await two.peer.engine.post(two.peer.body("fence"))
    if two.answers[0].cancelled():  # it is still awaited
        with contextlib.suppress(Failure):
            await two.gets[0].answer("an answer to the GET that waited")


async def _two_posts(target):
    """A POST while another is under way: the session, the slow one and its rest, the answer."""
    peer = await target.echo("polling")
    query = peer.engine.session_query
    octets = target.engineio_request("POST", query, peer.body("slow"), TEXT).encode()
    slow = await target.http()
    slow.send_octets(octets[:-3], "POST without the last three octets of its body")
    await slow.stream.flush()
    await peer.engine.passes()
    with target.awaits("an answer to a second POST"):
        answer = await peer.engine.post(peer.body("second"))
    return peer, slow, octets[-3:], answer


async def _handled_in_turn(target, peer, slow, rest, wanted, answer):
    """Whoever reads bodies first and handles them then has never had two at once."""
    target.non_strict(wanted, f"{answer} to the second POST", came=answer)
    slow.send_octets(rest, "the last three octets")
    await slow.answer("an answer to the first POST")
    await peer.hear("second")
    await peer.hear("slow")


@case(
    "eio-polling-concurrent-post",
    needs={"polling", "message-echo", "slow-timers"},
    control=ordinary_post,
)
async def second_post_at_once_is_refused(target):
    peer, slow, rest, answer = await _two_posts(target)
    if answer.status < 400:
        await _handled_in_turn(target, peer, slow, rest, "400 to a second POST", answer)
    elif answer.status != 400:
        target.non_strict("400 to a second POST", answer)


@case(
    "eio-polling-concurrent-post-closes",
    needs={"polling", "message-echo", "slow-timers"},
    control=ordinary_post,
)
async def second_post_at_once_closes_the_session(target):
    peer, slow, rest, answer = await _two_posts(target)
    wanted = "the session closed by a second POST"
    if answer.status < 400:
        await _handled_in_turn(target, peer, slow, rest, wanted, answer)
        return
    with contextlib.suppress(Failure):  # whether the first one is still answered is left open
        slow.send_octets(rest, "the last three octets")
        await slow.answer("an answer to the first POST, or its end")
    with target.awaits(wanted):
        after = await peer.engine.post(peer.body("fence"))
    if after.status < 400:
        raise Failure(wanted, f"a later POST is answered with {after}")


# How the body of a POST arrives.


@case("eio-polling-post-whole", needs={"polling", "message-echo"}, over={"octets": (1, 7, 100)})
async def body_in_pieces_is_read_to_its_end(target, octets):
    peer = await target.echo("polling")
    words = [f"word {number} " + "…" * 30 for number in range(3)]
    body = peer.body(*words)
    request = target.engineio_request("POST", peer.engine.session_query, body, TEXT).encode()
    begun = len(request) - len(body) + octets
    http = await target.http()
    http.send_octets(request[:begun], f"POST, {octets} octets of its body")
    await http.stream.flush()
    await peer.engine.passes()  # the server has had the time to read what there is
    http.send_octets(request[begun : begun + octets], f"the rest, in pieces of {octets}")
    for start in range(begun + octets, len(request), octets):
        await http.stream.flush()
        http.stream.write(request[start : start + octets])
    await http.stream.flush()
    await http.answer("an answer to the POST")
    for word in words:
        await peer.hear(word)


@case("eio-polling-post-whole", needs={"polling", "message-echo"})
async def body_that_is_slow_to_come_is_awaited(target):
    peer = await target.echo("polling")
    body = peer.body("slow to come")
    octets = target.engineio_request("POST", peer.engine.session_query, body, TEXT).encode()
    http = await target.http()
    cuts = (len(octets) - len(body), len(octets) - 9, len(octets) - 1, len(octets))
    for start, end in itertools.pairwise((0, *cuts)):
        http.send_octets(octets[start:end], f"POST, {len(octets) - end} octets are to follow")
        await http.stream.flush()
        await peer.engine.passes()  # the server has had the time to read what there is
    await http.answer("an answer to the POST")
    await peer.hear("slow to come")


# How large a POST may be.


@case("eio-polling-max-payload-accepted", needs={"polling", "message-echo"}, exclusive=True)
async def post_of_max_payload_octets_is_accepted(target):
    peer = await target.echo("polling")
    body = peer.body(peer.sized(_max_payload(peer)))
    response = await peer.engine.post(body)
    if response.status != 200:
        raise Failure(f"200 to a POST of {len(body)} octets", response)


@case("eio-polling-max-payload-exceeded", needs={"polling", "message-echo"}, control=ordinary_post)
async def post_of_more_than_max_payload_octets_is_refused(target):
    peer = await target.echo("polling")
    body = peer.body(peer.sized(_max_payload(peer) + 1))
    wanted = f"a POST of {len(body)} octets refused"
    http = await target.http()
    http.send(target.engineio_request("POST", peer.engine.session_query, body, TEXT))
    response = await beside_gets(peer.engine, http.response_or_end(wanted))
    if response is not None and response.status < 400:
        target.non_strict(wanted, response)


def _max_payload(peer):
    announced = peer.engine.handshake.max_payload
    if announced is None or announced > LARGEST:
        raise Unsupported(f"a maxPayload of at most {LARGEST}", f"maxPayload: {announced}")
    return announced
