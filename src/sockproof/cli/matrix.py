"""`sockproof matrix`: every target judged in turn, and one page with all outcomes side by side."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from sockproof import __version__, files, shelves
from sockproof.cli.conformance import (
    add_choice,
    add_places,
    choose_targets,
    worst,
)
from sockproof.cli.expecting import load_named
from sockproof.cli.judge import judge_target
from sockproof.cli.outputs import Outputs
from sockproof.conformance.preflight import Unreachable
from sockproof.errors import CANNOT_BE_JUDGED
from sockproof.render.conformance.matrix import Column, Skipped, assemble, render, to_json
from sockproof.render.text import short
from sockproof.runs import records
from sockproof.targets import launch
from sockproof.targets.install import prepare

REQUIRE = "SOCKPROOF_REQUIRE_TARGETS"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    add_choice(parser)
    add_places(parser)
    # What `conformance` can be told besides, and a matrix of our own targets has no use for.
    unused = ("url", "profile", "path", "namespace", "auth", "token", "ca", "write_expectations")
    parser.set_defaults(
        insecure=False, header=[], cookie=[], subprotocol=[], **dict.fromkeys(unused)
    )


def matrix(options: Namespace) -> int:
    """Judge the targets and write the matrix; the worst of their exit codes."""
    shelf = shelves.shelf("conformance", options.shelf)
    template = shelves.shelf("reports", options.shelf) / "matrix.html.j2"
    known = launch.load_targets(shelves.shelf("targets", options.shelf))
    chosen = choose_targets(options, known, tuple(known))
    expectations = load_named(options.expect, shelf)
    folder = records.new_run_folder(options.results, "matrix")
    started = records.now()
    columns: list[Column] = []
    skipped: list[Skipped] = []
    codes: list[int] = []
    try:
        for spec in chosen:
            try:
                prepare(spec)
            except launch.TargetMissing as error:
                if os.environ.get(REQUIRE) == "1" or options.target:
                    raise
                print(f"{spec.name}: skipped: {error}")
                skipped.append(Skipped(spec.name, str(error)))
                continue
            own = folder / spec.name
            files.make_folder(own)
            outputs = Outputs.in_folder(own, options.shelf)
            try:
                judged = judge_target(spec, own, outputs, shelf, expectations, options)
            except (Unreachable, launch.TargetError) as error:
                print(f"sockproof: {spec.name}: {error}", file=sys.stderr)
                own.rmdir()
                skipped.append(Skipped(spec.name, str(error).partition("\n")[0]))
                codes.append(CANNOT_BE_JUDGED)
                continue
            codes.append(int(judged.report["exit_code"]))
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
