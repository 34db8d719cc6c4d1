"""What is missing in a scenario of which nothing was heard: the counts alone do not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sockproof.analysis.delivery.findings import Delivery
from sockproof.vocabulary import Counter, Step

ENOUGH = 0.5  # of what was due
_SHOWN, _LONGEST = 3, 60  # names of rooms; characters of each
_ROOMS = 20


def set_unheard_aside(delivery: Delivery, steps: Mapping[Step, int]) -> None:
    """Where so many messages came without a stamp that ours may be among them, nothing is lost.

    Greetings and ticks, which are fewer than what was due, excuse nobody: what did not come
    beside them is lost. What came with its stamp, if only too late, shows that stamps pass.
    """
    counts = delivery.counts
    if counts[Counter.RECEIPTS] or counts[Counter.LATE]:
        return
    if not steps[Step.UNSTAMPED] or steps[Step.UNSTAMPED] < ENOUGH * counts[Counter.DUE]:
        return
    delivery.set_losses_aside()


def said_of_unheard(
    delivery: Delivery, counts: Mapping[str, int], steps: Mapping[Step, int]
) -> Iterator[str]:
    """Why nothing was exercised, a line each; none where something was.

    Runs of older versions did not note the steps of their users: nothing is said of them.
    """
    if delivery.unentered:
        rooms = _some([name for name, _ in delivery.unentered.most_common()])
        yield (
            f"{delivery.unentered.total():,} messages were received that were said to {rooms}, and"
            " no user did enter() that room: who is in it from the start needs enter(room) without"
            " more, and what nobody is to hear goes to=NOBODY"
        )
    if not steps[Step.USERS]:
        return
    if not steps[Step.STARTED]:
        yield "no user connected: on_start() does not call super().on_start()"
    if not counts[Counter.CONNECTIONS_OPENED]:
        return
    awaited, unstamped = steps[Step.AWAITED], steps[Step.UNSTAMPED]
    unanswered = f"{awaited:,} times the answer that enter() or exit() waits for did not match"
    if not steps[Step.SETTLED]:
        why = unanswered if awaited else "connected() does not call settled()"
        yield f"no user settled, so nothing was sent: {why}"
    if delivery.addressed and not delivery.unentered and not counts[Counter.DUE]:
        why = _nobody(delivery, counts, awaited, unstamped)
        yield f"nobody was surely there for any message: {why}"
    if delivery.unmatched:
        yield (
            f"{delivery.unmatched:,} acknowledgements were waited for and none came, unless"
            f" `acknowledgements` should match what was heard: {unstamped:,} messages match nothing"
        )


def empty_rooms(delivery: Delivery) -> list[str]:
    """The first rooms that messages were said to, no user entered and nobody heard: nothing was
    due there."""
    entered = set(delivery.entered) | set(delivery.unentered)
    return [name[:_LONGEST] for name in delivery.spoken if name and name not in entered][:_ROOMS]


def said_of_unsettled(counts: Mapping[str, int], begun: int, settled: int) -> Iterator[str]:
    """That users were not judged since they never came to send; none where something else tells.

    `begun` is how many had asked for a connection when the measured part began, `settled` how many
    were where they were to be at the end.
    """
    known = (
        *(Counter.CONNECT_FAILURES, Counter.DISCONNECTED, Counter.REFUSED, Counter.UNANSWERED),
        Counter.ERRORS,
    )
    if 0 < settled < begun and not any(counts[each] for each in known):
        yield (
            f"{begun - settled:,} of {begun:,} users never settled and sent nothing: connected()"
            " does not call settled(), or not for each of them"
        )


def _nobody(delivery: Delivery, counts: Mapping[str, int], awaited: int, unstamped: int) -> str:
    if awaited:
        return f"{awaited:,} times the answer that enter() or exit() waits for did not match"
    if unstamped and not counts[Counter.RECEIPTS]:
        return (
            f"of {unstamped:,} messages that came none carried a stamp; the message has to hold"
            " BODY, and the server to pass that text on as it is"
        )
    if delivery.spoken and not set(delivery.spoken) & set(delivery.entered):
        entered = [name for name in delivery.entered if name]
        where = f"users entered {_some(entered)}" if entered else "no user did enter() any room"
        return (
            f"messages were said to {_some(delivery.spoken)}, and {where}"
            " (`self.number` counts the users of all classes)"
        )
    return "no user did enter() the room that `to` names, or nothing showed that it was let in"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:_LONGEST] for name in names[:_SHOWN]) + more
