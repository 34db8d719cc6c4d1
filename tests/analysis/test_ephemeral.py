"""Messages without a stamp, in histories with known faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.analysis.summary.unstamped import ephemeral_of
from sockproof.runs.load_records import EVERYONE, EmitFlag, LifeFlag
from tests.analysis.history import Written, violations

Client = tuple[int, int]
WRONG = "miscounted"


@pytest.fixture
def run(tmp_path: Path) -> Written:
    return Written(tmp_path, processes=2)


def three(run: Written) -> list[Client]:
    """Two in one process, one in another, all in the lobby."""
    clients = [run.client(process=process) for process in (0, 0, 1)]
    for client in clients:
        run.join(client, "lobby", 1, 2)
    return clients


def typing(run: Written, client: Client, at: int, mark: int = 7, room: str | int = "lobby") -> None:
    recorder = run.recorders[client[0]]
    number = recorder.room(room) if isinstance(room, str) else room
    recorder.notified(client[1], number, "typing", mark, at, EmitFlag.SKIPS_SENDER)


def notice(run: Written, client: Client, *times: int, mark: int = 7) -> None:
    for at in times:
        run.recorders[client[0]].noticed(client[1], "typing", mark, at)


def test_what_all_hear_is_right_and_timed(run: Written) -> None:
    first, *others = three(run)
    for at in (50, 60):
        typing(run, first, at)
    for each in others:
        notice(run, each, 53, 64)
    found = run.check()
    told = found.ephemeral["typing"]
    assert violations(found) == {}
    assert (told.sent, told.received, told.due) == (2, 4, 4)
    assert dict(told.latency.counts) == {3: 2, 4: 2}
    assert found.exercised[WRONG] == 4
    part = ephemeral_of(found)["typing"]
    assert part.untold == [
        "which of them was lost or came twice, their order and their contents cannot be told"
    ]


def test_what_is_missing_is_counted_and_not_attributed(run: Written) -> None:
    first, second, third = three(run)
    for at in (50, 60):
        typing(run, first, at)
    notice(run, second, 64)
    notice(run, third, 53, 64)
    found = run.check()
    assert violations(found) == {WRONG: 1}
    assert found.ephemeral["typing"].missing == 1
    assert found.ephemeral["typing"].latency.samples == 2  # of the third alone
    assert "client 2 of process" in found.examples[WRONG][0]
    assert "received 1 typing where 2 were due; which" in found.examples[WRONG][0]


@pytest.mark.parametrize("who", range(3))
def test_what_comes_too_often_is_counted(who: int, run: Written) -> None:
    clients = three(run)
    typing(run, clients[0], 50)
    for each in clients[1:]:
        notice(run, each, 53)
    notice(run, clients[who], 54)  # of the first, who is to be skipped, the only one
    assert violations(run.check()) == {WRONG: 1}


def test_stranger_to_the_room_hears_too_much(run: Written) -> None:
    first, *others = three(run)
    stranger = run.client(process=1)
    typing(run, first, 50)
    for each in (*others, stranger):
        notice(run, each, 53)
    assert violations(run.check()) == {WRONG: 1}


def test_values_are_counted_apart(run: Written) -> None:
    first, second, third = three(run)
    typing(run, first, 50, mark=1)
    typing(run, second, 51, mark=2)
    notice(run, third, 53, 54, mark=1)
    notice(run, second, 53, mark=1)
    notice(run, first, 53, mark=2)
    found = run.check()
    assert violations(found) == {WRONG: 2}  # one too many of the first, one too few of the second
    assert (found.ephemeral["typing"].missing, found.ephemeral["typing"].surplus) == (1, 1)


@pytest.mark.parametrize("flags", [0, LifeFlag.REPLAYS])
def test_nothing_is_due_to_who_was_away(flags: int, run: Written) -> None:
    first, _, third = three(run)
    typing(run, first, 150, room=EVERYONE)
    run.end(third, 100)
    again = run.client(200, follows=third, flags=flags)
    run.join(again, "lobby", 210, 220)
    typing(run, first, 300)
    notice(run, run_second(run), 155, 303)
    notice(run, again, 303)
    assert violations(run.check()) == {}


def run_second(run: Written) -> Client:
    return 0, 2


def test_values_that_nobody_sent_accuse_nobody(run: Written) -> None:
    """The scenario has another value than the application tells."""
    first, *others = three(run)
    typing(run, first, 50)
    for each in others:
        notice(run, each, 53, mark=8)
    found = run.check()
    assert violations(found) == {}
    assert "has a value of `by` that was sent" in ephemeral_of(found)["typing"].untold[1]


def test_nobody_is_accused_where_records_are_not_whole(run: Written) -> None:
    first, second, _ = three(run)
    typing(run, first, 50)
    notice(run, second, 53, 54)
    assert violations(run.check(killed=(1,))) == {}
