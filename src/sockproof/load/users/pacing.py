"""Methods of users that are called at their intended times, or in closed loops.

They are called by the process's schedule, without a switch of greenlets: they must not block.
"""

from __future__ import annotations

import functools
import inspect
import math
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar, overload

import gevent

from sockproof.expected import Expected
from sockproof.load.locust.schedule import SECOND, Turn
from sockproof.load.messages.naming import called

Think = Callable[[], float]
_LONGEST = 86_400.0  # seconds
Method = TypeVar("Method", bound=Callable[..., None])


@overload
def paced(method: Method) -> Method: ...


@overload
def paced(*, rate: float | None = None, name: str | None = None) -> Callable[[Method], Method]: ...


def paced(
    method: Method | None = None, *, rate: float | None = None, name: str | None = None
) -> Any:
    """Mark a method of a user to be called `rate` times per second; it must not block.

    `@paced(rate=0.5)` has a rate of its own, whatever `rate` of the class and `--rate` are. `name`
    is what its messages are called that have no name of their own.
    """
    called(name)  # which complains
    if rate is not None and not 0 <= rate <= 1e6:
        raise ValueError(f"rate must be a number from 0 to 1000000, not {rate!r}")

    def marked(method: Method) -> Method:
        method.paced, method.own_rate = True, rate  # type: ignore[attr-defined]
        method.messages = name  # type: ignore[attr-defined]
        return method

    return marked if method is None else marked(method)


@functools.cache
def paced_methods(cls: type) -> tuple[str, ...]:
    """The names of a class's paced methods; to look took a fifth of what a connect costs."""
    return tuple([name for name in dir(cls) if getattr(getattr(cls, name, None), "paced", False)])


def begin(user: Any, name: str) -> None:
    """Let a user's paced method begin."""
    run, recorder = user.sockproof, user.recorder
    options, schedule = run.options, run.schedule
    method, most = getattr(user, name), options.max_outstanding
    rate = user.rate if options.rate is None else options.rate
    if method.own_rate is not None:
        rate = method.own_rate
    if method.messages is not None:
        method = _naming(user, method, method.messages)
    always = bool(user._expected & Expected.WITHHELD_SENDS.bit)

    def due(at: int) -> None:
        if not user.ready or user.outstanding >= most:
            if user._is_away:
                schedule.offered -= 1
            else:
                recorder.withheld += 1
                recorder.excused += always or (user._excused and not user.ready)
            return
        user.at = at
        try:
            method()
        finally:
            user.at = 0

    def free(_: int) -> None:
        if user.ready:
            method()
            if not user.outstanding:  # no acknowledgement will trigger the next call
                gevent.spawn_later(0.01, schedule.again, turn)

    think = None if rate else think_of(user)
    if think is not None:
        turn = _thinking(user, method, think)
        user._turns += (turn,)
        schedule.again(turn)
        return
    turn = Turn(due if rate else free, rate, options.poisson)
    user._turns += (turn,)
    if not rate:
        user._closed_loops += (turn,)
    if user.together and rate:
        interval = int(turn.interval)
        turn.at = float((time.monotonic_ns() // interval + 1) * interval)
    schedule.add(turn)


def _naming(user: Any, method: Callable[[], None], name: str) -> Callable[[], None]:
    """The method; what it sends is called so, and what the user said before is as it was."""
    kept: tuple[Any, ...] = None, None, None

    def call() -> None:
        nonlocal kept
        before = user._said, user._places, user._acks
        user._said, user._places, user._acks = kept
        user._named = name
        try:
            method()
        finally:
            user._named = None
            kept = user._said, user._places, user._acks
            user._said, user._places, user._acks = before

    return call


def _thinking(user: Any, method: Callable[[], None], think: Think) -> Turn:
    """A closed loop that thinks before each call; its turn is called when the user may begin to.

    Calls are due at times of the schedule, as those of an open loop, and late ones say so.
    """
    schedule, thinks = user.sockproof.schedule, False

    def begin_to_think(_: int) -> None:
        nonlocal thinks
        schedule.offered -= 1  # nothing is due yet
        if not thinks and not user.outstanding:
            seconds = think()
            if not 0 <= seconds <= _LONGEST:
                raise ValueError(f"think is from 0 to {_LONGEST:,} seconds, not {seconds!r}")
            thinks = True
            call.at = time.monotonic_ns() + seconds * SECOND
            schedule.add(call)

    def due(at: int) -> None:
        nonlocal thinks
        thinks = False
        if not loop.live or not user.ready:  # it begins anew when the user is settled again
            schedule.offered -= 1
            return
        user.at = at
        try:
            method()
        finally:
            user.at = 0
            if not user.outstanding:  # no acknowledgement will trigger the next call
                gevent.spawn_later(0.01, schedule.again, loop)

    call, loop = Turn(due, 0), Turn(begin_to_think, 0)
    user._closed_loops += (loop,)
    return loop


def think_of(user: Any) -> Think | None:
    """How long a user thinks, as a function without arguments; None where it does not."""
    if user.think is None:
        return None
    if isinstance(user.think, int | float):
        return lambda: float(user.think)
    own = inspect.getattr_static(type(user), "think", None)
    if inspect.isfunction(own) and not inspect.signature(own).parameters:
        return own  # which would be called with the user
    found: Think = user.think
    return found


def exponential(mean: float) -> Callable[..., float]:
    """Seconds that are distributed exponentially, as between events that know nothing of each
    other; for `think`, and for Locust's `wait_time`."""
    if not 0 < mean <= _LONGEST:
        raise ValueError(f"the mean must be above 0, not {mean!r}")
    return lambda _user=None: random.expovariate(1 / mean)


def uniform(least: float, most: float) -> Callable[..., float]:
    """Seconds from `least` to `most`, all as likely."""
    if not 0 <= least <= most <= _LONGEST:
        raise ValueError(f"uniform takes 0 <= least <= most, not {least!r} and {most!r}")
    return lambda _user=None: random.uniform(least, most)


def lognormal(median: float, sigma: float) -> Callable[..., float]:
    """Seconds whose logarithm is distributed normally with the deviation `sigma`, as of people:
    half of them are below the median, a few far above; none is beyond a day."""
    if not 0 < median <= _LONGEST or not 0 <= sigma <= 10:
        raise ValueError(
            f"lognormal takes a median above 0 and a sigma from 0 to 10, not {median!r}, {sigma!r}"
        )
    mu = math.log(median)
    return lambda _user=None: min(random.lognormvariate(mu, sigma), _LONGEST)
