"""Engine.IO protocol, section "Packet encoding": what is in the bodies of long-polling."""

from sockproof.conformance import Failure, case, check_label, expect_post_refused, ordinary_post
from sockproof.wire.engineio import Packet, PacketType

NEEDS = {"polling", "message-echo"}
WORDS = [f"word {number}" for number in range(6)]


async def _bodies(peer, wanted):
    """The bodies of GETs, up to one that holds `wanted`."""
    bodies: list[bytes] = []
    while not bodies or wanted not in bodies[-1]:
        response = await peer.engine.poll()
        if response.status != 200:
            raise Failure("200 with packets", f"{response}: {response.body[:60]!r}", came=response)
        bodies.append(response.body)
    return bodies


@case("eio-polling-content-type-sent", needs={"polling"})
async def answer_with_packets_is_labelled_as_text(target):
    response = await target.engineio().exchange("GET", "EIO=4&transport=polling")
    check_label(target.context, response)


@case("eio-polling-utf8-received", needs=NEEDS)
async def body_of_a_post_is_read_as_utf_8(target):
    peer = await target.echo("polling")
    text = "é € ☃ 𝄞"
    await peer.say(text)
    await peer.hear(text)


@case("eio-polling-utf8-sent", needs=NEEDS)
async def body_of_an_answer_is_utf_8(target):
    peer = await target.echo("polling")
    await peer.say("é € ☃ 𝄞", "fence")
    for body in await _bodies(peer, b"fence"):
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Failure("UTF-8", f"{body[:60]!r}: {error}") from error


@case("eio-polling-several-received", needs=NEEDS)
async def packets_of_one_post_are_handled_one_by_one(target):
    peer = await target.echo("polling")
    await peer.say(*WORDS[:3])  # one POST
    await peer.hear(*WORDS[:3])


@case("eio-polling-several-sent", needs=NEEDS)
async def packets_that_wait_are_separated(target):
    peer = await target.echo("polling")
    await peer.say(*WORDS)
    await peer.engine.passes()  # by now all of them wait for the GET
    await peer.hear(*WORDS)


@case("eio-polling-separator-in-data", needs={"polling", "fixture"})
async def separator_in_data_arrives_unchanged(target):
    peer = await target.echo("polling")
    await peer.say("one\x1e4two")  # our JSON writes it as \u001e
    await peer.hear("one\x1e4two")


@case("eio-polling-empty-packet-sent", needs=NEEDS)
async def answer_holds_no_empty_packet(target):
    peer = await target.echo("polling")
    await peer.say(*WORDS)
    await peer.engine.passes()
    for body in await _bodies(peer, WORDS[-1].encode()):
        if b"" in body.split(b"\x1e"):
            raise Failure("no empty packet in an answer", repr(body[-80:]))


async def _refused_or_closed(target, body):
    """A POST with this body is refused or ends the session; taking it is NON_STRICT."""
    engine = await target.connect_engineio("polling")
    wanted = "the POST refused, or the session closed"
    with target.awaits(wanted):
        response = await engine.post(body)
    if response.status < 400:
        await engine.expect_closed(wanted, lenient=True)


@case(
    "eio-polling-empty-packet-received",
    needs={"polling", "slow-timers"},
    over={"where": ["beginning", "middle", "end"]},
    control=ordinary_post,
)
async def body_with_an_empty_packet_is_refused(target, where):
    bodies = {"beginning": b"\x1e3", "middle": b"3\x1e\x1e3", "end": b"3\x1e"}
    await _refused_or_closed(target, bodies[where])


@case("eio-polling-empty-body-received", needs={"polling", "slow-timers"}, control=ordinary_post)
async def empty_body_is_refused(target):
    await _refused_or_closed(target, b"")


@case("eio-polling-base64-sent", needs=NEEDS)
async def binary_data_of_an_answer_is_base64_behind_b(target):
    peer = await target.echo("polling")
    octets = b"sockproof" * 40
    await peer.say(octets)
    await peer.hear(octets)


@case("eio-polling-base64-alphabet-sent", needs=NEEDS)
async def base64_of_an_answer_has_the_standard_alphabet(target):
    peer = await target.echo("polling")
    octets = b"\xfb\xef\xbe\xff\xff\xff\xfe"  # its base64 is ++++////w (…), padded
    await peer.say(octets)
    await peer.hear(octets)


@case("eio-polling-base64-received", needs=NEEDS)
async def base64_of_a_post_is_read_as_binary_data(target):
    peer = await target.echo("polling")
    octets = b"ends with zeros\0\0"
    await peer.say(octets)
    await peer.hear(octets)


@case("eio-polling-base64-invalid", needs={*NEEDS, "slow-timers"}, control=ordinary_post)
async def binary_packet_that_is_no_base64_is_refused(target):
    peer = await target.echo("polling")
    head = b"" if peer.socket is None else b'451-["message",{"_placeholder":true,"num":0}]\x1e'
    wanted = "the POST refused, or the session closed"
    with target.awaits(wanted):
        response = await peer.engine.post(head + b"b$$$")
        if response.status >= 400 or (await peer.engine.post(peer.body("fence"))).status >= 400:
            return
        came = await peer.heard_before("fence")
    if any(isinstance(each, bytes) or "message-back" in each for each in came):
        target.non_strict(wanted, f"it arrives as data: {came[0]!r}")


# What every packet is.


@case(
    "eio-packet-type-sent",
    needs="message-echo",
    over={"transport": ["polling", "websocket"]},
)
async def every_packet_of_the_server_has_a_type(target, transport):
    peer = await target.echo(transport)
    for start in range(0, 60, 10):
        await peer.say(*range(start, start + 10))
    await peer.hear(*range(60))


@case(
    "eio-packet-type-unknown-polling",
    needs={"polling"},
    over={"body": ["abc", "7", "-1"]},
    control=ordinary_post,
)
async def post_without_a_packet_type_is_refused(target, body):
    engine = await target.connect_engineio("polling")
    await expect_post_refused(engine, body.encode())


@case(
    "eio-packet-type-unknown-polling-closes",
    needs={"polling", "slow-timers"},
    control=ordinary_post,
)
async def post_without_a_packet_type_closes_the_session(target):
    engine = await target.connect_engineio("polling")
    await engine.post(b"abc")
    await engine.expect_closed(lenient=True)


@case("eio-packet-open-received", needs={"websocket"}, control=ordinary_post)
async def open_packet_of_a_client_is_ignored_or_closes_the_session(target):
    engine = await target.connect_engineio("websocket")
    await engine.send(Packet(PacketType.OPEN))
    await engine.passes()


@case("eio-message-polling", needs=NEEDS, over={"text": ["controls", "long"]})
async def message_over_long_polling_arrives_unchanged(target, text):
    peer = await target.echo("polling")
    value = "".join(map(chr, range(32))) + '"\\/\x7f' if text == "controls" else "long " * 20_000
    if peer.socket is None:
        value = value.replace("\x1e", "")  # in a body it separates packets, unless JSON escapes it
    await peer.say(value)
    await peer.hear(value)


@case("eio-message-polling", needs=NEEDS)
async def many_messages_over_long_polling_keep_their_order(target):
    peer = await target.echo("polling")
    for start in range(0, 100, 10):
        await peer.say(*range(start, start + 10))
    await peer.hear(*range(100))
    await peer.quiet()
