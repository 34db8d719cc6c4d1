"""When each user sends next: intended times, kept whatever the server does.

One schedule a process. A `Turn` is one user's paced task: in an open loop its times are fixed
beforehand, and a send that comes late says so; in a closed loop it is due again when its answer
is there. Everything runs in the hub, without a switch of greenlets, so a turn must not wait.
"""

from __future__ import annotations

import heapq
import itertools
import random
import time
from collections.abc import Callable
from typing import Final

from sockproof.load.locust.alarm import Alarm

SECOND: Final = 1_000_000_000
_BATCH: Final = 128  # sends in a row before sockets are looked at again


class Turn:
    """A paced task of one user: `send` is called with each intended time, in nanoseconds.

    In a closed loop it is called with 0, for now, but for the first time.
    """

    __slots__ = ("at", "interval", "live", "poisson", "send")

    def __init__(
        self, send: Callable[[int], None], rate: float, poisson: bool = False, start: int = 0
    ) -> None:
        self.send = send
        self.interval = SECOND / rate if rate > 0 else 0.0  # 0: a closed loop
        self.poisson = poisson
        self.at = float(start)
        self.live = True

    def following(self) -> float:
        """How long after this send the next one is due, in nanoseconds."""
        if self.poisson:
            return random.expovariate(1.0) * self.interval
        return self.interval


class Schedule:
    """The turns of a process in the order of their intended times."""

    def __init__(self, on_error: Callable[[Turn, Exception], None]) -> None:
        self._heap: list[tuple[float, int, Turn]] = []
        self._numbers = itertools.count()
        self._on_error = on_error
        self._alarm = Alarm(self._ring)
        self.worst_lag = 0  # nanoseconds by which a send was late, since `take_lag`
        self.offered = 0  # sends that were due
        self.running = True

    def add(self, turn: Turn) -> None:
        """Let a turn begin; an open loop's first time is spread over its interval.

        Behind a stop nothing begins any more.
        """
        if not self.running:
            return
        if turn.at == 0:
            # Users that start together must not send together for ever.
            turn.at = time.monotonic_ns() + random.random() * turn.interval
        self._push(turn)
        self._alarm.set(int(self._heap[0][0]))

    def again(self, turn: Turn) -> None:
        """A closed loop's answer is in: its next send is due now."""
        if turn.live and self.running:
            self.offered += 1
            try:
                turn.send(0)
            except Exception as error:
                self._on_error(turn, error)

    def stop(self) -> None:
        """Nothing is due any more."""
        self.running = False
        self._heap.clear()

    def close(self) -> None:
        """Stop, and let go of the timer."""
        self.stop()
        self._alarm.close()

    def take_lag(self) -> int:
        """The worst lag since the last call, in nanoseconds; what is overdue now counts too."""
        worst = self.worst_lag
        if self._heap:
            worst = max(worst, int(time.monotonic_ns() - self._heap[0][0]))
        self.worst_lag = 0
        return max(worst, 0)

    def _push(self, turn: Turn) -> None:
        heapq.heappush(self._heap, (turn.at, next(self._numbers), turn))

    def _ring(self) -> None:
        heap = self._heap
        for _ in range(_BATCH):
            if not heap:
                return
            now = time.monotonic_ns()
            at = heap[0][0]
            if at > now:
                break
            turn = heap[0][2]
            if not turn.live:
                heapq.heappop(heap)
                continue
            if turn.interval:
                turn.at = at + turn.following()
                heapq.heapreplace(heap, (turn.at, next(self._numbers), turn))
            else:
                heapq.heappop(heap)
            self.worst_lag = max(self.worst_lag, int(now - at))
            self._call(turn, int(at))
        if heap:
            self._alarm.set(max(int(heap[0][0]), 1))

    def _call(self, turn: Turn, at: int) -> None:
        self.offered += 1
        try:
            turn.send(at)
        except Exception as error:
            self._on_error(turn, error)
