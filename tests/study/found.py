"""What measuring each claim gives when it holds: made up, small, and right in shape."""

from __future__ import annotations

from typing import Any

FULL_DUPLEX: dict[str, Any] = {
    "server": "a server",
    "octets": 1000,
    "ways": [
        {"name": "WebSocket", "sending_s": 0.4, "heard_s": [0.1, 0.2, 0.5], "whole": True},
        {"name": "HTTP/1.1 request", "sending_s": 0.4, "heard_s": [0.5], "whole": True},
    ],
}

HEADER_OCTETS: dict[str, Any] = {
    "server": "a server",
    "lengths": [16, 125, 126, 65_536],
    "ways": [
        {
            "name": "WebSocket",
            "beside": [
                {"forth": 6.0, "back": 2.0},
                {"forth": 6.0, "back": 2.0},
                {"forth": 8.0, "back": 4.0},
                {"forth": 14.0, "back": 10.0},
            ],
        },
        {"name": "HTTP requests", "beside": [{"forth": 200.0, "back": 100.0}] * 4},
    ],
}

PUSH_LATENCY: dict[str, Any] = {
    "server": "a server",
    "mean_ms": 40,
    "messages": 3,
    "settings": [
        {
            "name": name,
            "delay_s": delay,
            "ways": [
                {"name": "WebSocket", "ms": [0.1, 0.2, 0.3]},
                {"name": "Socket.IO on long-polling", "ms": [0.5, 0.6, 0.7]},
                {"name": "HTTP polling each second", "ms": [400.0, 500.0, 900.0]},
            ],
        }
        for name, delay in (("loopback", 0.0), ("25 ms each way", 0.025))
    ],
}

SESSION_STATE: dict[str, Any] = {
    "server": "a server",
    "cookie_octets": 89,
    "times": 9,
    "ways": [
        {"name": "WebSocket, cookie at the handshake", "octets": 8.0, "ms": [0.1, 0.2, 0.1]},
        {"name": "HTTP, cookie in each request", "octets": 400.0, "ms": [0.5, 0.6, 0.5]},
    ],
}

BINARY_DATA: dict[str, Any] = {
    "server": "a server",
    "lengths": [256, 1024],
    "ways": [
        {
            "name": "WebSocket",
            "found": [
                {"octets": 520.0, "intact": True, "ms": [0.1]},
                {"octets": 2060.0, "intact": True, "ms": [0.2]},
            ],
        },
        {
            "name": "Socket.IO on long-polling",
            "found": [
                {"octets": 1500.0, "intact": True, "ms": [1.0]},
                {"octets": 3000.0, "intact": True, "ms": [2.0]},
            ],
        },
    ],
}

CONTEXT_TAKEOVER: dict[str, Any] = {
    "server": "a server",
    "plain": [400, 400, 400],
    "ways": [
        {"name": "no compression", "octets": [410, 410, 410]},
        {"name": "HTTP, gzip for each message", "octets": [300, 300, 300]},
        {"name": "no context takeover", "octets": [280, 280, 280]},
        {"name": "context takeover", "octets": [280, 100, 90]},
    ],
}

CHOICE_OF_TRANSPORT: dict[str, Any] = {
    "messages": 10,
    "missing": [],
    "servers": [
        {
            "server": "a server",
            "tries": [
                {
                    "choice": choice,
                    "blocked": blocked,
                    "transport": transport,
                    "back": 10 if transport else 0,
                    "seconds": 0.1,
                }
                for choice, blocked, transport in (
                    ("long-polling", False, "polling"),
                    ("WebSocket", False, "websocket"),
                    ("free to choose", False, "websocket"),
                    ("long-polling", True, "polling"),
                    ("WebSocket", True, None),
                    ("free to choose", True, "polling"),
                )
            ],
            "old": [
                {"name": "JSONP", "status": 200, "text": ""},
                {"name": "EIO 3", "status": None},
            ],
        }
    ],
}


def _point(asked: int, opened: int | None = None) -> dict[str, Any]:
    return {
        "asked": asked,
        "opened": asked if opened is None else opened,
        "lost": 0,
        "failed": 0,
        "acknowledged": 100,
        "p50_ms": 0.5,
        "p99_ms": None,
        "connect_p50_ms": 3.0,
        "rss": 1 << 26,
        "cpu_s": 0.5,
        "fit": True,
    }


CONCURRENCY: dict[str, Any] = {
    "missing": [],
    "kinds": [
        {"kind": "threads", "server": "a server", "points": [_point(100), _point(1000, 400)]},
        {"kind": "asyncio", "server": "a server", "points": [_point(100), _point(1000)]},
        {"kind": "node", "server": "a server", "points": [_point(100), _point(1000)]},
    ],
}
