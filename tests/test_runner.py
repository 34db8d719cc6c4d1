"""The runner's patience: a server that leaves much without an answer is waited for less."""

from __future__ import annotations

import asyncio

from sockproof.conformance.address import Address
from sockproof.conformance.case import Case
from sockproof.conformance.runner import LAPSES, Patience, Plan, run_cases
from sockproof.conformance.target import Server, Target
from sockproof.records import CaseRecord
from tests.mutants_run import requirements


async def _waits_for_ever(target: Target) -> None:
    with target.awaits("an answer"):
        await asyncio.Event().wait()


def test_patience_ends_when_many_limits_were_waited_out() -> None:
    cases = [
        Case(f"websocket/none/waits[{number}]", "rfc6455-5.5.2-answered", _waits_for_ever)
        for number in range(LAPSES + 20)
    ]
    server = Server(Address.parse("ws://127.0.0.1:9/"))
    records: list[CaseRecord] = []
    plan = Plan([server], requirements(), jobs=10, limit=0.05)
    asyncio.run(run_cases(cases, plan, records.append))
    waited = [record.got for record in records]
    assert {record.outcome for record in records} == {"FAIL"}
    assert waited[:LAPSES] == ["nothing more within 0.05 s"] * LAPSES
    assert waited[-1] == "nothing more within 0.01 s"


def test_patience_is_whole_before_that() -> None:
    patience = Patience(LAPSES - 1)
    assert patience.limit(5.0) == 5.0
    patience.lapses += 1
    assert patience.limit(5.0) == 1.0
    patience.lapses = 4 * LAPSES
    assert patience.limit(5.0) == 0.25
