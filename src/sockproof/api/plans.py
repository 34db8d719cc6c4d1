"""What is wanted of a run: a value that is made once, checked, and never changed.

The rules that hold here:

* Times are in seconds, lengths in octets.
* A plan does not say where its run is recorded: whoever carries it out says so.
* What is wrong with one raises `CommandError` when it is made, as far as the plan alone shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sockproof.errors import CommandError
from sockproof.vocabulary import DOCS_URL, SUITES

JOBS, TIMEOUT = 32, 5.0  # cases side by side; seconds for each
USERS, SPAWN_RATE, RUN_TIME = 20, 100.0, 10.0  # of load; users a second; seconds
DRAIN = 10.0  # seconds, where Locust is not told otherwise
LONGEST = 10_000_000.0  # seconds that a run may be told to take
_ONE_SERVER = "a URL and a target cannot be combined"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePlan:
    """What is wanted of a run of cases: which server, which cases, and how they run.

    Either `url` or `targets` names the server: an address (ws, wss, http or https), or targets of
    the shelf, which are started. `suites`, `cases` (globs of ids) and `exclude` choose; where
    they are empty, all cases that concern the server run.
    """

    url: str | None = None
    targets: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()  # files of known deviations, or names of those that are shipped
    profile: Path | None = None  # what the server at `url` offers, and its limits
    path: str | None = None  # where Socket.IO answers; without it, what the profile says
    namespace: str | None = None
    headers: tuple[tuple[str, str], ...] = ()  # with each request
    cookies: tuple[str, ...] = ()  # NAME=VALUE
    subprotocols: tuple[str, ...] = ()  # offered with each WebSocket handshake
    auth: Mapping[str, Any] | None = None  # the payload of each Socket.IO CONNECT
    token: str | None = None  # of the server's fixture
    ca: Path | None = None  # a CA's certificate (PEM) to trust
    insecure: bool = False  # take any certificate, and judge none
    strict: bool = False  # SHOULD and NON_STRICT count, too
    jobs: int = JOBS  # cases side by side
    timeout: float = TIMEOUT  # for each case
    max_time: float | None = None  # for the run; without it, by the number of cases
    repeat: int = 1
    thorough: bool = False  # a thousand round trips where a few show the same
    shuffle: bool = False
    docs_url: str | None = None  # of the documentation that reports link; without it, sockproof's
    shelf: Path | None = None  # the folder of the shelves, where it is not sockproof's own

    def __post_init__(self) -> None:
        if self.docs_url is not None and not re.fullmatch(DOCS_URL, self.docs_url):
            said = "must begin with https://, http:// or file:// and have no blanks or quotes"
            raise CommandError(f"--docs-url {said}, not {self.docs_url[:200]!r}")
        if self.url is not None and self.targets:
            raise CommandError(_ONE_SERVER)
        for name in self.suites:
            if name not in SUITES:
                raise CommandError(f"no suite {name!r}; choose one of {', '.join(SUITES)}")
        _check("jobs", self.jobs, 1, 256)
        _check("timeout", self.timeout, 0.05, 3600)
        _check("repeat", self.repeat, 1, 1000)
        if self.max_time is not None:
            _check("max_time", self.max_time, 1, LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What is wanted of a load run: the scenario, the server, and how much.

    `scenario` is a name on the shelf or a locustfile's path. Without `url` and `target`, the
    target that the locustfile names is started. `more` are words for Locust: the scenario's own
    options, as `--rate=5`, and Locust's. What `secrets` holds, by the names of such options, goes
    to Locust where no list of processes shows it.
    """

    scenario: str
    url: str | None = None
    target: str | None = None
    target_pid: int | None = None  # the process of the server at `url`, to watch its CPU
    users: int | None = None  # where it is not said: as many as the stages say, or `USERS`
    spawn_rate: float | None = None  # users a second
    run_time: float | None = None
    processes: int = 1  # workers
    more: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    shelf: Path | None = None  # the folder of the shelves, where it is not sockproof's own

    def __post_init__(self) -> None:
        if self.url is not None and self.target is not None:
            raise CommandError(_ONE_SERVER)
        _check("users", self.amount[0], 1, 1_000_000)
        _check("spawn_rate", self.amount[1], 1e-6, 1_000_000)
        _check("run_time", self.amount[2], 1, LONGEST)
        _check("processes", self.processes, 1, 256)

    @property
    def amount(self) -> tuple[int, float, float]:
        """Users, users a second and seconds, where no stages say otherwise."""
        users = USERS if self.users is None else self.users
        rate = SPAWN_RATE if self.spawn_rate is None else self.spawn_rate
        return users, rate, RUN_TIME if self.run_time is None else self.run_time

    @property
    def run_time_word(self) -> str:
        """The run time as Locust is told it, in whole seconds."""
        return f"{self.amount[2]:.0f}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """What is wanted of a comparison of two servers; None: what is usual.

    `pairs` of runs at least and `max_pairs` at most, after `warm_up` that do not count. `runs` are
    those of one server whose noise is measured. `tolerance` is a share that a metric may be worse
    by.
    """

    metrics: tuple[str, ...] | None = None
    pairs: int | None = None
    max_pairs: int | None = None
    runs: int | None = None
    warm_up: int = 1
    tolerance: float | None = None
    seed: int | None = None


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise CommandError(f"{name} is from {low:,g} to {high:,g}, not {value!r}")
