"""RFC 6455, sections 5.5.1, 7.1 and 7.4: the Close frame, and how a connection ends."""

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    Target,
    case,
    client_frame,
    close_frame,
    text_frame,
)

DEFINED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)


@case("rfc6455-5.5.1-answered")
async def close_is_answered_with_close(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()


@case("rfc6455-5.5.1-body")
async def close_without_a_code_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(None))
    await peer.expect_close()


@case("rfc6455-7.4.1-never-sent")
async def answer_to_a_close_without_a_code_names_no_reserved_code(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(None))
    close = await peer.expect_close()
    code = int.from_bytes(close.payload[:2], "big")
    if code in (1005, 1006, 1015):
        raise Failure("a Close frame with a code that may travel, or with none", str(close))


@case("rfc6455-5.5.1-tcp-closed")
async def tcp_ends_after_the_closing_handshake(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()
    await peer.expect_end()


@case("rfc6455-5.5.1-answered-once")
async def close_is_answered_once(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000))
    await peer.expect_close()
    await peer.expect_end()


@case("rfc6455-7.4.1-codes-received", over={"code": DEFINED})
async def defined_code_is_answered(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    close = await peer.expect_close()
    _not_refused(close.payload, code)


@case("rfc6455-7.4.2-registered-later", over={"code": (1012, 1013, 1014)})
async def later_registered_code_is_answered(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    close = await peer.expect_close()
    _not_refused(close.payload, code)


@case("rfc6455-7.4.2-libraries", over={"code": (3000, 3999)})
async def code_for_libraries_is_answered(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    close = await peer.expect_close()
    _not_refused(close.payload, code)


@case("rfc6455-7.4.2-private", over={"code": (4000, 4999)})
async def code_for_private_use_is_answered(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    close = await peer.expect_close()
    _not_refused(close.payload, code)


def _not_refused(payload: bytes, code: int) -> None:
    """An answer of 1002 says that the code was taken for a protocol error."""
    if code != 1002 and payload[:2] == (1002).to_bytes(2, "big"):
        raise Failure(f"an answer to Close {code}", "Close 1002, as for a protocol error")


@case("rfc6455-7.4.1-reserved-received", over={"code": (1004, 1005, 1006, 1015)})
async def reserved_code_is_a_protocol_error(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    await peer.expect_failed(1002)


@case("rfc6455-7.4.2-unused", over={"code": (0, 999)})
async def unused_code_is_a_protocol_error(target: Target, code: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(code))
    await peer.expect_failed(1002)


@case("rfc6455-5.5.1-body-one-octet")
async def close_with_one_octet_is_a_protocol_error(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.CLOSE, b"\x03"))
    await peer.expect_failed(1002)


@case("rfc6455-5.5.1-reason", over={"octets": (1, 122, 123)})
async def close_with_a_reason_is_answered(target: Target, octets: int) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, "r" * octets))
    close = await peer.expect_close()
    _not_refused(close.payload, 1000)


@case("rfc6455-5.5.1-reason-not-utf8")
async def close_reason_that_is_not_utf8_fails_the_connection(target: Target) -> None:
    peer = await target.connect()
    peer.send(close_frame(1000, b"b\xe9b\xe9"))
    await peer.expect_failed(1007, 1002)


@case("rfc6455-5.5.1-data-after-close-ignored", needs="echo")
async def message_behind_a_close_is_not_answered(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(close_frame(1000), text_frame("too late"))
    await peer.expect_close()
    await peer.expect_end()


@case("rfc6455-5.5.1-close-in-fragments")
async def close_inside_a_fragmented_message_is_answered(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"never ", fin=False), close_frame(1000))
    await peer.expect_close()


@case("rfc6455-7.1.7-no-more-processing", needs="echo")
async def nothing_is_processed_after_the_connection_failed(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    peer.send(client_frame(Opcode.TEXT, b"bad", rsv=7), text_frame("behind it"))
    await peer.expect_failed(1002)


@case("rfc6455-7.1.7-close-frame")
async def failing_the_connection_is_said_in_a_close_frame(target: Target) -> None:
    peer = await target.connect()
    peer.send(client_frame(Opcode.TEXT, b"bad", rsv=7))
    await peer.expect_failed(1002)


@case("rfc6455-7.1.7-closed")
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


@case("rfc6455-7.1.2-start", needs="server-close", over={"code": (1000, 1001, 4321)})
async def server_starts_closing_with_its_code_and_reason(target: Target, code: int) -> None:
    peer = await target.connect(f"/close?code={code}&reason=enough")
    close = await peer.expect_close(code)
    if close.payload[2:] != b"enough":
        raise Failure(f"CLOSE {code} 'enough'", str(close))


@case("rfc6455-7.1.2-start-completed", needs="server-close")
async def server_that_started_closing_awaits_the_answer_and_ends_tcp(target: Target) -> None:
    peer = await target.connect("/close?code=1000&reason=enough")
    await peer.expect_close()
    peer.send(close_frame(1000))
    await peer.expect_end()
