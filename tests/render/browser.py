"""A page in headless Chromium, asked and pointed at by the DevTools protocol."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from tests.waiting import LIMIT, SOON

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions")


class Page:
    """One page; what it complained of is in `complaints`."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            told = json.loads(self._connection.recv())
            if told.get("id") == number:
                assert "error" not in told, told
                return dict(told["result"])
            self._hear(told)

    def _hear(self, event: dict[str, Any]) -> None:
        if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(event["params"]))
        if event.get("method") == "Page.javascriptDialogOpening":
            self.complaints.append("a dialog")

    def ask(self, expression: str) -> Any:
        """What an expression comes to there."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until it is true."""
        deadline = time.monotonic() + LIMIT
        while not self.ask(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.02)

    def mouse(self, what: str, x: float, y: float, clicks: int = 0) -> None:
        more = {"button": "left", "clickCount": clicks} if clicks else {}
        self.call("Input.dispatchMouseEvent", type=what, x=x, y=y, **more)


@contextlib.contextmanager
def shown(file: Path, folder: Path, scripts: bool = True) -> Iterator[Page]:
    """A file as a page, 1280 pixels wide; `folder` is the browser's home."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS"):
            pytest.fail("there is no browser")
        pytest.skip("there is no browser")
    command = [browser, *OPTIONS, "--remote-debugging-port=0", "--remote-allow-origins=*"]
    command += [f"--user-data-dir={folder}", "--window-size=1280,900", "about:blank"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            connection = websocket.create_connection(_address(folder), timeout=LIMIT)
            with contextlib.closing(connection):
                page = Page(connection)
                for room in ("Page", "Runtime", "Log"):
                    page.call(f"{room}.enable")
                page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
                page.call("Page.navigate", url=file.resolve().as_uri())
                page.until("document.readyState == 'complete' && location.protocol == 'file:'")
                yield page
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _address(folder: Path) -> str:
    """Where the first page of the browser is spoken to."""
    port, deadline = folder / "DevToolsActivePort", time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError, StopIteration):
            url = f"http://127.0.0.1:{port.read_text().split()[0]}/json/list"
            with urllib.request.urlopen(url, timeout=SOON) as answer:
                pages = json.load(answer)
            return str(
                next(each for each in pages if each["type"] == "page")["webSocketDebuggerUrl"]
            )
        time.sleep(0.05)
    raise AssertionError("the browser does not answer")
