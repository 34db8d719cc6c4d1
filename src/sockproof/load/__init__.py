"""Load: thousands of connections of real users' behaviour in one process, on gevent's event loop.

The rules that hold here:

* No greenlet and no thread waits for a lean connection: io watchers of gevent's hub call back.
  Whatever is called from there must not block and must not switch greenlets.
* What the world does wrong ends a connection with a `Reason` and one line of text; it never
  becomes an exception in the hub.
* An idle connection keeps no buffer, no timer and no greenlet of its own.

`sockproof.load(scenario, url)` is `sockproof.api.load.load`: one name for the room and for what
it is there for.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """A module that can be called."""

    @property
    def __wrapped__(self) -> Any:  # where `inspect` looks for the parameters
        # The room above, which this one does not know.
        return importlib.import_module("sockproof.api.load").load

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.__wrapped__(*arguments, **named)


sys.modules[__name__].__class__ = _Room
