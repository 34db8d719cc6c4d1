"""The summary of a load run shows exactly what an unfaithful server did."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load.command import Result, judged, load
from tests.sample import rotating
from tests.servers.unfaithful import MISDEEDS, ROOM, UnfaithfulServer
from tests.waiting import SOON

COUNTED = {
    "lose": "lost",
    "double": "duplicated",
    "swap": "reordered",
    "leak": "leaked",
    "alter": "corrupted",
    "invent": "invented",
}
FIXED = Path(__file__).with_name("fixed_number.py")
NUMBER = 30  # as there
VIOLATIONS = tuple(COUNTED.values())
CHAT = (
    *("--users", "20", "--room-size", str(ROOM), "--rate", "20"),
    *("--run-time", "4s", "--no-report"),
)


@contextmanager
def served(server: UnfaithfulServer) -> Iterator[str]:
    """The server's URL, while it runs in a thread of its own."""
    ready, over = threading.Event(), threading.Event()

    async def main() -> None:
        async with server:
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        assert ready.wait(SOON)
        yield server.url
    finally:
        over.set()
        thread.join(SOON)


def run(server: UnfaithfulServer, results: Path, *more: str) -> Result:
    """A chat on the server."""
    with served(server) as url:
        return load(results, "chat_rooms", url, *CHAT, *more)


@pytest.mark.parametrize("misdeed", rotating(MISDEEDS, 2, "misdeeds"))
def test_every_count_equals_the_truth(misdeed: str, tmp_path: Path) -> None:
    server = UnfaithfulServer(misdeed)
    found = run(server, tmp_path)
    counts = found.summary["counts"]
    expected = dict.fromkeys(VIOLATIONS, 0) | {COUNTED[misdeed]: server.done}
    assert server.done > 20, found.output
    assert {name: counts[name] for name in VIOLATIONS} == expected, found.output
    assert counts["undetermined"] <= server.absent
    assert server.deliveries - server.unsure <= counts["due"] <= server.deliveries
    assert found.code == 1
    assert f"Violations: {server.done:,} {COUNTED[misdeed]}" in found.output
    properties = found.summary["properties"]
    assert properties[COUNTED[misdeed]]["verdict"] is False
    assert all(each["exercised"] > 0 for each in judged(found.summary).values())


def test_a_faithful_server_is_accused_of_nothing(tmp_path: Path) -> None:
    server = UnfaithfulServer()
    found = run(server, tmp_path)
    counts = found.summary["counts"]
    assert {name: counts[name] for name in VIOLATIONS} == dict.fromkeys(VIOLATIONS, 0)
    assert counts["receipts"] == server.deliveries
    assert server.deliveries - server.unsure <= counts["due"] <= server.deliveries
    assert counts["acknowledged"] == counts["emitted"]
    assert {each["verdict"] for each in judged(found.summary).values()} == {True}


def test_the_reference_client_counts_the_same(tmp_path: Path) -> None:
    server = UnfaithfulServer("lose")
    found = run(server, tmp_path, "--client", "reference")
    counts = found.summary["counts"]
    assert counts["lost"] == server.done > 20, found.output
    assert {name for name in VIOLATIONS if counts[name]} == {"lost"}


@pytest.mark.parametrize("misdeed", [None, "double"])
def test_both_clients_agree_on_every_count(misdeed: str | None, tmp_path: Path) -> None:
    told = []
    for client in ("lean", "reference"):
        server = UnfaithfulServer(misdeed)
        words = (str(FIXED), "--users", "10", "--run-time", "8s", "--client", client)
        with served(server) as url:
            found = load(tmp_path / client, *words[:1], url, *words[1:])
        counts = found.summary["counts"]
        assert counts["emitted"] == 10 * NUMBER, found.output
        told.append({name: counts[name] for name in counts if not name.startswith("bytes_")})
    assert told[0] == told[1]
    assert told[0]["due"] == 10 * NUMBER * 5


def test_a_delay_of_the_server_is_the_latency_that_is_reported(tmp_path: Path) -> None:
    found = run(UnfaithfulServer(delay=0.1), tmp_path)
    counts, delivery = found.summary["counts"], found.summary["latency"]["delivery"]
    assert {name: counts[name] for name in VIOLATIONS} == dict.fromkeys(VIOLATIONS, 0)
    assert delivery["actual"]["p50_ms"] >= 100
    assert delivery["intended"]["p50_ms"] >= delivery["actual"]["p50_ms"] * 0.99
