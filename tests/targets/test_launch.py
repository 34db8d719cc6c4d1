"""Targets: what a `target.toml` says, what is missing, and what starts, installs and ends."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from sockproof.targets import install, launch
from sockproof.targets.certificates import make_certificates
from sockproof.targets.packages import debian_version
from sockproof.targets.spec import TargetError, TargetMissing, load_target, load_targets

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
print("started", *sys.argv[1:], flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[1])), BaseHTTPRequestHandler).serve_forever()
"""
BASE = {
    "name": "little",
    "title": "A little server",
    "kind": "websocket",
    "requires": ["pytest>=1"],
    "start": ["{python}", "server.py", "{port}"],
    "url": "ws://127.0.0.1:{port}/",
    "version": "pytest",
}


def folder(tmp_path: Path, **changes: object) -> Path:
    made = tmp_path / "little"
    made.mkdir(exist_ok=True)
    (made / "server.py").write_text(SERVER, encoding="utf-8")
    values = {key: value for key, value in {**BASE, **changes}.items() if value is not None}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(values[key])}" for key in values if key not in tables]
    for key, table in tables.items():
        lines += [f"[{key}]", *(f"{name} = {json.dumps(item)}" for name, item in table.items())]
    (made / "target.toml").write_text("\n".join(lines), encoding="utf-8")
    return made


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_target_starts_and_ends(tmp_path: Path) -> None:
    spec = load_target(folder(tmp_path))
    with launch.launch(spec) as running:
        assert running.url == f"ws://127.0.0.1:{running.port}/"
        assert f"started {running.port}" in running.stderr()
    assert spec.described() == f"A little server {pytest.__version__}"
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, PermissionError])
def test_start_that_fails_leaves_no_log(
    error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    spec = load_target(folder(tmp_path))
    logs = tmp_path / "logs"
    logs.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(logs))
    monkeypatch.setattr(launch, "start", fail)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else TargetError):
        launch.launch(spec)
    assert not list(logs.iterdir())


def test_free_port_is_none_that_the_kernel_gives_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launch, "_given_by_the_kernel", lambda: (30_000, 60_999))
    assert not {launch.free_port() for _ in range(30)} & set(range(30_000, 61_000))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken = listening.getsockname()[1]
        monkeypatch.setattr(launch, "_LOWEST", taken)
        monkeypatch.setattr(launch, "_given_by_the_kernel", lambda: (taken + 1, 65_535))
        assert launch.free_port() not in (taken, 0)  # the kernel chooses where no other is free


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"kind": "smtp"},
            "kind: unknown value 'smtp'; the values are websocket, socketio, application",
        ),
        ({"start": "python"}, "start: expected array, got string"),
        ({"tools": [1]}, "tools 1: expected string"),
        ({"title": None}, "the key 'title' is missing"),
        ({"packages": {"cc": 1}}, "packages.*: expected string"),
        ({"colour": "red"}, "unknown key 'colour'"),
    ],
)
def test_wrong_target_file_is_told_in_one_line(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(TargetError, match=told) as caught:
        load_target(folder(tmp_path, **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"requires": ["no-such-distribution>=1"]}, "pip install 'no-such-distribution>=1'"),
        ({"tools": ["no-such-tool"]}, "needs: no-such-tool on the PATH"),
        (
            {"tools": ["no-such-tool", "sh"], "packages": {"no-such-tool": "a-package", "sh": "b"}},
            "needs: apt-get install a-package",
        ),
        ({"install": ["{python}", "-c", "import sys; sys.exit('no network')"]}, "no network"),
        ({"install": ["/no/such/program"]}, "cannot be installed"),
    ],
)
def test_missing_requirement_is_one_line_that_may_be_passed_over(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    spec = load_target(folder(tmp_path, **changes))
    with pytest.raises(TargetMissing, match=re.escape(told)) as caught:
        launch.launch(spec)
    assert "\n" not in str(caught.value)


def test_install_runs_once_into_a_folder_of_its_own(tmp_path: Path) -> None:
    count = "open('ran', 'a').write('x')"
    spec = load_target(folder(tmp_path, install=["{python}", "-c", count]))
    (spec.folder / "package.json").write_text("{}", encoding="utf-8")
    for _ in range(2):
        launch.launch(spec).stop()
    assert (spec.home / "ran").read_text(encoding="utf-8") == "x"
    assert (spec.home / "package.json").exists()
    assert not (spec.folder / "ran").exists()


def test_installation_that_another_process_never_ends_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "INSTALL_SECONDS", 0.2)
    spec = load_target(folder(tmp_path, install=["true"]))
    spec.home.mkdir(parents=True)
    with (spec.home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TargetMissing, match="another process has been installing it") as caught:
            install.prepare(spec)
    assert "\n" not in str(caught.value)
    install.prepare(spec)


@pytest.mark.parametrize("name", ["package.json", "server.c"])
def test_changed_source_is_installed_anew(name: str, tmp_path: Path) -> None:
    spec = load_target(folder(tmp_path, install=["{python}", "{folder}/server.c"]))
    before = spec.home
    (spec.folder / name).write_text("{}", encoding="utf-8")
    assert spec.home != before


@pytest.fixture
def dpkg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The answer of a dpkg-query that is found before any other."""
    answer = tmp_path / "answer"
    program = tmp_path / "dpkg-query"
    program.write_text(f"#!/bin/sh\ncat '{answer}'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    debian_version.cache_clear()
    return answer


def test_library_is_asked_of_dpkg(tmp_path: Path, dpkg: Path) -> None:
    spec = load_target(folder(tmp_path, packages={"library": "libfine-dev"}))
    dpkg.write_text("deinstalled 1.0\n", encoding="utf-8")
    assert spec.needs() == ["apt-get install libfine-dev"]
    debian_version.cache_clear()
    dpkg.write_text("installed 1.0\n", encoding="utf-8")
    assert spec.needs() == []


def test_library_that_nobody_can_be_asked_of_is_for_the_installation_to_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    debian_version.cache_clear()
    spec = load_target(folder(tmp_path, packages={"library": "libfine-dev"}))
    assert spec.needs() == []


@pytest.mark.parametrize(
    ("version", "told"), [("2:1.5.0+dfsg-2", "1.5.0"), ("10.1.60-1~deb12u1", "10.1.60")]
)
def test_version_of_a_debian_package_is_the_librarys(
    version: str, told: str, tmp_path: Path, dpkg: Path
) -> None:
    dpkg.write_text(f"installed {version}\n", encoding="utf-8")
    spec = load_target(folder(tmp_path, version="deb:libfine-dev", install=["true"]))
    assert spec.described() == f"A little server {told}"
    before = spec.home
    debian_version.cache_clear()
    dpkg.write_text("installed 9\n", encoding="utf-8")
    assert spec.home != before


def test_version_may_be_written_by_the_installation(tmp_path: Path) -> None:
    write = "open('version', 'w').write('2.8.0')"
    spec = load_target(folder(tmp_path, install=["{python}", "-c", write], version="file:version"))
    assert spec.described() == "A little server"
    install.prepare(spec)
    assert spec.described() == "A little server 2.8.0"


def test_version_of_an_npm_package_is_read_where_it_was_installed(tmp_path: Path) -> None:
    spec = load_target(folder(tmp_path, version="npm:ws"))
    assert spec.described() == "A little server"
    package = spec.home / "node_modules" / "ws" / "package.json"
    package.parent.mkdir(parents=True)
    package.write_text('{"version": "8.1.2"}', encoding="utf-8")
    assert spec.described() == "A little server 8.1.2"


@pytest.mark.parametrize(
    ("title", "described"), [("Pytest on ice", "Pytest {} on ice"), ("On pytest", "On pytest {}")]
)
def test_version_stands_behind_the_name_of_its_library(
    title: str, described: str, tmp_path: Path
) -> None:
    spec = load_target(folder(tmp_path, title=title))
    assert spec.described() == described.format(pytest.__version__)


def test_over_tls_the_certificate_goes_behind_the_command(tmp_path: Path) -> None:
    spec = load_target(folder(tmp_path, tls=["{certificate}", "{key}"]))
    made = make_certificates(tmp_path)
    with launch.launch(spec, certificates=made) as running:
        assert running.url == f"wss://127.0.0.1:{running.port}/"
        assert f"{made.chain} {made.key}" in running.stderr()


def test_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert make_certificates(tmp_path).key.stat().st_mode & 0o077 == 0


def test_server_that_dies_is_told_with_its_last_lines(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "raise SystemExit('port is mine')"]
    spec = load_target(folder(tmp_path, start=words))
    with pytest.raises(TargetError, match="ended with 1: port is mine"):
        launch.launch(spec)


def test_server_that_never_listens_is_told(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    spec = load_target(folder(tmp_path, start=words))
    with pytest.raises(TargetError, match=re.escape("does not listen after 0.2 s")):
        launch.launch(spec, wait=0.2)


def test_flood_of_output_is_kept_by_its_end_alone(tmp_path: Path) -> None:
    made = folder(tmp_path)
    flood = "print('x' * 500_000, 'the end', flush=True)\n"
    (made / "server.py").write_text(flood + SERVER, encoding="utf-8")
    with launch.launch(load_target(made)) as running:
        log = running.stderr()
    assert len(log) <= launch.KEPT_LOG
    assert "the end" in log


def test_every_target_of_the_shelf_can_be_read() -> None:
    from sockproof.shelves import shelf

    for name, spec in load_targets(shelf("targets")).items():
        assert name == spec.folder.name
