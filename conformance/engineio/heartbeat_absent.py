"""Engine.IO protocol, section "Heartbeat": clients that go without a word, and never come back."""

import asyncio

from sockproof.conformance import EngineIOPeer, Failure, Target, case, expect_no_probe

FAST = {"polling", "fast-timers"}
REQUIREMENT = "eio-heartbeat-timeout-polling"


def limit(interval: float, timeout: float) -> float:
    """Until the session has to be over, and time for all else."""
    return 8 + 3 * (interval + timeout)


async def _silence(engine: EngineIOPeer) -> None:
    """Be silent until the session has to be over: that is what is tested."""
    interval, timeout = engine.timers
    await asyncio.sleep(interval + timeout + max(interval, timeout) + 1)  # some look now and then


async def _expect_over(engine: EngineIOPeer) -> None:
    """A POST is refused: a GET of a session that is there might wait."""
    await engine.refused("POST", engine.session_query, b"4late", "text/plain")


@case(REQUIREMENT, needs=FAST, limit=limit)
async def session_whose_client_never_came_back_is_refused(target: Target) -> None:
    engine = await target.connect_engineio("polling")
    await _silence(engine)
    await _expect_over(engine)
    await engine.refused("GET", engine.session_query)


@case(REQUIREMENT, needs={*FAST, "upgrade"}, limit=limit)
async def session_whose_client_never_came_back_takes_no_websocket(target: Target) -> None:
    engine = await target.connect_engineio("polling")
    await _silence(engine)
    wanted = "the WebSocket refused or closed"
    try:
        websocket = await engine.open_websocket(engine.query_of("websocket"))
    except Failure:
        return
    await expect_no_probe(websocket, wanted)


@case(REQUIREMENT, needs=FAST, limit=limit)
async def session_whose_waiting_get_was_reset_is_refused(target: Target) -> None:
    engine = await target.connect_engineio("polling")
    get = await engine.hold_get()
    get.stream.reset()
    await _silence(engine)
    await _expect_over(engine)


@case(REQUIREMENT, needs={*FAST, "upgrade"}, limit=limit)
async def session_whose_client_was_lost_amid_its_upgrade_is_refused(target: Target) -> None:
    engine = await target.connect_engineio("polling")
    with target.preparing("an answer to the probe"):
        await engine.probe()
    assert engine.websocket is not None
    engine.websocket.stream.reset()
    await _silence(engine)
    await _expect_over(engine)
