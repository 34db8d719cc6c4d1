"""RFC 6455, sections 7.1.2 and 7.3: the closing handshake that the server starts."""

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

PATIENCE = 0.25  # seconds that a server gives its client to answer a Close, at the least
REASONS = {"ascii": "enough", "greek": "αρκετά", "longest": "r" * 123, "none": ""}


def path(code: int = 1000, reason: str = "enough") -> str:
    """Where the target closes at once, with this code and reason."""
    octets = reason.encode("utf-8")
    return f"/close?code={code}&reason=" + "".join(f"%{octet:02X}" for octet in octets)


@case(
    "rfc6455-7.1.2-start",
    needs="server-close",
    over={"code": (1000, 1001, 1003, 1008, 1011, 3000, 4321)},
)
async def server_starts_closing_with_its_code_and_reason(target: Target, code: int) -> None:
    peer = await target.connect(path(code))
    close = await peer.expect_close(code)
    if close.payload[2:] != b"enough":
        raise Failure(f"CLOSE {code} 'enough'", close)


@case("rfc6455-7.1.2-start", needs="server-close", over={"reason": list(REASONS)})
async def server_starts_closing_with_any_reason(target: Target, reason: str) -> None:
    peer = await target.connect(path(4000, REASONS[reason]))
    close = await peer.expect_close(4000)
    if REASONS[reason] and close.payload[2:] != REASONS[reason].encode():
        raise Failure(f"CLOSE 4000 {REASONS[reason]!r}", close)


@case("rfc6455-7.1.2-start-completed", needs="server-close")
async def server_that_started_closing_awaits_the_answer_and_ends_tcp(target: Target) -> None:
    peer = await target.connect(path())
    await peer.expect_close()
    peer.send(close_frame(1000))
    await peer.expect_end()


@case("rfc6455-7.1.2-start-completed", needs="server-close")
async def server_gives_its_client_time_to_answer(target: Target) -> None:
    peer = await target.connect(path())
    await peer.expect_close()
    if await peer.closes_within(PATIENCE):
        got = "the server closed the TCP connection"
        target.non_strict("the client's Close awaited", got, seen=Seen.TCP_ENDED)


async def time_without_an_answer(target: Target) -> None:
    """Where no frame comes the server does not wait for an answer either."""
    peer = await target.connect(path())
    await peer.expect_close()
    if await peer.closes_within(PATIENCE):
        got = "the server closed the TCP connection"
        raise Failure("the client's Close awaited", got, seen=Seen.TCP_ENDED)


@case("rfc6455-7.1.2-start-completed", needs="server-close", control=time_without_an_answer)
async def pong_is_no_answer_to_a_close(target: Target) -> None:
    peer = await target.connect(path())
    await peer.expect_close()
    peer.send(client_frame(Opcode.PONG, b"no answer"))
    if await peer.closes_within(PATIENCE):
        got = "the server closed the TCP connection behind a PONG"
        target.non_strict("the client's Close awaited", got, seen=Seen.TCP_ENDED)


@case(
    "rfc6455-7.1.2-start-answer-accepted",
    needs="server-close",
    over={"code": (None, 1000, 1001, 1011, 3000, 4999)},
)
async def any_valid_answer_ends_the_handshake(target: Target, code: int | None) -> None:
    peer = await target.connect(path())
    await peer.expect_close()
    peer.send(close_frame(code))
    await peer.expect_end()


@case("rfc6455-5.5.1-answered-once", needs="server-close")
async def server_that_closed_first_does_not_answer_the_answer(target: Target) -> None:
    peer = await target.connect(path(1001))
    await peer.expect_close(1001)
    peer.send(close_frame(1001, "enough"))
    await peer.expect_end(forbids=[Opcode.CLOSE])


@case("rfc6455-5.5.1-crossing", needs="server-close")
async def close_frames_that_cross_are_answers_to_each_other(target: Target) -> None:
    """One comes, whether the server began or answered; and then the end of TCP."""
    peer = await target.connect(path(1001))
    peer.send(close_frame(1000))
    await peer.expect_close()
    await peer.expect_end(forbids=[Opcode.CLOSE])


@case("rfc6455-5.5.1-no-data-after-close", needs={"server-close", "echo"})
async def server_that_started_closing_sends_no_data(target: Target) -> None:
    peer = await target.connect(path())
    await peer.expect_close()
    peer.send(text_frame("too late"), client_frame(Opcode.PING, b"not too late"), close_frame(1000))
    while (got := await _next(target, peer)) is not None:
        if got.opcode in DATA:
            raise Failure("no data frame after the Close frame", got)


async def _next(target: Target, peer: WebSocketPeer) -> Frame | None:
    """The next frame; None at the end of TCP."""
    with target.awaits("the end of the TCP connection"):
        try:
            return await peer.receive_frame()
        except StreamClosed:
            return None


@case("rfc6455-7.3-server-closes", needs="server-close")
async def server_closes_when_it_wants(target: Target) -> None:
    peer = await target.connect(path(1001, "going away"))
    peer.send(client_frame(Opcode.TEXT, b"in the middle of ", fin=False))
    await peer.expect_close()


@case("rfc6455-7.3-procedure", needs="server-close")
async def server_closes_by_the_closing_handshake(target: Target) -> None:
    peer = await target.connect(path(1000, "that is all"))
    with target.awaits("a Close frame before the end of TCP"):
        while (await peer.receive()).opcode != Opcode.CLOSE:
            pass


# Instead of an answer. A server may close whenever it wants (7.3), and that it does so now and then
# is held against none. One that closes for each Ping, and lets its client speak, answers no Ping.

TRIES = 3


@case("rfc6455-5.5.2-answered", needs="echo")
async def ping_is_no_reason_to_close(target: Target) -> None:
    for _ in range(TRIES):
        peer = await target.connect()
        peer.send(client_frame(Opcode.PING, b"a reason to close?"))
        with target.awaits("a PONG"):
            got = await peer.receive_answer()
        if got.opcode == Opcode.PONG:
            return
    await (await target.connect()).echoes()
    got_each = f"{got}, on each of {TRIES} connections; a text is answered"
    raise Failure("a PONG", got_each)
