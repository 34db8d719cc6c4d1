"""What a case's end makes of its test, what is refused, and what the plugin leaves alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sockproof.pytest_plugin.judging import Case
from sockproof.pytest_plugin.processes import Failed, call
from sockproof.shelves import shelf
from tests.pytest_plugin.test_examples import PYTEST, run
from tests.waiting import LIMIT

CASE = "websocket/masking/unmasked_text"
TARGET = "import pytest\n@pytest.fixture(scope='session')\ndef sockproof_target(sockproof_serve):\n"
TESTS = """
    return sockproof_serve.{how}
@pytest.mark.sockproof(cases=["websocket/masking/unmasked_*"], timeout=20)
def test_it(sockproof_case):
    sockproof_case.check()
"""
ABSENT: dict[str, Any] = {"expectation": None, "aside": None, "wire": [], "summary": "a sentence"}


def case(outcome: str, level: str = "MUST", strict: bool = False, **more: Any) -> Case:
    stale = more.pop("stale", [])
    found = {"id": CASE, "requirement": "some", "outcome": outcome, "level": level, **ABSENT}
    found |= {"expected": "this", "got": "that", "rerun": "sockproof conformance …", **more}
    about = {"document": "RFC 6455", "section": "5.1", "text": "A sentence."}
    report = {"requirements": {"some": about}, "stale_expectations": stale, "target": "ws://a/"}
    return Case(CASE, report, found, strict)


@pytest.mark.parametrize(
    "ended",
    [case("PASS"), case("NON_STRICT"), case("FAIL", "SHOULD"), case("FAIL", "MAY", strict=True)],
)
def test_what_is_right_passes(ended: Case) -> None:
    ended.check()


@pytest.mark.parametrize(
    "ended",
    [case("FAIL"), case("FAIL", "DESCRIBED"), case("FAIL", "SHOULD", strict=True)],
)
def test_what_is_wrong_fails_with_its_evidence(ended: Case) -> None:
    with pytest.raises(
        pytest.fail.Exception, match=r"A sentence\.(.|\n)*expected  this\ngot +that"
    ):
        ended.check()


def test_what_was_not_judged_is_never_green() -> None:
    with pytest.raises(pytest.fail.Exception, match="inconclusive: that"):
        case("INCONCLUSIVE").check()
    aside = {"kind": "follows", "of": "other", "text": "something else is broken"}
    absent = Case(CASE, {"not_run": [CASE], "target": "ws://a/", "problem": "no time"}, None, False)
    for ended, why in (
        (case("INCONCLUSIVE", "SHOULD"), "inconclusive"),
        (case("UNSUPPORTED"), "unsupported"),
        (case("FAIL", aside=aside), "something else"),
        (absent, "did not run: no time"),
    ):
        with pytest.raises(pytest.skip.Exception, match=why):
            ended.check()


def test_what_is_known_is_xfail_while_it_lasts() -> None:
    known = {"file": "known.toml", "reason": "the library does so", "sometimes": False}
    with pytest.raises(pytest.xfail.Exception, match="the library does so"):
        case("FAIL", expectation=known).check()
    gone = {"case": "websocket/masking/*", "expected": "FAIL", **known}
    with pytest.raises(pytest.fail.Exception, match=r"was expected, and is no more.*known\.toml"):
        case("PASS", stale=[gone]).check()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "say which cases"),
        (["--sockproof-suite", "nonsense"], "no suite 'nonsense'"),
        (["--sockproof-case", "nonsense/*"], "no case matches"),
        (["--sockproof-case", "websocket/masking/unmasked_*"], "define a fixture"),
        (
            [
                "--sockproof-case",
                "websocket/masking/unmasked_*",
                "--sockproof-url",
                "ws://[::1]:1/",
            ],
            "cannot be reached",
        ),
    ],
)
def test_tests_that_cannot_be_run_are_no_success(
    tmp_path: Path, options: list[str], complaint: str
) -> None:
    (tmp_path / "test_it.py").write_text(
        "def test_it(sockproof_case):\n    sockproof_case.check()\n"
    )
    done = run([*PYTEST, *options], tmp_path)
    assert done.returncode not in (0, 5)
    assert complaint in done.stdout + done.stderr
    assert "passed" not in done.stdout


def test_arguments_that_cannot_be_handed_over_are_refused(tmp_path: Path) -> None:
    with pytest.raises(pytest.UsageError, match=r"sockproof\.judge: "):
        call("judge", {"url": object()})
    for arguments, why in (
        ({"url": "ws://[::1]:1/", "profile": tmp_path / "absent.toml"}, "absent.toml"),
        ({"no_such_argument": 1}, "unexpected keyword argument"),
    ):
        with pytest.raises(Failed, match=why):
            call("judge", arguments)


DOCKER = """#!/bin/sh
[ "$1" = run ] || exit 0
for word; do case $word in 127.0.0.1:*) port=${word#127.0.0.1:}; port=${port%%:*};; esac; done
exec "$PYTHON" "$SERVER" --port "$port"
"""


@pytest.mark.parametrize("how", ["command", "container"])
def test_servers_are_started(tmp_path: Path, how: str) -> None:
    server = shelf("targets") / "websockets" / "server.py"
    url = "url='ws://127.0.0.1:{port}/'"
    if how == "command":
        call = f"command(['{sys.executable}', '{server}', '--port', '{{port}}'], {url})"
    else:
        call = f"container('chat:latest', 80, {url})"
        (tmp_path / "docker").write_text(DOCKER)
        (tmp_path / "docker").chmod(0o755)
    (tmp_path / "test_it.py").write_text(TARGET + TESTS.replace("{how}", call))
    path = f"{tmp_path}:/usr/bin:/bin"
    done = run(PYTEST, tmp_path, PATH=path, PYTHON=sys.executable, SERVER=str(server))
    assert done.returncode == 0, done.stdout
    assert "test_it[websocket/masking" not in done.stdout
    assert " passed" in done.stdout


def test_runs_that_do_not_ask_for_it_have_the_plugin_alone(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\ndef test_it():\n"
        "    ours = {each for each in sys.modules if each.startswith('sockproof')}\n"
        "    assert ours == {'sockproof', 'sockproof.pytest_plugin'}\n"
        "    assert not {'gevent', 'locust', 'asyncio', 'msgspec', 'rich'} & set(sys.modules)\n"
    )
    done = run([*PYTEST, "-p", "no:xdist"], tmp_path)
    assert done.returncode == 0, done.stdout


def test_the_plugin_is_an_entry_point() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points.pytest11]\nsockproof = "sockproof.pytest_plugin"\n' in text
    code = "import importlib, sys; importlib.import_module('sockproof.pytest_plugin')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LIMIT)
