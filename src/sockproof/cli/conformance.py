"""`sockproof conformance`: judge the server at a URL, or targets that are started for it."""

from __future__ import annotations

import argparse
import contextlib
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sockproof import files, shelves
from sockproof.cli.arguments import add_shelf, seconds, time_span, whole
from sockproof.cli.expecting import load_named
from sockproof.cli.judge import build_job, concerned, fitting_suites, judge, judge_target, suites_of
from sockproof.cli.outputs import Judged, Outputs, write_autobahn, write_index
from sockproof.cli.settings import build_server
from sockproof.conformance.preflight import Unreachable
from sockproof.conformance.running.run import choose_cases
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.expectations import Expectation
from sockproof.conformance.shelf.profile import Profile, load_profile
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.errors import CANNOT_BE_JUDGED, CommandError
from sockproof.render.conformance.html import IndexEntry
from sockproof.runs import records
from sockproof.targets import launch
from sockproof.vocabulary import SOCKETIO_SUITES, SUITES, WEBSOCKET_SUITES, Suite

EMBEDDED = ("websockets", "python-socketio-uvicorn")

JUDGED = ("websocket", "socketio")  # kinds of targets; applications are for load tests


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    add = parser.add_argument
    add(
        "url",
        nargs="?",
        metavar="URL",
        help="ws://, wss://, http:// or https://; "
        "without it, the targets that come with sockproof are started and judged",
    )
    add_choice(parser)
    add("--profile", type=Path, metavar="FILE", help="what the server offers, and its limits")
    add("--write-expectations", type=Path, metavar="FILE", help="write those of this run")
    add("--path", metavar="PATH", help="where Socket.IO answers (/socket.io/)")
    add("--namespace", metavar="NS", help="the Socket.IO namespace to use (/)")
    add("--auth", metavar="JSON", help="payload of each Socket.IO CONNECT")
    add("--header", action="append", default=[], metavar="'NAME: VALUE'", help="with each request")
    add("--cookie", action="append", default=[], metavar="'A=B'", help="with each request")
    offered = "offered with each WebSocket handshake; may be repeated"
    add("--subprotocol", action="append", default=[], metavar="NAME", help=offered)
    add("--ca", type=Path, metavar="FILE", help="trust this CA's certificate (PEM) for wss://")
    add("--insecure", action="store_true", help="take any certificate, and judge none")
    add("--token", metavar="T", help="SOCKPROOF_TOKEN of the server's fixture")
    add("--json", type=Path, metavar="FILE")
    add("--junit", type=Path, metavar="FILE")
    add("--html", type=Path, metavar="FILE")
    add("--markdown", type=Path, metavar="FILE")
    add("--autobahn", type=Path, metavar="DIR", help="index.json and more, as Autobahn wrote them")
    add("--list", action="store_true", help="list the cases and run nothing")
    add_places(parser)


def add_choice(parser: argparse.ArgumentParser) -> None:
    """What the commands that judge servers have in common."""
    add = parser.add_argument
    add("--target", action="append", default=[], metavar="NAME", help="start and judge this one")
    add(
        "--suite",
        action="append",
        default=[],
        choices=SUITES,
        metavar="NAME",
        help=f"one of {', '.join(SUITES)}; may be repeated",
    )
    add("--case", action="append", default=[], metavar="GLOB", help="only cases whose id matches")
    but = "no case whose id matches; may be repeated"
    add("--exclude", action="append", default=[], metavar="GLOB", help=but)
    add("-v", "--verbose", action="store_true", help="list cases, too, as they happen and after")
    add(
        "--expect",
        action="append",
        default=[],
        metavar="FILE",
        help="known deviations: a file, or the name of a server whose ones are shipped",
    )
    add("--strict", action="store_true", help="SHOULD and NON_STRICT fail the run too")
    add("--jobs", type=whole(1, 256), default=32, metavar="N", help="cases side by side (32)")
    add("--timeout", type=seconds, default=5.0, metavar="S", help="limit for each case (5)")
    bound = "end after so long, whatever was not run (by the number of cases)"
    add("--max-time", type=time_span, metavar="T", help=bound)
    add("--repeat", type=whole(1, 1000), default=1, metavar="N", help="run each case N times")
    add("--thorough", action="store_true", help="a thousand round trips where a few show the same")
    add("--shuffle", action="store_true", help="in random order")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Where runs are written and shelves are looked for, which no help shows."""
    results = {"type": Path, "default": Path("results"), "help": argparse.SUPPRESS}
    parser.add_argument("--results", metavar="DIR", **results)  # type: ignore[arg-type]
    add_shelf(parser)


def conformance(options: Namespace) -> int:
    """Carry the command out; gives its exit code."""
    if options.url is not None and options.target:
        raise CommandError("a URL and --target exclude each other")
    if options.list:
        return _list(options)
    shelf = shelves.shelf("conformance", options.shelf)
    expectations = load_named(options.expect, shelf)
    if options.url is not None:
        return _judge_url(options, shelf, expectations)
    return _judge_targets(options, shelf, expectations)


def _list(options: Namespace) -> int:
    shelf = shelves.shelf("conformance", options.shelf)
    catalogue = load_requirements(shelf / "requirements")
    suites = suites_of(options, WEBSOCKET_SUITES + SOCKETIO_SUITES)
    for case in choose_cases(load_cases(shelf, suites), options.case, options.exclude):
        requirement = catalogue[case.requirement]
        print(f"{requirement.level:9} {case.id}  ({requirement.document}, {requirement.section})")
    return 0


def _judge_url(options: Namespace, shelf: Path, expectations: list[Expectation]) -> int:
    profile = Profile() if options.profile is None else load_profile(options.profile)
    server = build_server(options.url, profile, options)
    job = build_job([server], [options.url], shelf, expectations, options)
    with _place(options) as (folder, outputs):
        judged = judge(job, folder, outputs, None, options)
        _link(folder, options)
    write_autobahn([judged], options)
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


# Targets that are started here.


def _judge_targets(options: Namespace, shelf: Path, expectations: list[Expectation]) -> int:
    known = launch.load_targets(shelves.shelf("targets", options.shelf))
    chosen = choose_targets(options, known, EMBEDDED)
    if options.profile is not None:
        raise CommandError("--profile is for a URL: a target has its own")
    if len(chosen) > 1 and Outputs.asked_for(options) is not None:
        raise CommandError("one report file cannot hold two targets; name one with --target")
    if len(chosen) == 1:
        with _place(options) as (folder, outputs):
            judged = judge_target(chosen[0], folder, outputs, shelf, expectations, options)
            _link(folder, options)
        write_autobahn([judged], options)
        return int(judged.report["exit_code"])
    folder = records.new_run_folder(options.results, "conformance")
    all_judged: list[Judged] = []
    codes: list[int] = []
    try:
        for spec in chosen:
            own = folder / spec.name
            files.make_folder(own)
            outputs = Outputs.in_folder(own, options.shelf)
            try:
                judged = judge_target(spec, own, outputs, shelf, expectations, options)
            except (Unreachable, launch.TargetError) as error:
                print(f"sockproof: {spec.name}: {error}", file=sys.stderr)
                own.rmdir()
                codes.append(CANNOT_BE_JUDGED)
                continue
            all_judged.append(judged)
            codes.append(int(judged.report["exit_code"]))
            print()
            if judged.report["interrupted"]:
                break
    finally:
        if all_judged:
            entries = [
                IndexEntry(each.title, f"{each.folder.name}/report.html", each.report)
                for each in all_judged
            ]
            page = write_index(folder, entries, options.shelf)
            records.link_latest(folder, "conformance")
            print(f"all targets: {page}")
            write_autobahn(all_judged, options)
    return worst(codes)


def choose_targets(
    options: Namespace, known: Mapping[str, launch.TargetSpec], default: Sequence[str]
) -> list[launch.TargetSpec]:
    """The targets that `--target` names, or of the default ones those that the cases concern."""
    for name in options.target:
        if name not in known:
            raise CommandError(f"no target {name!r}; there are {', '.join(known)}")
        if known[name].kind not in JUDGED:
            raise CommandError(f"the target {name} is for load tests: `sockproof load --help`")
        fitting_suites(known[name].kind == "websocket", options)
    if options.target:
        return [known[name] for name in dict.fromkeys(options.target)]
    chosen = [known[name] for name in default if known[name].kind in JUDGED]
    if not (options.suite or options.case or options.exclude):
        return chosen
    shelf = shelves.shelf("conformance", options.shelf)
    fitting = [spec for spec in chosen if _concerns(spec, shelf, options)]
    if not fitting:
        raise CommandError("no case matches that concerns these targets; --list shows all cases")
    return fitting


def _concerns(spec: launch.TargetSpec, shelf: Path, options: Namespace) -> bool:
    """Whether any of the chosen cases is for a target of this kind."""
    websocket = spec.kind == "websocket"
    default = WEBSOCKET_SUITES if websocket else SOCKETIO_SUITES
    # Those that run only when they are named.
    named = (Suite.ABUSE,) if websocket else (Suite.ABUSE, Suite.CLIENTS)
    suites = [name for name in suites_of(options, default) if name in (*default, *named)]
    cases = concerned(load_cases(shelf, suites), suites, websocket)
    return bool(choose_cases(cases, options.case, options.exclude))


def worst(codes: Sequence[int]) -> int:
    """The exit code of several runs: the gravest of theirs, 2 when there was none."""
    return next((code for code in (130, 1, 2) if code in codes), 0 if codes else 2)
