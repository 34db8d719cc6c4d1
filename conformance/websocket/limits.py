"""RFC 6455, section 10.4: limits, which every server may have.

Those that the target's profile declares are tested from both sides. Where it declares none, steps
upward find out what the server takes, which is reported and not judged.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sockproof.conformance import (
    UNANSWERED,
    Failure,
    Frame,
    Opcode,
    Seen,
    StreamClosed,
    Target,
    Unsupported,
    WebSocketPeer,
    case,
    client_frame,
    close_frame,
    still_serves,
)

KIB, MIB = 1024, 1024 * 1024
FAR_ABOVE = 1 << 40  # octets that no server takes in one frame
PARTING = 0.5  # seconds that a server gets to end TCP after its Close
AT_ONCE = 1.0  # seconds in which a length alone is refused


@dataclass(frozen=True)
class Refusal:
    """How the server refused; `proper` says whether in the way that tells the client why."""

    how: object  # what came, or in words
    proper: bool


Probe = Callable[[Target, int], Awaitable[Refusal | None]]


async def _answer(target: Target, peer: WebSocketPeer, *, echo: Frame) -> Refusal | None:
    """None when the last thing that comes is this echo or Pong; else how it was refused."""
    wanted = f"{echo}, or Close 1009"
    with target.awaits(wanted):
        while True:
            try:
                got = await peer.receive()
            except StreamClosed as closed:
                return Refusal(closed, proper=False)
            if got.opcode == Opcode.CLOSE:
                await _leave(peer)
                return Refusal(got, proper=got.payload[:2] in (b"\x03\xf1", b"\x03\xf0"))
            if (got.opcode, got.payload) == (echo.opcode, echo.payload):
                return None
            if got.opcode == echo.opcode and len(got.payload) == len(echo.payload) > 125:
                raise Failure(wanted, got)  # a shorter one may be the application's own


async def _leave(peer: WebSocketPeer) -> None:
    """Complete the closing handshake, so that the server need not wait for it."""
    peer.send(close_frame())
    with contextlib.suppress(TimeoutError, StreamClosed):
        async with asyncio.timeout(PARTING):
            while True:
                await peer.stream.read()


async def message(target: Target, octets: int) -> Refusal | None:
    peer = await target.connect()
    content = (bytes(range(32, 127)) * (octets // 95 + 1))[:octets]
    peer.send(client_frame(_kind(target), content))
    return await _answer(target, peer, echo=Frame(_kind(target), content))


async def fragments(target: Target, count: int) -> Refusal | None:
    peer = await target.connect()
    peer.send(client_frame(_kind(target), b"f", fin=count == 1))
    peer.send(
        *(client_frame(Opcode.CONT, b"f", fin=number == count) for number in range(2, count + 1))
    )
    return await _answer(target, peer, echo=Frame(_kind(target), b"f" * count))


def _kind(target: Target) -> Opcode:
    """The type of message that comes back as it was."""
    return Opcode.BINARY if target.supports("binary") else Opcode.TEXT


async def head(target: Target, octets: int) -> Refusal | None:
    request = target.upgrade_request()
    while (missing := octets - len(request.encode())) > 0:
        line = min(missing, 1000) if missing > 1100 or missing <= 1000 else missing - 100
        padding = max(0, line - len("X-Padding: \r\n"))
        request = request.adding("X-Padding", "p" * padding)
    peer = await target.http()
    peer.send(request)
    response = await peer.response_or_end("101 Switching Protocols, or a refusal")
    if response is None:
        return Refusal(UNANSWERED, proper=False)
    if response.status == 101:
        return None
    return Refusal(response, proper=response.status in (400, 413, 414, 431))


async def pings(target: Target, count: int) -> Refusal | None:
    peer = await target.connect()
    sent = [client_frame(Opcode.PING, b"ping %d" % number) for number in range(count)]
    peer.send(*sent)
    # Of several Pings that wait the server may answer the latest alone (5.5.3).
    return await _answer(target, peer, echo=Frame(Opcode.PONG, sent[-1].payload))


@dataclass(frozen=True)
class Limit:
    """A limit of the profile: how it is probed, how far, and in which steps."""

    unit: str
    probe: Probe
    steps: tuple[int, ...]

    @property
    def bound(self) -> int:
        """How much this harness sends at most."""
        return self.steps[-1]


LIMITS = {
    "max_message": Limit("octets", message, (64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB)),
    "max_fragments": Limit("fragments", fragments, (100, 1000, 4000, 10_000, 20_000)),
    "max_header_octets": Limit("octets", head, (KIB, 4 * KIB, 8 * KIB, 16 * KIB, 64 * KIB)),
    "max_pending_pings": Limit("Pings", pings, (10, 100, 1000)),
}


@case(
    "rfc6455-10.4-within-limits",
    needs="echo",
    exclusive=True,
    limit=30,
    over={"name": tuple(LIMITS)},
)
async def what_a_limit_allows_is_taken(target: Target, name: str) -> None:
    limit, declared = LIMITS[name], target.limit(name)
    if declared is None:
        await _find_out(target, name)
        return
    amount = min(declared, limit.bound)
    refusal = await limit.probe(target, amount)
    if refusal is not None:
        raise Failure(f"{amount} {limit.unit} taken, as {name} = {declared} says", refusal.how)


async def _find_out(target: Target, name: str) -> None:
    limit, taken = LIMITS[name], 0
    for amount in limit.steps:
        refusal = await limit.probe(target, amount)
        if refusal is not None:
            told = f"between {taken} and {amount} {limit.unit} ({refusal.how})"
            break
        taken = amount
    else:
        told = f"at least {taken} {limit.unit}"
    target.report(name, f"{told}, none declared")


def _declared(target: Target, name: str) -> int:
    """The limit that is to be exceeded; the case ends where that cannot be."""
    declared = target.limit(name)
    if declared is None:
        raise Unsupported(
            f"a profile that declares {name}", "it does not", lacks=(f"limits.{name}",)
        )
    if declared > LIMITS[name].bound:
        raise Unsupported(f"{name} of {LIMITS[name].bound} at most", f"{declared} is declared")
    return declared


@case(
    "rfc6455-10.4-protects-itself",
    needs="echo",
    exclusive=True,
    limit=30,
    over={"name": tuple(LIMITS)},
)
async def what_exceeds_a_limit_leaves_others_served(target: Target, name: str) -> None:
    declared = _declared(target, name)
    refusal = await LIMITS[name].probe(target, declared + 1)
    _judge(target, name, refusal)
    await still_serves(target)


@case("rfc6455-10.4-message-limit", needs="echo", exclusive=True, limit=30)
async def message_beyond_the_limit_is_refused_in_fragments_too(target: Target) -> None:
    declared = _declared(target, "max_message")
    peer = await target.connect()
    piece = b"f" * (declared // 4 + 1)
    peer.send(client_frame(_kind(target), piece, fin=False))
    peer.send(*(client_frame(Opcode.CONT, piece, fin=at == 3) for at in (1, 2, 3)))
    refusal = await _answer(target, peer, echo=Frame(_kind(target), piece * 4))
    _judge(target, "max_message", refusal)


def _judge(target: Target, name: str, refusal: Refusal | None) -> None:
    """What a server does beyond the limit that is declared for it."""
    codes = "400, 413, 414 or 431" if name == "max_header_octets" else "Close 1009 or 1008"
    if refusal is not None:
        if not refusal.proper:
            target.non_strict(f"what exceeds {name} refused with {codes}", refusal.how)
    elif name == "max_message":  # the one that 10.4 speaks of
        target.non_strict(f"what exceeds {name} refused with {codes}", "it is taken")
    else:
        target.report(name, f"more than the {target.limit(name)} declared")


@case("rfc6455-7.4.1-1009", needs="echo", exclusive=True, limit=30)
async def message_that_is_too_big_is_refused_with_1009(target: Target) -> None:
    declared = _declared(target, "max_message")
    refusal = await message(target, declared + 1)
    how = "it is taken" if refusal is None else refusal.how
    if not isinstance(how, Frame) or how.payload[:2] != b"\x03\xf1":
        target.non_strict("Close 1009", how)


@case("rfc6455-10.4-frame-limit", needs="echo")
async def length_far_above_the_limit_is_refused_without_its_payload(target: Target) -> None:
    peer = await target.connect()
    await peer.echoes()
    frame = client_frame(Opcode.BINARY, b"the beginning only", announced=FAR_ABOVE)
    peer.send(frame)
    wanted = f"a frame of {FAR_ABOVE} octets refused when its length has come"
    if await peer.closes_within(AT_ONCE):
        await peer.expect_failed(1009, 1008, 1002, fence="none")
        target.report(f"a frame of {FAR_ABOVE} octets", "refused by its length alone")
    elif target.limit("max_message") is None:
        target.report(f"a frame of {FAR_ABOVE} octets", "waited for, no limit declared")
    else:
        told = f"it is waited for: still open after {AT_ONCE:g} s"
        target.non_strict(wanted, told, seen=Seen.NOT_CLOSED)
