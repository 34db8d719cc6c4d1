"""RFC 6455, section 5.5: control frames."""

import time
from collections import Counter

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    Target,
    WebSocketPeer,
    case,
    client_frame,
    close_frame,
    ordinary_close,
    ordinary_fragments,
    ordinary_frame,
    text_frame,
)

HOW = ("segment", "segments", "octets")
BOTH = (Opcode.TEXT, Opcode.BINARY)
HEARTBEATS = (Opcode.PING, Opcode.PONG)
PINGS = {"empty": b"", "no-text": b"\x00\xff\xfe", "longest": bytes(range(125))}
TEN = [b"payload-%d" % number for number in range(10)]


@case(
    "rfc6455-5.5.3-payload-same",
    over={"octets": (0, 1, 13, 124, 125)},
    autobahn={"0": ["2.1"], "13": ["2.2"], "125": ["2.4"]},
    deflated=True,
)
async def ping_is_answered_with_its_payload(target: Target, octets: int) -> None:
    peer = await target.connect()
    payload = b"Hello, world! " * 9
    peer.send(client_frame(Opcode.PING, payload[:octets]))
    await peer.expect_pong(payload[:octets])


@case("rfc6455-5.5.2-binary-payload", autobahn=["2.3"])
async def ping_with_octets_that_are_no_text_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.PING, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"))
    await peer.expect(Opcode.PONG, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")


@case("rfc6455-5.5.3-payload-same", autobahn=["2.6"])
async def ping_octet_by_octet_is_answered_with_its_payload(target: Target) -> None:
    peer = await target.connect()
    payload = bytes(range(125, 250))
    await peer.send_pieces(client_frame(Opcode.PING, payload))
    await peer.expect_pong(payload)


@case("rfc6455-5.5.2-answered")
async def ping_is_answered_once(target: Target) -> None:
    """A second Pong with its payload may be a heartbeat (5.5.3), but not behind each of ten."""
    peer = await target.connect()
    peer.skip_strange_pongs = False
    pongs = await _pongs(peer, b"once") + await _pongs(peer, target.unique("fence").encode())
    if pongs[b"once"] == 1:
        return
    pongs = await _pongs(peer, *TEN, target.unique("fence").encode())
    if all(pongs[payload] > 1 for payload in TEN):
        raise Failure("a PONG to each PING", f"more than one to each of {len(TEN)}")


async def _pongs(peer: WebSocketPeer, *payloads: bytes) -> Counter[bytes]:
    """Send Pings; gives what the Pongs hold that come until the last is answered."""
    peer.send(*(client_frame(Opcode.PING, each) for each in payloads))
    pongs: Counter[bytes] = Counter()
    while not pongs[payloads[-1]]:
        pongs[(await peer.expect(Opcode.PONG)).payload] += 1
    return pongs


@case("rfc6455-5.5.2-answered")
async def ping_is_answered_though_its_payload_was_there_before(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.PONG, b"the same"))
    for _ in range(3):
        peer.send(client_frame(Opcode.PING, b"the same"))
        await peer.expect(Opcode.PONG, b"the same")
    await peer.fence()


@case("rfc6455-5.5.2-answered-soon", exclusive=True)
async def ping_is_answered_within_a_second(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.PING, b"soon"))
    began = time.perf_counter()
    await peer.expect(Opcode.PONG, b"soon")
    if (seconds := time.perf_counter() - began) > 1:
        target.non_strict("a PONG as soon as practical", f"it took {seconds:.1f} s")


@case(
    "rfc6455-5.5-payload-126",
    over={"kind": (Opcode.PING, Opcode.PONG, Opcode.CLOSE)},
    autobahn={"ping": ["2.5"], "close": ["7.3.6"]},
    deflated=True,
    control=ordinary_frame,
)
async def control_frame_of_126_octets_fails_the_connection(target: Target, kind: Opcode) -> None:
    await _expect_too_long(target, kind, 126, 1002)


@case(
    "rfc6455-5.5-payload-126",
    over={"kind": (Opcode.PING, Opcode.PONG, Opcode.CLOSE), "octets": (127, 256, 65535, 65536)},
    control=ordinary_frame,
)
async def longer_control_frame_fails_the_connection(
    target: Target, kind: Opcode, octets: int
) -> None:
    """Or it is too big for the server: then it says so."""
    await _expect_too_long(target, kind, octets, 1002, 1009)


async def _expect_too_long(target: Target, kind: Opcode, octets: int, *codes: int) -> None:
    peer = await target.connect()
    payload = (1000).to_bytes(2, "big") + b"l" * (octets - 2)
    peer.send(client_frame(kind, payload))
    if kind == Opcode.CLOSE:
        await target.expect_close_refused(peer, 1000, *codes)
    else:
        await peer.expect_failed(*codes)


@case("rfc6455-5.5-payload-125", needs="echo", over={"kind": HEARTBEATS})
async def control_frame_of_125_octets_is_handled(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    payload = bytes(range(125))
    peer.send(client_frame(kind, payload))
    if kind == Opcode.PING:
        await peer.expect(Opcode.PONG, payload)
    peer.send(text_frame("behind it"))
    await peer.expect_message("behind it")


@case("rfc6455-5.5-payload-125", control=ordinary_close)
async def close_of_125_octets_is_handled(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, "r" * 123))
    close = await peer.expect_close()
    if close.payload[:2] == (1002).to_bytes(2, "big"):
        raise Failure("an answer to Close 1000", close)


@case("rfc6455-5.5-unfragmented-sent", over={"octets": (0, 2, 125)})
async def pong_comes_in_one_frame(target: Target, octets: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.PING, b"o" * octets))
    with target.preparing("a PONG in one frame"):
        while (frame := await peer.receive_frame()).opcode != Opcode.PONG:
            pass
    if not frame.fin:
        raise Failure("a PONG in one frame", frame)


@case("rfc6455-5.5-unfragmented-sent")
async def close_comes_in_one_frame(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, "in one frame"))
    with target.preparing("a CLOSE in one frame"):
        while (frame := await peer.receive_frame()).opcode != Opcode.CLOSE:
            pass
    if not frame.fin:
        raise Failure("a CLOSE in one frame", frame)


@case("rfc6455-5.5-payload-sent", over={"kind": (Opcode.PONG, Opcode.CLOSE)})
async def answer_to_the_longest_control_frame_is_no_longer(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    ping = client_frame(Opcode.PING, b"p" * 125)
    peer.send(ping if kind == Opcode.PONG else close_frame(1000, "r" * 123))
    with target.preparing(f"a {kind.name} of at most 125 octets"):
        while (frame := await peer.receive_frame()).opcode != kind:
            pass
    if len(frame.payload) > 125:
        raise Failure(f"a {kind.name} of at most 125 octets", frame)


# Fragments.


@case(
    "rfc6455-5.5-unfragmented",
    over={"kind": (Opcode.PING, Opcode.PONG, Opcode.CLOSE)},
    autobahn={"ping": ["5.1"], "pong": ["5.2"]},
    control=ordinary_frame,
)
async def fragmented_control_frame_fails_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    first = (1000).to_bytes(2, "big") if kind == Opcode.CLOSE else b"fragment1"
    peer.send(client_frame(kind, first, fin=False), client_frame(Opcode.CONT, b"fragment2"))
    if kind == Opcode.CLOSE:
        await target.expect_close_refused(peer, 1000, 1002)
    else:
        await peer.expect_failed(1002)


@case("rfc6455-5.5-unfragmented", over={"kind": HEARTBEATS}, control=ordinary_frame)
async def control_frame_with_fin_clear_fails_the_connection(target: Target, kind: Opcode) -> None:
    peer = await target.connect()
    peer.send(client_frame(kind, b"never continued", fin=False))
    await peer.expect_failed(1002)


@case("rfc6455-5.5-unfragmented", over={"kind": HEARTBEATS}, control=ordinary_frame)
async def empty_control_frame_with_fin_clear_fails_the_connection(
    target: Target, kind: Opcode
) -> None:
    peer = await target.connect()
    peer.send(client_frame(kind, fin=False))
    await peer.expect_failed(1002)


@case(
    "rfc6455-5.5-unfragmented",
    over={"kind": HEARTBEATS},
    deflated=True,
    control=ordinary_fragments,
)
async def fragmented_control_frame_inside_a_message_fails_the_connection(
    target: Target, kind: Opcode
) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"begun", fin=False),
        client_frame(kind, b"fragment1", fin=False),
        client_frame(Opcode.CONT, b"fragment2"),
    )
    await peer.expect_failed(1002)


# Several of them.


@case("rfc6455-5.5.3-unsolicited-pong", autobahn=["2.9"])
async def unsolicited_pong_is_not_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.PONG, b"nobody asked for this"),
        client_frame(Opcode.PING, b"fence"),  # an answer to the PONG would come first
    )
    await peer.expect(Opcode.PONG, b"fence")


@case(
    "rfc6455-5.5.3-unsolicited-pong",
    over={"octets": (0, 24)},
    autobahn={"0": ["2.7"], "24": ["2.8"]},
    control=ordinary_close,
)
async def unsolicited_pong_before_a_close_is_not_answered(target: Target, octets: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.PONG, b"unsolicited pong payload"[:octets]), close_frame(1000))
    await peer.expect_close()


@case("rfc6455-5.5.2-answered", autobahn=["2.10"])
async def many_pings_in_flight_are_answered_in_order_up_to_the_last(target: Target) -> None:
    """Of several Pings only the latest need be answered (5.5.3)."""
    peer = await target.connect()
    peer.send(*(client_frame(Opcode.PING, each) for each in TEN))
    await _expect_pongs(peer, TEN)


@case("rfc6455-5.5.2-answered", autobahn=["2.11"])
async def many_pings_octet_by_octet_are_answered_in_order(target: Target) -> None:
    peer = await target.connect()
    await peer.send_pieces(*(client_frame(Opcode.PING, each) for each in TEN))
    await _expect_pongs(peer, TEN)


@case("rfc6455-5.5.2-flood", over={"octets": (0, 100)})
async def flood_of_pings_is_survived_and_the_last_one_answered(target: Target, octets: int) -> None:
    peer = await target.connect()
    flood = [b"%d " % number + b"f" * octets for number in range(2000)]
    peer.send(*(client_frame(Opcode.PING, each) for each in flood))
    try:
        await _expect_pongs(peer, flood)
        await peer.fence()
    except Failure as failure:
        # Against a flood a server may have a limit (10.4, `max_pending_pings`), declared or not.
        ended = isinstance(failure.__cause__, StreamClosed) or failure.close_code == 1008
        if not ended or (target.limit("max_pending_pings") or 0) >= len(flood):
            raise
        target.non_strict(f"{len(flood)} Pings in a row survived", failure)


async def _expect_pongs(peer: WebSocketPeer, payloads: list[bytes]) -> None:
    """Pongs to Pings sent at once, in their order: to each of them, or at least to the last."""
    left = {payload: number for number, payload in enumerate(payloads)}
    last, at = payloads[-1], -1
    while at < left[last]:
        got = await peer.expect(Opcode.PONG)
        if left.get(got.payload, -1) <= at:
            raise Failure(f"a PONG to one of the Pings behind number {at + 1}", got)
        at = left[got.payload]


@case("rfc6455-5.5.3-latest-only")
async def of_pings_in_flight_all_or_the_latest_are_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(*(client_frame(Opcode.PING, each) for each in TEN))
    answered = 1
    while (await peer.expect(Opcode.PONG)).payload != TEN[-1]:
        answered += 1
    target.report("Pings in flight", f"{answered} of {len(TEN)} answered")


# Between the fragments of a message, and between messages.


@case(
    "rfc6455-5.4-control-in-between",
    needs="echo",
    over={"how": HOW},
    autobahn={"segment": ["5.6"], "segments": ["5.7"], "octets": ["5.8"]},
    deflated=True,
)
async def ping_inside_a_fragmented_message_is_answered(target: Target, how: str) -> None:
    """In this order or the other, when both were there before the server looked."""
    peer = await target.connect()
    begin, end = (
        client_frame(Opcode.TEXT, b"one ", fin=False),
        client_frame(Opcode.CONT, b"message"),
    )
    for frame in (begin, client_frame(Opcode.PING, b"inside"), end):
        if how == "octets":
            await peer.send_pieces(frame)
        else:
            peer.send(frame)
        if how == "segments":
            await peer.flush()
    got = await peer.receive_answer()
    if got.opcode == Opcode.PONG:
        await peer.expect_message("one message")
    elif (got.opcode, got.payload) != (Opcode.TEXT, b"one message"):
        raise Failure("PONG 'inside' and TEXT 'one message'", got)
    else:  # a Ping that was lost shows by the one behind it
        peer.send(client_frame(Opcode.PING, b"behind"))
        got = await peer.expect(Opcode.PONG)
    if got.opcode == Opcode.PONG and got.payload != b"inside":
        raise Failure("PONG 'inside'", got)


@case(
    "rfc6455-5.4-control-in-between",
    needs="echo",
    over={"how": HOW[:2]},
    autobahn={"segment": ["5.19"], "segments": ["5.20"]},
    deflated=True,
)
async def pings_inside_a_fragmented_message_are_answered_before_it_ends(
    target: Target, how: str
) -> None:
    peer = await target.connect()
    opcode = Opcode.TEXT
    for number in (1, 2):
        for part in (2 * number - 1, 2 * number):
            peer.send(client_frame(opcode, b"fragment%d" % part, fin=False))
            opcode = Opcode.CONT
            if how == "segments":
                await peer.flush()
        peer.send(client_frame(Opcode.PING, b"pongme %d!" % number))
        await peer.expect(Opcode.PONG, b"pongme %d!" % number)
    peer.send(client_frame(Opcode.CONT, b"fragment5"))
    await peer.expect_message("fragment1fragment2fragment3fragment4fragment5")


@case("rfc6455-5.4-control-in-between", needs="echo", deflated=True)
async def pong_inside_a_fragmented_message_leaves_it_whole(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.BINARY, b"still ", fin=False),
        client_frame(Opcode.PONG, b"heartbeat"),
        client_frame(Opcode.CONT, b"", fin=False),
        client_frame(Opcode.PONG),
        client_frame(Opcode.CONT, b"one message"),
    )
    await peer.expect_message(b"still one message")


@case("rfc6455-5.4-control-in-between", needs="echo", over={"kind": BOTH, "payload": list(PINGS)})
async def any_ping_inside_any_message_is_answered_before_it_ends(
    target: Target, kind: Opcode, payload: str
) -> None:
    peer = await target.connect()
    peer.send(client_frame(kind, b"one ", fin=False), client_frame(Opcode.PING, PINGS[payload]))
    await peer.expect_pong(PINGS[payload])
    peer.send(client_frame(Opcode.CONT, b"message"))
    await peer.expect(kind, b"one message")


@case("rfc6455-5.5-payload-126", over={"kind": HEARTBEATS}, control=ordinary_fragments)
async def longer_control_frame_inside_a_message_fails_the_connection(
    target: Target, kind: Opcode
) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"begun", fin=False), client_frame(kind, b"l" * 126))
    await peer.expect_failed(1002)


@case("rfc6455-5.5.2-answered", needs="echo", deflated=True)
async def ping_between_messages_disturbs_neither(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(client_frame(Opcode.PING, b"between"))
    await peer.expect(Opcode.PONG, b"between")
    peer.send(text_frame("after"))
    await peer.expect_message("after")
