"""What came of a gate, as `analysis.gates.told` tells it: for the terminal, in Markdown, JUnit."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from typing import Any

from sockproof.formats.judgements import Gate, JudgedRule
from sockproof.render.html_page import SHAPES
from sockproof.render.markdown_page import code, escape
from sockproof.render.text import aligned, number, short

_AS_ABOVE, _LONG = "as above", 60  # characters
_LABELS = {"pass": "pass", "fail": "FAIL", "inconclusive": "inconclusive"}
_SENTENCES = {
    "pass": "Gate passed",
    "fail": "Gate failed",
    "inconclusive": "Gate inconclusive",
}


def unit(metric: str) -> str:
    """What a metric's numbers are in."""
    name = metric.rpartition(".")[2]
    if name.endswith("_ms"):
        return "ms"
    if name.endswith("_s"):
        return "s"
    if name.endswith("_rate"):
        return "messages/s"
    return "bytes" if "bytes" in name else ""


def value_text(rule: JudgedRule) -> str:
    """The value that was found, with its unit."""
    value = rule.value
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
    return f"{text} {unit(rule.that.rsplit(maxsplit=2)[0])}".rstrip()


def _remark(rule: JudgedRule, text: str | None = None) -> str:
    parts = (rule.text if text is None else text, rule.why if rule.outcome != "pass" else "")
    return "; ".join(short(part, 500) for part in parts if part)


def _remarks(judged: Gate) -> Iterator[str]:
    """Those of all rules; a long text stands there once."""
    said: set[str] = set()
    for rule in judged.rules:
        yield _remark(rule, _AS_ABOVE if rule.text in said else None)
        if len(rule.text) > _LONG:
            said.add(rule.text)


def lines(judged: Gate) -> Iterator[str]:
    """For the terminal."""
    rows = [
        (f"{_LABELS[rule.outcome]:12}", short(rule.that, 300), value_text(rule), remark)
        for rule, remark in zip(judged.rules, _remarks(judged), strict=True)
    ]
    yield f"gate {short(judged.title, 200)}: {short(judged.run, 500)}, {_about(judged)}"
    yield from aligned(rows, left=(0, 1, 3))
    yield headline(judged)


def _about(judged: Gate) -> str:
    return short(judged.about, 300)


def headline(judged: Gate) -> str:
    """One sentence."""
    outcome, rules = judged.outcome, judged.rules
    rest = ""
    if judged.left_out:
        rest = f" {number(judged.left_out, 'rule')} for other kinds of runs skipped."
    if outcome == "pass":
        return f"{_SENTENCES[outcome]}: {number(len(rules), 'rule')} checked, none broken.{rest}"
    told = sum(rule.outcome == outcome for rule in rules)
    what = "broken" if outcome == "fail" else "cannot be checked with this run"
    return f"{_SENTENCES[outcome]}: {told} of {number(len(rules), 'rule')} {what}.{rest}"


def for_page(judged: Gate) -> dict[str, Any]:
    """For the page of a load run."""
    rules = [
        {
            **_sign(rule.outcome),
            "that": short(rule.that, 300),
            "value": value_text(rule),
            "remark": remark,
        }
        for rule, remark in zip(judged.rules, _remarks(judged), strict=True)
    ]
    sentence = f"{headline(judged)} Rules: {short(judged.title, 200)}."
    return {**_sign(judged.outcome), "sentence": sentence, "rules": rules}


def _sign(outcome: str) -> dict[str, str]:
    shape = {"pass": "PASS", "fail": "FAIL"}.get(outcome, "INCONCLUSIVE")
    return {"outcome": shape, "sign": SHAPES[shape], "word": _LABELS[outcome]}


def markdown(all_judged: Iterable[Gate]) -> str:
    """For a CI step's summary: one run, or several below each other."""
    return "\n".join(_markdown(judged) for judged in all_judged)


def _markdown(judged: Gate) -> str:
    run, about = escape(judged.run), escape(judged.about)
    told = [
        f"### {headline(judged)}",
        "",
        f"Run {run}: {about}; rules {escape(judged.title)}",
        "",
        "| | rule | found | |",
        "|---|---|---:|---|",
    ]
    for rule, remark in zip(judged.rules, _remarks(judged), strict=True):
        columns = (_LABELS[rule.outcome], _asked(rule), value_text(rule))
        told.append(f"| {' | '.join(columns)} | {escape(remark, 1000)} |")
    return "\n".join(told) + "\n"


def _asked(rule: JudgedRule) -> str:
    return code(rule.that) if "[" in rule.that else f"`{rule.that}`"  # a name may hold anything


def junit(all_judged: Iterable[Gate]) -> str:
    """JUnit XML: a broken rule is a failure, one that cannot be judged is an error."""
    root = ET.Element("testsuites", name="sockproof gate")
    for judged in all_judged:
        _suite(root, judged)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(root: ET.Element, judged: Gate) -> None:
    rules = judged.rules
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"{short(judged.title, 200)}: {short(judged.run, 500)}, {_about(judged)}",
        tests=str(len(rules)),
        failures=str(sum(rule.outcome == "fail" for rule in rules)),
        errors=str(sum(rule.outcome == "inconclusive" for rule in rules)),
    )
    place = f"gate {short(judged.title, 200)}"  # the same each time: so tests are known again
    for rule in rules:
        case = ET.SubElement(
            suite, "testcase", classname=place, name=short(rule.that, 300), time="0"
        )
        if rule.outcome != "pass":
            kind = "failure" if rule.outcome == "fail" else "error"
            message = f"found {value_text(rule)}"
            amiss = [short(line, 300) for line in rule.violations[:3]]
            ET.SubElement(case, kind, message=message).text = "\n".join([_remark(rule), *amiss])
