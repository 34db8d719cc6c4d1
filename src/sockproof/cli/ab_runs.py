"""Runs for a comparison: one scenario against one of two servers, each into a folder of its own."""

from __future__ import annotations

import contextlib
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sockproof import shelves, signals
from sockproof.cli.load import ended_with, find_scenario, run_scenario
from sockproof.errors import CommandError
from sockproof.files import is_there, make_folder
from sockproof.runs.load_records import RUN_FILE, SUMMARY_FILE
from sockproof.targets import launch
from sockproof.vocabulary import Counter
from sockproof.wire.url import masked_url

LOG_FILE = "locust.log"


class Unusable(Exception):
    """Nothing that could be judged comes of going on; one line."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two servers: an address, or a target that is started for each run.

    A server that stays up has its luck with memory and hashes once for all runs; one that is
    started anew has it each time, and so it averages out.
    """

    name: str
    url: str | None
    spec: launch.TargetSpec | None
    pid: int | None

    @classmethod
    def of(cls, options: Namespace, name: str) -> Side:
        """What the options say of it; raises `CommandError`."""
        url, target, pid = (getattr(options, f"{name}{end}") for end in ("", "_target", "_pid"))
        if (url is None) == (target is None):
            raise CommandError(f"name one of --{name} URL and --{name}-target NAME")
        if target is None:
            return cls(name, url, None, pid)
        if pid is not None:
            raise CommandError(f"--{name}-pid is for a server that --{name} names")
        known = launch.load_targets(shelves.shelf("targets", options.shelf))
        if target not in known:
            raise CommandError(f"no target {target!r}; there are {', '.join(known)}")
        return cls(name, None, known[target], None)

    @property
    def watched(self) -> bool:
        """Whether its CPU is known."""
        return self.spec is not None or self.pid is not None

    def to_json(self) -> dict[str, Any]:
        """Which server it is."""
        url = masked_url(self.url) if self.url else None
        return {"url": url, "target": self.spec.name if self.spec else None, "pid": self.pid}

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[str, int | None]]:
        """Its URL and process, for one run."""
        if self.spec is None:
            assert self.url is not None
            yield self.url, self.pid
            return
        with launch.launch(self.spec) as target:
            yield target.url, target.pid


class Runner:
    """Runs the scenario as `sockproof load` does, but quietly."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self.scenario = find_scenario(options)

    def run(self, side: Side, folder: Path) -> dict[str, Any]:
        """One whole run, with its summary.

        Raises `CommandError` when Locust does not take the command, `Unusable` when no connection
        came about.
        """
        make_folder(folder)
        log_path = folder / LOG_FILE
        with side.running() as (url, pid), log_path.open("w", encoding="utf-8") as log:
            code, cut = run_scenario(self._options, self.scenario, url, folder, pid, log)
        if not (folder / RUN_FILE).exists():
            if cut:
                raise KeyboardInterrupt
            said = f"Locust {ended_with(code)} before the run began: {_last(log_path)}"
            raise Unusable(said) if code < 0 else CommandError(said)
        with signals.counted():  # what was measured is summed up, whatever comes meanwhile
            summary = summary_of(folder, fresh=True)
        cut = cut or signals.interrupted()
        if not cut and not summary["counts"][Counter.CONNECTIONS_OPENED]:
            why = "; ".join(summary["generator"]["reasons"])
            raise Unusable(f"{side.name.upper()} at {masked_url(url)}: {why} (see {log_path})")
        return {"folder": folder.name, "interrupted": cut, "summary": summary}


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"


def summary_of(folder: Path, fresh: bool = False) -> dict[str, Any]:
    """The summary of a run folder, or in a file; raises `FileError`."""
    from sockproof.analysis.summary import stored_summary  # numpy takes its time to import
    from sockproof.analysis.summary.run_summary import write_summary

    path = folder / SUMMARY_FILE if folder.is_dir() else folder
    if fresh or (folder.is_dir() and not is_there(path)):
        summary = write_summary(folder)
    else:
        summary = stored_summary.read(path)
    # Evidence of single messages stays in the run's own folder.
    plain: dict[str, Any] = msgspec.to_builtins(summary)
    return {key: each for key, each in plain.items() if key != "examples"}
