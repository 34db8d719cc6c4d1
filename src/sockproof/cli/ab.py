"""`sockproof ab`: interleaved runs of two servers, and whether the second is slower."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from sockproof.api.ab import Comparison, compare_pairs, compare_stored, judge_again, measure_noise
from sockproof.api.runner import Runner
from sockproof.cli.arguments import (
    add_results,
    add_shelf,
    positive,
    run_time,
    share,
    whole,
)
from sockproof.cli.load_plans import compared_load_plan, comparison_plan, side_of, stored_runs
from sockproof.cli.scenario_options import add_scenario_options
from sockproof.cli.speech import say, warn
from sockproof.errors import CommandError
from sockproof.render.load.ab import lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    add = parser.add_argument
    parser.epilog = "Whatever else is given goes to Locust, as with `sockproof load`."
    add("scenario", nargs="?", metavar="SCENARIO", help="as for `sockproof load`")
    for side in ("a", "b"):
        who = "the server to compare with" if side == "a" else "the server in question"
        add(f"--{side}", metavar="URL", help=who)
        add(f"--{side}-target", metavar="NAME", help="or this one, started anew for each run")
        add(f"--{side}-pid", type=whole(1, 1 << 31), metavar="PID", help="its process, for CPU")
    add("--aa", action="store_true", help="of --a alone: how often it would cry wolf")
    add("--again", type=Path, metavar="FOLDER", help="judge a recorded comparison again")
    add("--stored", nargs=2, metavar=("A,A,…", "B,B,…"), help="judge stored runs of two servers")
    add("--paired", action="store_true", help="the runs of --stored were made in pairs")
    add("--pairs", type=whole(1, 1000), metavar="N", help="at least (8)")
    add("--max-pairs", type=whole(1, 1000), metavar="N", help="at most (12)")
    add("--runs", type=whole(1, 2000), metavar="N", help="of --aa (two for each of --max-pairs)")
    add("--warm-up", type=whole(0, 100), default=1, metavar="N", help="pairs that do not count (1)")
    add("--metric", action="append", metavar="NAME", help="may be repeated")
    add("--tolerance", type=share, metavar="P", help="what it may be worse by (5%%)")
    add("--seed", type=whole(0, 2**32 - 1), metavar="N", help="of the order of runs and the rest")
    add("--users", type=whole(1, 1_000_000), default=20, metavar="N", help="(20)")
    add("--spawn-rate", type=positive, default=100.0, metavar="R", help="users a second (100)")
    each = "of each run, as 30s or 5m (10s)"
    add("-t", "--run-time", type=run_time, default="10s", metavar="T", help=each)
    add("--processes", type=whole(1, 256), default=1, metavar="N", help="worker processes (1)")
    add_results(parser)
    add_shelf(parser)
    add_scenario_options(parser)


def ab(options: Namespace) -> int:
    """Compare two servers, measure the noise of one, or judge again what was recorded."""
    modes = {"--aa": options.aa, "--again": options.again, "--stored": options.stored}
    chosen = [name for name, given in modes.items() if given]
    if len(chosen) > 1:
        raise CommandError(f"{' and '.join(chosen)} exclude each other")
    plan = comparison_plan(options)
    if options.again is not None:
        return show(judge_again(options.again, plan))
    if options.paired and options.stored is None:
        raise CommandError("--paired is for --stored")
    if options.stored is not None:
        a_runs, b_runs = stored_runs(options.stored, options.paired)
        return show(compare_stored(plan, a_runs, b_runs, options.results, say, options.paired))
    if options.scenario is None:
        raise CommandError("name a SCENARIO, as echo or chat_rooms")
    other = (options.b, options.b_target, options.b_pid)
    if options.aa and any(each is not None for each in other):
        raise CommandError("--aa is of one server: leave out --b")
    a = side_of(options, "a")
    if options.aa:
        runner = Runner(compared_load_plan(options), warn)
        return show(measure_noise(plan, runner, a, options.results, say))
    b = side_of(options, "b")
    runner = Runner(compared_load_plan(options), warn)
    return show(compare_pairs(plan, runner, a, b, options.results, say))


def show(compared: Comparison) -> int:
    """Show what a comparison comes to; gives the exit code."""
    for line in lines(compared.value):
        print(line)
    print(f"\nrun folder: {compared.folder}", flush=True)
    return compared.exit_code
