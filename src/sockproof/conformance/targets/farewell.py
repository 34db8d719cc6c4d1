"""Sessions over long-polling are closed when their case ends: the end of TCP tells of nothing.

Left alone, each would stay until its heartbeat fails, and a server that takes few clients would
turn away those of the next cases.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import CaseEnd, StreamClosed

PATIENCE = 2.0  # seconds for the answers to all farewells of a case
ENOUGH = 10  # cases in a row whose farewells were not answered in time: then no more are said


class Farewell:
    """What a context owns so that its sessions are closed; `close` closes one, by its sid."""

    def __init__(self, context: CaseContext, close: Callable[[str], Awaitable[None]]) -> None:
        self.context = context
        self.close = close

    def reset(self) -> None:
        """Sessions cannot be ended at once."""

    async def gone(self) -> None:
        """Return when the sessions are closed, or the server does not answer."""
        sids = list(self.context.sessions)
        self.context.sessions.clear()
        if not sids or self.context.company.farewells_unanswered >= ENOUGH:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                for sid in sids:
                    with contextlib.suppress(CaseEnd, StreamClosed, OSError):
                        await self.close(sid)
            self.context.company.farewells_unanswered = 0
        except TimeoutError:
            self.context.company.farewells_unanswered += 1
