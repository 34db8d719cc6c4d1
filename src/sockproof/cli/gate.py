"""`sockproof gate`: does a run keep the rules?"""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from sockproof import records
from sockproof.analysis.gates import Finding, Outcome, judge, judge_cases, told, worst
from sockproof.analysis.rules import Rules
from sockproof.cli.ab import compare_stored
from sockproof.cli.rules import find_rules, write
from sockproof.cli.settings import CommandError
from sockproof.load_records import RUN_FILE, SUMMARY_FILE
from sockproof.render.gate import lines


def gate(options: Namespace) -> int:
    """Judge each run by the rules, and all against a baseline; what is worst decides."""
    if options.rules is None and options.baseline is None:
        raise CommandError("a gate wants --rules, or runs to compare with: --baseline RUN …")
    outcomes = []
    if options.rules is not None:
        outcomes += _by_rules(find_rules(options.rules, options.shelf), options)
    if options.baseline is not None:
        print("\nagainst the baseline:")
        outcomes.append(Outcome(compare_stored(options.baseline, options.run, options.results)))
    return int(worst(outcomes))


def _by_rules(rules: Rules, options: Namespace) -> list[Outcome]:
    outcomes = []
    for folder in options.run:
        judged = told(rules.title, str(folder), _findings(rules, folder))
        for line in lines(judged):
            print(line)
        several = len(options.run) > 1
        where = folder if folder.is_dir() else folder.parent
        write(judged, where, None if several else options)
        outcomes.append(Outcome(judged["exit_code"]))
    return outcomes


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
