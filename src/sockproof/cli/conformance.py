"""`sockproof conformance`: judge the server at a URL, or targets that are started for it."""

from __future__ import annotations

import argparse
import contextlib
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sockproof import files, shelves
from sockproof.api.expecting import load_named
from sockproof.api.job import catalogue_of, concerned, fitting_suites, suites_of
from sockproof.api.judge import JUDGED, Judged, Place, judge_target, judge_url, judged_target
from sockproof.api.plans import JudgePlan
from sockproof.cli.arguments import add_results, add_shelf, seconds, time_span, whole
from sockproof.cli.judge_plans import judge_plan
from sockproof.cli.outputs import Outputs, write_autobahn, write_index
from sockproof.cli.speech import warn
from sockproof.conformance.preflight import Unreachable
from sockproof.conformance.running.run import choose_cases
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.expectations import Expectation
from sockproof.conformance.shelf.expectations_writer import write_expectations
from sockproof.errors import CANNOT_BE_JUDGED, CommandError
from sockproof.proxies import ignored_proxy
from sockproof.render.conformance.html import IndexEntry
from sockproof.render.conformance.terminal import Progress
from sockproof.render.text import number
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
    selection = add_choice(parser)
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
    add("--ca", type=Path, metavar="FILE", help="CA certificate (PEM) to trust")
    add(
        "--insecure",
        action="store_true",
        help="accept any certificate, and skip the cases about certificates",
    )
    add("--path", metavar="PATH", help="path of the Socket.IO endpoint (default: /socket.io/)")
    add("--namespace", metavar="NS", help="Socket.IO namespace to use (default: /)")
    add("--auth", metavar="JSON", help="payload of each Socket.IO CONNECT packet")
    add("--token", metavar="TOKEN", help="value of SOCKPROOF_TOKEN on the server")
    add(
        "--profile",
        type=Path,
        metavar="FILE",
        help="TOML file with the capabilities and limits of the server",
    )
    add = parser.add_argument_group(
        "reports", "With any of these, only the named files are written, and no run folder."
    ).add_argument
    for name, kind in (("json", "JSON"), ("junit", "JUnit XML"), ("html", "HTML")):
        add(f"--{name}", type=Path, metavar="FILE", help=f"file for the report as {kind}")
    add("--markdown", type=Path, metavar="FILE", help="file for the report as Markdown")
    add(
        "--autobahn",
        type=Path,
        metavar="DIR",
        help="directory for index.json and case files in the format of Autobahn|Testsuite",
    )
    add(
        "--write-expectations",
        type=Path,
        metavar="FILE",
        help="file for the deviations found, to be completed and passed to --expect",
    )
    add_results(parser)
    add_shelf(parser)


def add_choice(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that the commands that check servers share; returns those that select."""
    add = parser.add_argument
    add("-v", "--verbose", action="store_true", help="list every case in the terminal")
    selection = parser.add_argument_group("selection")
    add = selection.add_argument
    add(
        "--target",
        action="append",
        default=[],
        metavar="NAME",
        help="bundled server to start and check; may be repeated",
    )
    add(
        "--suite",
        action="append",
        default=[],
        choices=SUITES,
        metavar="NAME",
        help=f"suite to run: {', '.join(SUITES)}; may be repeated "
        "(default: those for the kind of server, without abuse and clients)",
    )
    add(
        "--case",
        action="append",
        default=[],
        metavar="GLOB",
        help="pattern of ids of cases to run; may be repeated (default: all)",
    )
    add(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="pattern of ids of cases to leave out; may be repeated",
    )
    add = parser.add_argument_group("verdict").add_argument
    add(
        "--expect",
        action="append",
        default=[],
        metavar="FILE",
        help="known deviations: a file, or the name of a bundled list, as tornado; may be repeated",
    )
    add("--strict", action="store_true", help="fail also on SHOULD and NON_STRICT")
    add(
        "--docs-url",
        metavar="URL",
        help="documentation whose pages of requirements the reports link (default: sockproof's)",
    )
    add = parser.add_argument_group("execution").add_argument
    add(
        "--timeout",
        type=seconds,
        default=5.0,
        metavar="S",
        help="time limit for each case, in seconds (default: %(default)g)",
    )
    add(
        "--max-time",
        type=time_span,
        metavar="T",
        help="time limit for the whole run, as 90s or 5m (default: derived from the cases)",
    )
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
        help="repeat up to a thousand times within a case, where a few times usually suffice",
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

    @contextlib.contextmanager
    def place(self) -> Iterator[Place]:
        """Where one run is recorded.

        With a file option the records go into a folder that does not outlive the run.
        """
        if self.outputs is not None:
            with TemporaryDirectory(prefix="sockproof-") as name:
                yield Place(Path(name), self.outputs.write, stays=False)
            return
        folder = records.new_run_folder(self.results, "conformance")
        try:
            yield Place(folder, Outputs.in_folder(folder, self.shelf).write)
            records.link_latest(folder, "conformance")
        finally:
            with contextlib.suppress(OSError):
                folder.rmdir()  # only when nothing was written: the server could not be reached

    def show(self, progress: Progress, judged: Judged) -> Judged:
        """Show how a run ended, and write its expectations."""
        progress.finish(judged.report, judged.written)
        if self.expectations is not None and not judged.report["interrupted"]:
            count = write_expectations(
                self.expectations,
                judged.report["cases"],
                [case.id for case in judged.job.all_cases],
                judged.job.plan.requirements,
                judged.report["started"][:10],
            )
            print(f"{number(count, 'expectation')} in {self.expectations}")
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
    expectations = load_named(plan.expect, shelves.shelf("conformance", plan.shelf))
    if plan.url is not None:
        return _judge_url(plan, plan.url, expectations, wanted)
    return _judge_targets(plan, expectations, wanted)


def _list(plan: JudgePlan) -> int:
    shelf = shelves.shelf("conformance", plan.shelf)
    cases = load_cases(shelf, suites_of(plan, WEBSOCKET_SUITES + SOCKETIO_SUITES))
    catalogue = catalogue_of(shelf, cases)
    for case in choose_cases(cases, plan.cases, plan.exclude):
        requirement = catalogue[case.requirement]
        print(f"{requirement.level:9} {case.id}  ({requirement.document}, {requirement.section})")
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
