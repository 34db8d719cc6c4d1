"""Users that outlive their connections, in histories with known faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.runs.load_records import EVERYONE, LifeFlag, Reason
from tests.analysis.history import Written, violations

Client = tuple[int, int]
REPLAYS, RECOVERED = LifeFlag.REPLAYS, LifeFlag.RECOVERED


@pytest.fixture
def run(tmp_path: Path) -> Written:
    return Written(tmp_path)


def pair(run: Written) -> tuple[Client, Client]:
    """A speaker, and a hearer in the lobby."""
    speaker, hearer = run.client(), run.client()
    run.join(hearer, "lobby", 1, 2)
    return speaker, hearer


def back(run: Written, client: Client, flags: int = 0, rejoin: bool = True) -> Client:
    """The hearer is away from 100 to 200."""
    run.end(client, 100)
    again = run.client(200, follows=client, flags=flags)
    if rejoin:
        run.join(again, "lobby", 210, 220)
    return again


def speak(run: Written, speaker: Client, *times: int) -> None:
    for sequence, at in enumerate(times, 1):
        run.say(speaker, sequence, "lobby", at, acked=at + 5)


@pytest.mark.parametrize("flags", [0, REPLAYS, RECOVERED])
def test_what_is_heard_before_and_after_is_doubled(flags: int, run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 50, 300)
    run.hear(hearer, speaker, 1, 52)
    again = back(run, hearer, flags)
    run.hear(again, speaker, 1, 230)
    run.hear(again, speaker, 2, 302)
    assert violations(run.check()) == {"duplicated": 1}


def test_what_is_said_meanwhile_is_owed_to_nobody(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 50, 150, 160, 300)
    run.hear(hearer, speaker, 1, 52)
    again = back(run, hearer)
    run.hear(again, speaker, 3, 205)  # before it asks to be let in: handed over unasked
    run.hear(again, speaker, 4, 302)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == 1  # the last; whether the first came in time nobody knows
    assert found.counts["undetermined"] == 1


def test_what_is_said_to_a_room_that_it_is_out_of_is_a_leak(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 150, 300)
    again = back(run, hearer, rejoin=False)
    run.hear(again, speaker, 2, 302)
    assert violations(run.check()) == {"leaked": 1}


@pytest.mark.parametrize("flags", [REPLAYS, RECOVERED])
def test_what_is_replayed_once_and_in_order_is_right(flags: int, run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 50, 99, 150, 300)
    run.hear(hearer, speaker, 1, 52)
    again = back(run, hearer, flags)
    for sequence, at in ((2, 230), (3, 231), (4, 302)):
        run.hear(again, speaker, sequence, at)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == 4
    assert found.counts["undetermined"] == 0


@pytest.mark.parametrize("flags", [REPLAYS, RECOVERED])
@pytest.mark.parametrize(
    ("replayed", "wrong"),
    [((3,), {"lost": 1}), ((3, 2), {"reordered": 1}), ((2, 3, 3), {"duplicated": 1})],
)
def test_wrong_replays_are_found(
    replayed: tuple[int, ...], wrong: dict[str, int], flags: int, run: Written
) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 50, 150, 160, 300)
    run.hear(hearer, speaker, 1, 52)
    again = back(run, hearer, flags)
    for at, sequence in enumerate(replayed, 230):
        run.hear(again, speaker, sequence, at)
    run.hear(again, speaker, 4, 302)
    assert violations(run.check()) == wrong


def test_order_is_kept_over_connections_where_nothing_is_missed(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 50, 60)
    run.hear(hearer, speaker, 2, 62)
    again = back(run, hearer, REPLAYS)
    run.hear(again, speaker, 1, 230)
    assert violations(run.check()) == {"reordered": 1}


def test_one_room_may_be_replayed_and_another_not(run: Written) -> None:
    speaker, hearer = pair(run)
    run.join(hearer, "other", 1, 2)
    run.end(hearer, 100)
    run.say(speaker, 1, "lobby", 150, acked=155)
    run.say(speaker, 2, "other", 160, acked=165)
    again = run.client(200, follows=hearer)
    run.join(again, "lobby", 210, 220, replays=True)
    run.join(again, "other", 210, 220)
    found = run.check()
    assert violations(found) == {"lost": 1}
    assert "message 1 of" in found.examples["lost"][0]


@pytest.mark.parametrize(("flags", "lost"), [(REPLAYS, 1), (RECOVERED, 1), (0, 0)])
def test_everyone_is_a_room_too(flags: int, lost: int, run: Written) -> None:
    speaker, hearer = pair(run)
    run.say(speaker, 1, EVERYONE, 150, acked=155, flags=2)
    back(run, hearer, flags)
    assert run.check().counts["lost"] == lost


@pytest.mark.parametrize("flags", [REPLAYS, RECOVERED])
def test_who_does_not_ask_again_stays_where_it_was(flags: int, run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 150, 300, 310)
    again = back(run, hearer, flags, rejoin=False)
    run.hear(again, speaker, 1, 205)
    run.hear(again, speaker, 3, 312)
    assert violations(run.check()) == {"lost": 1}


@pytest.mark.parametrize("flags", [REPLAYS, RECOVERED])
@pytest.mark.parametrize("rejoin", [True, False])
def test_who_leaves_a_room_is_owed_nothing_more(rejoin: bool, flags: int, run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 150, 300)
    again = back(run, hearer, flags, rejoin)
    run.leave(again, "lobby", 250, 260)
    found = run.check()
    assert violations(found) == {"lost": 1}  # what it had missed, and was in the room for
    assert found.counts["due"] == 1


def test_replay_may_still_be_about_to_come_when_a_connection_ends(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 150, 300)
    again = back(run, hearer, REPLAYS)
    run.hear(again, speaker, 2, 302)
    run.end(again, 400)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == 0


def test_replay_may_come_over_a_later_connection(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 150, 160)
    second = back(run, hearer, REPLAYS)
    run.hear(second, speaker, 1, 230)
    run.end(second, 400)
    third = run.client(500, follows=second, flags=REPLAYS)
    run.join(third, "lobby", 510, 520)
    run.hear(third, speaker, 2, 530)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == 2


def test_own_message_that_comes_back_later_is_the_users(run: Written) -> None:
    speaker = run.client()
    run.say(speaker, 1, 1, 50, acked=55)
    run.end(speaker, 100)
    again = run.client(200, follows=speaker)
    run.hear(again, speaker, 1, 210)
    assert violations(run.check()) == {}


def test_history_is_heard_and_neither_doubled_nor_out_of_order(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 50, 150, 160, 300)
    run.hear(hearer, speaker, 1, 52)
    again = back(run, hearer, REPLAYS)
    run.hear(again, speaker, 4, 302)
    for sequence in (4, 3, 2, 1):
        run.hear(again, speaker, sequence, 303, history=True)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == 4


def test_history_that_leaves_something_out_loses_it(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 150, 160)
    again = back(run, hearer, REPLAYS)
    run.hear(again, speaker, 2, 230, history=True)
    assert violations(run.check()) == {"lost": 1}


def test_what_is_live_twice_is_doubled_beside_a_history(run: Written) -> None:
    speaker, hearer = pair(run)
    speak(run, speaker, 50)
    for at, history in ((52, False), (53, True), (54, False)):
        run.hear(hearer, speaker, 1, at, history=history)
    assert violations(run.check()) == {"duplicated": 1}


def test_room_that_was_joined_twice_is_left_at_once(run: Written) -> None:
    speaker, hearer = pair(run)
    run.join(hearer, "lobby", 5, 6)
    run.leave(hearer, "lobby", 10, 20)
    speak(run, speaker, 50)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == 0


def test_connections_of_two_processes_are_two_users(tmp_path: Path) -> None:
    run = Written(tmp_path, processes=2)
    speaker, hearer = run.client(), run.client(process=1)
    run.join(hearer, "lobby", 1, 2)
    speak(run, speaker, 50, 300)
    run.hear(hearer, speaker, 1, 52)
    again = back(run, hearer)
    for sequence in (1, 2):
        run.hear(again, speaker, sequence, 302)
    found = run.check()
    assert violations(found) == {"duplicated": 1}
    assert f"for client 1 of process {run.recorders[1].tag:08x}" in found.examples["duplicated"][0]


def test_ends_that_nobody_asked_for_are_told_by_connection(run: Written) -> None:
    _, hearer = pair(run)
    run.end(hearer, 100, Reason.RESET)
    again = run.client(200, follows=hearer)
    run.end(again, 300, Reason.RESET)
    assert violations(run.check()) == {"broken": 2}
