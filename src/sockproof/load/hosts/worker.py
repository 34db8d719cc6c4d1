"""A worker's part: where it writes, and the sender that takes it to the master."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from sockproof import files
from sockproof.formats.load import About
from sockproof.load.child import Child, own_environment
from sockproof.load.hosts.channel import ENVIRONMENT
from sockproof.load.hosts.master import ANSWER, ASK
from sockproof.runs import records
from sockproof.runs.load_records import RUN_FILE, boot_id

AGAIN = 5.0  # seconds after which a master that does not answer is asked again


class Apart:
    """A worker that may share nothing with its master."""

    def __init__(self, runner: Any, results: str, report: Callable[[str], None]) -> None:
        """`results` is where this host keeps the folders of its runs."""
        self._runner, self._results, self._report = runner, Path(results), report
        self._run = 0
        self._where: dict[str, Any] | None = None
        self._asking: gevent.Greenlet | None = None
        self._senders: list[Child] = []
        self._given_up = False
        runner.register_message(ANSWER, self._answered)

    def folder(self, folder: Path, run: int, about: str) -> tuple[Path, bool]:
        """Where to write, and whether it is the master's folder: else it is this host's own."""
        there = _about(folder)
        if there.run == run and not there.apart:
            return folder, True
        own = (self._results / folder.name).resolve()
        if _about(own).run != run:
            own = self._made(own, run, about)
            records.link_latest(own, "load")
        return own, False

    def _made(self, own: Path, run: int, about: str) -> Path:
        """A folder of this host for the run: the same for all its workers, which come at once."""
        text = files.json_text({**json.loads(about), "apart": True}, indent=1)
        beside = own.with_name(f".{own.name}-{os.getpid()}")
        files.make_folder(beside)
        files.write(beside / RUN_FILE, text, durable=True)
        try:
            beside.rename(own)  # with what it is of: no other worker finds it without
        except OSError:  # it is there
            shutil.rmtree(beside, ignore_errors=True)
            if _about(own).run == run:
                return own
            own = records.new_run_folder(self._results, "load").resolve()
            files.write(own / RUN_FILE, text, durable=True)
        return own

    def begin(self, folder: Path, run: int, tag: int, boot: str, shares: bool, how: str) -> None:
        """Send the rows of a process, or where it shares the folder have its clock measured."""
        if shares and boot == boot_id():
            return
        self._run, self._where = run, None
        words = [str(folder), str(tag), str(run)]
        self._asking = gevent.spawn(self._send, words, "clock" if shares else how)

    def _answered(self, environment: Any, msg: Any, **_: Any) -> None:
        del environment
        if isinstance(msg.data, dict) and msg.data.get("run") == self._run:
            self._where = msg.data

    def _send(self, words: list[str], what: str) -> None:
        waited = 0.0
        while self._where is None:
            if waited % AGAIN == 0:
                self._runner.send_message(ASK, {"run": self._run})
            gevent.sleep(0.125)
            waited += 0.125
        to = [str(self._runner.master_host), str(int(self._where["port"])), what, str(os.getpid())]
        command = [sys.executable, "-m", "sockproof.load.hosts.sender", *words, *to]
        # It goes on where this process is killed.
        sender = Child(command, own_environment(**ENVIRONMENT), told=True, own_session=True)
        sender.stdin.write(str(self._where["key"]).encode() + b"\n")
        sender.stdin.close()
        self._senders.append(sender)

    def give_up(self) -> None:
        """The master is gone: nothing more is sent."""
        self._given_up = True

    def wait(self) -> bool:
        """Until all has been sent; False where some has not."""
        if self._given_up:
            for sender in self._senders:
                sender.kill()
            return False
        asking = self._asking
        if asking is not None:
            asking.join(timeout=AGAIN)
        if asking is not None and not asking.ready():
            asking.kill()
            self._report("the master has not said where rows are to be sent: they are kept here")
            return False
        found = [sender.wait() == 0 for sender in self._senders]
        self._senders.clear()
        return all(found)


def _about(folder: Path) -> About:
    """What is known of the run whose folder this is; nothing of any other folder."""
    try:
        return files.read_json(folder / RUN_FILE, About, files.MIB)
    except files.FileError:
        return About()
