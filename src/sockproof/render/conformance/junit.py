"""The report as JUnit XML, for CI systems that read test results.

A suite for each requirement, the most serious fault first. What counts is a `failure`: exactly
the deviations and stale expectations that make the exit code 1. INCONCLUSIVE is an `error`,
UNSUPPORTED is `skipped`. What an expectation names, what is set aside and what does not count
pass with the reason in `system-out`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sockproof.render.conformance.causes import answer
from sockproof.render.conformance.summary import Case, page_of, standing, verdict
from sockproof.render.text import group_of, last_wire_lines, short

_TEXT = 4000
_WIRE_LINES = 20


def render(report: Mapping[str, Any]) -> str:
    """The JUnit XML of a report; well-formed XML 1.0 whatever a server sent."""
    strict = bool(report.get("strict"))
    root = ET.Element("testsuites", name="sockproof")
    for requirement, cases in _by_requirement(report).items():
        element = _suite(root, requirement, report, cases)
        for case in cases:
            _case(element, case, report, strict)
    _about_the_run(root, report)
    for element in root:
        _count(element, element)
    _count(root, root)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _by_requirement(report: Mapping[str, Any]) -> dict[str, list[Case]]:
    """The cases of each requirement: what has faults first, the most serious before the rest."""
    told = answer(report)
    graded = (*told.faults, *told.remarks, *told.known, *told.aside, *told.unjudged)
    ordered = [case for group in graded for case in group.cases]
    suites: dict[str, list[Case]] = {case["requirement"]: [] for case in ordered}
    for case in report["cases"]:
        suites.setdefault(case["requirement"], []).append(case)
    return suites


def _suite(
    root: ET.Element, name: str, report: Mapping[str, Any], cases: Sequence[Case] = ()
) -> ET.Element:
    """A suite, by the id of its requirement, what is known of that among the properties."""
    about = (report.get("requirements") or {}).get(name) or {}
    element = ET.SubElement(
        root,
        "testsuite",
        name=short(name, 200),
        timestamp=short(report.get("started"), 40),
        time=_seconds(sum(case["seconds"] for case in cases)),
    )
    properties = ET.SubElement(element, "properties")
    for key in ("target", "server", "sockproof"):
        value = short(report.get(key), _TEXT)
        ET.SubElement(properties, "property", name=key, value=value)
    fails = any(standing(case, bool(report.get("strict"))) == "wrong" for case in cases)
    for key in ("document", "section", "level", "text", *(["broken"] if fails else [])):
        if about.get(key):
            value = short(about[key], _TEXT)
            ET.SubElement(properties, "property", name=key, value=value)
    return element


def _case(suite: ET.Element, case: Case, report: Mapping[str, Any], strict: bool) -> None:
    path = case["id"].partition("[")[0]
    name = short(case["id"][path.rfind("/") + 1 :], 300)
    element = ET.SubElement(
        suite,
        "testcase",
        classname=".".join(part for part in group_of(case["id"]) if part),
        name=name,
        time=_seconds(case["seconds"]),
    )
    outcome = case["outcome"]
    message = short(case["summary"] or case["got"] or outcome, 500)
    told = standing(case, strict)
    if told == "aside":
        why = f"{outcome}, set aside: {short(case['aside']['text'], _TEXT)}"
        ET.SubElement(element, "system-out").text = f"{why}\n{_story(case, report)}"
    elif told == "wrong":
        _element(element, "failure", message, outcome).text = _story(case, report)
    elif told == "unclear":
        _element(element, "error", message, outcome).text = _story(case, report)
    elif outcome == "UNSUPPORTED":
        _element(element, "skipped", message)
    elif outcome != "PASS":
        expectation = case.get("expectation")
        if expectation is not None:
            why = f"{outcome}, as expected: {short(expectation['reason'], _TEXT)}"
        else:
            why = f"{outcome}, which does not count at level {short(case['level'], 20)}"
        ET.SubElement(element, "system-out").text = f"{why}\n{_story(case, report)}"


def _element(parent: ET.Element, tag: str, message: str, kind: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, tag, message=message)
    if kind is not None:
        element.set("type", short(kind, 40))
    return element


def _story(case: Case, report: Mapping[str, Any]) -> str:
    requirement = (report.get("requirements") or {}).get(case["requirement"]) or {}
    about = " ".join(
        short(requirement.get(key), 1000) for key in ("document", "section", "level", "text")
    )
    told = [
        f"requirement: {short(case['requirement'], 200)} {about}".rstrip(),
        f"expected: {short(case['expected'], _TEXT)}",
        f"got: {short(case['got'], _TEXT)}",
        *_helps(report, case),
        f"repeat: {short(case['rerun'], _TEXT)}",
        *last_wire_lines(case, _WIRE_LINES),
    ]
    return "\n".join(told)


def _helps(report: Mapping[str, Any], case: Case) -> Iterator[str]:
    requirement = (report.get("requirements") or {}).get(case["requirement"]) or {}
    if requirement.get("fix"):
        yield f"usual fix: {short(requirement['fix'], _TEXT)}"
    if page := page_of(report, case["requirement"]):
        yield f"more: {page}"


def _about_the_run(root: ET.Element, report: Mapping[str, Any]) -> None:
    """Test cases for what makes the exit code without being a case of the suite."""
    stale = report.get("stale_expectations") or []
    unfinished = report.get("interrupted") or (
        report["exit_code"] not in (0, 1) and root.find(".//error") is None
    )
    if not stale and not unfinished:
        return
    suite = _suite(root, "sockproof/run", report)
    for expectation in stale:
        name = short(f"expectation of {expectation.get('case')}", 300)
        element = ET.SubElement(
            suite, "testcase", classname="sockproof.run", name=name, time="0.000"
        )
        message = f"no longer holds: {short(expectation.get('reason'), 1000)}"
        _element(element, "failure", message, "stale").text = short(expectation.get("file"), 500)
    if unfinished:
        element = ET.SubElement(
            suite, "testcase", classname="sockproof.run", name="whole run judged", time="0.000"
        )
        _element(element, "error", verdict(report).sentence, "run")


def _count(element: ET.Element, within: ET.Element) -> None:
    element.set("tests", str(len(within.findall(".//testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(within.findall(f".//{tag}"))))


def _seconds(value: float) -> str:
    return f"{value:.3f}"
