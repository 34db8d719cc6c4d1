"""`sockproof matrix`: every target judged in turn, and one page with all outcomes side by side.

With `--clients`, every client library that has a driver; with `--pairs`, each of them together with
every server.
"""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sockproof import __version__, files, shelves
from sockproof.api.clients import ClientJudged, ClientPlan, concerns, judge_client, with_driver
from sockproof.api.expecting import load_named
from sockproof.api.judge import Judged, Place, judge_target, judged_target
from sockproof.api.pairs import KINDS, Started, judge_pairs, pair_cases
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
from sockproof.render.conformance.pairs import table_lines
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
    selection = add_choice(parser, "all")
    selection.add_argument(
        "--clients", action="store_true", help="check the bundled client libraries instead"
    )
    selection.add_argument(
        "--pairs",
        action="store_true",
        help="check each bundled client library with each bundled server of its kind instead: "
        "that they connect and exchange messages",
    )
    selection.add_argument(
        "--driver",
        action="append",
        default=[],
        metavar="NAME",
        help="with --clients or --pairs, the driver whose client library is checked; may be "
        "repeated (default: all)",
    )
    add_results(parser)
    add_shelf(parser)


def matrix(options: Namespace) -> int:
    """Judge the targets and write the matrix; the worst of their exit codes."""
    if options.pairs and options.clients:
        raise CommandError("--pairs and --clients cannot be combined")
    finish = partial(_matrix, results=options.results, shelf=options.shelf, verbose=options.verbose)
    if options.pairs:
        return _pairs(clients_plan(options), options.target, options.driver, finish)
    if options.clients:
        if options.target:
            raise CommandError("--target and --clients cannot be combined; --pairs takes both")
        names = tuple(options.driver)
        chosen, judging = _clients(clients_plan(options), names, options.shelf)
    else:
        if options.driver:
            raise CommandError("--driver is for --clients and --pairs")
        names = tuple(options.target)
        chosen, judging = _servers(matrix_plan(options))
    return finish(_What(chosen, judging, bool(names), "clients" if options.clients else "servers"))


def _pairs(
    plan: ClientPlan,
    servers: Sequence[str],
    clients: Sequence[str],
    finish: Callable[[_What], int],
) -> int:
    """Start the servers, and have each client meet them; both are all where none are named."""
    shelf = plan.shelf
    kinds = [kind for kind in KINDS if kind in (plan.suites or KINDS)]
    known = load_targets(shelves.shelf("targets", shelf))
    targets = [judged_target(each, known) for each in dict.fromkeys(servers)]
    cases = {
        each.name: pair_cases(plan, each)
        for each in targets or known.values()
        if each.kind in kinds
    }
    started, skipped = Started({name: found for name, found in cases.items() if found}), []
    drivers = load_drivers(shelves.shelf("drivers", shelf))
    chosen = [driver_of(name, shelf) for name in dict.fromkeys(clients or drivers)]
    met = {known[name].kind for name in started.cases_of}
    chosen = [each for each in chosen if each.kind in met]
    if not started.cases_of or not chosen:
        raise CommandError("no matching case applies to these clients and servers")
    failed: list[int] = []
    with started.running():
        for name in started.cases_of:
            try:
                started.start(known[name])
            except TargetMissing as error:
                if os.environ.get(REQUIRE) == "1" or targets:
                    raise
                print(f"{name}: skipped: {error}", flush=True)
                skipped.append(Skipped(name, str(error)))
            except TargetError as error:
                warn(f"{name}: {error}")
                skipped.append(Skipped(name, str(error).partition("\n")[0]))
                failed.append(CANNOT_BE_JUDGED)

        def judging(spec: TargetSpec, place: Place, progress: Progress) -> ClientJudged:
            assert isinstance(spec, DriverSpec)
            started.start_again()
            return judge_pairs(with_driver(plan, spec), started.cases(spec.kind), place, progress)

        what = _What(chosen, judging, bool(clients), "pairs", skipped)
        return worst([finish(what), *failed])


@dataclass(frozen=True, slots=True)
class _What:
    """What is judged, and how."""

    chosen: Sequence[TargetSpec]
    judging: Judging
    are_named: bool
    of: str  # "servers", "clients", "pairs"
    skipped: Sequence[Skipped] = ()  # what is known already to be missing


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
    name = "pairs" if what.of == "pairs" else "matrix"
    folder = records.new_run_folder(results, name)
    started = records.now()
    columns: list[Column] = []
    skipped = list(what.skipped)
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
            title = judged.title if what.of == "servers" else spec.described()
            columns.append(Column(spec.name, title, spec.kind, href, judged.report))
            if judged.report["interrupted"]:
                break
    finally:
        if columns:
            made = assemble(columns, skipped, __version__, started, what.of)
            page = folder / f"{name}.html"
            files.write(page, render(made, columns, template))
            files.write(folder / f"{name}.json", to_json(made))
            records.link_latest(folder, name)
            _say_stale(made["columns"])
            for line in table_lines(made["pairs"]):
                print(line)
            print(f"{name}: {page}")
    return worst(codes)


def _say_stale(columns: Sequence[Mapping[str, Any]]) -> None:
    for column in columns:
        for item in column["stale_expectations"]:
            what = f"{short(item['case'], 300)} is {item['outcome']}, not {item['expected']}"
            print(f"{column['name']}: an expectation no longer holds: {what}")
