"""`sockproof matrix`: every target judged in turn, and one page with all outcomes side by side."""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from sockproof import __version__, files, shelves
from sockproof.api.expecting import load_named
from sockproof.api.judge import Place, judge_target
from sockproof.cli.arguments import add_results, add_shelf
from sockproof.cli.conformance import add_choice, choose_targets, worst
from sockproof.cli.judge_plans import matrix_plan
from sockproof.cli.outputs import Outputs
from sockproof.cli.speech import warn
from sockproof.conformance.preflight import Unreachable
from sockproof.errors import CANNOT_BE_JUDGED
from sockproof.render.conformance.matrix import Column, Skipped, assemble, render, to_json
from sockproof.render.conformance.terminal import Progress
from sockproof.render.text import short
from sockproof.runs import records
from sockproof.targets.install import prepare
from sockproof.targets.spec import TargetError, TargetMissing, load_targets

REQUIRE = "SOCKPROOF_REQUIRE_TARGETS"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_choice(parser)
    add_results(parser)
    add_shelf(parser)


def matrix(options: Namespace) -> int:
    """Judge the targets and write the matrix; the worst of their exit codes."""
    plan = matrix_plan(options)
    template = shelves.shelf("reports", options.shelf) / "matrix.html.j2"
    known = load_targets(shelves.shelf("targets", options.shelf))
    chosen = choose_targets(plan, known, tuple(known))
    expectations = load_named(plan.expect, shelves.shelf("conformance", plan.shelf))
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
                if os.environ.get(REQUIRE) == "1" or plan.targets:
                    raise
                print(f"{spec.name}: skipped: {error}")
                skipped.append(Skipped(spec.name, str(error)))
                continue
            own = folder / spec.name
            files.make_folder(own)
            place = Place(own, Outputs.in_folder(own, plan.shelf).write)
            try:
                with Progress(verbose=options.verbose) as progress:
                    judged = judge_target(plan, spec, expectations, place, progress)
                    progress.finish_briefly(judged.report, judged.title)
            except (Unreachable, TargetError) as error:
                warn(f"{spec.name}: {error}")
                own.rmdir()
                skipped.append(Skipped(spec.name, str(error).partition("\n")[0]))
                codes.append(CANNOT_BE_JUDGED)
                continue
            codes.append(judged.exit_code)
            href = f"{spec.name}/report.html"
            columns.append(Column(spec.name, judged.title, spec.kind, href, judged.report))
            if judged.report["interrupted"]:
                break
    finally:
        if columns:
            made = assemble(columns, skipped, __version__, started)
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
