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
