"""What a run is told to come from: its locustfiles, and the revision of the working directory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sockproof.load.locust.options import masked
from sockproof.load.record.provenance import MOST_SOURCE, revision, sources
from sockproof.wire.redaction import Redactor
from tests.load.command import load

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.invalid")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *IDENTITY, *words], check=True, capture_output=True)


def text_of(path: Path, text: str, *secrets: str) -> str:
    path.write_text(text)
    (found,) = sources([str(path)], Redactor(secrets).text)
    return str(found["text"])


def test_revision_is_that_of_the_folder(tmp_path: Path) -> None:
    assert revision(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert revision(tmp_path) is None  # nothing is committed yet
    kept = tmp_path / "kept.py"
    kept.write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "more").write_text("")
    clean = revision(tmp_path)
    assert clean is not None
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False  # what is not tracked is nobody's revision
    kept.write_text("2\n")
    assert revision(tmp_path) == {**clean, "dirty": True}


def test_revision_without_git_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision(tmp_path) is None


def test_git_that_is_slow_takes_nothing_of_the_time_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 10\n")  # of which three seconds are waited for
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = load(tmp_path, "echo", "--users", "1", "--run-time", "2s", "--no-report")
    assert "before the run began" not in found.output
    assert found.summary["counts"]["connections_opened"], found.output


@pytest.mark.parametrize(
    "line",
    [
        'PASSWORD = "hunter2hunter2"',
        'TOKENS: list[str] = [decoded(each) for each in ["hunter2hunter2", "x"]]',
        "api_key='hunter2hunter2'",
        'headers = {"X-Auth-Token": "hunter2hunter2"}',
        'post(url, json={"password": "hunter2hunter2"})',
        'login("hunter2hunter2")  # which the run was given as a secret',
    ],
)
def test_secret_in_a_locustfile_is_masked(line: str, tmp_path: Path) -> None:
    given = ("hunter2hunter2",) if line.startswith("login") else ()
    assert "hunter2" not in text_of(tmp_path / "locustfile.py", f"{line}\n", *given)


def test_all_else_in_a_locustfile_stays(tmp_path: Path) -> None:
    text = 'rate = 2\nEVENT = "chat message"\nsend({"room": "lobby", "text": BODY}, auth=token)\n'
    assert text_of(tmp_path / "locustfile.py", text) == text


def test_long_locustfiles_are_cut(tmp_path: Path) -> None:
    long, next_one = tmp_path / "long.py", tmp_path / "next.py"
    long.write_text("#" * (MOST_SOURCE + 7))
    next_one.write_text("x = 1\n")
    first, second = sources([str(long), str(next_one), str(tmp_path / "missing.py")])
    assert (len(first["text"]), first["left_out"]) == (MOST_SOURCE, 7)
    assert (second["text"], second["left_out"]) == ("", 6)


def test_command_shows_what_is_known_to_be_no_secret() -> None:
    words = "load --users 5 chat.py http://a:b@host/?token=abcd --header X:secret --auth={}"
    shown = masked([*words.split(), "--misspelt", "secret", "--rules", "smoke"], {"chat.py"})
    told = " ".join(shown)
    assert "--users 5 chat.py" in told
    assert "--rules smoke" in told
    for hidden in ("secret", "abcd", "a:b", "{}"):
        assert hidden not in told
