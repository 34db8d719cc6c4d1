"""A run as its terminal shows it: progress while it goes on, the findings when it has ended.

A terminal gets a live line and colours, a pipe plain lines. When the run has ended, its answer
fits a screen (`screen`); a verbose one lists cases as well: each that needs a look as it happens,
a table by file, and the findings one by one. Nothing that a server sent reaches the terminal as a
control sequence, and none of it is read as rich's markup.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Live
from rich.table import Table
from rich.text import Text

from sockproof.render.conformance.screen import STYLES, TONES, screen
from sockproof.render.conformance.summary import Case, findings, groups, seen, verdict
from sockproof.render.text import last_wire_lines, number, short
from sockproof.runs.records import OUTCOMES, CaseRecord, count_outcomes

_STORIES = 30
_WIRE_LINES = 6
_PIPE_WIDTH = 160
_NARROWEST = 60  # a terminal may say that it has no columns at all


class Progress:
    """Tells a run to a terminal or a pipe; `stream` is the standard output unless given."""

    def __init__(self, stream: TextIO | None = None, verbose: bool = False) -> None:
        stream = stream or sys.stdout
        self._verbose = verbose
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a Latin-1 terminal cannot show every text
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = _PIPE_WIDTH
        self._live: Live | None = None
        self._task = TaskID(0)
        self._wrong = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(
        self, total: int, target: str, server: str | None = None, bound: float | None = None
    ) -> None:
        """Say what begins, and after how many seconds it ends in any case."""
        named = f" ({short(server, 200)})" if server else ""
        within = "" if bound is None else f", {bound:.0f} s at most"
        self._say(f"{short(target, 500)}{named}: {number(total, 'case')}{within}")
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(
                BarColumn(bar_width=30),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[wrong]}", style="red", markup=False),
                console=self._console,
                transient=True,
            )
            self._task = self._live.add_task("", total=total, wrong="")
            self._live.start()

    def case_done(self, record: CaseRecord) -> None:
        """Note that a case has ended; a verbose run tells at once of one that needs a look."""
        unexpected = record.expectation is None and record.outcome == "FAIL"
        if unexpected or record.outcome == "INCONCLUSIVE":
            self._wrong += unexpected
            if self._verbose:
                self._at_once(record)
        if self._live is not None:
            wrong = f"{self._wrong} failed" if self._wrong else ""
            self._live.update(self._task, advance=1, wrong=wrong)

    def _at_once(self, record: CaseRecord) -> None:
        what = short(record.got or record.summary, 300)
        line = f"  {short(record.id, 200)}: {what}"
        self._line((record.outcome, _style(record.outcome)), line)

    def stop(self) -> None:
        """Take the live line away; nothing when there is none."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def finish_briefly(self, report: Mapping[str, Any], name: str) -> None:
        """Tell the run in one line, as one of several."""
        self.stop()
        counts = ", ".join(f"{count} {each}" for each, count in report["counts"].items() if count)
        told = verdict(report)
        sentence = Text(told.sentence, style=TONES[told.tone])
        self._console.print(Text(f"{short(name, 200)}: {counts}; ") + sentence)

    def finish(self, report: Mapping[str, Any], written: Iterable[Path] = ()) -> None:
        """Tell the whole run: its answer, with the verdict last; cases too when verbose."""
        self.stop()
        if self._verbose and report["cases"]:
            self._cases(report)
        width = max(self._console.width, _NARROWEST)
        for line in screen(report, list(written), width):
            if line.styled:
                self._line((line.styled, line.style), line.plain)
            else:
                self._say(line.plain)

    def _cases(self, report: Mapping[str, Any]) -> None:
        found = findings(report)
        self._say()
        self._console.print(self._table(report))
        unexpected = [*found.wrong, *found.unclear, *found.remarks]
        for case in unexpected[:_STORIES]:
            self._story(case)
        self._rest(unexpected[_STORIES:])
        self._known(found.known)
        self._aside(found.aside)
        self._seen(seen(report))
        self._say()

    def _table(self, report: Mapping[str, Any]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("suite")
        table.add_column("file")
        used = [name for name in OUTCOMES if report["counts"].get(name)]
        for name in used:
            table.add_column(name, justify="right")
        before = ""
        for (suite, file), cases in groups(report["cases"]).items():
            counts = count_outcomes(cases)
            cells = [_cell(counts[name], name) for name in used]
            table.add_row(Text(suite if suite != before else ""), Text(file), *cells)
            before = suite
        totals = [_cell(report["counts"][name], name) for name in used]
        table.add_row(Text("all", style="bold"), Text(""), *totals)
        return table

    def _story(self, case: Case) -> None:
        self._say()
        outcome = case["outcome"]
        known = f"{short(case['requirement'], 100)}, {short(case['level'], 20)}"
        self._line((outcome, _style(outcome)), f"  {short(case['id'], 300)}  ({known})")
        if case["summary"]:
            self._say(f"  {short(case['summary'], 500)}")
        if case["expected"]:
            self._say(f"  expected  {short(case['expected'], 500)}")
        if case["got"]:
            self._say(f"  got       {short(case['got'], 500)}")
        for line in last_wire_lines(case, _WIRE_LINES, 120):
            self._line(("  " + line, "dim"))
        if case["rerun"]:
            self._say(f"  repeat    {short(case['rerun'], 1000)}")

    def _rest(self, cases: Sequence[Case]) -> None:
        if cases:
            self._say()
            self._say(f"and {number(len(cases), 'case')} more, in full in the reports:")
        for case in cases:
            self._line((case["outcome"], _style(case["outcome"])), f"  {short(case['id'], 300)}")

    def _known(self, cases: Sequence[Case]) -> None:
        if cases:
            self._say()
            self._line((f"{number(len(cases), 'known deviation')}, as expected:", "bold"))
        for case in cases:
            reason = short(case["expectation"]["reason"], 300)
            self._say(f"  {short(case['outcome'], 40)}  {short(case['id'], 300)}: {reason}")

    def _aside(self, cases: Sequence[Case]) -> None:
        if cases:
            self._say()
            self._line((f"{number(len(cases), 'case')} set aside:", "bold"))
        for case in cases:
            why = short(case["aside"]["text"], 300)
            self._say(f"  {short(case['outcome'], 40)}  {short(case['id'], 300)}: {why}")

    def _seen(self, notes: Sequence[str]) -> None:
        if notes:
            self._say()
            self._line(("observed limits and choices:", "bold"))
        for note in notes:
            self._say(f"  {note}")

    def _line(self, styled: tuple[str, str], plain: str = "") -> None:
        text = Text(short(styled[0], 2000), style=styled[1], end="")
        self._console.print(text.append(plain, style="not bold not dim default"), soft_wrap=True)

    def _say(self, line: str = "") -> None:
        self._console.print(Text(line), soft_wrap=True)


def _style(outcome: str) -> str:
    return STYLES.get(outcome, "bold")


def _cell(count: int, outcome: str) -> Text:
    return Text(str(count), style=_style(outcome)) if count else Text("·", style="dim")
