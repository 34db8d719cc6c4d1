"""Rooms R27 and R36: many clients join, leave and speak at once, and each event is accounted for.

Joins and leaves are judged by their acknowledgements: a client is a member from the
acknowledgement of its join to the request of its leave, and none from the acknowledgement of its
leave to the request of its next join. In between an event may be heard or not. With several
server processes an acknowledged event may still be on its way to another process, so that only
what is said after the last leave is surely not heard.
"""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sockproof.conformance import Failure, SocketIOPeer, Target, case

KINDS = {"transport": ("websocket", "polling"), "kind": ("text", "binary")}
NEEDS = {"join", "leave", "emit"}
LIMIT = 15.0  # seconds; a server that is in order needs one or two

Span = tuple[int, int]  # from a request to its acknowledgement, in steps of the case's clock


@dataclass
class Race:
    """What was done, with the time of each step, and what was heard."""

    one_process: bool
    clock: Iterator[int] = field(default_factory=itertools.count)
    events: dict[tuple[int, int], Span] = field(default_factory=dict)  # (speaker, number)
    joins: list[Span] = field(default_factory=list)
    leaves: list[Span] = field(default_factory=list)
    steady: list[tuple[int, int]] = field(default_factory=list)
    flapper: list[tuple[int, int]] = field(default_factory=list)

    def surely_heard(self) -> list[tuple[int, int]]:
        """Events of which request and acknowledgement lie where the flapper was a member."""
        if not self.one_process:
            return []
        inside = [(join[1], leave[0]) for join, leave in zip(self.joins, self.leaves, strict=True)]
        return self._within(inside)

    def surely_not_heard(self) -> list[tuple[int, int]]:
        """Events of which request and acknowledgement lie where it was none."""
        ends = [leave[1] for leave in self.leaves]
        begins = [*(join[0] for join in self.joins[1:]), 1 << 60]
        times = list(zip(ends, begins, strict=True))
        return self._within(times if self.one_process else times[-1:])

    def _within(self, times: list[Span]) -> list[tuple[int, int]]:
        return [
            event
            for event, (asked, done) in self.events.items()
            if any(begin < asked and done < end for begin, end in times)
        ]


def _payload(kind: str, speaker: int, number: int) -> list[Any]:
    """Arguments that tell who says what; octets of their own where binary data is asked for."""
    octets = {"$bin": [speaker, number % 256, *range(number % 7)]}
    return [speaker, number, octets] if kind == "binary" else [speaker, number]


def _heard(data: list[Any], kind: str) -> tuple[int, int]:
    """Who said what; a wrong attachment is a Failure."""
    _, speaker, number, *octets = data
    wanted = [bytes([speaker, number % 256, *range(number % 7)])] if kind == "binary" else []
    if octets != wanted:
        raise Failure(f"event {number} of speaker {speaker} with {wanted}", repr(data)[:200])
    return speaker, number


async def _all_heard(peer: SocketIOPeer, kind: str) -> list[tuple[int, int]]:
    """What a client heard, up to the fence."""
    heard: list[tuple[int, int]] = []
    while True:
        got = await peer.receive_event()
        if got.data[0] == "fence":
            return heard
        heard.append(_heard(got.data, kind))


async def _fence(speaker: SocketIOPeer, *hearers: SocketIOPeer) -> None:
    """Say the word that is behind everything that has been acknowledged."""
    to = [hearer.sid for hearer in hearers]
    await speaker.proof("emit", event="fence", args=[], to=to)


async def _race(target: Target, transport: str, kind: str) -> Race:
    """Two speak, one stays, one joins and leaves and joins again."""
    first, second, steady, flapper = await target.connect_socketio(4, transport)
    room, race = target.unique("room"), Race(not target.supports("cluster"))
    await steady.proof("join", rooms=[room])
    racing = True

    async def speak(peer: SocketIOPeer, speaker: int) -> None:
        for number in range(400):
            if not racing:
                return
            asked = next(race.clock)
            args = _payload(kind, speaker, number)
            await peer.proof("emit", event="said", args=args, to=[room])
            race.events[speaker, number] = (asked, next(race.clock))

    async def flap() -> None:
        nonlocal racing
        for _ in range(6):
            for op, spans in (("join", race.joins), ("leave", race.leaves)):
                asked = next(race.clock)
                await flapper.proof(op, rooms=[room])
                spans.append((asked, next(race.clock)))
                for _ in range(3):  # some events lie wholly within
                    await flapper.proof("info")
        racing = False

    await asyncio.gather(speak(first, 1), speak(second, 2), flap())
    await first.proof("emit", event="said", args=_payload(kind, 1, 999), to=[room])
    race.events[1, 999] = (next(race.clock), next(race.clock))
    await _fence(first, steady, flapper)
    race.steady = await _all_heard(steady, kind)
    race.flapper = await _all_heard(flapper, kind)
    return race


def _expect_order(heard: list[tuple[int, int]]) -> None:
    """No event twice, and those of one speaker in the order in which it spoke."""
    for speaker in {speaker for speaker, _ in heard}:
        numbers = [number for each, number in heard if each == speaker]
        if numbers != sorted(set(numbers)):
            raise Failure(f"events of speaker {speaker} in order, none twice", f"{numbers}"[:300])


@case("rooms-race-steady-member", needs=NEEDS, exclusive=True, limit=LIMIT, over=KINDS)
async def steady_member_hears_every_event_while_others_come_and_go(
    target: Target, transport: str, kind: str
) -> None:
    race = await _race(target, transport, kind)
    _expect_order(race.steady)
    if missing := sorted(race.events.keys() - set(race.steady)):
        raise Failure(f"{len(race.events)} events", f"all but {missing}"[:300])


@case("rooms-race-flapper", needs=NEEDS, exclusive=True, limit=LIMIT, over=KINDS)
async def client_that_comes_and_goes_hears_what_is_said_while_it_is_there(
    target: Target, transport: str, kind: str
) -> None:
    race = await _race(target, transport, kind)
    _expect_order(race.flapper)
    if missing := sorted(set(race.surely_heard()) - set(race.flapper)):
        raise Failure("every event between a join and the next leave", f"all but {missing}"[:300])


@case("rooms-race-left", needs=NEEDS, exclusive=True, limit=LIMIT, over=KINDS)
async def client_whose_leave_is_acknowledged_hears_no_more(
    target: Target, transport: str, kind: str
) -> None:
    race = await _race(target, transport, kind)
    if extra := sorted(set(race.surely_not_heard()) & set(race.flapper)):
        raise Failure("no event between a leave and the next join", f"{extra}"[:300])


# Everybody speaks.

MEMBERS = 8
EVENTS = 10  # of each


async def _crowd(target: Target, transport: str, kind: str) -> list[list[tuple[int, int]]]:
    """Every member speaks to the room at once; gives what each of them heard."""
    crowd = await target.connect_socketio(MEMBERS, transport)
    room = target.unique("room")
    for member in crowd:
        await member.proof("join", rooms=[room])

    async def speak(speaker: int) -> None:
        for number in range(EVENTS):
            args = _payload(kind, speaker, number)
            await crowd[speaker].proof("emit", event="said", args=args, to=[room])

    await asyncio.gather(*map(speak, range(MEMBERS)))
    await _fence(crowd[0], *crowd)
    return list(await asyncio.gather(*(_all_heard(member, kind) for member in crowd)))


@case("rooms-crowd-once", needs=NEEDS, exclusive=True, limit=LIMIT, over=KINDS)
async def every_member_of_a_crowd_hears_every_event_once(
    target: Target, transport: str, kind: str
) -> None:
    spoken = sorted((speaker, number) for speaker in range(MEMBERS) for number in range(EVENTS))
    for heard in await _crowd(target, transport, kind):
        if sorted(heard) != spoken:
            missing = sorted(set(spoken) - set(heard))
            twice = sorted({each for each in heard if heard.count(each) > 1})
            got = f"missing {missing}, more than once {twice}"
            raise Failure(f"{len(spoken)} events, each once", got[:300])


@case(
    "rooms-crowd-attachments",
    needs=NEEDS,
    exclusive=True,
    limit=LIMIT,
    over={"transport": ("websocket", "polling")},
)
async def every_attachment_in_a_crowd_belongs_to_its_event(target: Target, transport: str) -> None:
    await _crowd(target, transport, "binary")


@case("rooms-crowd-order", needs=NEEDS, exclusive=True, limit=LIMIT, over=KINDS)
async def events_of_each_speaker_in_a_crowd_arrive_in_order(
    target: Target, transport: str, kind: str
) -> None:
    for heard in await _crowd(target, transport, kind):
        _expect_order(heard)
