"""`sockproof matrix`: every target judged in turn, and one page with all outcomes side by side.

With `--clients`, every client library that has a driver.
"""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof import __version__, files, shelves
from sockproof.api.clients import ClientJudged, ClientPlan, concerns, judge_client, with_driver
from sockproof.api.expecting import load_named
from sockproof.api.judge import Judged, Place, judge_target
from sockproof.api.plans import JudgePlan
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

Judging = Callable[[TargetSpec, Place, Progress], Judged | ClientJudged]
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
    if options.clients:
        names = tuple(options.driver)
        chosen, judging = _clients(clients_plan(options), names, options.shelf)
    else:
        if options.driver:
            raise CommandError("--driver is for --clients")
        names = tuple(options.target)
        chosen, judging = _servers(matrix_plan(options))
    what = _What(chosen, judging, bool(names), "clients" if options.clients else "servers")
    return _matrix(what, options.results, options.shelf, options.verbose)


@dataclass(frozen=True, slots=True)
class _What:
    """What is judged, and how."""

    chosen: Sequence[TargetSpec]
    judging: Judging
    are_named: bool
    of: str  # "servers", "clients"


def _servers(plan: JudgePlan) -> tuple[list[TargetSpec], Judging]:
    """The targets, and how one is judged."""
    known = load_targets(shelves.shelf("targets", plan.shelf))
    expectations = load_named(plan.expect, shelves.shelf("conformance", plan.shelf))

    def judging(spec: TargetSpec, place: Place, progress: Progress) -> Judged:
        return judge_target(plan, spec, expectations, place, progress)

    return choose_targets(plan, known, tuple(known)), judging


def _clients(
    plan: ClientPlan, names: Sequence[str], shelf: Path | None
) -> tuple[list[TargetSpec], Judging]:
    """The drivers, and how the client of one is judged."""
    known = names or list(load_drivers(shelves.shelf("drivers", shelf)))
    chosen = [driver_of(name, shelf) for name in dict.fromkeys(known)]
    fitting = [spec for spec in chosen if names or concerns(plan, spec)]
    if not fitting:
        raise CommandError("no matching case applies to these clients")

    def judging(spec: TargetSpec, place: Place, progress: Progress) -> ClientJudged:
        assert isinstance(spec, DriverSpec)
        return judge_client(with_driver(plan, spec), place, progress)

    return list(fitting), judging


def _matrix(what: _What, results: Path, shelf: Path | None, verbose: bool) -> int:
    template = shelves.shelf("reports", shelf) / "matrix.html.j2"
    folder = records.new_run_folder(results, "matrix")
    started = records.now()
    columns: list[Column] = []
    skipped: list[Skipped] = []
    codes: list[int] = []
    try:
        for spec in what.chosen:
            try:
                prepare(spec)
            except TargetMissing as error:
                if os.environ.get(REQUIRE) == "1" or what.are_named:
                    raise
                print(f"{spec.name}: skipped: {error}")
                skipped.append(Skipped(spec.name, str(error)))
                continue
            own = folder / spec.name
            files.make_folder(own)
            place = Place(own, Outputs.in_folder(own, shelf).write)
            try:
                with Progress(verbose=verbose) as progress:
                    judged = what.judging(spec, place, progress)
                    progress.finish_briefly(judged.report, judged.title)
            except (Unreachable, TargetError) as error:
                warn(f"{spec.name}: {error}")
                own.rmdir()
                skipped.append(Skipped(spec.name, str(error).partition("\n")[0]))
                codes.append(CANNOT_BE_JUDGED)
                continue
            codes.append(judged.exit_code)
            href = f"{spec.name}/report.html"
            title = spec.described() if what.of == "clients" else judged.title
            columns.append(Column(spec.name, title, spec.kind, href, judged.report))
            if judged.report["interrupted"]:
                break
    finally:
        if columns:
            made = assemble(columns, skipped, __version__, started, what.of)
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
