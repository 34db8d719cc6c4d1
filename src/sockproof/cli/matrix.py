"""`sockproof matrix`: every target judged in turn, and one page with all outcomes side by side.

With `--clients`, every client library that has a driver.
"""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sockproof import __version__, files, shelves
from sockproof.api.clients import ClientJudged, concerns, judge_client, with_driver
from sockproof.api.expecting import load_named
from sockproof.api.judge import Judged, Place, judge_target
from sockproof.cli.arguments import add_results, add_shelf
from sockproof.cli.client_plans import clients_plan, driver_of
from sockproof.cli.conformance import add_choice, choose_targets, worst
from sockproof.cli.judge_plans import matrix_plan
from sockproof.cli.outputs import Outputs
from sockproof.cli.speech import warn
from sockproof.conformance.preflight import Unreachable
from sockproof.errors import CANNOT_BE_JUDGED, CommandError
from sockproof.render.conformance.matrix import Column, Skipped, assemble, render, to_json
from sockproof.render.conformance.terminal import Progress
from sockproof.render.text import short
from sockproof.runs import records
from sockproof.targets.drivers import DriverSpec, load_drivers
from sockproof.targets.install import prepare
from sockproof.targets.spec import TargetError, TargetMissing, TargetSpec, load_targets

REQUIRE = "SOCKPROOF_REQUIRE_TARGETS"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    selection = add_choice(parser)
    selection.add_argument(
        "--clients", action="store_true", help="check the bundled client libraries instead"
    )
    selection.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="NAME",
        help="with --clients, the client library to check; may be repeated (default: all)",
    )
    add_results(parser)
    add_shelf(parser)


def matrix(options: Namespace) -> int:
    """Judge the targets and write the matrix; the worst of their exit codes."""
    return _matrix(options, *(_clients(options) if options.clients else _servers(options)))


Judging = Callable[[TargetSpec, Place, Progress], Judged | ClientJudged]


def _servers(options: Namespace) -> tuple[list[TargetSpec], bool, Judging]:
    """The targets, whether they were named, and how one is judged."""
    if options.driver:
        raise CommandError("--driver is for --clients")
    plan = matrix_plan(options)
    known = load_targets(shelves.shelf("targets", options.shelf))
    expectations = load_named(plan.expect, shelves.shelf("conformance", plan.shelf))

    def judging(spec: TargetSpec, place: Place, progress: Progress) -> Judged:
        return judge_target(plan, spec, expectations, place, progress)

    return choose_targets(plan, known, tuple(known)), bool(plan.targets), judging


def _clients(options: Namespace) -> tuple[list[TargetSpec], bool, Judging]:
    """The drivers, whether they were named, and how the client of one is judged."""
    plan = clients_plan(options)
    names = options.driver or list(load_drivers(shelves.shelf("drivers", options.shelf)))
    chosen = [driver_of(name, options.shelf) for name in dict.fromkeys(names)]
    fitting = [spec for spec in chosen if options.driver or concerns(plan, spec)]
    if not fitting:
        raise CommandError("no matching case applies to these clients")

    def judging(spec: TargetSpec, place: Place, progress: Progress) -> ClientJudged:
        assert isinstance(spec, DriverSpec)
        return judge_client(with_driver(plan, spec), place, progress)

    return list(fitting), bool(options.driver), judging


def _matrix(options: Namespace, chosen: Sequence[TargetSpec], named: bool, judging: Judging) -> int:
    template = shelves.shelf("reports", options.shelf) / "matrix.html.j2"
    folder = records.new_run_folder(options.results, "matrix")
    started = records.now()
    columns: list[Column] = []
    skipped: list[Skipped] = []
    codes: list[int] = []
    try:
        for spec in chosen:
            try:
                prepare(spec)
            except TargetMissing as error:
                if os.environ.get(REQUIRE) == "1" or named:
                    raise
                print(f"{spec.name}: skipped: {error}")
                skipped.append(Skipped(spec.name, str(error)))
                continue
            own = folder / spec.name
            files.make_folder(own)
            place = Place(own, Outputs.in_folder(own, options.shelf).write)
            try:
                with Progress(verbose=options.verbose) as progress:
                    judged = judging(spec, place, progress)
                    progress.finish_briefly(judged.report, judged.title)
            except (Unreachable, TargetError) as error:
                warn(f"{spec.name}: {error}")
                own.rmdir()
                skipped.append(Skipped(spec.name, str(error).partition("\n")[0]))
                codes.append(CANNOT_BE_JUDGED)
                continue
            codes.append(judged.exit_code)
            href = f"{spec.name}/report.html"
            title = spec.described() if options.clients else judged.title
            columns.append(Column(spec.name, title, spec.kind, href, judged.report))
            if judged.report["interrupted"]:
                break
    finally:
        if columns:
            of = "clients" if options.clients else "servers"
            made = assemble(columns, skipped, __version__, started, of)
            page = folder / "matrix.html"
            files.write(page, render(made, columns, template))
            files.write(folder / "matrix.json", to_json(made))
            records.link_latest(folder, "matrix")
            _say_stale(made["columns"])
            print(f"matrix: {page}")
    return worst(codes)


def _say_stale(columns: Sequence[Mapping[str, Any]]) -> None:
    for column in columns:
        for item in column["stale_expectations"]:
            what = f"{short(item['case'], 300)} is {item['outcome']}, not {item['expected']}"
            print(f"{column['name']}: an expectation no longer holds: {what}")
