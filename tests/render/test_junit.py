"""JUnit XML: well-formed whatever a server sent, and red exactly where the exit code is."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from sockproof.render.conformance import junit
from tests.render import sample


def suites(text: str) -> ET.Element:
    return ET.fromstring(text.encode())


def named(root: ET.Element, part: str) -> ET.Element:
    (found,) = [case for case in root.iter("testcase") if part in str(case.get("name"))]
    return found


def test_counts_and_suites() -> None:
    root = suites(junit.render(sample.sample()))
    assert root.tag == "testsuites"
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "10", "failures": "2", "errors": "1", "skipped": "1"
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == [
        "rfc6455-5.5-unfragmented",
        "rfc6455-7.1.7-fail",
        "rfc6455-5.5.3-latest",
        "rooms-members-only",
        "rfc6455-5.5.2-pong",
        "socketio-connect-sid",
        "sockproof/run",
    ]
    values = {p.get("name"): p.get("value") for p in root[0].iter("property")}
    assert values["target"] == "ws://127.0.0.1:8765/chat"
    assert values["server"] == "Python/3.11 websockets/15.0"
    assert (values["section"], values["level"]) == ("5.5", "MUST")
    assert values["broken"] == "answers fragmented control frames"
    assert not root.findall("testsuite[@name='rfc6455-5.5.2-pong']//property[@name='broken']")


def test_each_outcome_has_its_element() -> None:
    root = suites(junit.render(sample.sample()))
    failed = named(root, "fragmented_ping")
    assert failed.get("classname") == "websocket.control"
    assert failed.get("time") == "0.004"
    story = str(failed.findtext("failure"))
    assert "expected: the connection failed: CLOSE 1002" in story
    assert "PING 'first' [5 octets, continues]" in story
    assert "sockproof conformance ws://" in story
    assert [child.tag for child in named(root, "bad_close_code")] == ["system-out"]
    assert "drops the connection" in str(named(root, "bad_close_code").findtext("system-out"))
    assert [child.tag for child in named(root, "close_frame_before")] == ["system-out"]
    assert [child.tag for child in named(root, "every_pushed")] == ["skipped"]
    assert [child.tag for child in named(root, "its_members")] == ["error"]
    assert list(named(root, "ping_is_answered[empty]")) == []
    assert [child.tag for child in named(root, "expectation of")] == ["failure"]


def test_what_is_set_aside_or_expected_is_no_failure() -> None:
    records = sample.cases()[:3]
    records[2].aside = {"kind": "follows", "of": "x", "text": "It never answers."}
    records.append(sample.cases()[-1])
    records[3].expectation = sample.KNOWN
    root = suites(junit.render(sample.run(records, {"seconds": 1.0, "exit_code": 0})))
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    assert "set aside: It never answers." in str(named(root, "fragm").findtext("system-out"))


def test_strict_makes_recommendations_fail() -> None:
    root = suites(junit.render(sample.run(sample.cases(), sample.FINISH, strict=True)))
    assert [child.tag for child in named(root, "close_frame_before")] == ["failure"]


def test_a_run_that_judged_nothing_is_not_green() -> None:
    refused = {"seconds": 0.1, "exit_code": 2, "problem": "refused"}
    for report in (sample.run([], refused), sample.run(sample.cases()[:1], None)):
        assert suites(junit.render(report)).get("errors") == "1"
    assert suites(junit.render(sample.clean())).get("errors") == "0"


def test_hostile_content_stays_well_formed_and_bounded() -> None:
    text = junit.render(sample.hostile())
    root = suites(text)
    assert "]]>" in str(root.findtext(".//failure"))
    assert "]]>" not in text
    assert "\\x1b[31mred" in str(root.findtext(".//failure"))
    assert len(text) < 256 * 1024
