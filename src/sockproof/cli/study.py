"""`sockproof study`: what is claimed of WebSocket and Socket.IO, measured on real servers."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sockproof import __version__, files, shelves
from sockproof.analysis.statistics.calibration import machine
from sockproof.api.load import LoadTarget
from sockproof.api.plans import LoadPlan
from sockproof.api.runner import Runner, Unusable
from sockproof.cli.arguments import add_results, add_shelf, time_span
from sockproof.cli.speech import warn
from sockproof.cli.study_report import FILE, SCHEMA, write_study
from sockproof.errors import CommandError
from sockproof.runs import records
from sockproof.study.bench import Bench, NotMeasured
from sockproof.study.claim import Claim, Conclusion, Verdict, load_claims
from sockproof.targets.spec import load_targets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer repetitions and connections")
    add(
        "--claim",
        action="append",
        default=[],
        metavar="ID",
        help="claim to test, e.g. C9 (any unknown ID prints the list); may be repeated "
        "(default: all)",
    )
    add_results(parser)
    add_shelf(parser)


def study(options: Namespace) -> int:
    """Measure each claim and write the report: 2 when one of them could not be measured."""
    shelf = shelves.shelf("study", options.shelf)
    claims = _chosen(load_claims(shelf), options.claim)
    targets = load_targets(shelves.shelf("targets", options.shelf))
    folder = records.new_run_folder(options.results, "study")
    records.link_latest(folder, "study")
    bench = Bench(targets, options.quick, _load(options.shelf), lambda text: print(f"  {text}"))
    value = {
        "schema": SCHEMA,
        "sockproof": __version__,
        "started": records.now(),
        "machine": machine(),
        "quick": options.quick,
        "claims": [],
    }
    interrupted = False
    try:
        for claim in claims:
            print(f"{claim.number}: {claim.title}", flush=True)
            value["claims"].append(_measure(claim, bench))
            _store(folder, value)  # what is measured stays, whatever comes next
    except KeyboardInterrupt:
        interrupted = True
    if value["claims"]:
        _show(value, write_study(folder, options.shelf))
    if interrupted:
        return 130
    return 2 if any(each["verdict"] == Verdict.UNKNOWN for each in value["claims"]) else 0


def _chosen(claims: Sequence[Claim], numbers: Sequence[str]) -> list[Claim]:
    known = [claim.number for claim in claims]
    for number in numbers:
        if number not in known:
            raise CommandError(f"no claim {number!r}; choose one of {', '.join(known)}")
    return [claim for claim in claims if not numbers or claim.number in numbers]


def _measure(claim: Claim, bench: Bench) -> dict[str, Any]:
    """What a claim comes to; whatever goes wrong on the way costs this claim alone."""
    began = time.monotonic()
    found = None
    try:
        found = json.loads(json.dumps(claim.measure(bench)))
        conclusion = claim.conclude(found)
    except NotMeasured as error:
        conclusion = Conclusion(Verdict.UNKNOWN, f"Not measured: {error}", (), ())
    except Exception as error:  # a server may answer anything, and a client raise anything
        why = f"{type(error).__name__}: {error}"[:500]
        conclusion = Conclusion(Verdict.UNKNOWN, f"Not measured: {why}", (), ())
    return {
        "name": claim.name,
        "number": claim.number,
        "title": claim.title,
        "says": claim.says,
        "method": claim.method,
        "seconds": round(time.monotonic() - began, 1),
        "verdict": str(conclusion.verdict),
        "sentence": conclusion.sentence,
        "head": list(conclusion.head),
        "rows": [list(row) for row in conclusion.rows],
        "found": found,
    }


def _load(shelf: Path | None) -> Any:
    def load(
        scenario: str, url: str, pid: int, *, users: int, spawn_rate: float, run_time: str,
        more: Sequence[str],
    ) -> dict[str, Any]:  # fmt: skip
        plan = LoadPlan(
            scenario=scenario,
            users=users,
            spawn_rate=spawn_rate,
            run_time=time_span(run_time),
            more=tuple(more),
            shelf=shelf,
        )
        with tempfile.TemporaryDirectory(prefix="sockproof-") as name:
            try:
                found = Runner(plan, warn).run(LoadTarget(url, pid=pid), Path(name))
            except (CommandError, Unusable) as error:
                raise NotMeasured(str(error)) from None
        if found["interrupted"]:
            raise KeyboardInterrupt
        summary: dict[str, Any] = found["summary"]
        return summary

    return load


def _store(folder: Path, value: dict[str, Any]) -> None:
    files.write(folder / FILE, files.json_text(value), durable=True)


def _show(value: dict[str, Any], written: Sequence[Path]) -> None:
    from sockproof.render.study import headline, line  # matplotlib takes its time to import

    print()
    for claim in value["claims"]:
        print(line(claim))
    print(f"\n{headline(value)}")
    for path in written:
        print(f"report: {path}")
