"""Commands import what they need when they are chosen, so that they start at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.cli.arguments import COMMANDS, build_parser
from tests.render.load_sample import run_folder
from tests.waiting import LIMIT

HEAVY = {"numpy", "pandas", "matplotlib", "requests", "aiohttp", "socketio", "locust", "gevent"}
LOADED = """
import sys
from sockproof.cli import main

try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print("\\n", *sys.modules, file=sys.stderr)
"""


def loaded(*words: str) -> tuple[str, set[str]]:
    """What a command prints, and the modules that it has imported at its end."""
    command = [sys.executable, "-c", LOADED, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT)
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_no_command(option: str) -> None:
    said, modules = loaded(option)
    assert "sockproof" in said
    assert not modules & HEAVY
    assert not modules & {"asyncio", "ssl", "jinja2", "rich"}
    assert not {each for each in modules if each.startswith("sockproof.conformance")}
    assert not {f"sockproof.cli.{name}" for name in COMMANDS} & modules


def test_the_package_imports_what_is_asked_for() -> None:
    code = "import sys, sockproof; print(sockproof.__version__, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert {each for each in modules if each.startswith("sockproof")} == {"sockproof"}
    assert not modules & (HEAVY | {"asyncio", "ssl", "argparse"})
    code = "import sys, sockproof; sockproof.judge; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_of_a_command_imports_no_other(command: str) -> None:
    said, modules = loaded(command, "--help")
    assert f"sockproof {command}" in said
    needed = {"numpy"} if command == "gate" else set()
    assert not modules & HEAVY - needed


def test_cases_are_judged_without_what_load_runs_need() -> None:
    said, modules = loaded("conformance", "--list", "--case", "websocket/masking/*")
    assert "websocket/masking/" in said
    assert not modules & HEAVY


def test_a_report_of_a_load_run_needs_no_pandas(tmp_path: Path) -> None:
    said, modules = loaded("report", str(run_folder(tmp_path / "run")))
    assert "report.html" in said
    assert "matplotlib" in modules
    assert "pandas" not in modules


def test_users_import_no_reference_client() -> None:
    """A load run of lean connections needs none: it is imported where it is asked for."""
    code = """if True:
        import sys
        from sockproof.load.users import RoomUser, WebSocketUser
        print(*sys.modules)
        for kind in (RoomUser, WebSocketUser):
            kind.connections_of("reference")
        print(*sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, behind = (set(line.split()) for line in done.stdout.splitlines())
    references = {"socketio", "engineio", "aiohttp", "sockproof.load.reference.websocket"}
    assert not before & references
    assert behind >= references - {"aiohttp"}


def test_cases_are_found_without_the_programs_that_they_start() -> None:
    said, modules = loaded("conformance", "--list", "--suite", "clients")
    assert "clients/" in said
    assert not modules & HEAVY


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_only_the_chosen_command_has_its_arguments(command: str) -> None:
    whole, chosen = build_parser(), build_parser([command])
    assert whole.format_help() == chosen.format_help()
    with pytest.raises(SystemExit) as end:
        chosen.parse_args([command, "--no-such-option"])
    assert end.value.code == 3
