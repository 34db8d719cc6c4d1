"""`sockproof compare`: which outcomes changed between two conformance runs."""

from __future__ import annotations

from argparse import Namespace

from sockproof import records
from sockproof.analysis.changes import Change, changes
from sockproof.render.text import number, short


def compare(options: Namespace) -> int:
    """Print what changed; 1 when anything got worse, 2 when the runs have no case in common."""
    before, after = (records.read_run(path) for path in (options.before, options.after))
    found = changes(before, after)
    for path, report in ((options.before, before), (options.after, after)):
        who = short(report.get("server") or report["target"], 200)
        print(f"{path}: {who}, {short(report['started'], 40)}, {_count(report)}")
    for title, each in (("worse", found.worse), ("better", found.better)):
        if each:
            print(f"\n{title}:")
        for change in each:
            print(f"  {_line(change)}")
    for title, cases in (("only in the first", found.gone), ("only in the second", found.new)):
        if cases:
            print(f"\n{title}:")
        for case_id, outcome in cases:
            print(f"  {outcome:12} {short(case_id, 300)}")
    changed = len(found.worse) + len(found.better)
    print(
        f"\n{number(changed, 'outcome')} changed ({len(found.worse)} for the worse), "
        f"{found.same} the same, {len(found.gone)} gone, {len(found.new)} new"
    )
    if found.worse:
        return 1
    return 0 if found.same or changed else 2


def _count(report: dict[str, object]) -> str:
    cases = report["cases"]
    assert isinstance(cases, list)
    return number(len(cases), "case") + (", interrupted" if report.get("interrupted") else "")


def _line(change: Change) -> str:
    got = f": {short(change.got, 200)}" if change.got else ""
    return f"{change.before} → {change.after}  {short(change.case, 300)}{got}"
