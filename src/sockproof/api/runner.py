"""Load runs that several make a whole: each quiet, into a folder of its own, with its summary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sockproof import signals
from sockproof.api.load import (
    LOG_FILE,
    LoadTarget,
    ended_with,
    find_scenario,
    last_line,
    run_scenario,
)
from sockproof.api.plans import LoadPlan
from sockproof.api.progress import Shows
from sockproof.errors import CommandError
from sockproof.files import is_there, make_folder
from sockproof.runs.load_records import RUN_FILE, SUMMARY_FILE
from sockproof.vocabulary import Counter
from sockproof.wire.url import masked_url


class Unusable(Exception):
    """Nothing that could be judged comes of going on; one line."""


class Runner:
    """Runs a scenario as `sockproof load` does, but quietly."""

    def __init__(
        self, plan: LoadPlan, warn: Callable[[str], None], shows: Shows | None = None
    ) -> None:
        """`warn` hears of a run that had to be ended; `shows` shows each while it goes on."""
        self.plan = plan
        self.scenario = find_scenario(plan)
        self._warn = warn
        self._shows = shows

    def run(
        self, target: LoadTarget, folder: Path, plan: LoadPlan | None = None, what: str = ""
    ) -> dict[str, Any]:
        """One whole run, with its summary; `plan` is another one of the same scenario, and `what`
        says which run it is while it goes on.

        Raises `CommandError` when Locust does not take the command, `Unusable` when no connection
        came about.
        """
        make_folder(folder)
        log_path = folder / LOG_FILE
        plan = plan or self.plan
        if self._shows is not None:
            self._shows.what = what
        with target.running() as (url, pid), log_path.open("w", encoding="utf-8") as log:
            ran = run_scenario(plan, self.scenario, url, folder, pid, log, shows=self._shows)
        if ran.complaint:
            self._warn(ran.complaint)
        if not (folder / RUN_FILE).exists():
            if ran.interrupted:
                raise KeyboardInterrupt
            said = f"Locust {ended_with(ran.code)} before the run began: {last_line(log_path)}"
            raise Unusable(said) if ran.code <= 0 else CommandError(said)
        with signals.counted():  # what was measured is summed up, whatever comes meanwhile
            summary = summary_of(folder, fresh=True)
        cut = ran.interrupted or signals.interrupted()
        if not cut and not summary["counts"][Counter.CONNECTIONS_OPENED]:
            why = "; ".join(summary["generator"]["reasons"])
            who = f"{target.name.upper()} at {masked_url(url)}".removeprefix(" at ")
            raise Unusable(f"{who}: {why} (see {log_path})")
        return {"folder": folder.name, "interrupted": cut, "summary": summary}


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
    return {key: each for key, each in plain.items() if key not in ("examples", "violations")}
