"""Each option of each command is described, with the default that it has."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sockproof
from sockproof.api import ab
from sockproof.api.load import DEFAULT_TARGET
from sockproof.cli.arguments import COMMANDS, Parser, build_parser
from sockproof.cli.scenario_options import ROOM_SIZE, scenarios
from sockproof.load.locust import options as scenario_options
from sockproof.shelves import shelf

OLD_SPELLINGS = {"--payload-octets"}  # understood for a version, and shown nowhere
INTERNAL = {"--run-folder"}
UNLISTED = {  # they say nothing to these commands
    "ab": {"--rows", "--rows-port", "--target-pid"},
    "capacity": {"--rows", "--rows-port", "--stages"},
}
# Of options whose default the command works out by itself: what is shown.
WORKED_OUT = {
    ("ab", "--metric"): "latency.ack.intended.p50_ms, and CPU time if it is measured for both",
    ("ab", "--tolerance"): f"{ab.TOLERANCE:.0%}",
    ("ab", "--seed"): "random",
    ("ab", "--pairs"): str(ab.PAIRS),
    ("ab", "--max-pairs"): str(ab.MAX_PAIRS),
    ("ab", "--runs"): "twice --max-pairs",
    ("capacity", "--target"): f"the scenario's own, or {DEFAULT_TARGET}",
}


def parser_of(command: str) -> argparse.ArgumentParser:
    parser = build_parser([command])
    (commands,) = (each for each in parser._actions if hasattr(each, "choices") and each.choices)
    assert isinstance(commands.choices, dict)
    found = commands.choices[command]
    assert isinstance(found, argparse.ArgumentParser)
    return found


def options_of(command: str) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser_of(command)._actions:
        yield action.option_strings[-1] if action.option_strings else action.dest, action


def text_of(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """What the help shows of it, on one line."""
    formatter = argparse.HelpFormatter(parser.prog, width=1000)
    formatter.add_argument(action)
    return " ".join(formatter.format_help().split())


class _Defaults:
    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def add_argument(self, *names: str, **how: Any) -> None:
        self.found[names[0]] = how.get("default")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described(command: str) -> None:
    for name, action in options_of(command):
        assert action.help, name
        if action.help == argparse.SUPPRESS:
            assert name in OLD_SPELLINGS | INTERNAL | UNLISTED.get(command, set())
            continue
        assert not action.help.endswith("."), name
        assert "(default" not in action.help or "(default: " in action.help, name


@pytest.mark.parametrize("command", COMMANDS)
def test_default_that_is_shown_is_the_real_one(command: str) -> None:
    defaults = _Defaults()
    scenario_options.add_arguments(defaults)
    parser = parser_of(command)
    for name, action in options_of(command):
        default, text = action.default, text_of(parser, action)
        if action.nargs == 0 or action.help == argparse.SUPPRESS:
            continue
        if action.dest.startswith("passed_"):
            default = defaults.found[name]
        shown = re.search(r"\(default: (.*)\)$", text)
        if (command, name) in WORKED_OUT:
            assert shown is not None, name
            assert shown[1] == WORKED_OUT[command, name]
        elif default not in (None, "", []):
            assert shown is not None, f"{name} does not say its default: {text}"
            read = action.type if callable(action.type) else str
            assert read(shown[1]) == default, name


def test_usage_shows_what_is_required() -> None:
    said = parser_of("capacity").format_usage()
    assert " --slo RULE [OPTIONS] SCENARIO [URL]" in said


@pytest.mark.parametrize("command", ["load", "ab", "capacity"])
def test_scenarios_and_their_options_are_listed(command: str) -> None:
    said = parser_of(command).format_help()
    for option in ("--rate R", "--room-size N", "--transport NAME", "--payload-bytes N"):
        assert option in said
    for path in shelf("locustfiles").glob("*.py"):
        assert re.search(rf"^  {path.stem} .*\.$", said, re.MULTILINE), path.stem


def test_defaults_of_scenarios_are_those_that_they_have() -> None:
    said = scenarios()
    # Locust patches whatever imports it, so the class is read.
    package = Path(sockproof.__file__).parent
    texts = [each.read_text(encoding="utf-8") for each in package.rglob("*user*.py")]
    assert any(
        re.search(rf"class RoomUser.*^    room_size = {ROOM_SIZE}$", each, re.M | re.S)
        for each in texts
    )
    for line in ("chat_rooms 1 10", "mixed_transports 0.5 12", "echo 0 –", "idle_soak – –"):
        assert re.search(r" +".join(["", *line.split(), ""]), said), line


def test_each_command_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    said = build_parser([]).format_help()
    for name, purpose in COMMANDS.items():
        assert re.search(rf"^ +{name} +{re.escape(purpose)}$", said, re.MULTILINE)
        assert not purpose.endswith(".")
        assert f"{purpose}." in " ".join(parser_of(name).format_help().split())


def test_parser_complains_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Parser(prog="sockproof").parse_args(["--nonsense"])
    assert capsys.readouterr().err.count("\n") == 1
