"""One of the processes of a cluster: python-socketio's AsyncServer on uvicorn."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import socketio
import uvicorn

from sockproof.fixtures.python_socketio import install

KEPT_LOG = 2000


class SharedLog:
    """The fixture's log in Redis, since any process may be asked what another has seen."""

    def __init__(self, url: str) -> None:
        import redis

        self.redis = redis.Redis.from_url(url)

    def append(self, entry: dict[str, Any]) -> None:
        """Add an entry."""
        self.redis.rpush("log", json.dumps(entry))
        self.redis.ltrim("log", -KEPT_LOG, -1)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(json.loads, self.redis.lrange("log", 0, -1))


def main(path: str, number: str, queue: str, ping_interval: str, ping_timeout: str) -> None:
    """Serve on the socket `path` as process `number`; `queue` is Redis's socket, if any."""
    url = f"unix://{queue}" if Path(queue).exists() else None
    sio = socketio.AsyncServer(
        async_mode="asgi",
        client_manager=socketio.AsyncRedisManager(url) if url else None,
        ping_interval=int(ping_interval),
        ping_timeout=int(ping_timeout),
    )
    generate_id = sio.eio.generate_id
    sio.eio.generate_id = lambda: f"{number}-{generate_id()}"  # nginx reads the number
    install(sio, log=SharedLog(url) if url else None)
    uvicorn.run(socketio.ASGIApp(sio), uds=path, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
