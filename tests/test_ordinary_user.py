"""The product needs no root, no home, no name in the list of users and no shared memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ordinary import NAMELESS, NOBODY, as_user, own_folder, without_shared_memory
from tests.sample import rotating
from tests.waiting import LIMIT, conclusive


@dataclass
class Account:
    """Whoever runs the commands: what goes before each, where they write, and their home."""

    before: Sequence[str]
    folder: Path
    temporary: Path
    home: Path | None = None

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        for name in ("HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            environment.pop(name, None)
        if self.home is not None:
            environment["HOME"] = str(self.home)
        done = subprocess.run(
            [*self.before, sys.executable, "-m", "sockproof", *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
            timeout=LIMIT,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def does_everything(self, *load: str) -> None:
        """Cases, a load run and all that is made of both; nothing else is said or left behind."""
        quiet = ("websockets", "--case", "*ping*")
        self._well("conformance", "--target", *quiet)
        self._well("report", "results/latest-conformance")
        words = ("echo", "--users", "4", "--run-time", "3s", "--drain", "1")
        done = conclusive(lambda: self.run("load", *words, *load))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "matplotlib" not in (done.stdout + done.stderr).lower()
        run = "results/latest-load"
        assert (self.folder / run / "report.html").exists()
        for command in ("summary", "report"):
            self._well(command, run)
        self._well("gate", run, "--rules", "smoke")
        assert sorted(self.temporary.iterdir()) == []

    def _well(self, *words: str) -> None:
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        assert done.stderr == "", words


@pytest.mark.parametrize("number", rotating([NOBODY, NAMELESS], 2, "accounts"))
@pytest.mark.parametrize("home", rotating(["none", "not its own"], 2, "homes"))
def test_ordinary_user_does_everything(number: int, home: str, tmp_path: Path) -> None:
    user = Account(
        as_user(number), own_folder(tmp_path / "work", number), own_folder(tmp_path / "tmp", number)
    )
    if home != "none":
        user.home = tmp_path / "home"
        user.home.mkdir(mode=0o555)
    user.does_everything()


def test_shared_memory_is_not_needed(tmp_path: Path) -> None:
    folder, temporary = tmp_path / "work", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    Account(without_shared_memory(), folder, temporary).does_everything("--processes", "2")
