"""The files under Autobahn's ids, as wrappers around it read them."""

from __future__ import annotations

import json
from typing import Any

from sockproof.render.conformance.autobahn import files
from sockproof.runs.records import WireEntry
from tests.render import sample

CLOSE = b"\x88\x02\x03\xea"


def close(octets: bytes = CLOSE, direction: str = "received") -> WireEntry:
    return WireEntry(1, 1, direction, octets, False, len(octets), "CLOSE 1002")


def index(*records: Any) -> dict[str, Any]:
    made = files([("My Server/1.0 (é)", sample.run(list(records), sample.FINISH))])
    found = json.loads(made["index.json"])["My Server/1.0 (é)"]
    assert {entry["reportfile"] for entry in found.values()} == set(made) - {"index.json"}
    for autobahn_id, entry in found.items():
        detail = json.loads(made[entry["reportfile"]])
        assert (detail["id"], detail["behavior"]) == (autobahn_id, entry["behavior"])
    return dict(found)


def case(outcome: str, *ids: str, **fields: Any) -> Any:
    requirement = fields.pop("requirement", "rfc6455-5.5.2-pong")
    return sample.case("websocket/f/c", requirement, outcome, autobahn=list(ids), **fields)


def test_each_id_has_an_entry_and_a_file() -> None:
    found = index(case("PASS", "1.1.10", "1.1.9", seconds=0.0126))
    assert list(found) == ["1.1.9", "1.1.10"]
    assert found["1.1.9"] == {
        "behavior": "OK",
        "behaviorClose": "OK",
        "duration": 13,
        "remoteCloseCode": None,
        "reportfile": "my_server_1_0_case_1_1_9.json",
    }


def test_outcomes_under_autobahns_names() -> None:
    expected = {
        "PASS": ("OK", "OK"),
        "NON_STRICT": ("NON-STRICT", "OK"),
        "FAIL": ("FAILED", "FAILED"),
        "UNSUPPORTED": ("UNIMPLEMENTED", "OK"),
        "INCONCLUSIVE": ("FAILED", "FAILED"),
    }
    for outcome, behaviors in expected.items():
        entry = index(case(outcome, "2.1"))["2.1"]
        assert (entry["behavior"], entry["behaviorClose"]) == behaviors


def test_what_is_reported_only_is_informational() -> None:
    entry = index(case("PASS", "7.13.1", requirement="rfc6455-5.5.3-latest"))["7.13.1"]
    assert entry["behavior"] == "INFORMATIONAL"


def test_what_did_not_repeat_accuses_nobody() -> None:
    for kind, behavior in (("did-not-repeat", "INFORMATIONAL"), ("follows", "FAILED")):
        aside = {"kind": kind, "of": "", "text": "x"}
        assert index(case("FAIL", "2.1", aside=aside))["2.1"]["behavior"] == behavior


def test_the_worst_of_several_cases_counts() -> None:
    assert index(case("PASS", "3.1"), case("FAIL", "3.1"))["3.1"]["behavior"] == "FAILED"


def test_close_code_is_that_of_the_server() -> None:
    own = close(b"\x88\x82\0\0\0\0\x03\xe8", "sent")
    assert index(case("PASS", "7.1.1", wire=[close(), own]))["7.1.1"]["remoteCloseCode"] == 1002
    assert index(case("PASS", "7.1.1", wire=[own]))["7.1.1"]["remoteCloseCode"] is None
    masked = close(b"\x88\x82\x01\x01\x01\x01\x02\xeb")
    assert index(case("PASS", "7.1.1", wire=[masked]))["7.1.1"]["remoteCloseCode"] == 1002
    empty = close(b"\x88\x00")
    assert index(case("PASS", "7.1.1", wire=[empty]))["7.1.1"]["remoteCloseCode"] is None


def test_case_without_an_alias_is_left_out() -> None:
    assert index(case("FAIL")) == {}


def test_hostile_report_is_ascii_json() -> None:
    for text in files([(sample.HOSTILE, sample.hostile())]).values():
        assert text.isascii()
        json.loads(text)
