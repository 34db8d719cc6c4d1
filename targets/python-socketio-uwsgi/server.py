"""uWSGI with its gevent loop and the application beside this file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ping-interval", type=int, default=25, help="seconds")
    parser.add_argument("--ping-timeout", type=int, default=20, help="seconds")
    arguments = parser.parse_args()
    timers = f"{arguments.ping_interval} {arguments.ping_timeout}"
    options = {
        "http-socket": f"127.0.0.1:{arguments.port}",
        "gevent": 1000,
        "gevent-early-monkey-patch": None,
        "http-websockets": None,
        "master": None,
        "die-on-term": None,
        "disable-logging": None,
        "worker-reload-mercy": 1,
        "listen": 100,
        "chdir": Path(__file__).parent,
        "module": "application",
        "pyargv": timers,
        "virtualenv": sys.prefix,
    }
    # python-engineio's driver leaves watchers of closed WebSockets behind. With epoll, libev ends
    # the worker for it by an assertion now and then, and every client too; with select it goes on.
    os.environ.setdefault("GEVENT_BACKEND", "select")
    words = [str(Path(sys.executable).with_name("uwsgi"))]
    for name, value in options.items():
        words += [f"--{name}"] if value is None else [f"--{name}", str(value)]
    os.execv(words[0], words)  # noqa: S606


if __name__ == "__main__":
    main()
