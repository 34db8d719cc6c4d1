"""Acknowledgements, and connections that the target broke.

The rules that hold here:

* *unacknowledged*: an acknowledgement that was asked for and did not come within its time limit,
  or before the end of the drain, although its sender's connection held to the end. Where the
  message itself is lost for anyone, that is told instead. Where the scenario's own matcher says
  what acknowledges a message, and none ever matched, nobody knows whose fault it is. Nor where
  the time passed while the sender's own process stood still, or had to catch up with its sends.
* *misacknowledged*: one that nobody had asked for (*stray*), that came before its message was
  sent (*early*), a second time (*doubled*), or with the number of another client (*foreign*).
* *broken*: a connection that ended neither by us nor by a Close, a CLOSE packet or a DISCONNECT
  of the target: it fell silent, was cut off, or brought what the protocol does not allow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.delivery.findings import Delivery
from sockproof.analysis.evidence.history import History
from sockproof.analysis.evidence.strays import EXAMPLES
from sockproof.expected import EXCUSES
from sockproof.runs.load_records import EmitFlag, Kind, Reason, Stray
from sockproof.vocabulary import STRAYS, Counter, Property

_STRAYS = (Stray.UNASKED, Stray.EARLY, Stray.DOUBLED, Stray.FOREIGN)
# By us, in order, or by a limit of this machine.
_NOT_BROKEN = (
    *(Reason.CLIENT, Reason.SERVER_CLOSED, Reason.SERVER_DISCONNECTED, Reason.NAMESPACE_REFUSED),
    *(Reason.SOURCE, Reason.OWN_LIMIT),
)

# What ends a connection without breaking its protocol.
_CUT = (Reason.SERVER_DROPPED, Reason.RESET, Reason.PING_TIMEOUT)


def any_matched(history: History) -> bool:
    """Whether the scenario's own matcher ever knew an acknowledgement."""
    for _ in history.turns() if history.matched else ():
        emits = history.emits
        if ((emits.flags & EmitFlag.MATCHED > 0) & (emits.acked > 0)).any():
            return True
    return False


def judge_unacknowledged(
    history: History, found: Delivery, lost: NDArray[np.bool_], matches: bool
) -> None:
    """Judge messages; `lost` says of which a receipt is, `matches` whether any ever matched."""
    emits = history.emits
    asked = (emits.flags & EmitFlag.ACKNOWLEDGED) > 0
    sender = emits.sender
    due = asked & ~history.abrupt[sender] & ~history.unsent[sender]
    due &= emits.actual <= history.sent_until[sender]
    for process in history.processes:
        until = max((end for _, end in process.lost(Kind.ACK)), default=0)
        here = (sender >= process.base) & (sender < process.base + process.clients)
        due &= ~(here & (emits.actual <= until))
    due |= asked & (emits.acked > 0)
    due[history.timed_out] = True  # its connection was there when the time was over
    due[history.held_up] = False
    matched = (emits.flags & EmitFlag.MATCHED) > 0
    if not matches:
        due &= ~matched
        found.unmatched += int((asked & matched).sum())
    missing = np.flatnonzero(due & (emits.acked == 0) & ~lost)
    found.exercised[Property.UNACKNOWLEDGED] += int(due.sum())
    found.violated(
        Property.UNACKNOWLEDGED, history.seconds_of(sender[missing], emits.actual[missing])
    )
    found.count(Property.UNACKNOWLEDGED, missing, sender[missing])
    if found.violations is not None:
        found.violations.take(Property.UNACKNOWLEDGED, missing)
    judged = np.flatnonzero(due)
    found.chance(Property.UNACKNOWLEDGED, judged, sender[judged])
    is_expected = history.expects[sender[missing]] & EXCUSES[Property.UNACKNOWLEDGED] > 0
    found.expected[Property.UNACKNOWLEDGED] += int(is_expected.sum())
    found.chance(Property.MISACKNOWLEDGED, clients=sender[emits.acked > 0])


def judge_connections(history: History, found: Delivery) -> None:
    """Judge what came of no message."""
    _misacknowledged(history, found)
    _broken(history, found)


def _misacknowledged(history: History, found: Delivery) -> None:
    counts = found.counts
    for name, stray in zip(STRAYS, _STRAYS, strict=True):
        counts[name] = history.strays.counts[stray]
    # What is early looks as if nobody would ever ask for it, until somebody does.
    counts[Counter.STRAY_ACKS] = max(0, counts[Counter.STRAY_ACKS] - counts[Counter.EARLY_ACKS])
    counts[Counter.LATE_ACKS] = history.late_acks + history.strays.counts[Stray.LATE]
    chances = counts[Counter.ACKNOWLEDGED] + sum(counts[name] for name in STRAYS)
    found.exercised[Property.MISACKNOWLEDGED] = chances
    found.violated(Property.MISACKNOWLEDGED, history.strays.seconds)
    found.count(Property.MISACKNOWLEDGED, clients=history.strays.clients)
    found.chance(Property.MISACKNOWLEDGED, clients=history.strays.clients)
    for text in history.strays.examples[:EXAMPLES]:
        found.example(Property.MISACKNOWLEDGED, text)


def _broken(history: History, found: Delivery) -> None:
    found.exercised[Property.BROKEN] = len(history.opened_by)
    opened = np.array(history.opened_by, dtype=np.int64)
    found.chance(Property.BROKEN, clients=opened)
    for name, clients in (
        (Counter.CONNECTIONS_OPENED, opened),
        (Counter.CONNECT_FAILURES, np.array(history.failed_by, dtype=np.int64)),
        (Counter.DISCONNECTED, np.array(history.lost_by, dtype=np.int64)),
    ):
        found.count(name, clients=clients)
    for client, reason, time in history.ended:
        if reason in _NOT_BROKEN:
            continue
        if reason in _CUT and history.expects[client] & EXCUSES[Property.BROKEN]:
            found.expected[Property.BROKEN] += 1
        found.violated(Property.BROKEN, history.seconds_of(np.array([client]), np.array([time])))
        found.count(Property.BROKEN, clients=np.array([client]))
        label = Reason(reason).label if reason in tuple(Reason) else f"reason {reason}"
        found.example(Property.BROKEN, f"{history.name_of(client)}: {label}")
