"""What answers say of messages, in histories with known faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.load.messages.answers import Increasing, Unique, Value, answers
from sockproof.runs.load_records import ValueFlag
from sockproof.vocabulary import Property
from tests.analysis.history import Written, violations

Client = tuple[int, int]


@pytest.fixture
def run(tmp_path: Path) -> Written:
    return Written(tmp_path, processes=2)


def answer(run: Written, client: Client, sequence: int, *values: Value, refused: str = "") -> None:
    recorder = run.recorders[client[0]]
    if refused:
        recorder.refuse(client[1], sequence, refused, 60)
    for value in values:
        recorder.value(client[1], sequence, *value, 60)


def test_refused_message_is_owed_to_nobody(run: Written) -> None:
    speaker, hearer = run.client(), run.client(process=1)
    for each in (speaker, hearer):
        run.join(each, "lobby", 1, 2)
    run.say(speaker, 1, "lobby", 50, acked=55)
    answer(run, speaker, 1, refused="rate limit")
    run.hear(speaker, speaker, 1, 52)  # that is told, perhaps by its own words
    found = run.check()
    assert violations(found) == {}
    assert found.counts["refused"] == 1
    assert found.why["refused"] == {"rate limit": 1}
    assert found.counts["due"] == 0
    assert found.exercised["contradicted"] == 1


def test_refused_message_that_others_hear_is_contradicted(run: Written) -> None:
    speaker, hearer = run.client(), run.client(process=1)
    run.join(hearer, "lobby", 1, 2)
    for sequence in (1, 2):
        run.say(speaker, sequence, "lobby", 50, acked=55)
        run.hear(hearer, speaker, sequence, 52)
    answer(run, speaker, 2, refused="rate limit")
    found = run.check()
    assert violations(found) == {"contradicted": 1}
    assert "message 2 of client 1" in found.examples["contradicted"][0]


def test_nothing_is_said_of_a_message_whose_check_failed(run: Written) -> None:
    speaker, hearer = run.client(), run.client()
    run.join(hearer, "lobby", 1, 2)
    for sequence in (1, 2):
        run.say(speaker, sequence, "lobby", 50, acked=55)
        run.recorders[0].unjudged(speaker[1], sequence, 60)
    run.hear(hearer, speaker, 2, 52)
    assert violations(run.check()) == {}


def ids(run: Written, check: Unique, *given: object, apart: int = 10) -> dict[str, int]:
    """What is wrong where two senders of two processes get these ids by turns."""
    senders = [run.client(process=process) for process in range(2)]
    said = answers(check)
    assert said is not None
    for turn, each in enumerate(given):
        sender, sequence, at = senders[turn % 2], turn // 2 + 1, 100 + turn * apart
        run.say(sender, sequence, f"room {turn % 2}", at, acked=at + 5)
        answer(run, sender, sequence, *said.values({"data": {"id": each}}))
    return violations(run.check())


WRONG = {Property.MISNUMBERED.value: 1}


@pytest.mark.parametrize(
    ("check", "given", "wrong"),
    [
        (Unique("data.id"), (1, 2, 3, 4), {}),
        (Unique("data.id"), ("a", "b", "a", "d"), WRONG),
        (Unique("data.id"), (1, "1", 2, 3), {}),
        (Unique("data.id"), (1, 1, 2, 3), WRONG),
        (Unique("data.id", within="room"), (1, 1, 2, 2), {}),
        (Unique("data.id", within="sender"), (1, 2, 1, 3), WRONG),
        (Unique(lambda answer: answer["data"]["id"] % 3), (1, 2, 4, 6), WRONG),
        (Unique("data.id"), (1, None, 2, 3), WRONG),
        (Increasing("data.id"), (1, 2, "3", 4.0), {}),
        (Increasing("data.id"), (-5, 0, 7, 1 << 62), {}),
        (Increasing("data.id"), (1, 3, 2, 4), WRONG),
        (Increasing("data.id"), (1, 2, 2, 4), WRONG),
        (Increasing("data.id", within="room"), (1, 1, 2, 2), {}),
        (Increasing("data.id", within="sender"), (5, 1, 4, 2), WRONG),
    ],
)
def test_values_are_unique_or_increase(
    check: Unique, given: tuple[object, ...], wrong: dict[str, int], run: Written
) -> None:
    assert ids(run, check, *given) == wrong


def test_order_of_what_was_under_way_together_is_unknown(run: Written) -> None:
    assert ids(run, Increasing("data.id"), 2, 1, 4, 3, apart=3) == {}


def test_each_label_is_an_assertion_of_its_own(run: Written) -> None:
    sender = run.client()
    both = answers([Unique("id"), Unique("number")])
    assert both is not None
    run.say(sender, 1, "lobby", 50, acked=55)
    answer(run, sender, 1, *both.values({"id": 1, "number": 1}))
    found = run.check()
    assert violations(found) == {}
    assert found.exercised["misnumbered"] == 2


def test_flags_say_what_is_asserted() -> None:
    flags = {each.flags for each in (Unique("id"), Increasing("id"), Unique("id", "room"))}
    assert flags == {0, ValueFlag.INCREASING, ValueFlag.IN_ROOM}
    with pytest.raises(ValueError, match="within is one of run, room, sender, not 'all'"):
        Unique("id", within="all")
