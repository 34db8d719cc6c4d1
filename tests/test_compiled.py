"""The hot path of load as mypyc compiles it: the same tests, and the same answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

import sockproof
from sockproof import form
from tests import sample, shared

ROOT = Path(__file__).parents[1]
COMPILER = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
DAYS = 8  # between two days on which it is compiled
SHARE = 4  # of the files of tests on such a day
# What touches all of it, and is short.
ALWAYS = ("test_recorder.py", "test_socketio_failures.py", "test_websocket_connection.py")


def sources() -> Path:
    """A copy of the package with the compiled modules."""
    return shared.once("compiled form", _compile)


def copy(folder: Path) -> dict[str, Any]:
    """A plain copy of what a wheel is made of; how it is made."""
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(Path(sockproof.__file__).parent, folder / "src" / "sockproof", ignore=ignored)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel: dict[str, Any] = settings["targets"]["wheel"]
    for name in ("pyproject.toml", *wheel["force-include"]):
        (folder / name).symlink_to(ROOT / name)
    return wheel


def _compile() -> Path:
    checkout = Path(os.environ[shared.FOLDER]) / "compiled"
    copied = checkout / "src"
    modules = copy(checkout)["hooks"]["custom"]["modules"]
    code = "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
    code += "from hatch_build import compile_modules;"
    code += "compile_modules(Path(sys.argv[2]), sys.argv[3:], Path(sys.argv[2]), optimise=False)"
    command = [sys.executable, "-c", code, str(ROOT), str(copied), *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return copied


def environment() -> dict[str, str]:
    """That of a process that imports the compiled form."""
    return {**os.environ, "PYTHONPATH": str(sources())}


def asked(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


compiles = pytest.mark.skipif(
    COMPILER is None or not sample.is_due("compiled form", DAYS),
    reason="takes a C compiler, and a minute: once in so many days",
)


def files() -> list[str]:
    """Today's files of tests."""
    names = sorted(path.name for path in (ROOT / "tests" / "load").glob("test_*.py"))
    return [*ALWAYS, *sample.rotating(set(names) - {*ALWAYS}, SHARE, "compiled", days=DAYS)]


@compiles
def test_tests_of_load_pass_on_the_compiled_form() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    paths = [f"tests/load/{name}" for name in sorted(files())]
    done = subprocess.run(
        [*command, *paths],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]


@compiles
def test_compiled_form_says_so() -> None:
    assert asked("from sockproof.form import form; print(form())") == form.COMPILED
    where = asked("import sockproof.load.net.websocket as each; print(each.__file__)")
    assert Path(where).is_relative_to(sources())
    assert not where.endswith(".py")


def checkout(folder: Path) -> Path:
    """A checkout with one module that is said to be compiled."""
    (folder / "hatch_build.py").touch()
    package = folder / "src" / "sockproof"
    (package / "wire").mkdir(parents=True)
    (package / "wire" / "stamp.py").touch()
    return package


def test_a_checkout_is_installed_anew_with_what_it_has_installed(tmp_path: Path) -> None:
    copy(tmp_path)
    for name in ("hatch_build.py", "README.md", "LICENSE"):
        (tmp_path / name).symlink_to(ROOT / name)
    code = f"from hatchling.build import build_editable; build_editable({str(tmp_path)!r})"
    plain = {name: value for name, value in os.environ.items() if name != "SOCKPROOF_COMPILE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=plain,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert [*tmp_path.glob("sockproof-*.whl")]


def test_plain_form_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "_HERE", checkout(tmp_path))
    assert (form.form(), form.outdated()) == (form.PLAIN, [])


def test_sources_that_changed_since_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = checkout(tmp_path)
    monkeypatch.setattr(form, "_HERE", package)
    source = package / "wire" / "stamp.py"
    compiled = source.with_name(f"stamp{EXTENSION_SUFFIXES[0]}")
    compiled.touch()
    os.utime(source, (1, 1))
    assert (form.form(), form.outdated()) == (form.COMPILED, [])
    os.utime(compiled, (0, 0))
    assert form.outdated() == ["wire/stamp.py"]
    other = source.with_name("stamp.cpython-31-any.so")  # of another interpreter
    compiled.rename(other)
    assert (form.form(), form.outdated()) == (form.PLAIN, [])
    (tmp_path / "hatch_build.py").unlink()  # installed: both came at once, in any order
    other.rename(compiled)
    assert form.outdated() == []


def test_wheel_is_pure_unless_it_is_asked_for(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    plain = {name: value for name, value in os.environ.items() if name != "SOCKPROOF_COMPILE"}
    subprocess.run([*command, "--directory", str(tmp_path)], cwd=ROOT, env=plain, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".so")]
