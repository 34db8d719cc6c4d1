"""What the shell gets: completion, help in colours, and what the machine lacks."""

from __future__ import annotations

import io
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.cli import doctor, main
from sockproof.cli.arguments import COMMANDS, build_parser
from sockproof.cli.completion import SHELLS
from tests.waiting import LIMIT

_TRY_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_shtab_sockproof
printf '%s\\n' "${COMPREPLY[@]}"
"""
_TRY_FISH = 'source $argv[1]; complete -C "$argv[2..]" | string split -f1 \\t; true'


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        command = [sys.executable, "-m", "sockproof", "completion", shell]
        with (folder / shell).open("w") as file:
            subprocess.run(command, stdout=file, check=True, timeout=LIMIT)
    return folder


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("confo", "conformance"),
        ("conformance --suite ro", "rooms"),
        ("conformance --target tom", "tomcat"),
        ("load chat", "chat_rooms"),
        ("load own.p", "own.py"),
        ("target tom", "tomcat"),
        ("completion fi", "fish"),
        ("no-such-command x", ""),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_words_are_completed(
    scripts: Path, tmp_path: Path, shell: str, words: str, completed: str
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "own.py").touch()
    told = [str(scripts / shell), "sockproof", *words.split()]
    script = ["-c", _TRY_FISH, *told] if shell == "fish" else ["-c", _TRY_BASH, "try", *told]
    done = subprocess.run(
        [shell, *script], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=LIMIT
    )
    assert done.stdout.split() == completed.split(), done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_script_names_every_command(scripts: Path, shell: str) -> None:
    script = (scripts / shell).read_text(encoding="utf-8")
    assert all(re.search(rf"\b{name}\b", script) for name in COMMANDS)
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n", scripts / shell], check=True, timeout=LIMIT)


def test_shell_that_is_not_supported_is_a_wrong_command() -> None:
    with pytest.raises(SystemExit) as end:
        main(["completion", "csh"])
    assert end.value.code == 3


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("term", "no_color", "coloured"),
    [("xterm", "", True), ("xterm", "1", False), ("dumb", "", False)],
)
def test_help_has_colours_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch, term: str, no_color: str, coloured: bool
) -> None:
    plain = build_parser(["load"]).format_help()
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", _Terminal())
    shown = build_parser(["load"]).format_help()
    assert ("\x1b[" in shown) == coloured
    words = re.sub(r"\x1b\[[\d;]*m", "", shown).lower().split()
    assert words == plain.lower().split()


def test_machine_that_has_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("Everything that is needed is there.\n")
    for name in ("versions", "files", "ports", "clock", "cores", "memory", "targets"):
        assert re.search(rf"^(ok|note) +{name} ", said, re.MULTILINE), name


def test_what_the_machine_lacks_is_told_with_what_helps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def limit(what: int) -> tuple[int, int]:
        return 64, 4096

    monkeypatch.setattr(resource, "getrlimit", limit)
    monkeypatch.setattr(doctor, "NEEDED", ("locust", "no-such-distribution"))
    monkeypatch.setattr(doctor, "EXTRAS", {"parquet": ("no-such-extra",)})
    monkeypatch.setattr(doctor, "MEMORY", 1 << 60)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^problem +libraries .*no-such-distribution missing$", said, re.MULTILINE)
    assert "→ pip install no-such-distribution\n" in said
    assert re.search(r"^problem +files +64 open files", said, re.MULTILINE)
    assert "→ ulimit -n 4096\n" in said
    assert "→ pip install 'sockproof[parquet]'\n" in said
    assert re.search(r"^note +memory ", said, re.MULTILINE)
    assert said.endswith("\n2 problems\n")
