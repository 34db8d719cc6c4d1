"""Stages of users, over Locust's own load shapes."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

import gevent
from locust import LoadTestShape

from sockproof.load.locust.options import OptionError
from sockproof.load.locust.stages import USUAL, Stage, StageError, told, wanted


def take_stages(environment: Any) -> None:
    """Have Locust follow the stages, where there are some; raises `OptionError`."""
    parsed, shape = environment.parsed_options, environment.shape_class
    if shape is not None:
        if parsed.stages:
            name = type(shape).__name__
            raise OptionError(f"--stages and the shape {name} of the locustfile cannot be combined")
        return
    try:
        usual = os.environ.get(USUAL, "")
        locustfiles = getattr(environment, "parsed_locustfiles", None) or []
        found = wanted(parsed, locustfiles, usual)
    except StageError as error:
        raise OptionError(str(error)) from None
    if found:
        parsed.stages = told(found)  # which workers are told
        parsed.num_users = parsed.spawn_rate = parsed.run_time = None
        environment.shape_class = Stages(found)
        environment.shape_class.runner = environment.runner
        if parsed.headless:
            gevent.signal_handler(signal.SIGTERM, _end_of_stages, environment.runner)


def _end_of_stages(runner: Any) -> None:
    """Locust hears no SIGTERM while it waits for a shape to end, and ends in order behind it."""
    if runner.shape_greenlet is not None:
        runner.shape_greenlet.kill(block=False)


class Stages(LoadTestShape):
    """The shape that follows stages."""

    abstract = True  # no locustfile's own

    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self._stages = stages
        self._at, self._now = -1, (0, 1.0)

    def tick(self) -> tuple[int, float] | None:
        """Users and users a second, the same as long as a stage lasts; None: the end."""
        now, end = self.get_run_time(), 0.0
        for index, stage in enumerate(self._stages):
            end += stage.seconds
            if now < end:
                if index != self._at:
                    before = self._stages[index - 1].users if index else 0
                    change = abs(stage.users - before)
                    # What a stage before has not brought in its time comes at once.
                    rate = change / (end - now) if change else max(stage.users, 1)
                    self._at, self._now = index, (stage.users, float(rate))
                return self._now
        return None
