"""What stands in Locust's group of users for one that only waits to be stopped.

A greenlet that waits keeps its stacks, which is more than half of what an idle user takes, and to
make one costs a quarter of what a connect does. So a user without tasks has one only while its
scenario's own `on_start` runs, and when it is stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from greenlet import GreenletExit

Link = Callable[[Any], object]


class Seat:
    """It has what Locust and gevent's `Group` ask of a user's greenlet; `args` has the user."""

    __slots__ = ("_leaving", "_links", "args")
    name = "seat"

    def __init__(self, user: Any) -> None:
        self.args = (user,)
        self._links: tuple[Link, ...] = ()
        self._leaving: gevent.Greenlet[..., object] | None = None

    def take(self) -> None:
        """Stand in the user's group from now on, in place of its greenlet, which may end."""
        user = self.args[0]
        user.group.add(self)
        if user.greenlet is not None:
            user.group.discard(user.greenlet)
        user._greenlet = self

    @property
    def dead(self) -> bool:
        """Whether the user has been stopped."""
        return self._leaving is not None and bool(self._leaving.dead)

    def ready(self) -> bool:
        """The same."""
        return self.dead

    def rawlink(self, callback: Link) -> None:
        """Have this called with the seat, from the hub, once the user has been stopped."""
        if self._leaving is None:
            self._links = (*self._links, callback)
        else:
            self._leaving.rawlink(lambda _: callback(self))

    def unlink(self, callback: Link) -> None:
        """Do not have it called."""
        self._links = tuple(each for each in self._links if each != callback)

    def kill(
        self, _exception: Any = GreenletExit, block: bool = True, timeout: float | None = None
    ) -> None:
        """Stop the user, in a greenlet of its own."""
        if self._leaving is None:
            self._leaving = gevent.spawn(self.args[0].on_stop)
            links, self._links = self._links, ()
            for each in links:
                self.rawlink(each)
        if block:
            self.join(timeout)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the user has been stopped, where it is being stopped."""
        if self._leaving is not None:
            self._leaving.join(timeout)
