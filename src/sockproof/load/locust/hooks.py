"""Where Locust's events lead into a run, alone, as a master or as a worker.

A master makes the run folder and tells its workers by options that travel with the order to
spawn; it records nothing itself. A worker that does not see that folder has one of its own, and
sends what it records (`load/hosts`). Whoever made the folder writes the summary when all is over,
as a child process: nothing is analysed in a process that gevent has patched.
"""

from __future__ import annotations

import argparse
import copy
import functools
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust import runners as locust_runners
from locust.runners import MasterRunner, WorkerRunner

from sockproof import files, memory
from sockproof.errors import CANNOT_BE_JUDGED, WRONG_COMMAND, WrongInput
from sockproof.expected import expected_bits
from sockproof.load.child import Child
from sockproof.load.hosts.leader import watch
from sockproof.load.hosts.master import Hosts
from sockproof.load.hosts.worker import Apart
from sockproof.load.locust import publish, stages, web_tab
from sockproof.load.locust import run as runs
from sockproof.load.locust.hush import Secrets
from sockproof.load.locust.options import (
    ABOUT,
    BOOT,
    FOLDER,
    REPEATED,
    RUN,
    SECRET_ARGUMENTS,
    Arguments,
    OptionError,
    Options,
    add_arguments,
    check,
    read_options,
    without_values,
)
from sockproof.load.locust.shape import take_stages
from sockproof.load.locust.stats import LocustStats
from sockproof.load.net.endpoint import EndpointError
from sockproof.load.record.live import Live
from sockproof.runs import records
from sockproof.runs.load_records import (
    RUN_FILE,
    STARTED_BY,
    LoadRecordError,
    boot_id,
    finished_or_gone,
)
from sockproof.settings import SettingError, read_settings, variables

_log = logging.getLogger("sockproof")
_WRONG = (OptionError, EndpointError, LoadRecordError, files.WriteError)
# Seconds without a heartbeat after which a worker is given up and its users go to the others:
# Locust's three are less than a busy machine may take to open some thousand connections.
_GIVEN_UP = 10
_LAST_WORDS = 15.0  # seconds beyond the drain that workers have to write their last rows


class Part:
    """This process's part in whatever test runs now."""

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.secrets = Secrets(environment)
        self.run: runs.Run | None = None
        self.live: Live | None = None  # its numbers, or those of the run before
        self.folder: Path | None = None  # when it is for this process to write the summary
        self.verdict: web_tab.Verdict | None = None
        self.tab: web_tab.Tab
        self.given = str(getattr(environment.parsed_options, "run_folder", "") or "")
        self.leaving: Any = None  # the greenlet that ends the process
        self.revision = None if isinstance(environment.runner, WorkerRunner) else runs.revision()
        self.is_called = bool(self.given)  # by a command that sums up itself
        self.hosts: Hosts | None = None  # of a master: its workers on other hosts
        self.apart: Apart | None = None  # of a worker, which may be on another host
        self._own_sources = str(getattr(environment.parsed_options, "source", "") or "")

    def begin(self) -> None:
        """A test starts."""
        environment, runner = self.environment, self.environment.runner
        parsed = environment.parsed_options
        self.verdict = None
        self.secrets.put_back(parsed)
        check_classes(environment)
        options = read_options(parsed)
        way = runs.proxy_of(options)
        urls = [options.host, *runs.proxies_of(way.proxy, environment.user_classes)]
        self.secrets.know(urls, options.headers, options.auth)
        shares = True
        if isinstance(runner, WorkerRunner):
            assert self.apart is not None
            shared, number = Path(getattr(parsed, FOLDER)), int(getattr(parsed, RUN))
            folder, shares = self.apart.folder(shared, number, str(getattr(parsed, ABOUT)))
            options = self._here(options)
        else:
            number = runs.new_number()
            folder = self._new_folder(options.results).resolve()
            users = {"users": parsed.num_users, "spawn_rate": parsed.spawn_rate}
            users["run_time"] = str(parsed.run_time or "")
            if options.stages:
                users = {stages.NAME: parsed.stages, "users": max(options.stages).users}
                users["run_time"] = f"{sum(each.seconds for each in options.stages):g}"
            users["proxy"] = way.proxy and way.proxy.shown
            origin = runs.origin(environment, self.secrets.hide)
            runs.describe(folder, number, runs.scenario_name(), options, users, origin)
            self.folder = folder
            setattr(parsed, FOLDER, str(folder))
            setattr(parsed, RUN, number)
            parsed.sockproof_processes = getattr(runner, "worker_count", 1)
            runs.note(folder, processes=parsed.sockproof_processes)
            setattr(parsed, ABOUT, files.read_text(folder / RUN_FILE, files.MIB))
            setattr(parsed, BOOT, boot_id())
        endpoint = runs.endpoint_of(options, way.proxy, environment.user_classes)
        if way.said and (shares is False or not isinstance(runner, WorkerRunner)):
            _log.info("%s", way.said)
        if isinstance(runner, MasterRunner):
            if self.hosts is not None:
                self.hosts.begin(folder, number, options.rows_port)
            return
        place = 0, 1
        if isinstance(runner, WorkerRunner):
            place = runner.worker_index, int(getattr(parsed, "sockproof_processes", 1))
        runs.spare_looks()
        if options.client != "lean":  # its libraries copy whatever a server sends
            memory.give_back_early()
        for each in environment.user_classes:
            if hasattr(each, "connections_of"):  # imports the client before a clock is read
                each.connections_of(options.client)
        stats = LocustStats(environment)
        self.run = runs.Run(folder, number, options, endpoint, stats, _log.error, place)
        self.run.hide = self.secrets.hide
        if len(options.stages) == 1:  # it is no ramp: nothing would come behind it
            self.run.ramped()
        self.live = self.run.live
        if self.apart is not None:
            boot = str(getattr(parsed, BOOT))
            tag = self.run.recorder.tag
            self.apart.begin(folder, number, tag, boot, shares, options.rows)

    def _here(self, options: Options) -> Options:
        """What a worker is told, without what is only true of the master's host."""
        if getattr(self.environment.parsed_options, BOOT) == boot_id():
            return options
        own = tuple(each.strip() for each in self._own_sources.split(",") if each.strip())
        return replace(options, target_pid=None, sources=own)

    def _new_folder(self, results: Path) -> Path:
        if self.given:
            folder, self.given = Path(self.given), ""
            files.make_folder(folder)
            return folder
        folder = records.new_run_folder(results, "load")
        records.link_latest(folder, "load")
        return folder

    def interrupt(self) -> None:
        """End in order, once: a master interrupts its workers too, which end by then.

        Python would raise KeyboardInterrupt in whatever callback of the loop runs just then; the
        SIGTERM that Locust ends at is heard by the loop.
        """
        if self.leaving is None:
            os.kill(os.getpid(), signal.SIGTERM)

    def follow(self, starter: int) -> None:
        """End when whoever started this is gone: nobody else would stop it, or sum up."""
        while os.getppid() == starter:
            gevent.sleep(0.5)
        self.is_called = False
        self.interrupt()

    def abandoned(self, why: str) -> None:
        """The master of this worker is gone: end in order, and say where what was recorded is."""
        if self.leaving is not None:
            return
        if self.run is not None:
            why += f"; `sockproof summary {self.run.folder}` sums up what was recorded here"
        _log.error("%s", why)
        self.environment.process_exit_code = CANNOT_BE_JUDGED
        assert self.apart is not None
        self.apart.give_up()
        self.interrupt()

    def end(self) -> None:
        """All users of this process are gone."""
        if self.run is not None:
            self.run.end()
            self.run = None

    def conclude(self) -> None:
        """Write the summary, when that is for this process, after all others have ended."""
        folder, self.folder = self.folder, None
        if folder is None:
            return
        drain = float(self.environment.parsed_options.drain or 0)
        deadline = time.monotonic() + drain + _LAST_WORDS
        while not finished_or_gone(folder) and time.monotonic() < deadline:
            gevent.sleep(0.1)
        if self.hosts is not None:
            self.hosts.wait()
            self.hosts.end()
        try:
            ended = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            told: dict[str, Any] = {"ended": ended}
            if server := self.secrets.hide(self.tab.server()):
                told["server"] = server
            if self.hosts is not None:
                told["processes"] = len(self.hosts.workers)
            runs.note(folder, **told)
        except (files.FileError, files.WriteError) as error:
            _log.error("%s", error)
            self.environment.process_exit_code = CANNOT_BE_JUDGED
        if self.is_called:
            return
        command = [sys.executable, "-m", "sockproof", "summary", "--report", str(folder)]
        summing_up = Child(command, _unpatched(), heard=True)
        said = (summing_up.read() or b"").decode("utf-8", "replace").strip()
        code = summing_up.wait() or 0
        summing_up.close()
        sys.stdout.write(f"\n{said}\n")
        sys.stdout.flush()
        self.verdict = web_tab.Verdict.of(folder, said, code)
        if code < 0:
            _log.error("the summary was stopped by signal %d; sum up %s again", -code, folder)
            code = CANNOT_BE_JUDGED
        if code and self.environment.process_exit_code is None:
            self.environment.process_exit_code = code


def _unpatched() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}


def check_classes(environment: Any) -> None:
    """Look at what the classes of users say of themselves; raises `OptionError`."""
    for each in environment.user_classes:
        try:
            expected_bits(getattr(each, "expects", ()))
        except (TypeError, ValueError) as error:
            raise OptionError(f"{each.__name__}.expects: {error}") from None
        for namespace in getattr(each, "namespaces", ()):
            if not str(namespace).startswith("/"):
                raise OptionError(f"{each.__name__}.namespaces: {namespace!r:.60} begins without /")
            if environment.parsed_options.client != "lean":
                raise OptionError(f"{each.__name__}.namespaces: these need --client lean")
        rate = getattr(each, "read_rate", None)
        if rate is not None and not (isinstance(rate, int | float) and 1 <= rate <= 1e12):
            text = f"{each.__name__}.read_rate is at least 1 byte a second, not {rate!r:.60}"
            raise OptionError(text)


def run_of(environment: Any) -> runs.Run | None:
    """The run that this process takes part in; None when it could not begin."""
    part: Part = environment.sockproof
    return part.run


def take_settings(parser: Any) -> None:
    """Have Locust read what a file or a variable sets; raises `SettingError`.

    It is given to Locust as a variable, which stands above `locust.conf` and under what is typed.
    """
    settings = read_settings()
    if settings.tables and (complaint := _complaint()):
        raise SettingError(complaint)
    known = Arguments().found
    for action in parser._actions:
        name = "".join(action.option_strings[-1:]).removeprefix("--")
        setting = settings.of("load", name) if f"--{name}" in known else None
        if setting is None or action.help == argparse.SUPPRESS:
            continue
        text = (
            str(setting.switch()).lower()
            if action.nargs == 0
            else "\n".join(setting.texts(several=name in REPEATED))
        )
        try:
            check(name, text)
        except OptionError as error:
            raise setting.wrong(str(error).removeprefix(f"--{name} ")) from None
        of_load, action.env_var = variables("load", name)
        os.environ[action.env_var] = text
        if name in SECRET_ARGUMENTS:  # which are masked under their usual name alone
            os.environ.pop(of_load, None)


@functools.cache
def _complaint() -> str:
    """What is wrong with the file, for a load run or its summary; their keys the commands know."""
    command = [sys.executable, "-m", "sockproof", "config", "load", "summary"]
    done = subprocess.run(command, check=False, env=_unpatched(), capture_output=True, text=True)
    is_wrong = done.returncode == WRONG_COMMAND
    return done.stderr.strip().removeprefix("sockproof: ") if is_wrong else ""


@events.init_command_line_parser.add_listener
def _arguments(parser: Any, **_: Any) -> None:
    add_arguments(parser)
    if STARTED_BY not in os.environ:  # a command has passed on all that holds
        try:
            take_settings(parser)
        except WrongInput as error:
            parser.exit(WRONG_COMMAND, f"sockproof: {error}\n")
    complain = parser.error
    # Behind a misspelt option there may be a secret.
    parser.error = lambda message: complain(without_values(message))


@events.init.add_listener
def _init(environment: Any, **_: Any) -> None:
    part = environment.sockproof = Part(environment)
    part.tab = web_tab.install(environment)

    def spawned(**_: Any) -> None:
        if part.run is not None:
            part.run.ramped()

    def stopping(**_: Any) -> None:
        if part.run is not None:
            part.run.drain()

    if isinstance(environment.runner, MasterRunner):
        locust_runners.HEARTBEAT_LIVENESS = _GIVEN_UP
    gevent.signal_handler(signal.SIGINT, part.interrupt)
    starter = os.environ.get(STARTED_BY, "")
    if starter.isdigit() and not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(part.follow, int(starter))
    parsed = environment.parsed_options
    part.secrets.take()
    if not isinstance(environment.runner, WorkerRunner):
        try:
            take_stages(environment)
        except OptionError as error:
            _log.error("%s", error)
            sys.exit(WRONG_COMMAND)
    if parsed.headless and not isinstance(environment.runner, WorkerRunner):
        try:  # before anything runs; the web form is looked at when it is sent
            told = copy.copy(parsed)
            part.secrets.put_back(told)
            check_classes(environment)
            options = read_options(told)
            proxy = runs.proxy_of(options).proxy
            runs.endpoint_of(options, proxy, environment.user_classes)
        except _WRONG as error:
            _log.error("%s", error)
            sys.exit(WRONG_COMMAND)
    if isinstance(environment.runner, MasterRunner):
        part.hosts = Hosts(environment.runner, _log.error)
    elif isinstance(environment.runner, WorkerRunner):
        part.apart = Apart(environment.runner, str(parsed.results), _log.error)
        watch(environment.runner, lambda: part.run is not None, part.abandoned)
    publish.install(environment, part.tab)
    events.spawning_complete.add_listener(spawned)
    events.test_stopping.add_listener(stopping)


@events.user_error.add_listener
def _user_error(user_instance: Any, exception: BaseException, **_: Any) -> None:
    """A task of a user failed."""
    user = getattr(user_instance, "user", user_instance)  # Locust fires it with a set of tasks, too
    run = run_of(user.environment)
    if run is not None:
        run.failed(exception, getattr(user, "client", 0))


@events.test_start.add_listener
def _test_start(environment: Any, **_: Any) -> None:
    while not hasattr(environment, "sockproof"):  # a late worker's order may precede its init
        gevent.sleep(0.01)
    try:
        environment.sockproof.begin()
    except _WRONG as error:
        _log.error("%s", error)
        unwritten = isinstance(error, files.WriteError | LoadRecordError)
        environment.process_exit_code = CANNOT_BE_JUDGED if unwritten else WRONG_COMMAND
        gevent.spawn(environment.runner.quit)


@events.test_stop.add_listener
def _test_stop(environment: Any, **_: Any) -> None:
    part: Part = environment.sockproof
    part.end()
    headless = bool(environment.parsed_options.headless)
    if not isinstance(environment.runner, MasterRunner) or not headless:
        part.conclude()


@events.quitting.add_listener
def _quitting(environment: Any, **_: Any) -> None:
    part: Part = environment.sockproof
    if part.leaving is not None:
        # Locust's main greenlet comes here, too, when the runner has quit, and would end the
        # process while who came first still waits for rows, sums up or exports.
        while not part.leaving.dead:
            gevent.sleep(0.05)
        return
    part.leaving = gevent.getcurrent()
    if part.apart is not None:
        environment.runner.quit()  # when this is an interrupt, users still run
        if not part.apart.wait():
            environment.process_exit_code = CANNOT_BE_JUDGED
    if isinstance(environment.runner, MasterRunner) and part.folder is not None:
        environment.runner.quit()  # workers still run when this is an interrupt
        part.conclude()
