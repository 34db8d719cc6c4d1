"""The base of all users: one connection, its records, and paced methods.

The rules that hold here:

* `@paced` methods are called by the process's schedule at their intended times, without a switch
  of greenlets: they must not block. Locust's own `@task` methods run in the user's greenlet and
  may block.
* A user without tasks has a greenlet only because Locust requires one; it sleeps all the time.
* A connection that fails or is lost is reopened after `reconnect_after`. In the records it is a new
  client, and a life of the same user.
* A user to whom what it missed is owed comes back in the drain, too, which waits for it.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar, overload

import gevent
from gevent.event import Event
from greenlet import GreenletExit
from locust import User
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_WAITING

from sockproof.expected import EXCUSES, Expected, expected_bits
from sockproof.load.locust import hooks
from sockproof.load.locust.run import Run
from sockproof.load.locust.schedule import Turn
from sockproof.load.messages.ephemeral import Ephemeral
from sockproof.load.messages.matching import Match
from sockproof.load.net.endpoint import checked_headers, traffic
from sockproof.load.record.names import Acks, Places
from sockproof.load.record.recorder import ITSELF, NOBODY, EmitFlag
from sockproof.load.users.backoff import Backoff
from sockproof.runs.load_records import LifeFlag, Phase, Reason
from sockproof.vocabulary import Counter, LatencyKind, Property, Step
from sockproof.wire.http import Headers
from sockproof.wire.redaction import Redactor, secrets_of_headers

# Plain numbers: the operators of flags cost a microsecond each.
ACKNOWLEDGED, SKIPS_SENDER = int(EmitFlag.ACKNOWLEDGED), int(EmitFlag.SKIPS_SENDER)

Method = TypeVar("Method", bound=Callable[..., None])
_LETTERS = "sockproof speaks to itself, over and over; "


@functools.cache
def _filler(length: int) -> str:
    """A body of this length in bytes, shared by all users."""
    return (_LETTERS * (length // len(_LETTERS) + 1))[:length]


@overload
def paced(method: Method) -> Method: ...


@overload
def paced(*, rate: float) -> Callable[[Method], Method]: ...


def paced(method: Method | None = None, *, rate: float | None = None) -> Any:
    """Mark a method of a user to be called `rate` times per second; it must not block.

    `@paced(rate=0.5)` has a rate of its own, whatever `rate` of the class and `--rate` are.
    """
    if rate is not None and not 0 <= rate <= 1e6:
        raise ValueError(f"rate must be a number from 0 to 1000000, not {rate!r}")

    def marked(method: Method) -> Method:
        method.paced, method.own_rate = True, rate  # type: ignore[attr-defined]
        return method

    return marked if method is None else marked(method)


def _nothing(user: Any) -> None:
    """A task that never runs: Locust refuses users without tasks."""
    del user


class ConnectedUser(User):
    """A user with one connection, whose kind a subclass defines."""

    abstract = True
    _inert = False
    _label = ""
    _places: Places  # of the message said last
    _acks: Acks
    tasks = [_nothing]  # noqa: RUF012
    rate: float = 0  # calls per second of each paced method; 0: a closed loop
    together = False  # whether all users share the same intended times
    payload_bytes = 64
    # A `Backoff`, or seconds; None: a lost connection stays lost.
    reconnect_after: Backoff | float | None = Backoff()
    # Whether the application hands over what was said while a user had no connection: then it is
    # owed, once and in order.
    replays = False
    ephemeral: Sequence[Ephemeral] = ()  # messages without a stamp that it counts
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
        self.body = _filler(usual if options.payload_bytes is None else options.payload_bytes)
        self._asked = 0  # when the connection was asked for
        self._was_open = False
        self._settled = False
        self._leaving = False
        self._cut = False  # by ourselves, as a lost network would
        self._histories: list[Match | bool] = []  # what repeats what was said before
        self._is_away = False  # since it was cut: the scenario wants nothing sent then
        self._awaited = False  # whether the drain waits until it is back
        self._expected = expected_bits(self.expects)
        self._excused = False  # that it is not ready, since its scenario expects that
        self._preparing = False
        self._closed = Event()
        self._turns: list[Turn] = []
        self._closed_loops: list[Turn] = []  # of them, those that wait for answers

    # Defined by subclasses.

    def new_connection(self) -> Any:
        """Return a connection that is not open yet."""
        raise NotImplementedError

    def own_headers(self) -> Headers:
        """The fields of `headers` and `cookies`; raises `EndpointError`."""
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
        return secrets_of_headers(fields)

    def connected(self) -> None:
        """Called when the connection is open; calls `settled` when the user is ready to send."""
        self.settled()

    # Called by Locust.

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
            self._state = LOCUST_STATE_WAITING
            gevent.get_hub().switch()
        except (GreenletExit, StopUser):
            self.on_stop()

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
        for method in self._paced_methods():
            self._begin(method)

    @classmethod
    def _paced_methods(cls) -> list[str]:
        return [name for name in dir(cls) if getattr(getattr(cls, name, None), "paced", False)]

    def _begin(self, name: str) -> None:
        options = self.sockproof.options
        method, recorder, most = getattr(self, name), self.recorder, options.max_outstanding
        rate = self.rate if options.rate is None else options.rate
        if method.own_rate is not None:
            rate = method.own_rate
        always = bool(self._expected & Expected.WITHHELD_SENDS.bit)

        def due(at: int) -> None:
            if not self.ready or self.outstanding >= most:
                if self._is_away:
                    self.sockproof.schedule.offered -= 1
                else:
                    recorder.withheld += 1
                    recorder.excused += always or (self._excused and not self.ready)
                return
            self.at = at
            try:
                method()
            finally:
                self.at = 0

        def free(_: int) -> None:
            if self.ready:
                method()
                if not self.outstanding:  # no acknowledgement will trigger the next call
                    gevent.spawn_later(0.01, self.sockproof.schedule.again, turn)

        turn = Turn(due if rate else free, rate, options.poisson)
        if not rate:
            self._closed_loops.append(turn)
        if self.together and rate:
            interval = int(turn.interval)
            turn.at = float((time.monotonic_ns() // interval + 1) * interval)
        self._turns.append(turn)
        self.sockproof.schedule.add(turn)

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

    # Messages without a stamp.

    def notify(
        self, message: Ephemeral, *, to: int | str, by: Any = None, skips_sender: bool = True
    ) -> bool:
        """Send a message that is only counted; returns false when the connection does not take it.

        `to` is a room or `EVERYONE`, `by` the value by which those who hear it know it.
        """
        recorder, client, now = self.recorder, self.client, time.monotonic_ns()
        room = recorder.room(to) if isinstance(to, str) else to
        if room in (ITSELF, NOBODY):
            raise ValueError("a message without a stamp goes to a room or to EVERYONE")
        if not self._send_unstamped(message):
            return False
        flags = SKIPS_SENDER if skips_sender else 0
        recorder.notified(client, room, message.name, message.mark(by), now, flags)
        return True

    def _send_unstamped(self, message: Ephemeral) -> bool:
        raise NotImplementedError

    def _notices(self, client: int, message: Any) -> bool:
        """Whether what came without a stamp is a message that is counted."""
        for each in self.ephemeral:
            mark = each.heard(message)
            if mark is not None:
                self.recorder.noticed(client, each.name, mark, traffic.read_at)
                return True
        return False

    # Sending.

    def _name(self, message: Any, said: Any) -> tuple[Places, Acks]:
        """The places of a message that is said with another body, or by another user, than the
        one before; and where its acknowledgements are counted."""
        names = self.recorder.names
        names.body(said.checksum, said.body, self._shown)
        places = names.places(message.called)
        return places, names.acks(places, self._class)

    def _take(self, checksum: int, room: int, flags: int) -> tuple[int, int, int, bytes]:
        """Record a message that is about to be sent; returns sequence number, times and stamp."""
        recorder = self.recorder
        actual = time.monotonic_ns()
        intended = self.at or actual
        sequence = self.sequence = self.sequence + 1
        stamp = recorder.sending(self.client, sequence, room, intended, actual, flags, checksum)
        self.outstanding += flags & ACKNOWLEDGED
        return sequence, intended, actual, stamp

    def _withdraw(self, sequence: int, intended: int, actual: int, flags: int) -> None:
        """Record that a message of `_take` was not sent after all."""
        self.recorder.withdrawn(self.client, sequence, intended, actual, flags)
        self.outstanding -= flags & ACKNOWLEDGED

    def _answered(
        self, sequence: int, intended: int, actual: int, acks: Acks, is_there: bool
    ) -> None:
        """Record that an acknowledgement arrived, or did not."""
        self.outstanding -= 1
        if is_there:
            now = traffic.read_at
            self.recorder.ack_received(self.client, sequence, intended, actual, now, acks)
        elif self.connection.is_open:
            self.recorder.ack_timed_out(self.client, sequence, time.monotonic_ns())
        else:
            self.recorder.outstanding -= 1
        for turn in self._closed_loops:
            self.sockproof.schedule.again(turn)
