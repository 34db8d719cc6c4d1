"""`sockproof capacity`: the largest load that keeps the objectives."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sockproof import files
from sockproof.analysis.gates.capacity import (
    AGAIN,
    Probe,
    Verdict,
    is_by_chance,
    next_load,
    outcome_of,
    verdict,
)
from sockproof.analysis.gates.rules import Condition, RuleError, condition
from sockproof.api.load import DEFAULT_TARGET, LoadTarget, load_target
from sockproof.api.runner import Runner, Unusable
from sockproof.cli.arguments import add_results, add_shelf, whole
from sockproof.cli.load_plans import capacity_plan
from sockproof.cli.progress import Progress
from sockproof.cli.scenario_options import (
    OF_HOSTS,
    add_load,
    add_scenario,
    add_scenario_options,
    add_url,
)
from sockproof.cli.speech import warn
from sockproof.errors import CommandError
from sockproof.formats.judgements import Capacity, CapacityProbe, LoadOutcome
from sockproof.render.load.capacity import lines, markdown, row
from sockproof.render.text import short
from sockproof.runs import records
from sockproof.vocabulary import MESSAGE_KINDS, Counter, Origin

EXAMPLES = """\
example:
  sockproof capacity chat_rooms http://127.0.0.1:5000/ --slo 'latency.ack.intended.p99_ms <= 100'"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    parser.epilog = EXAMPLES
    add_scenario(parser)
    add_url(parser)
    add(
        "--slo",
        action="append",
        required=True,
        metavar="RULE",
        help="gate rule that summary.json must satisfy, e.g. 'counts.lost == 0'; may be repeated",
    )
    add(
        "--target",
        metavar="NAME",
        help=f"bundled server to start when there is no URL (default: the "
        f"scenario's own, or {DEFAULT_TARGET})",
    )
    add(
        "--from",
        dest="first",
        type=whole(1, 10**6),
        default=10,
        metavar="N",
        help="smallest number of users to try; they start at 100 per second, or faster to "
        "fit into 10 s (default: %(default)s)",
    )
    add(
        "--to",
        dest="most",
        type=whole(1, 10**6),
        default=10_000,
        metavar="N",
        help="largest number of users to try (default: %(default)s)",
    )
    add(
        "--target-pid",
        type=whole(1, 1 << 22),
        metavar="PID",
        help="process id of the server, to watch its CPU and memory (default: that of a bundled "
        "server)",
    )
    add_load(parser, time="15s")
    add_results(parser)
    add_shelf(parser)
    add_scenario_options(parser, (*OF_HOSTS, "--stages"))


def capacity(options: Namespace) -> int:
    """Step the load, confirm the largest that is kept, and draw it."""
    objectives = _objectives(options.slo)
    if options.first > options.most:
        raise CommandError(f"--from {options.first} is more than --to {options.most}")
    runner = Runner(capacity_plan(options), warn, Progress(options.quiet))
    target = load_target(runner.plan, runner.scenario)
    folder = records.new_run_folder(options.results, "capacity")
    records.link_latest(folder, "capacity")
    probes: list[Probe] = []
    interrupted = False
    try:
        while (users := next_load(probes, options.first, options.most)) is not None:
            own = folder / f"{len(probes) + 1:02}"
            probe = _probe(runner, target, own, users, objectives)
            probes.append(probe)
            print(row(_told(probe)), flush=True)
            _write(folder, _value(options.scenario, options.slo, probes))
    except KeyboardInterrupt:
        interrupted = True
    except Unusable as error:
        print(f"ended: {error}")
    value = _value(options.scenario, options.slo, probes)
    _write(folder, value)
    return _conclude(folder, value, interrupted)


def _objectives(texts: list[str]) -> list[Condition]:
    try:
        objectives = [condition(text) for text in texts]
    except RuleError as error:
        raise CommandError(f"--slo {error}") from None
    if any(each.is_conformance for each in objectives):
        raise CommandError("an objective is about load, not about cases")
    return objectives


def _probe(
    runner: Runner, target: LoadTarget, folder: Path, users: int, objectives: list[Condition]
) -> Probe:
    plan = replace(runner.plan, users=users, spawn_rate=max(100.0, users / 10))
    for again in range(AGAIN + 1):
        own = folder if not again else folder.with_name(f"{folder.name}-{again + 1}")
        what = f"step {folder.name.lstrip('0')}, {users:,} users:"
        found = runner.run(target, own, plan, what)
        if found["interrupted"]:
            raise KeyboardInterrupt
        outcome, text = outcome_of(found["summary"], objectives)
        if not is_by_chance(outcome, found["summary"]) or again == AGAIN:
            break
        print(f"  {users:>7,} users  repeated: {short(text, 200)}", flush=True)
    return Probe(users, outcome, text, found["summary"])


def _told(probe: Probe) -> CapacityProbe:
    latency, generator = probe.summary["latency"], probe.summary["generator"]
    counts, rate = probe.summary["counts"], generator["achieved_rate"]
    fan_out = counts[Counter.RECEIPTS] / emitted if (emitted := counts[Counter.EMITTED]) else None
    return CapacityProbe(
        users=probe.load,
        outcome=probe.outcome,
        text=probe.text,
        offered_rate=generator["offered_rate"],
        achieved_rate=rate,
        heard_rate=None if rate is None or fan_out is None else round(rate * fan_out, 3),
        lost=counts[Counter.LOST],
        latency={kind.value: latency[kind][Origin.INTENDED] for kind in MESSAGE_KINDS},
    )


def _value(scenario: str, objectives: Sequence[str], probes: list[Probe]) -> Capacity:
    found: Verdict = verdict(probes)
    return Capacity(
        scenario=scenario,
        objectives=list(objectives),
        kept=found.kept,
        limit=found.limit,
        why=found.why,
        text=found.text,
        probes=[_told(probe) for probe in probes],
    )


def _write(folder: Path, value: Capacity) -> None:
    files.write(folder / "capacity.json", files.json_text(value, indent=1), durable=True)
    files.write(folder / "capacity.md", markdown(value))


def _conclude(folder: Path, value: Capacity, interrupted: bool) -> int:
    for line in lines(value):
        print(line)
    if any(each.heard_rate for each in value.probes):
        from sockproof.render.load.capacity_figure import write_figure  # matplotlib takes its time

        for path in write_figure(value, folder):
            print(f"figure: {path}")
    print(f"run folder: {folder}", flush=True)
    if interrupted:
        return 130
    if value.kept is not None:
        return 0
    return 1 if value.why == LoadOutcome.BROKEN else 2
