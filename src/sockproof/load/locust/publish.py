"""Where other programs get a run's numbers without Locust's page: a port of its own, and OTLP."""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gevent
from gevent.pywsgi import WSGIServer
from locust.runners import WorkerRunner

from sockproof.errors import WRONG_COMMAND
from sockproof.load.child import Child
from sockproof.load.locust.options import OptionError, host_and_port
from sockproof.load.locust.web_tab import Tab
from sockproof.load.metrics import openmetrics, otlp

_log = logging.getLogger("sockproof")
PAGES = ("/metrics", "/sockproof/metrics")
_LAST_EXPORT = 10.0  # seconds that the exporter has when all is over


def install(environment: Any, tab: Tab) -> None:
    """Begin to tell; a worker's numbers are told by its master."""
    parsed = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner):
        return
    try:
        if place := str(getattr(parsed, "metrics_port", "") or ""):
            _serve(*host_and_port(place), tab)
        if getattr(parsed, "otel", False):
            if not otlp.is_installed():
                raise OptionError("--otel needs: pip install 'sockproof[otel]'")
            environment.events.quit.add_listener(_Export(tab).end)  # behind the drain
    except OptionError as error:
        _log.error("%s", error)
        sys.exit(WRONG_COMMAND)


def _serve(host: str, port: int, tab: Tab) -> None:
    def answer(asked: Mapping[str, Any], begin: Callable[..., Any]) -> Iterable[bytes]:
        if asked.get("PATH_INFO") not in PAGES:
            begin("404 Not Found", [("Content-Type", "text/plain")])
            return [b"the numbers are at /metrics\n"]
        begin("200 OK", [("Content-Type", openmetrics.CONTENT_TYPE)])
        return [openmetrics.page(tab.metrics())]

    try:
        server = WSGIServer((host, port), answer, log=None)
        server.start()
    except OSError as error:
        raise OptionError(f"--metrics-port {host}:{port}: {error.strerror}") from None
    _log.info("metrics: http://%s:%d/metrics", host, server.server_port)


class _Export:
    """The process that exports, and what is written to it once in a while."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        # The SDK's many objects stay: looking through them again and again would cost each message.
        gc.collect()
        gc.freeze()
        command = [sys.executable, "-m", "sockproof.load.metrics.otlp"]
        self._process = Child(command, told=True)
        self._teller = gevent.spawn(self._tell)

    def _tell(self) -> None:
        while True:
            gevent.sleep(otlp.seconds())
            self._write()

    def _write(self) -> None:
        line = otlp.message(self._tab.metrics(), self._tab.since, time.time_ns())
        with contextlib.suppress(OSError):  # it says itself why it has ended
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def end(self, **_: Any) -> None:
        """Export what it has come to, and wait a while for it."""
        self._teller.kill()
        with gevent.Timeout(_LAST_EXPORT, False):
            self._write()
            self._process.stdin.close()
            self._process.wait()
        self._process.kill()
