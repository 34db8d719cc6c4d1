"""What a run comes to, on one screen: never more rows than it is given, whatever was found.

Faults come first, the most serious before the rest, each with the evidence of its simplest case
and the command that shows it. Then one line each for what is known, what is set aside, and what
could not be judged, with what would help. The last line is the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.render.conformance.causes import Answer, Group, answer, evidence
from sockproof.render.conformance.summary import proposal, remarks, seen, verdict
from sockproof.render.text import number, short
from sockproof.runs.records import OUTCOMES

ROWS = 56  # of sixty: the run says up to four before it ends
STYLES = {
    "PASS": "green",
    "NON_STRICT": "yellow",
    "FAIL": "bold red",
    "UNSUPPORTED": "dim",
    "INCONCLUSIVE": "magenta",
}
TONES = {"good": "bold green", "bad": "bold red", "unknown": "bold magenta"}

_COMMAND = 1000
_EACH = 3  # rows of a fault: what, the evidence, the command
_REMARKS = 4
_SAYS = 20  # columns of a fault, however narrow the screen


@dataclass(frozen=True, slots=True)
class _Caps:
    """How many lines each list may have that is not of faults."""

    habits: int
    known: int
    aside: int
    unjudged: int
    seen: int
    stale: int


_WIDE = _Caps(habits=0, known=6, aside=5, unjudged=8, seen=3, stale=5)
_LEAN = _Caps(habits=4, known=4, aside=3, unjudged=5, seen=0, stale=2)  # where faults want the room


@dataclass(frozen=True, slots=True)
class Line:
    """A line, its beginning in a style of its own."""

    plain: str = ""
    styled: str = ""
    style: str = ""

    def rows(self, width: int) -> int:
        """How many rows it takes on a screen."""
        return max(1, -(-len(self.styled + self.plain) // width))


def screen(report: Mapping[str, Any], written: Sequence[Path], width: int) -> list[Line]:
    """The lines, which take at most `ROWS` rows of that width."""
    told = answer(report)
    before = _counts(report) + _remarks(report, width)
    faults = [*told.faults, *told.remarks]
    after = [*_after(report, told, [], _WIDE, width), *_end(report, written)]
    room = ROWS - sum(line.rows(width) for line in (*before, *after))
    if room <= _EACH * len(faults):
        # What is allowed leaves its room to what is not, and is told in few words.
        habits = [group for group in told.remarks if group.outcome != "FAIL"]
        habits.sort(key=lambda group: -len(group.cases))
        faults = [group for group in faults if group.outcome == "FAIL" or group in told.faults]
        after = [*_after(report, told, habits, _LEAN, width), *_end(report, written)]
        room = ROWS - sum(line.rows(width) for line in (*before, *after))
    return [*before, *_faults(faults, room, width), *after]


def _after(
    report: Mapping[str, Any], told: Answer, habits: list[Group], caps: _Caps, width: int
) -> list[Line]:
    return [
        *_section("allowed, but not recommended", habits, caps.habits, width),
        *_section("known, as expected", told.known, caps.known, width),
        *_section("set aside, and not counted", told.aside, caps.aside, width),
        *_section("inconclusive or unsupported", told.unjudged, caps.unjudged, width),
        *_seen(report, caps.seen, width),
        *_stale(report, caps.stale, width),
    ]


def _counts(report: Mapping[str, Any]) -> list[Line]:
    counts = ", ".join(
        f"{report['counts'][name]} {name}" for name in OUTCOMES if report["counts"].get(name)
    )
    return [Line(f"{counts} in {report['seconds']:.1f} s")] if report["cases"] else []


def _remarks(report: Mapping[str, Any], width: int) -> list[Line]:
    """What is to be said of the run as a whole."""
    told = remarks(report)
    lines = [Line(_cut(remark, 2 * width)) for remark in told[:_REMARKS]]
    if len(told) > _REMARKS:
        lines.append(Line(f"and {len(told) - _REMARKS} more in the reports"))
    return lines


# Faults.


def _faults(groups: Sequence[Group], room: int, width: int) -> list[Line]:
    """As many faults as there is room for, the first ones with evidence and command.

    Each of the others keeps a row for its first line, of up to a third of all rows.
    """
    if not groups:
        return []
    lines: list[Line] = [Line()]
    room -= 1
    kept = min(len(groups) - 1, room // 3)
    for at, group in enumerate(groups):
        head = _headed(group, width)
        told = [
            Line(_cut(f"      {evidence(group.first)}", width)),
            Line(f"      {short(group.first['rerun'], _COMMAND)}"),
        ]
        rows = sum(line.rows(width) for line in (head, *told))
        left = len(groups) - at
        if rows <= room - min(kept, left - 1):
            lines += [head, *told]
            room -= rows
        elif head.rows(width) <= room - (left > 1):
            lines.append(head)
            room -= head.rows(width)
        else:
            cases = sum(len(each.cases) for each in groups[at:])
            rest = f"and {number(left, 'fault')} more, in {number(cases, 'case')}: the reports"
            lines.append(Line(_cut(f"{rest} list them, and so does -v", width)))
            break
    return lines


def _headed(group: Group, width: int) -> Line:
    source = f" ({group.source})" if group.source else ""
    style = STYLES.get(group.outcome, "bold")
    end = f"{source}: {group.count}"
    says = _cut(group.says, max(width - len(group.outcome) - len(end) - 2, _SAYS))
    return Line(f"  {says}{end}", group.outcome, style)


def _section(title: str, groups: Sequence[Group], most: int, width: int) -> list[Line]:
    if not groups:
        return []
    cases = sum(len(group.cases) for group in groups)
    lines = [Line(), Line(f": {number(cases, 'case')}", title, "bold")]
    shown = groups if len(groups) <= most else groups[: most - 1]
    digits = len(str(max(len(group.cases) for group in shown)))
    for group in shown:
        helps = f"; helps: {group.helps}" if group.helps else ""
        outcome = f"{group.outcome}  " if group.outcome else ""
        begin = f"  {len(group.cases):{digits}}  {outcome}"
        source = f" ({group.source})" if group.source else ""
        lines.append(Line(_cut(f"{begin}{group.says}{source}{helps}", width)))
    if len(shown) < len(groups):
        rest = groups[len(shown) :]
        cases = sum(len(group.cases) for group in rest)
        told = f"{number(cases, 'case')} for {number(len(rest), 'reason')} more"
        lines.append(Line(f"  and {told}, in the reports"))
    return lines


# The rest.


def _seen(report: Mapping[str, Any], most: int, width: int) -> list[Line]:
    notes = seen(report)
    if not notes or not most:
        return []
    lines = [Line(), Line("", "observed limits and choices:", "bold")]
    lines += [Line(_cut(f"  {note}", width)) for note in notes[:most]]
    if len(notes) > most:
        lines.append(Line(f"  and {len(notes) - most} more in the reports"))
    return lines


def _stale(report: Mapping[str, Any], most: int, width: int) -> list[Line]:
    stale = report.get("stale_expectations") or []
    if not stale:
        return []
    title = f"{number(len(stale), 'expectation')} to remove:"
    lines = [Line(), Line("", title, "bold red")]
    for item in stale[:most]:
        case, file, reason = (short(item.get(key), 300) for key in ("case", "file", "reason"))
        lines.append(Line(_cut(f"  {case}  in {file}: {reason}", width)))
    if len(stale) > most:
        lines.append(Line(f"  and {len(stale) - most} more in the reports"))
    return lines


def _end(report: Mapping[str, Any], written: Sequence[Path]) -> list[Line]:
    lines = [Line()]
    advice = proposal(report)
    if advice:
        lines.append(Line(advice))
    folders: dict[Path, list[str]] = {}
    for path in written:
        folders.setdefault(path.parent, []).append(path.name)
    for folder, (first, *others) in folders.items():
        beside = f" (also {', '.join(others)})" if others else ""
        lines.append(Line(short(f"report: {folder / first}{beside}", 1000)))
    end = verdict(report)
    notes = "".join(f"; {note}" for note in end.notes)
    return [*lines, Line(notes, end.sentence, TONES[end.tone])]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
