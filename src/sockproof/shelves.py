"""Where the shelves are: the folders of cases, scenarios, targets, templates and rules.

They are found, in this order: in the folder that the user named; in the checkout that this
package runs from; in the copy that was installed with the package. The working directory is
never asked: a folder that happens to be called `conformance` must not run as code.
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

from sockproof.errors import WrongInput

SHELVES = (
    "conformance",
    "client_cases",
    "locustfiles",
    "targets",
    "reports",
    "gates",
    "ci",
    "study",
    "drivers",
)

_PACKAGE = Path(__file__).resolve().parent


class ShelfError(WrongInput):
    """A shelf that is not where it should be, or a file on it that cannot be used; one line."""


def shelf(name: str, override: Path | None = None) -> Path:
    """The folder of the shelf `name`; `override` is the folder given with `--shelf`.

    Raises `ShelfError` when there is none. Of a folder given with `--shelf` all shelves are
    demanded at once, so that a missing template is not found only when the run has ended.
    """
    if name not in SHELVES:
        raise ShelfError(f"there is no shelf {name!r}; choose one of {', '.join(SHELVES)}")
    if override is not None:
        missing = _missing(override)
        if missing:
            lacks = ", ".join(f"{each}/" for each in missing)
            raise ShelfError(f"--shelf {override}: not a shelf directory: it lacks {lacks}")
        return override.resolve() / name
    for root in (_checkout(_PACKAGE), _PACKAGE / "shelf"):
        if root is not None and not _missing(root):
            return root / name
    raise ShelfError(
        f"the directory {name}/ was not installed with this package; name it with --shelf DIR"
    )


def load_module(path: Path, name: str) -> ModuleType:
    """A file of a shelf as the module `name`; raises `ShelfError` where it cannot be imported."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ShelfError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in a shelf file look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ShelfError(f"{path}: {type(error).__name__}: {error}") from error
    return module


def _missing(root: Path) -> list[str]:
    return [name for name in SHELVES if not (root / name).is_dir()]


def _checkout(package: Path) -> Path | None:
    """The checkout whose `src/sockproof` is `package`, or None.

    Only that place counts. A wheel installed into a `.venv` inside a checkout keeps its own
    copy of the shelves, which fits its version.
    """
    if package.parent.name != "src":
        return None
    root = package.parent.parent
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, ValueError):
        return None
    named = isinstance(project, dict) and project.get("name") == "sockproof"
    return root if named else None
