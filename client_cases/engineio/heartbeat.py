"""Engine.IO protocol, section "Heartbeat", from the client's side."""

from sockproof.clients import TRANSPORTS, case
from sockproof.wire.engineio import Packet, PacketType

PING = Packet(PacketType.PING)
REQUIREMENT = {
    "polling": "client-eio-heartbeat-pong-polling",
    "websocket": "client-eio-heartbeat-pong",
    "upgrade": "client-eio-heartbeat-pong-upgraded",
}


@case("client-eio-heartbeat-pong-each", over={"transport": TRANSPORTS})
async def each_ping_is_answered_once(client, transport):
    client.setup(transport)
    session = await client.session()
    for _ in range(3):
        session.engine.send(PING)
        await session.engine.expect(PacketType.PONG)
    await session.fence()
