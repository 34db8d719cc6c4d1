"""The delivery checker against a slow, obvious model, over histories drawn by chance."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sockproof.analysis.delivery.checker import Delivery
from tests.analysis.history import Written


@dataclass
class Model:
    """Clients that stay in rooms, messages, and who heard them, judged one by one."""

    stays: list[tuple[int, str, int, int, int, int]] = field(default_factory=list)
    messages: list[tuple[int, int, str, int, int]] = field(default_factory=list)
    receipts: list[tuple[int, int, int, int]] = field(default_factory=list)

    def judge(self, clients: int) -> Counter[str]:
        found: Counter[str] = Counter()
        rooms = {(sender, sequence): room for sender, sequence, room, *_ in self.messages}
        for sender, sequence, room, at, acked in self.messages:
            for client in range(clients):
                own = [each[2:] for each in self.stays if each[:2] == (client, room)]
                heard = [
                    time
                    for r, s, q, time in self.receipts
                    if (r, s, q) == (client, sender, sequence)
                ]
                if all(each[1] != room for each in self.stays):  # nobody knows whom it was for
                    found["undetermined"] += len(heard)
                    continue
                sure = any(joined <= at and leaving >= acked for _, joined, leaving, _ in own)
                may = any(asked <= acked and left >= at for asked, _, _, left in own)
                stray = [t for t in heard if not any(a <= t and e >= at for a, _, _, e in own)]
                known = len(heard) - len(stray)
                found["leaked"] += len(stray)
                found["due"] += sure
                found["lost"] += sure and not known
                found["undetermined"] += may and not sure and not known
                found["duplicated"] += max(known - 1, 0)
        for client in range(clients):
            highest: dict[tuple[int, str], int] = {}
            seen = set()
            for receiver, sender, sequence, _ in self.receipts:
                if receiver == client and (sender, sequence) not in seen:
                    seen.add((sender, sequence))
                    key = sender, rooms[sender, sequence]
                    found["reordered"] += sequence < highest.get(key, 0)
                    highest[key] = max(highest.get(key, 0), sequence)
        return found


@st.composite
def histories(draw: Any) -> tuple[int, Model]:
    clients = draw(st.integers(1, 4))
    model = Model()
    for client in range(clients):
        for room in ("red", "blue"):
            start = 10
            for _ in range(draw(st.integers(0, 2))):
                steps = [draw(st.integers(0, 40)) for _ in range(4)]
                asked = start + steps[0]
                joined = asked + steps[1]
                leaving = joined + steps[2]
                left = leaving + steps[3]
                model.stays.append((client, room, asked, joined, leaving, left))
                start = left + 1
    for sender in range(clients):
        at = 1
        for sequence in range(1, draw(st.integers(0, 4)) + 1):
            at += draw(st.integers(1, 60))
            acked = at + draw(st.integers(1, 30))
            model.messages.append(
                (sender, sequence, draw(st.sampled_from(["red", "blue"])), at, acked)
            )
    for sender, sequence, _, at, _ in model.messages:
        for _ in range(draw(st.integers(0, 4))):
            receiver = draw(st.integers(0, clients - 1))
            model.receipts.append((receiver, sender, sequence, at + draw(st.integers(0, 40))))
    model.receipts = draw(st.permutations(model.receipts))
    return clients, model


def written(model: Model, clients: int, processes: int, folder: Path) -> Iterator[Delivery]:
    run = Written(folder, processes)
    who = [run.client(process=number % processes) for number in range(clients)]
    for client, room, asked, joined, leaving, left in model.stays:
        run.join(who[client], room, asked, joined)
        run.leave(who[client], room, leaving, left)
    for sender, sequence, room, at, acked in model.messages:
        run.say(who[sender], sequence, room, at, acked)
    for receiver, sender, sequence, time in model.receipts:
        run.hear(who[receiver], who[sender], sequence, time)
    yield run.check()


@settings(max_examples=150, deadline=None)
@given(histories(), st.integers(1, 2))
def test_checker_agrees_with_the_model(history: tuple[int, Model], processes: int) -> None:
    clients, model = history
    with tempfile.TemporaryDirectory() as folder:
        for found in written(model, clients, processes, Path(folder)):
            expected = model.judge(clients)
            for name in ("due", "lost", "duplicated", "leaked", "reordered", "undetermined"):
                assert found.counts[name] == expected[name], (name, model)


@dataclass
class Lives:
    """One speaker, and a hearer with several connections to one room, judged one by one."""

    spans: list[tuple[int, int]]  # from when to when each connection is open and in the room
    messages: list[tuple[int, int]]  # when each was sent and acknowledged
    receipts: list[tuple[int, int, bool]]  # message, connection, whether it is of a history
    replays: bool

    def judge(self) -> Counter[str]:
        found: Counter[str] = Counter()
        spans = [self.spans[-1], *([(self.spans[0][0], self.spans[-1][1])] * self.replays)]
        for connection, (begin, end) in enumerate(self.spans[:-1]):
            # What it heard last tells how much one that ended still owed.
            newest = [self.messages[each][0] for each, by, _ in self.receipts if by == connection]
            spans.append((begin, min(end, max(newest, default=0))))
        for number, (at, acked) in enumerate(self.messages):
            heard = [each for each in self.receipts if each[0] == number]
            live = sum(not history for _, _, history in heard)
            due = any(begin <= at and acked <= end for begin, end in spans)
            found["due"] += due
            found["lost"] += due and not heard
            found["duplicated"] += max(live - 1, 0)
        order: dict[int, list[int]] = {}
        firsts = {}
        for number, connection, history in self.receipts:
            if number not in firsts:
                firsts[number] = connection
                if not history:
                    order.setdefault(0 if self.replays else connection, []).append(number)
        for heard_in_order in order.values():
            highest = -1
            for number in heard_in_order:
                found["reordered"] += number < highest
                highest = max(highest, number)
        return found


@st.composite
def lives(draw: Any) -> Lives:
    spans, at = [], 10
    for _ in range(draw(st.integers(1, 3))):
        begin = at + draw(st.integers(1, 20))
        at = begin + draw(st.integers(1, 40))
        spans.append((begin, at))
    spans[-1] = spans[-1][0], 9_999
    times = sorted(draw(st.lists(st.integers(1, at + 40), max_size=6, unique=True)))
    messages = [(each, each + draw(st.integers(1, 10))) for each in times]
    some = st.tuples(st.integers(0, len(times) - 1), st.integers(0, len(spans) - 1), st.booleans())
    receipts = draw(st.lists(some, max_size=8)) if times else []
    # What is heard over a connection comes in its time.
    return Lives(spans, messages, sorted(receipts, key=lambda each: each[1]), draw(st.booleans()))


@settings(max_examples=100, deadline=None)
@given(lives())
def test_checker_agrees_with_the_model_over_connections(model: Lives) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Written(Path(folder))
        speaker = run.client()
        users: list[tuple[int, int]] = []
        for number, (begin, end) in enumerate(model.spans):
            before = users[-1] if users else None
            users.append(run.client(begin - 1, follows=before, flags=int(model.replays)))
            run.join(users[-1], "room", begin - 1, begin)
            if number < len(model.spans) - 1:
                run.end(users[-1], end)
        for number, (at, acked) in enumerate(model.messages):
            run.say(speaker, number + 1, "room", at, acked)
        for number, connection, history in model.receipts:
            run.hear(users[connection], speaker, number + 1, 5_000, history=history)
        found, expected = run.check(), model.judge()
        for name in ("due", "lost", "duplicated", "reordered"):
            assert found.counts[name] == expected[name], (name, model)
