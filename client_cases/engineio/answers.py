"""Engine.IO protocol, section "HTTP long-polling": answers in whatever form HTTP gives them."""

import gzip

from sockproof.clients import Unsupported, case

PACKETS = '42["message","é☃😀"]\x1e42["message","next"]'.encode()
OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = b"Content-Type: text/plain; charset=UTF-8\r\n"


def with_length(head, body):
    """An answer with these fields and its length."""
    return OK + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def in_chunks(body, size):
    """The body in chunks of this size, which cut characters in two."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return OK + PLAIN + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


FORMS = {
    "no-content-type": with_length(b"", PACKETS),
    "octet-stream": with_length(b"Content-Type: application/octet-stream\r\n", PACKETS),
    "lower-case-fields": with_length(b"content-type: text/plain; charset=utf-8\r\n", PACKETS),
    "many-fields": with_length(PLAIN + b"".join(b"X-%d: y\r\n" % n for n in range(50)), PACKETS),
    "chunks": in_chunks(PACKETS, 7),
    "small-chunks": in_chunks(PACKETS, 1),
}


async def waiting(client):
    """A session over long-polling, and a GET of it."""
    client.setup("polling")
    session = await client.settled()
    return session, await session.engine.visit("poll")


async def handled(session):
    """What the answer held has been handled, and the client goes on."""
    session.engine.automatic("poll")
    await session.expect_echoes(["é☃😀", "next"])
    await session.fence()


@case("client-eio-answer-plain")
async def answer_without_content_type_is_text(client):
    session, poll = await waiting(client)
    poll.answer_octets(poll.readable(FORMS["no-content-type"]), "an answer without Content-Type")
    await handled(session)


@case("client-eio-answer-http", over={"form": tuple(FORMS)[1:]})
async def answer_is_read_in_each_form_that_http_has(client, form):
    session, poll = await waiting(client)
    poll.answer_octets(poll.readable(FORMS[form]), f"an answer ({form})")
    await handled(session)


@case("client-eio-answer-http")
async def answer_in_small_segments_is_read(client):
    session, poll = await waiting(client)
    octets = poll.readable(with_length(PLAIN, PACKETS))
    await poll.answer_pieces(octets, 3, "an answer")
    await handled(session)


@case("client-eio-answer-http", over={"length": ("stated", "until-the-end")})
async def connection_may_be_closed_behind_each_answer(client, length):
    session, poll = await waiting(client)
    head = PLAIN + b"Connection: close\r\n"
    octets = with_length(head, PACKETS) if length == "stated" else OK + head + b"\r\n" + PACKETS
    poll.answer_octets(poll.readable(octets), "an answer, and FIN behind it", more=True)
    poll.end()
    await handled(session)


@case("client-eio-answer-http")
async def compressed_answer_is_read_where_the_client_accepts_it(client):
    session, poll = await waiting(client)
    if "gzip" not in ",".join(poll.request.tokens("Accept-Encoding")):
        raise Unsupported("a client that accepts gzip", poll.request.get("Accept-Encoding"))
    octets = with_length(PLAIN + b"Content-Encoding: gzip\r\n", gzip.compress(PACKETS))
    poll.answer_octets(poll.readable(octets), "an answer in gzip")
    await handled(session)
