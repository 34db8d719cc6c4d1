"""Acknowledgements that are looked at, against servers that refuse, and that give an id twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.command import load, violated
from tests.load.pubsub import pubsub, scenario

MANY = ("--users", "10", "--rate", "30", "--run-time", "4s", "--no-report", "--processes", "2")
CHECKED = (
    "acknowledgements = Acknowledgements({'type': 'published'}, refused={'type': 'refused'})",
    "message = Message.json(",
    "    {'type': 'publish', 'room': 'lobby', 'id': ID, 'data': BODY},",
    "    ack=[Unique('message'), Increasing('message')],",
    ")",
    "expects = {'refusals'}",
)


@pytest.mark.parametrize("fault", [None, "refuse", "refuse-and-deliver", "same-id"])
def test_every_count_equals_the_truth(fault: str | None, tmp_path: Path) -> None:
    words = () if fault is None else ("--fault", fault, "--every", "20")
    with pubsub(*words) as server:
        found = load(tmp_path, scenario(tmp_path, *CHECKED), server.url, *MANY)
        truth = server.truth
    counts = found.summary["counts"]
    assert counts["refused"] == truth["refused"], found.output
    if fault == "same-id":
        # An id that is given again is neither new nor larger; what was under way may be either.
        assert list(violated(found)) == ["misnumbered"], found.output
        assert truth["done"] <= violated(found)["misnumbered"] <= 2 * truth["done"]
    elif fault == "refuse-and-deliver":
        others = 9 * truth["refused"]
        assert violated(found) == {"contradicted": others}, found.output
    else:
        assert violated(found) == {}, found.output
        assert found.code == 0
        assert found.summary["properties"]["misnumbered"]["exercised"] > 100
    assert fault is None or truth["refused"] + truth["done"] > 5


def test_check_that_fails_is_one_clear_error(tmp_path: Path) -> None:
    """`own-application` answers with a text."""
    path = tmp_path / "scenario.py"
    source = Path(__file__).parents[2] / "locustfiles" / "own_application.py"
    text = source.read_text().replace('to="lobby")', 'to="lobby", check=lambda answer: CHECK)')
    for check, code in (('answer == "sent"', 0), ('answer["ok"]', 2)):
        path.write_text(text.replace("CHECK", check))
        found = load(tmp_path, str(path), "--users", "5", "--rate", "5", "--run-time", "3s")
        assert found.code == code, found.output
        assert found.output.count("TypeError: string indices must be integers") <= 3
        assert (found.summary["counts"]["scenario_errors"] > 20) is (code == 2), found.output
        assert violated(found).keys() <= {"scenario_errors"}, found.output
