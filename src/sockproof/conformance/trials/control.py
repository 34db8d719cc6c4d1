"""Controls: what a case does without its offence, run where the case accuses the server.

A server that refuses the same without the offence too is not at fault for the offence. Each
control runs for each server once, twice where it fails, whichever cases ask for it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sockproof.conformance.context.case_context import MAX_OCTETS_BESIDE_OTHERS, CaseContext
from sockproof.conformance.context.outcome import CaseEnd, StreamClosed, Unsupported
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.shelf.case import Case, variant_text
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.conformance.trials.plan import LESS, Plan
from sockproof.conformance.trials.second_look import marked
from sockproof.conformance.trials.trial import Trial
from sockproof.runs.records import WireEntry

SILENT = 4  # controls that a time-out ended, after which a server is waited for less
SHOWN = 20  # entries of the control's wire log that stand behind that of a case
OUTCOMES = ("FAIL", "NON_STRICT")


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a control failed; `name` is the control's, with its parameters."""

    name: str
    text: str
    wire: tuple[WireEntry, ...]


class _NobodyThere(Exception):
    """No connection could be made, so that the control was not tried."""


class Controls:
    """The controls of one run and what came of them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.are_alone = False  # whether no case runs beside them, which a time-out is tried for
        self._lapses = 0
        self._runs: dict[tuple[object, ...], asyncio.Task[Refusal | None]] = {}

    async def check(self, trial: Trial) -> None:
        """Make a case INCONCLUSIVE whose control fails, unless it said nothing anyway."""
        record = trial.record
        if trial.case.control is None or trial.server is None or trial.killed:
            return
        if record.outcome not in OUTCOMES:
            return
        refusal = await self._refusal(trial.case, trial.server)
        if refusal is None:
            return
        record.outcome, record.expectation = "INCONCLUSIVE", None
        record.set_aside("control", refusal.name, refusal.text)
        record.wire = [*record.wire, marked(f"the control: {refusal.name}"), *refusal.wire]

    async def _refusal(self, case: Case, server: Server) -> Refusal | None:
        assert case.control is not None
        known = inspect.signature(case.control).parameters
        parameters = {name: value for name, value in case.parameters.items() if name in known}
        values = tuple((name, variant_text(value)) for name, value in parameters.items())
        key = (case.control, values, server.address, case.offer)
        if key not in self._runs:
            self._runs[key] = asyncio.create_task(self._run(case, server, parameters))
        try:
            return await asyncio.shield(self._runs[key])
        except _NobodyThere:
            self._runs.pop(key, None)  # a server that is gone refuses nothing
            return None

    async def _run(
        self, case: Case, server: Server, parameters: Mapping[str, Any]
    ) -> Refusal | None:
        function = case.control
        assert function is not None
        variant = ",".join(map(variant_text, parameters.values()))
        name = getattr(function, "__name__", "") + (f"[{variant}]" if variant else "")
        limit = max(
            self._plan.limit,
            case.limit_with(server.ping_interval / 1000, server.ping_timeout / 1000),
        )
        limit *= LESS if self._lapses >= SILENT else 1.0
        # Twice: what fails once may have met a server that was just about to die.
        for is_last in (False, True):
            redactor = self._plan.redactor
            context = CaseContext(
                WireLog(redactor), MAX_OCTETS_BESIDE_OTHERS, self._plan.company, case.id
            )
            told, lapsed = await _try(
                function, Target(server, context, case.offer), limit, parameters
            )
            if told is None:
                return None
            self._lapses += lapsed
            told = redactor.text(told)
            wire = tuple(context.log.entries()[-SHOWN:])
            if is_last or (lapsed and self.are_alone):
                break
        sentence = (inspect.getdoc(function) or name).partition("\n")[0]
        return Refusal(name, f"{sentence.rstrip('.')}: {told}", wire)

    async def close(self) -> None:
        """End the controls that nobody waits for any more."""
        for task in self._runs.values():
            task.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)


async def _try(
    function: Any, target: Target, limit: float, parameters: Mapping[str, Any]
) -> tuple[str | None, bool]:
    """What went wrong, None when nothing did, and whether a time-out ended it."""
    context = target.context
    try:
        async with asyncio.timeout(limit):
            await function(target, **parameters)
    except Unsupported:
        return None, False  # it cannot be done here, so it says nothing
    except CaseEnd as end:
        if isinstance(end.__cause__, OSError):
            raise _NobodyThere from end
        return f"expected {end.expected}, got {end.got}" if end.got else end.expected, False
    except StreamClosed as closed:
        return f"expected {context.awaiting}, got: {closed.how}", False
    except TimeoutError:
        return f"expected {context.awaiting}, timed out after {limit:g} s", True
    except Exception as error:
        return f"{type(error).__name__}: {error}", False
    finally:
        context.close()
        await context.gone()
    return None, False
