"""Rules by their name, and what comes of them in the run folder."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from sockproof import shelves
from sockproof.analysis.gates import judge, told
from sockproof.analysis.rules import RuleError, Rules, read_rules
from sockproof.cli.settings import CommandError
from sockproof.render.gate import junit, lines, markdown


def find_rules(name: str, shelf: Path | None) -> Rules:
    """Rules by the name of their file on the shelf `gates`, or by a path; may raise."""
    path = Path(name)
    if path.suffix != ".toml":
        folder = shelves.shelf("gates", shelf)
        path = folder / f"{name}.toml"
        if "/" in name or not path.is_file():
            known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
            raise CommandError(f"no rules {name!r}; there are {known}, or name a .toml")
    try:
        return read_rules(path)
    except RuleError as error:
        raise CommandError(str(error)) from None


def judge_load(rules: Rules, summary: dict[str, Any], folder: Path) -> int:
    """Judge a load run that has just ended, show and write what comes of it: the exit code."""
    judged = told(rules.title, str(folder), judge(rules, summary, folder))
    print()
    for line in lines(judged):
        print(line)
    write(judged, folder, None)
    return int(judged["exit_code"])


def write(judged: dict[str, Any], folder: Path, options: Namespace | None) -> None:
    """Write the results into the run folder, or where the options say."""
    for name, text in (
        ("json", json.dumps(judged, indent=1) + "\n"),
        ("junit", junit(judged)),
        ("markdown", markdown(judged)),
    ):
        suffix = {"json": "json", "junit": "xml", "markdown": "md"}[name]
        path = getattr(options, name, None) or folder / f"gate.{suffix}"
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"cannot write {path}: {error.strerror}") from None
