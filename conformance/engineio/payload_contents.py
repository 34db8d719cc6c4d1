"""Engine.IO protocol, section "Packet encoding": contents that a layer might take for its own."""

from sockproof.conformance import Failure, Unsupported, case, check_label, ordinary_post
from sockproof.wire.engineio import Packet, PacketType, encode_payload
from sockproof.wire.socketio import Packet as Event
from sockproof.wire.socketio import PacketType as EventType

NEEDS = {"polling", "fixture"}
TEXTS = {
    "urls": "%41 + %2B & a=b; ?#",
    "html": "<b>&amp; &lt; \"'</b>",
    "escapes": "\\n \\\\n \\u0041 \\x41 \\",
    "separators": "one\x1e4two\x1e",
    "marks": "\ufeffmark\ufeff and \u200b\u200d",
    "composed": "e\u0301 \u00e9 \u212b",
    "base64": "bAQID",
}


def _message(peer, *args):
    messages = peer.text(Event(EventType.EVENT, peer.namespace, ["message", *args]))
    return [Packet(PacketType.MESSAGE, each) for each in messages]


@case("eio-message-polling", needs=NEEDS, over={"text": list(TEXTS)})
async def text_that_means_something_below_arrives_unchanged(target, text):
    peer = await target.socketio("polling")
    await peer.emit("message", TEXTS[text])
    await peer.expect_event("message-back", TEXTS[text])


@case("eio-polling-post-no-content-type", needs=NEEDS)
async def body_without_a_content_type_is_read_as_utf_8(target):
    peer = await target.socketio("polling")
    body = encode_payload(_message(peer, "é € ☃ 𝄞"))
    response = await peer.engine.exchange("POST", peer.engine.session_query, body)
    if response.status != 200:
        raise Failure(
            "200 to a POST without Content-Type",
            f"{response}: {response.body[:60]!r}",
            came=response,
        )
    await peer.expect_event("message-back", "é € ☃ 𝄞")


@case("eio-polling-utf8-received", needs={*NEEDS, "slow-timers"}, control=ordinary_post)
async def body_that_is_no_utf_8_is_refused(target):
    peer = await target.socketio("polling")
    body = encode_payload(_message(peer, "broken ?")).replace(b"?", b"\xff")
    wanted = "the POST refused, or the session closed"
    with target.awaits(wanted):
        if (await peer.engine.post(body)).status >= 400:
            return
    for packet in await peer.aftermath(expected=wanted) or ():
        if packet.data[:1] == ["message-back"]:
            target.non_strict(wanted, f"it was corrected: {packet}")


@case("eio-polling-several-received", needs=NEEDS)
async def newline_between_the_parts_of_json_separates_nothing(target):
    peer = await target.socketio("polling")
    (packet,) = _message(peer, "on lines")
    body = encode_payload([packet]).replace(b'","', b'"\n,\r\n"')
    response = await peer.engine.post(body)
    if response.status != 200:
        raise Failure("200 to a POST with newlines in JSON", response)
    await peer.expect_event("message-back", "on lines")


# Many packets in one body. A server may limit their number, but says so.


async def _posted(peer, packets):
    response = await peer.engine.post(encode_payload(packets))
    if response.status >= 400:
        raise Unsupported(f"a server that takes {len(packets)} packets in a POST", str(response))


@case("eio-polling-several-received", needs=NEEDS, over={"number": [12, 60]})
async def every_packet_of_a_full_post_is_handled_once(target, number):
    peer = await target.socketio("polling")
    await _posted(peer, [each for n in range(number) for each in _message(peer, n)])
    for n in range(number):
        await peer.expect_event("message-back", n)
    await peer.quiet()


@case("eio-polling-several-received", needs=NEEDS)
async def equal_packets_of_a_post_are_handled_each(target):
    peer = await target.socketio("polling")
    await _posted(peer, [each for _ in range(4) for each in _message(peer, "the same")])
    for _ in range(4):
        await peer.expect_event("message-back", "the same")
    await peer.quiet()


@case("eio-polling-get-buffered", needs=NEEDS)
async def equal_packets_that_wait_are_sent_each(target):
    peer = await target.socketio("polling")
    for _ in range(4):
        await peer.emit("message", "the same")
    await peer.engine.passes()
    for _ in range(4):
        await peer.expect_event("message-back", "the same")
    await peer.quiet()


@case("eio-polling-get-buffered", needs=NEEDS)
async def text_and_binary_data_that_wait_keep_their_order(target):
    peer = await target.socketio("polling")
    for number in range(4):
        await peer.emit("message", number)
        await peer.emit("message", number, bytes([number]) * 4, b"")
    await peer.engine.passes()
    for number in range(4):
        await peer.expect_event("message-back", number)
        await peer.expect_event("message-back", number, bytes([number]) * 4, b"")


@case("eio-polling-get-cancelled", needs={*NEEDS, "slow-timers"})
async def binary_data_is_not_lost_with_a_get_that_its_client_gave_up(target):
    peer = await target.socketio("polling")
    get = await peer.engine.hold_get()
    get.stream.reset()
    await peer.engine.passes()
    if (await peer.engine.post(encode_payload(_message(peer, b"octets")))).status >= 400:
        return  # the session is closed, and the client knows
    await peer.emit("message", "fence")
    await peer.expect_event("message-back", b"octets")
    await peer.expect_event("message-back", "fence")


# What answers are labelled.


@case("eio-polling-content-type-sent", needs=NEEDS)
async def answer_with_a_message_is_labelled_as_text(target):
    peer = await target.socketio("polling")
    await peer.emit("message", "é € ☃ 𝄞", b"octets")
    with target.awaits("an answer with the message"):
        while True:
            response = await peer.engine.poll()
            check_label(target.context, response)
            if "message-back" in response.body.decode("utf-8", "replace"):
                return


@case("eio-polling-content-type-sent", needs={"upgrade"})
async def answer_that_an_upgrade_releases_is_labelled_as_text(target):
    engine = await target.connect_engineio("polling")
    get = await engine.hold_get()
    await engine.probed()
    check_label(target.context, await get.answer("the waiting GET answered"))
