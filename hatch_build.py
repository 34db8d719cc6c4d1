"""The build hook of the compiled form: with SOCKPROOF_COMPILE=1, mypyc makes C of the hot path.

Which modules that are is said in `pyproject.toml`, at `hooks.custom`. A wheel then has the compiled
modules beside their sources; an editable install has them in `src/`. Without the variable, and in
the sdist, nothing is compiled, and the same modules run as plain Python.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompilingHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling asks before it builds."""

    def dependencies(self) -> list[str]:
        """What compiling takes besides hatchling."""
        return ["mypy>=1.14", "setuptools>=75"] if _wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came of it to the wheel, or to `src/` where it is editable."""
        source = Path(self.root) / "src"
        if version == "editable":
            for old in compiled_files(source):
                old.unlink()
        if not _wanted():
            return
        made = Path(tempfile.mkdtemp(prefix="sockproof-compiled-"))
        compile_modules(source, self.config["modules"], made)
        for file in compiled_files(made):
            place = file.relative_to(made)
            if version == "editable":
                shutil.copy2(file, source / place)
            else:
                build_data["force_include"][str(file)] = str(place)
        if version != "editable":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True


def _wanted() -> bool:
    return os.environ.get("SOCKPROOF_COMPILE") == "1"


def compiled_files(folder: Path) -> list[Path]:
    """The compiled modules below a folder, and the library that they share."""
    return [*folder.glob("sockproof__mypyc.*"), *folder.glob("sockproof/**/*.so")]


def compile_modules(source: Path, modules: list[str], into: Path, optimise: bool = True) -> None:
    """Compile modules, named by their paths below `source`; takes a C compiler."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    with contextlib.chdir(source), tempfile.TemporaryDirectory() as temporary:
        # Its own settings: in a build's environment the libraries are missing, and are not needed.
        flags = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
        flags.append(f"--cache-dir={temporary}/cache")
        extensions = mypycify(
            [*flags, *modules],
            group_name="sockproof",
            opt_level="3" if optimise else "0",
            debug_level="0",
            target_dir=temporary,
        )
        command = build_ext(Distribution({"name": "sockproof", "ext_modules": extensions}))
        command.build_lib, command.build_temp = str(into), temporary
        command.ensure_finalized()
        command.run()
