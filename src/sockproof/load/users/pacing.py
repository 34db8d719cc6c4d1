"""Methods of users that are called at their intended times, or in closed loops.

They are called by the process's schedule, without a switch of greenlets: they must not block.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar, overload

import gevent

from sockproof.expected import Expected
from sockproof.load.locust.schedule import Turn

Method = TypeVar("Method", bound=Callable[..., None])


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


def paced_methods(cls: type) -> list[str]:
    """The names of a class's paced methods."""
    return [name for name in dir(cls) if getattr(getattr(cls, name, None), "paced", False)]


def begin(user: Any, name: str) -> Turn:
    """Let a user's paced method begin."""
    run, recorder = user.sockproof, user.recorder
    options, schedule = run.options, run.schedule
    method, most = getattr(user, name), options.max_outstanding
    rate = user.rate if options.rate is None else options.rate
    if method.own_rate is not None:
        rate = method.own_rate
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

    turn = Turn(due if rate else free, rate, options.poisson)
    if not rate:
        user._closed_loops.append(turn)
    if user.together and rate:
        interval = int(turn.interval)
        turn.at = float((time.monotonic_ns() // interval + 1) * interval)
    schedule.add(turn)
    return turn
