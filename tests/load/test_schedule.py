"""Intended times are kept whatever the sends do, and time limits are seen."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial

import gevent
import pytest

from sockproof.load.locust.alarm import Alarm
from sockproof.load.locust.schedule import SECOND, Schedule, Turn
from sockproof.load.net.timer_wheel import HELD_UP_NS, STEP_NS, Wheel
from sockproof.load.socketio.acks import NEVER, Acks, Strays, arguments, take_expired
from sockproof.runs.load_records import Stray
from sockproof.wire import WireError
from tests.load.peers import Hub, until

pytestmark = pytest.mark.usefixtures("hub")
MS = 1_000_000
Failures = list[tuple[Turn, Exception]]


@pytest.fixture
def failures() -> Failures:
    """What turns raised."""
    return []


@pytest.fixture
def schedule(hub: Hub, failures: Failures) -> Iterator[Schedule]:
    """One that is closed before its descriptors are counted."""
    made = Schedule(lambda turn, error: failures.append((turn, error)))
    yield made
    made.close()


def test_open_loop_keeps_its_times_apart_though_a_send_blocks(schedule: Schedule) -> None:
    times: list[int] = []
    late: list[int] = []

    def send(at: int) -> None:
        times.append(at)
        late.append(time.monotonic_ns() - at)
        if len(times) == 5:
            time.sleep(0.05)

    start = time.monotonic_ns() + 5 * MS
    schedule.add(Turn(send, rate=200, start=start))
    until(lambda: len(times) >= 30)
    schedule.stop()
    assert times == [start + number * 5 * MS for number in range(len(times))]
    assert min(late) >= 0
    assert late[5] >= 45 * MS  # missed, and made up for
    assert late[9] >= 25 * MS
    assert schedule.take_lag() >= 45 * MS
    assert schedule.take_lag() == 0
    assert schedule.offered == len(times)


def test_interval_that_is_no_whole_number_does_not_drift(schedule: Schedule) -> None:
    times: list[int] = []
    start = time.monotonic_ns()
    schedule.add(Turn(times.append, rate=3000, start=start))
    until(lambda: len(times) >= 300)
    schedule.stop()
    assert abs(times[299] - start - 299 * SECOND / 3000) < 1000


def test_turns_are_called_in_the_order_of_their_times(schedule: Schedule) -> None:
    called: list[tuple[int, str]] = []
    start = time.monotonic_ns() + 2 * MS
    for name, rate in (("slow", 100), ("fast", 700), ("middle", 300)):

        def send(at: int, name: str = name) -> None:
            called.append((at, name))

        schedule.add(Turn(send, rate=rate, start=start))
    until(lambda: len(called) > 60)
    schedule.stop()
    times = [at for at, _ in called]
    assert times == sorted(times)
    counts = {name: sum(each == name for _, each in called) for name in ("slow", "middle", "fast")}
    assert counts["slow"] < counts["middle"] < counts["fast"]


def test_turns_begin_somewhere_in_their_interval(schedule: Schedule) -> None:
    random.seed(3)
    now = time.monotonic_ns()
    turns = [Turn(print, rate=1) for _ in range(200)]
    for turn in turns:
        schedule.add(turn)
    offsets = [turn.at - now for turn in turns]
    took = time.monotonic_ns() - now  # each begins behind when it was added
    assert 0 <= min(offsets) < 0.1 * SECOND + took
    assert 0.9 * SECOND < max(offsets) < 1.1 * SECOND + took


def test_poisson_intervals_have_their_mean_and_differ() -> None:
    random.seed(11)
    turn = Turn(print, rate=50, poisson=True)
    intervals = [turn.following() for _ in range(2000)]
    mean = sum(intervals) / len(intervals)
    assert abs(mean - SECOND / 50) < 0.1 * SECOND / 50
    below = sum(each < mean for each in intervals) / len(intervals)
    assert 0.58 < below < 0.68  # 1 - 1/e: not evenly spread, not all equal


def test_poisson_times_are_those_intended(schedule: Schedule) -> None:
    times: list[int] = []

    def send(at: int) -> None:
        times.append(at)
        if len(times) == 3:
            time.sleep(0.03)

    turn = Turn(send, rate=500, poisson=True, start=time.monotonic_ns())
    random.seed(5)
    schedule.add(turn)
    until(lambda: len(times) >= 20)
    schedule.stop()
    random.seed(5)
    wanted = [float(times[0])]
    for _ in times[1:]:
        wanted.append(wanted[-1] + turn.following())
    assert all(abs(found - each) < 1000 for found, each in zip(times, wanted, strict=True))


def test_closed_loop_is_due_again_only_when_told(schedule: Schedule) -> None:
    times: list[int] = []
    ticks: list[int] = []
    turn = Turn(times.append, rate=0)
    schedule.add(turn)
    schedule.add(Turn(ticks.append, rate=500))
    until(lambda: len(ticks) > 10)
    assert len(times) == 1
    for _ in range(3):
        schedule.again(turn)
        assert times[-1] == 0
    assert len(times) == 4
    turn.live = False
    schedule.again(turn)
    assert len(times) == 4


def test_turn_that_is_no_longer_live_is_left_out(schedule: Schedule) -> None:
    gone: list[int] = []
    fence: list[int] = []
    turn = Turn(gone.append, rate=500)
    schedule.add(turn)
    until(lambda: len(gone) > 2)
    turn.live = False
    before = len(gone)
    schedule.add(Turn(fence.append, rate=500))
    until(lambda: len(fence) > 5)
    assert len(gone) == before


@pytest.mark.parametrize("within", [False, True])
def test_nothing_is_due_after_a_stop(schedule: Schedule, within: bool) -> None:
    times: list[int] = []
    rung: list[bool] = []

    def send(at: int) -> None:
        times.append(at)
        if within and len(times) == 3:
            schedule.stop()

    turn = Turn(send, rate=1000)
    schedule.add(turn)
    until(lambda: len(times) >= 3)
    schedule.stop()
    before = len(times)
    schedule.again(turn)
    fence = Alarm(lambda: rung.append(True))
    fence.set(time.monotonic_ns() + 20 * MS)
    until(lambda: rung)
    fence.close()
    assert len(times) == before
    assert within <= (before == 3)


def test_turn_added_after_a_stop_is_not_called(schedule: Schedule) -> None:
    times: list[int] = []
    rung: list[bool] = []
    schedule.stop()
    schedule.add(Turn(times.append, rate=1000))
    fence = Alarm(lambda: rung.append(True))
    fence.set(time.monotonic_ns() + 20 * MS)
    until(lambda: rung)
    fence.close()
    assert times == []
    schedule.close()
    schedule.add(Turn(times.append, rate=1000))  # a user who connects at the very end


def test_exception_of_a_turn_is_reported_and_the_others_go_on(
    schedule: Schedule, failures: Failures
) -> None:
    times: list[int] = []

    def fails(at: int) -> None:
        raise LookupError(at)

    turn = Turn(fails, rate=500)
    schedule.add(turn)
    schedule.add(Turn(times.append, rate=500))
    until(lambda: len(times) > 10 and len(failures) > 10)
    assert {each for each, _ in failures} == {turn}
    assert all(isinstance(error, LookupError) for _, error in failures)


def test_sockets_are_looked_at_between_sends_that_never_end(schedule: Schedule) -> None:
    called: list[int] = []
    rung: list[int] = []

    def send(at: int) -> None:
        called.append(at)
        time.sleep(0.0002)  # far more is due than can be done

    other = Alarm(lambda: rung.append(len(called)))
    schedule.add(Turn(send, rate=1_000_000, start=time.monotonic_ns()))
    other.set(time.monotonic_ns() + MS)
    until(lambda: rung)
    other.close()
    assert called


def longer(things: list[int], before: int) -> bool:
    return len(things) > before


def rings(alarm_of: Callable[[Callable[[], None]], Alarm]) -> list[int]:
    """The times at which an alarm rang, less those it was set for."""
    rung: list[int] = []
    alarm = alarm_of(lambda: rung.append(time.monotonic_ns()))
    found = []
    for ahead in (0, 3 * MS, -5 * MS, 10 * MS):
        at = time.monotonic_ns() + ahead
        alarm.set(at + SECOND)  # what is set later counts instead
        alarm.set(at)
        alarm.set(at)
        before = len(rung)
        until(partial(longer, rung, before))
        found.append(rung[-1] - at)
    assert len(rung) == 4
    alarm.set(time.monotonic_ns())
    alarm.close()
    gevent.sleep(0.01)
    assert len(rung) == 4
    return found


@pytest.mark.parametrize("platform", ["linux", "other"])
def test_alarm_rings_once_and_never_early(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if platform == "other":
        monkeypatch.setattr("sockproof.load.locust.alarm.sys.platform", "other")
    early = 0 if platform == "linux" else -2 * MS  # the loop's own timer is that coarse
    assert min(rings(Alarm)) >= early


class Visits:
    def __init__(self, failure: bool = False) -> None:
        self.found: list[int] = []
        self.failure = failure

    def visited(self, now: int) -> None:
        self.found.append(now)
        if self.failure:
            raise LookupError


def test_wheel_visits_each_once_and_not_early(hub: Hub) -> None:
    wheel = Wheel()
    first, fails, second, past = Visits(), Visits(True), Visits(), Visits()
    at = time.monotonic_ns() + 60 * MS
    for each in (first, fails, second):
        wheel.add(each, at)
    wheel.add(past, at - SECOND)
    until(lambda: second.found)
    for each in (first, fails, second):
        assert len(each.found) == 1
        assert each.found[0] >= at
    assert len(past.found) == 1
    assert [type(error) for error in hub.errors] == [LookupError]
    hub.errors.clear()
    wheel.add(first, time.monotonic_ns() + STEP_NS)  # its timer begins anew
    until(lambda: len(first.found) == 2)


def test_wheel_has_what_waits_read_first_where_the_process_was_held_up(hub: Hub) -> None:
    wheel, visits, told = Wheel(), Visits(), list[tuple[bytes, int]]()
    near, far = socket.socketpair()
    with near, far:
        reader = gevent.get_hub().loop.io(near.fileno(), 1)
        reader.start(lambda: told.append((near.recv(99), len(visits.found))))
        wheel.add(visits, time.monotonic_ns() + 2 * STEP_NS)
        far.send(b"in time")
        time.sleep((HELD_UP_NS + 4 * STEP_NS) / SECOND)  # the hub does nothing else meanwhile
        until(lambda: told)
        reader.close()
        assert told == [(b"in time", 0)]
        time.sleep(2 * HELD_UP_NS / SECOND)  # it is put off once
        until(lambda: visits.found)
        gevent.sleep(4 * STEP_NS / SECOND)
    assert len(visits.found) == 1


def test_acknowledgements_whose_time_has_passed_are_taken_out() -> None:
    told: list[object] = []
    waiting: Acks = {n: (10 * n, told.append, None) for n in (1, 2, 3)}
    strays = Strays(0)
    strays.on_stray = lambda number, kind: told.append((number, kind))
    assert take_expired(waiting, 5, strays) == ([], 10)
    expired, following = take_expired(waiting, 20, strays)
    assert (len(expired), following, list(waiting)) == (2, 30, [3])
    strays.strayed(1, 3)  # it comes after all
    assert told == [(1, Stray.LATE)]
    assert take_expired({}, 5, strays) == ([], NEVER)
    assert arguments(b'["a",1]') == ["a", 1]
    assert arguments([b"octets"]) == [b"octets"]
    for reply in (None, b"{}", b"[", b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            arguments(reply)


def test_connection_takes_so_many_acknowledgements_that_answer_nothing() -> None:
    told: list[int] = []
    strays = Strays(0)
    strays.on_stray = lambda number, _: told.append(number)
    for number in range(10_000):
        strays.strayed(number, 0)
    with pytest.raises(WireError, match="more than 10,000"):
        strays.strayed(10_000, 0)
    assert len(told) == 10_000
    strays.begin(0)
    strays.strayed(7, 0)
    assert len(told) == 10_001
