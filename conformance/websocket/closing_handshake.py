"""RFC 6455, sections 5.5.1 and 7.1: the closing handshake that the client starts."""

import time

from sockproof.conformance import (
    DATA,
    Failure,
    Opcode,
    StreamClosed,
    Target,
    WebSocketPeer,
    case,
    client_frame,
    close_frame,
    text_frame,
)
from sockproof.wire.websocket import may_be_sent_in_close

DEFINED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)
LONGEST = {"latin": "r" + "é" * 61, "chinese": "聊" * 41, "emoji": "bye" + "👋" * 30}  # 123 octets
TOO_LATE = b"too late"  # in a Ping
AT_ONCE = 2.0  # seconds; what a server does at once takes far less, on a busy machine too


@case("rfc6455-5.5.1-answered", autobahn=["7.3.3"], deflated=True)
async def close_is_answered_with_close(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()


@case("rfc6455-5.5.1-answered", needs="echo", autobahn=["7.1.1"], deflated=True)
async def close_after_a_message_is_answered(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes("Hello World!")
    peer.send(close_frame(1000))
    await peer.expect_close()


@case("rfc6455-5.5.1-answered-soon", exclusive=True)
async def close_is_answered_within_a_second(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, "soon"))
    began = time.perf_counter()
    await peer.expect_close()
    if (seconds := time.perf_counter() - began) > 1:
        target.non_strict("a Close as soon as practical", f"it took {seconds:.1f} s")


@case("rfc6455-5.5.1-body", autobahn=["7.3.1"])
async def close_without_a_code_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(None))
    await peer.expect_close()


@case("rfc6455-5.5.1-answered")
async def empty_close_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(None))
    await peer.expect_close()


@case("rfc6455-5.5.1-answered-once")
async def close_is_answered_once(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()
    await peer.expect_end(forbids=[Opcode.CLOSE])


@case("rfc6455-5.5.1-answered-once", autobahn=["7.1.2"])
async def close_sent_twice_is_answered_once(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000), close_frame(None))
    await peer.expect_close()
    await peer.expect_end(forbids=[Opcode.CLOSE])


# What the answer holds.


@case("rfc6455-7.4.1-never-sent")
async def answer_to_a_close_without_a_code_names_no_reserved_code(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(None))
    await peer.expect_close()  # in which no case lets a code pass that never travels


@case("rfc6455-7.4.1-never-sent", over={"code": (1005, 1006, 1015)})
async def reserved_code_is_not_sent_back(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    try:
        await peer.expect_close()
    except Failure as failure:
        if not isinstance(failure.__cause__, StreamClosed):  # no Close frame names no code
            raise


@case("rfc6455-5.5.1-body-sent", over={"code": (None, 1000, 3000)})
async def answer_begins_with_a_code_or_is_empty(target: Target, code: int | None) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    close = await peer.expect_close()
    if close.payload and not may_be_sent_in_close(int.from_bytes(close.payload[:2], "big")):
        raise Failure("a code that a Close frame may carry, in network byte order", close)


@case("rfc6455-5.5.1-reason-sent-utf8", over={"script": list(LONGEST)})
async def reason_of_the_answer_is_utf8(target: Target, script: str) -> None:
    """A server that sends the reason back, or cuts it short, cuts between characters."""
    peer = await target.connect()
    peer.send(close_frame(1000, LONGEST[script]))
    await peer.expect_close()


@case("rfc6455-5.5.1-code-echoed", over={"code": (1000, 1001, 3000, 4000)})
async def code_is_sent_back_or_not(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    close = await peer.expect_close()
    target.report(f"answer to Close {code}", str(close))


@case("rfc6455-7.4.1-codes-sent")
async def close_of_the_server_tells_a_code_or_nothing(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, "what does the answer say?"))
    target.report("answer to a Close with a reason", str(await peer.expect_close()))


# What stands around the Close frame.


@case("rfc6455-5.5.1-data-after-close-ignored", needs="echo", autobahn=["7.1.4"], deflated=True)
async def message_behind_a_close_is_not_answered(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(close_frame(1000), text_frame("too late"))
    await peer.expect_close()
    await peer.expect_end(forbids=DATA)


@case("rfc6455-5.5.1-data-after-close-ignored", autobahn=["7.1.3"])
async def ping_behind_a_close_is_not_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000), client_frame(Opcode.PING, TOO_LATE))
    await peer.expect_close()
    await _expect_end(target, peer)


@case("rfc6455-5.5.1-data-after-close-ignored", needs="echo", autobahn=["7.1.6"])
async def close_behind_a_large_message_is_answered_and_nothing_after_it(target: Target) -> None:
    """The messages were complete before the Close; they may be answered before it, or not."""
    peer = await target.connect()
    large = (b"BAsd7&jh23" * 26215)[:262144]
    with target.large(len(large)):
        peer.send(
            client_frame(Opcode.TEXT, large),
            text_frame("Hello World!"),
            close_frame(1000),
            client_frame(Opcode.PING, TOO_LATE),
        )
        with target.awaits("CLOSE"):
            while (got := await peer.receive()).opcode != Opcode.CLOSE:
                if len(got.payload) == len(large) and got.payload != large:
                    raise Failure("the large message again, or CLOSE", got)
        if got.payload[:2] == (1009).to_bytes(2, "big"):
            raise Failure("CLOSE", got)
    await _expect_end(target, peer)


@case("rfc6455-5.5.1-no-data-after-close", needs="echo", over={"messages": (1, 20)})
async def no_data_comes_after_the_close(target: Target, messages: int) -> None:
    """Echoes that are due come before the server's Close frame, or never."""
    peer = await target.connect()
    peer.send(*(text_frame(f"echo {number}") for number in range(messages)), close_frame(1000))
    with target.awaits("CLOSE"):
        while (await peer.receive()).opcode != Opcode.CLOSE:
            pass
    await peer.expect_end(forbids=DATA)


@case("rfc6455-5.5.1-delayed", needs="push")
async def message_under_way_ends_before_the_close_or_never(target: Target) -> None:
    """A reset takes away what is under way, and the Close with it."""
    peer = await target.connect("/push?count=20&size=65536")
    peer.send(close_frame(1000))
    messages = 0
    with target.awaits("CLOSE"):
        try:
            while (await peer.receive()).opcode != Opcode.CLOSE:
                messages += 1
        except StreamClosed as closed:
            if not closed.reset:
                raise
            target.report("a Close behind messages", f"taken away by a reset: {closed.how}")
            return
    target.report("messages of 20 that came before the Close", str(messages))
    await peer.expect_end(forbids=DATA)


@case("rfc6455-5.5.1-close-in-fragments", over={"fragments": (1, 3)}, deflated=True)
async def close_between_fragments_is_answered(target: Target, fragments: int) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, b"never ", fin=False))
    for _ in range(fragments - 1):
        peer.send(client_frame(Opcode.CONT, b"never ", fin=False))
    peer.send(close_frame(1000))
    close = await peer.expect_close()
    if close.payload[:2] == (1002).to_bytes(2, "big"):
        target.non_strict("a Close between fragments taken as a right one", close)
    await peer.expect_end()


@case("rfc6455-5.5.1-close-in-fragments", needs="echo", autobahn=["7.1.5"])
async def message_ended_behind_a_close_is_not_delivered(target: Target) -> None:
    peer = await target.connect()
    peer.send(
        client_frame(Opcode.TEXT, b"fragment1", fin=False),
        close_frame(1000),
        client_frame(Opcode.CONT, b"fragment2"),
    )
    await peer.expect_close()
    await peer.expect_end(forbids=DATA)


@case("rfc6455-5.5.1-close-in-fragments")
async def close_inside_a_fragmented_message_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"never ", fin=False), close_frame(1000))
    await peer.expect_close()


# The end of TCP.


@case("rfc6455-5.5.1-tcp-closed", deflated=True)
async def tcp_ends_after_the_closing_handshake(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()
    await peer.expect_end()


@case("rfc6455-5.5.1-tcp-closed-immediately", exclusive=True, over={"code": (None, 1000, 4000)})
async def tcp_ends_at_once_after_the_closing_handshake(target: Target, code: int | None) -> None:
    """This peer keeps its side open: a server that waits for it to close does not end."""
    peer = await target.connect()
    peer.send(close_frame(code))
    await peer.expect_close()
    await peer.expect_end(within=AT_ONCE)


@case("rfc6455-7.1.1-server-first", exclusive=True)
async def server_is_the_first_to_end_tcp(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, "you first"))
    await peer.expect_close()
    await peer.expect_end(within=AT_ONCE)


@case("rfc6455-7.1.1-clean")
async def tcp_ends_without_a_reset(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()
    how = await peer.expect_end()
    if "reset" in how:
        target.non_strict("an orderly end of TCP", how)


@case("rfc6455-7.1.1-clean", needs="echo")
async def tcp_ends_without_a_reset_behind_a_message_and_a_close(target: Target) -> None:
    peer = await target.connect()
    peer.send(text_frame("goodbye"), close_frame(1000))
    with target.awaits("a Close frame"):
        while (await peer.receive_frame()).opcode != Opcode.CLOSE:
            pass  # the echo, or what an application says besides
    how = await peer.expect_end()
    if "reset" in how:
        target.non_strict("an orderly end of TCP", how)


@case("rfc6455-7.1.1-trailing-discarded", needs="echo")
async def octets_behind_a_close_are_discarded(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(close_frame(1000))
    for _ in range(100):
        peer.send(client_frame(Opcode.BINARY, b"too late" * 100))
    try:
        await peer.expect_close()
        await peer.expect_end(forbids=DATA)
    except Failure as failure:
        if not isinstance(failure.__cause__, StreamClosed):
            raise
        target.non_strict("a Close frame, whatever is behind the client's", failure)


async def _expect_end(target: Target, peer: WebSocketPeer) -> None:
    """Only TCP ends now. A Pong is no data frame, and so not forbidden; an answer is pointless."""
    with target.awaits("the end of the TCP connection"):
        try:
            while (frame := await peer.receive_frame()).opcode == Opcode.PONG:
                if frame.payload == TOO_LATE:
                    target.non_strict("nothing after the Close frame", frame)
        except StreamClosed:
            return
    raise Failure("the end of the TCP connection", frame)
