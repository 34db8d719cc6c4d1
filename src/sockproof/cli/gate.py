"""`sockproof gate`: does a run keep the rules?"""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from sockproof import records, shelves
from sockproof.analysis.gates import Finding, Outcome, judge, judge_cases, told, worst
from sockproof.analysis.rules import RuleError, Rules, read_rules
from sockproof.cli.settings import CommandError
from sockproof.load_records import RUN_FILE, SUMMARY_FILE
from sockproof.render.gate import junit, lines, markdown


def gate(options: Namespace) -> int:
    """Judge each run; what is worst among them decides."""
    rules = find_rules(options.rules, options.shelf)
    outcomes = []
    for folder in options.run:
        judged = told(rules.title, str(folder), _findings(rules, folder))
        for line in lines(judged):
            print(line)
        several = len(options.run) > 1
        where = folder if folder.is_dir() else folder.parent
        write(judged, where, None if several else options)
        outcomes.append(Outcome(judged["exit_code"]))
    return int(worst(outcomes))


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


def _findings(rules: Rules, folder: Path) -> list[Finding]:
    is_load = (folder / RUN_FILE).is_file()
    if rules.is_conformance:
        if is_load:
            raise CommandError(f"{folder} is a load run, and the rules are about cases")
        return judge_cases(rules, records.read_run(folder))
    if not is_load:
        records.read_run(folder)  # says what it is when it is neither
        raise CommandError(f"{folder} is a run of cases, and the rules are about load")
    return judge(rules, _summary(folder), folder)


def _summary(folder: Path) -> dict[str, Any]:
    from sockproof.analysis.summary import write_summary  # numpy takes its time to import

    path = folder / SUMMARY_FILE
    if not path.is_file():
        return write_summary(folder)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise CommandError(f"{path} holds no object")
    return value
