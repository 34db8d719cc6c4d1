"""`sockproof ab`: interleaved runs of two servers, and whether the second is slower."""

from __future__ import annotations

import argparse
import re
import secrets
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockproof import files
from sockproof.cli.ab_runs import Runner, Side, Unusable, summary_of
from sockproof.cli.arguments import (
    add_results,
    add_shelf,
    positive,
    run_time,
    share,
    whole,
)
from sockproof.cli.load import masked
from sockproof.cli.scenario_options import add_scenario_options
from sockproof.errors import CommandError
from sockproof.render.load.ab import lines, markdown, pair_line
from sockproof.runs import records
from sockproof.targets import launch

if TYPE_CHECKING:
    from sockproof.analysis.statistics.sequential import Design

AB_FILE, MARKDOWN_FILE = "ab.json", "ab.md"
PAIRS, MAX_PAIRS, TOLERANCE = 8, 12, 0.05
_RUN_TIME = re.compile(r"(?=\d)(\d+h)?(\d+m)?(\d+s?)?", re.ASCII)


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
    if options.again is not None:
        return _again(options)
    if options.paired and options.stored is None:
        raise CommandError("--paired is for --stored")
    if options.stored is not None:
        return _stored(options)
    if options.scenario is None:
        raise CommandError("name a SCENARIO, as echo or chat_rooms")
    if not _RUN_TIME.fullmatch(options.run_time):
        raise CommandError(f"--run-time is like 30s or 5m, not {options.run_time!r}")
    return _aa(options) if options.aa else _pairs(options)


def _design(options: Namespace, watched: bool, rejects: bool = True) -> Design:
    """What is decided before anything runs; `rejects`: it must be able to find a regression."""
    from sockproof.analysis.statistics import metrics
    from sockproof.analysis.statistics.sequential import Design

    chosen = options.metric
    if chosen is None:
        chosen = [*metrics.DEFAULT_METRICS, *([metrics.TARGET_CPU] if watched else [])]
    _check_metrics(chosen, metrics.METRICS)
    most = options.max_pairs or max(MAX_PAIRS, options.pairs or 0)
    design = Design(
        metrics=tuple(dict.fromkeys(chosen)),
        pairs=options.pairs or min(PAIRS, most),
        max_pairs=most,
        tolerance=TOLERANCE if options.tolerance is None else options.tolerance,
        seed=secrets.randbits(32) if options.seed is None else options.seed,
    )
    if design.pairs > most:
        raise CommandError(f"--pairs {design.pairs} is more than --max-pairs {most}")
    if rejects and not design.can_reject():
        print(
            f"note: {most} pairs are too few to find a regression in {len(design.metrics)}"
            f" metrics at an error of {design.alpha:.0%}; violations are found",
            flush=True,
        )
    return design


def _check_metrics(chosen: Sequence[str], known: Sequence[str]) -> None:
    for name in chosen:
        if name not in known:
            close = [each for each in known if set(name.split(".")) & set(each.split("."))]
            raise CommandError(f"no metric {name!r}; there are {', '.join(close or known)}")


class _Document:
    """`ab.json`, written anew after each run, so that whatever ends this leaves it whole."""

    def __init__(self, folder: Path, value: dict[str, Any]) -> None:
        from sockproof.analysis.statistics.comparison import SCHEMA

        self.folder = folder
        self.value = {"schema": SCHEMA, **value}

    @classmethod
    def new(cls, options: Namespace, design: Design, **fields: Any) -> _Document:
        """One in a new folder."""
        folder = records.new_run_folder(options.results, "ab")
        records.link_latest(folder, "ab")
        value = {"started": records.now(), "design": asdict(design), **fields}
        document = cls(folder, value)
        document.write()
        return document

    def write(self) -> None:
        """Put it where it was in one step."""
        path = self.folder / AB_FILE
        files.write(path, files.json_text(self.value, indent=1), durable=True)

    def conclude(self, interrupted: bool = False, stopped: str = "") -> int:
        """Judge it, write and show the judgement, and give the exit code."""
        from sockproof.analysis.statistics.comparison import result

        if stopped:
            self.value["stopped"] = stopped
        if interrupted:
            self.value["interrupted"] = True
        found = self.value["result"] = result(self.value)
        self.write()
        files.write(self.folder / MARKDOWN_FILE, markdown(self.value))
        for line in lines(self.value):
            print(line)
        print(f"\nrun folder: {self.folder}", flush=True)
        code: int = found["exit_code"]
        return 130 if interrupted else code


def _how(options: Namespace, runner: Runner) -> dict[str, Any]:
    names = ("users", "spawn_rate", "run_time", "processes", "warm_up")
    return {
        "scenario": runner.scenario.stem,
        "parameters": {name: getattr(options, name) for name in names},
        "more": masked(options.more) if options.more else [],
    }


def _pairs(options: Namespace) -> int:
    import numpy as np

    from sockproof.analysis.statistics.paired import balanced_order

    a, b = Side.of(options, "a"), Side.of(options, "b")
    runner = Runner(options)
    design = _design(options, a.watched and b.watched)
    document = _Document.new(
        options,
        design,
        mode="pairs",
        **_how(options, runner),
        a=a.to_json(),
        b=b.to_json(),
        pairs=[],
    )
    spare = max(2, design.max_pairs // 4)  # for pairs that were not fit
    most = options.warm_up + design.max_pairs + spare
    orders = balanced_order(most, np.random.default_rng(design.seed))
    print(
        f"{design.pairs} to {design.max_pairs} pairs of runs of {options.run_time},"
        f" after {options.warm_up} to warm up; seed {design.seed}",
        flush=True,
    )
    stopped, interrupted = "", False
    try:
        for number, order in enumerate(orders, start=1):
            pair = {"number": number, "order": order, "warm_up": number <= options.warm_up}
            document.value["pairs"].append(pair)
            for name in order.lower():
                side = a if name == "a" else b
                pair[name] = runner.run(side, document.folder / f"{number:03d}-{name}")
                document.write()
                if pair[name]["interrupted"]:
                    raise KeyboardInterrupt
            print(pair_line(pair, design.metrics), flush=True)
            stopped = _why_stop(document.value, design, spare)
            if stopped or _decided(document.value, design):
                break
    except KeyboardInterrupt:
        interrupted = True
    except (Unusable, launch.TargetError) as error:
        stopped = str(error)
    return document.conclude(interrupted, stopped)


def _why_stop(document: Mapping[str, Any], design: Design, spare: int) -> str:
    """Why going on is of no use; empty when it is."""
    from sockproof.analysis.statistics.comparison import complete, missing, unfit

    pairs = [pair for pair in document["pairs"] if complete(pair)]
    last = [pairs[-1][side]["summary"] for side in ("a", "b")]
    if not unfit(pairs[-1]) and (absent := missing(design.metrics, last)):
        return f"no data for {', '.join(absent)}: runs may be too short; --metric names others"
    if sum(bool(unfit(pair)) for pair in pairs) > spare:
        return "too many runs were not fit to judge"
    return ""


def _decided(document: Mapping[str, Any], design: Design) -> bool:
    """Whether no further pair can change the verdict."""
    from sockproof.analysis.statistics.comparison import counted, facts
    from sockproof.analysis.statistics.sequential import CANNOT_TELL, replay

    if facts(document)[0]:
        return True
    pairs = counted(document)
    if len(pairs) >= design.max_pairs:
        return True
    looks = replay(design, pairs)
    return bool(looks) and looks[-1].verdict != CANNOT_TELL


def _aa(options: Namespace) -> int:
    if options.b is not None or options.b_target is not None or options.b_pid is not None:
        raise CommandError("--aa is of one server: leave out --b")
    a = Side.of(options, "a")
    runner = Runner(options)
    design = _design(options, a.watched)
    runs = options.runs or 2 * design.max_pairs
    document = _Document.new(
        options, design, mode="aa", **_how(options, runner), a=a.to_json(), groups={"a": []}
    )
    print(f"{runs} runs of {options.run_time}, after {options.warm_up} to warm up", flush=True)
    stopped, interrupted = "", False
    try:
        for number in range(1, options.warm_up + runs + 1):
            run = runner.run(a, document.folder / f"{number:03d}-a")
            run["warm_up"] = number <= options.warm_up
            document.value["groups"]["a"].append(run)
            document.write()
            if run["interrupted"]:
                raise KeyboardInterrupt
            print(pair_line({"number": number, **run, "a": run}, design.metrics), flush=True)
    except KeyboardInterrupt:
        interrupted = True
    except (Unusable, launch.TargetError) as error:
        stopped = str(error)
    return document.conclude(interrupted, stopped)


def _again(options: Namespace) -> int:
    from sockproof.analysis.statistics import stored_comparison
    from sockproof.analysis.statistics.comparison import design_of
    from sockproof.analysis.statistics.metrics import METRICS

    path = options.again / AB_FILE if options.again.is_dir() else options.again
    value = stored_comparison.read(path)
    design = design_of(value)
    _check_metrics(options.metric or (), METRICS)
    given = {
        "metrics": tuple(dict.fromkeys(options.metric)) if options.metric else None,
        "tolerance": options.tolerance,
        "seed": options.seed,
    }
    changed = {name: each for name, each in given.items() if each is not None}
    value["design"] = asdict(replace(design, **changed))
    return _Document(path.parent, value).conclude()


def compare_stored(a: Sequence[Path], b: Sequence[Path], results: Path) -> int:
    """Whether the runs of `b` are slower than those of `a`, with what `sockproof ab` has unless
    told otherwise: the exit code."""
    chosen = {"metric": None, "pairs": None, "max_pairs": None, "tolerance": None, "seed": None}
    stored = [",".join(map(str, folders)) for folders in (a, b)]
    return _stored(Namespace(stored=stored, paired=False, results=results, **chosen))


def _stored(options: Namespace) -> int:
    a, b = ([word for word in words.split(",") if word] for words in options.stored)
    if not a or not b:
        raise CommandError("--stored wants two lists of run folders, as A1,A2 B1,B2")
    if options.paired and len(a) != len(b):
        raise CommandError(f"--paired: {len(a)} runs and {len(b)} make no pairs")
    groups = {
        side: [{"folder": word, "summary": summary_of(Path(word))} for word in words]
        for side, words in (("a", a), ("b", b))
    }
    watched = all(
        run["summary"]["target"].get("measured_cpu_s") for g in groups.values() for run in g
    )
    design = _design(options, watched, rejects=False)
    document = _Document.new(options, design, mode="stored", paired=options.paired, groups=groups)
    return document.conclude()
