"""The base of all users: a life with one connection after the other, and its records.

The rules that hold here:

* `@paced` methods must not block (`pacing`). Locust's own `@task` methods run in the user's
  greenlet and may block.
* A user without tasks has a greenlet while it starts and while it stops, and no longer.
* A connection that fails or is lost is reopened after `reconnect_after`. In the records it is a new
  client, and a life of the same user.
* A user to whom what it missed is owed comes back in the drain, too, which waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Group
from greenlet import GreenletExit
from locust import User
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_WAITING

from sockproof.expected import EXCUSES, Expected, expected_bits
from sockproof.load.locust import hooks
from sockproof.load.locust.run import Run
from sockproof.load.locust.schedule import Turn
from sockproof.load.locust.seat import Seat
from sockproof.load.messages.matching import Match
from sockproof.load.net.endpoint import Endpoint, checked_headers
from sockproof.load.users.backoff import Backoff
from sockproof.load.users.pacing import begin, paced_methods
from sockproof.load.users.sending import Sending, filler
from sockproof.runs.load_records import LifeFlag, Phase, Reason
from sockproof.vocabulary import Counter, LatencyKind, Property, Step
from sockproof.wire.http import Headers
from sockproof.wire.redaction import Redactor, secrets_of_headers, secrets_of_url


def _nothing(user: Any) -> None:
    """A task that never runs: Locust refuses users without tasks."""
    del user


_NO_TASKS: list[Any] = []  # of users that have begun


class ConnectedUser(Sending, User):
    """A user with one connection, whose kind a subclass defines."""

    # A dictionary with more than thirty names is not shared by the users of a class: two KiB each.
    __slots__ = (
        *("_asked", "_attempts", "_awaited", "_before", "_class", "_closed", "_closed_loops"),
        *("_cut", "_excused", "_expected", "_histories", "_is_away", "_leaving"),
        *("_misses_nothing", "_preparing", "_settled", "_turns", "_was_open", "at", "body"),
        *("client", "connection", "number", "outstanding", "ready", "recorder", "sequence"),
        "sockproof",
    )

    abstract = True
    _inert = False
    _label = ""
    tasks = [_nothing]  # noqa: RUF012
    rate: float = 0  # calls per second of each paced method; 0: a closed loop
    # Seconds between an acknowledgement and the next call of a closed loop: a number, or what draws
    # one, as `exponential(2.0)` or a method.
    think: Callable[..., float] | float | None = None
    together = False  # whether all users share the same intended times
    payload_bytes = 64
    # Octets a second that the connection reads at most: what that makes late, the scenario wants.
    read_rate: float | None = None
    # The URL of a proxy; empty: none; None: as --proxy or the environment says.
    proxy: str | None = None
    # A `Backoff`, or seconds; None: a lost connection stays lost.
    reconnect_after: Backoff | float | None = Backoff()
    # Whether the application hands over what was said while a user had no connection: then it is
    # owed, once and in order.
    replays = False
    expects: Collection[str] = ()  # words of `Expected`: what happens and violates nothing
    headers: Mapping[str, str] = {}  # of its requests, in place of --header's
    cookies: Mapping[str, str] = {}  # beside those of --header

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        run = hooks.run_of(environment)
        if run is None:  # the run could not start, and has reported why
            self._inert = True
            return
        self.sockproof: Run = run
        options = run.options
        self.recorder = self.sockproof.recorder
        self.number = self.sockproof.place_of_user()
        self._class = self.recorder.names.user_class(type(self).__name__)
        if isinstance(type(self).label, str):  # the scenario's own, for all of the class
            self.recorder.names.label(self.number, self.label, self._shown)
        self.client = 0  # the connection's number in the records
        self._before = 0  # that of the last one that was open
        self._attempts = 0  # to connect again, since one was open
        self._misses_nothing = self.replays  # or a room does, or a connection can be recovered
        self.sequence = 0
        self.at = 0  # the intended time of what is being sent, while a paced method runs
        self.outstanding = 0
        self.ready = False
        self.connection: Any = None
        usual = getattr(self, "payload_octets", self.payload_bytes)  # as scenarios once spelt it
        self.body = filler(usual if options.payload_bytes is None else options.payload_bytes)
        self._asked = 0  # when the connection was asked for
        self._was_open = False
        self._settled = False
        self._leaving = False
        self._cut = False  # by ourselves, as a lost network would
        self._histories: list[Match | bool] = []  # what repeats what was said before
        self._is_away = False  # since it was cut: the scenario wants nothing sent then
        self._awaited = False  # whether the drain waits until it is back
        self._expected = expected_bits(self.expects) if self.expects else 0
        if self.read_rate is not None:  # of what it reads too late nobody else is guilty
            self._expected |= Expected.TIME_OUTS.bit | Expected.WITHHELD_SENDS.bit
        self._excused = False  # that it is not ready, since its scenario expects that
        self._preparing = False
        self._closed = Event()
        self._turns: tuple[Turn, ...] = ()
        self._closed_loops: tuple[Turn, ...] = ()  # of them, those that wait for answers

    # Defined by subclasses.

    def new_connection(self) -> Any:
        """Return a connection that is not open yet."""
        raise NotImplementedError

    def own_endpoint(self) -> Endpoint:
        """Where its connections lead, by which way, and how fast they read."""
        run = self.sockproof
        endpoint = run.endpoint if self.proxy is None else run.endpoint.through(self.proxy)
        if self.read_rate is None:
            return endpoint
        if run.options.client != "lean":
            run.complain("read_rate is ignored: the reference client reads as fast as it can")
            return endpoint
        run.steps[Step.SLOW] += 1
        return endpoint.reading(self.read_rate)

    def own_headers(self) -> Headers:
        """The fields of `headers` and `cookies`; raises `EndpointError`."""
        if not self.headers and not self.cookies:
            return ()
        fields = list(self.headers.items())
        if self.cookies:
            common = self.sockproof.endpoint.headers
            pairs = [value for name, value in common if name.lower() == "cookie"]
            pairs += [f"{name}={value}" for name, value in self.cookies.items()]
            fields.append(("Cookie", "; ".join(pairs)))
        return checked_headers(tuple(fields))

    def own_secrets(self) -> list[str]:
        """What is this user's alone and is shown nowhere."""
        fields = (*self.headers.items(), *(("Cookie", each) for each in self.cookies.values()))
        return secrets_of_headers(fields) + secrets_of_url(self.proxy or "")

    def connected(self) -> None:
        """Called when the connection is open; calls `settled` when the user is ready to send."""
        self.settled()

    # Called by Locust.

    def start(self, group: Group) -> Any:
        """Start the user, in a greenlet of its own only where anything in its start may block."""
        cls = type(self)
        if (
            self._inert
            or cls.on_start is not ConnectedUser.on_start
            or self.sockproof.options.client != "lean"
            or self.tasks.count(_nothing) < len(self.tasks)
        ):
            return super().start(group)
        self._group, self.tasks = group, _NO_TASKS
        self._state = LOCUST_STATE_WAITING
        seat = Seat(self)
        seat.take()
        try:
            self._start()
        except (GreenletExit, StopUser):
            seat.kill(block=False)
        return seat

    def run(self) -> None:  # type: ignore[misc]  # final in Locust, whose loop needs tasks
        """Run Locust's tasks; without tasks, wait to be stopped."""
        if self._inert:
            return
        self.tasks = [task for task in self.tasks if task is not _nothing]
        if self.tasks:
            self.on_start = self._start  # type: ignore[method-assign]
            super().run()
            return
        try:
            self._start()
        except (GreenletExit, StopUser):
            self.on_stop()
            return
        self._state = LOCUST_STATE_WAITING
        Seat(self).take()

    def _start(self) -> None:
        """Call `on_start`; where it fails, this user is out of the run, and that is counted."""
        run = self.sockproof
        run.preparing += 1
        self._preparing = True
        try:
            type(self).on_start(self)
        except (GreenletExit, StopUser):
            raise
        except Exception as error:
            self._prepared()
            client = self.client or self.recorder.client()
            if isinstance(error, OSError):  # of the network, as those of `requests` are
                run.login_failed(client, error, self._expected)
            else:
                run.failed(error, client)
            raise StopUser from None
        if self.connection is None:
            self._prepared()
            run.complain(f"{type(self).__name__}.on_start() does not call super().on_start()")

    def _prepared(self) -> None:
        """Nobody waits any longer until this user is where its scenario has it."""
        if self._preparing:
            self._preparing = False
            self.sockproof.preparing -= 1

    def on_start(self) -> None:
        """Connect; with Locust tasks, wait until the connection is open."""
        self.sockproof.steps[Step.STARTED] += 1
        self.connection = self.new_connection()
        self.connect()
        while self.tasks and not self.ready:
            gevent.sleep(0.01)

    def on_stop(self) -> None:
        """Disconnect."""
        self.leave()

    # Connecting.

    def connect(self) -> None:
        """Open the connection; `ready` becomes true when the user is settled."""
        recorder, connection = self.recorder, self.connection
        client = self.client = recorder.client()
        self.sequence = 0
        self._was_open, self._leaving, self._cut = False, False, False
        self._closed.clear()
        connection.on_open = self._opened
        connection.on_close = self._ended
        connection.on_message = self._listener(client)
        self._asked = time.monotonic_ns()
        recorder.connecting(client, self._asked, self._class, self.number, self._expected)
        if self._before:
            flags = LifeFlag.REPLAYS if self.replays else 0
            recorder.follows(client, self._before, self._asked, flags)
        connection.open()

    def _listener(self, client: int) -> Callable[[bytes, bool], None]:
        """What notes the messages that this client hears."""
        raise NotImplementedError

    def _opened(self) -> None:
        self._was_open = True
        now = time.monotonic_ns()
        self.recorder.connected(self.client, self._asked, self._asked, now)
        if self._before and self.recovered:
            self.recorder.follows(self.client, self._before, now, LifeFlag.RECOVERED)
        self._before, self._attempts = self.client, 0
        self._welcome()

    def _welcome(self) -> None:
        """The scenario has its turn."""
        try:
            self.connected()
        except Exception as error:
            self._prepared()
            self.sockproof.failed(error, self.client)

    @property
    def recovered(self) -> bool:
        """Whether the server has kept the state of the connection before, with its rooms."""
        return False

    def _came_back(self) -> None:
        if self._awaited:
            self._awaited = False
            self.sockproof.returning -= 1

    def settled(self) -> None:
        """The user is ready to send: paced methods start or continue."""
        self.ready = True
        self._is_away = False
        self._came_back()
        self._excused = False
        schedule = self.sockproof.schedule
        if self._settled:
            for turn in self._closed_loops:
                schedule.again(turn)
            return
        self._settled = True
        self._prepared()
        self.sockproof.steps[Step.SETTLED] += 1
        for method in paced_methods(type(self)):
            begin(self, method)

    def _ended(self, reason: Reason, text: str) -> None:
        now = time.monotonic_ns()
        self.ready = False
        self._excused = bool(self._expected & EXCUSES[Property.DISCONNECTED])
        stats = self.sockproof.stats
        if not self._was_open:
            self._is_away = False
            hidden = self._shown(text)
            self.recorder.connect_failed(self.client, int(reason), now, hidden)
            if not self._leaving:
                stats.failed(LatencyKind.CONNECT, f"{reason.label}: {hidden}")
        elif self._leaving or self._cut:
            self.recorder.ended(self.client, int(reason), self.connection.last_received, now)
        else:
            self._is_away = False
            self.recorder.dropped(self.client, int(reason), self.connection.last_received, now)
            stats.failed(Counter.DISCONNECTED, f"{reason.label}: {self._shown(text)}")
        self._closed.set()
        if self.reconnect_after is None or not self._may_return():
            self._came_back()
            return
        if self._misses_nothing and self._before and not self._awaited:
            self._awaited = True
            self.sockproof.returning += 1
        gevent.spawn_later(self._wait(self.reconnect_after), self._again)

    def _wait(self, after: Backoff | float) -> float:
        if not isinstance(after, Backoff):
            return after
        self._attempts += 1
        return after.wait(self._attempts - 1)

    def _may_return(self) -> bool:
        run = self.sockproof
        drains = self._misses_nothing and run.recorder.phase_now <= Phase.DRAIN and not run.over
        return not self._leaving and (run.schedule.running or drains)

    def _shown(self, text: str) -> str:
        """What a server said at an end, without the secrets of the run and of this user."""
        text, own = self.sockproof.hide(text), self.own_secrets()
        return Redactor(own).text(text) if own else text

    def _again(self) -> None:
        if self._may_return():
            self.connect()
        else:
            self._came_back()

    def leave(self) -> None:
        """Close the connection for good; with Locust tasks, wait until it is closed.

        Without tasks, `Run.end` waits for all users, so that thousands need no stack each.
        """
        for turn in self._turns:
            turn.live = False
        self._settled = True
        self._prepared()
        self._leaving = True
        self._came_back()
        if self.connection is None or self._closed.is_set():
            return
        if self._was_open:
            self.recorder.disconnecting(self.client, time.monotonic_ns())
        self.connection.close()
        if self.tasks:
            self._closed.wait(self.sockproof.endpoint.close_limit / 1e9 + 1)

    def lose_connection(self) -> None:
        """Abort the connection, as a network failure does; it reconnects like any lost one."""
        if self._was_open and not self._leaving:
            self.recorder.disconnecting(self.client, time.monotonic_ns())
            self._cut, self._is_away, self.ready = True, True, False
            self.connection.abort()

    @property
    def label(self) -> str:
        """How violations call this user; may be set. By default its class and number."""
        return self._label or f"{type(self).__name__} {self.number + 1}"

    @label.setter
    def label(self, label: str) -> None:
        self._label = str(label)
        if not self._inert:
            self.recorder.names.label(self.number, self._label, self._shown)
