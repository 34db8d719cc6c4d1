"""One process's part in a load run: its recorder, its schedule, its clock of phases.

Locust's events lead through it: `begin` when a test starts, `ramped` when all users are there,
`drain` before they are stopped, `end` when they are gone.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import platform
import random
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gevent

from sockproof import files
from sockproof.form import form
from sockproof.load.locust.failures import is_of_scenario, told
from sockproof.load.locust.options import Options, masked, shown
from sockproof.load.locust.schedule import SECOND, Schedule, Turn
from sockproof.load.locust.stats import LocustStats
from sockproof.load.net.endpoint import Endpoint, EndpointError
from sockproof.load.net.timer_wheel import HELD_UP_NS
from sockproof.load.record import health, provenance
from sockproof.load.record.due import Question
from sockproof.load.record.live import Live
from sockproof.load.record.recorder import Recorder
from sockproof.load.traffic import traffic
from sockproof.proxies import Choice, choose
from sockproof.runs.load_records import RUN_FILE, SCHEMA, TOLD, Phase, Reason, boot_id
from sockproof.vocabulary import Gauge, LatencyKind, Step
from sockproof.wire.proxy import Proxy, ProxyUrlError
from sockproof.wire.url import Address, AddressError, masked_url

SETTLING = 30.0  # seconds that users may take to connect and join once all are spawned
QUIET = 1.0  # seconds without a receipt, at least, before the drain may end
SILENT = 0.3  # seconds without one after which it is worth asking what is missing
HELD_UP = HELD_UP_NS / SECOND  # that a look at what has come counts for at most
ADDED = 5.0  # seconds at most by which that makes the drain longer, besides the longest look
NEW_OBJECTS = 10_000  # after which cycles among them are looked for
_LATE = 1 << 20  # numbers that a worker has for itself which came when the run had begun
_PACKAGES = ("sockproof", "locust", "gevent", "python-socketio", "websocket-client")


def spare_looks() -> None:
    """Have the collector of cycles look at what is new alone, and more rarely.

    What was imported stays, and users are made by the thousand and stay, too: looking through all
    of them again and again took a tenth of what a connect costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)


class Run:
    """What all users of this process share while a test runs."""

    def __init__(
        self,
        folder: Path,
        number: int,
        options: Options,
        endpoint: Endpoint,
        stats: LocustStats,
        report: Callable[[str], None],
        place: tuple[int, int] = (0, 1),
    ) -> None:
        """`place` is this process's index among so many."""
        self.options = options
        self.ack_limit = int(options.ack_limit * SECOND)
        self.folder = folder
        self.index, self.processes = place
        self.endpoint = endpoint
        self.recorder = Recorder(folder, number, report)
        self.schedule = Schedule(self._failed)
        self._report = report
        self.stats = stats
        self.live = Live(number, time.monotonic_ns())
        self._target = health.watch(options.target_pid)
        self._users = 0
        self.steps = dict.fromkeys(Step, 0)  # how far they came
        self.preparing = 0  # users that are not yet where their scenario has them
        self.returning = 0  # users without a connection to whom what they miss is owed
        self._errors: set[str] = set()
        self._ticker = gevent.spawn(self._tick)
        self.over = False
        self.hide: Callable[[str], str] = str  # shows a text without the run's secrets
        traffic.on_failure = self._callback_failed
        traffic.reads_slowly = True

    def place_of_user(self) -> int:
        """A number for a new user that no user of any process has."""
        if self.index < self.processes:
            number = self._users * self.processes + self.index
        else:  # it came late
            number = self.index * _LATE + self._users
        self._users += 1
        self.steps[Step.USERS] += 1
        return number

    # Phases.

    def ramped(self) -> None:
        """All users are spawned: the measured part begins when they have settled."""
        gevent.spawn(self._settle)

    def _settle(self) -> None:
        deadline = time.monotonic() + SETTLING
        while self.preparing > 0 and time.monotonic() < deadline and not self.over:
            gevent.sleep(0.05)
        if self.recorder.phase_now == Phase.RAMP and not self.over:
            self._collect()
            self.recorder.phase(Phase.MEASURED, time.monotonic_ns(), self._usage())

    def drain(self) -> None:
        """Send nothing more, and wait for what is in flight.

        The whole time that there is for it, unless all that is due is in. What comes while this
        process is held up itself waits to be read: a long look at it does not count in full.
        """
        if self.recorder.phase_now >= Phase.DRAIN or self.over:
            return
        self.schedule.stop()
        traffic.reads_slowly = False  # what slow readers have not read is no loss of the target's
        self._collect()
        self.recorder.phase(Phase.DRAIN, time.monotonic_ns(), self._usage())
        recorder, question = self.recorder, Question(self.folder)
        counted, since = (recorder.emitted, recorder.receipts), time.monotonic()
        begun, now, left, longest = since, since, self.options.drain, 0.0
        while left > 0 and now - begun < self.options.drain + ADDED + longest:
            before = now
            gevent.sleep(0.05)
            now = time.monotonic()
            left -= min(now - before, HELD_UP)
            longest = max(longest, now - before)
            if now - before > HELD_UP:
                since = now
            waits = recorder.outstanding > 0 or self.returning > 0
            if (recorder.emitted, recorder.receipts) != counted or waits:
                counted, since = (recorder.emitted, recorder.receipts), now
            elif now - since >= QUIET and question.settled(recorder.emitted):
                break
            elif now - since >= SILENT:
                question.ask(*counted, left)
        question.close()
        self._collect()
        self.recorder.phase(Phase.OVER, time.monotonic_ns())

    def end(self) -> None:
        """The users are gone: once their connections are, write what is left, close the files."""
        if self.over:
            return
        self.over = True
        deadline = time.monotonic() + self.endpoint.close_limit / 1e9 + 1
        while self.recorder.live > 0 and time.monotonic() < deadline:
            gevent.sleep(0.02)
        self._ticker.kill()
        traffic.on_failure = None
        now = time.monotonic_ns()
        if self.recorder.phase_now < Phase.OVER:
            self._collect()
            self.recorder.phase(Phase.OVER, now)
        self._collect()
        self.recorder.close(now, self._health())
        self.schedule.close()

    # Once a second.

    def _tick(self) -> None:
        due = time.monotonic()
        while True:
            due += 1.0
            gevent.sleep(max(0.0, due - time.monotonic()))
            self._late = max(0, int((time.monotonic() - due) * 1e9))
            try:
                self._collect()
                self.recorder.tick(time.monotonic_ns(), self._health())
            except Exception as error:  # the next second may go better
                self.complain(
                    f"a second of the run was not recorded: {type(error).__name__}: {error}"
                )

    _late = 0

    def _collect(self) -> None:
        """Take over what others count, and give Locust's statistics what is theirs."""
        recorder = self.recorder
        recorder.fold()
        recorder.offered = self.schedule.offered
        recorder.bytes_sent = traffic.bytes_sent
        recorder.bytes_received = traffic.bytes_received
        recorder.back_pressured = traffic.back_pressured
        acks, _ = recorder.acks()
        for each in recorder.names.all_acks:
            self.stats.add(LatencyKind.ACK, each.intended, each.message)
        self.stats.add(LatencyKind.DELIVERY, recorder.delivery_intended)
        self.stats.add(LatencyKind.CONNECT, recorder.connect_intended)
        self.live.take(
            time.monotonic_ns(),
            recorder.phase_now,
            recorder.counters(),
            acks,
            recorder.delivery_intended,
            recorder.names.all_acks,
        )
        self.live.server = traffic.server or ""

    def _health(self) -> dict[str, Any]:
        state = self._usage()
        state[Gauge.HUB_LAG_NS] = max(self.schedule.take_lag(), self._late)
        self.live.feel(time.monotonic_ns(), state)
        return state

    def _usage(self) -> dict[str, Any]:
        state = health.own()
        state["pings_answered"] = traffic.pings_answered
        state.update({step.value: count for step, count in self.steps.items()})
        if traffic.cookies_refused:
            state["cookies_refused"] = traffic.cookies_refused
        if self._target is not None:
            state.update(self._target.usage())
        return state

    def _failed(self, turn: Turn, error: Exception) -> None:
        del turn
        self.failed(error)

    def _callback_failed(self, error: BaseException) -> bool:
        if not is_of_scenario(error):
            return False
        self.failed(error)
        return True

    def failed(self, error: BaseException, client: int = 0) -> None:
        """A scenario's own error: counted, said once for each kind, and the run goes on."""
        said = self.hide(told(error))
        self.recorder.error(client, said, time.monotonic_ns())
        self.complain(f"error in the scenario: {said}")

    def login_failed(self, client: int, error: OSError, expects: int) -> None:
        """What a user asks for before it connects was refused, or did not come."""
        said, now = self.hide(told(error)), time.monotonic_ns()
        self.recorder.connecting(client, now, expects=expects)
        self.recorder.connect_failed(client, int(Reason.LOGIN), now, said)
        self.stats.failed(LatencyKind.CONNECT, f"{Reason.LOGIN.label}: {said}")
        self.complain(f"{Reason.LOGIN.label}: {said}")

    def refused(self, client: int, what: str, why: str, sequence: int = 0) -> None:
        """The server's answer refuses a message, or what lets a user into a room or out of it."""
        said = self.hide(why)
        self.recorder.refuse(client, sequence, said, time.monotonic_ns())
        self.complain(f"the server refuses {what}: {said}")

    def unanswered(self, client: int, room: int, text: str) -> None:
        """What lets a user into a room or out of it was not answered in time."""
        self.recorder.unanswer(client, room, time.monotonic_ns())
        self.complain(text)

    def complain(self, text: str) -> None:
        """Say something once."""
        if text not in self._errors and len(self._errors) < 100:
            self._errors.add(text)
            self._report(text)


def proxy_of(options: Options) -> Choice:
    """The proxy that options or the environment name; raises `EndpointError`."""
    try:
        address = Address.parse(options.host)
        return choose(options.proxy, address.tls, address.host, address.port)
    except (AddressError, ProxyUrlError) as error:
        raise EndpointError(str(error)) from None


def proxies_of(common: Proxy | None, classes: Iterable[type]) -> list[str]:
    """The URLs of all proxies, those of classes of users among them."""
    own = (getattr(each, "proxy", None) for each in classes)
    return [*([common.url] if common else ()), *(each for each in own if isinstance(each, str))]


def endpoint_of(options: Options, proxy: Proxy | None, classes: Iterable[type] = ()) -> Endpoint:
    """Where connections go, those of classes of users, too; raises `EndpointError`."""
    endpoint = Endpoint(
        options.host,
        headers=options.headers,
        path=options.path,
        deflate=options.deflate,
        sources=options.sources,
        ca=options.ca,
        insecure=options.insecure,
        cert=options.cert,
        key=options.key,
        proxy=proxy,
        usual=options.payload_bytes or 0,
    )
    for each in classes:
        if isinstance(own := getattr(each, "proxy", None), str):
            try:
                endpoint.through(own)
            except EndpointError as error:
                raise EndpointError(f"{each.__name__}.proxy: {error}") from None
    return endpoint


def new_number() -> int:
    """A number that tells this run's messages from those of any other."""
    return random.SystemRandom().getrandbits(32) or 1


def describe(
    folder: Path,
    number: int,
    scenario: str,
    options: Options,
    users: dict[str, Any],
    origin: dict[str, Any],
) -> None:
    """Write `run.json`: what is run, with what, on what; `origin` is what runs it again."""
    value = {
        "schema": SCHEMA,
        "run": number,
        "target": masked_url(options.host),
        "scenario": scenario,
        "parameters": {**shown(options), **users},
        "versions": {"python": platform.python_version(), **_versions(), "load": form()},
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "boot": boot_id()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "started_ns": time.monotonic_ns(),
        **origin,
    }
    files.write(folder / RUN_FILE, files.json_text(value, indent=1), durable=True)


def revision() -> dict[str, Any] | None:
    """That of the working directory; git takes its time, which is not to be that of the run."""
    return provenance.revision(Path.cwd())


def origin(environment: Any, hide: Callable[[str], str]) -> dict[str, Any]:
    """What is needed to run it again: the command, the locustfiles, the revision."""
    told = {"command": shlex.join(["locust", *masked(sys.argv[1:])])}
    with contextlib.suppress(ValueError, TypeError):
        told |= json.loads(os.environ.get(TOLD, "{}"))
    files = getattr(environment, "parsed_locustfiles", None) or []
    return {
        **{name: hide(str(text)) for name, text in told.items() if text},
        "locustfiles": provenance.sources(files, hide),
        "revision": environment.sockproof.revision,
    }


def note(folder: Path, **fields: Any) -> None:
    """Add fields to `run.json`."""
    path = folder / RUN_FILE
    value = json.loads(files.read_text(path, files.MIB))
    files.write(path, files.json_text({**value, **fields}, indent=1), durable=True)


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def scenario_name() -> str:
    """The locustfile's name, as it was given to Locust."""
    words = sys.argv
    for flag in ("-f", "--locustfile"):
        if flag in words[:-1]:
            return Path(words[words.index(flag) + 1]).stem
    return os.environ.get("LOCUST_LOCUSTFILE", "locustfile")
