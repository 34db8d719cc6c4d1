"""Runs of cases that tests wait for: as long as cases end, however busy the machine is.

pytest's own limit raises in whatever runs at the moment, which asyncio may swallow: the run would
hang for good. It stands behind this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sockproof.conformance.running.runner import Plan, run_cases
from sockproof.conformance.shelf.case import Case
from sockproof.runs.records import CaseRecord

STANDSTILL = 120.0  # seconds in which no case ends
HUNG = 1800  # seconds, for pytest: several runs that each go on


async def run_while_it_goes_on(
    chosen: list[Case], plan: Plan, note: Callable[[CaseRecord], None]
) -> None:
    """Run the cases; TimeoutError when none has ended for so long."""
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(STANDSTILL) as standstill:

        def noted(record: CaseRecord) -> None:
            standstill.reschedule(clock() + STANDSTILL)
            note(record)

        await run_cases(chosen, plan, noted)
