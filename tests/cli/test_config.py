"""Options from files and variables: what holds, whence, and what is refused in one line."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from sockproof.cli import main
from sockproof.cli.arguments import COMMANDS, build_parser
from sockproof.cli.command import _options
from sockproof.cli.configuration import Configuration, configuration, options_of, subparser
from sockproof.cli.scenario_options import PassOn
from sockproof.load.locust.options import REPEATED, SECRET_ARGUMENTS
from sockproof.settings import SettingError, read_settings, variables
from tests.waiting import LIMIT

# Variables of the product that set no option.
OTHERS = (
    *("SOCKPROOF_TRACEBACK", "SOCKPROOF_REQUIRE_TARGETS", "SOCKPROOF_STARTED_BY"),
    *("SOCKPROOF_TOLD", "SOCKPROOF_FIXTURE", "SOCKPROOF_PYTHON", "SOCKPROOF_TEST_ALL"),
    *("SOCKPROOF_TEST_SEED", "SOCKPROOF_TEST_SHARED", "SOCKPROOF_TEST_STANDSTILL"),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in SECRET_ARGUMENTS.values():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(text: str, name: str = "sockproof.toml") -> None:
    Path(name).write_text(text, encoding="utf-8")


def option_parsers() -> dict[str, argparse.ArgumentParser]:
    whole = build_parser()
    return {name: found for name in COMMANDS if options_of(found := subparser(whole, name))}


PARSERS = option_parsers()
ALL = [(command, name) for command, parser in PARSERS.items() for name in options_of(parser)]


def sample(action: argparse.Action, name: str) -> Any:
    """A value that the option accepts and that is not its default, as TOML has it."""
    if action.nargs == 0:
        return True
    known = {
        "header": "A: 1",
        "cookie": "a=1",
        "auth": "{}",
        "transport": "polling",
        "client": "reference",
        "rows": "end",
        "run-time": "33s",
        "stages": "5s:3",
        "max-time": "33s",
        "slo": "counts.lost == 0",
        "latency": "connect",
    }
    if action.choices is not None:
        one: Any = list(action.choices)[-1]
    elif name in known:
        one = known[name]
    elif isinstance(action, PassOn):
        one = "/x" if name in ("path", "namespace") else 3 if action.metavar in _NUMBERS else "x"
    else:
        try:
            one = 3 if callable(action.type) and action.type("3") == 3 else "x"
        except argparse.ArgumentTypeError:
            one = "x"
    if isinstance(action.nargs, int):
        return [one] * action.nargs
    is_list = isinstance(action, argparse._AppendAction) or action.nargs == "+"
    return [one] if is_list or (isinstance(action, PassOn) and name in REPEATED) else one


_NUMBERS = ("R", "N", "MS", "S", "PID", "PORT", "[HOST:]PORT")


def toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def held(command: str) -> Configuration:
    return Configuration(PARSERS[command], command, read_settings())


def parsed(*words: str) -> Namespace:
    return _options(words)


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command says that is refused: one line."""
    assert main(words) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("command", PARSERS)
def test_every_option_is_read_from_file_and_environment(command: str) -> None:
    for name in options_of(PARSERS[command]):
        with pytest.MonkeyPatch.context() as monkeypatch:
            is_read(command, name, monkeypatch)


def is_read(command: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option, with and without its command, from the file and from variables."""
    value = sample(options_of(PARSERS[command])[name], name)
    write(f"[{command}]\n{name.replace('-', '_')} = {toml(value)}\n")
    from_file, source = held(command).value(name)
    assert source == "sockproof.toml"
    write(f"{name} = {toml(value)}\n")
    assert held(command).value(name) == (from_file, source)
    Path("sockproof.toml").unlink()
    text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    for variable in reversed(variables(command, name)):
        monkeypatch.setenv(variable, text)
        assert held(command).value(name) == (from_file, variable)


@pytest.mark.parametrize("command", PARSERS)
def test_every_option_refuses_a_wrong_type(command: str) -> None:
    for name in options_of(PARSERS[command]):
        write(f"[{command}]\n{name} = {{x = 1}}\n")
        said = rf"^sockproof.toml: {command}.{name}: must be "
        with pytest.raises(SettingError, match=said):
            held(command)


def test_no_two_options_have_one_variable() -> None:
    found: dict[str, tuple[str, str]] = {}
    for command, name in ALL:
        own, common = variables(command, name)
        assert found.setdefault(own, (command, name)) == (command, name)
        assert found.setdefault(common, ("", name)) == ("", name)
    assert not set(OTHERS) & set(found)
    assert all(found[each] == ("", name) for name, each in SECRET_ARGUMENTS.items())


def test_order_is_command_line_environment_file_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed("load", "echo").users is None
    write("users = 21\n")
    assert parsed("load", "echo").users == 21
    write("users = 21\n[load]\nusers = 22\n")
    assert parsed("load", "echo").users == 22
    monkeypatch.setenv("SOCKPROOF_USERS", "23")
    assert parsed("load", "echo").users == 23
    monkeypatch.setenv("SOCKPROOF_LOAD_USERS", "24")
    assert parsed("load", "echo").users == 24
    found = parsed("load", "echo", "--users", "20")  # the default, and typed all the same
    assert found.users == 20
    assert found.configured == []
    assert found.run_time is None
    monkeypatch.setenv("SOCKPROOF_LOAD_USERS", "")
    assert parsed("load", "echo").users == 23


def test_options_of_scenarios_go_on_to_locust(monkeypatch: pytest.MonkeyPatch) -> None:
    write('[load]\nrate = 5\npoisson = true\ndeflate = false\nheader = ["A: 1", "B: 2"]\n')
    found = parsed("load", "echo", "ws://127.0.0.1:1/", "--tags", "x")
    assert found.more == ["--rate=5", "--poisson", "--tags", "x"]
    assert found.secrets == {"header": "A: 1\nB: 2"}
    found = parsed("load", "echo", "--rate", "6", "--header", "C: 3")
    assert found.more == ["--poisson", "--rate=6"]
    assert found.secrets == {"header": "C: 3"}
    monkeypatch.setenv("SOCKPROOF_HEADER", "D: 4\nE: 5")
    assert parsed("load", "echo").secrets == {"header": "D: 4\nE: 5"}


def test_lists_are_replaced_and_what_is_required_may_be_set() -> None:
    write('[conformance]\nsuite = ["websocket", "deflate"]\n[capacity]\nslo = "counts.lost == 0"\n')
    assert parsed("conformance").suite == ["websocket", "deflate"]
    assert parsed("conformance", "--suite", "engineio").suite == ["engineio"]
    assert parsed("conformance").case == []
    assert parsed("capacity", "echo").slo == ["counts.lost == 0"]
    write("")
    with pytest.raises(SystemExit) as end:
        parsed("capacity", "echo")
    assert end.value.code == 3


def test_what_contradicts_a_typed_word_does_not_hold() -> None:
    write('target = "node-ws"\n[load]\nrules = "smoke"\n[ab]\na-target = "x"\na-pid = 5\n')
    assert parsed("load", "echo").target == "node-ws"
    assert parsed("load", "echo", "ws://127.0.0.1:1/").target is None
    assert parsed("conformance", "ws://127.0.0.1:1/").target == []
    worker = parsed("load", "--worker")
    assert (worker.target, worker.rules) == (None, None)
    found = parsed("ab", "echo", "--a", "ws://127.0.0.1:1/")
    assert (found.a_target, found.a_pid) == (None, 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[load]\nuser = 5\n", "load.user: unknown key; Locust's own are for locust.conf"),
        ("usres = 5\n", "usres: unknown key"),
        ("[laod]\nusers = 5\n", "laod: unknown table"),
        ("[[load]]\nusers = 5\n", "load: unknown key"),
        ('[load]\nusers = "many"\n', "load.users: a whole number from 1 to 1000000, not 'many'"),
        ("[load]\nusers = 2.5\n", "load.users: a whole number from 1 to 1000000, not '2.5'"),
        ("[load]\nusers = true\n", "load.users: must be a number or a string"),
        ("[load]\nusers = [5]\n", "load.users: must be a number or a string"),
        ('[load]\nrate = "fast"\n', "load.rate: must be a number, not 'fast'"),
        ("[load]\nrate = -1\n", "load.rate: must be a number from 0 to 1e+06, not -1"),
        ('[load]\nquiet = "yes"\n', "load.quiet: must be true or false"),
        ("[load]\nheader = 5\n", "load.header: must be a string or a list of them"),
        ("results = 5\n", "results: must be a string"),
        ('results = "a\\u0000b"\n', "results: must not contain NUL"),
        ("[load]\nspawn-rate = 1\nspawn_rate = 2\n", "the same as spawn-rate; keep one of them"),
        ('[load]\ntransport = "pigeon"\n', "load.transport: is one of"),
        ('[load]\nmetrics-port = "x"\n', "load.metrics-port: must be [HOST:]PORT"),
        ("[load\n", "is not TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(text)
    told = complaint(capsys, "load", "echo")
    assert told.startswith("sockproof: sockproof.toml: ")
    assert said in told
    assert complaint(capsys, "config") == told


def test_what_is_wrong_in_a_variable_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOCKPROOF_LOAD_USERS", "many")
    said = complaint(capsys, "load", "echo")
    assert said.startswith("sockproof: SOCKPROOF_LOAD_USERS: a whole number from 1 to 1000000")
    monkeypatch.setenv("SOCKPROOF_LOAD_USERS", "5")
    monkeypatch.setenv("SOCKPROOF_QUIET", "perhaps")
    assert "SOCKPROOF_QUIET: must be true or false" in complaint(capsys, "load", "echo")


def test_other_commands_are_not_disturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    write("users = 5\n[load]\nno-such-option = 1\n")
    monkeypatch.setenv("SOCKPROOF_MASTER_PORT", "tcp://10.0.0.7:5557")  # as Kubernetes does
    assert parsed("conformance").timeout == 5.0
    write("")
    assert parsed("load", "echo").master_port is None
    for word in ("--help", "-h"):
        write("[load\n")
        with pytest.raises(SystemExit) as end:
            parsed("load", word)
        assert end.value.code == 0


def test_pyproject_is_read_where_it_speaks_of_sockproof(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("[tool.sockproof.load]\nusers = 7\n", "pyproject.toml")
    assert held("load").value("users") == (7, "pyproject.toml [tool.sockproof]")
    assert parsed("load", "echo").users == 7
    write("[load]\nusers = 8\n")
    capsys.readouterr()
    assert parsed("load", "echo").users == 8
    said = "sockproof: pyproject.toml: [tool.sockproof] is ignored, as there is a sockproof.toml\n"
    assert capsys.readouterr().err == said
    Path("sockproof.toml").unlink()
    write("[tool.sockproof.load]\nuser = 7\n", "pyproject.toml")
    assert "pyproject.toml [tool.sockproof]: load.user: unknown" in complaint(capsys, "load", "x")
    write("[tool]\nsockproof = 5\n", "pyproject.toml")
    assert "tool.sockproof: must be a table" in complaint(capsys, "load", "x")
    for text in ("[project]\ndependencies = ['sockproof']\n", "sockproof {", "[tool.ruff\n"):
        write(text, "pyproject.toml")
        assert parsed("load", "echo").users is None


def test_what_is_ignored_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed("load", "echo")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("LOCUST_USERS", "5")
    monkeypatch.setenv("LOCUST_LOGLEVEL", "DEBUG")
    monkeypatch.setenv("SOCKPROOF_LOAD_USRES", "5")
    write("spawn-rate = 3\nloglevel = INFO\n# run-time = 5\n", "locust.conf")
    parsed("load", "echo")
    assert capsys.readouterr().err.splitlines() == [
        "sockproof: SOCKPROOF_LOAD_USRES is ignored: load has no option --usres",
        "sockproof: LOCUST_USERS is ignored: --users holds",
        "sockproof: locust.conf: spawn-rate is ignored: --spawn-rate holds",
    ]
    parsed("conformance")
    assert capsys.readouterr().err == ""


def test_config_prints_what_holds_and_whence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        'token = "sekret-1"\nresults = "runs"\n[load]\nheader = ["A: sekret-2"]\nrate = 5\n'
        '[ab]\na = "ws://me:sekret-3@127.0.0.1/?token=sekret-4"\n'
    )
    monkeypatch.setenv("SOCKPROOF_LOAD_USERS", "50")
    monkeypatch.setenv("SOCKPROOF_AUTH", '{"x": "sekret-5"}')
    assert main(["config"]) == 0
    said = capsys.readouterr().out
    assert "sekret" not in said
    held = tomllib.loads(said)
    assert held["load"]["users"] == 50
    assert held["load"]["header"] == "***"
    assert held["conformance"]["token"] == held["load"]["auth"] == "***"
    assert "users = 50  # SOCKPROOF_LOAD_USERS\n" in said
    assert 'results = "runs"  # sockproof.toml\n' in said
    assert "# run-time is not set\n" in said
    assert "# rules is not set\n" in said
    assert set(held) == set(PARSERS)
    for command, parser in PARSERS.items():
        for name in options_of(parser):
            assert name in held[command] or f"# {name} is not set" in said
    assert main(["config", "load"]) == 0
    assert set(tomllib.loads(capsys.readouterr().out)) == {"load"}
    assert "no command 'laod'" in complaint(capsys, "config", "laod")


def test_nothing_set_leaves_the_parser_alone() -> None:
    parser = build_parser(["load"])
    assert configuration(parser, "load") is None
    assert configuration(build_parser(["doctor"]), "doctor") is None


_START = """
import sys
from sockproof.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_start_reads_no_configuration(option: str) -> None:
    write("[load\n")
    command = [sys.executable, "-c", _START, option]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT)
    modules = set(done.stderr.split())
    assert not {"sockproof.settings", "sockproof.cli.configuration"} & modules


_LOCUST = """
import os, sys
from locust.argument_parser import parse_options
import sockproof.load.locust.hooks
told = parse_options(sys.argv[1:])
print(repr((told.rate, told.poisson, told.drain, told.header, told.results)))
"""


def locust(*words: str) -> subprocess.CompletedProcess[str]:
    """What plain Locust reads of the options of scenarios."""
    command = [sys.executable, "-c", _LOCUST, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def test_plain_locust_reads_options_of_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    write('results = "runs"\n[load]\nusers = 5\nrate = 5\npoisson = true\nheader = ["A: 1"]\n')
    write("rate = 7\ndrain = 4\n", "locust.conf")
    monkeypatch.setenv("SOCKPROOF_LOAD_HEADER", "B: 2\nC: 3")
    done = locust()
    told = done.stdout.splitlines()[-1]  # after a warning of Locust's
    assert told == r"('5', True, '4', 'B: 2\nC: 3', 'runs')", done.stderr
    assert locust("--rate", "6").stdout.splitlines()[-1].startswith("('6', True")
    write('[load]\nrate = "fast"\n')
    done = locust()
    assert done.returncode == 3
    assert done.stderr == "sockproof: sockproof.toml: load.rate: must be a number, not 'fast'\n"
    write("usres = 5\n")  # which its summary would refuse when all is over
    done = locust()
    assert done.returncode == 3
    assert done.stderr == "sockproof: sockproof.toml: usres: unknown key\n"
