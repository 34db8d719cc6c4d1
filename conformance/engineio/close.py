"""Engine.IO protocol, section "Protocol": the CLOSE packet."""

from sockproof.conformance import Failure, StreamClosed, case
from sockproof.wire.engineio import Packet, PacketType

CLOSE = Packet(PacketType.CLOSE)


@case("eio-close-received-polling", needs={"polling", "slow-timers"})
async def close_packet_of_a_post_closes_the_session(target):
    engine = await target.connect_engineio("polling")
    await engine.send(CLOSE)
    await engine.expect_closed("the session closed by a CLOSE packet")
    await engine.refused("GET", engine.session_query)


@case(
    "eio-close-received-websocket",
    needs={"websocket", "slow-timers"},
    over={"after": ["none", "upgrade"]},
)
async def close_packet_on_a_websocket_closes_the_session(target, after):
    engine = await target.connect_engineio("upgrade" if after == "upgrade" else "websocket")
    await engine.send(CLOSE)
    await engine.expect_closed("the session and the WebSocket closed by a CLOSE packet")


@case("eio-close-received-pending-get", needs={"polling", "slow-timers"})
async def close_packet_releases_a_waiting_get(target):
    engine = await target.connect_engineio("polling")
    get = await engine.hold_get()
    await engine.send(CLOSE)
    wanted = "an answer to the waiting GET"
    try:
        await get.answer(wanted)
    except Failure as failure:
        if not isinstance(failure.__cause__, StreamClosed):
            raise
        target.non_strict(wanted, failure)
