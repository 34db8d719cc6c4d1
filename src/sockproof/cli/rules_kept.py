"""Whether a run keeps the rules of a gate: shown, and written into the run folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sockproof import files
from sockproof.analysis.gates.gate import Outcome, judge, judge_cases, told, worst
from sockproof.analysis.gates.rules import Rules
from sockproof.cli.rules import chosen
from sockproof.formats.judgements import Gate, Gates
from sockproof.formats.load import Summary
from sockproof.render.load.gate import junit, lines, markdown

_SUFFIXES = {"json": "json", "junit": "xml", "markdown": "md"}


def judge_load(rules: Rules, summary: Summary, folder: Path) -> int:
    """Judge a load run that has just ended, show and write what comes of it: the exit code."""
    judged = judge_summary(rules, summary, folder)
    print()
    show(judged)
    write([judged], beside(folder))
    return judged.exit_code


def judge_summary(rules: Rules, summary: Summary, folder: Path) -> Gate:
    """What comes of a load run; raises `CommandError` where no rule is about one."""
    about = chosen(rules, folder, cases=False)
    what = _on(summary.scenario, summary.target.url)
    findings = judge(about, msgspec.to_builtins(summary), folder)
    left_out = len(rules.rules) - len(about.rules)
    return told(rules.title, str(folder), what, findings, left_out)


def judge_report(rules: Rules, report: dict[str, Any], folder: Path) -> Gate:
    """What comes of a run of cases; raises `CommandError` where no rule is about one."""
    about = chosen(rules, folder, cases=True)
    what = _on("cases", report.get("target"))
    findings = judge_cases(about, report)
    return told(rules.title, str(folder), what, findings, len(rules.rules) - len(findings))


def _on(what: object, url: object) -> str:
    """What ran on which server, without the user's name and password or what is asked for."""
    where = re.sub(r"//[^/]*@", "//", str(url or "").partition("?")[0])
    return f"{what or 'load'} on {where}" if where else str(what or "load")


def show(judged: Gate) -> None:
    """Print what came of a run."""
    for line in lines(judged):
        print(line)


def beside(folder: Path) -> dict[str, Path]:
    """The files of a run folder that hold what came of a gate, by their format."""
    return {name: folder / f"gate.{suffix}" for name, suffix in _SUFFIXES.items()}


def write(all_judged: Sequence[Gate], places: Mapping[str, Path]) -> None:
    """Write what came of one run, or of several together, into a file for each format."""
    for name, path in places.items():
        files.write(path, _text(name, all_judged))


def _text(name: str, all_judged: Sequence[Gate]) -> str:
    if name == "junit":
        return junit(all_judged)
    if name == "markdown":
        return markdown(all_judged)
    if len(all_judged) == 1:
        return files.json_text(all_judged[0], indent=1)
    found = worst(Outcome(each.exit_code) for each in all_judged)
    code = next(each.exit_code for each in all_judged if each.exit_code == found)
    return files.json_text(Gates(exit_code=code, gates=list(all_judged)), indent=1)
