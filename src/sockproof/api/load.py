"""One load run: Locust in a process of its own. `load` is for Python programs.

The rules that hold here:

* Nothing is printed: what is to be said goes to whoever is named for it, or into a log.
* gevent and Locust are never imported: they would patch the program that calls.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from sockproof import shelves
from sockproof.analysis.gates.live_rules import Follower
from sockproof.api.locust_process import Bounds, Locust, Ran
from sockproof.api.plans import DRAIN, LoadPlan
from sockproof.api.progress import Shows
from sockproof.errors import CommandError, NotJudged
from sockproof.files import FileError, WriteError
from sockproof.form import outdated
from sockproof.formats.load import Summary
from sockproof.load.locust.options import SECRET_ARGUMENTS, masked
from sockproof.load.locust.stages import USUAL, Stage, StageError, checked, told
from sockproof.runs import records
from sockproof.runs.load_records import RUN_FILE, TOLD, LoadRecordError, has_rows
from sockproof.targets import launch
from sockproof.targets.spec import TargetSpec, load_targets
from sockproof.wire.url import masked_url

DEFAULT_TARGET = "python-socketio-uvicorn"
LOG_FILE = "locust.log"
LOCUST_HOST = "LOCUST_HOST"  # the variable; arguments are for all eyes


def load(
    scenario: str | Path,
    url: str | None = None,
    *,
    target: str | None = None,
    users: int | None = None,
    spawn_rate: float | None = None,
    run_time: float | None = None,
    stages: Sequence[tuple[int, float]] = (),
    processes: int = 1,
    rate: float | None = None,
    poisson: bool = False,
    payload_bytes: int | None = None,
    room_size: int | None = None,
    transport: str | None = None,
    client: str | None = None,
    max_outstanding: int | None = None,
    ack_timeout: float | None = None,
    drain: float | None = None,
    max_lag: float | None = None,
    metrics_port: int | str | None = None,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    cookies: Sequence[str] = (),
    auth: Mapping[str, Any] | None = None,
    path: str | None = None,
    namespace: str | None = None,
    sources: Sequence[str] = (),
    deflate: bool = False,
    ca: str | Path | None = None,
    insecure: bool = False,
    cert: str | Path | None = None,
    key: str | Path | None = None,
    proxy: str | None = None,
    target_pid: int | None = None,
    more: Sequence[str] = (),
    results: str | Path | None = None,
) -> Summary:
    """Load the server at a URL with a scenario, and return what became of every message.

    `scenario` is a name on the shelf, as "echo" or "chat_rooms", or a locustfile's path. Without
    `url`, `target` is started, or the target that the scenario is made for. `users` (default: 20)
    start at `spawn_rate` users a second (default: 100) and stay for `run_time` seconds (default:
    10), or come and go by `stages`, pairs of users and seconds, in so many worker `processes`. Each
    sends `rate` messages a second (0: the next as soon as the last one is acknowledged), of
    `payload_bytes` bytes. The run's live numbers are served at `metrics_port`. At the end, what is
    in flight is awaited for `drain` seconds at most. Whatever is not given, the scenario decides;
    `more` are options for Locust, as "--tags=slow".

    Locust runs in a process of its own, so that gevent patches nothing here. The summary is what
    `sockproof schema load-summary` describes: `counts` by the name of the counter, `properties`
    with what was kept ("lost" and the others: True, False, or "not exercised"), `latency` in
    milliseconds by kind and origin, `generator.fit` with `reasons` where the run is inconclusive,
    and what the generator's lateness may have changed in `generator.lateness` (`max_lag`
    milliseconds of it are ignored). With `results`, the run's folder stays below it, of which
    `sockproof report` makes a page.

    Raises `sockproof.errors.WrongInput` where an argument is invalid, also to Locust, and
    `sockproof.errors.NotJudged` where the target does not start, nothing was recorded or nothing
    can be written. At a KeyboardInterrupt Locust and the target are ended first.

    It can be called from any thread, blocks until the run has ended, and prints nothing.
    """
    given = {
        "rate": rate,
        "stages": told(_checked(stages)) if stages else None,
        "payload-bytes": payload_bytes,
        "room-size": room_size,
        "transport": transport,
        "client": client,
        "max-outstanding": max_outstanding,
        "ack-timeout": ack_timeout,
        "drain": drain,
        "max-lag": max_lag,
        "metrics-port": metrics_port,
        "path": path,
        "namespace": namespace,
        "source": ",".join(sources) or None,
        "ca": ca,
        "cert": cert,
        "key": key,
    }
    words = [f"--{name}={value}" for name, value in given.items() if value is not None]
    flags = {"poisson": poisson, "deflate": deflate, "insecure": insecure}
    words += [f"--{name}" for name, is_on in flags.items() if is_on]
    secrets = {}
    if pairs := list(headers.items() if isinstance(headers, Mapping) else headers):
        secrets["header"] = "\n".join(f"{name}: {value}" for name, value in pairs)
    if cookies:
        secrets["cookie"] = "\n".join(cookies)
    if auth is not None:
        secrets["auth"] = json.dumps(auth)
    if proxy is not None:
        secrets["proxy"] = proxy
    plan = LoadPlan(
        scenario=str(scenario),
        url=url,
        target=target,
        target_pid=target_pid,
        users=users,
        spawn_rate=spawn_rate,
        run_time=run_time,
        processes=processes,
        more=(*words, *more),
        secrets=secrets,
    )
    found = find_scenario(plan)
    server = load_target(plan, found)
    with contextlib.ExitStack() as stack:
        if results is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="sockproof-")))
        else:
            folder = records.new_run_folder(Path(results), "load")
        return _run(plan, found, server, folder)


def _checked(given: Sequence[tuple[int, float]]) -> tuple[Stage, ...]:
    try:
        return checked(given)
    except StageError as error:
        raise CommandError(str(error)) from None


def _run(plan: LoadPlan, scenario: Path, server: LoadTarget, folder: Path) -> Summary:
    """A whole run, with its summary."""
    from sockproof.analysis.summary.run_summary import (
        write_summary,  # numpy takes its time to import
    )

    log_path = folder / LOG_FILE
    with server.running() as (url, pid), log_path.open("w", encoding="utf-8") as log:
        origin = {"serves": server.serves}
        ran = run_scenario(plan, scenario, url, folder, pid, log, origin=origin)
    if ran.interrupted:
        raise KeyboardInterrupt
    if missing := nothing_recorded(folder, ran):
        said = f"Locust {ended_with(ran.code)} before {missing}: {last_line(log_path)}"
        raise NotJudged(said) if ran.code <= 0 else CommandError(said)
    try:
        return write_summary(folder)
    except (FileError, LoadRecordError) as error:  # of a run of our own: not the user's doing
        raise WriteError(f"the run cannot be summarised: {error}") from None


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """A server to load: at an address, or a target that is started for each run.

    A server that stays up has its luck with memory and hashes once for all runs; one that is
    started anew has it each time, and so it averages out.
    """

    url: str | None
    spec: TargetSpec | None = None
    pid: int | None = None  # the process of the server at `url`
    name: str = ""  # of a side of a comparison

    @property
    def watched(self) -> bool:
        """Whether its CPU is known."""
        return self.spec is not None or self.pid is not None

    @property
    def serves(self) -> str | None:
        """What a target of the shelf is, with the version of what it runs on."""
        if self.spec is None:
            return None
        return f"{self.spec.described()} (bundled server {self.spec.name})"

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


def load_target(plan: LoadPlan, scenario: Path) -> LoadTarget:
    """The server that a plan names, or the target that its scenario is made for."""
    if plan.url is not None:
        return LoadTarget(plan.url, pid=plan.target_pid)
    return named_target(plan.target or _own_target(scenario) or DEFAULT_TARGET, plan.shelf)


def named_target(target: str, shelf: Path | None, name: str = "") -> LoadTarget:
    """A target of the shelf; raises `CommandError`."""
    known = load_targets(shelves.shelf("targets", shelf))
    if target not in known:
        raise CommandError(f"no target {target!r}; choose one of {', '.join(known)}")
    return LoadTarget(None, known[target], name=name)


def find_scenario(plan: LoadPlan) -> Path:
    """The locustfile: a path, or a name on the shelf; raises `CommandError`."""
    if importlib.util.find_spec("locust") is None:
        raise CommandError("load tests need Locust: pip install locust")
    if changed := outdated():
        were = ", ".join(changed)
        raise CommandError(f"{were}: changed since it was compiled; `make fast`, or `make plain`")
    given = Path(plan.scenario)
    if given.suffix == ".py":
        if given.is_file():
            return given.resolve()
        raise CommandError(f"no such locustfile: {given}")
    shelf = shelves.shelf("locustfiles", plan.shelf)
    path = shelf / f"{plan.scenario}.py"
    if "/" in plan.scenario or not path.is_file():
        known = ", ".join(sorted(each.stem for each in shelf.glob("*.py")))
        raise CommandError(f"no scenario {plan.scenario!r}; choose one of {known}, or a .py file")
    return path


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


def run_scenario(
    plan: LoadPlan,
    scenario: Path,
    url: str,
    folder: Path,
    pid: int | None = None,
    log: IO[str] | None = None,
    say: Callable[[str], None] | None = None,
    follower: Follower | None = None,
    origin: Mapping[str, str | None] | None = None,
    shows: Shows | None = None,
) -> Ran:
    """Run it once, into a folder.

    `origin` is what `run.json` is to say of where the run comes from: a `command` that was typed,
    and what a target of ours `serves`.
    `pid` is the target's process, to be watched. What Locust prints goes to `log`, or where the
    output goes; what is said besides goes to `say`, or to `log`. `follower` says when a rule is
    broken that ends the run, and `shows` shows how it is while it goes on.
    """
    command = _command(plan, scenario, folder)
    if pid is not None:
        command += ["--target-pid", str(pid)]
    secret = {SECRET_ARGUMENTS[name]: value for name, value in plan.secrets.items()}
    secret[LOCUST_HOST] = url
    amount = {"num_users": plan.users, "spawn_rate": plan.spawn_rate, "run_time": plan.run_time}
    secret[USUAL] = ",".join(name for name, value in amount.items() if value is None)
    secret[TOLD] = json.dumps({"command": _equivalent(plan, url), **(origin or {})})
    words = (f"--{name}={value}" for name, value in plan.secrets.items())
    shown = shlex.join(masked([*command, "--host", url, *words]))

    def into_log(line: str) -> None:
        if log is not None:
            print(line, file=log, flush=True)

    say = say or into_log
    say(f"$ {shown}\n")
    return Locust(command, folder, _bounds(plan), secret, say, log, follower, shows).run()


def _command(plan: LoadPlan, scenario: Path, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "locust", "-f", str(scenario), "--headless"]
    users, rate, _ = plan.amount
    command += ["--users", str(users), "--spawn-rate", str(rate)]
    command += ["--run-time", plan.run_time_word, "--run-folder", str(folder)]
    command += ["--only-summary"]
    if plan.processes > 1:
        command += ["--processes", str(plan.processes)]
        if not any(word.startswith("--master") for word in plan.more):
            # Locust's own port is one for all runs of a machine, and open to its network.
            port = str(launch.free_port())
            command += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
            command += ["--master-port", port]
    return [*command, *plan.more]


def _equivalent(plan: LoadPlan, url: str) -> str:
    """The command that makes the same run: of those that nobody typed, too."""
    words = ["load", plan.scenario, url]
    if plan.users is not None:
        words += ["--users", str(plan.users)]
    if plan.spawn_rate is not None:
        words += ["--spawn-rate", f"{plan.spawn_rate:g}"]
    if plan.run_time is not None:
        words += ["--run-time", plan.run_time_word]
    if plan.processes > 1:
        words += ["--processes", str(plan.processes)]
    secrets = (f"--{name}={value}" for name, value in plan.secrets.items())
    return shlex.join(
        ["sockproof", *masked([*words, *plan.more, *secrets], {"load", plan.scenario})]
    )


def _bounds(plan: LoadPlan) -> Bounds:
    """How long Locust may take, by what it is told."""
    drain = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    drain.add_argument("--drain", type=float, default=DRAIN)
    try:
        seconds = drain.parse_known_args(plan.more)[0].drain
    except (argparse.ArgumentError, SystemExit):
        seconds = DRAIN  # which Locust will complain of
    return Bounds(plan.amount[2], seconds, plan.processes, "--master" in plan.more)


def nothing_recorded(folder: Path, ran: Ran) -> str:
    """What had not come about when the run was over; empty where something was recorded."""
    if not (folder / RUN_FILE).exists():
        return "the run began"
    if ran.code < 0 and not has_rows(folder):
        return "anything was recorded"
    return ""


def ended_with(code: int) -> str:
    """How a process ended, in words."""
    return f"was stopped by signal {-code}" if code < 0 else f"ended with {code}"


def last_line(log: Path) -> str:
    """What a process said last."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"
