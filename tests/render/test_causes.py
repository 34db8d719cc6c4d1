"""One line for one fault, the most serious first, and a reason for what could not be judged."""

from __future__ import annotations

from typing import Any

import pytest

from sockproof.render.conformance.causes import Group, answer, evidence
from tests.render import sample


def told(*records: Any, requirements: dict[str, Any] | None = None, **finish: Any) -> Any:
    header = {} if requirements is None else {"requirements": requirements}
    return answer(sample.run(list(records), sample.FINISH | finish, **header))


def case(name: str, requirement: str, outcome: str = "FAIL", **fields: Any) -> Any:
    return sample.case(f"websocket/{name}", requirement, outcome, **fields)


UNFRAGMENTED, PONG = "rfc6455-5.5-unfragmented", "rfc6455-5.5.2-pong"
LATEST, CLOSES = "rfc6455-5.5.3-latest", "rfc6455-7.1.7-fail"


def shape(groups: list[Group]) -> list[tuple[str, str, int]]:
    return [(group.outcome, group.says, len(group.cases)) for group in groups]


def test_a_requirement_is_one_fault_and_harm_to_data_comes_first() -> None:
    found = told(
        *(case(f"a/b[{n}]", UNFRAGMENTED) for n in range(30)),
        case("a/c", PONG),
        case("a/d", "socketio-connect-sid"),
    )
    assert shape(found.faults) == [
        ("FAIL", "loses what a ping carries", 1),
        ("FAIL", "answers fragmented control frames", 30),
        (
            "FAIL",
            'breaks "The answer to CONNECT carries the sid of the socket in its namespace"',
            1,
        ),
    ]
    assert found.faults[1].source == "RFC 6455 5.5"


def test_requirements_that_one_omission_breaks_are_one_fault() -> None:
    about = {
        name: sample.REQUIREMENTS[UNFRAGMENTED] | {"broken": "checks nothing"}
        for name in (UNFRAGMENTED, PONG)
    }
    found = told(case("a/b", UNFRAGMENTED), case("a/c", PONG), requirements=about)
    assert shape(found.faults) == [("FAIL", "checks nothing", 2)]
    assert found.faults[0].level == "MUST"


def test_what_binds_comes_before_what_is_recommended_or_allowed() -> None:
    found = told(
        case("a/a", UNFRAGMENTED, "NON_STRICT", got="CLOSE 1008"),
        case("a/b", LATEST),
        case("a/c", CLOSES),
        case("a/d", UNFRAGMENTED),
    )
    assert [group.level for group in found.faults] == ["MUST"]
    assert [(group.outcome, group.level) for group in found.remarks] == [
        ("FAIL", "SHOULD"),
        ("FAIL", "MAY"),
        ("NON_STRICT", "MUST"),
    ]
    assert found.remarks[0].source == "RFC 6455 7.1.7, SHOULD"


def test_one_habit_is_one_line_whatever_it_answers() -> None:
    habit = "the server closed the TCP connection without a Close frame"
    found = told(
        case("a/a", UNFRAGMENTED, "NON_STRICT", got=habit, seen="tcp-ended"),
        case("a/b", CLOSES, "NON_STRICT", got=habit, seen="tcp-ended"),
    )
    assert [(group.says, group.where) for group in found.remarks] == [(habit, "")]


def test_what_is_allowed_is_not_said_to_break_its_requirement() -> None:
    records = [
        case(f"a/ping_is_answered[{n}]", PONG, "NON_STRICT", got=f"PONG '{n}'") for n in range(3)
    ]
    assert shape(told(*records).remarks) == [
        ("NON_STRICT", "instead of \"ping is answered\": PONG '0'", 3)
    ]


def test_the_simplest_case_shows_the_fault() -> None:
    records = [
        case("a/waits", PONG, got="x", seen="timed-out", wire=[]),
        sample.case("deflate/a/compressed", PONG, "FAIL", wire=[], got="x"),
        case("a/long", PONG, got="x", wire=sample.wire(20)),
        case("a/short", PONG, got="x", expected="y", wire=sample.wire(4)),
    ]
    first = told(*records).faults[0].first
    assert first["id"] == "websocket/a/short"
    assert evidence(first) == "expected y; got x"


def test_faults_of_one_section_are_told_apart() -> None:
    about = {
        name: {"document": "RFC 0", "section": "1", "level": "MUST", "text": f"It {name}."}
        for name in (UNFRAGMENTED, PONG)
    }
    found = told(case("a/b", UNFRAGMENTED), case("a/c", PONG), requirements=about)
    assert len(found.faults) == 2


def test_without_a_catalogue_the_requirement_is_named() -> None:
    assert shape(told(case("a/b", PONG), requirements={}).faults) == [
        ("FAIL", "breaks rfc6455-5.5.2-pong", 1)
    ]


def test_known_deviations_are_grouped_by_their_reason() -> None:
    reason = {"file": "f", "reason": "An old parser.", "sometimes": False}
    records = [case(f"a/b[{n}]", PONG, expectation=reason) for n in range(3)]
    records.append(case("a/c", PONG, "INCONCLUSIVE", expectation=reason | {"sometimes": True}))
    assert shape(told(*records).known) == [
        ("FAIL", "An old parser.", 3),
        ("INCONCLUSIVE", "An old parser. (sometimes)", 1),
    ]


def test_what_is_set_aside_is_in_no_other_group() -> None:
    aside = {"kind": "control", "of": "a/b", "text": "The same without it fails."}
    found = told(*(case(f"a/b[{n}]", PONG, outcome, aside=aside) for n, outcome in enumerate(
        ["FAIL", "FAIL", "INCONCLUSIVE", "NON_STRICT"])))  # fmt: skip
    why = "are inconclusive, because the same without the fault fails too"
    why += ": The same without it fails."
    assert shape(found.aside) == [("", why, 4)]
    assert (found.faults, found.remarks, found.unjudged) == ([], [], [])


def test_what_follows_names_the_fault() -> None:
    aside = {"kind": "follows", "of": UNFRAGMENTED, "text": "It follows."}
    (group,) = told(case("a/b", PONG, aside=aside)).aside
    assert (group.says, group.where) == (
        'follow from "answers fragmented control frames"',
        "RFC 6455 5.5",
    )
    (group,) = told(case("a/b", PONG, "NON_STRICT", aside=aside)).aside
    assert group.says == "show behaviour that is already listed"
    (group,) = told(case("a/b", PONG, aside=aside | {"of": "gone"})).aside
    assert group.says == "follow from another fault: It follows."


@pytest.mark.parametrize(
    ("lacks", "says", "helps"),
    [
        (["echo", "push"], "does not echo messages", "URL"),
        (["emit", "join"], "does not offer the fixture", "fixture"),
        (["close_room"], "does not offer close_room", "fixture"),
        (["call", "tls"], "was not checked over TLS", "wss://"),
        (["limits.max_message"], "no limit is declared", "--profile"),
    ],
)
def test_what_the_target_lacks_is_the_reason(lacks: list[str], says: str, helps: str) -> None:
    (group,) = told(case("a/b", PONG, "UNSUPPORTED", expected="-", got="-", lacks=lacks)).unjudged
    assert says in group.says
    assert helps in group.helps


def test_what_else_is_missing_is_told_as_it_is() -> None:
    record = case("a/b", PONG, "UNSUPPORTED", expected="Chromium", got="none is on the PATH")
    (group,) = told(record).unjudged
    assert (group.says, group.helps) == ("Chromium: none is on the PATH", "")


@pytest.mark.parametrize(
    ("seen", "came", "helps"),
    [
        ("refused", "HTTP 401", "--auth"),
        ("refused", "HTTP 404", "--path"),
        ("refused", "HTTP 503", "fewer --jobs"),
        ("refused", "", "fewer --jobs"),
        ("timed-out", "", "--timeout"),
        ("other", "HTTP 302", "--path"),
        ("other", "CONNECT_ERROR", "--auth"),
        ("other", "TEXT", ""),
    ],
)
def test_what_came_instead_says_what_would_help(seen: str, came: str, helps: str) -> None:
    wanted = "an open WebSocket, so that the case can begin"
    record = case("a/b", PONG, "INCONCLUSIVE", expected=wanted, got="?", seen=seen, came=came)
    (group,) = told(record).unjudged
    assert group.says == "expected an open WebSocket; got ?"
    assert helps in group.helps
    assert bool(helps) == bool(group.helps)


def test_operations_of_a_fixture_that_is_not_there_are_one_reason() -> None:
    records = [
        case(f"a/b[{n}]", PONG, "UNSUPPORTED", lacks=lacks)
        for n, lacks in enumerate([["fixture"], ["rooms"], ["session_get", "session_set"]])
    ]
    assert len(told(*records).unjudged) == 1
    assert len(told(*records[1:]).unjudged) == 2


def test_reasons_that_differ_in_contents_alone_are_one() -> None:
    records = [
        case(f"a/b[{n}]", PONG, "INCONCLUSIVE", expected=f"TEXT '{n}' [{n} octets]", got="'hello'")
        for n in range(12)
    ]
    assert len(told(*records).unjudged) == 1
