"""Whether the master of a worker is still there.

Locust's own workers ask their wall clock, which may be set while they run, and go on for a minute.
Here a second counts where this process has lived through it, and a master whose port refuses
connections is gone sooner: who is cut off hears nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent import socket as sockets
from locust import runners

REFUSES = 15  # seconds without a word after which a master whose port refuses is gone
SILENT = 60  # and after which any is
_ASKING = 2.0  # seconds that a connection may take


def watch(runner: Any, in_a_run: Callable[[], bool], gone: Callable[[str], None]) -> None:
    """Have `gone` told, once, why a worker has no master any more, after the first heartbeat."""
    runners.MASTER_HEARTBEAT_TIMEOUT = 1 << 60
    heard = 0

    def hear(**_: Any) -> None:
        nonlocal heard
        heard += 1

    def look() -> None:
        before, silent = 0, 0
        while True:
            gevent.sleep(1)
            silent = silent + 1 if heard == before and heard else 0
            before = heard
            where = f"the master at {runner.master_host}:{runner.master_port}"
            if silent >= SILENT:
                gone(f"{where} has said nothing for {SILENT} s")
                return
            if silent >= REFUSES and in_a_run() and _refuses(runner):
                gone(f"{where} is gone: its port refuses connections")
                return

    runner.environment.events.heartbeat_received.add_listener(hear)
    gevent.spawn(look)


def _refuses(runner: Any) -> bool:
    try:
        sockets.create_connection((runner.master_host, runner.master_port), _ASKING).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
