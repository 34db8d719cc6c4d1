"""What a load run's summary means: nothing that nobody judged is a success."""

from __future__ import annotations

import re

import pytest

from sockproof.formats.judgements import Gate, JudgedRule
from sockproof.formats.load import Generator, Latency, Part, PropertyFound, Summary, TargetCost
from sockproof.render.load.gate import lines as gate_lines
from sockproof.render.load.parts import tables
from sockproof.render.load.summary import headline, lines
from sockproof.runs.exit_code import exit_code
from sockproof.vocabulary import PROPERTIES, LatencyKind, Origin


def summary(fit: bool = True, emitted: int = 50, **verdicts: bool) -> Summary:
    """A summary with these verdicts; all else was not exercised."""
    counts = dict.fromkeys(PROPERTIES, 0) | {
        name: 3 for name, holds in verdicts.items() if not holds
    }
    row: Latency = {"samples": 0}
    return Summary(
        counts=counts | {"emitted": emitted},
        properties={
            name: PropertyFound(verdicts.get(name, "not exercised")) for name in PROPERTIES
        },
        latency={kind: dict.fromkeys(Origin, row) for kind in LatencyKind},
        target=TargetCost(),
        generator=Generator(fit=fit, reasons=[]),
    )


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        (summary(lost=True, broken=True), 0, "Nothing was lost or broken"),
        (summary(), 2, "Inconclusive: no property was exercised"),
        # Messages were sent, and nothing was heard of them: that connections held says nothing.
        (summary(broken=True), 2, "Inconclusive: no property was exercised"),
        (summary(broken=True, emitted=0), 0, "Nothing was broken"),
        (summary(broken=False), 1, "Violations: 3 broken"),
        (summary(fit=False, broken=False), 1, "Violations: 3 broken"),
        (summary(lost=True, forged=False), 1, "Violations: 3 forged"),
        (summary(fit=False, lost=True), 2, "Inconclusive:"),
    ],
)
def test_verdict_and_headline(told: Summary, code: int, said: str) -> None:
    assert (exit_code(told), headline(told)) == (code, said)


def test_what_counts_for_nothing_is_told_where_there_is_any() -> None:
    told = summary(lost=True)
    names = ("connections_opened", "connect_failures", "disconnected", "acknowledged")
    told.counts |= dict.fromkeys((*names, "ack_timeouts", "receipts"), 0)
    plain = "\n".join(lines(told))
    told.counts |= {"late": 4, "late_acks": 5, "unrecorded": 6, "doubled_acks": 7}
    more = "\n".join(lines(told))
    for text in ("4 received, 5 acknowledged", "6 received without a record", "7 doubled"):
        assert text not in plain
        assert text in more


def test_what_was_not_exercised_is_one_line_and_no_row_of_zeros() -> None:
    told = summary(lost=True, forged=False)
    names = ("connections_opened", "connect_failures", "disconnected", "acknowledged")
    told.counts |= dict.fromkeys((*names, "ack_timeouts", "receipts"), 0)
    text = list(lines(told))
    rows = [line.split()[0] for line in text if re.search(r"\d of \d", line)]
    assert rows == ["lost", "forged"]
    (rest,) = [line for line in text if "not exercised" in line]
    assert "misnumbered" in rest
    assert "forged" not in rest


def test_reason_of_many_rules_stands_once_in_a_gate() -> None:
    why = f"the run is inconclusive: {'no connection was opened; ' * 4}"
    rules = [
        JudgedRule(f"counts.{name} == 0", "", "inconclusive", 0, text)
        for name, text in (("lost", why), ("leaked", why), ("forged", "short"), ("broken", "short"))
    ]
    gate = Gate(title="t", run="r", about="a", outcome="inconclusive", exit_code=2, rules=rules)
    shown = "\n".join(gate_lines(gate))
    assert shown.count("no connection was opened") == 4
    assert shown.count("as above") == 1
    assert shown.count("short") == 2


@pytest.mark.parametrize(("holds", "said"), [(True, "3 lost (expected)"), (False, "3 lost")])
def test_what_a_scenario_expects_is_no_violation_of_a_class(holds: bool, said: str) -> None:
    told = summary(lost=holds)
    told.properties["lost"].expected = 3 if holds else 1
    told.classes = {"Reader": Part(counts={"lost": 3}), "Writer": Part()}
    found = {row.name: row.amiss for table in tables(told) for row in table.rows}
    assert found == {"Reader": said, "Writer": ""}
