"""The targets that a run has started, which are started again where they die."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Self

from sockproof.conformance.targets.server import Server
from sockproof.targets import launch
from sockproof.targets.spec import TargetError, TargetSpec
from sockproof.wire.url import Address

KEPT_LOG = 64 * 1024  # characters of what the first target printed


class Targets:
    """Started targets; a context manager that stops them."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._how: list[tuple[TargetSpec, dict[str, Any]]] = []
        self._running: list[launch.RunningTarget] = []
        self._before = ""  # what the first one printed before it was started again

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start(self, spec: TargetSpec, **how: Any) -> str:
        """Start a target as `launch.launch` does, to be stopped in the end; gives its URL."""
        self._how.append((spec, how))
        self._running.append(self._stack.enter_context(launch.launch(spec, **how)))
        return self._running[-1].url

    def log(self) -> str:
        """The end of what the first one printed."""
        return (self._before + self._running[0].stderr())[-KEPT_LOG:]

    async def restart(self, server: Server) -> bool:
        """Start the one again that is this server, on its port; False where that fails."""
        urls = [Address.parse(each.url) for each in self._running]
        where = (server.address.host, server.address.port)
        number = [(url.host, url.port) for url in urls].index(where)
        return await asyncio.to_thread(self._restart, number)

    def _restart(self, number: int) -> bool:
        dead = self._running[number]
        if number == 0:
            self._before = self.log()
        dead.stop()
        spec, how = self._how[number]
        try:
            alive = launch.launch(spec, **{**how, "port": dead.port})
        except TargetError:
            return False
        self._running[number] = self._stack.enter_context(alive)
        return True
