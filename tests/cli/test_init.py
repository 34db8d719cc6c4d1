"""`sockproof init` writes a project that works as it is; what CI copies is valid and true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sockproof.api.load import DEFAULT_TARGET
from sockproof.cli.arguments import build_parser
from sockproof.cli.conformance import EMBEDDED
from sockproof.shelves import shelf
from sockproof.targets.launch import launch
from sockproof.targets.spec import load_targets
from tests.waiting import LIMIT, conclusive

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    "ci/github-workflow.yml": "vendor.github-workflows",
    "ci/gitlab-ci.yml": "vendor.gitlab-ci",
    "ci/site.yml": "vendor.github-workflows",
    "action.yml": "vendor.github-actions",
}


def init(*words: object) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "sockproof", "init", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def test_project_works_as_it_is(tmp_path: Path) -> None:
    done = init(tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new/.github/workflows/sockproof.yml").is_file()
    make = ["make", "gate", f"SOCKPROOF={sys.executable} -m sockproof"]
    ran = conclusive(
        lambda: subprocess.run(
            make, cwd=tmp_path / "new", capture_output=True, text=True, check=False, timeout=LIMIT
        )
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Gate passed" in ran.stdout


@pytest.mark.parametrize("name", ["own-application", "json-pubsub", DEFAULT_TARGET, *EMBEDDED])
def test_what_runs_by_default_needs_nothing_more(name: str) -> None:
    """`pip install sockproof` is enough for the servers that commands start by themselves."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = {re.split(r"[\[<>=]", each, maxsplit=1)[0] for each in project["dependencies"]}
    target = load_targets(shelf("targets"))[name]
    assert target.requires
    assert {re.split(r"[\[<>=]", each, maxsplit=1)[0] for each in target.requires} <= installed


def test_project_loads_the_server_that_is_named(tmp_path: Path) -> None:
    assert init(tmp_path).returncode == 0
    words = [f"SOCKPROOF={sys.executable} -m sockproof", "RUN_TIME=3s"]
    with launch(load_targets(shelf("targets"))["own-application"]) as target:
        ran = conclusive(
            lambda: subprocess.run(
                ["make", "load", f"URL={target.url}", *words],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
                timeout=LIMIT,
            )
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    summary = json.loads((tmp_path / "results/latest-load/summary.json").read_text())
    assert summary["target"]["url"] == target.url
    assert summary["counts"]["acknowledged"] > 0


@pytest.mark.parametrize("makefile", ["ci/project/Makefile", "Makefile"])
def test_commands_in_makefiles_are_understood(makefile: str) -> None:
    text = (ROOT / makefile).read_text()
    values = dict(re.findall(r"^(\w+) \??:?= *(.*)$", text, re.MULTILINE))
    commands = re.findall(r"^\t(?:\$\(SOCKPROOF\)|\$\(BIN\)/sockproof) (.*)$", text, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        words = re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], command).split()
        options, more = build_parser().parse_known_args(words)
        assert not more
        assert options.command == words[0]


def test_project_says_where_to_edit(tmp_path: Path) -> None:
    init(tmp_path)
    text = (tmp_path / "locustfile.py").read_text()
    assert len(re.findall(r"# .*\b[Yy]ours?\b", text)) >= 4
    assert "targets/" not in text  # which a project of one's own has not


def test_nothing_is_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "Makefile"
    mine.write_text("mine")
    done = init(tmp_path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "Makefile already exists" in done.stderr
    assert mine.read_text() == "mine"
    assert [*tmp_path.iterdir()] == [mine]
    assert init(tmp_path, "--force").returncode == 0
    assert mine.read_text() != "mine"


def test_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file" / "new")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", SCHEMAS)
def test_file_for_ci_keeps_its_schema(name: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[name]]
    done = subprocess.run(
        [*command, str(ROOT / name)], capture_output=True, text=True, check=False, timeout=LIMIT
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["ci/github-workflow.yml", "ci/gitlab-ci.yml"])
def test_ci_calls_what_the_makefile_has(name: str) -> None:
    called = re.findall(r"^ *-(?: run:)? make (\w+)", (ROOT / name).read_text(), re.MULTILINE)
    assert called == ["gate"]
    for makefile in ("Makefile", "ci/project/Makefile"):
        assert re.search(r"^gate:", (ROOT / makefile).read_text(), re.MULTILINE)


def test_action_runs_a_command_that_is_understood(tmp_path: Path) -> None:
    text = (ROOT / "action.yml").read_text()
    found = re.search(r"sockproof load .*?--rules \"\$RULES\"", text, re.DOTALL)
    assert found is not None
    defaults = dict(
        re.findall(r"  ([\w-]+):\n    description: .*\n    default: \"?(.*?)\"?\n", text)
    )
    command = found[0].replace("sockproof", f'"{sys.executable}" -m sockproof', 1)
    script = command.replace("\n", " ") + f' --results "{tmp_path}"'
    variables = {name.upper().replace("-", "_"): value for name, value in defaults.items()}
    variables["RUN_TIME"] = "8s"
    done = conclusive(
        lambda: subprocess.run(
            ["bash", "-c", script],
            env={"PATH": "/usr/bin:/bin", **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "latest-load" / "gate.md").is_file()
