"""Whether a run keeps the rules of a gate.

Per rule: *pass*, *fail*, or *inconclusive*: no data, too few samples, a
property that was not exercised, records that are not whole. What was counted wrong in a run that
is inconclusive is wrong all the same: a broken rule about violations fails.

The generator's lag can only have made a latency longer. So a latency within its limit is within
it, and one beyond it is a failure where it is so less the lag of its second, too. A rate that is
too low for its rule says nothing of the target when the generator could do no more. Latencies
between hosts are known to within the error of their clocks: what that could decide is inconclusive.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from sockproof import files
from sockproof.analysis.gates.rules import Condition, Rule, Rules, value_in
from sockproof.analysis.gates.windows import after_grace, windows
from sockproof.formats.judgements import Gate, GateOutcome, JudgedRule
from sockproof.formats.load import Ended, Violation
from sockproof.runs.breakdown import By, Group, is_known, look_up, only
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import ENDED_FILE
from sockproof.runs.reader import LoadRunFolder
from sockproof.runs.records import count_outcomes, weighs
from sockproof.vocabulary import OF_MESSAGES, Counter, LatencyKind

MOST_VIOLATIONS = 3  # that are told of one rule
_OUTCOMES = {
    "passed": "PASS",
    "non_strict": "NON_STRICT",
    "failed": "FAIL",
    "unsupported": "UNSUPPORTED",
    "inconclusive": "INCONCLUSIVE",
}


class Outcome(IntEnum):
    """What comes of a rule; the numbers are exit codes."""

    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 2

    @property
    def word(self) -> GateOutcome:
        """How files have it."""
        words: dict[Outcome, GateOutcome] = {
            Outcome.PASS: "pass",
            Outcome.FAIL: "fail",
            Outcome.INCONCLUSIVE: "inconclusive",
        }
        return words[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one rule: the value that was found, and a line that says more."""

    rule: Rule
    outcome: Outcome
    value: float | bool | None
    text: str = ""
    violations: tuple[str, ...] = ()  # the first messages that broke it, a line each


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of all together: a failure outweighs what cannot be told."""
    found = set(outcomes)
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        if outcome in found:
            return outcome
    return Outcome.PASS


def told(title: str, run: str, about: str, findings: Sequence[Finding], left_out: int = 0) -> Gate:
    """What came of a gate, as `gate.json` has it.

    `about` says what the run did; `left_out` rules are about runs of another kind.
    """
    outcome = worst(finding.outcome for finding in findings)
    rules = [
        JudgedRule(
            that=str(finding.rule.condition),
            why=finding.rule.why,
            outcome=finding.outcome.word,
            value=finding.value,
            text=finding.text,
            violations=list(finding.violations),
        )
        for finding in findings
    ]
    return Gate(
        title=title,
        run=run,
        about=about,
        outcome=outcome.word,
        exit_code=outcome.value,
        rules=rules,
        left_out=left_out,
    )


def judge(rules: Rules, summary: Mapping[str, Any], folder: Path | None = None) -> list[Finding]:
    """Judge the summary of a load run; rules with a window read its `folder`."""
    ended = None if folder is None else _ended(folder)
    run = None if folder is None else LoadRunFolder(folder)
    return [
        *_outages(summary),
        *(
            _judge_ended(rule, summary, ended)
            if ended is not None and rule.abort and str(rule.condition) == ended.that
            else _judge(rule, summary, run)
            for rule in rules.rules
        ),
    ]


def _outages(summary: Mapping[str, Any]) -> Iterator[Finding]:
    """No rule asks whether the target was there at all: where it was not, that comes first."""
    found = [each for each in summary.get("outages") or () if not each.get("expected")]
    if found:
        rule = Rule(Condition(f"counts.{Counter.OUTAGES}", "==", 0), why="the target was not there")
        text = "; ".join(str(each.get("text")) for each in found)
        yield Finding(rule, Outcome.FAIL, len(found), text)


def _ended(folder: Path) -> Ended | None:
    """What is known of the rule that ended the run; None when it ran to its end."""
    path = folder / ENDED_FILE
    if not files.is_there(path):
        return None
    return files.read_json(path, Ended, files.MIB)


def _judge_ended(rule: Rule, summary: Mapping[str, Any], ended: Ended) -> Finding:
    """A rule that was broken and ended the run, though the rest of the run be within it."""
    value = ended.value
    text = f"broken {ended.second:.0f} s after the run began, which ended it"
    generator = summary.get("generator") or {}
    # That the run is short is the rule's own doing; that the generator was busy is not.
    if rule.condition.is_latency and generator.get("saturated"):
        reasons = "; ".join(_late(summary) or list(generator.get("reasons") or ()))
        return Finding(rule, Outcome.INCONCLUSIVE, value, f"{text}, but: {reasons}")
    return Finding(rule, Outcome.FAIL, value, text)


def judge_cases(rules: Rules, report: Mapping[str, Any]) -> list[Finding]:
    """Judge the report of a conformance run."""
    values = _case_metrics(report)
    findings = []
    for rule in rules.rules:
        value = values.get(rule.condition.metric)
        if report.get("interrupted") and (value is None or rule.condition.holds(value)):
            findings.append(Finding(rule, Outcome.INCONCLUSIVE, value, "the run was interrupted"))
        elif report.get("damage") and (value is None or rule.condition.holds(value)):
            why = "the run's records are damaged"
            findings.append(Finding(rule, Outcome.INCONCLUSIVE, value, why))
        elif value is None or not report["cases"]:
            findings.append(Finding(rule, Outcome.INCONCLUSIVE, value, "no such case ran"))
        else:
            findings.append(_compared(rule, value))
    return findings


def _case_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    strict = bool(report.get("strict"))
    values = {"conformance.stale": float(len(report.get("stale_expectations") or []))}
    suites: dict[str, list[Mapping[str, Any]]] = {"": list(report["cases"])}
    for case in report["cases"]:
        suites.setdefault(str(case["id"]).partition("/")[0], []).append(case)
    for suite, cases in suites.items():
        counts = count_outcomes(cases)
        prefix = f"conformance.suites.{suite}" if suite else "conformance"
        values[f"{prefix}.cases"] = len(cases)
        values[f"{prefix}.unexpected"] = sum(weighs(case, strict) for case in cases)
        for name, outcome in _OUTCOMES.items():
            values[f"{prefix}.{name}"] = counts.get(outcome, 0)
    return values


def _judge(rule: Rule, summary: Mapping[str, Any], run: LoadRunFolder | None) -> Finding:
    asked = rule.condition
    plain, group = asked.parted
    if group is not None and not is_known(summary, group):
        return Finding(rule, Outcome.INCONCLUSIVE, None, _unknown(summary, group))
    needs_lines = rule.window or (rule.grace and asked.is_latency and not rule.abort)
    if needs_lines and run is not None and run.problems:
        return Finding(
            rule, Outcome.INCONCLUSIVE, None, f"the records are damaged: {run.problems[0]}"
        )
    # What is told of each second is told of the whole alone where that is one part.
    asked_of = replace(rule, condition=replace(asked, metric=plain))
    told = asked_of if only(summary, group) else rule
    if rule.window:
        finding = replace(_windows(told, run), rule=rule)
    elif rule.grace and asked.is_latency and not rule.abort:
        finding = replace(_after_grace(told, run), rule=rule)
    else:
        finding = _whole(rule, summary)
    finding = _within_error(finding, summary)
    generator = summary.get("generator") or {}
    if generator.get("saturated") and finding.outcome == Outcome.FAIL and _is_amount(asked):
        text = f"the generator could do no more: {'; '.join(_late(summary))}"
        return Finding(rule, Outcome.INCONCLUSIVE, finding.value, text)
    if generator.get("fit") or asked.metric == "generator.fit":
        return finding
    if finding.outcome == Outcome.FAIL and _is_violation(asked):
        return finding
    reasons = "; ".join(str(each) for each in generator.get("reasons") or ())
    return Finding(rule, Outcome.INCONCLUSIVE, finding.value, f"the run is inconclusive: {reasons}")


def _unknown(summary: Mapping[str, Any], group: Group) -> str:
    """Nothing of the run has this name."""
    known = list(summary.get(group.by) or {})
    if not known:
        return f"the run has no names of {'messages' if group.by.what == 'message' else 'classes'}"
    close = difflib.get_close_matches(group.name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(map(repr, known))}"
    return f"no {group.by.what} of the run is called {group.name!r}; {hint}"[:500]


def _within_error(finding: Finding, summary: Mapping[str, Any]) -> Finding:
    """The finding, unless the error of the hosts' clocks could have turned it round."""
    asked, value = finding.rule.condition, finding.value
    error = summary.get("delivery_error_ms") or 0.0
    if not error or not asked.is_latency or LatencyKind.DELIVERY not in asked.parted[0].split("."):
        return finding
    if finding.outcome == Outcome.INCONCLUSIVE or value is None:
        return finding
    least = look_up(summary, asked.metric.replace("latency.", "latency_less_lag.", 1))
    least = min(value, least) if isinstance(least, int | float) else value
    if asked.holds(max(least - error, 0.0)) is asked.holds(value + error):
        return finding
    text = f"the clocks of the hosts are known to within {error:,.4g} ms, which could decide it"
    return Finding(finding.rule, Outcome.INCONCLUSIVE, value, text)


def _is_violation(asked: Condition) -> bool:
    """Whether it is about what the target did, whatever the generator was like."""
    return asked.parted[0].startswith("counts.") or asked.metric.endswith(".verdict")


def _is_amount(asked: Condition) -> bool:
    """Whether it is about how much was sent, which the generator has its share in."""
    return asked.metric.endswith(("_rate", ".exercised", ".samples"))


def _late(summary: Mapping[str, Any]) -> list[str]:
    """What the generator's own lateness may have changed, a line each."""
    return [str(each) for each in (summary.get("generator") or {}).get("lateness") or ()]


def _is_the_lag(rule: Rule, value: float, least: float | None) -> Finding:
    told = "" if least is None else f": less its lag in the same seconds it is {least:,.4g}"
    text = f"the generator's own lag may have broken it{told}"
    return Finding(rule, Outcome.INCONCLUSIVE, value, text)


def _whole(rule: Rule, summary: Mapping[str, Any]) -> Finding:
    asked = rule.condition
    value = look_up(summary, asked.metric)
    if asked.is_latency:
        samples = look_up(summary, f"{asked.metric.rpartition('.')[0]}.samples") or 0
        if value is None or samples < rule.min_samples:
            return Finding(rule, Outcome.INCONCLUSIVE, value, _too_few(samples, rule))
        least = look_up(summary, asked.metric.replace("latency.", "latency_less_lag.", 1))
        if isinstance(least, int | float) and _differ(asked, value, least):
            return _is_the_lag(rule, value, least)
    if value == "not exercised":
        return Finding(rule, Outcome.INCONCLUSIVE, None, "the property was not exercised")
    if isinstance(value, bool) is not isinstance(asked.bound, bool):
        return Finding(rule, Outcome.INCONCLUSIVE, None, "there is no data")
    if not isinstance(value, int | float) or not math.isfinite(value):
        return Finding(rule, Outcome.INCONCLUSIVE, None, "there is no data")
    finding = replace(_compared(rule, value), violations=_first_of(asked, summary))
    plain, group = asked.parted
    name = plain.removeprefix("counts.")
    if group is None:
        chances = look_up(summary, f"properties.{name}.exercised")
    else:
        chances = summary[group.by][group.name]["exercised"].get(name)
    exercised = name not in OF_MESSAGES or chances
    if finding.outcome == Outcome.PASS and not exercised:
        return Finding(rule, Outcome.INCONCLUSIVE, value, "the property was not exercised")
    return finding


def _first_of(asked: Condition, summary: Mapping[str, Any]) -> tuple[str, ...]:
    """The first messages that a rule about violations is about, where it is broken or not."""
    plain, group = asked.parted
    name = plain.removeprefix("counts.").removeprefix("properties.").removesuffix(".verdict")
    if group is not None and group.by is By.CLASS:
        return ()  # an entry does not tell of which class its receivers are
    known = files.checked((summary.get("violations") or {}).get("first") or [], list[Violation])
    return tuple(
        each.said()
        for each in known
        if name in each.kinds and (group is None or each.name == group.name)
    )[:MOST_VIOLATIONS]


def _by_lag_alone(asked: Condition, least: float | None) -> bool:
    return least is None or asked.holds(least)


def _differ(asked: Condition, value: float, least: float) -> bool:
    """Whether only one of the two keeps it."""
    return asked.holds(value) is not asked.holds(least)


def _compared(rule: Rule, value: float | bool) -> Finding:
    holds = rule.condition.holds(value)
    return Finding(rule, Outcome.PASS if holds else Outcome.FAIL, value)


def _too_few(samples: int, rule: Rule) -> str:
    wanted = f", {rule.min_samples:,} are needed" if rule.min_samples else ""
    return f"{samples:,} samples are too few{wanted}" if samples else "there is no data"


def _windows(rule: Rule, run: LoadRunFolder | None) -> Finding:
    """The rule in each whole window of the measured part; the worst value is told."""
    every = [] if run is None else windows(rule, run)
    known = [(each.value, each.since) for each in every if each.value is not None]
    if not known:
        why = "no window has enough samples" if every else "there is no full window"
        return Finding(rule, Outcome.INCONCLUSIVE, None, why)
    asked = rule.condition
    broken = [each for each in known if not asked.holds(each[0])]
    if asked.is_latency:
        least = {each.since: each.least for each in every}
        lagged = [each for each in broken if _by_lag_alone(asked, least[each[1]])]
        if lagged and len(lagged) == len(broken):
            value, since = max(lagged)
            return _is_the_lag(rule, value, least[since])
        broken = [each for each in broken if each not in lagged]
    lowest = rule.condition.comparison in (">=", ">")
    value, since = (min if lowest else max)(broken or known)
    if broken:
        text = f"{len(broken)} of {len(every)} windows of {rule.window:g} s break it; "
        text += f"the worst starts at {since:g} s of the measured part"
        return Finding(rule, Outcome.FAIL, value, text)
    if len(known) < len(every):
        few = len(every) - len(known)
        text = f"{few} of {len(every)} windows of {rule.window:g} s have too few samples"
        return Finding(rule, Outcome.INCONCLUSIVE, value, text)
    return Finding(
        rule, Outcome.PASS, value, f"the worst of {len(every)} windows of {rule.window:g} s"
    )


def _after_grace(rule: Rule, run: LoadRunFolder | None) -> Finding:
    total, less_lag = (Histogram(), Histogram()) if run is None else after_grace(rule, run)
    value, least = value_in(rule, total), value_in(rule, less_lag)
    if value is None:
        return Finding(rule, Outcome.INCONCLUSIVE, None, _too_few(total.samples, rule))
    if not rule.condition.holds(value) and _by_lag_alone(rule.condition, least):
        return _is_the_lag(rule, value, least)
    return _compared(rule, value)
