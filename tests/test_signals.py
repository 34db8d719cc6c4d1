"""What does not end by itself is ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from sockproof import signals
from tests.waiting import SOON


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(signals._State, "received", 0)
    monkeypatch.setattr(signals, "PATIENCE", 0.1)
    monkeypatch.setattr(signals, "AGAIN", 0.1)
    usual = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    signals.install()
    yield
    signal.signal(signal.SIGINT, usual[0])
    signal.signal(signal.SIGTERM, usual[1])


async def hogging() -> None:
    """Let nothing else run."""
    signals.end_within(0.1)
    while True:
        pass


async def deaf() -> None:
    """Do not heed a cancellation."""
    signals.end_within(0.1)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


class Reached:
    """Something with a weak reference to it, whose callback is hit by a signal."""


@pytest.mark.parametrize("seconds", [0.0, 0.3], ids=["quick", "busy"])
def test_signal_in_what_lets_no_exception_out_is_not_lost(
    seconds: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def slow(thread: threading.Thread) -> None:
        """What a thread that begins is to do may be done before its starter goes on."""
        start(thread)
        time.sleep(seconds)

    monkeypatch.setattr(threading.Thread, "start", slow)
    held = [Reached()]
    reference = weakref.ref(held[0], lambda _: os.kill(os.getpid(), signal.SIGTERM))

    def let_go() -> None:
        held.clear()
        threading.Event().wait(3600)

    with pytest.raises(KeyboardInterrupt):
        let_go()
    assert reference() is None
    assert signals.received() == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("work", [hogging, deaf])
def test_work_that_takes_too_long_is_ended(work: object) -> None:
    with pytest.raises(TimeoutError):
        signals.run_async(work())  # type: ignore[operator]


def test_signal_cancels_what_runs_and_is_raised_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "PATIENCE", SOON)  # of what ends by itself
    ended = []

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        signals.run_async(work())
    assert ended == [True]


def test_first_signal_waits_for_the_end_of_what_is_held_and_the_third_does_not() -> None:
    done: list[int] = []

    def write(what: int) -> None:
        with signals.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append(what)

    with pytest.raises(KeyboardInterrupt):
        write(1)
    write(2)  # what there is is written even so
    with pytest.raises(KeyboardInterrupt):
        write(3)
    assert done == [1, 2]


def beside_a_loop(work: Coroutine[Any, Any, int]) -> int:
    """`run_async` from within a coroutine, as in a notebook."""

    async def cell() -> int:
        return signals.run_async(work)

    return asyncio.run(cell())


def test_beside_a_running_loop_work_has_a_thread_of_its_own() -> None:
    async def work() -> int:
        return threading.get_ident()

    assert beside_a_loop(work()) != threading.get_ident()
    assert signals.run_async(work()) == threading.get_ident()


def test_what_goes_wrong_in_the_thread_is_told() -> None:
    async def work() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        beside_a_loop(work())


def test_in_the_thread_too_work_that_takes_too_long_is_ended() -> None:
    over = threading.Event()

    async def hogging_until() -> int:
        signals.end_within(0.1)
        over.wait(60)  # lets nothing else run
        return 0

    async def sleeping() -> int:
        signals.end_within(0.1)
        await asyncio.sleep(3600)
        return 0

    try:
        for work in (hogging_until, sleeping):
            with pytest.raises(TimeoutError):
                beside_a_loop(work())
    finally:
        over.set()


def test_task_that_waits_for_the_thread_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "PATIENCE", SOON)  # of the thread, which ends by itself
    ended = []

    async def cell() -> None:
        waiting = asyncio.current_task()
        assert waiting is not None

        async def work() -> None:
            waiting.cancel()  # as the handler of `asyncio.run` does it
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(True)

        signals.run_async(work())

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(cell())
    assert ended == [True]


@pytest.mark.parametrize("heard", [0, 1])
def test_thread_that_fails_is_heard_of_unless_all_ends(
    heard: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ConnectionResetError

    monkeypatch.setattr(signals._State, "received", heard)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert ("ConnectionResetError" in capsys.readouterr().err) == (not heard)
