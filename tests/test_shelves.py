"""Where the shelves are found, and that the working directory has no say."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof import shelves
from sockproof.shelves import SHELVES, ShelfError, shelf

ROOT = Path(__file__).parents[1]


def furnish(root: Path, *names: str) -> Path:
    for name in names or SHELVES:
        (root / name).mkdir(parents=True, exist_ok=True)
    return root


def checkout(root: Path, project: str = '[project]\nname = "sockproof"\n') -> Path:
    """A made-up checkout; its package's folder."""
    furnish(root)
    (root / "pyproject.toml").write_text(project)
    package = root / "src" / "sockproof"
    package.mkdir(parents=True)
    return package


@pytest.mark.parametrize("name", SHELVES)
def test_the_checkout_of_these_tests_is_found(name: str) -> None:
    assert shelf(name) == ROOT / name


def test_the_named_folder_comes_first(tmp_path: Path) -> None:
    furnish(tmp_path)
    assert shelf("targets", tmp_path) == tmp_path.resolve() / "targets"


def test_a_named_folder_that_lacks_shelves_says_which(tmp_path: Path) -> None:
    furnish(tmp_path, "conformance")
    with pytest.raises(ShelfError, match="lacks client_cases/, locustfiles/, targets/") as caught:
        shelf("conformance", tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_shelf_is_refused() -> None:
    with pytest.raises(ShelfError, match="there is no shelf 'etc'"):
        shelf("etc")


def test_the_working_directory_is_never_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = furnish(tmp_path / "trap")
    (trap / "pyproject.toml").write_text('[project]\nname = "sockproof"\n')
    package = tmp_path / "site-packages" / "sockproof"
    package.mkdir(parents=True)
    monkeypatch.setattr(shelves, "_PACKAGE", package)
    monkeypatch.chdir(trap)
    with pytest.raises(ShelfError, match="--shelf"):
        shelf("conformance")


def test_a_wheel_uses_its_own_copy_even_inside_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(tmp_path)
    package = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "sockproof"
    furnish(package / "shelf")
    monkeypatch.setattr(shelves, "_PACKAGE", package)
    assert shelf("reports") == package / "shelf" / "reports"


@pytest.mark.parametrize(
    "project", ['[project]\nname = "other"\n', "[project]\n", "not TOML", "project = 1\n"]
)
def test_another_projects_folders_are_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: str
) -> None:
    monkeypatch.setattr(shelves, "_PACKAGE", checkout(tmp_path, project))
    with pytest.raises(ShelfError):
        shelf("conformance")


def test_a_checkout_is_told_by_its_pyproject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "_PACKAGE", checkout(tmp_path))
    assert shelf("conformance") == tmp_path / "conformance"
