"""Messages without a stamp excuse what did not come only where ours may be among them."""

from __future__ import annotations

import pytest

from sockproof.analysis.delivery.findings import Delivery
from sockproof.analysis.summary.unheard import (
    empty_rooms,
    said_of_unheard,
    said_of_unsettled,
    set_unheard_aside,
)
from sockproof.vocabulary import Counter, Property, Step

DUE = 40


@pytest.mark.parametrize(
    ("begun", "settled", "refused", "lines"),
    [
        (10, 10, 0, 0),
        (10, 7, 0, 1),
        (10, 7, 3, 0),  # that is why
        (10, 0, 0, 0),  # which is told already
        (0, 0, 0, 0),  # by an older version
    ],
)
def test_users_that_never_settled_are_told(
    begun: int, settled: int, refused: int, lines: int
) -> None:
    counts = {each.value: 0 for each in Counter} | {Counter.REFUSED.value: refused}
    found = list(said_of_unsettled(counts, begun, settled))
    assert len(found) == lines
    if lines:
        assert found[0].startswith("3 of 10 users never settled and sent nothing: ")


@pytest.mark.parametrize(
    ("unstamped", "receipts", "late", "lost"),
    [
        (0, 0, 0, DUE),  # nothing came at all
        (10, 0, 0, DUE),  # greetings alone
        (DUE, 0, 0, 0),  # as many as were due: without their stamps, perhaps
        (DUE, 1, 0, DUE),
        (DUE, 0, 1, DUE),  # stamps pass, if only too late
    ],
)
def test_what_came_without_a_stamp_excuses_no_loss_that_it_cannot_explain(
    unstamped: int, receipts: int, late: int, lost: int
) -> None:
    found = Delivery()
    found.counts |= {
        Counter.DUE: DUE,
        Counter.LOST: DUE,
        Counter.RECEIPTS: receipts,
        Counter.LATE: late,
    }
    found.exercised[Property.LOST] = DUE
    set_unheard_aside(found, {**dict.fromkeys(Step, 0), Step.UNSTAMPED: unstamped})
    assert found.counts[Counter.LOST] == found.exercised[Property.LOST] == lost
    assert found.counts[Counter.UNDETERMINED] == DUE - lost


def test_leak_in_a_room_that_nobody_entered_is_not_known_to_be_one() -> None:
    found, steps = Delivery(), dict.fromkeys(Step, 0)
    found.count_unentered("quiet", 0)
    assert not list(said_of_unheard(found, found.counts, steps))
    found.count_unentered("@bob", 3)
    (why,) = said_of_unheard(found, found.counts, steps)
    assert "3 messages were received that were said to @bob" in why


def test_rooms_that_messages_were_said_to_and_nobody_was_in_are_named() -> None:
    found = Delivery(spoken=["", "@alice", "@bob", "@carol"], entered=["", "@alice"])
    found.count_unentered("@carol", 1)  # which is a reason of its own
    assert empty_rooms(found) == ["@bob"]
