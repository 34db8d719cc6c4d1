"""`sockproof ab`: interleaved runs of two servers, and whether the second is slower."""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path

from sockproof.api.ab import (
    MAX_PAIRS,
    PAIRS,
    TOLERANCE,
    Comparison,
    compare_pairs,
    compare_stored,
    judge_again,
    measure_noise,
)
from sockproof.api.runner import Runner
from sockproof.cli.arguments import (
    add_results,
    add_shelf,
    share,
    whole,
)
from sockproof.cli.load_plans import compared_load_plan, comparison_plan, side_of, stored_runs
from sockproof.cli.progress import Progress
from sockproof.cli.scenario_options import (
    OF_HOSTS,
    add_load,
    add_scenario,
    add_scenario_options,
)
from sockproof.cli.speech import say, warn
from sockproof.errors import CommandError
from sockproof.render.load.ab import lines

EXAMPLES = """\
examples:
  sockproof ab echo --a http://127.0.0.1:5000/ --b http://127.0.0.1:5001/
  sockproof ab echo --a http://127.0.0.1:5000/ --aa"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.epilog = EXAMPLES
    add_scenario(parser, "not with --again or --stored")
    servers = parser.add_argument_group(
        "servers",
        "A URL or a bundled server for each side; only A with --aa; none with --again or --stored.",
    )
    for side in ("a", "b"):
        which = "server A, the reference" if side == "a" else "server B, the one under test"
        servers.add_argument(f"--{side}", metavar="URL", help=f"URL of {which}")
        servers.add_argument(
            f"--{side}-target",
            metavar="NAME",
            help=f"bundled server to use as {side.upper()}, restarted for each run",
        )
        servers.add_argument(
            f"--{side}-pid",
            type=whole(1, 1 << 31),
            metavar="PID",
            help=f"process id of server {side.upper()}, to compare CPU time",
        )
    add = parser.add_argument_group("comparison").add_argument
    add(
        "--aa",
        action="store_true",
        help="compare server A with itself: measures the false-alarm rate and the detectable "
        "difference",
    )
    add(
        "--again",
        type=Path,
        metavar="RUN",
        help="run folder of an earlier ab, to re-evaluate",
    )
    add(
        "--stored",
        nargs=2,
        metavar=("A,A,…", "B,B,…"),
        help="compare stored load runs: two comma-separated lists of run folders",
    )
    add("--paired", action="store_true", help="treat the runs of --stored as pairs, in order")
    add(
        "--metric",
        action="append",
        metavar="NAME",
        help="metric to compare, a key of summary.json, e.g. latency.ack.intended.p99_ms; may be "
        "repeated (default: latency.ack.intended.p50_ms, and CPU time if it is measured for both)",
    )
    add(
        "--tolerance",
        type=share,
        metavar="P",
        help="how much worse B may be, e.g. 5%% or 0.05 "
        f"(default: {f'{TOLERANCE:.0%}'.replace('%', '%%')})",
    )
    add(
        "--seed",
        type=whole(0, 2**32 - 1),
        metavar="N",
        help="seed for the order of the runs (default: random)",
    )
    add = parser.add_argument_group("number of runs").add_argument
    add(
        "--pairs",
        type=whole(1, 1000),
        metavar="N",
        help=f"number of pairs of runs to begin with (default: {PAIRS})",
    )
    add(
        "--max-pairs",
        type=whole(1, 1000),
        metavar="N",
        help="maximum number of pairs; pairs are added while the result is inconclusive "
        f"(default: {MAX_PAIRS})",
    )
    add(
        "--runs",
        type=whole(1, 2000),
        metavar="N",
        help="number of runs with --aa (default: twice --max-pairs)",
    )
    add(
        "--warm-up",
        type=whole(0, 100),
        default=1,
        metavar="N",
        help="number of pairs that run first and are not counted (default: %(default)s)",
    )
    add_load(parser, users=20, time="10s")
    add_results(parser)
    add_shelf(parser)
    add_scenario_options(parser, (*OF_HOSTS, "--target-pid"))


def ab(options: Namespace) -> int:
    """Compare two servers, measure the noise of one, or judge again what was recorded."""
    modes = {"--aa": options.aa, "--again": options.again, "--stored": options.stored}
    chosen = [name for name, given in modes.items() if given]
    if len(chosen) > 1:
        raise CommandError(f"{' and '.join(chosen)} cannot be combined")
    plan = comparison_plan(options)
    if options.again is not None:
        return show(judge_again(options.again, plan))
    if options.paired and options.stored is None:
        raise CommandError("--paired is for --stored")
    if options.stored is not None:
        a_runs, b_runs = stored_runs(options.stored, options.paired)
        return show(compare_stored(plan, a_runs, b_runs, options.results, options.paired))
    if options.scenario is None:
        raise CommandError("name a SCENARIO, e.g. echo or chat_rooms")
    other = (options.b, options.b_target, options.b_pid)
    if options.aa and any(each is not None for each in other):
        raise CommandError("--aa takes one server: leave out --b")
    a = side_of(options, "a")
    if options.aa:
        runner = Runner(compared_load_plan(options), warn, Progress(options.quiet))
        return show(measure_noise(plan, runner, a, options.results, say))
    b = side_of(options, "b")
    runner = Runner(compared_load_plan(options), warn, Progress(options.quiet))
    return show(compare_pairs(plan, runner, a, b, options.results, say))


def show(compared: Comparison) -> int:
    """Show what a comparison comes to; gives the exit code."""
    for line in lines(compared.value):
        print(line)
    print(f"\nrun folder: {compared.folder}", flush=True)
    return compared.exit_code
