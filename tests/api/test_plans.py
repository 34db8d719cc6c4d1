"""Plans are made of options once; nobody makes up options, changes them, or looks into others'."""

from __future__ import annotations

import ast
import inspect
from argparse import Namespace
from dataclasses import fields
from pathlib import Path

import pytest

import sockproof.api
from sockproof.api.judge import judge
from sockproof.api.load import load
from sockproof.api.plans import ComparisonPlan, JudgePlan, LoadPlan
from sockproof.cli.arguments import COMMANDS, build_parser
from sockproof.cli.judge_plans import judge_plan, matrix_plan
from sockproof.cli.load_plans import comparison_plan, load_plan
from sockproof.errors import CommandError
from sockproof.load.locust.options import SECRET_ARGUMENTS, without_secrets

SOURCE = Path(sockproof.api.__file__).parents[1]
# Those that turn options into something else, and those that make them.
MAY_LOOK = {"client_plans", "judge_plans", "load_plans", "command", "configuration"}


def _trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


def forged(tree: ast.AST) -> list[int]:
    """The lines in which options are made up."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if ast.unparse(call.func).endswith("Namespace")]


def changed(tree: ast.AST) -> list[int]:
    """The lines in which options are changed."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and isinstance(node.value, ast.Name)
        and node.value.id == "options"
    ]


def lookers(tree: ast.AST) -> list[str]:
    """The functions that are handed options."""
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(
            each.annotation is not None and "Namespace" in ast.unparse(each.annotation)
            for each in (*node.args.args, *node.args.kwonlyargs)
        )
    ]


def test_no_options_are_made_up_or_changed() -> None:
    for path, tree in _trees().items():
        assert not forged(tree), path
        if path.stem not in MAY_LOOK:
            assert not changed(tree), path


def test_options_go_no_further_than_the_command() -> None:
    for path in sorted((SOURCE / "cli").glob("*.py")):
        if path.stem not in MAY_LOOK:
            allowed = {path.stem} & set(COMMANDS)
            assert set(lookers(ast.parse(path.read_text()))) <= allowed, path
    for path in (SOURCE / "api").glob("*.py"):
        assert "argparse.Namespace" not in path.read_text()
        assert not lookers(ast.parse(path.read_text())), path


def test_what_is_made_up_would_be_found() -> None:
    tree = ast.parse(
        "def other(options: Namespace) -> None:\n"
        "    options.users = 3\n"
        "    load(argparse.Namespace(url=None))\n"
    )
    assert (forged(tree), changed(tree), lookers(tree)) == ([3], [2], ["other"])


def test_plans_are_checked_when_they_are_made() -> None:
    assert JudgePlan(url="ws://h/").jobs == 32
    assert LoadPlan(scenario="echo", run_time=90).run_time_word == "90s"
    for wrong in ({"jobs": 257}, {"repeat": 0}, {"timeout": 1e9}, {"suites": ("nonsense",)}):
        with pytest.raises(CommandError):
            JudgePlan(url="ws://h/", **wrong)
    with pytest.raises(CommandError, match="cannot be combined"):
        JudgePlan(url="ws://h/", targets=("websockets",))
    for wrong in ({"users": 0}, {"spawn_rate": 0}, {"run_time": 0.5}, {"processes": 1000}):
        with pytest.raises(CommandError):
            LoadPlan(scenario="echo", **wrong)


def typed(*words: str) -> Namespace:
    """What was typed behind `sockproof`."""
    return build_parser(words[:1]).parse_args(words)


def test_who_types_nothing_more_wants_what_a_program_wants_that_says_nothing_more() -> None:
    judged = judge_plan(typed("conformance", "ws://h/"))
    assert judged == JudgePlan(url="ws://h/")
    assert matrix_plan(typed("matrix")) == JudgePlan()
    assert load_plan(typed("load", "echo", "ws://h/")) == LoadPlan(scenario="echo", url="ws://h/")
    assert comparison_plan(typed("ab", "echo")) == ComparisonPlan()


def test_what_is_typed_stands_in_the_plan() -> None:
    words: tuple[str, ...]
    words = ("--header", "A: b", "--cookie", "c=d", "--suite", "deflate", "--jobs", "3", "--strict")
    plan = judge_plan(typed("conformance", "ws://h/", *words, "--auth", '{"a": 1}'))
    assert plan == JudgePlan(
        url="ws://h/",
        headers=(("A", "b"),),
        cookies=("c=d",),
        suites=("deflate",),
        jobs=3,
        strict=True,
        auth={"a": 1},
    )
    words = ("--users", "3", "-t", "1m", "--header", "A: b", "--shelf", "/s", "--processes", "2")
    assert load_plan(typed("load", "echo", *words)) == LoadPlan(
        scenario="echo",
        users=3,
        run_time=60,
        secrets={"header": "A: b"},
        shelf=Path("/s"),
        processes=2,
    )


def test_programs_can_say_what_can_be_typed() -> None:
    given = set(inspect.signature(judge).parameters) - {"results", "observer", "target"}
    assert given == {field.name for field in fields(JudgePlan)} - {"targets", "shelf"}
    options = without_secrets() | {f"--{name}" for name in SECRET_ARGUMENTS}
    names = {each.removeprefix("--").replace("-", "_") for each in options}
    names -= {"payload_octets", "run_folder"}  # a former spelling, and for Locust alone
    names -= {"rows", "rows_port"}  # of masters, whose workers people start
    several = {"header": "headers", "cookie": "cookies", "source": "sources"}
    whole = {field.name for field in fields(LoadPlan)} - {"secrets", "shelf"}
    assert set(inspect.signature(load).parameters) == whole | {
        several.get(name, name) for name in names
    }
