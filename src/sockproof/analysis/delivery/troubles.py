"""What else may have gone wrong: connections, answers, and the scenario itself.

The rules that hold here:

* *disconnected*: a connection that ended before the drain did, and that we had not asked to end.
* *connect_failures*: one that could not be opened, where others could: a target that lets nobody
  in is not reached, and nothing is said of it.
* *refused*: an answer that refuses a message, or to let a user into a room or out of it.
* *unanswered*: no answer to what lets a user into a room or out of it.
* *errors*: exceptions of the scenario's methods.
* What a user's class `expects` is counted, and violates nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.delivery.findings import Delivery
from sockproof.analysis.evidence.history import History
from sockproof.analysis.evidence.row_arrays import Process
from sockproof.analysis.evidence.strays import EXAMPLES
from sockproof.expected import EXCUSES
from sockproof.runs.load_records import Kind, Reason
from sockproof.vocabulary import Counter, Property

# By us, or by a limit of this machine.
OURS = (Reason.CLIENT, Reason.SOURCE, Reason.OWN_LIMIT)
_KINDS = {
    Property.REFUSED: Kind.REFUSED,
    Property.UNANSWERED: Kind.UNANSWERED,
    Property.ERRORS: Kind.ERROR,
}
_ANSWERED = (Kind.JOINED, Kind.LEFT)
_ASKED = (Kind.JOIN_ASKED, Kind.LEAVE_ASKED)


def judge_troubles(history: History, found: Delivery) -> None:
    """Judge them."""
    _disconnected(history, found)
    for process in history.processes:
        texts = process.records.names().reasons
        _connects(history, process, texts, found)
        for name, kind in _KINDS.items():
            for rows in process.rows.parts_of([kind]):
                _note(history, process, name, rows, texts, found)
        answered, asked = (process.rows.number(kinds) for kinds in (_ANSWERED, _ASKED))
        found.exercised[Property.REFUSED] += answered
        found.exercised[Property.UNANSWERED] += asked
    found.exercised[Property.REFUSED] += found.counts[Counter.ACKNOWLEDGED]


def _disconnected(history: History, found: Delivery) -> None:
    name = Property.DISCONNECTED
    found.exercised[name] = len(history.opened_by)
    for client, reason, time in history.ended:
        if reason in OURS:
            continue
        found.violated(name, history.seconds_of(np.array([client]), np.array([time])))
        label = Reason(reason).label if reason in tuple(Reason) else f"reason {reason}"
        found.why[name][label] += 1
        found.expected[name] += bool(history.expects[client] & EXCUSES[name])
        found.example(name, f"{history.name_of(client)}: {label}")


def _connects(history: History, process: Process, texts: dict[int, str], found: Delivery) -> None:
    rows, name = process.rows, Property.CONNECT_FAILURES
    failed = rows.of([Kind.CONNECT_FAILED])
    failed = failed[~np.isin(failed["a"], OURS)]
    if process.drained:
        failed = failed[failed["c"] <= np.uint64(process.drained)]
    if not len(history.opened_by):
        found.why[name].update(_text(name, a, b, texts, {}) for a, b, *_ in failed.tolist())
        return
    _note(history, process, Property.CONNECT_FAILURES, failed, texts, found)
    opened = rows.number([Kind.CONNECTED])
    found.exercised[Property.CONNECT_FAILURES] += opened + len(failed)


def _note(
    history: History,
    process: Process,
    name: Property,
    rows: Any,
    texts: dict[int, str],
    found: Delivery,
) -> None:
    """Rows of a process that each tell of one violation."""
    clients = process.base + np.maximum(rows["client"].astype(np.int64), 1) - 1
    times = rows["c"].astype(np.int64)
    found.violated(name, history.seconds_of(clients, times))
    if name in EXCUSES and len(clients):
        found.expected[name] += int((history.expects[clients] & EXCUSES[name] > 0).sum())
    own_rooms = process.records.rooms() if name == Property.UNANSWERED else {}
    for at, (a, b, *_) in enumerate(rows[:EXAMPLES].tolist()):
        who = "" if not rows["client"][at] else f"{history.name_of(int(clients[at]))}: "
        found.example(name, f"{who}{_text(name, a, b, texts, own_rooms)}")
    # Of other troubles `b` is not a part of what is said, and differs in each row.
    told = np.stack((rows["a"], rows["b"] * (name == Property.CONNECT_FAILURES)))
    for (a, b), count in zip(*_each(told), strict=True):
        found.why[name][_text(name, a, b, texts, own_rooms)] += count


def _each(columns: NDArray[np.uint64]) -> tuple[list[list[int]], list[int]]:
    """Each different column, in the order in which it came first, and how often it is there."""
    each, first, counts = np.unique(columns, axis=1, return_index=True, return_counts=True)
    order = np.argsort(first)
    return each.T[order].tolist(), counts[order].tolist()


def _text(name: Property, a: int, b: int, texts: dict[int, str], rooms: dict[int, str]) -> str:
    if name == Property.CONNECT_FAILURES:
        label = Reason(a).label if a in tuple(Reason) else f"reason {a}"
        return f"{label}: {texts[b]}" if b in texts else label
    if name == Property.UNANSWERED:
        return f"room {rooms.get(a, a)}"
    return texts.get(a, "other reasons")
