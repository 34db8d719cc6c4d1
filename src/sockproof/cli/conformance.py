"""`sockproof conformance`: judge the server at a URL, or targets that are started for it."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sockproof import files, memory, shelves
from sockproof.api.expecting import load_named
from sockproof.api.job import catalogue_of, concerned, fitting_suites, suites_of
from sockproof.api.judge import JUDGED, Judged, Place, judge_target, judge_url, judged_target
from sockproof.api.plans import JudgePlan
from sockproof.cli.arguments import add_results, add_shelf, whole
from sockproof.cli.judge_plans import judge_plan
from sockproof.cli.judging import (
    Group,
    add_limits,
    add_reports,
    add_selection,
    add_verbose,
    add_verdict,
    list_cases,
    recorded,
    write_known,
)
from sockproof.cli.outputs import Outputs, write_autobahn, write_index
from sockproof.cli.speech import warn
from sockproof.conformance.preflight import Unreachable
from sockproof.conformance.running.run import choose_cases
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.expectations import Expectation
from sockproof.errors import CANNOT_BE_JUDGED, CommandError
from sockproof.proxies import ignored_proxy
from sockproof.render.conformance.html import IndexEntry
from sockproof.render.conformance.terminal import Progress
from sockproof.runs import records
from sockproof.targets.spec import TargetError, TargetSpec, load_targets
from sockproof.vocabulary import SOCKETIO_SUITES, SUITES, WEBSOCKET_SUITES, Suite

EXAMPLES = """\
examples:
  sockproof conformance ws://127.0.0.1:8765/
  sockproof conformance http://127.0.0.1:5000/ --expect known.toml --junit junit.xml
  sockproof conformance ws://127.0.0.1:8765/ --case 'websocket/masking/*' -v"""

EMBEDDED = ("websockets", "python-socketio-uvicorn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="server to check: ws:// or wss:// for WebSocket, http:// or https:// for Socket.IO "
        "(default: start and check two bundled servers)",
    )
    selection = add_choice(parser, "two, without a URL")
    selection.add_argument(
        "--list", action="store_true", help="list the cases without running them"
    )
    add = parser.add_argument_group("connection").add_argument
    add(
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="header field to send with each request; may be repeated",
    )
    add(
        "--cookie",
        action="append",
        default=[],
        metavar="'NAME=VALUE'",
        help="cookie to send with each request; may be repeated",
    )
    add(
        "--subprotocol",
        action="append",
        default=[],
        metavar="NAME",
        help="subprotocol to offer in each WebSocket handshake; may be repeated",
    )
    add(
        "--ca",
        type=Path,
        metavar="FILE",
        help="CA certificate (PEM) to trust in place of the system's",
    )
    add(
        "--insecure",
        action="store_true",
        help="accept any certificate, and skip the cases about certificates",
    )
    add("--path", metavar="PATH", help="path of the Socket.IO endpoint (default: /socket.io/)")
    add("--namespace", metavar="NS", help="Socket.IO namespace to use (default: /)")
    add("--auth", metavar="JSON", help="payload of each Socket.IO CONNECT packet")
    add(
        "--token",
        metavar="TOKEN",
        help="token that a server with sockproof's fixture (conformance/TARGET.md) requires, "
        "set there as SOCKPROOF_TOKEN (default: none)",
    )
    add(
        "--profile",
        type=Path,
        metavar="FILE",
        help="TOML file of server capabilities and limits, used to select cases; for its keys, see "
        "'sockproof schema profile'",
    )
    add_reports(parser)
    add_results(parser)
    add_shelf(parser)


def add_choice(parser: argparse.ArgumentParser, default: str) -> Group:
    """Add the options that the commands that check servers share; returns those that select.

    `default` says which bundled servers are checked where none is named.
    """
    add_verbose(parser)
    selection = parser.add_argument_group("selection")
    selection.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME",
        help="bundled server to start and check, from 'sockproof target'; may be repeated "
        f"(default: {default})",
    )
    add_selection(
        selection,
        SUITES,
        "websocket and deflate for a WebSocket server, engineio, socketio and rooms for a "
        "Socket.IO server; clients tries real client libraries, and abuse floods the server",
    )
    add_verdict(
        parser, "the name of a bundled list, e.g. tornado", "each bundled server's own list"
    )
    add = add_limits(parser).add_argument
    add(
        "--jobs",
        type=whole(1, 256),
        default=32,
        metavar="N",
        help="number of cases that run concurrently (default: %(default)s)",
    )
    add(
        "--repeat",
        type=whole(1, 1000),
        default=1,
        metavar="N",
        help="number of times that each case runs (default: %(default)s)",
    )
    add("--shuffle", action="store_true", help="run the cases in random order")
    add(
        "--thorough",
        action="store_true",
        help="repeat steps within a case up to a thousand times instead of a few (slower)",
    )
    return selection


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the user gets of the runs: where they are recorded, which reports, and what is shown."""

    results: Path
    shelf: Path | None
    outputs: Outputs | None  # those that file options name
    autobahn: Path | None
    expectations: Path | None  # to be written
    verbose: bool

    def place(self) -> AbstractContextManager[Place]:
        """Where one run is recorded."""
        return recorded("conformance", self.results, self.shelf, self.outputs)

    def show(self, progress: Progress, judged: Judged) -> Judged:
        """Show how a run ended, and write its expectations."""
        progress.finish(judged.report, judged.written)
        job = judged.job
        write_known(self.expectations, judged.report, job.all_cases, job.plan.requirements)
        return judged


def conformance(options: Namespace) -> int:
    """Carry the command out; gives its exit code."""
    plan = judge_plan(options)
    if options.list:
        return _list(plan)
    wanted = _Wanted(
        results=options.results,
        shelf=options.shelf,
        outputs=Outputs.asked_for(
            options.shelf,
            json=options.json,
            junit=options.junit,
            html=options.html,
            markdown=options.markdown,
        ),
        autobahn=options.autobahn,
        expectations=options.write_expectations,
        verbose=options.verbose,
    )
    memory.give_back_early()
    expectations = load_named(plan.expect, shelves.shelf("conformance", plan.shelf))
    if plan.url is not None:
        return _judge_url(plan, plan.url, expectations, wanted)
    return _judge_targets(plan, expectations, wanted)


def _list(plan: JudgePlan) -> int:
    shelf = shelves.shelf("conformance", plan.shelf)
    cases = load_cases(shelf, suites_of(plan, WEBSOCKET_SUITES + SOCKETIO_SUITES))
    catalogue = catalogue_of(shelf, cases)
    list_cases(choose_cases(cases, plan.cases, plan.exclude), catalogue)
    return 0


def _judge_url(plan: JudgePlan, url: str, expectations: list[Expectation], wanted: _Wanted) -> int:
    if name := ignored_proxy(url):
        warn(f"{name} is ignored: cases judge the server's own TCP and TLS, and connect directly")
    with wanted.place() as place, Progress(verbose=wanted.verbose) as progress:
        judged = wanted.show(progress, judge_url(plan, url, expectations, place, progress))
    write_autobahn([(judged.title, judged.report)], wanted.autobahn)
    return judged.exit_code


# Targets that are started here.


def _judge_targets(plan: JudgePlan, expectations: list[Expectation], wanted: _Wanted) -> int:
    known = load_targets(shelves.shelf("targets", plan.shelf))
    chosen = choose_targets(plan, known, EMBEDDED)
    if plan.profile is not None:
        raise CommandError("--profile is for a URL: bundled servers have their own profile")
    if len(chosen) > 1 and wanted.outputs is not None:
        raise CommandError("one report file cannot hold two servers; name one with --target")
    if len(chosen) == 1:
        with wanted.place() as place, Progress(verbose=wanted.verbose) as progress:
            judged = judge_target(plan, chosen[0], expectations, place, progress)
            wanted.show(progress, judged)
        write_autobahn([(judged.title, judged.report)], wanted.autobahn)
        return judged.exit_code
    folder = records.new_run_folder(wanted.results, "conformance")
    all_judged: list[Judged] = []
    codes: list[int] = []
    try:
        for spec in chosen:
            own = folder / spec.name
            files.make_folder(own)
            place = Place(own, Outputs.in_folder(own, wanted.shelf).write)
            try:
                with Progress(verbose=wanted.verbose) as progress:
                    judged = judge_target(plan, spec, expectations, place, progress)
                    wanted.show(progress, judged)
            except (Unreachable, TargetError) as error:
                warn(f"{spec.name}: {error}")
                own.rmdir()
                codes.append(CANNOT_BE_JUDGED)
                continue
            all_judged.append(judged)
            codes.append(judged.exit_code)
            print()
            if judged.report["interrupted"]:
                break
    finally:
        if all_judged:
            entries = [
                IndexEntry(each.title, f"{each.folder.name}/report.html", each.report)
                for each in all_judged
            ]
            page = write_index(folder, entries, wanted.shelf)
            records.link_latest(folder, "conformance")
            print(f"all targets: {page}")
            write_autobahn([(each.title, each.report) for each in all_judged], wanted.autobahn)
    return worst(codes)


def choose_targets(
    plan: JudgePlan, known: Mapping[str, TargetSpec], default: Sequence[str]
) -> list[TargetSpec]:
    """The targets that the plan names, or of the default ones those that the cases concern."""
    for name in plan.targets:
        fitting_suites(judged_target(name, known).kind == "websocket", plan)
    if plan.targets:
        return [known[name] for name in dict.fromkeys(plan.targets)]
    chosen = [known[name] for name in default if known[name].kind in JUDGED]
    if not (plan.suites or plan.cases or plan.exclude):
        return chosen
    shelf = shelves.shelf("conformance", plan.shelf)
    fitting = [spec for spec in chosen if _concerns(spec, shelf, plan)]
    if not fitting:
        raise CommandError("no matching case applies to these servers; --list shows all cases")
    return fitting


def _concerns(spec: TargetSpec, shelf: Path, plan: JudgePlan) -> bool:
    """Whether any of the chosen cases is for a target of this kind."""
    websocket = spec.kind == "websocket"
    default = WEBSOCKET_SUITES if websocket else SOCKETIO_SUITES
    # Those that run only when they are named.
    named = (Suite.ABUSE,) if websocket else (Suite.ABUSE, Suite.CLIENTS)
    suites = [name for name in suites_of(plan, default) if name in (*default, *named)]
    cases = concerned(load_cases(shelf, suites), suites, websocket)
    return bool(choose_cases(cases, plan.cases, plan.exclude))


def worst(codes: Sequence[int]) -> int:
    """The exit code of several runs: the gravest of theirs, 2 when there was none."""
    return next((code for code in (130, 1, 2) if code in codes), 0 if codes else 2)
