"""The Socket.IO part of the target contract: python-socketio on uvicorn processes behind nginx.

Several processes share a Redis message queue, and nginx leads each session back to the process
that began it. All of them, Redis too, speak over sockets in a folder of their own, so that
nginx's port is the only one; they end when this process does.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

APPLICATION = Path(__file__).with_name("application.py")
START_SECONDS = 50.0
STOP_SECONDS = 2.0

NGINX = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream any {{ random; {servers} }}
    map $arg_sid $process {{ default any; {sticky} }}
    map $http_upgrade $connection_field {{ default upgrade; "" close; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://$process;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            {upgrade}
        }}
    }}
}}
"""
UPGRADE = """\
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_field;
"""


def nginx_configuration(folder: Path, sockets: list[Path], port: int, upgrade: bool) -> str:
    """What nginx is told. Without `upgrade` it is nginx as it comes: HTTP/1.0, no WebSocket.

    A session's id begins with the number of its process, by which the map finds it again. The
    usual `ip_hash` would lead all clients of one machine to one process. A process that ends a
    connection, as it has to now and then, is not left out for that (`max_fails`). New sessions
    go to processes at random: taking turns, two kinds of clients might get one process each.
    """
    return NGINX.format(
        user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
        folder=folder,
        port=port,
        servers=" ".join(f"server unix:{each} max_fails=0;" for each in sockets),
        sticky=" ".join(f'"~^{number}-" unix:{each};' for number, each in enumerate(sockets)),
        upgrade=UPGRADE.strip() if upgrade else "",
    )


class Processes:
    """Child processes that end together."""

    def __init__(self) -> None:
        self.children: list[subprocess.Popen[bytes]] = []

    def start(self, *command: object) -> None:
        """Start one more."""
        words = [str(word) for word in command]
        self.children.append(subprocess.Popen(words, stdin=subprocess.DEVNULL))

    def wait_for(self, path: Path) -> None:
        """Return when a process takes connections on this socket."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
                probe.connect(str(path))
                return
            self.watch()
            time.sleep(0.02)
        sys.exit(f"nothing listens on {path}")

    def watch(self) -> None:
        """End when one of them has."""
        for child in self.children:
            if child.poll() is not None:
                sys.exit(f"{child.args} ended with {child.returncode}")

    def stop(self) -> None:
        """End them all."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in reversed(self.children):  # those first that talk to the others
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0, deadline - time.monotonic()))
            child.kill()
            child.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--no-upgrade", action="store_true", help="WebSocket is not let through")
    parser.add_argument("--ping-interval", type=int, default=25, help="seconds")
    parser.add_argument("--ping-timeout", type=int, default=20, help="seconds")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit())
    folder = Path(tempfile.mkdtemp(prefix="sockproof-"))
    processes = Processes()
    try:
        run(arguments, folder, processes)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        processes.stop()
        shutil.rmtree(folder, ignore_errors=True)


def run(arguments: argparse.Namespace, folder: Path, processes: Processes) -> None:
    """Start Redis where there are several processes, then these, then nginx; then watch."""
    queue = folder / "redis"
    if arguments.processes > 1:
        silent = ("--save", "", "--dir", folder, "--logfile", folder / "redis.log")
        processes.start("redis-server", "--port", "0", "--unixsocket", queue, *silent)
        processes.wait_for(queue)
    sockets = [folder / f"uvicorn-{number}" for number in range(arguments.processes)]
    for number, path in enumerate(sockets):
        timers = (arguments.ping_interval, arguments.ping_timeout)
        processes.start(sys.executable, APPLICATION, path, number, queue, *timers)
    for path in sockets:
        processes.wait_for(path)
    file = folder / "nginx.conf"
    upgrade = not arguments.no_upgrade
    file.write_text(nginx_configuration(folder, sockets, arguments.port, upgrade))
    processes.start("nginx", "-e", "stderr", "-p", folder, "-c", file)
    while True:
        processes.watch()
        time.sleep(0.2)


if __name__ == "__main__":
    main()
