"""Drivers: what a `driver.toml` says, and what its program is started with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sockproof.shelves import shelf
from sockproof.targets.drivers import load_driver, load_drivers
from sockproof.targets.install import prepare
from sockproof.targets.spec import TargetError, TargetMissing

DRIVERS = load_drivers(shelf("drivers"))
BASE = {
    "name": "little",
    "title": "A little client",
    "kind": "websocket",
    "requires": ["pytest>=1"],
    "command": ["{python}", "{folder}/driver.py"],
    "version": "pytest",
    "offers": ["subprotocols"],
}


def folder(tmp_path: Path, **changes: object) -> Path:
    made = tmp_path / "little"
    made.mkdir(exist_ok=True)
    values = {key: value for key, value in {**BASE, **changes}.items() if value is not None}
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in values.items()]
    (made / "driver.toml").write_text("".join(lines), encoding="utf-8")
    return made


def test_every_driver_of_the_shelf_can_be_read() -> None:
    assert {spec.kind for spec in DRIVERS.values()} == {"websocket", "socketio"}
    for name, spec in DRIVERS.items():
        assert spec.name == name == spec.folder.name
        assert spec.command()[0]
        for word in spec.command():
            path = Path(word.partition("=")[2] or word)
            of_its_own = spec.home in (path, *path.parents)  # which may not be installed yet
            assert of_its_own or not path.is_absolute() or path.exists(), word


def test_command_is_filled_in_and_no_proxy_is_used(tmp_path: Path) -> None:
    spec = load_driver(folder(tmp_path))
    assert spec.command() == [sys.executable, str(tmp_path / "little" / "driver.py")]
    assert spec.environment()["NO_PROXY"] == "*"


def test_expectations_are_those_of_the_folder(tmp_path: Path) -> None:
    spec = load_driver(folder(tmp_path))
    assert spec.expectations() is None
    (spec.folder / "expectations.toml").touch()
    assert spec.expectations() == spec.folder / "expectations.toml"


def test_what_is_missing_is_one_line_that_names_the_driver(tmp_path: Path) -> None:
    spec = load_driver(folder(tmp_path, requires=["no-such-thing>=1"]))
    with pytest.raises(TargetMissing, match=r"^the driver little needs: pip install 'no-such"):
        prepare(spec)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "mqtt"}, "unknown value 'mqtt'"),
        ({"command": []}, "command: must not be empty"),
        ({"offers": ["flying"]}, "offers 1: unknown value 'flying'"),
        ({"start": ["x"]}, "unknown key 'start'"),
        ({"title": None}, "the key 'title' is missing"),
    ],
)
def test_wrong_file_is_told_in_one_line(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(TargetError, match=told) as caught:
        load_driver(folder(tmp_path, **changes))
    assert "\n" not in str(caught.value)
