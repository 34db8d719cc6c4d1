"""python-socketio on uvicorn that spends more CPU on each message, for `regression_gate.py`."""

from __future__ import annotations

import argparse
import time
from typing import Any

import socketio
import uvicorn

from sockproof.fixtures.python_socketio import install


class SlowedServer(socketio.AsyncServer):  # type: ignore[misc]  # which has no types
    """Spins before it handles `message-with-ack`."""

    def __init__(self, extra: float, **more: Any) -> None:
        super().__init__(**more)
        self._extra = extra  # seconds

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        if event == "message-with-ack":
            until = time.perf_counter() + self._extra
            while time.perf_counter() < until:
                pass
        return await super()._trigger_event(event, namespace, *args)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--extra-us", type=float, default=0.0, help="for each message")
    arguments = parser.parse_args()
    sio = SlowedServer(arguments.extra_us / 1e6, async_mode="asgi")
    install(sio)
    uvicorn.run(
        socketio.ASGIApp(sio),
        host="127.0.0.1",
        port=arguments.port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
