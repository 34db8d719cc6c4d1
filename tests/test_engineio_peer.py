"""An Engine.IO session that ends because of us is not held against the server."""

from __future__ import annotations

import asyncio

from sockproof.conformance.address import Address
from sockproof.conformance.outcome import CaseEnd, Failure, Inconclusive
from sockproof.conformance.scene import Scene
from sockproof.conformance.target import Server, Target
from sockproof.conformance.wirelog import WireLog
from sockproof.wire.engineio import Packet, PacketType
from tests.servers.engineio_echo import EngineIOEcho


async def _posts_until_refused(interval: int, timeout: int, *, says_close: bool) -> CaseEnd:
    """Send without a GET, until the session has ended; gives what the peer says of that."""
    async with EngineIOEcho(ping_interval=interval, ping_timeout=timeout) as server:
        scene = Scene(WireLog())
        engine = await Target(Server(Address.parse(server.url)), scene).connect_engineio("polling")
        packets = [Packet(PacketType.MESSAGE, "more")]
        packets += [Packet(PacketType.CLOSE)] if says_close else []
        try:
            while True:
                await engine.send(*packets)
        except CaseEnd as ended:
            return ended
        finally:
            scene.close()


def test_session_whose_pings_we_left_unanswered_may_end() -> None:
    ended = asyncio.run(_posts_until_refused(50, 50, says_close=False))
    assert isinstance(ended, Inconclusive)
    assert "we made none for" in ended.got


def test_session_that_ends_within_its_heartbeat_is_a_failure() -> None:
    ended = asyncio.run(_posts_until_refused(25_000, 20_000, says_close=True))
    assert isinstance(ended, Failure)
    assert "400" in ended.got
