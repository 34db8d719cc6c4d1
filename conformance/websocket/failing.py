"""RFC 6455, sections 7.1.7 and 7.4.1: a connection that breaks the rules is failed."""

from sockproof.conformance import (
    DATA,
    Failure,
    Frame,
    Opcode,
    Seen,
    StreamClosed,
    Target,
    WebSocketPeer,
    case,
    client_frame,
    close_frame,
    text_frame,
)

WRONG = {
    "reserved-bit": [text_frame("bad", rsv=2)],
    "reserved-opcode": [client_frame(0x3, b"bad")],
    "reserved-control-opcode": [client_frame(0xB)],
    "continuation-alone": [client_frame(Opcode.CONT, b"bad")],
    "message-inside-another": [text_frame("bad", fin=False), text_frame("worse")],
    "fragmented-ping": [client_frame(Opcode.PING, b"bad", fin=False)],
    "long-ping": [client_frame(Opcode.PING, b"b" * 126)],
    "unmasked": [text_frame("bad", mask=None)],
}
BEHIND = {
    "text": text_frame("behind it"),
    "binary": client_frame(Opcode.BINARY, b"behind it"),
    "ping": client_frame(Opcode.PING, b"behind it"),
    "fragment": client_frame(Opcode.CONT, b"behind it"),
}


# What the server does after an error can be told only where it notices the error.


async def the_bad_frame_alone(target: Target, wrong: str) -> None:
    """The bad frame alone did not end the connection."""
    await _alone(target, *WRONG[wrong])


async def bad_bits_alone(target: Target) -> None:
    """A frame with reserved bits alone did not end the connection."""
    await _alone(target, client_frame(Opcode.TEXT, b"bad", rsv=7))


async def bad_opcode_alone(target: Target) -> None:
    """A frame with a reserved opcode alone did not end the connection."""
    await _alone(target, client_frame(0x3, b"bad"))


async def _alone(target: Target, *frames: Frame) -> None:
    peer = await target.connect()
    peer.send(*frames)
    await peer.expect_failed(1002)


@case("rfc6455-7.1.7-no-more-processing", needs="echo", deflated=True, control=bad_bits_alone)
async def nothing_is_processed_after_the_connection_failed(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(client_frame(Opcode.TEXT, b"bad", rsv=7), text_frame("behind it"))
    await peer.expect_failed(1002, silent=True)


@case("rfc6455-7.1.7-no-more-processing", over={"behind": list(BEHIND)}, control=bad_opcode_alone)
async def frame_behind_the_bad_one_has_no_effect(target: Target, behind: str) -> None:
    peer = await target.connect()
    if behind == "fragment":
        peer.send(text_frame("begun before ", fin=False))
    peer.send(client_frame(0x3, b"bad"), BEHIND[behind])
    await peer.expect_failed(1002, silent=True)


@case("rfc6455-7.1.7-no-more-processing", over={"wrong": list(WRONG)}, control=the_bad_frame_alone)
async def message_behind_any_error_has_no_effect(target: Target, wrong: str) -> None:
    peer = await target.connect()
    peer.send(*WRONG[wrong], text_frame("behind it"))
    await peer.expect_failed(1002, silent=True)


@case("rfc6455-7.1.7-no-more-processing", control=bad_opcode_alone)
async def message_in_a_later_segment_than_the_bad_frame_has_no_effect(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(0x3, b"bad"))
    with target.awaits("Close 1002, then the end of TCP"):
        try:
            got = await peer.receive_answer()
            peer.send(text_frame("behind it"))
            while got.opcode not in DATA:
                got = await peer.receive_frame()
        except StreamClosed:
            return
    told = f"the server went on: {got}"
    raise Failure("Close 1002, then the end of TCP", told, came=got, seen=Seen.NOT_CLOSED)


@case(
    "rfc6455-7.1.7-earlier-messages",
    needs="echo",
    over={"how": ("segment", "segments")},
    control=bad_opcode_alone,
)
async def message_before_the_bad_frame_is_answered_or_not(target: Target, how: str) -> None:
    peer = await target.connect()
    peer.send(text_frame("before it"))
    if how == "segments":
        with target.preparing("the echo of a message"):
            await peer.expect_message("before it")
    peer.send(client_frame(0x3, b"bad"))
    await peer.expect_failed(1002, after="before it" if how == "segment" else None)


@case("rfc6455-7.1.7-close-frame", control=bad_bits_alone)
async def failing_the_connection_is_said_in_a_close_frame(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"bad", rsv=7))
    await peer.expect_failed(1002)


@case("rfc6455-7.4.1-1002", over={"wrong": list(WRONG)}, control=the_bad_frame_alone)
async def protocol_error_is_told_by_code_1002(target: Target, wrong: str) -> None:
    peer = await target.connect()
    peer.send(*WRONG[wrong])
    await peer.expect_failed(1002)


@case("rfc6455-7.4.1-1010-not-by-server", over={"wrong": list(WRONG)}, control=the_bad_frame_alone)
async def server_fails_no_connection_with_1010(target: Target, wrong: str) -> None:
    """It means that a server agreed to too few extensions, which only a client can say."""
    peer = await target.connect(extensions="x-sockproof-unknown")
    peer.send(*WRONG[wrong])
    close = await _close_of(target, peer)
    if close is not None and close.payload[:2] == (1010).to_bytes(2, "big"):
        raise Failure("any code but 1010", close)


@case("rfc6455-7.1.7-closed", deflated=True, control=bad_bits_alone)
async def failing_the_connection_ends_tcp(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"bad", rsv=7))
    with target.awaits("the end of the TCP connection"):
        try:
            while True:
                frame = await peer.receive_frame()
                if frame.opcode == Opcode.CLOSE:
                    peer.send(close_frame(None))
        except StreamClosed:
            return


@case("rfc6455-7.1.7-closed", over={"wrong": list(WRONG)}, control=the_bad_frame_alone)
async def any_error_ends_tcp(target: Target, wrong: str) -> None:
    peer = await target.connect()
    peer.send(*WRONG[wrong])
    await _close_of(target, peer)
    peer.send(close_frame(None))
    await peer.expect_end()


async def _close_of(target: Target, peer: WebSocketPeer) -> Frame | None:
    """The Close frame of a connection that fails, or None where there is none."""
    with target.awaits("the connection failed"):
        try:
            got = await peer.receive_answer()
        except StreamClosed:
            return None
    if got.opcode != Opcode.CLOSE:
        raise Failure("the connection failed", got)
    return got


@case("rfc6455-7.4.1-1003", needs="echo")
async def binary_message_comes_back_or_is_refused(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.BINARY, b"\x00\x01"), text_frame("and text"))
    with target.awaits("the binary message again, CLOSE 1003, or text that was sent behind it"):
        got = await peer.receive_answer()
    target.report("a binary message", str(got))
