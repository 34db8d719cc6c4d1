"""Comparing two servers by interleaved runs, the noise of one, and what was recorded before."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sockproof import files
from sockproof.api.load import LoadTarget
from sockproof.api.plans import ComparisonPlan
from sockproof.api.runner import Runner, Unusable, summary_of
from sockproof.errors import CommandError
from sockproof.load.locust.options import masked
from sockproof.render.load.ab import markdown, pair_line
from sockproof.render.text import number
from sockproof.runs import records
from sockproof.targets.spec import TargetError

if TYPE_CHECKING:
    from sockproof.analysis.statistics.sequential import Design

AB_FILE, MARKDOWN_FILE = "ab.json", "ab.md"
PAIRS, MAX_PAIRS, TOLERANCE = 8, 12, 0.05
AGAIN = 2  # times at most that a run of a pair is made where its generator hid the server

Say = Callable[[str], None]


class Comparison:
    """What was compared: `ab.json` in a folder of its own.

    It is written anew after each run, so that whatever ends this leaves it whole.
    """

    def __init__(self, folder: Path, value: dict[str, Any]) -> None:
        from sockproof.analysis.statistics.comparison import SCHEMA

        self.folder = folder
        self.value = {"schema": SCHEMA, **value}

    @classmethod
    def new(cls, results: Path, design: Design, **fields: Any) -> Comparison:
        """One in a new folder below `results`."""
        folder = records.new_run_folder(results, "ab")
        records.link_latest(folder, "ab")
        value = {"started": records.now(), "design": asdict(design), **fields}
        made = cls(folder, value)
        made.write()
        return made

    @property
    def exit_code(self) -> int:
        """0: not slower; 1: slower or wrong; 2: cannot be told; 130: interrupted."""
        return 130 if self.value.get("interrupted") else int(self.value["result"]["exit_code"])

    def write(self) -> None:
        """Put it where it was in one step."""
        path = self.folder / AB_FILE
        files.write(path, files.json_text(self.value, indent=1), durable=True)

    def conclude(self, interrupted: bool = False, stopped: str = "") -> Comparison:
        """Judge it, and write the judgement."""
        from sockproof.analysis.statistics.comparison import result

        if stopped:
            self.value["stopped"] = stopped
        if interrupted:
            self.value["interrupted"] = True
        self.value["result"] = result(self.value)
        self.write()
        files.write(self.folder / MARKDOWN_FILE, markdown(self.value))
        return self


def compare_pairs(
    plan: ComparisonPlan, runner: Runner, a: LoadTarget, b: LoadTarget, results: Path, say: Say
) -> Comparison:
    """Run the scenario against both by turns, until it can be told whether B is slower."""
    import numpy as np

    from sockproof.analysis.statistics.comparison import reasons
    from sockproof.analysis.statistics.paired import balanced_order

    design = _design(plan, a.watched and b.watched)
    compared = Comparison.new(
        results,
        design,
        mode="pairs",
        **_how(plan, runner),
        a=a.to_json(),
        b=b.to_json(),
        pairs=[],
    )
    spare = max(2, design.max_pairs // 4)  # for pairs that were not fit
    most = plan.warm_up + design.max_pairs + spare
    orders = balanced_order(most, np.random.default_rng(design.seed))
    say(
        f"{design.pairs} to {design.max_pairs} pairs of runs of {runner.plan.run_time_word},"
        f" after {plan.warm_up} to warm up; seed {design.seed}"
    )
    stopped, interrupted = "", False
    try:
        for turn, order in enumerate(orders, start=1):
            pair: dict[str, Any] = {"number": turn, "order": order}
            pair["warm_up"] = turn <= plan.warm_up
            compared.value["pairs"].append(pair)
            for name in order.lower():
                side = a if name == "a" else b
                for again in range(1, AGAIN + 1):
                    more = f"-{again}" if again > 1 else ""
                    folder = compared.folder / f"{turn:03d}-{name}{more}"
                    pair[name] = runner.run(side, folder, what=f"pair {turn}, {name.upper()}:")
                    compared.write()
                    if pair[name]["interrupted"]:
                        raise KeyboardInterrupt
                    if not (why := reasons(pair[name]["summary"], design.metrics)):
                        break
                    say(f"{folder.name} is inconclusive: {'; '.join(why)}")
            say(pair_line(pair, design.metrics))
            stopped = _why_stop(compared.value, design, spare)
            if stopped or _decided(compared.value, design):
                break
    except KeyboardInterrupt:
        interrupted = True
    except (Unusable, TargetError) as error:
        stopped = str(error)
    return compared.conclude(interrupted, stopped)


def measure_noise(
    plan: ComparisonPlan, runner: Runner, a: LoadTarget, results: Path, say: Say
) -> Comparison:
    """Run the scenario against one server again and again: how often it would seem slower."""
    design = _design(plan, a.watched, rejects=False)
    runs = plan.runs or 2 * design.max_pairs
    compared = Comparison.new(
        results, design, mode="aa", **_how(plan, runner), a=a.to_json(), groups={"a": []}
    )
    say(f"{runs} runs of {runner.plan.run_time_word}, after {plan.warm_up} to warm up")
    stopped, interrupted = "", False
    try:
        for turn in range(1, plan.warm_up + runs + 1):
            run = runner.run(a, compared.folder / f"{turn:03d}-a", what=f"run {turn}:")
            run["warm_up"] = turn <= plan.warm_up
            compared.value["groups"]["a"].append(run)
            compared.write()
            if run["interrupted"]:
                raise KeyboardInterrupt
            say(pair_line({"number": turn, **run, "a": run}, design.metrics))
    except KeyboardInterrupt:
        interrupted = True
    except (Unusable, TargetError) as error:
        stopped = str(error)
    return compared.conclude(interrupted, stopped)


def judge_again(path: Path, plan: ComparisonPlan) -> Comparison:
    """Judge a recorded comparison again, with what the plan has another way."""
    from sockproof.analysis.statistics import stored_comparison
    from sockproof.analysis.statistics.comparison import design_of

    path = path / AB_FILE if path.is_dir() else path
    value = stored_comparison.read(path)
    design = design_of(value)
    _check_metrics(plan.metrics or ())
    given: dict[str, Any] = {
        "metrics": tuple(dict.fromkeys(plan.metrics)) if plan.metrics else None,
        "tolerance": plan.tolerance,
        "seed": plan.seed,
    }
    changed = {name: each for name, each in given.items() if each is not None}
    value["design"] = asdict(replace(design, **changed))
    return Comparison(path.parent, value).conclude()


def compare_stored(
    plan: ComparisonPlan,
    a: Sequence[Path],
    b: Sequence[Path],
    results: Path,
    paired: bool = False,
) -> Comparison:
    """Whether the runs of `b` are slower than those of `a`; `paired`: they were made in pairs."""
    groups: dict[str, list[dict[str, Any]]] = {
        side: [{"folder": str(folder), "summary": summary_of(folder)} for folder in folders]
        for side, folders in (("a", a), ("b", b))
    }
    watched = all(
        run["summary"]["target"].get("measured_cpu_s") for g in groups.values() for run in g
    )
    design = _design(plan, watched, rejects=False)
    return Comparison.new(results, design, mode="stored", paired=paired, groups=groups).conclude()


def _design(plan: ComparisonPlan, watched: bool, rejects: bool = True) -> Design:
    """What is decided before anything runs; `rejects`: it must be able to find a regression."""
    from sockproof.analysis.statistics import metrics
    from sockproof.analysis.statistics.sequential import Design, fewest_pairs

    usual = [*metrics.DEFAULT_METRICS, *([metrics.TARGET_CPU] if watched else [])]
    chosen = usual if plan.metrics is None else plan.metrics
    _check_metrics(chosen)
    most = plan.max_pairs or max(MAX_PAIRS, plan.pairs or 0)
    design = Design(
        metrics=tuple(dict.fromkeys(chosen)),
        pairs=plan.pairs or min(PAIRS, most),
        max_pairs=most,
        tolerance=TOLERANCE if plan.tolerance is None else plan.tolerance,
        seed=secrets.randbits(32) if plan.seed is None else plan.seed,
    )
    if design.pairs > most:
        raise CommandError(f"--pairs {design.pairs} is more than --max-pairs {most}")
    if rejects and not design.can_reject():
        raise CommandError(
            f"--max-pairs {most} can never conclude: a regression in one of"
            f" {number(len(design.metrics), 'metric')} at an error of {design.alpha:.0%} needs at"
            f" least {fewest_pairs(len(design.metrics), design.alpha)} pairs"
        )
    return design


def _check_metrics(chosen: Sequence[str]) -> None:
    from sockproof.analysis.statistics.metrics import METRICS, is_metric

    for name in chosen:
        if not is_metric(name):
            known = METRICS
            close = [each for each in known if set(name.split(".")) & set(each.split("."))]
            raise CommandError(f"no metric {name!r}; choose one of {', '.join(close or known)}")


def _how(plan: ComparisonPlan, runner: Runner) -> dict[str, Any]:
    load = runner.plan
    return {
        "scenario": runner.scenario.stem,
        "parameters": {
            "users": load.amount[0],
            "spawn_rate": load.spawn_rate,
            "run_time": load.run_time_word,
            "processes": load.processes,
            "warm_up": plan.warm_up,
        },
        "more": masked(load.more) if load.more else [],
    }


def _why_stop(document: Mapping[str, Any], design: Design, spare: int) -> str:
    """Why going on is of no use; empty when it is."""
    from sockproof.analysis.statistics.comparison import complete, missing, unfit

    pairs = [pair for pair in document["pairs"] if complete(pair)]
    last = [pairs[-1][side]["summary"] for side in ("a", "b")]
    if not unfit(pairs[-1], design.metrics) and (absent := missing(design.metrics, last)):
        return f"no data for {', '.join(absent)}: runs may be too short; --metric names others"
    if sum(bool(unfit(pair, design.metrics)) for pair in pairs) > spare:
        return "too many runs were inconclusive"
    return ""


def _decided(document: Mapping[str, Any], design: Design) -> bool:
    """Whether no further pair can change the verdict."""
    from sockproof.analysis.statistics.comparison import counted, facts
    from sockproof.analysis.statistics.sequential import INCONCLUSIVE, replay

    if facts(document)[0]:
        return True
    pairs = counted(document)
    if len(pairs) >= design.max_pairs:
        return True
    looks = replay(design, pairs)
    return bool(looks) and looks[-1].verdict != INCONCLUSIVE
