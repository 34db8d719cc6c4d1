"""HTTP/1.1 as it carries long-polling (RFC 9112): bodies in chunks, kept connections, Expect."""

from sockproof.conformance import (
    Failure,
    Unsupported,
    beside_gets,
    case,
    ordinary_post,
    ordinary_session,
)
from sockproof.wire.engineio import Packet, PacketType, encode_payload

TEXT = "text/plain;charset=UTF-8"
OPEN = "EIO=4&transport=polling"
NEEDS = {"polling", "fixture"}
WORDS = ["first é € ☃ 𝄞", "second " + "…" * 40]
FORMS = ["one", "octets", "several", "extension", "trailer"]


def _event(word):
    return encode_payload([Packet(PacketType.MESSAGE, f'2["message","{word}"]')])


def _post(target, peer, body):
    return target.engineio_request("POST", peer.engine.session_query, body, TEXT)


def _in_chunks(target, peer, chunks, extension=b"", trailer=b""):
    """A POST whose body comes in these chunks, as octets."""
    request = _post(target, peer, b"").without("Content-Length")
    parts = [b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks]
    head = request.adding("Transfer-Encoding", "chunked").encode()
    return head + b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


async def _answer_in_chunks(target, octets):
    """The answer to a POST in chunks; a server may have none of them, but says so."""
    http = await target.http()
    http.send_octets(octets, "a POST in chunks")
    response = await http.answer("an answer to a POST in chunks")
    if response.status in (400, 411, 501):
        raise Unsupported("a server that takes bodies in chunks", str(response))
    return response


def _measure(peer, octets):
    announced = peer.engine.handshake.max_payload
    if announced is not None and octets > announced:
        raise Unsupported(f"a server that takes {octets} octets", f"maxPayload: {announced}")


@case("eio-polling-post-whole", needs=NEEDS, over={"form": FORMS})
async def body_in_chunks_is_read_to_its_end(target, form):
    peer = await target.socketio("polling")
    body = b"\x1e".join(map(_event, WORDS))
    size = {"octets": 1, "several": 9}.get(form, len(body))
    octets = _in_chunks(
        target,
        peer,
        [body[start : start + size] for start in range(0, len(body), size)],
        b";sockproof=1" if form == "extension" else b"",
        b"X-Sockproof: 1\r\n" if form == "trailer" else b"",
    )
    response = await _answer_in_chunks(target, octets)
    if response.status != 200:
        raise Failure(
            "200 to a POST in chunks", f"{response}: {response.body[:60]!r}", came=response
        )
    for word in WORDS:
        await peer.expect_event("message-back", word)


@case("eio-polling-post-whole", needs=NEEDS)
async def long_chunk_is_read_to_its_end(target):
    peer = await target.socketio("polling")
    word = "long " * 14_000
    body = _event(word)
    _measure(peer, len(body))
    response = await _answer_in_chunks(target, _in_chunks(target, peer, [body[:100], body[100:]]))
    if response.status != 200:
        raise Failure(
            "200 to a POST in chunks", f"{response}: {response.body[:60]!r}", came=response
        )
    await peer.expect_event("message-back", word)


@case("eio-polling-empty-body-received", needs={"polling", "slow-timers"}, control=ordinary_post)
async def empty_body_in_chunks_is_refused(target):
    peer = await target.unconnected("polling")
    wanted = "the POST refused, or the session closed"
    http = await target.http()
    http.send_octets(_in_chunks(target, peer, []), "a POST in no chunks")
    response = await http.answer(wanted)
    if response.status < 400:
        await peer.engine.expect_closed(wanted, lenient=True)


def _filled(octets):
    """A POST's body of so many octets: an event that nobody handles."""
    head, tail = b'42["unheard","', b'"]'
    return head + b"x" * (octets - len(head) - len(tail)) + tail


def _max_payload(peer):
    announced = peer.engine.handshake.max_payload
    if announced is None or announced > 16 * 1024 * 1024:
        raise Unsupported("a maxPayload of at most 16 MiB", f"maxPayload: {announced}")
    return announced


@case("eio-polling-max-payload-accepted", needs=NEEDS, exclusive=True)
async def post_of_max_payload_octets_in_chunks_is_accepted(target):
    peer = await target.socketio("polling")
    body = _filled(_max_payload(peer))
    chunks = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    response = await _answer_in_chunks(target, _in_chunks(target, peer, chunks))
    if response.status != 200:
        raise Failure(f"200 to a POST of {len(body)} octets in chunks", response)


@case("eio-polling-max-payload-exceeded", needs=NEEDS, exclusive=True, control=ordinary_post)
async def post_of_more_than_max_payload_octets_in_chunks_is_refused(target):
    peer = await target.socketio("polling")
    body = _filled(2 * _max_payload(peer))
    chunks = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    http = await target.http()
    http.send_octets(_in_chunks(target, peer, chunks), f"a POST of {len(body)} octets in chunks")
    wanted = f"a POST of {len(body)} octets in chunks refused"
    response = await beside_gets(peer.engine, http.response_or_end(wanted))
    if response is not None and response.status < 400:
        target.non_strict(wanted, response)


@case("eio-polling-max-payload-exceeded", needs=NEEDS, exclusive=True, control=ordinary_post)
async def size_of_a_post_is_counted_in_octets(target):
    peer = await target.socketio("polling")
    body = '42["unheard","{}"]'.format("€" * (_max_payload(peer) // 2)).encode()
    http = await target.http()
    http.send(_post(target, peer, body))
    wanted = f"a POST of {len(body)} octets refused"
    response = await beside_gets(peer.engine, http.response_or_end(wanted))
    if response is not None and response.status < 400:
        target.non_strict(wanted, response)


@case("eio-polling-max-payload-accepted", needs=NEEDS, exclusive=True)
async def post_of_max_payload_octets_beyond_ascii_is_accepted(target):
    peer = await target.socketio("polling")
    room = _max_payload(peer) - len('42["unheard",""]')
    body = '42["unheard","{}"]'.format("€" * (room // 3) + "x" * (room % 3)).encode()
    response = await peer.engine.post(body)
    if response.status != 200:
        raise Failure(f"200 to a POST of {len(body)} octets", response)


@case("eio-polling-post-whole", needs=NEEDS)
async def body_that_the_server_is_asked_to_expect_is_read(target):
    peer = await target.socketio("polling")
    request = _post(target, peer, _event("expected")).adding("Expect", "100-continue")
    response = await (await target.http()).ask(request)
    if response.status == 417:
        raise Unsupported("a server that takes Expect: 100-continue", str(response))
    if response.status != 200:
        raise Failure("200 to a POST", f"{response}: {response.body[:60]!r}", came=response)
    await peer.expect_event("message-back", "expected")


# Several requests over one connection.


async def _ask(http, request, wanted):
    """The answer on a connection that was used before; a server may have closed it."""
    http.send(request)
    response = await http.response_or_end(wanted, body=True)
    if response is None:
        raise Unsupported("an HTTP connection that is kept", "the server ends it")
    return response


@case("eio-handshake-polling", needs={"polling"})
async def each_handshake_of_a_kept_connection_opens_a_session(target):
    http = await target.http()
    for _ in range(3):
        response = await _ask(http, target.engineio_request("GET", OPEN), "an OPEN packet")
        if response.status != 200 or response.body[:2] != b"0{":
            raise Failure(
                "200 with an OPEN packet", f"{response}: {response.body[:60]!r}", came=response
            )


@case("eio-handshake-sid-selects", needs=NEEDS)
async def requests_of_a_kept_connection_are_of_the_session_they_name(target):
    one, other = await target.socketio("polling"), await target.socketio("polling")
    http = await target.http()
    for peer, word in ((one, "for one"), (other, "for the other"), (one, "for one again")):
        response = await _ask(http, _post(target, peer, _event(word)), "an answer to a POST")
        if response.status != 200:
            raise Failure("200 to a POST", f"{response}: {response.body[:60]!r}", came=response)
    for peer in (one, other):
        request = target.engineio_request("GET", peer.engine.session_query)
        peer.engine.take(await _ask(http, request, "an answer to a GET"))
    await one.expect_event("message-back", "for one")
    await one.expect_event("message-back", "for one again")
    await other.expect_event("message-back", "for the other")


@case("eio-polling-post-whole", needs=NEEDS)
async def request_in_one_segment_with_the_one_before_is_answered(target):
    peer = await target.socketio("polling")
    http = await target.http()
    post = _post(target, peer, _event("first of two"))
    http.send(post)
    http.send(target.engineio_request("GET", OPEN))
    await http.response("an answer to the first of two requests")
    response = await http.response_or_end("an answer to the second of two requests", body=True)
    if response is not None and response.body[:2] != b"0{":
        raise Failure(
            "200 with an OPEN packet", f"{response}: {response.body[:60]!r}", came=response
        )
    await peer.expect_event("message-back", "first of two")


@case("eio-polling-post-unknown-sid", needs={"polling"}, control=ordinary_session)
async def body_of_a_refused_post_is_no_request(target):
    http = await target.http()
    inner = target.engineio_request("GET", OPEN).encode()
    nobody = f"{OPEN}&sid={target.unique('nobody')}"
    http.send(target.engineio_request("POST", nobody, inner, TEXT))
    await http.response("an answer to the POST")
    http.send(target.engineio_request("GET", "EIO=4&transport=abc"))
    wanted = "400 to the request behind a refused POST, or the end of the connection"
    response = await http.response_or_end(wanted, body=True)
    if response is not None and response.body[:2] == b"0{":
        raise Failure(wanted, f"{response}: {response.body[:60]!r}", came=response)
