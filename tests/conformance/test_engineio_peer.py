"""An Engine.IO session that ends because of us is not held against the server."""

from __future__ import annotations

import asyncio
import time

import pytest

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import CaseEnd, Failure, IllegalFrame, Inconclusive
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.sessions.engineio import (
    MESSAGES_ARRIVE,
    OCTETS_ARE_BINARY,
    EngineIOPeer,
)
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire.engineio import Packet, PacketType
from sockproof.wire.http import Response
from sockproof.wire.url import Address
from sockproof.wire.websocket import Frame, Opcode
from tests.servers.engineio_echo import EngineIOEcho


async def _posts_until_refused(
    interval: int, timeout: int, *, says_close: bool = False, polls_for: float = 0.0
) -> CaseEnd:
    """Send without a GET, until the session has ended; gives what the peer says of that.

    Before that there are GETs, for so many seconds.
    """
    async with EngineIOEcho(ping_interval=interval, ping_timeout=timeout) as server:
        context = CaseContext(WireLog())
        engine = await Target(Server(Address.parse(server.url)), context).connect_engineio(
            "polling"
        )
        packets = [Packet(PacketType.MESSAGE, "more")]
        until = time.monotonic() + polls_for
        try:
            while time.monotonic() < until:
                await engine.send(*packets)
                await engine.expect(PacketType.MESSAGE)
            packets += [Packet(PacketType.CLOSE)] if says_close else []
            while True:
                await engine.send(*packets)
        except CaseEnd as ended:
            return ended
        finally:
            context.close()


def test_session_whose_pings_we_left_unanswered_may_end() -> None:
    ended = asyncio.run(_posts_until_refused(50, 50))
    assert isinstance(ended, Inconclusive)
    assert "we made none for" in ended.got


def test_ping_may_come_directly_behind_the_answer_to_our_last_get() -> None:
    ended = asyncio.run(_posts_until_refused(400, 300, polls_for=0.3))
    assert isinstance(ended, Inconclusive)
    assert "we made none for" in ended.got


def test_session_that_ends_within_its_heartbeat_is_a_failure() -> None:
    ended = asyncio.run(_posts_until_refused(25_000, 20_000, says_close=True))
    assert isinstance(ended, Failure)
    assert "400" in ended.got


def test_base64_on_a_websocket_accuses_the_writing_of_binary_data() -> None:
    with pytest.raises(IllegalFrame) as found:
        EngineIOPeer.packet_of(Frame(Opcode.TEXT, b"bAQIJ"))
    assert found.value.broken == OCTETS_ARE_BINARY


@pytest.mark.parametrize("payload", [b"", b"b?", b"bad", b"welcome", b"9"])
def test_other_text_that_is_no_packet_accuses_what_the_case_is_about(payload: bytes) -> None:
    with pytest.raises(Failure) as found:
        EngineIOPeer.packet_of(Frame(Opcode.TEXT, payload))
    assert found.value.broken is None


def test_get_that_a_crash_answers_accuses_the_delivery_of_messages() -> None:
    async def taken() -> None:
        async with EngineIOEcho() as server:
            context = CaseContext(WireLog())
            target = Target(Server(Address.parse(server.url)), context)
            engine = await target.connect_engineio("polling")
            context.close()
            engine.take(Response(500, "Internal Server Error"))

    with pytest.raises(IllegalFrame) as found:
        asyncio.run(taken())
    assert found.value.broken == MESSAGES_ARRIVE
