"""`sockproof conformance` as a person types it: exit codes, one clear line, reports, secrets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from sockproof.formats.schema import path_of
from sockproof.runs.records import read_run
from tests.waiting import LIMIT

RUN = [sys.executable, "-c", "from sockproof.cli import run; run()"]
MASKING = ["--case", "websocket/masking/*"]


def sockproof(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *words], cwd=cwd, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def test_nobody_listening_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = sockproof("conformance", "ws://127.0.0.1:1/", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "sockproof: 127.0.0.1:1 cannot be reached: connection refused\n"
    assert list(tmp_path.glob("results/*")) == []


def test_server_that_never_answers_costs_one_limit(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
        done = sockproof("conformance", url, "--timeout", "0.5", cwd=tmp_path)
    assert done.returncode == 2
    assert "does not answer within 0.5 s" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["ftp://127.0.0.1/"],
        ["ws://127.0.0.1:1/", "--jobs", "many"],
        ["ws://127.0.0.1:1/", "--no-such-option"],
        ["ws://127.0.0.1:1/", "--suite", "nonsense"],
        ["ws://127.0.0.1:1/", "--case", "no/such/case"],
        ["ws://127.0.0.1:1/", "--header", "no colon"],
        ["http://127.0.0.1:1/", "--auth", "{broken"],
        ["http://127.0.0.1:1/", "--auth", "[" * 100_000],
        ["ws://127.0.0.1:1/", "--profile", "bad.toml"],
        ["ws://127.0.0.1:1/", "--profile", "missing.toml"],
        ["ws://127.0.0.1:1/", "--expect", "bad.toml"],
        ["ws://127.0.0.1:1/", "--json", "no/such/folder/report.json"],
        ["--target", "nobody"],
        ["ws://127.0.0.1:1/", "--exclude", "no/such/case"],
        ["ws://127.0.0.1:1/", "--exclude", "*"],
    ],
)
def test_wrong_command_is_one_line_and_exit_code_3(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[profile\n", encoding="utf-8")
    done = sockproof("conformance", *words, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["conformance", "ws://127.0.0.1:9/", "--haeder", "X-Own: sekret-1"],
        ["conformance", "ws://127.0.0.1:9/", "--haeder=X-Own:sekret-1"],
        ["conformance", "ws://127.0.0.1:9/", "--he=sekret-1"],
        ["gate", "results", "--bass=sekret-1"],
    ],
)
def test_misspelt_option_shows_no_value(words: list[str], tmp_path: Path) -> None:
    done = sockproof(*words, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "sekret" not in done.stderr + done.stdout


def test_fields_of_the_user_stand_alone_and_accuse_nobody(tmp_path: Path) -> None:
    done = sockproof(
        *("conformance", "--target", "websockets", "--json", "r.json"),
        *("--case", "websocket/request_fields/*", "--case", "*/nothing_makes_up_for_a_missing*"),
        *("--header", "Origin: http://a.example", "--header", "x-sockproof-value: mine"),
        *("--cookie", "id=1"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    outcomes = {case["id"]: case["outcome"] for case in read_run(tmp_path / "r.json")["cases"]}
    told = "websocket/request_fields/field_of_the_request_reaches_the_application[{}]"
    assert outcomes[told.format("own")] == outcomes[told.format("origin")] == "UNSUPPORTED"
    assert outcomes[told.format("cookie")] == outcomes[told.format("equals")] == "PASS"


def test_run_on_a_target_writes_reports_that_hold_no_secret(tmp_path: Path) -> None:
    secrets = ["sekret-header-1", "sekret-cookie-2", "sekret-token-3"]
    done = sockproof(
        *("conformance", "--target", "websockets", *MASKING),
        *("--case", "websocket/request_fields/*"),
        *("--header", f"Authorization: Bearer {secrets[0]}", "--cookie", f"id={secrets[1]}"),
        *("--token", secrets[2], "--json", "r.json", "--html", "r.html", "--junit", "r.xml"),
        *("--markdown", "r.md"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    schema = path_of("conformance-report")
    jsonschema.validate(report, json.loads(schema.read_text(encoding="utf-8")))
    assert report["counts"]["PASS"] >= 10
    everything = done.stdout + "".join(
        (tmp_path / name).read_text(encoding="utf-8")
        for name in ("r.json", "r.html", "r.xml", "r.md")
    )
    squeezed = everything.replace(" ", "")
    for secret in secrets:
        assert secret not in everything
        assert secret.encode().hex() not in squeezed


def test_cases_may_be_left_out_and_be_listed(tmp_path: Path) -> None:
    words = ["conformance", "--target", "websockets", *MASKING, "--json", "r.json"]
    done = sockproof(*words, "--exclude", "*/masking/[!a]*", "-v", cwd=tmp_path)
    assert done.returncode == 3  # brackets mean themselves
    left_out = "websocket/masking/unmasked_*"
    done = sockproof(*words, "--exclude", left_out, "-v", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["excluded"] == [left_out]
    assert not [each["id"] for each in report["cases"] if "/unmasked_" in each["id"]]
    assert done.stdout.rstrip().endswith(f"; without {left_out}")
    assert "\nwebsocket  masking" in done.stdout


def test_interrupt_leaves_the_reports_of_what_was_done(tmp_path: Path) -> None:
    words = ["conformance", "--target", "websockets", "--repeat", "300", "--jobs", "1"]
    process = subprocess.Popen(
        [*RUN, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    while "cases" not in process.stdout.readline():
        assert process.poll() is None
    records = next(tmp_path.glob("results/2*/run.jsonl"))
    while records.read_bytes().count(b"\n") < 20:
        assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    report = json.loads(records.with_name("report.json").read_text(encoding="utf-8"))
    assert report["interrupted"] is True
    assert report["exit_code"] == 130
    assert len(report["cases"]) > 10
    assert "nterrupted" in records.with_name("report.html").read_text(encoding="utf-8")
