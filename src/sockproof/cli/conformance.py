"""`sockproof conformance`: judge the server at a URL, or targets that are started for it."""

from __future__ import annotations

import asyncio
import contextlib
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sockproof import launch, records, shelves
from sockproof.certificates import make_certificates
from sockproof.cli.outputs import Outputs, write_index
from sockproof.cli.settings import CommandError, build_server, redactor, rerun_command
from sockproof.conformance.case import Case, load_cases
from sockproof.conformance.expectations import (
    Expectation,
    load_expectations,
    write_expectations,
)
from sockproof.conformance.profile import Profile, load_profile, parse_profile
from sockproof.conformance.requirements import load_requirements
from sockproof.conformance.run import (
    SOCKETIO_SUITES,
    WEBSOCKET_SUITES,
    Job,
    choose_cases,
    run_job,
)
from sockproof.conformance.target import Server
from sockproof.conformance.tls import Trust
from sockproof.records import CaseRecord, RunWriter
from sockproof.render.html import IndexEntry
from sockproof.render.terminal import Progress

EMBEDDED = ("websockets", "python-socketio-uvicorn")
FAST_SECONDS = 1  # ping interval and timeout of the second server that heartbeat cases use


@dataclass(frozen=True, slots=True)
class Judged:
    """One target's run: where it was written, and how it ended."""

    title: str
    folder: Path | None
    report: dict[str, Any]
    written: list[Path]


def conformance(options: Namespace) -> int:
    """Carry the command out; gives its exit code."""
    if options.url is not None and options.target:
        raise CommandError("a URL and --target exclude each other")
    if options.list:
        return _list(options)
    shelf = shelves.shelf("conformance", options.shelf)
    expectations = [each for path in options.expect for each in load_expectations(path)]
    if options.url is not None:
        return _judge_url(options, shelf, expectations)
    return _judge_targets(options, shelf, expectations)


def _list(options: Namespace) -> int:
    shelf = shelves.shelf("conformance", options.shelf)
    catalogue = load_requirements(shelf / "requirements")
    suites = _suites(options, WEBSOCKET_SUITES + SOCKETIO_SUITES)
    for case in choose_cases(load_cases(shelf, suites), options.case):
        requirement = catalogue[case.requirement]
        print(f"{requirement.level:9} {case.id}  ({requirement.document}, {requirement.section})")
    return 0


def _suites(options: Namespace, default: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(options.suite)) or tuple(default)


def _chosen(all_cases: Sequence[Case], options: Namespace) -> list[Case]:
    chosen = choose_cases(all_cases, options.case)
    if options.case and not chosen:
        wanted = ", ".join(options.case)
        raise CommandError(f"no case matches {wanted}; --list shows them all")
    return chosen


def _build_job(
    servers: Sequence[Server],
    what: list[str],
    shelf: Path,
    expectations: Sequence[Expectation],
    options: Namespace,
) -> Job:
    default = WEBSOCKET_SUITES if servers[0].address.is_websocket else SOCKETIO_SUITES
    suites = _suites(options, default)
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
        chosen=_chosen([case for case in all_cases if case.suite in suites], options),
        requirements=catalogue,
        expectations=expectations,
        rerun=rerun_command(options, what, hide),
        redactor=hide,
        jobs=options.jobs,
        limit=options.timeout,
        repeat=options.repeat,
        shuffle=options.shuffle,
        strict=options.strict,
    )


def _judge_url(options: Namespace, shelf: Path, expectations: list[Expectation]) -> int:
    profile = Profile() if options.profile is None else load_profile(options.profile)
    server = build_server(options.url, profile, options)
    job = _build_job([server], [options.url], shelf, expectations, options)
    with _place(options) as (folder, outputs):
        judged = _run(job, folder, outputs, None, options)
        _link(folder, options)
    return int(judged.report["exit_code"])


@contextlib.contextmanager
def _place(options: Namespace) -> Iterator[tuple[Path, Outputs]]:
    """The folder of the run's records, and the reports to write.

    With a file option the records go into a folder that does not outlive the run.
    """
    asked = Outputs.asked_for(options)
    if asked is not None:
        with TemporaryDirectory(prefix="sockproof-") as name:
            yield Path(name), asked
        return
    folder = records.new_run_folder(options.results, "conformance")
    try:
        yield folder, Outputs.in_folder(folder, options.shelf)
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # only when nothing was written: the server could not be reached


def _link(folder: Path, options: Namespace) -> None:
    if Outputs.asked_for(options) is None:
        records.link_latest(folder, "conformance")


def _run(
    job: Job,
    folder: Path,
    outputs: Outputs,
    running: launch.RunningTarget | None,
    options: Namespace,
) -> Judged:
    """Run a job and write its reports, after an interrupt too."""
    path = folder / records.RUN_FILE
    outcomes: list[CaseRecord] = []
    target = job.redactor.text(job.servers[0].address.url)
    with Progress() as progress:

        def start(total: int, name: str | None) -> None:
            progress.start(total, target, name)

        def done(record: CaseRecord) -> None:
            outcomes.append(replace(record, wire=[]))
            progress.case_done(record)

        with RunWriter(path) as writer:
            try:
                asyncio.run(run_job(job, writer, start, done))
            except KeyboardInterrupt:
                if not outcomes:
                    raise
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        report = records.read_run(path)
        if running is not None:
            report["server_log"] = job.redactor.text(running.stderr())
        written = outputs.write(report)
        progress.finish(report, written)
    if options.write_expectations is not None and not report["interrupted"]:
        noted = f"seen on {report['started'][:10]}, not yet explained"
        count = write_expectations(options.write_expectations, outcomes, noted)
        print(f"{count} expectations in {options.write_expectations}")
    return Judged(job.name or target, folder, report, written)


# Targets that are started here.


def _judge_targets(options: Namespace, shelf: Path, expectations: list[Expectation]) -> int:
    known = launch.load_targets(shelves.shelf("targets", options.shelf))
    names = tuple(dict.fromkeys(options.target)) or EMBEDDED
    for name in names:
        if name not in known:
            raise CommandError(f"no target {name!r}; there are {', '.join(known)}")
    if options.profile is not None:
        raise CommandError("--profile is for a URL: a target has its own")
    if len(names) > 1 and Outputs.asked_for(options) is not None:
        raise CommandError("one report file cannot hold two targets; name one with --target")
    if len(names) == 1:
        with _place(options) as (folder, outputs):
            judged = _judge_target(known[names[0]], folder, outputs, shelf, expectations, options)
            _link(folder, options)
        return int(judged.report["exit_code"])
    if options.suite or options.case:
        names = tuple(name for name in names if _concerns(known[name], shelf, options))
    folder = records.new_run_folder(options.results, "conformance")
    all_judged: list[Judged] = []
    try:
        for name in names:
            own = folder / name
            own.mkdir()
            outputs = Outputs.in_folder(own, options.shelf)
            spec = known[name]
            judged = _judge_target(spec, own, outputs, shelf, expectations, options)
            all_judged.append(judged)
            print()
            if judged.report["interrupted"]:
                break
    finally:
        if all_judged:
            entries = [
                IndexEntry(each.title, f"{each.folder.name}/report.html", each.report)
                for each in all_judged
                if each.folder is not None
            ]
            page = write_index(folder, entries, options.shelf)
            records.link_latest(folder, "conformance")
            print(f"all targets: {page}")
    return _worst([int(each.report["exit_code"]) for each in all_judged])


def _concerns(spec: launch.TargetSpec, shelf: Path, options: Namespace) -> bool:
    """Whether any of the chosen cases is for a target of this kind."""
    default = WEBSOCKET_SUITES if spec.kind == "websocket" else SOCKETIO_SUITES
    suites = [name for name in _suites(options, default) if name in default]
    return bool(choose_cases(load_cases(shelf, suites), options.case))


def _worst(codes: Sequence[int]) -> int:
    return next((code for code in (130, 1, 2) if code in codes), 0 if codes else 2)


def _judge_target(
    spec: launch.TargetSpec,
    folder: Path,
    outputs: Outputs,
    shelf: Path,
    expectations: list[Expectation],
    options: Namespace,
) -> Judged:
    """Start a target, a Socket.IO one with slow and with fast timers, and judge it."""
    profile = parse_profile(spec.profile, str(spec.folder / "target.toml"))
    known = shelf / "expectations" / f"{spec.name}.toml"
    named = [*expectations, *(load_expectations(known) if known.exists() else [])]
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(launch.launch(spec))]
        trust = None
        if spec.kind == "socketio":
            fast = launch.launch(spec, ping_interval=FAST_SECONDS, ping_timeout=FAST_SECONDS)
            running.append(stack.enter_context(fast))
        elif spec.tls:
            made = make_certificates(Path(stack.enter_context(TemporaryDirectory())))
            running.append(stack.enter_context(launch.launch(spec, certificates=made)))
            trust = Trust(made.ca)
        servers = [build_server(each.url, profile, options, trust) for each in running]
        job = _build_job(servers, ["--target", spec.name], shelf, named, options)
        job.name = spec.described()
        return _run(job, folder, outputs, running[0], options)
