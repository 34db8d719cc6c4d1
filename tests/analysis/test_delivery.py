"""The delivery checker against histories with known faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.load.record.recorder import EVERYONE, ITSELF, NOBODY, EmitFlag
from tests.analysis.history import RUN, Written, violations


@pytest.fixture
def run(tmp_path: Path) -> Written:
    return Written(tmp_path)


def room_of_three(run: Written) -> list[tuple[int, int]]:
    clients = [run.client() for _ in range(3)]
    for client in clients:
        run.join(client, "lobby", 1, 2)
    return clients


def test_what_everyone_hears_once_is_in_order(run: Written) -> None:
    clients = room_of_three(run)
    run.say(clients[0], 1, "lobby", 10, acked=20)
    for client in clients:
        run.hear(client, clients[0], 1, 15)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == found.exercised["lost"] == found.exercised["duplicated"] == 3
    assert found.counts["undetermined"] == 0


def test_lost_and_doubled_messages_are_counted_and_named(run: Written) -> None:
    clients = room_of_three(run)
    run.say(clients[0], 1, "lobby", 10, acked=20)
    run.hear(clients[0], clients[0], 1, 15)
    for _ in range(4):
        run.hear(clients[1], clients[0], 1, 15)
    found = run.check()
    assert violations(found) == {"lost": 1, "duplicated": 3}
    assert "message 1 of client 1 of process" in found.examples["lost"][0]
    assert "to lobby" in found.examples["lost"][0]
    assert "lost for client 3 of process" in found.examples["lost"][0]
    assert "; duplicated for client" in found.examples["duplicated"][0]


def test_who_is_told_to_be_skipped_is_owed_nothing(run: Written) -> None:
    clients = room_of_three(run)
    run.say(clients[0], 1, "lobby", 10, acked=20, flags=EmitFlag.SKIPS_SENDER)
    for client in clients:
        run.hear(client, clients[0], 1, 15)
    found = run.check()
    assert found.counts["due"] == 2
    assert violations(found) == {"leaked": 1}


@pytest.mark.parametrize("comes_back", [False, True])
def test_server_that_leaves_every_sender_out_is_told_how_to_be_judged(
    run: Written, comes_back: bool
) -> None:
    clients = room_of_three(run)
    for sequence in (1, 2):
        run.say(clients[0], sequence, "lobby", 10 * sequence, acked=10 * sequence + 9)
        for client in clients[1:]:
            run.hear(client, clients[0], sequence, 10 * sequence + 5)
    if comes_back:
        run.hear(clients[0], clients[0], 2, 25)
    found = run.check()
    assert violations(found) == {"lost": 1 if comes_back else 2}
    told = {text: count for text, count in found.why["lost"].items() if "skips_sender" in text}
    assert list(told.values()) == ([] if comes_back else [2])


def test_order_is_judged_by_sender_and_room_without_duplicates(run: Written) -> None:
    clients = room_of_three(run)
    for sequence in (1, 2, 3, 4):
        run.say(clients[0], sequence, "lobby", 10 + sequence, acked=20)
    for client in clients:
        # RFC 4737: 2 and 1 are reordered behind 3; the second 3 is a duplicate.
        for sequence in (3, 2, 3, 1, 4) if client == clients[1] else (1, 2, 3, 4):
            run.hear(client, clients[0], sequence, 30)
    found = run.check()
    assert violations(found) == {"reordered": 2, "duplicated": 1}
    assert found.exercised["reordered"] == 9
    assert [text.split("message ")[1][0] for text in found.examples["reordered"]] == ["1", "2"]
    assert "(reordered for client" in found.examples["reordered"][0]


def test_rooms_are_ordered_apart(run: Written) -> None:
    speaker, hearer = run.client(), run.client()
    for room in ("one", "two"):
        run.join(hearer, room, 1, 2)
    run.say(speaker, 1, "one", 10, acked=20)
    run.say(speaker, 2, "two", 11, acked=20)
    run.hear(hearer, speaker, 2, 15)
    run.hear(hearer, speaker, 1, 16)
    assert violations(run.check()) == {}


@pytest.mark.parametrize(
    ("left", "heard_at", "expected"),
    [
        ((30, 40), 50, {}),  # was a member when it was said
        ((3, 5), 50, {"leaked": 1}),
        ((3, 12), 50, {}),  # was perhaps still a member
        ((3, None), 50, {}),  # nobody knows when it had left
    ],
)
def test_leaks_are_what_surely_no_member_heard(
    run: Written, left: tuple[int, int | None], heard_at: int, expected: dict[str, int]
) -> None:
    speaker, hearer = run.client(), run.client()
    run.join(hearer, "lobby", 1, 2)
    run.leave(hearer, "lobby", *left)
    run.say(speaker, 1, "lobby", 10, acked=20)
    run.hear(hearer, speaker, 1, heard_at)
    assert violations(run.check()) == expected


def test_who_may_or_may_not_have_been_there_is_undetermined(run: Written) -> None:
    speaker, early, late = run.client(), run.client(), run.client()
    run.join(early, "lobby", 1, 15)  # the answer came while the message was on its way
    run.join(late, "lobby", 1, 2)
    run.leave(late, "lobby", 15, 30)
    run.say(speaker, 1, "lobby", 10, acked=20)
    found = run.check()
    assert violations(found) == {}
    assert found.counts["due"] == 0
    assert found.counts["undetermined"] == 2


def test_members_who_came_back_are_owed_from_then_on(run: Written) -> None:
    speaker, member = run.client(), run.client()
    for start in (0, 100, 200):
        run.join(member, "lobby", start + 1, start + 2)
        run.leave(member, "lobby", start + 50, start + 60)
        run.say(speaker, start // 100 * 2 + 1, "lobby", start + 10, acked=start + 20)
        run.say(speaker, start // 100 * 2 + 2, "lobby", start + 70, acked=start + 80)
    found = run.check()
    assert found.counts["due"] == 3
    assert violations(found) == {"lost": 3}


@pytest.mark.parametrize("asked", [True, False])
def test_connection_that_ended_owes_what_came_before_something_it_heard(
    run: Written, asked: bool
) -> None:
    speaker, member, steady = run.client(), run.client(), run.client()
    for client in (member, steady):
        run.join(client, "lobby", 1, 2)
    for sequence, at in ((1, 10), (2, 30), (3, 33), (4, 50)):
        run.say(speaker, sequence, "lobby", at, acked=at + 10)
        run.hear(steady, speaker, sequence, at + 5)
    run.hear(member, speaker, 2, 55)
    if asked:
        run.recorders[0].disconnecting(member[1], 60)
    run.recorders[0].ended(member[1], 4, 55, 61)
    found = run.check()
    # 1 was through when 2 was sent; 3 and 4 may have been on their way when the connection ended.
    assert violations(found) == {"lost": 1} | ({} if asked else {"broken": 1})
    assert found.counts["undetermined"] == 2


def test_message_of_a_sender_that_was_cut_off_may_never_have_arrived(run: Written) -> None:
    speaker, member = run.client(), run.client()
    run.join(member, "lobby", 1, 2)
    run.say(speaker, 1, "lobby", 10)
    run.recorders[0].dropped(speaker[1], 4, 9, 12)
    found = run.check()
    assert violations(found) == {"broken": 1}
    assert found.counts["undetermined"] == 1


def test_message_without_acknowledgement_that_one_heard_is_due_from_all(run: Written) -> None:
    clients = room_of_three(run)
    run.say(clients[0], 1, "lobby", 10)
    run.recorders[0].dropped(clients[0][1], 4, 9, 12)
    run.hear(clients[1], clients[0], 1, 15)
    assert violations(run.check()) == {"lost": 1, "broken": 1}


def test_broadcast_is_for_all_who_are_connected(run: Written) -> None:
    speaker, early, late = run.client(), run.client(), run.client(at=50)
    run.say(speaker, 1, EVERYONE, 10, acked=20)
    for client in (speaker, late):
        run.hear(client, speaker, 1, 60)
    found = run.check()
    assert violations(found) == {"lost": 1}
    assert early != late
    assert found.counts["due"] == 2


def test_echo_is_for_its_sender_alone(run: Written) -> None:
    one, other = run.client(), run.client()
    run.say(one, 1, ITSELF, 10, acked=20)
    run.hear(one, one, 1, 20)
    run.hear(other, one, 1, 20)
    run.say(one, 2, ITSELF, 30, acked=40)
    run.say(other, 1, NOBODY, 30, acked=40)
    run.hear(other, other, 1, 50)
    assert violations(run.check()) == {"lost": 1, "leaked": 2}


def test_corrupted_invented_and_foreign_messages(run: Written) -> None:
    clients = room_of_three(run)
    run.say(clients[0], 1, "lobby", 10, acked=20)
    for client in clients:
        run.hear(client, clients[0], 1, 15, intact=client != clients[2])
    run.hear(clients[1], clients[0], 99, 16)
    run.hear(clients[1], clients[0], 1, 17, run=RUN + 1)
    run.recorders[0].received_unmarked(clients[1][1], 18)
    found = run.check()
    assert violations(found) == {"corrupted": 2, "invented": 1}
    assert found.counts["undetermined"] == 1
    assert found.counts["receipts"] == found.exercised["invented"] == 6


def test_rooms_of_one_name_are_one_in_all_processes(tmp_path: Path) -> None:
    run = Written(tmp_path, processes=2)
    run.recorders[1].room("another")  # so that the numbers differ
    near, far = run.client(process=0), run.client(process=1)
    for client in (near, far):
        run.join(client, "lobby", 1, 2)
    run.say(near, 1, "lobby", 10, acked=20)
    run.hear(near, near, 1, 15)
    assert violations(run.check()) == {"lost": 1}


def test_killed_process_owes_nothing_that_was_under_way(tmp_path: Path) -> None:
    run = Written(tmp_path, processes=2)
    near, far = run.client(process=0), run.client(process=1)
    for client in (near, far):
        run.join(client, "lobby", 1, 2)
    run.say(near, 1, "lobby", 10, acked=20)
    run.say(near, 2, "lobby", 30, acked=40)
    for sequence in (1, 2):
        run.hear(near, near, sequence, 45)
    run.hear(far, near, 1, 15)
    found = run.check(killed=(1,))
    assert found.killed == 1
    assert violations(found) == {}
    assert found.counts["undetermined"] == 1
