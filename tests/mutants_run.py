"""Running every case of a kind against a server of our own, correct or with one fault.

`tests/faults.py` says how a fault is described.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from sockproof.conformance.peers.tls import Trust
from sockproof.conformance.preflight import introduce
from sockproof.conformance.running.runner import LAPSES, Patience, Plan
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.conformance.shelf.profile import WEBSOCKET_CAPABILITIES, Profile
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from sockproof.wire.url import Address
from tests.faults import KINDS, Catch, Fault, faults, plain_id
from tests.progress import run_while_it_goes_on
from tests.sample import rotating
from tests.servers.blind import ROUND, woven
from tests.servers.limits import DECLARED
from tests.servers.socketio_server import SocketIOServer
from tests.servers.tls import TlsServer
from tests.servers.websocket_server import WebSocketServer

ELSEWHERE = {"unsticky", "usual-timers"}  # what cases need that have tests of their own
LARGE = {
    "websocket/limits/": "websocket/limits.toml",
    "websocket/large_messages/long": "websocket/large_messages.toml",
    "deflate/payloads/": "deflate/payloads.toml",
}
LIMIT = 6.0  # seconds a case: a fault that makes a server silent is not waited for any longer
LAPSES_OF_MUTANTS = 15  # until the runner loses its patience with a fault that silences a server
AGAIN = 30.0  # of a case that runs again by itself, since a busy machine may have disturbed it
PATIENCE = 60.0  # likewise, where no server is silent
JOBS = 16
PAUSE = 60.0  # seconds of a harness that stands still, up to which nothing is set aside for it
LOOKS = 3
ELSE = 3  # a fault meets one in so many of the cases that are about something else, by turns


WALKS = frozenset({"websocket/kept_state"})  # and those whose mutants are blind faults


@cache
def _walks(kind: str) -> frozenset[str]:
    """The case files that walk whole kinds, `SUITE/FILE`: most have blind faults as mutants.

    They notice many faults, and meet their own only: which, is what they have to show.
    """
    own = [fault.file for fault in faults(kind).values() if fault.name in ROUND]
    return WALKS | {file.removesuffix(".toml") for file in own}


def _file_of(case_id: str) -> str:
    """`SUITE/FILE` of a case."""
    return "/".join(case_id.split("/", 2)[:2])


@cache
def cases(kind: str) -> tuple[Case, ...]:
    """Every case of the suites of a kind, but for those that have tests of their own."""
    every = load_cases(shelf("conformance"), KINDS[kind])
    return tuple(case for case in every if not case.needs & ELSEWHERE)


@cache
def _own_requirements(kind: str) -> dict[str, str]:
    """The requirement that each case is about."""
    return {case.id: case.requirement for case in cases(kind)}


def _requirement_of(file: str, case_id: str) -> str:
    """The requirement of a case that a fault of this file is to be caught by."""
    suite = file.partition("/")[0]
    kind = next(kind for kind, suites in KINDS.items() if suite in suites)
    return _own_requirements(kind)[case_id]


@cache
def requirements() -> dict[str, Requirement]:
    """The catalogue."""
    return load_requirements(shelf("conformance") / "requirements")


async def _run(
    kind: str, fault: str | None, chosen: Iterable[Case], limit: float = LIMIT
) -> dict[str, CaseRecord]:
    records: dict[str, CaseRecord] = {}

    def note(record: CaseRecord) -> None:
        records[record.id] = record

    if kind == "websocket":
        async with WebSocketServer(fault=fault) as server, TlsServer(fault=fault) as over_tls:
            trust = Trust(over_tls.certificates.ca)
            # A fault of its certificate is for the cases about TLS, which verify by themselves.
            any_certificate = replace(trust, verifies=False).context()
            plain = Server(
                Address.parse(server.url),
                Profile(limits=DECLARED),
                WEBSOCKET_CAPABILITIES - {"tls"},
                trust=trust,
            )
            secured = replace(
                plain,
                address=Address.parse(over_tls.url),
                capabilities=WEBSOCKET_CAPABILITIES,
                tls=any_certificate,
            )
            alone = fault is not None and faults(kind)[fault].file == "websocket/tcp_end.toml"
            jobs = 1 if alone else JOBS  # what befalls a connection's neighbours
            plan = Plan([plain, secured], requirements(), limit=limit, jobs=jobs, second_look=False)
            await run_while_it_goes_on(list(chosen), plan, note)
        return records
    if kind == "abuse":
        async with (
            WebSocketServer(fault=fault) as over_ws,
            SocketIOServer(fault=fault) as over_http,
        ):
            limits = Profile(limits=DECLARED)
            capabilities = WEBSOCKET_CAPABILITIES - {"tls"}
            plain = Server(Address.parse(over_ws.url), limits, capabilities)
            servers = [plain, _served(over_http.url, "slow-timers")]
            plan = Plan(servers, requirements(), limit=limit, jobs=JOBS, second_look=False)
            await run_while_it_goes_on(list(chosen), plan, note)
        return records
    fast = {"ping_interval": 1000, "ping_timeout": 1000}
    async with (
        SocketIOServer(fault=fault) as slow,
        SocketIOServer(fault=fault, **fast) as quick,
        SocketIOServer(fault=fault, processes=2) as pair,
    ):
        servers = [
            _served(slow.url, "slow-timers"),
            _served(quick.url, "fast-timers"),
            _served(pair.url, "cluster"),
        ]
        hasty = [c if "fast-timers" in c.needs else replace(c, limit=None) for c in chosen]
        patience = Patience(LAPSES - LAPSES_OF_MUTANTS)
        plan = Plan(
            servers,
            requirements(),
            limit=limit,
            jobs=JOBS,
            patience=patience,
            second_look=False,
        )
        await run_while_it_goes_on(hasty, plan, note)
    return records


def _served(url: str, timers: str) -> Server:
    """A server of ours with the capabilities that the correct one shows when it is asked."""
    server = Server(Address.parse(url), Profile(), _socketio_capabilities() | {timers})
    if timers == "fast-timers":
        return replace(server, ping_interval=1000, ping_timeout=1000)
    return server


_ASKED: list[frozenset[str]] = []


def _socketio_capabilities() -> frozenset[str]:
    return _ASKED[0]


async def _ask() -> frozenset[str]:
    async with SocketIOServer() as server:
        found = await introduce(Server(Address.parse(server.url)), LIMIT)
        return found.server.capabilities - {"slow-timers", "fast-timers"}


def run(kind: str, fault: str | None, days: int = 1) -> dict[str, CaseRecord]:
    """The records of the cases of a kind against our server with one fault; of all with none.

    A fault that has its turn once in so many `days` meets others of those that are about something
    else each time.
    """
    if fault is None:
        return run_chosen(kind, fault, cases(kind))
    worth = [case for case in cases(kind) if _worth_running(case, kind, fault)]
    near = {case.id for case in worth if _is_near(case, faults(kind)[fault])}
    if any(case.last for case in worth if case.id in near):  # it looks back on all the others
        return run_chosen(kind, fault, worth)
    others = (case for case in worth if case.id not in near)
    drawn = {case.id for case in rotating(others, ELSE, fault, lambda case: case.id, days)}
    return run_chosen(kind, fault, [case for case in worth if case.id in near | drawn])


def _is_near(case: Case, fault: Fault) -> bool:
    """Whether a case is what the fault is for: it is named, or of the fault's file."""
    return f"{_file_of(case.id)}.toml" == fault.file or fault.explains(case.id)


def run_chosen(
    kind: str, fault: str | None, chosen: Iterable[Case], limit: float = LIMIT
) -> dict[str, CaseRecord]:
    """The records of these cases."""
    if kind != "websocket" and not _ASKED:
        _ASKED.append(asyncio.run(_ask()))
    with woven(fault) if fault in ROUND else contextlib.nullcontext():
        return asyncio.run(_run(kind, fault, chosen, limit))


def _worth_running(case: Case, kind: str, fault: str) -> bool:
    """Slow cases (heartbeats, what is large) run against the faults that are about such things."""
    if kind == "abuse":  # seconds each: a fault meets the cases of its own file
        own = faults(kind)[fault].file.removesuffix(".toml") == case.id.rpartition("/")[0]
        named = any(glob_matches(glob, case.id) for glob in faults(kind)[fault].catches)
        return own and (named or "/growth" not in case.id)
    for prefix, file in LARGE.items():
        if case.id.startswith(prefix) and faults(kind)[fault].file != file:
            return False
    if ("tls" in case.needs) != (faults(kind)[fault].file == "websocket/tls.toml"):
        return False
    if fault in ROUND or _file_of(case.id) in _walks(kind):
        own = faults(kind)[fault].file == f"{_file_of(case.id)}.toml"
        named = any(glob_matches(glob, case.id) for glob in faults(kind)[fault].catches)
        return named or (own and "fast-timers" not in case.needs)
    if case.offer is not None:  # a twin says what its plain case says: only those that are named
        return any(glob_matches(glob, case.id) for glob in faults(kind)[fault].catches)
    return "fast-timers" not in case.needs or "heartbeat" in faults(kind)[fault].file


def baseline(kind: str) -> dict[str, CaseRecord]:
    """The records on the correct server; what a busy machine may have disturbed is run again."""
    records = run(kind, None)
    doubtful = {name for name, each in records.items() if each.outcome in ("FAIL", "INCONCLUSIVE")}
    if doubtful:
        again = [case for case in cases(kind) if case.id in doubtful]
        records |= asyncio.run(_run(kind, None, again, PATIENCE))
    return records


@dataclass
class Complaints:
    """What a fault's run shows that its description does not say."""

    lines: list[str] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)  # cases that a busy machine may have disturbed

    def add(self, record: CaseRecord, why: str, doubtful: bool = False) -> None:
        """Note one, with the case's evidence."""
        evidence = f"{record.outcome}: expected {record.expected} | got {record.got}"
        self.lines.append(f"{record.id}: {why}\n    {evidence}")
        if doubtful or record.outcome == "INCONCLUSIVE" or record.timed_out:
            self.doubtful.add(record.id)


def complaints(kind: str, fault: Fault, days: int = 1) -> list[str]:
    """Run a fault; everything that is not as its description says, a line each.

    What time may have done is run again, by itself: what the fault does shows again. Where time
    itself is measured, a busy machine may need several looks.
    """
    records = run(kind, fault.name, days)
    found = _judge(kind, fault, records)
    for _ in range(LOOKS):
        if not found.doubtful:
            break
        again = [case for case in cases(kind) if case.id in found.doubtful]
        records |= run_chosen(kind, fault.name, again, AGAIN)
        found = _judge(kind, fault, records)
    return found.lines


def _judge(kind: str, fault: Fault, records: dict[str, CaseRecord]) -> Complaints:
    found = Complaints()
    for glob, catch in fault.catches.items():
        caught = [record for case_id, record in records.items() if glob_matches(glob, case_id)]
        if not caught:
            found.lines.append(f"{glob}: there is no such case")
        for record in caught:
            _check_caught(record, catch, fault, found)
    for case_id, record in records.items() if fault.name not in ROUND else ():
        if not fault.explains(case_id) and record.outcome != "PASS":  # as on the correct server
            why = f"disturbed by a fault that should not touch it ({fault.what})"
            found.add(record, why, doubtful=True)
    return found


def _check_caught(record: CaseRecord, catch: Catch, fault: Fault, found: Complaints) -> None:
    own = _requirement_of(fault.file, record.id)
    missing = catch.misses(record, own)
    if record.outcome not in ("FAIL", "NON_STRICT"):
        # How time grows is not seen on a machine that is busy with something else just then.
        found.add(record, "does not notice the fault", doubtful="/growth" in record.id)
    elif missing is not None:
        found.add(record, f"notices the fault, but not this: {missing}", doubtful=True)
    elif not fault.liveness and record.timed_out:
        found.add(record, "notices the fault only by waiting its limit out")


def uncaught(kind: str) -> list[str]:
    """The cases that no fault is said to be caught by, but for policy cases (level MAY).

    Of a case that walks a kind one variant is enough, and of one that takes seconds.
    """
    globs = [glob for fault in faults(kind).values() for glob in fault.catches]
    some = [glob for glob in globs if _file_of(glob) in _walks(kind) or kind == "abuse"]
    walked = {_function_of(glob) for glob in some}
    return [
        case.id
        for case in cases(kind)
        if requirements()[case.requirement].level != "MAY"
        and _function_of(case.id) not in walked
        and not any(glob_matches(glob, plain_id(case.id)) for glob in globs)
    ]


def _function_of(case_id: str) -> str:
    return case_id.partition("[")[0]
