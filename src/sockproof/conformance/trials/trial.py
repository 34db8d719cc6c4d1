"""One case run once: its outcome, its record, and how far that can be believed.

A case that the harness itself trips over is INCONCLUSIVE: a checker that crashed has judged
nothing. So is one whose limit came before all of what it had to say had left.
"""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sockproof.conformance.context.case_context import (
    MAX_OCTETS_ALONE,
    MAX_OCTETS_BESIDE_OTHERS,
    CaseContext,
)
from sockproof.conformance.context.outcome import (
    CaseEnd,
    IllegalFrame,
    Overheard,
    StreamClosed,
    TurnedAway,
    Unsupported,
)
from sockproof.conformance.context.wirelog import RECEIVED, WireLog
from sockproof.conformance.peers.stream import Stream
from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import apply_expectations
from sockproof.conformance.shelf.requirements import Requirement
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.conformance.trials.plan import Plan
from sockproof.runs.records import CaseRecord
from sockproof.vocabulary import Seen

PASSES_SHOW = 40  # entries of the wire log that a PASS keeps; every other outcome keeps all
SILENT = "no answer to the handshake"  # which a busy server, or machine, brings too
NOT_LET_IN = "CONNECT_ERROR"
_TURNED_AWAY = re.compile(rb"HTTP/1\.\d (?:429|503)\b[^\r\n,;]{0,40}")
_FORBIDDEN = ("HTTP 401", "HTTP 402", "HTTP 403")
_RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*(\d{1,3})", re.IGNORECASE)
A_WHILE, LONGEST_WHILE = 1.0, 5.0  # seconds for a server that turns clients away


@dataclass(slots=True)
class Trial:
    """How a case ended when it ran, from `began` to `ended` (monotonic).

    `lapsed`: a time-out ended it. `unanswered`: that, or the end of a connection. `turned_away`
    says how the server refused a connection that it takes from others; it is empty otherwise.
    `retry_after` is how long such a server is left alone, in seconds, and `limited` whether it says
    that there were too many requests.
    `stalled` is how long the harness itself stood still meanwhile, in seconds, and `jobs` how many
    cases might run when it began. `number` is that of its record, once that has been told.
    `killed`: the server died of it. `connections`: how many it opened. `stands_on`: requirements
    that it took for kept, and whether that explains its end however it ended, or only where it
    lapsed.
    `certain`: what was seen no server may do, whatever was said.
    """

    case: Case
    server: Server | None
    record: CaseRecord
    began: float
    ended: float
    lapsed: bool = False
    unanswered: bool = False
    turned_away: str = ""
    retry_after: float = A_WHILE
    limited: bool = False
    stalled: float = 0.0
    jobs: int = 1
    number: int | None = None
    killed: bool = False
    connections: int = 0
    stands_on: Mapping[str, bool] = field(default_factory=dict)
    certain: bool = False

    @property
    def can_wait(self) -> bool:
        """Whether the server may take the client of this case a while later."""
        return self.limited or self.turned_away == NOT_LET_IN

    @property
    def saw_an_answer(self) -> bool:
        """Whether anything came from the server."""
        return any(each.direction == RECEIVED and each.length for each in self.record.wire)

    @property
    def accuses(self) -> bool:
        """Whether it says anything against the server, or could not be judged."""
        return self.record.aside is None and self.record.outcome in (
            "FAIL",
            "NON_STRICT",
            "INCONCLUSIVE",
        )


def choose_server(case: Case, plan: Plan) -> Server | None:
    """The first server that offers all that the case needs."""
    return next((server for server in plan.servers if case.needs <= server.capabilities), None)


def prepare(case: Case, plan: Plan) -> Trial:
    """The trial of a case that has not begun yet."""
    record = CaseRecord(
        id=case.id,
        requirement=case.requirement,
        level=plan.requirements[case.requirement].level,
        outcome="PASS",
        summary=case.sentence,
        autobahn=list(case.autobahn),
        rerun=plan.rerun(case),
    )
    return Trial(case, choose_server(case, plan), record, 0.0, 0.0)


async def run(trial: Trial, plan: Plan, *, patient: bool = False) -> None:
    """Run the case to its outcome; a `patient` one has its whole limit in any case.

    Cancelled, it is INCONCLUSIVE and holds what was seen until then.
    """
    case, server, record = trial.case, trial.server, trial.record
    trial.began = time.monotonic()
    if server is None:
        record.lacks = sorted(case.needs - plan.servers[0].capabilities)
        record.outcome = "UNSUPPORTED"
        record.expected = f"a target with {', '.join(record.lacks)}"
        record.got = "the target does not offer it"
    else:
        redactor = plan.redactor
        log = WireLog(redactor)
        limit = max(
            plan.limit, case.limit_with(server.ping_interval / 1000, server.ping_timeout / 1000)
        )
        limit *= server.patience
        limit = limit if patient else plan.patience.limit(limit)
        most = MAX_OCTETS_ALONE if case.exclusive else MAX_OCTETS_BESIDE_OTHERS
        context = CaseContext(log, most, plan.company, case.id)
        try:
            await _judge(Target(server, context, case.offer), limit, trial, plan)
        finally:
            trial.ended = time.monotonic()
            record.wire = log.entries()
        trial.connections = log.connections
        _excuse_crowd(trial, server.room)
        _excuse_policy(trial, context)
        trial.ended = time.monotonic()
        plan.patience.lapses += _wore_on(trial, limit)
        record.notes = [redactor.text(f"{name}: {text}") for name, text in context.notes]
        _note_limits(trial)
        if record.outcome == "PASS":
            record.wire = record.wire[:PASSES_SHOW]
        record.expected = redactor.text(record.expected)
        record.got = redactor.text(record.got)
    trial.ended = time.monotonic()
    record.seconds = trial.ended - trial.began
    apply_expectations(record, plan.expectations)


async def _judge(target: Target, limit: float, trial: Trial, plan: Plan) -> None:
    try:
        await judge(trial, target, target.context, limit, plan.requirements)
    finally:
        target.context.close()
        await target.context.gone()


async def judge(
    trial: Trial,
    subject: object,
    context: CaseContext,
    limit: float,
    requirements: Mapping[str, Requirement],
) -> None:
    """Run the case on its subject, and note its outcome in the trial."""
    case, record = trial.case, trial.record
    try:
        async with asyncio.timeout(limit) as context.timer:
            await case.function(subject, **case.parameters)
    except CaseEnd as end:
        record.outcome, record.expected, record.got = end.outcome, end.expected, end.got
        record.seen, record.came = end.evidence.seen, end.evidence.came
        trial.certain = isinstance(end, IllegalFrame | Overheard)
        record.lacks = list(end.lacks) if isinstance(end, Unsupported) else []
        _accuse(record, requirements, getattr(end, "broken", None))
        _note_causes(trial, end, context)
    except StreamClosed as closed:
        record.outcome, record.expected, record.got = "FAIL", context.awaiting, closed.how
        record.seen, record.came = closed.evidence.seen, closed.evidence.came
        trial.unanswered = True
    except TimeoutError as error:
        record.outcome = "INCONCLUSIVE" if context.setting_up else "FAIL"
        record.expected = context.awaiting
        record.got = f"timed out after {limit:g} s"
        record.seen = Seen.TIMED_OUT
        if context.last_unasked is not None:
            record.got += f"; {context.other} sent unasked: {context.last_unasked}"
        _note_causes(trial, error, context)
        if await _still_sends(context):
            record.outcome, record.expected = (
                "INCONCLUSIVE",
                "all octets of the case sent within the limit",
            )
            record.got = f"the case was still sending after {limit:g} s"
    except asyncio.CancelledError:
        record.outcome, record.expected = "INCONCLUSIVE", "the case to end"
        record.got = "it was given up"
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        record.outcome, record.expected = "INCONCLUSIVE", "a case without internal errors"
        record.got = f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})"
        _note_causes(trial, error, context)
    else:
        if context.findings:
            record.outcome = "NON_STRICT"
            record.expected = "; ".join(dict.fromkeys(each.expected for each in context.findings))
            record.got = "; ".join(dict.fromkeys(each.got for each in context.findings))
            broken = {each.broken for each in context.findings}
            _accuse(record, requirements, broken.pop() if len(broken) == 1 else None)
            first = context.findings[0].evidence
            record.seen, record.came = first.seen or Seen.OTHER, first.came
            trial.unanswered = any(
                each.evidence.seen == Seen.TCP_ENDED for each in context.findings
            )
    finally:
        trial.stands_on = context.stands_on


def _accuse(
    record: CaseRecord, requirements: Mapping[str, Requirement], broken: str | None
) -> None:
    """Have the record tell of this requirement instead of its case's, where it is given."""
    found = requirements.get(broken or "")
    if found is not None:
        record.requirement, record.level = found.id, found.level


def _wore_on(trial: Trial, limit: float) -> bool:
    """Whether the case cost most of its limit for nothing: it lapsed, or was kept busy so long."""
    slow = trial.ended - trial.began > limit / 2 and trial.record.outcome != "PASS"
    return trial.lapsed or slow


def _excuse_crowd(trial: Trial, room: int | None) -> None:
    """A case that needs more clients at once than there is room for says nothing."""
    if room is not None and trial.connections > room and trial.accuses:
        trial.record.outcome = "UNSUPPORTED"
        trial.record.seen, trial.record.came = None, ""
        trial.record.expected = "a server with room for the clients of this case"
        trial.record.got = f"it takes {room} at once"


def _excuse_policy(trial: Trial, context: CaseContext) -> None:
    """A case says nothing that said what the application is known to refuse."""
    explained = context.policy.explains_packets(context.spoken)
    if explained is None or trial.certain or not trial.accuses:
        return
    trial.record.outcome = "UNSUPPORTED"
    trial.record.got = f"{explained[1]}: {trial.record.got}"
    trial.record.expected = explained[0]
    trial.lapsed = trial.unanswered = False


async def _still_sends(context: CaseContext) -> bool:
    streams = [thing for thing in context.owned if isinstance(thing, Stream)]
    return any([await stream.still_sends() for stream in streams])


def _note_causes(trial: Trial, error: BaseException, context: CaseContext) -> None:
    """What lies behind an outcome: a time-out, the end of a connection, one that was refused."""
    causes = list(_behind(error))
    trial.lapsed = any(isinstance(each, TimeoutError) for each in causes)
    closed = any(isinstance(each, StreamClosed) for each in causes)
    lost = next((e for e in causes if isinstance(e, ConnectionError)), None)
    trial.unanswered = trial.lapsed or closed or lost is not None
    if isinstance(lost, ConnectionRefusedError):
        trial.turned_away = "connection refused"
    record = trial.record
    if any(isinstance(each, TurnedAway) for each in causes):
        trial.turned_away = NOT_LET_IN
    if isinstance(lost, ConnectionRefusedError):
        record.seen = record.seen or Seen.REFUSED
    if record.seen is None and record.outcome == "FAIL":
        record.seen = Seen.OTHER
        if trial.unanswered:
            record.seen = Seen.NO_ANSWER if trial.lapsed else Seen.TCP_ENDED
    if record.outcome == "INCONCLUSIVE" and context.connecting:
        if record.came in _FORBIDDEN:
            trial.turned_away = record.came
        if lost is not None or closed:
            trial.turned_away = trial.turned_away or "the connection was closed"
        elif trial.lapsed:
            trial.turned_away = SILENT


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        waiting += list(getattr(each, "exceptions", ()))


def _note_limits(trial: Trial) -> None:
    """Whether a case that did not come out well was answered with 503 or 429."""
    if trial.record.outcome not in ("FAIL", "NON_STRICT", "INCONCLUSIVE"):
        return
    for entry in trial.record.wire:
        found = _TURNED_AWAY.match(entry.octets) if entry.direction == RECEIVED else None
        if found is None:
            continue
        status = found[0].decode("latin-1").partition(" ")[2]
        trial.turned_away = trial.turned_away or status
        told = _RETRY_AFTER.search(entry.octets)
        trial.limited = trial.limited or told is not None or status.startswith("429")
        if told is not None:
            trial.retry_after = min(LONGEST_WHILE, float(told[1]))
