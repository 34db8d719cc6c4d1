"""From the options of commands that load servers to plans; nobody else looks at those options."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sockproof.api.load import LoadTarget, find_scenario, named_target
from sockproof.api.plans import ComparisonPlan, LoadPlan
from sockproof.cli.arguments import time_span
from sockproof.errors import CommandError


def load_plan(options: Namespace) -> LoadPlan:
    """What `load` is told."""
    if options.scenario is None:
        raise CommandError("name a scenario, or a locustfile")
    words = _of_a_master(options)
    return _load(options, words, url=options.url, target=options.target, **_amount(options))


def worker_words(options: Namespace) -> list[str]:
    """What a worker of Locust is told; without a scenario, the master hands its own over."""
    _of_a_master(options)
    if options.url is not None or options.target is not None:
        raise CommandError("a worker is told the server by its master")
    if options.rules is not None:
        raise CommandError("rules are for the master: --rules and --worker cannot be combined")
    scenario = "-"
    if options.scenario is not None:
        scenario = str(find_scenario(LoadPlan(scenario=options.scenario, shelf=options.shelf)))
    words = ["-f", scenario, "--master-host", options.master_host or "127.0.0.1"]
    if options.master_port:
        words += ["--master-port", str(options.master_port)]
    if options.processes > 1:
        words += ["--processes", str(options.processes)]
    return [*words, "--results", str(options.results), *options.more]


def _of_a_master(options: Namespace) -> list[str]:
    """What Locust is told to be one; nothing where this is none."""
    if options.worker and options.master:
        raise CommandError("--master and --worker cannot be combined")
    if options.expect_workers and not options.master:
        raise CommandError("--expect-workers needs --master")
    if options.master_host and not options.worker:
        raise CommandError("--master-host needs --worker")
    if options.master_port and not (options.worker or options.master):
        raise CommandError("--master-port needs --master or --worker")
    if not options.master:
        return []
    if options.processes > 1:
        raise CommandError("--master and --processes cannot be combined")
    words = ["--master"]
    if options.expect_workers:
        words += ["--expect-workers", str(options.expect_workers)]
    if options.master_port:
        words += ["--master-bind-port", str(options.master_port)]
    return words


def capacity_plan(options: Namespace) -> LoadPlan:
    """What `capacity` is told of its runs, but for the users."""
    pid = options.target_pid if options.url else None
    return _load(options, url=options.url, target=options.target, target_pid=pid)


def compared_load_plan(options: Namespace) -> LoadPlan:
    """What `ab` is told of its runs, but for the servers."""
    return _load(options, **_amount(options))


def _amount(options: Namespace) -> dict[str, Any]:
    return {"users": options.users, "spawn_rate": options.spawn_rate}


def _load(options: Namespace, words: Sequence[str] = (), **fields: Any) -> LoadPlan:
    return LoadPlan(
        scenario=options.scenario,
        run_time=None if options.run_time is None else time_span(options.run_time),
        processes=options.processes,
        more=(*words, *options.more),
        secrets=dict(options.secrets),
        shelf=options.shelf,
        **fields,
    )


def comparison_plan(options: Namespace) -> ComparisonPlan:
    """What `ab` is told of how it compares."""
    return ComparisonPlan(
        metrics=None if options.metric is None else tuple(options.metric),
        pairs=options.pairs,
        max_pairs=options.max_pairs,
        runs=options.runs,
        warm_up=options.warm_up,
        tolerance=options.tolerance,
        seed=options.seed,
    )


def side_of(options: Namespace, name: str) -> LoadTarget:
    """What `ab` is told of the server `name`, a or b."""
    url, target, pid = (getattr(options, f"{name}{end}") for end in ("", "_target", "_pid"))
    if (url is None) == (target is None):
        raise CommandError(f"name one of --{name} URL and --{name}-target NAME")
    if target is None:
        return LoadTarget(url, pid=pid, name=name)
    if pid is not None:
        raise CommandError(f"--{name}-pid needs --{name} URL")
    return named_target(target, options.shelf, name)


def stored_runs(words: Sequence[str], paired: bool) -> tuple[list[Path], list[Path]]:
    """The run folders of two servers, as `ab --stored` names them."""
    a, b = ([Path(word) for word in each.split(",") if word] for each in words)
    if not a or not b:
        raise CommandError("--stored needs two lists of run folders, e.g. A1,A2 B1,B2")
    if paired and len(a) != len(b):
        raise CommandError(f"--paired: {len(a)} and {len(b)} runs cannot be paired")
    return a, b
