"""Each claim on the shelf says yes to figures that bear it out, and no to figures that do not."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from sockproof.render.figures import FigureFile, drawing, png_of, svg_of
from sockproof.shelves import ShelfError
from sockproof.study import Verdict
from sockproof.study.claim import Claim, load_claims
from tests.study import found

SHELF = Path(__file__).parents[2] / "study"
CLAIMS = {claim.name: claim for claim in load_claims(SHELF)}


def of(name: str) -> dict[str, Any]:
    value: dict[str, Any] = copy.deepcopy(getattr(found, name.upper()))
    return value


def verdict(name: str, value: dict[str, Any]) -> tuple[Verdict, str]:
    conclusion = CLAIMS[name].conclude(value)
    return conclusion.verdict, conclusion.sentence


def test_claims_of_the_founding_document_are_there() -> None:
    numbers = [claim.number for claim in CLAIMS.values()]
    assert numbers == ["C1", "C9", "C10", "C11", "C12", "C14", "C20", "C26"]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_claim_that_is_borne_out_holds(claim: Claim) -> None:
    conclusion = claim.conclude(of(claim.name))
    assert conclusion.verdict is Verdict.HOLDS
    assert conclusion.rows
    assert {len(row) for row in conclusion.rows} == {len(conclusion.head)}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_figure_has_units_and_is_drawn(claim: Claim) -> None:
    file = FigureFile(claim.name, claim.title, claim.caption, 0, "", claim.draw)
    figure = drawing(file, of(claim.name))
    assert isinstance(figure, Figure)
    labels = [axes.get_xlabel() for axes in figure.axes] + [
        axes.get_ylabel() for axes in figure.axes
    ]
    assert any(labels)
    for label in filter(None, labels):
        assert re.search(r"\[[^\]]+\]$", label), label
    assert svg_of(file, figure).startswith(b"<?xml")
    assert png_of(file, figure).startswith(b"\x89PNG")


def test_full_duplex_needs_messages_meanwhile_and_a_whole_one() -> None:
    value = of("full_duplex")
    value["ways"][0]["heard_s"] = [0.41]
    assert verdict("full_duplex", value)[0] is Verdict.FAILS
    value = of("full_duplex")
    value["ways"][0]["whole"] = False
    assert verdict("full_duplex", value)[0] is Verdict.FAILS


@pytest.mark.parametrize(("way", "octets"), [("forth", 8.0), ("back", 2.0)])
def test_header_longer_or_shorter_than_the_shortest_fails(way: str, octets: float) -> None:
    value = of("header_octets")
    at = 1 if way == "forth" else 2
    value["ways"][0]["beside"][at] = {**value["ways"][0]["beside"][at], way: octets}
    told, sentence = verdict("header_octets", value)
    assert told is Verdict.FAILS
    assert f"Frames of {(16, 125, 126)[at]} bytes" in sentence


def test_push_that_is_no_sooner_fails() -> None:
    value = of("push_latency")
    value["settings"][0]["ways"][1]["ms"] = [0.05, 0.1, 0.2]
    told, sentence = verdict("push_latency", value)
    assert told is Verdict.IN_PART
    assert "Socket.IO on long-polling was as fast (loopback)" in sentence
    for setting in value["settings"]:
        setting["ways"][0]["ms"] = [1000.0]
    assert verdict("push_latency", value)[0] is Verdict.FAILS


def test_state_that_costs_as_much_as_a_cookie_fails() -> None:
    value = of("session_state")
    value["ways"][0]["octets"] = 89
    assert verdict("session_state", value)[0] is Verdict.FAILS


def test_binary_data_that_change_or_grow_fail() -> None:
    value = of("binary_data")
    value["ways"][0]["found"][1]["intact"] = False
    told, sentence = verdict("binary_data", value)
    assert told is Verdict.FAILS
    assert "Not all data was returned unchanged (1,024 octets over WebSocket)" in sentence
    value = of("binary_data")
    value["ways"][0]["found"][1]["octets"] = 3000.0
    assert verdict("binary_data", value)[0] is Verdict.FAILS


def test_binary_data_that_long_polling_alone_breaks_bear_the_claim_out() -> None:
    value = of("binary_data")
    value["ways"][1]["found"][0]["intact"] = False
    told, sentence = verdict("binary_data", value)
    assert told is Verdict.HOLDS
    assert "long-polling" in sentence.partition(";")[0]


def test_context_that_saves_nothing_fails() -> None:
    value = of("context_takeover")
    value["ways"][3]["octets"] = [280, 280, 281]
    assert verdict("context_takeover", value)[0] is Verdict.FAILS


@pytest.mark.parametrize(
    ("at", "change"),
    [
        (2, {"transport": "polling"}),
        (5, {"transport": None, "back": 0}),
        (5, {"back": 9}),
        (4, {"transport": "websocket", "back": 10}),
    ],
    ids=["stays on polling", "does not fall back", "loses one", "gets through the block"],
)
def test_wrong_choice_fails(at: int, change: dict[str, Any]) -> None:
    value = of("choice_of_transport")
    value["servers"][0]["tries"][at].update(change)
    told, sentence = verdict("choice_of_transport", value)
    assert told is Verdict.FAILS
    assert sentence.startswith("Unexpected: ")


def test_threads_that_hold_as_many_as_others_show_nothing() -> None:
    value = of("concurrency")
    value["kinds"][0]["points"][1]["opened"] = 1000
    assert verdict("concurrency", value)[0] is Verdict.OPEN
    value["kinds"][1]["points"][1]["lost"] = 1
    value["kinds"][2]["points"][1]["failed"] = 1
    assert verdict("concurrency", value)[0] is Verdict.FAILS


def test_threads_that_hold_fewer_than_some_hold_in_part() -> None:
    value = of("concurrency")
    value["kinds"][2]["points"] = value["kinds"][2]["points"][:1]
    assert verdict("concurrency", value)[0] is Verdict.IN_PART


def test_run_that_is_not_fit_counts_for_nothing() -> None:
    value = of("concurrency")
    value["kinds"][1]["points"][1]["fit"] = False
    told, sentence = verdict("concurrency", value)
    assert told is Verdict.IN_PART
    assert "asyncio 100" in sentence


def test_what_is_missing_is_said() -> None:
    value = of("concurrency")
    value["kinds"] = value["kinds"][1:]
    value["missing"] = ["threads: needs gunicorn"]
    told, sentence = verdict("concurrency", value)
    assert told is Verdict.OPEN
    assert "Not measured: threads: needs gunicorn." in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claim = 1\n", "a claim needs a text 'claim'"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("claim = title = says = method = caption = ''\n", "a claim needs a function measure()"),
    ],
)
def test_file_that_is_no_claim_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(text)
    with pytest.raises(ShelfError, match=re.escape(said)):
        load_claims(tmp_path)
