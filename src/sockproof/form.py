"""In which form the hot path of load runs: compiled by mypyc, or as plain Python."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

COMPILED, PLAIN = "compiled", "plain Python"
_HERE = Path(__file__).parent


def form() -> str:
    """`COMPILED` or `PLAIN`."""
    return COMPILED if _compiled(_HERE / "wire" / "stamp.py") else PLAIN


def outdated() -> list[str]:
    """The compiled modules of a checkout whose sources were changed since: they run as before."""
    if not (_HERE.parents[1] / "hatch_build.py").is_file():
        return []
    made = {file.with_name(f"{file.name.partition('.')[0]}.py") for file in _HERE.rglob("*.so")}
    return [source.relative_to(_HERE).as_posix() for source in sorted(made) if _changed(source)]


def _changed(source: Path) -> bool:
    file = _compiled(source)
    if file is None or not source.is_file():
        return file is not None
    return source.stat().st_mtime > file.stat().st_mtime


def _compiled(source: Path) -> Path | None:
    """What the interpreter imports in place of a source."""
    files = (source.with_name(source.stem + suffix) for suffix in EXTENSION_SUFFIXES)
    return next((file for file in files if file.is_file()), None)
