"""What `sockproof demo` shows of a finding: what is wrong, the evidence, the octets, the case."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from sockproof.demo.bugs import Bug
from sockproof.formats.load import Summary
from sockproof.render.conformance.causes import Group
from sockproof.render.conformance.screen import STYLES
from sockproof.render.text import ARROWS, number, short, spaced_hex
from sockproof.vocabulary import Counter

_MOST = 10  # entries of a wire log
_HEAD_END = "0d0a0d0a"
_LEFT = "   "


def told(
    at: int, bug: Bug, group: Group, report: Mapping[str, Any], summary: Summary, width: int
) -> Iterator[Text]:
    """The lines of one finding."""
    case = group.first
    about = report["requirements"][case["requirement"]]
    yield Text(f"{at}  ").append(bug.title, style=STYLES["FAIL"])
    yield from _wrapped(f"{bug.cause} {bug.effect}", width)
    where = f"{about['document'].partition(' protocol,')[0]} {about['section']}"
    yield from _wrapped(f"{where}, {about['level']}: {about['text']}", width, "dim")
    yield from wire_lines(case, bug, width)
    yield from _wrapped(f"expected  {short(case['expected'], 300)}", width)
    yield from _wrapped(f"got       {short(case['got'], 300)}", width)
    count = f"{number(len(group.cases), 'case')} failed"
    if bug.counter:
        count += f"; under load, {_counted(summary, bug.counter)}"
    yield from _wrapped(count, width)


def _counted(summary: Summary, counter: str) -> str:
    counts = summary.counts
    wrong, receipts = counts[counter], counts[Counter.RECEIPTS]
    return f"{wrong:,} of {receipts:,} receipts were {counter}: from rooms that the user was not in"


def wire_lines(case: Mapping[str, Any], bug: Bug, width: int) -> Iterator[Text]:
    """The part of a case's wire log that shows the bug, with the first octets of each entry."""
    octets = 16 if width >= 110 else 8
    for entry in _part(case["wire"], bug):
        kept, text = _contents(entry)
        hexadecimal = spaced_hex(kept, octets)
        more = "…" if len(kept) > 2 * octets or entry["cut"] else " "
        beginning = f"{_LEFT}{ARROWS[entry['direction']]} {hexadecimal:{3 * octets}}{more} "
        line = beginning + text
        cut = line if len(line) <= width else line[: width - 1] + "…"
        received = entry["direction"] == "received"
        style = STYLES["FAIL"] if received and bug.shows in entry["text"] else ""
        yield Text(cut, style=style)


def _contents(entry: Mapping[str, Any]) -> tuple[str, str]:
    """What of an entry is worth showing: of an HTTP message with a body, the body."""
    kept, text = str(entry["octets"]), short(entry["text"], 300)
    at = kept.find(_HEAD_END)
    if not text.startswith(("GET ", "POST ", "HTTP/")) or at < 0 or at % 2:
        return kept, text
    body = kept[at + len(_HEAD_END) :]
    if not body:
        return kept, text
    shown = short(bytes.fromhex(body).decode("utf-8", "replace"), 200)
    return body, f"{text.partition(' /')[0].partition(',')[0]}: {shown}"


def _part(wire: Sequence[Mapping[str, Any]], bug: Bug) -> Sequence[Mapping[str, Any]]:
    begins = [at for at, entry in enumerate(wire) if bug.begins in entry["text"]]
    shows = [
        at
        for at, entry in enumerate(wire)
        if bug.shows in entry["text"] and entry["direction"] == "received"
    ]
    end = shows[-1] + 1 if shows else len(wire)
    begin = begins[0] if begins and begins[0] < end else 0
    return wire[max(begin, end - _MOST) : end]


def _wrapped(text: str, width: int, style: str = "") -> Iterator[Text]:
    for line in textwrap.wrap(text, min(width, 100) - len(_LEFT)):
        yield Text(_LEFT).append(line, style=style)
