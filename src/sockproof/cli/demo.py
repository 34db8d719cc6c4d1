"""`sockproof demo`: a chat server with three bugs, judged and loaded, and what is found."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any, TypeVar

from rich.console import Console
from rich.text import Text

from sockproof.demo import bugs, screen, trial
from sockproof.formats.load import Summary
from sockproof.render.conformance.screen import STYLES
from sockproof.render.text import number
from sockproof.runs.records import weighs
from sockproof.vocabulary import Counter

NARROWEST, PIPE_WIDTH = 60, 100
NOT_FOUND = 1
YOURS = """\
Your own server next, whatever it is written in (ws:// for a WebSocket server):

  sockproof conformance http://127.0.0.1:5000/"""

Result = TypeVar("Result")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""
    parser.epilog = (
        "It takes less than 30 seconds, listens only on the loopback interface, and leaves no\n"
        "files behind."
    )


class _Screen:
    """A terminal, or a pipe."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        terminal = self._console.is_terminal
        self.width = max(NARROWEST, shutil.get_terminal_size().columns if terminal else PIPE_WIDTH)
        self._console.width = self.width

    def say(self, line: Text | str = "") -> None:
        """Say a line at once."""
        self._console.print(Text(line) if isinstance(line, str) else line, soft_wrap=True)
        sys.stdout.flush()

    def stage(
        self, what: str, does: Callable[[], Result], means: Callable[[Result], str]
    ) -> Result:
        """Do one part, and say before and behind what it is and what came of it."""
        self._console.print(Text(f"{what:44} "), end="", soft_wrap=True)
        sys.stdout.flush()
        began = time.monotonic()
        try:
            result = does()
        except BaseException:
            print(flush=True)
            raise
        self.say(f"{means(result)}, {time.monotonic() - began:.1f} s")
        return result


def demo(options: Namespace) -> int:
    """Judge and load the chat; gives 0 when its three bugs were found."""
    del options
    show, began = _Screen(), time.monotonic()
    show.say("A chat server with three bugs is started, judged over the wire, and loaded.")
    show.say()
    with trial.chat() as chat:
        devices = show.stage(f"judging {chat.websocket_url}", chat.judge_websocket, _judged)
        browsers = show.stage(f"judging {chat.socketio_url}", chat.judge_socketio, _judged)
        users = f"loading it with {trial.USERS} users in rooms"
        summary = show.stage(
            users, chat.load, lambda found: f"{found.counts['receipts']:,} receipts"
        )
    reports: list[Any] = [devices, browsers]
    missed = []
    for at, bug in enumerate(bugs.BUGS, 1):
        group = bug.finding(reports)
        show.say()
        if group is None or (bug.counter and not summary.counts[bug.counter]):
            missed.append(bug)
            show.say(f"{at}  not found: {bug.title}")
            continue
        report = next(each for each in reports if group.first in each["cases"])
        for line in screen.told(at, bug, group, report, summary, show.width):
            show.say(line)
    show.say()
    for group in bugs.others(reports):
        show.say(f"Also found: {group.says} ({group.source}), {group.count}")
    found = f"{len(bugs.BUGS) - len(missed)} of {len(bugs.BUGS)} bugs found"
    style = STYLES["FAIL" if missed else "PASS"]
    tail = f" in {time.monotonic() - began:.0f} s. The server is one file, which marks them:"
    show.say(Text(found, style=style).append(tail, style="not bold default"))
    show.say(f"  {trial.FOLDER / 'chat.py'}")
    show.say()
    show.say(YOURS)
    return NOT_FOUND if missed else 0


def _judged(report: Any) -> str:
    failed = sum(weighs(case, strict=False) for case in report["cases"])
    return f"{number(len(report['cases']), 'case')}, {failed} failed"


def _loaded(summary: Summary) -> str:
    return number(summary.counts[Counter.RECEIPTS], "receipt")
