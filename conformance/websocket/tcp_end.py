"""RFC 6455, section 7.1.4: TCP ends without a closing handshake."""

from sockproof.conformance import (
    Failure,
    Opcode,
    StreamClosed,
    Target,
    Unsupported,
    WebSocketPeer,
    case,
    client_frame,
    text_frame,
)

MOMENTS = ("idle", "inside-a-header", "inside-a-payload", "inside-a-message", "behind-a-ping")


def begin(peer: WebSocketPeer, moment: str) -> None:
    """Bring the connection to the moment at which TCP ends."""
    frame = client_frame(Opcode.TEXT, b"never complete" * 20).encode()
    if moment == "inside-a-header":
        peer.send_octets(frame[:3], "the first 3 octets of a frame")
    elif moment == "inside-a-payload":
        peer.send_octets(frame[:30], "the first 30 octets of a frame")
    elif moment == "inside-a-message":
        peer.send(client_frame(Opcode.TEXT, b"never complete", fin=False))
    elif moment == "behind-a-ping":
        peer.send(client_frame(Opcode.PING, b"never answered"), text_frame("nor this"))


def half_close(target: Target, peer: WebSocketPeer) -> None:
    if target.address.tls:
        raise Unsupported("a connection that can be closed by half", "it is one over TLS")
    peer.stream.end_writing()


@case("rfc6455-7.1.4-tcp-end", needs="echo", over={"moment": MOMENTS})
async def end_of_tcp_ends_the_connection_and_no_other(target: Target, moment: str) -> None:
    peer, other = await target.connect(), await target.connect()
    await other.echoes("before")
    begin(peer, moment)
    peer.answer_pings = False  # nothing can be sent any more
    half_close(target, peer)
    with target.awaits("the end of the TCP connection from the server's side too"):
        try:
            while True:
                got = await peer.receive()
                if b"never complete" in got.payload:
                    raise Failure("no message that never was complete", got)
        except StreamClosed:
            pass
    other.send(text_frame("after"))
    await other.expect_message("after")


@case("rfc6455-7.1.4-tcp-end", needs="echo", over={"how": ("end", "reset")})
async def what_a_lost_connection_had_begun_is_in_no_message_of_another(
    target: Target, how: str
) -> None:
    lost, other = await target.connect(), await target.connect()
    await lost.echoes()
    lost.send(client_frame(Opcode.TEXT, b"never complete", fin=False))
    await lost.fence()  # so that the server has the fragment
    lost.answer_pings = False
    if how == "reset":
        lost.stream.reset()
    else:
        half_close(target, lost)
        with target.awaits("the end of the TCP connection from the server's side too"):
            try:
                while True:
                    await lost.receive()
            except StreamClosed:
                pass
    for peer in (other, await target.connect()):
        for text in ("whole", "too"):
            peer.send(
                client_frame(Opcode.TEXT, text.encode(), fin=False),
                client_frame(Opcode.CONT, b" again"),
            )
            await peer.expect_message(f"{text} again")


@case("rfc6455-7.1.4-tcp-reset", needs="echo", over={"moment": MOMENTS})
async def reset_of_tcp_ends_that_connection_and_no_other(target: Target, moment: str) -> None:
    peer, other = await target.connect(), await target.connect()
    await peer.echoes()
    await other.echoes("before")
    begin(peer, moment)
    await peer.flush()
    peer.stream.reset()
    for word in ("after", "and again"):
        other.send(text_frame(word))
        await other.expect_message(word)


@case("rfc6455-7.1.4-tcp-reset", needs="echo")
async def server_serves_others_after_connections_were_reset(target: Target) -> None:
    for moment in MOMENTS:
        peer = await target.connect()
        begin(peer, moment)
        await peer.flush()
        peer.stream.reset()
    try:
        other = await target.handshake(target.upgrade_request())
    except (OSError, StreamClosed) as error:
        raise Failure("a new connection", error) from error
    other.send(text_frame("after"))
    await other.expect_message("after")


@case("rfc6455-7.1.4-tcp-half-closed", needs="echo")
async def server_answers_a_half_closed_connection_or_closes_it(target: Target) -> None:
    peer = await target.connect()
    peer.send(text_frame("last words"))
    peer.answer_pings = False
    half_close(target, peer)
    seen = []
    with target.awaits("the end of the TCP connection"):
        try:
            while True:
                seen.append(str(await peer.receive()))
        except StreamClosed as closed:
            seen.append(closed.how)
    target.report("a half-closed connection", ", then ".join(seen))
