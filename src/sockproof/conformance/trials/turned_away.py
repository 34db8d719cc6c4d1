"""What a case says that was turned away although it ran alone: whether everybody is, or it only."""

from __future__ import annotations

import asyncio

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import CaseEnd, StreamClosed, TurnedAway
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.conformance.trials.liveness import Liveness
from sockproof.conformance.trials.trial import Trial
from sockproof.vocabulary import Seen

FEW = 3  # connections, which a server has room for that serves anybody
AT_ONCE = 2.0  # seconds for an ordinary client to be let in


async def check_service(trial: Trial, life: Liveness) -> None:
    """A case that was turned away says nothing where everybody is, or where it asks a lot."""
    server, record = trial.server, trial.record
    if server is None or not trial.turned_away or not trial.accuses:
        return
    if await life.turns_away(server) or await _refuses_clients(server):
        record.outcome, record.expectation = "INCONCLUSIVE", None
        record.seen = Seen.REFUSED
        record.got += "; an ordinary client is turned away, too"
    elif trial.limited or (record.outcome == "INCONCLUSIVE" and _asks_a_lot(trial)):
        record.outcome, record.expectation = "UNSUPPORTED", None
        record.expected = "a server that takes all clients and requests of this case"
        record.got = f"an ordinary client is served, but the case was turned away: {record.got}"


def remark(why: str, jobs: int, left: int) -> str:
    """What the run says of a server that turned connections away until there were fewer jobs."""
    return (
        f"The server turned connections away ({why}), so that the jobs went"
        f" from {jobs} down to {left} (--jobs {left})."
    )


def _asks_a_lot(trial: Trial) -> bool:
    return trial.can_wait or trial.connections > FEW


async def _refuses_clients(server: Server) -> bool:
    """Whether a Socket.IO server lets no ordinary client in now, with nobody else there."""
    if "socketio" not in server.capabilities:
        return False
    context = CaseContext(WireLog())
    try:
        async with asyncio.timeout(AT_ONCE):
            await Target(server, context).socketio()
    except CaseEnd as end:
        return isinstance(end.__cause__, TurnedAway)
    except (StreamClosed, OSError, TimeoutError):
        return False
    finally:
        context.close()
        await context.gone()
    return False
