"""RFC 6455, sections 5.4 and 5.5: what a server may do or leave, and is judged for in no case.

Each case passes whatever its server chooses, as long as the frames themselves are right.
"""

from sockproof.conformance import Opcode, Target, WebSocketPeer, case, client_frame

LARGE = b"0123456789abcdef" * 16 * 1024


async def _frames_of_an_echo(target: Target, peer: WebSocketPeer) -> list[str]:
    """The names of all frames that come with a large message, which must come back whole."""
    peer.send(client_frame(Opcode.BINARY, LARGE))
    names, octets = [], 0
    with target.large(len(LARGE)), target.awaits("the message again, in one frame or more"):
        while octets < len(LARGE):
            frame = await peer.receive_frame()
            names.append(Opcode(frame.opcode).name)
            if frame.opcode == Opcode.PING:
                peer.send(client_frame(Opcode.PONG, frame.payload))
            octets += len(frame.payload) if frame.opcode in (Opcode.BINARY, Opcode.CONT) else 0
            if frame.opcode == Opcode.CLOSE:
                break
    return names


@case("rfc6455-5.4-fragments-sent", needs={"echo", "binary"})
async def server_fragments_its_messages_or_not(target: Target) -> None:
    names = await _frames_of_an_echo(target, await target.connect())
    data = [name for name in names if name in ("BINARY", "CONT")]
    target.report(f"frames of a message of {len(LARGE)} octets", str(len(data)))


@case("rfc6455-5.4-control-sent-in-between", needs={"echo", "binary"})
async def server_sends_control_frames_between_its_fragments_or_not(target: Target) -> None:
    names = await _frames_of_an_echo(target, await target.connect())
    between = [name for name in names[:-1] if name in ("PING", "PONG")]
    target.report("control frames inside a message", ", ".join(between) or "none")


@case("rfc6455-5.5.2-server-pings")
async def server_sends_pings_or_not(target: Target) -> None:
    peer = await target.connect()
    peer.answer_pings = False
    await _report_before_a_pong(target, peer, Opcode.PING)


@case("rfc6455-5.5.3-unsolicited-pong-sent")
async def server_sends_unsolicited_pongs_or_not(target: Target) -> None:
    peer = await target.connect()
    peer.skip_strange_pongs = False
    await _report_before_a_pong(target, peer, Opcode.PONG)


async def _report_before_a_pong(target: Target, peer: WebSocketPeer, opcode: Opcode) -> None:
    """Tell how many such frames came before the answer to a Ping of ours."""
    peer.send(client_frame(Opcode.PING, b"what came before this?"))
    found = 0
    while (got := await peer.receive()).payload != b"what came before this?":
        found += got.opcode == opcode
    target.report(f"{opcode.name} unasked in a moment", str(found))
