"""The report of a load run: one HTML file that needs nothing beside it, and Markdown for CI.

Both show the verdict that the summary stores. Figures are embedded as pictures, in which nothing
runs and whose parts cannot meet those of the page. The page's one script, which its policy names by
its hash, draws them again for the mouse; it takes data from an attribute and writes no HTML.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sockproof import __version__
from sockproof.formats.judgements import Gate
from sockproof.formats.load import About, Source, Summary
from sockproof.render.figures import Drawn
from sockproof.render.headline import Headline
from sockproof.render.html_page import environment
from sockproof.render.load import parts
from sockproof.render.load.gate import for_page as gate_told
from sockproof.render.load.summary import (
    below_headline,
    exercised,
    headline,
    unexercised,
    violations,
)
from sockproof.render.load.summary import told as told_of
from sockproof.render.markdown_page import SIGNS, Page, code, escape
from sockproof.render.text import lines, number, short
from sockproof.runs.exit_code import exit_code
from sockproof.vocabulary import (
    ASIDE,
    CONNECTIONS,
    LATENCY_COLUMNS,
    MESSAGES,
    P50,
    P99,
    SAMPLES,
    STRAYS,
    TRAFFIC,
    Counter,
    LatencyKind,
    Origin,
)

TEMPLATE = "load.html.j2"
_KINDS = (LatencyKind.DELIVERY, LatencyKind.ACK, LatencyKind.CONNECT)
_EXAMPLES = 10
_PARAMETERS = 60
_UNITS = {
    "rate": "messages/s and user",
    "payload_bytes": "bytes",
    "room_size": "clients",
    "max_outstanding": "acknowledgements",
    "ack_timeout": "s",
    "drain": "s",
    "max_lag": "ms",
    "spawn_rate": "users/s",
    "run_time": "s",
}
Pairs = list[tuple[str, str]]


class LoadRun(Protocol):
    """What a page says of a run, besides its figures."""

    @property
    def about(self) -> About: ...
    @property
    def summary(self) -> Summary | None: ...
    @property
    def problems(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Any: ...
    @property
    def end(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    word: str  # holds, VIOLATED, not exercised
    outcome: str  # the class that gives it its look
    count: str
    exercised: str
    examples: list[str]


def render(
    run: LoadRun,
    figures: Sequence[Drawn],
    template: Path,
    calibration: str = "",
    gate: Gate | None = None,
) -> str:
    """The HTML page; `template` is `load.html.j2` of the reports shelf.

    `calibration` is how right the harness is on this machine, where that was measured; `gate` is
    what came of the rules, where there were any.
    """
    page = environment(template).get_template(template.name)
    return page.render(
        **_told(run),
        calibration=short(calibration, 300),
        gate=gate and gate_told(gate),
        figures=[
            {
                "name": each.name,
                "title": each.title,
                "caption": each.caption,
                "plot": each.data and json.dumps(each.data, separators=(",", ":")),
                "data": base64.b64encode(each.svg).decode() if each.svg else None,
                "instead": each.instead,
            }
            for each in figures
        ],
    )


def markdown(run: LoadRun) -> str:
    """The Markdown of a run: at most 64 KiB."""
    told = _told(run)
    page = Page()
    found: Headline = told["verdict"]
    page.add(f"## {SIGNS[found.tone]} {escape(found.sentence, 600)}\n")
    page.add_all((f"* {escape(note)}" for note in found.notes), "* … and {number} more")
    page.add(_list(told["what"]))
    if told["properties"]:
        page.add("| what must not happen | verdict | violations | of |\n|---|---|--:|--:|")
        for each in told["properties"]:
            page.add(f"| {each.name} | {each.word} | {each.count} | {each.exercised} |")
    if told["unexercised"]:
        page.add(f"\nNot exercised: {told['unexercised']}")
    if told["latency"]:
        page.add("\n| latency, from intended time | samples | p50 | p90 | p99 | p99.9 | max |")
        page.add("|---|--:|--:|--:|--:|--:|--:|")
        for kind, origin, samples, values in told["latency"]:
            if origin == Origin.INTENDED:
                page.add(f"| {kind} | {samples} | {' | '.join(values)} |")
    for table in told["parts"]:
        if len(table.rows) > 1:
            columns = " | ".join((*parts.COLUMNS, "violations"))
            page.add(f"\n| {table.first} | {columns} |\n|---|{'--:|' * len(parts.COLUMNS)}---|")
            rows = (
                f"| {escape(each.name)} | {' | '.join(each.cells)} | {each.amiss or 'none'} |"
                for each in table.rows
            )
            page.add_all(rows, "\n… and {number} more")
            if table.more:
                page.add(f"\n{table.more}")
    page.add("")
    page.add(_list(told["numbers"]))
    if told["violations"] and run.summary is not None:
        page.add(f"### Violations: {told['violations_of']} `violations.jsonl`\n")
        amiss = (f"* {escape(line)}" for line in parts.violations(run.summary))
        page.add_all(amiss, "* … and {number} more")
        page.add("")
    for each in told["properties"]:
        if each.examples:
            page.add(f"### {each.name}\n")
            page.add_all((f"* {escape(text)}" for text in each.examples), "* … and {number} more")
            page.add("")
    if told["problems"]:
        page.add("### Missing from the run folder\n")
        page.add_all((f"* {escape(line)}" for line in told["problems"]), "* … and {number} more")
    return page.text()


def _list(pairs: Pairs) -> str:
    return "\n".join(f"* {escape(name)}: {code(value)}" for name, value in pairs) + "\n"


def verdict(run: LoadRun) -> Headline:
    """What the stored summary says, in a sentence."""
    if run.summary is None:
        return Headline("Inconclusive: there is no summary of this run", "unknown", ())
    found = exit_code(run.summary)
    generator = run.summary.generator
    notes = below_headline(run.summary)
    late = (f"latencies and rates: {each}" for each in generator.lateness)
    told = tuple(short(note, 500) for note in [*notes, *generator.reasons, *late][:20])
    sentence = headline(run.summary).rstrip(":")
    tone = "bad" if found == 1 else "good" if found == 0 else "unknown"
    return Headline(sentence, tone, told)  # type: ignore[arg-type]


def _told(run: LoadRun) -> dict[str, Any]:
    summary = run.summary
    return {
        "verdict": verdict(run),
        "exit_code": 2 if summary is None else exit_code(summary),
        "sockproof": __version__,
        "what": _what(run),
        "numbers": _numbers(summary) if summary else [],
        "properties": _properties(summary) if summary else [],
        "unexercised": ", ".join(unexercised(summary)) if summary else "",
        "latency": _latency(summary) if summary else [],
        "parts": parts.tables(summary) if summary else [],
        "part_columns": parts.COLUMNS,
        "violations": _violations(summary) if summary else [],
        "violations_of": parts.heading(summary) if summary else "",
        "counts": _counts(run),
        "again": _again(run.about),
        "locustfiles": [_source(each) for each in run.about.locustfiles[:20]],
        "parameters": _pairs(run.about.parameters, _UNITS),
        "versions": _pairs({**run.about.versions, "OS": run.about.machine.get("system")}),
        "problems": [short(line, 300) for line in list(run.problems)[:50]],
    }


def _what(run: LoadRun) -> Pairs:
    """What was run, and on what."""
    about = run.about
    parameters, cpus = about.parameters, about.machine.get("cpus")
    where = [short(about.machine.get("system"), 200)]
    if isinstance(cpus, int):
        where.append(number(cpus, "CPU"))
    seen = [
        ("Scenario", short(about.scenario, 200)),
        ("Target", short(about.target, 500)),
        ("Started", short(about.started, 40)),
        ("Took", f"{run.end:.0f} s" if run.end else ""),
        ("Users", _count(parameters.get("users"))),
        ("Processes", _count(about.processes)),
        ("Transport", short(parameters.get("transport"), 60)),
        ("Client", short(parameters.get("client"), 60)),
        ("Generator's machine", ", ".join(word for word in where if word)),
    ]
    return [(name, value) for name, value in seen if value]


def _again(about: About) -> Pairs:
    """What is needed to run it again, besides the locustfile."""
    revision = about.revision
    told = [("Command", short(about.command, 2000))]
    if revision is not None:
        state = {True: ", with changes that are not committed", False: "", None: ", maybe changed"}
        told.append(("Git revision", f"{short(revision.commit, 64)}{state[revision.dirty]}"))
    told.append(("Server", short(about.serves, 300)))
    told.append(("Server header", short(about.server, 300)))
    return [(name, value) for name, value in told if value]


def _source(source: Source) -> dict[str, object]:
    return {
        "name": short(source.name, 100),
        "text": lines(source.text),
        "left_out": source.left_out,
    }


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _numbers(summary: Summary) -> Pairs:
    """The few numbers that people look for first."""
    told = []
    for kind in (LatencyKind.DELIVERY, LatencyKind.ACK):
        row = summary.latency[kind][Origin.INTENDED]
        for each in (P50, P99):
            if row[each.ms] is not None:
                told.append((f"{kind} latency, {each.label}", _ms(row[each.ms])))
    generator, counts = summary.generator, summary.counts
    told.append((Counter.OFFERED.label, _rate(generator.offered_rate)))
    told.append(("achieved", _rate(generator.achieved_rate)))
    told.append((Counter.RECEIPTS.value, f"{counts[Counter.RECEIPTS]:,}"))
    told.append(("connections opened", f"{counts[Counter.CONNECTIONS_OPENED]:,}"))
    return told


def _properties(summary: Summary) -> list[_Property]:
    told = []
    for name, each in exercised(summary).items():
        more = f" ({each.expected:,} more expected)" if each.expected else ""
        examples = summary.examples.get(name, [])[:_EXAMPLES]
        if any(name in violation.kinds for violation in summary.violations.first):
            examples = []  # each of which is told with its users
        told.append(
            _Property(
                short(name, 40),
                told_of(each),
                "PASS" if each.verdict else "FAIL",
                f"{violations(summary, name):,}{more}",
                f"{each.exercised:,}",
                [short(text, 300) for text in examples],
            )
        )
    return told


def _violations(summary: Summary) -> list[dict[str, str]]:
    """Those that are shown, each in the columns of a table."""
    return [
        {
            "time": short(each.time or "", 40),
            "kinds": short(", ".join(each.kinds), 100),
            "name": short(each.name, 60),
            "event": short(each.event, 60) if each.event != each.name else "",
            "number": f"{each.number:,}" if each.number else "",
            "sender": short(each.sender, 60),
            "room": short(each.room, 60),
            "receivers": short(each.whom(), 200),
            "body": short(each.body, 60),
        }
        for each in parts.shown(summary)
    ]


def _latency(summary: Summary) -> list[tuple[str, str, str, list[str]]]:
    rows = []
    for kind in _KINDS:
        for origin, row in summary.latency[kind].items():
            if row[SAMPLES]:
                values = [_ms(row[name]) for name in LATENCY_COLUMNS]
                rows.append((kind.value, short(origin, 40), f"{row[SAMPLES]:,}", values))
    return rows


def _counts(run: LoadRun) -> list[tuple[str, Pairs]]:
    """What was counted, in groups."""
    groups: list[tuple[str, Pairs]] = []
    if run.summary is not None:
        counts, generator, target = run.summary.counts, run.summary.generator, run.summary.target
        known = (*MESSAGES, Counter.DUE, Counter.UNDETERMINED)
        messages = [(each.label, _count(counts[each])) for each in known]
        for each in (*ASIDE, *STRAYS):
            if counts.get(each):
                messages.append((each.label, _count(counts[each])))
        for each in TRAFFIC:
            if isinstance(counts.get(each), int):
                messages.append((each.label, f"{counts[each] / 2**20:,.1f} MiB"))
        groups.append(("Messages", messages))
        connections = [(each.label, _count(counts[each])) for each in CONNECTIONS]
        groups.append(("Connections", connections))
        cost = [
            ("CPU", f"{generator.cpu_s or 0:,.1f} s"),
            ("peak memory", f"{(generator.max_rss_bytes or 0) / 2**20:,.0f} MiB"),
            ("largest lag", _ms(generator.max_lag_ms)),
            (Counter.OFFERED.label, _rate(generator.offered_rate)),
            ("achieved", _rate(generator.achieved_rate)),
        ]
        groups.append(("The generator", cost))
        if target.cpu_s is not None and target.max_rss_bytes is not None:
            memory = f"{target.max_rss_bytes / 2**20:,.0f} MiB"
            cpu = f"{target.cpu_s:,.1f} s"
            groups.append(("The target", [("CPU", cpu), ("peak memory", memory)]))
    for title, reasons in (
        ("Why connects failed", run.rows.failed),
        ("Why connections were lost", run.rows.dropped),
    ):
        if reasons:
            told = [(short(name, 60), f"{count:,}") for name, count in reasons.most_common(30)]
            groups.append((title, told))
    return groups


def _pairs(value: Mapping[str, object], units: Mapping[str, str] | None = None) -> Pairs:
    shown = [(short(name, 60), each) for name, each in list(value.items())[:_PARAMETERS]]
    known = units or {}
    return [
        (name.replace("_", " "), f"{_said(each)} {known.get(name, '')}".rstrip())
        for name, each in shown
        if each not in (None, [])
    ]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,g}" if isinstance(value, int | float) else short(value, 300)


def _ms(value: float | None) -> str:
    if value is None:
        return "too few"
    return f"{value / 1000:,.2f} s" if value >= 10_000 else f"{value:,.2f} ms"


def _rate(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.1f} messages/s"
