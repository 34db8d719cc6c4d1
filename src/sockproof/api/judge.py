"""Judging one server: its run, and what is to be told of it. `judge` is for Python programs.

The rules that hold here:

* Nothing is printed: an observer hears what happens, and the report is returned.
* A run that is interrupted is concluded and reported before anybody hears of the interrupt.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, cast

from sockproof import shelves, signals
from sockproof.api.expecting import load_named, propose
from sockproof.api.job import build_job, build_server
from sockproof.api.plans import JOBS, TIMEOUT, JudgePlan
from sockproof.api.targets import Targets
from sockproof.conformance.peers.tls import Trust
from sockproof.conformance.running.run import Job, run_job
from sockproof.conformance.shelf.expectations import Expectation, load_expectations
from sockproof.conformance.shelf.profile import Profile, load_profile, profile_of
from sockproof.errors import CommandError
from sockproof.files import FileError, WriteError
from sockproof.formats.report import Report
from sockproof.render.text import number
from sockproof.runs import records
from sockproof.runs.records import CaseRecord, RunWriter
from sockproof.targets.certificates import make_certificates
from sockproof.targets.spec import TargetSpec, load_targets

JUDGED = ("websocket", "socketio")  # kinds of targets; applications are for load tests
FAST_SECONDS = 1  # ping interval and timeout of the second server that heartbeat cases use


class Observer(Protocol):
    """Hears of a run while it goes on."""

    def start(self, total: int, target: str, server: str | None, bound: float) -> None:
        """So many cases begin, and end within `bound` seconds."""

    def case_done(self, record: CaseRecord) -> None:
        """A case has ended; it may be revised later."""


class _Nobody:
    def start(self, total: int, target: str, server: str | None, bound: float) -> None:
        pass

    def case_done(self, record: CaseRecord) -> None:
        pass


def _write_nothing(report: Mapping[str, Any]) -> list[Path]:
    del report
    return []


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is recorded: a folder, which `stays` when all is over.

    `write` writes the reports, and says which files they are.
    """

    folder: Path
    write: Callable[[Mapping[str, Any]], list[Path]] = _write_nothing
    stays: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """One server's run: what was to be run, where it was recorded, and how it ended."""

    job: Job
    folder: Path
    report: dict[str, Any]
    written: list[Path]

    @property
    def title(self) -> str:
        """What the server is called."""
        return self.job.name or self.job.target

    @property
    def exit_code(self) -> int:
        """What the command `conformance` ends with."""
        return int(self.report["exit_code"])


def judge(
    url: str | None = None,
    *,
    target: str | None = None,
    suites: Sequence[str] = (),
    cases: Sequence[str] = (),
    exclude: Sequence[str] = (),
    expect: Sequence[str | Path] = (),
    profile: str | Path | None = None,
    path: str | None = None,
    namespace: str | None = None,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    cookies: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    auth: Mapping[str, Any] | None = None,
    token: str | None = None,
    ca: str | Path | None = None,
    insecure: bool = False,
    strict: bool = False,
    jobs: int = JOBS,
    timeout: float = TIMEOUT,
    max_time: float | None = None,
    repeat: int = 1,
    thorough: bool = False,
    shuffle: bool = False,
    docs_url: str | None = None,
    results: str | Path | None = None,
    observer: Observer | None = None,
) -> Report:
    """Judge the server at a URL, case by case, and return the report.

    `url` is ws://, wss://, http:// or https://; instead of it, `target` names a server that comes
    with sockproof and is started for the run. `suites` are names as "websocket" or "rooms",
    `cases` and `exclude` globs of ids as "websocket/masking/*"; without them, all cases that
    concern the server run. `expect` are files of known deviations, or names of those that are
    bundled. The server is asked with `headers`, `cookies`, `subprotocols`, and `auth`, the payload
    of each Socket.IO CONNECT; `token` is that of its fixture. `jobs` cases run concurrently, each
    for `timeout` seconds at most, and all within `max_time` seconds. `docs_url` is the address of
    the documentation that reports link to.

    The report is what `sockproof schema conformance-report` describes, secrets masked: in
    `report["exit_code"]` 0 says that nothing unexpected was found, 1 that something was, 2 that
    the server could not be judged to the end; `report["counts"]` has the number of cases by
    outcome, `report["cases"]` each of them with its evidence. With `results`, the records stay in
    a new folder below, of which `sockproof report` makes pages. `observer` hears of each case.

    Raises `sockproof.errors.WrongInput` where an argument, or a file that one names, is invalid,
    and `sockproof.errors.NotJudged` where the server cannot be reached or started, or nothing can
    be recorded. A KeyboardInterrupt passes when the run is concluded.

    It can be called from any thread. A running event loop would be blocked meanwhile: there, use
    `await asyncio.to_thread(sockproof.judge, url)`. It prints nothing, and no
    signal handler is left behind.
    """
    if (url is None) == (target is None):
        raise CommandError("name either a URL or a target")
    plan = JudgePlan(
        url=url,
        targets=() if target is None else (target,),
        suites=tuple(suites),
        cases=tuple(cases),
        exclude=tuple(exclude),
        expect=tuple(map(str, expect)),
        profile=None if profile is None else Path(profile),
        path=path,
        namespace=namespace,
        headers=tuple(headers.items() if isinstance(headers, Mapping) else headers),
        cookies=tuple(f"{name}={value}" for name, value in (cookies or {}).items()),
        subprotocols=tuple(subprotocols),
        auth=auth,
        token=token,
        ca=None if ca is None else Path(ca),
        insecure=insecure,
        strict=strict,
        jobs=jobs,
        timeout=timeout,
        max_time=max_time,
        repeat=repeat,
        thorough=thorough,
        shuffle=shuffle,
        docs_url=docs_url,
    )
    shelf = shelves.shelf("conformance")
    expectations = load_named(plan.expect, shelf)
    with _place(results) as place:
        if url is not None:
            judged = judge_url(plan, url, expectations, place, observer)
        else:
            known = load_targets(shelves.shelf("targets"))
            spec = judged_target(str(target), known)
            judged = judge_target(plan, spec, expectations, place, observer)
    if judged.report["interrupted"]:
        raise KeyboardInterrupt
    return cast(Report, judged.report)


@contextlib.contextmanager
def _place(results: str | Path | None) -> Iterator[Place]:
    if results is None:
        with TemporaryDirectory(prefix="sockproof-") as name:
            yield Place(Path(name), stays=False)
        return
    folder = records.new_run_folder(Path(results), "conformance")
    try:
        yield Place(folder)
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # only when nothing was written: the server could not be reached


def judged_target(name: str, known: Mapping[str, TargetSpec]) -> TargetSpec:
    """The target of this name; raises `CommandError` where there is none that can be judged."""
    if name not in known:
        raise CommandError(f"no target {name!r}; choose one of {', '.join(known)}")
    if known[name].kind not in JUDGED:
        raise CommandError(f"the target {name} is for load tests: `sockproof load --help`")
    return known[name]


def judge_url(
    plan: JudgePlan,
    url: str,
    expectations: Sequence[Expectation],
    place: Place,
    observer: Observer | None = None,
) -> Judged:
    """Judge the server at a URL."""
    profile = Profile() if plan.profile is None else load_profile(plan.profile)
    server = build_server(url, profile, plan)
    job = build_job(plan, [server], [url], expectations)
    return _judge(job, place, observer or _Nobody(), plan.shelf)


def judge_target(
    plan: JudgePlan,
    spec: TargetSpec,
    expectations: Sequence[Expectation],
    place: Place,
    observer: Observer | None = None,
) -> Judged:
    """Start a target, a Socket.IO one with slow and with fast timers, and judge it."""
    profile = profile_of(spec.profile)
    shelf = shelves.shelf("conformance", plan.shelf)
    known = shelf / "expectations" / f"{spec.name}.toml"
    named = [*expectations, *(load_expectations(known) if known.exists() else [])]
    with Targets() as targets, contextlib.ExitStack() as stack:
        urls = [targets.start(spec)]
        trust = None
        if spec.kind == "socketio":
            fast = {"ping_interval": FAST_SECONDS, "ping_timeout": FAST_SECONDS}
            urls.append(targets.start(spec, **fast))
        elif spec.tls:
            made = make_certificates(Path(stack.enter_context(TemporaryDirectory())))
            urls.append(targets.start(spec, certificates=made))
            trust = Trust(made.ca)
        servers = [build_server(url, profile, plan, trust) for url in urls]
        what = ["--target", spec.name]
        job = build_job(plan, servers, what, named, spec.described(), targets.restart)
        return _judge(job, place, observer or _Nobody(), plan.shelf, targets)


def _judge(
    job: Job, place: Place, observer: Observer, shelf: Path | None, targets: Targets | None = None
) -> Judged:
    """Run a job and have its reports written, after an interrupt too."""
    path = place.folder / records.RUN_FILE
    ran = 0

    def start(total: int, name: str | None, bound: float) -> None:
        observer.start(total, job.target, name, bound)

    def done(record: CaseRecord) -> None:
        nonlocal ran
        ran += 1
        observer.case_done(record)

    with RunWriter(path) as writer:
        try:
            signals.run_async(run_job(job, writer, start, done))
        except KeyboardInterrupt:
            if not ran:
                raise
        except TimeoutError:
            _ended(writer, path, job)
        except WriteError as error:
            raise WriteError(f"{error}{_kept(path, ran, place)}") from None
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        with signals.held():
            report = read_report(path)
            if targets is None and not report["interrupted"]:
                found = _proposal(job, report, shelf)
                writer.also(found)
                report.update(found)
            if targets is not None:
                report["server_log"] = job.plan.redactor.text(targets.log())
            written = place.write(report)
    return Judged(job, place.folder, report, written)


def _kept(path: Path, ran: int, place: Place) -> str:
    """What can still be read when a run could not be written down to its end."""
    if not ran or not place.stays:
        return ""
    return f"; the {number(ran, 'case')} before are in {path}, for `sockproof report`"


def read_report(path: Path) -> dict[str, Any]:
    """The report of a run of our own; that its file cannot be read is not the user's doing."""
    try:
        return records.read_run(path)
    except FileError as error:
        raise WriteError(f"the records of the run are gone: {error}") from None


def _ended(writer: RunWriter, path: Path, job: Job) -> None:
    """Conclude a run that did not end by itself when the time limit was reached."""
    so_far = records.read_run(path)
    ran = {case["id"] for case in so_far["cases"]}
    wrong = any(records.weighs(case, job.strict) for case in so_far["cases"])
    writer.finish(
        {
            "interrupted": False,
            "exit_code": 1 if wrong else 2,
            "strict": job.strict,
            "seconds": so_far["seconds"],
            "not_run": [case.id for case in job.chosen if case.id not in ran],
            "remarks": ["The run did not end at its time limit and was stopped."],
        }
    )


def _proposal(job: Job, report: Mapping[str, Any], shelf: Path | None) -> dict[str, Any]:
    """What the report says of expectations that are shipped, if anything."""
    conformance, targets = (shelves.shelf(name, shelf) for name in ("conformance", "targets"))
    known = [case.id for case in job.all_cases]
    found = propose(report, known, job.plan.expectations, conformance, targets)
    return {"proposal": found} if found is not None else {}
