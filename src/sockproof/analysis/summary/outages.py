"""Spans of time in which the target served nobody.

The rules that hold here:

* *gone*: the last connection that was open ended, not by us, and none could be opened for a while:
  connects failed, or all connections broke off at once.
* *silent*: connections stay open, messages that ask for an answer leave, and nothing at all comes
  for `SILENCE` seconds and for several times as long as answers take otherwise.
* Of when a target came back is known that it was gone at the last drop or failed connect, and there
  at our next connect that succeeded: our own back-off lies between.
* Who was not there itself accuses nobody: not while a process of the generator stood still, not
  by connections that we have ended, and not while what came could not be written down. How many
  connections are open is unknown from the first time on that it could not.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sockproof.analysis.evidence.row_arrays import LOW, Numbers
from sockproof.analysis.summary.lag import lag_of
from sockproof.expected import EXCUSES, Expected
from sockproof.formats.load import Outage
from sockproof.runs.clock import SECOND
from sockproof.runs.load_records import EmitFlag, Kind, Phase, Reason
from sockproof.runs.reader import LoadRunFolder, RunProcess
from sockproof.vocabulary import Property

SILENCE = 3.0  # seconds
_OF_USUAL = 4  # times as long as a quarter of all answers take
_AT_ONCE = SECOND  # between the first and the last of connections that break off together
_BACK_AT_ONCE = SECOND  # connects that fail for less, while we have no connection, say nothing
_ABRUPT = (Reason.SERVER_DROPPED, Reason.RESET, Reason.PING_TIMEOUT)
_OURS = (Reason.CLIENT, Reason.SOURCE, Reason.OWN_LIMIT, Reason.LOGIN, Reason.PROXY)
_CONNECTIONS = (
    *(Kind.CONNECT_ASKED, Kind.CONNECTED, Kind.DISCONNECT_ASKED),
    *(Kind.DISCONNECTED, Kind.CONNECT_FAILED),
)
_HEARD = (Kind.ACK, Kind.RECEIPT)
_GONE, _STILL = EXCUSES[Property.OUTAGES], Expected.TIME_OUTS.bit
_FOREVER = 1 << 62


@dataclass
class _Span:
    """One while it is looked at; times are nanoseconds of the run."""

    begin: int
    end: int = _FOREVER  # to the end of the run
    seen: int = 0  # when the target was last seen to be gone
    open: int = 0  # connections that were open before
    dropped: Tally[str] = field(default_factory=Tally)
    failed: Tally[str] = field(default_factory=Tally)
    is_abrupt: bool = True
    is_expected: bool = True
    unanswered: int = 0

    @property
    def counts(self) -> bool:
        """Whether the target was gone, and not merely between two connections of ours."""
        if self.dropped:
            together = self.is_abrupt and self.dropped.total() > 1
            return together or bool(self.failed)
        return self.end - self.begin >= _BACK_AT_ONCE


def outages(run: LoadRunFolder, usual_ms: float | None) -> list[Outage]:
    """All of a run, in the order of time; a quarter of all answers take at most `usual_ms`."""
    if not run.recorded:
        return []
    still = [_stood_still(run, process) for process in run.recorded]
    blind = _unwritten(run, _CONNECTIONS)
    unknown = min((begin for begin, _ in blind), default=_FOREVER)
    deaf = _unwritten(run, _HEARD)
    end = min((_drained(run, process) for process in run.recorded), default=_FOREVER)
    gone = [
        each
        for each in _gone(run, end)
        if each.end < unknown and not any(_within(each.begin, spans) for spans in still)
    ]
    silent = [
        each
        for each in _silent(run, end, usual_ms)
        if not any(each.begin < other.end and other.begin < each.end for other in gone)
        if not any(each.begin < until and begin < each.end for begin, until in deaf)
    ]
    return [_told(each, end) for each in sorted([*gone, *silent], key=lambda span: span.begin)]


def _told(span: _Span, end: int) -> Outage:
    last = min(span.end, end)
    seen = None if span.unanswered else round(min(max(span.seen, span.begin), last) / SECOND, 3)
    found = Outage(
        begin=round(span.begin / SECOND, 3),
        end=None if span.end >= end else round(span.end / SECOND, 3),
        seen=seen,
        seconds=round(max(last - span.begin, 0) / SECOND, 3),
        connections=span.open,
        dropped=dict(span.dropped),
        failed=dict(span.failed),
        unanswered=span.unanswered,
        expected=span.is_expected,
    )
    found.text = _sentence(found)
    return found


def _sentence(outage: Outage) -> str:
    until = "the end of the run" if outage.end is None else f"{outage.end:.1f} s"
    when = f"from {outage.begin:.1f} s to {until} ({outage.seconds:.1f} s)"
    if outage.unanswered:
        number = outage.unanswered
        return f"The server stood still {when}: nothing came while {number:,} messages were sent"
    parts = []
    if outage.dropped:
        dropped = f"{sum(outage.dropped.values()):,} of {outage.connections:,} connections dropped"
        parts.append(f"{dropped} ({_most(outage.dropped)})")
    if outage.failed:
        failed = sum(outage.failed.values())
        parts.append(f"{failed:,} connects failed ({_most(outage.failed)})")
    if outage.end is not None and outage.seen is not None:
        least, most = outage.seen - outage.begin, outage.end - outage.begin
        if f"{least:.1f}" != f"{most:.1f}":
            when = (
                f"from {outage.begin:.1f} s for {least:.1f} s to {most:.1f} s (last seen to be gone"
                f" at {outage.seen:.1f} s, back at our next connect at {outage.end:.1f} s)"
            )
    return f"The server was gone {when}: {', '.join(parts)}"


def _most(told: Mapping[str, int]) -> str:
    return ", ".join(sorted(told, key=lambda name: -told[name])[:2])


def _drained(run: LoadRunFolder, process: RunProcess) -> int:
    """When a process had waited for what was in flight, or wrote its last line."""
    begun = process.rows.begun
    time = begun.get(Phase.OVER)
    if time is None:
        time = max((line.time for line in process.health()), default=0)
    return time - run.clock.origin(process.tag)


def _stood_still(run: LoadRunFolder, process: RunProcess) -> list[tuple[int, int]]:
    """When a process of the generator did nothing, by the run's time."""
    origin = run.clock.origin(process.tag)
    return [(begin - origin, end - origin) for begin, end in process.stood_still()]


def _unwritten(run: LoadRunFolder, kinds: Iterable[int]) -> list[tuple[int, int]]:
    """When rows of one of these kinds could not be written, by the run's time."""
    return [
        (gap.begin - run.clock.origin(process.tag), gap.end - run.clock.origin(process.tag))
        for process in run.recorded
        for gap in process.file.gaps
        if gap.kinds & set(kinds)
    ]


def _within(time: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(begin <= time <= end for begin, end in spans)


# No connection.


@dataclass(frozen=True, slots=True)
class _Event:
    time: int
    kind: int
    reason: int
    is_ours: bool
    expects: int


def _events(run: LoadRunFolder) -> list[_Event]:
    """What became of connections in all processes, in the order of time."""
    found = []
    for process in run.recorded:
        rows, origin = process.rows.of(_CONNECTIONS), run.clock.origin(process.tag)
        expects: dict[int, int] = {}
        ending: set[int] = set()
        for a, _, c, client, _, flags, kind in rows.tolist():
            if kind == Kind.CONNECT_ASKED:
                expects[client] = flags
            elif kind == Kind.DISCONNECT_ASKED:
                ending.add(client)
            else:
                is_ours = client in ending or (kind != Kind.CONNECTED and a in _OURS)
                mask = expects.get(client, 0)
                found.append(_Event(c - origin, kind, a, is_ours, mask))
    return sorted(found, key=lambda event: event.time)


def _gone(run: LoadRunFolder, end: int) -> Iterator[_Span]:
    live, was_open = 0, False
    recent: list[tuple[_Event, int]] = []  # that the target dropped, and how many were open then
    span: _Span | None = None
    for event in _events(run):
        if event.time > end:
            break
        if event.kind == Kind.CONNECTED:
            live += 1
            was_open = True
            if span is not None:
                span.end = event.time
                if span.counts:
                    yield span
                span = None
            continue
        if event.kind == Kind.DISCONNECTED:
            if not event.is_ours:
                recent = [each for each in recent if event.time - each[0].time <= _AT_ONCE]
                recent.append((event, live))
            live -= 1
            if live == 0 and not event.is_ours and span is None:
                span = _of_drops(recent)
        elif not event.is_ours and was_open and live == 0:
            span = span or _Span(event.time)
            span.failed[_label(event.reason)] += 1
            span.seen = event.time
            span.is_expected &= bool(event.expects & _GONE)
    if span is not None:
        span.end = max(end, span.begin)
        if span.counts:
            yield span


def _of_drops(recent: list[tuple[_Event, int]]) -> _Span:
    """All connections were dropped, the last ones together."""
    events = [event for event, _ in recent]
    return _Span(
        events[0].time,
        seen=events[-1].time,
        open=max(recent[0][1], len(recent)),  # some may have been opened again meanwhile
        dropped=Tally(_label(event.reason) for event in events),
        is_abrupt=all(event.reason in _ABRUPT for event in events),
        is_expected=all(event.expects & _GONE for event in events),
    )


def _label(reason: int) -> str:
    return Reason(reason).label if reason in tuple(Reason) else f"reason {reason}"


# Connections, and nothing that comes.


def _silent(run: LoadRunFolder, end: int, usual_ms: float | None) -> Iterator[_Span]:
    least = int(SILENCE * SECOND)
    if usual_ms is not None:
        least = max(least, int(_OF_USUAL * usual_ms * 1e6))
    common: list[tuple[int, int]] | None = None
    for process in run.recorded:
        mine = _gaps(run, process, least, end)
        common = mine if common is None else _both(common, mine, least)
    for begin, until in common or ():
        if all(_was_there(run, process, begin, until) for process in run.recorded):
            unanswered, oldest, expects = _asked(run, begin, until)
            if unanswered and until - oldest >= least:
                yield _Span(
                    *(begin, until), unanswered=unanswered, is_expected=bool(expects & _STILL)
                )


def _gaps(run: LoadRunFolder, process: RunProcess, least: int, end: int) -> list[tuple[int, int]]:
    """From when to when a process heard nothing, behind the first that it heard."""
    origin, latest = run.clock.origin(process.tag), None
    found: list[tuple[int, int]] = []
    for rows in process.rows.parts_of(_HEARD):
        times: Numbers = rows["c"].astype(np.int64) - origin
        if len(times):
            ordered = np.maximum.accumulate(times if latest is None else np.append(latest, times))
            found += _apart(ordered, least)
            latest = int(ordered[-1])
    if latest is None:
        return [(0, end)]
    return found + _apart(np.array([latest, max(end, latest)]), least)


def _apart(times: Numbers, least: int) -> list[tuple[int, int]]:
    """Times that follow each other no sooner than that."""
    at = np.flatnonzero(np.diff(times) >= least)
    return list(zip(times[at].tolist(), times[at + 1].tolist(), strict=True))


def _both(a: list[tuple[int, int]], b: list[tuple[int, int]], least: int) -> list[tuple[int, int]]:
    found = []
    for begin, end in a:
        for other, until in b:
            span = max(begin, other), min(end, until)
            if span[1] - span[0] >= least:
                found.append(span)
    return found


def _was_there(run: LoadRunFolder, process: RunProcess, begin: int, end: int) -> bool:
    """Whether a process of the generator went on in a span, most of the time."""
    origin = run.clock.origin(process.tag)
    lines = [line for line in process.health() if begin < line.time - origin <= end + SECOND]
    lags = [lag_of(line) for line in lines]
    return bool(lags) and max(lags) < (end - begin) // 4


def _asked(run: LoadRunFolder, begin: int, until: int) -> tuple[int, int, int]:
    """How many messages left in a span that ask for an answer, when the first one did, and what
    all their senders expect."""
    number, oldest, expects = 0, until, 0xFF
    for process in run.recorded:
        origin, senders = run.clock.origin(process.tag), [np.zeros(0, dtype=np.uint32)]
        for sent in process.rows.parts_of([Kind.EMIT]):
            delay = (sent["c"] & LOW).astype(np.int64) * 1000
            left = sent["b"].astype(np.int64) + delay - origin
            asking = (sent["flags"] & EmitFlag.ACKNOWLEDGED) > 0
            mine = asking & (left >= begin) & (left <= until)
            number += int(mine.sum())
            oldest = min(oldest, int(left[mine].min(initial=until)))
            senders.append(np.unique(sent["client"][mine]))
        asked = process.rows.of([Kind.CONNECT_ASKED])
        theirs = asked[np.isin(asked["client"], np.concatenate(senders))]
        expects &= int(np.bitwise_and.reduce(theirs["flags"], initial=0xFF))
    return number, oldest, expects
