"""The rules of a gate by their name."""

from __future__ import annotations

from pathlib import Path

from sockproof import shelves
from sockproof.analysis.gates.rules import RuleError, Rules, read_rules
from sockproof.errors import CommandError


def find_rules(name: str, shelf: Path | None) -> Rules:
    """Rules by the name of their file on the shelf `gates`, or by a path; may raise."""
    path = Path(name)
    if path.suffix != ".toml":
        folder = shelves.shelf("gates", shelf)
        path = folder / f"{name}.toml"
        if "/" in name or not path.is_file():
            known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
            raise CommandError(f"no rules {name!r}; choose one of {known}, or a .toml file")
    try:
        return read_rules(path)
    except RuleError as error:
        raise CommandError(str(error)) from None


def chosen(rules: Rules, folder: Path | None, cases: bool) -> Rules:
    """The rules about runs of this kind; `CommandError` where all are about the other."""
    about = rules.about(cases)
    if not about.rules:
        kind, other = ("a run of cases", "load") if cases else ("a load run", "cases")
        what = f"this is {kind}" if folder is None else f"{folder} is {kind}"
        raise CommandError(f"{what}, but the rules {rules.title!r} are about {other}")
    return about
