"""Processes that Locust's processes start, of whose memory nothing runs in the child.

gevent's `Popen` forks, and what others have registered for after a fork runs in the child before
it becomes the program: OpenTelemetry's SDK, which Locust loads for `--otel`, starts threads there.
While they start, other greenlets run in the child, among them the one that reads the messages of
master and workers; ZeroMQ does not work behind a fork, so it never returns, and whoever waits for
the program waits for ever. `posix_spawn` runs no handlers and copies no memory.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import IO

import gevent
from gevent import os as cooperative
from gevent.fileobject import FileObject

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_DEFAULT = (signal.SIGPIPE, signal.SIGXFSZ)  # which Python ignores, and programs need


def own_environment(**more: str) -> dict[str, str]:
    """The environment of a process of our own, which options of Locust do not concern."""
    return {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")} | more


class Child:
    """One process; to wait for it lets other greenlets run."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def __init__(
        self,
        words: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        told: bool = False,
        heard: bool = False,
        silent: bool = False,
        own_session: bool = False,
    ) -> None:
        """With `told` there is a `stdin`, with `heard` a `stdout`; `silent` keeps its errors out.

        Raises OSError where there is no such program.
        """
        actions: list[tuple[int, int, int] | tuple[int, int, str, int, int]] = []
        theirs: list[int] = []
        self._ours: list[IO[bytes]] = []
        self._code: int | None = None
        if told:
            reading, writing = os.pipe()
            theirs.append(reading)
            actions.append((os.POSIX_SPAWN_DUP2, reading, _STDIN))
            self.stdin = FileObject(writing, "wb")
            self._ours.append(self.stdin)
        else:
            actions.append((os.POSIX_SPAWN_OPEN, _STDIN, os.devnull, os.O_RDONLY, 0))
        if heard:
            reading, writing = os.pipe()
            theirs.append(writing)
            actions.append((os.POSIX_SPAWN_DUP2, writing, _STDOUT))
            self.stdout = FileObject(reading, "rb")
            self._ours.append(self.stdout)
        if silent:
            actions.append((os.POSIX_SPAWN_OPEN, _STDERR, os.devnull, os.O_WRONLY, 0))
        gevent.get_hub().loop.install_sigchld()  # or the end of a quick one is missed
        try:
            self.pid: int = cooperative.posix_spawnp(
                words[0],
                list(words),
                dict(os.environ if environment is None else environment),
                file_actions=actions,
                setsid=own_session,
                setsigdef=_DEFAULT,
            )
        except OSError:
            self.close()
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code; None where it has not ended within so many seconds."""
        with gevent.Timeout(seconds, False):
            self._ended(0)
        return self._code

    def read(self, seconds: float | None = None) -> bytes | None:
        """All that it says until it ends; None where it has not ended within so many seconds."""
        with gevent.Timeout(seconds, False):
            said = self.stdout.read()
            self._ended(0)
            return said
        return None

    def kill(self) -> None:
        """End it, unless it has ended."""
        self._ended(os.WNOHANG)
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close our ends of its pipes."""
        for pipe in self._ours:
            pipe.close()

    def _ended(self, options: int) -> None:
        if self._code is None:
            pid, status = cooperative.waitpid(self.pid, options)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
