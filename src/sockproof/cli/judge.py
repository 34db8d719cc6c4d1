"""Judging one server: the job from the options, its run, its reports.

Shared by the commands `conformance` and `matrix`.
"""

from __future__ import annotations

import contextlib
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sockproof import shelves, signals
from sockproof.cli.expecting import propose
from sockproof.cli.outputs import Judged, Outputs
from sockproof.cli.settings import build_server, redactor, rerun_command
from sockproof.cli.targets import Targets
from sockproof.conformance.peers.tls import Trust
from sockproof.conformance.running.run import Job, choose_cases, run_job
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import Expectation, glob_matches, load_expectations
from sockproof.conformance.shelf.expectations_writer import write_expectations
from sockproof.conformance.shelf.profile import profile_of
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.conformance.targets.server import Server
from sockproof.errors import CommandError
from sockproof.files import FileError, WriteError
from sockproof.render.conformance.terminal import Progress
from sockproof.render.text import number
from sockproof.runs import records
from sockproof.runs.records import CaseRecord, RunWriter
from sockproof.targets import launch
from sockproof.targets.certificates import make_certificates
from sockproof.vocabulary import SOCKETIO_SUITES, WEBSOCKET_SUITES, Suite

WEBSOCKET_DOCUMENTS = "rfc"  # how the ids of their requirements begin
FAST_SECONDS = 1  # ping interval and timeout of the second server that heartbeat cases use


def suites_of(options: Namespace, default: Sequence[str]) -> tuple[str, ...]:
    """The suites that were named, or those of the kind of server."""
    return tuple(dict.fromkeys(options.suite)) or tuple(default)


def fitting_suites(websocket: bool, options: Namespace) -> tuple[str, ...]:
    """The suites to run on this kind of server; what another kind promises is not judged here.

    Raises `CommandError` when none of those that were named is for this kind.
    """
    default = WEBSOCKET_SUITES if websocket else SOCKETIO_SUITES
    fitting = (*default, Suite.ABUSE.value, Suite.CLIENTS.value)
    named = suites_of(options, default)
    suites = tuple(name for name in named if name in fitting)
    if not suites or (options.url is not None and suites != named):
        unfit = next(name for name in named if name not in fitting)
        kind = "Socket.IO servers (http://, https://)" if websocket else "ws:// and wss:// URLs"
        raise CommandError(f"the suite {unfit} is for {kind}; here are {', '.join(fitting)}")
    return suites


def concerned(cases: Iterable[Case], suites: Sequence[str], websocket: bool) -> list[Case]:
    """The cases of these suites that are about this kind of server; `abuse` has both."""
    return [
        case
        for case in cases
        if case.suite in suites
        if case.suite != Suite.ABUSE
        or case.requirement.startswith(WEBSOCKET_DOCUMENTS) == websocket
    ]


def _chosen(
    all_cases: Sequence[Case], suites: Sequence[str], websocket: bool, options: Namespace
) -> list[Case]:
    for glob in options.exclude:
        if not any(glob_matches(glob, case.id) for case in all_cases):
            raise CommandError(f"--exclude {glob}: no such case; --list shows them all")
    fitting = concerned(all_cases, suites, websocket)
    chosen = choose_cases(fitting, options.case, options.exclude)
    if not chosen and choose_cases(fitting, options.case):
        raise CommandError(f"--exclude {' --exclude '.join(options.exclude)} leaves no case")
    if options.case and not chosen:
        wanted = ", ".join(options.case)
        raise CommandError(f"no case matches {wanted}; --list shows them all")
    return chosen


def build_job(
    servers: Sequence[Server],
    what: list[str],
    shelf: Path,
    expectations: Sequence[Expectation],
    options: Namespace,
) -> Job:
    """What is to be run; `what` is how the command line names the target."""
    suites = fitting_suites(servers[0].address.is_websocket, options)
    all_cases = load_cases(shelf)
    catalogue = load_requirements(shelf / "requirements")
    for case in all_cases:
        if case.requirement not in catalogue:
            raise CommandError(f"{case.id}: no requirement is called {case.requirement}")
    hide = redactor(servers[0])
    return Job(
        servers=servers,
        suites=suites,
        all_cases=all_cases,
        chosen=_chosen(all_cases, suites, servers[0].address.is_websocket, options),
        requirements=catalogue,
        expectations=expectations,
        rerun=rerun_command(options, what, hide),
        redactor=hide,
        jobs=options.jobs,
        limit=options.timeout,
        repeat=options.repeat,
        shuffle=options.shuffle,
        strict=options.strict,
        excluded=options.exclude,
        max_time=options.max_time,
    )


def judge(
    job: Job,
    folder: Path,
    outputs: Outputs,
    targets: Targets | None,
    options: Namespace,
) -> Judged:
    """Run a job and write its reports, after an interrupt too."""
    path = folder / records.RUN_FILE
    ran = 0
    target = job.redactor.text(job.servers[0].address.url)
    with Progress(verbose=options.verbose) as progress:

        def start(total: int, name: str | None, bound: float) -> None:
            progress.start(total, target, name, bound)

        def done(record: CaseRecord) -> None:
            nonlocal ran
            ran += 1
            progress.case_done(record)

        with RunWriter(path) as writer:
            try:
                signals.run_async(run_job(job, writer, start, done))
            except KeyboardInterrupt:
                if not ran:
                    raise
            except TimeoutError:
                _ended(writer, path, job)
            except WriteError as error:
                raise WriteError(f"{error}{_kept(path, ran, options)}") from None
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            with signals.held():
                report = _read(path)
                if targets is None and not report["interrupted"]:
                    found = _proposal(job, report, options)
                    writer.also(found)
                    report.update(found)
                if targets is not None:
                    report["server_log"] = job.redactor.text(targets.log())
                written = outputs.write(report)
        if options.command == "matrix":
            progress.finish_briefly(report, job.name or target)
        else:
            progress.finish(report, written)
    if options.write_expectations is not None and not report["interrupted"]:
        count = write_expectations(
            options.write_expectations,
            report["cases"],
            [case.id for case in job.all_cases],
            job.requirements,
            report["started"][:10],
        )
        print(f"{number(count, 'expectation')} in {options.write_expectations}")
    return Judged(job.name or target, folder, report, written)


def _kept(path: Path, ran: int, options: Namespace) -> str:
    """What can still be read when a run could not be written down to its end."""
    if not ran or Outputs.asked_for(options) is not None:
        return ""
    return f"; the {number(ran, 'case')} before are in {path}, for `sockproof report`"


def _read(path: Path) -> dict[str, Any]:
    """The report of a run of our own; that its file cannot be read is not the user's doing."""
    try:
        return records.read_run(path)
    except FileError as error:
        raise WriteError(f"what the run wrote down is gone: {error}") from None


def _ended(writer: RunWriter, path: Path, job: Job) -> None:
    """Conclude a run that did not end by itself when its time was over."""
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
            "remarks": ["The run did not end by itself when its time was over, and was ended."],
        }
    )


def _proposal(job: Job, report: Mapping[str, Any], options: Namespace) -> dict[str, Any]:
    """What the report says of expectations that are shipped, if anything."""
    shelf, targets = (shelves.shelf(name, options.shelf) for name in ("conformance", "targets"))
    known = [case.id for case in job.all_cases]
    found = propose(report, known, job.expectations, shelf, targets)
    return {"proposal": found} if found is not None else {}


def judge_target(
    spec: launch.TargetSpec,
    folder: Path,
    outputs: Outputs,
    shelf: Path,
    expectations: list[Expectation],
    options: Namespace,
) -> Judged:
    """Start a target, a Socket.IO one with slow and with fast timers, and judge it."""
    profile = profile_of(spec.profile)
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
        servers = [build_server(url, profile, options, trust) for url in urls]
        job = build_job(servers, ["--target", spec.name], shelf, named, options)
        job.name, job.restart = spec.described(), targets.restart
        return judge(job, folder, outputs, targets, options)
