"""`sockproof load`: Locust without its web page, and the summary of what it did."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import shlex
import sys
from argparse import Namespace
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from sockproof import shelves
from sockproof.analysis.gates.live_rules import Follower
from sockproof.cli.arguments import (
    add_results,
    add_shelf,
    positive,
    run_time,
    time_span,
    whole,
)
from sockproof.cli.load_report import write_load_report
from sockproof.cli.locust_process import Bounds, Locust
from sockproof.cli.rules import chosen, find_rules
from sockproof.cli.scenario_options import add_scenario_options
from sockproof.errors import CANNOT_BE_JUDGED, WRONG_COMMAND, CommandError
from sockproof.files import FileError, WriteError
from sockproof.formats.load import Summary
from sockproof.load.locust.options import SECRET_ARGUMENTS, without_secrets
from sockproof.runs import records
from sockproof.runs.load_records import RUN_FILE, LoadRecordError
from sockproof.targets import launch
from sockproof.wire.url import masked_url

DEFAULT_TARGET = "python-socketio-uvicorn"
DRAIN = 10.0  # seconds, where Locust is not told otherwise
KILLED = 2  # the exit code where somebody has killed Locust before it recorded anything
LOCUST_HOST = "LOCUST_HOST"  # the variable; arguments are for all eyes
# What stands before the first option, and what of Locust's own may be seen.
_SHOWN = {"-m", "-f", "--users", "--spawn-rate", "--run-time", "--run-folder", "--processes"}
_SHOWN |= {"--master-bind-host", "--master-bind-port", "--master-port"}
_SHOWN |= {"--host", "--tags", "--exclude-tags", "--loglevel", "--stop-timeout", "--csv"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    add = parser.add_argument
    parser.epilog = (
        "Whatever else is given goes to Locust: --rate, --payload-bytes, --room-size, "
        "--transport, --client and more; `locust -f FILE --help` lists them."
    )
    add("scenario", metavar="SCENARIO", help="a name, as echo or chat_rooms, or a locustfile")
    add("url", nargs="?", metavar="URL", help="without it, a target is started")
    add("--target", metavar="NAME", help="start this one")
    add("--users", type=whole(1, 1_000_000), default=20, metavar="N", help="(20)")
    add("--spawn-rate", type=positive, default=100.0, metavar="R", help="users a second (100)")
    time = {"type": run_time, "default": "10s", "metavar": "T", "help": "as 30s or 5m (10s)"}
    add("-t", "--run-time", **time)  # type: ignore[arg-type]
    add("--processes", type=whole(1, 256), default=1, metavar="N", help="worker processes (1)")
    add_results(parser)
    add("--no-report", action="store_true", help="draw no figures, write no page")
    add("--rules", metavar="NAME", help="judge the run by these: a name in gates/, or a .toml")
    add_shelf(parser)
    add_scenario_options(parser)


def load(options: Namespace) -> int:
    """Run a scenario against a URL, or against its default target, which is started for it."""
    scenario = find_scenario(options)
    rules = find_rules(options.rules, options.shelf) if options.rules else None
    if rules is not None:
        chosen(rules, None, cases=False)
    folder = records.new_run_folder(options.results, "load")
    records.link_latest(folder, "load")
    with _target(options, scenario) as running:
        url = options.url or running.url
        pid = None if running is None else running.pid
        follower = None if rules is None else Follower(folder, rules.rules)
        code, interrupted = run_scenario(options, scenario, url, folder, pid, follower=follower)
    if not folder.exists():
        raise WriteError(f"the run folder {folder} is gone")
    begun = (folder / RUN_FILE).exists()
    if not begun or (code < 0 and not any(folder.glob("rows-*.bin"))):
        when = "anything was recorded" if begun else "the run began"
        print(f"sockproof: Locust {ended_with(code)} before {when}", file=sys.stderr)
        return 130 if interrupted else KILLED if code < 0 else WRONG_COMMAND
    try:
        value, meaning = conclude(folder)
    except (FileError, LoadRecordError) as error:  # of a run of our own: not the user's doing
        raise WriteError(f"nothing can be told of the run: {error}") from None
    drawn = options.no_report or _draw(folder, options.shelf)
    if rules is not None:
        from sockproof.cli.rules_kept import judge_load  # as the summary does, it needs numpy

        meaning = judge_load(rules, value, folder)
    if not drawn:
        meaning = meaning or CANNOT_BE_JUDGED
    return 130 if interrupted else meaning


def ended_with(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by signal {-code}" if code < 0 else f"ended with {code}"


def _draw(folder: Path, shelf: Path | None) -> bool:
    """Write the report; False where it could not be written."""
    try:
        page, _ = write_load_report(folder, shelf)
    except (FileError, WriteError, LoadRecordError, shelves.ShelfError, ImportError) as error:
        print(f"sockproof: no report: {error}", file=sys.stderr)
        return not isinstance(error, WriteError)
    print(f"report:     {page}", flush=True)
    return True


def run_scenario(
    options: Namespace,
    scenario: Path,
    url: str,
    folder: Path,
    pid: int | None = None,
    log: IO[str] | None = None,
    follower: Follower | None = None,
) -> tuple[int, bool]:
    """Run it once, into a folder: Locust's exit code, and whether it was interrupted.

    `pid` is the target's process, to be watched. What Locust prints goes to `log`, if there is
    one. `follower` says when a rule is broken that ends the run.
    """
    command = _command(options, scenario, folder)
    if pid is not None:
        command += ["--target-pid", str(pid)]
    given = getattr(options, "secrets", {})
    secret = {SECRET_ARGUMENTS[name]: value for name, value in given.items()} | {LOCUST_HOST: url}
    shown = [*command, "--host", url, *(f"--{name}={value}" for name, value in given.items())]
    print(f"$ {shlex.join(masked(shown))}\n", flush=True, file=log)
    return Locust(command, folder, _bounds(options), secret, log, follower).run()


def _bounds(options: Namespace) -> Bounds:
    """How long Locust may take, by what it is told."""
    drain = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    drain.add_argument("--drain", type=float, default=DRAIN)
    try:
        told = drain.parse_known_args(options.more)[0].drain
    except (argparse.ArgumentError, SystemExit):
        told = DRAIN  # which Locust will complain of
    return Bounds(time_span(options.run_time), told, options.processes)


def conclude(folder: Path) -> tuple[Summary, int]:
    """Write the summary, show it, and give it with the exit code that it means."""
    from sockproof.analysis.summary.run_summary import (
        write_summary,  # numpy takes its time to import
    )
    from sockproof.render.load.summary import lines, verdict

    value = write_summary(folder)
    for line in lines(value):
        print(line)
    print(f"\nrun folder: {folder}", flush=True)
    return value, verdict(value)


def find_scenario(options: Namespace) -> Path:
    """The locustfile: a path, or a name on the shelf; raises `CommandError`."""
    if importlib.util.find_spec("locust") is None:
        raise CommandError("load tests need Locust: pip install locust")
    given = Path(options.scenario)
    if given.suffix == ".py":
        if given.is_file():
            return given.resolve()
        raise CommandError(f"there is no locustfile {given}")
    shelf = shelves.shelf("locustfiles", options.shelf)
    path = shelf / f"{options.scenario}.py"
    if "/" in options.scenario or not path.is_file():
        known = ", ".join(sorted(each.stem for each in shelf.glob("*.py")))
        raise CommandError(f"no scenario {options.scenario!r}; there are {known}, or name a .py")
    return path


def _target(options: Namespace, scenario: Path) -> AbstractContextManager[Any]:
    if options.url is not None:
        return nullcontext()
    name = options.target or _own_target(scenario) or DEFAULT_TARGET
    known = launch.load_targets(shelves.shelf("targets", options.shelf))
    if name not in known:
        raise CommandError(f"no target {name!r}; there are {', '.join(known)}")
    return launch.launch(known[name])


def _own_target(scenario: Path) -> str | None:
    """What the locustfile says at its top as `TARGET = "…"`; it is read, not run."""
    try:
        tree = ast.parse(scenario.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise CommandError(f"{scenario}: {error}") from None
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            if "TARGET" in names and isinstance(node.value.value, str):
                return node.value.value
    return None


def _command(options: Namespace, scenario: Path, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "locust", "-f", str(scenario), "--headless"]
    command += ["--users", str(options.users), "--spawn-rate", str(options.spawn_rate)]
    command += ["--run-time", options.run_time, "--run-folder", str(folder)]
    command += ["--only-summary"]
    if options.processes > 1:
        command += ["--processes", str(options.processes)]
        if not any(word.startswith("--master") for word in options.more):
            # Locust's own port is one for all runs of a machine, and open to its network.
            port = str(launch.free_port())
            command += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
            command += ["--master-port", port]
    return [*command, *options.more]


def masked(command: list[str]) -> list[str]:
    """The command as it may be shown: its secrets are for nobody else.

    Only values of options that are known to hold none are shown: a secret may stand behind one
    that is misspelt, or shortened, or in words that a shell has taken apart.
    """
    shown = without_secrets() | _SHOWN
    told, may_follow = [], True
    for word in command:
        option, equals, _ = word.partition("=")
        if word.startswith("-"):
            known = option in shown
            told.append(masked_url(word) if known or not equals else f"{option}=***")
            may_follow = known and not equals
        else:
            address = re.match(r"(?i)(ws|http)s?://", word)
            told.append(masked_url(word) if may_follow or address else "***")
            may_follow = False
    return told
