"""SIGINT and SIGTERM: one rule for every command, whatever the process that started it ignores.

The rules that hold here:

* Both mean the same. The first ends what goes on and has what there is written; the second ends
  at once what still goes on, and what there is is written even so; at the third all is left.
* The first raises KeyboardInterrupt, unless it comes inside `held`, when the block has ended;
  inside `run_async`, where it cancels the main task; or inside `counted`, which looks itself.
* A program that calls `sockproof.judge` keeps its own handlers, and its own rule.
* Where Python lets no exception out, in the callback of a weak reference for instance, it is
  raised again a moment later.
* What fails in a thread once there was a signal fails because its peer is gone: nothing is said.
"""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

THE_LAST = 3  # signals after which nothing is held any more
PATIENCE = 5.0  # seconds that tasks have to end once they are cancelled
_MOMENT = 0.01  # seconds
_LOOK = 0.1  # seconds between two looks at a thread, and two repetitions
AGAIN = 2.0  # seconds after which what did not end is told again


class _State:
    """What this process has heard."""

    received = 0
    held = 0  # blocks that no signal but the last one leaves
    cancel: Callable[[], None] | None = None  # ends the main task of asyncio
    again = False  # a KeyboardInterrupt was swallowed
    swallowing = False  # and Python is about to say so, where another one would be lost as well


def install() -> None:
    """Take both signals; SIGINT too where a script's background job has it ignored."""
    signal.signal(signal.SIGINT, _heard)
    signal.signal(signal.SIGTERM, _heard)
    sys.unraisablehook = _swallowed
    threading.excepthook = _failed_aside


def received() -> int:
    """How many there have been."""
    return _State.received


def interrupted() -> bool:
    """Whether there has been any."""
    return _State.received > 0


def _swallowed(told: sys.UnraisableHookArgs) -> None:
    if not isinstance(told.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(told)
    elif _State.cancel is None:  # else what cancels is repeated
        _State.again = _State.swallowing = True
        threading.Thread(target=_raise_again, daemon=True).start()
        _State.swallowing = False


def _failed_aside(told: threading.ExceptHookArgs) -> None:
    if not interrupted():
        threading.__excepthook__(told)


def _raise_again() -> None:
    # To the main thread itself, which may be waiting: another one's signal does not wake it.
    waiting = threading.main_thread().ident
    assert waiting is not None
    time.sleep(_MOMENT)
    while _State.again:
        signal.pthread_kill(waiting, signal.SIGINT)
        time.sleep(_LOOK)


def _heard(number: int, frame: FrameType | None) -> None:
    del number, frame
    if _State.again:
        if _State.swallowing:
            return  # it is told once more
        _State.again = False
        raise KeyboardInterrupt
    _State.received += 1
    if _State.received >= THE_LAST:
        raise KeyboardInterrupt
    if _State.cancel is not None:
        _State.cancel()
    elif not _State.held and _State.received == 1:
        raise KeyboardInterrupt


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """Inside, a signal is only counted, for who asks; the last one is raised even so."""
    _State.held += 1
    try:
        yield
    finally:
        _State.held -= 1


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Inside, the first signal waits until the block has ended, and is raised then."""
    if threading.current_thread() is not threading.main_thread():
        yield  # which signals do not interrupt
        return
    before = _State.received
    with counted():
        yield
    if _State.received and not before and not _State.held:
        raise KeyboardInterrupt


class _Aside:
    """What runs in a thread of its own, for somebody who waits in another one."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.end_by = math.inf
        self.cancelled = False
        self.cancel: Callable[[], object] = lambda: None

    def leave_off(self) -> None:
        """Cancel it, and wait a little for its end."""
        self.cancelled = True
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self.cancel()
        self.ended.wait(PATIENCE)


_aside: ContextVar[_Aside | None] = ContextVar("aside", default=None)


def end_within(seconds: float) -> None:
    """Have what `run_async` runs end by then, even if it lets nothing else run meanwhile."""
    going = _aside.get()
    if going is not None:
        going.end_by = time.monotonic() + seconds
    elif _State.cancel is not None:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `asyncio.run(work)`; a signal cancels it and raises KeyboardInterrupt when it has ended.

    What has not ended when `end_within` says so is cancelled, too, and TimeoutError raised. Tasks
    that do not heed their cancellation, and threads that they wait for, are left behind. Outside
    of the main thread, and beside a running event loop, it runs in a thread of its own.
    """
    import asyncio  # which takes longer than a signal may go unheard

    alone = threading.current_thread() is threading.main_thread()
    with contextlib.suppress(RuntimeError):
        alone = alone and not asyncio.get_running_loop()
    return _run_here(work) if alone else _run_aside(work)


def _run_aside(work: Coroutine[Any, Any, Result]) -> Result:
    import asyncio

    going = _Aside()
    results: list[Result] = []
    errors: list[BaseException] = []

    async def main() -> Result:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        going.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        if going.cancelled:
            task.cancel()
        return await work

    def run() -> None:
        _aside.set(going)
        try:
            results.append(asyncio.run(main()))
        except BaseException as error:
            errors.append(error)
        finally:
            going.ended.set()

    # A loop that `asyncio.run` runs has an interrupt cancel the task that waits here.
    task = None
    with contextlib.suppress(RuntimeError):
        task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    threading.Thread(target=run, name="sockproof", daemon=True).start()
    try:
        while not going.ended.wait(_LOOK):
            if task is not None and task.cancelling() > before:
                raise KeyboardInterrupt
            if time.monotonic() > going.end_by:
                raise TimeoutError
    except (KeyboardInterrupt, TimeoutError):
        going.leave_off()
        raise
    if errors:
        raise errors[0]
    return results[0]


def _run_here(work: Coroutine[Any, Any, Result]) -> Result:
    import asyncio  # which takes longer than a signal may go unheard

    late = False
    usual = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)

    async def main() -> Result:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def cancel() -> None:
            loop.call_soon_threadsafe(task.cancel)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE, AGAIN)

        def too_late(*_: object) -> None:
            nonlocal late
            if not late and not _State.received:
                late = True
                cancel()
            else:
                raise KeyboardInterrupt

        signal.signal(signal.SIGALRM, too_late)
        _State.cancel = cancel
        if _State.received:
            task.cancel()
        return await work

    try:
        return asyncio.run(main())
    except (asyncio.CancelledError, KeyboardInterrupt):
        if late and not _State.received:
            raise TimeoutError from None
        raise KeyboardInterrupt from None
    finally:
        _State.cancel = None
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual[0])
        signal.setitimer(signal.ITIMER_REAL, *usual[1])
