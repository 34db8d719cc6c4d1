"""RFC 6455, sections 5.4 to 6.2: what came before changes nothing of what comes now.

What a server keeps between two messages, and between two connections, is a place to go wrong:
buffers, counts, types, keys. Each case makes one of them hold something, and looks behind it.
"""

from sockproof.conformance import (
    Failure,
    Opcode,
    Target,
    Unsupported,
    case,
    client_frame,
    close_frame,
)
from sockproof.wire.websocket import parse_close

KINDS = {"text": Opcode.TEXT, "binary": Opcode.BINARY}
SHRINKING = (3000, 300, 130, 30, 2, 1)  # octets of messages, each shorter than the one before
PONGS = 100


def _message(number: int, octets: int) -> bytes:
    """So many octets that no message of another number shares at any place."""
    return bytes(ord("A") + (number * 7 + place) % 26 for place in range(octets))


@case("rfc6455-6.2-next-message", needs="echo", over={"kind": list(KINDS), "frames": (1, 3)})
async def short_message_behind_a_long_one_holds_nothing_of_it(
    target: Target, kind: str, frames: int
) -> None:
    peer = await target.connect()
    for number, octets in enumerate(SHRINKING):
        message = _message(number, octets)
        size = max(1, -(-octets // frames))
        parts = [message[start : start + size] for start in range(0, octets, size)]
        for place, part in enumerate(parts):
            opcode = KINDS[kind] if place == 0 else Opcode.CONT
            peer.send(client_frame(opcode, part, fin=place == len(parts) - 1))
        await peer.expect(KINDS[kind], message)


@case("rfc6455-6.2-next-message", needs={"echo", "binary"}, over={"frames": (1, 2)})
async def messages_of_types_by_turns_keep_their_types(target: Target, frames: int) -> None:
    peer = await target.connect()
    for number in range(12):
        opcode = (Opcode.TEXT, Opcode.BINARY)[number % 2]
        message = b"turn %d" % number
        if frames == 1:
            peer.send(client_frame(opcode, message))
        else:
            peer.send(client_frame(opcode, message[:3], fin=False))
            peer.send(client_frame(Opcode.CONT, message[3:]))
        await peer.expect(opcode, message)


@case("rfc6455-5.4-control-in-between", needs={"echo", "binary"}, over={"kind": list(KINDS)})
async def empty_pings_between_many_fragments_change_nothing(target: Target, kind: str) -> None:
    peer = await target.connect()
    for pings in range(1, 6):  # what happens at each of them may make up for itself
        peer.send(client_frame(KINDS[kind], b"0", fin=False))
        for number in range(1, pings + 1):
            peer.send(client_frame(Opcode.PING))
            await peer.expect(Opcode.PONG, b"")
            peer.send(client_frame(Opcode.CONT, b"%d" % number, fin=number == pings))
        await peer.expect(KINDS[kind], b"0123456789"[: pings + 1])


@case("rfc6455-5.5.3-unsolicited-pong", needs="echo")
async def hundred_unsolicited_pongs_leave_the_server_listening(target: Target) -> None:
    peer = await target.connect()
    for number in range(PONGS):
        peer.send(client_frame(Opcode.PONG, b"heartbeat %d" % number))
        await peer.flush()
    peer.send(client_frame(Opcode.TEXT, b"behind the Pongs"))
    await peer.expect(Opcode.TEXT, b"behind the Pongs")


@case("rfc6455-8.1-valid-accepted", needs="echo", over={"before": (0, 1)})
async def long_text_of_characters_beyond_the_first_plane_comes_back(
    target: Target, before: int
) -> None:
    """Wherever a buffer ends, there is such a character, or the half of one in UTF-16."""
    peer = await target.connect()
    text = ("a" * before + "\N{MUSICAL SYMBOL G CLEF}" * 5000).encode()
    peer.send(client_frame(Opcode.TEXT, text))
    await peer.expect(Opcode.TEXT, text)


# Between two connections.


@case("rfc6455-6.1-own-connection", needs="echo")
async def two_connections_with_one_key_are_two(target: Target) -> None:
    """A key tells no client from another: it is there for the answer to the handshake alone."""
    request = target.upgrade_request()
    peers = [await target.handshake(request)]
    try:
        peers.append(await target.handshake(request))
    except Failure as failure:
        raise Unsupported("a server that takes a key again", failure.got) from failure
    for word in ("one", "two"):
        for number, peer in enumerate(peers):
            text = f"{word} of {number}".encode()
            peer.send(client_frame(Opcode.TEXT, text))
            await peer.expect(Opcode.TEXT, text)


@case("rfc6455-6.1-own-connection")
async def reason_of_one_close_is_in_no_answer_to_another(target: Target) -> None:
    reason = target.unique("left-by-one")
    for said in (reason, ""):
        peer = await target.connect()
        peer.send(close_frame(1001, said))
        close = await peer.expect_close()
        if not said and reason in parse_close(close.payload)[1]:
            raise Failure("an answer without the reason of another client", str(close))
