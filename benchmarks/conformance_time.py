"""How long the suites take against one target: by default, each of the two embedded ones.

    python benchmarks/conformance_time.py [--rounds N] [TARGET …]

Of a WebSocket server, `short` leaves out the cases that send long messages or try limits; of a
Socket.IO server, `no heartbeat` those that wait for the timers. The bounds that the project holds
itself to on two cores are 4 s and 20 s for WebSocket, 15 s for Socket.IO without heartbeats.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

from sockproof.conformance.preflight import introduce
from sockproof.conformance.running.runner import Plan, run_cases
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import Expectation, load_expectations
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.conformance.targets.server import Server
from sockproof.runs.records import CaseRecord
from sockproof.shelves import shelf
from sockproof.targets.launch import launch
from sockproof.targets.spec import TargetSpec, load_targets
from sockproof.wire.url import Address

LONG = ("websocket/large_messages/", "websocket/limits/", "deflate/payloads/")


async def _seconds(url: str, cases: Sequence[Case], known: Sequence[Expectation]) -> float:
    began = time.perf_counter()
    server = (await introduce(Server(Address.parse(url)), 5)).server
    records: list[CaseRecord] = []
    plan = Plan([server], load_requirements(shelf("conformance") / "requirements"))
    plan = replace(plan, expectations=known)  # what is known runs once, as in the command
    await run_cases(cases, plan, records.append)
    assert len(records) == len(cases)
    return time.perf_counter() - began


def _sets(kind: str) -> dict[str, list[Case]]:
    if kind == "websocket":
        every = list(load_cases(shelf("conformance"), ("websocket", "deflate")))
        return {"short": [case for case in every if not case.id.startswith(LONG)], "all": every}
    every = list(load_cases(shelf("conformance"), ("engineio", "socketio", "rooms")))
    return {"no heartbeat": [case for case in every if "fast-timers" not in case.needs]}


def _measure(spec: TargetSpec, rounds: int) -> None:
    """Print the median of several rounds, in which the sets take turns."""
    sets = _sets(spec.kind)
    file = shelf("conformance") / "expectations" / f"{spec.name}.toml"
    known = load_expectations(file) if file.exists() else []
    taken: dict[str, list[float]] = {name: [] for name in sets}
    with launch(spec) as running:
        for _ in range(rounds):
            for name, cases in sets.items():
                taken[name].append(asyncio.run(_seconds(running.url, cases, known)))
    for name, cases in sets.items():
        values = ", ".join(f"{value:.1f}" for value in taken[name])
        median = statistics.median(taken[name])
        print(f"{spec.name:28} {name:12} {len(cases):5} cases {median:6.1f} s  ({values})")


def main() -> None:
    """Measure each target that the command names."""
    parser = argparse.ArgumentParser(description="time of the conformance suites")
    parser.add_argument("target", nargs="*", default=["websockets", "python-socketio-uvicorn"])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    known = load_targets(shelf("targets"))
    for name in options.target:
        _measure(known[name], options.rounds)


if __name__ == "__main__":
    main()
