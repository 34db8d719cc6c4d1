"""A server whose word is not to be taken is seen through: by both clients, over each transport."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.load.command import Result, judged, load, violated
from tests.load.test_counts import FIXED, NUMBER, served
from tests.sample import rotating
from tests.servers.unfaithful import HONEST, UnfaithfulServer
from tests.servers.untrustworthy import ANSWERS, STAMPS, LateServer, UntrustworthyServer

LEAN = ("--client", "lean")
REFERENCE = ("--client", "reference")
POLLING = ("--transport", "polling")
WAYS = [LEAN, REFERENCE, (*LEAN, *POLLING), (*REFERENCE, *POLLING)]
FEW = ("--users", "10", "--run-time", "4s", "--no-report")
TALK = (*FEW, "--room-size", "5", "--rate", "10")


def run(server: UnfaithfulServer, results: Path, *more: str) -> Result:
    """A chat on the server."""
    with served(server) as url:
        return load(results, "chat_rooms", url, *TALK, *more)


@pytest.mark.parametrize(
    ("misdeed", "way"), rotating(itertools.product(STAMPS, WAYS[:3]), 2, "stamps")
)
def test_stamps_that_were_rewritten_change_no_latency(
    misdeed: str, way: tuple[str, ...], tmp_path: Path
) -> None:
    server = UntrustworthyServer(misdeed, every=2, delay=0.5)
    found = run(server, tmp_path, *way)
    assert server.done > 20, found.output
    expected = {"forged": server.done}
    if misdeed == "forges-all":
        expected["corrupted"] = server.done
    assert violated(found) == expected, found.output
    assert found.code == 1
    assert f"{server.done:,} forged" in found.output
    delivery = found.summary["latency"]["delivery"]
    for origin in ("intended", "actual"):
        assert delivery[origin]["p50_ms"] >= 500
        assert delivery[origin]["max_ms"] < 60_000
    assert found.summary["examples"]["forged"]


@pytest.mark.parametrize(
    ("misdeed", "way"), rotating(itertools.product(ANSWERS, WAYS[:3]), 2, "answers")
)
def test_acknowledgements_that_answer_nothing_are_counted(
    misdeed: str, way: tuple[str, ...], tmp_path: Path
) -> None:
    server = UntrustworthyServer(misdeed)
    found = run(server, tmp_path, *way)
    counts = found.summary["counts"]
    assert server.done > 20, found.output
    # What came before it was asked for is the only answer of what a busy client has asked by then;
    # and of the last ones nobody asks.
    told = counts[ANSWERS[misdeed]]
    least = 1 if misdeed == "acks-before-it-was-asked" else server.done
    assert least <= told <= server.done, found.output
    assert violated(found) == {"misacknowledged": server.done}, found.output
    assert found.code == 1
    assert f"{server.done:,} misacknowledged" in found.output


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_what_is_held_back_until_the_client_leaves_is_lost(
    way: tuple[str, ...], tmp_path: Path
) -> None:
    server = UntrustworthyServer("holds-everything")
    words = (str(FIXED), *FEW, "--drain", "2", *way)
    with served(server) as url:
        found = load(tmp_path, words[0], url, *words[1:])
    counts = found.summary["counts"]
    assert found.code == 1, found.output
    assert counts["acknowledged"] == counts["receipts"] == 0
    # A busy server has not read all of it by then.
    assert counts["lost"] == counts["due"] >= server.done > 0
    assert counts["late"] + counts["late_acks"] > 0


def test_acknowledgements_that_never_come_are_missed(tmp_path: Path) -> None:
    server = UntrustworthyServer("never-acks")
    words = (str(FIXED), *FEW, "--drain", "2")
    with served(server) as url:
        found = load(tmp_path, words[0], url, *words[1:])
    assert violated(found) == {"unacknowledged": server.done}, found.output
    assert found.code == 1


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_what_comes_late_behind_a_silence_is_awaited(way: tuple[str, ...], tmp_path: Path) -> None:
    server = LateServer(NUMBER, seconds=8)  # far into the drain
    with served(server) as url:  # within six seconds a busy machine has said all
        found = load(tmp_path, str(FIXED), url, *FEW, "--run-time", "6s", *way)
    counts = found.summary["counts"]
    assert server.done == 10 * 5
    assert violated(found) == {}, found.output
    assert counts["receipts"] == counts["due"] == 10 * NUMBER * 5
    assert found.summary["latency"]["delivery"]["actual"]["max_ms"] > 7_900


# python-engineio passes over a packet of a type that there is not.
@pytest.mark.parametrize("way", WAYS[:3], ids="-".join)
def test_connections_that_are_broken_are_no_success(way: tuple[str, ...], tmp_path: Path) -> None:
    server = UntrustworthyServer("breaks-connections")
    found = run(server, tmp_path, *way)
    assert found.code == 1, found.output
    counts = found.summary["counts"]
    assert counts["broken"] > 5
    assert counts["acknowledged"] == 0
    assert "broken" in violated(found)
    assert "Inconclusive: no property was exercised" not in found.output


def test_faithful_server_holds_all_of_it(tmp_path: Path) -> None:
    found = run(UnfaithfulServer(), tmp_path)
    properties = judged(found.summary)
    assert violated(found) == {}, found.output
    assert {each["verdict"] for each in properties.values()} == {True}
    assert all(each["exercised"] > 0 for each in properties.values())
    counts = found.summary["counts"]
    assert counts["late"] == counts["late_acks"] == counts["unrecorded"] == 0
    assert counts["receipts"] > HONEST
