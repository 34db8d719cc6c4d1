"""How long the WebSocket suites take against the `websockets` target.

    python benchmarks/conformance_time.py [ROUNDS]

Short cases are those that neither send long messages nor try limits. The bounds that the project
holds itself to on two cores are 4 s for the short ones and 20 s for all.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence

from sockproof.conformance.address import Address
from sockproof.conformance.case import Case, load_cases
from sockproof.conformance.preflight import introduce
from sockproof.conformance.requirements import load_requirements
from sockproof.conformance.runner import Plan, run_cases
from sockproof.conformance.target import Server
from sockproof.launch import launch, load_targets
from sockproof.records import CaseRecord
from sockproof.shelves import shelf

LONG = ("websocket/large_messages/", "websocket/limits/", "deflate/payloads/")


async def _seconds(url: str, cases: Sequence[Case]) -> float:
    began = time.perf_counter()
    server = (await introduce(Server(Address.parse(url)), 5)).server
    records: list[CaseRecord] = []
    plan = Plan([server], load_requirements(shelf("conformance") / "requirements"))
    await run_cases(cases, plan, records.append)
    assert len(records) == len(cases)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    """Print the median of several rounds, the short cases and all taking turns."""
    every = list(load_cases(shelf("conformance"), ("websocket", "deflate")))
    sets = {"short": [case for case in every if not case.id.startswith(LONG)], "all": every}
    taken: dict[str, list[float]] = {name: [] for name in sets}
    with launch(load_targets(shelf("targets"))["websockets"]) as running:
        for _ in range(rounds):
            for name, cases in sets.items():
                taken[name].append(asyncio.run(_seconds(running.url, cases)))
    for name, cases in sets.items():
        values = ", ".join(f"{value:.1f}" for value in taken[name])
        print(f"{name:6} {len(cases):5} cases {statistics.median(taken[name]):6.1f} s  ({values})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
