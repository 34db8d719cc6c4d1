"""Socket.IO protocol, "Connection to a namespace" and "History": who is in a namespace, and when.

Since revision 5 nobody is in a namespace without a CONNECT, and the answer to it says from when on.
"""

from sockproof.conformance import Failure, Target, case
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("sio-connect-not-implicit", needs={"fixture", "slow-timers"}, over=TRANSPORTS)
async def client_of_one_namespace_is_not_in_the_main_one(target: Target, transport: str) -> None:
    peer = await target.socketio(transport, namespace="/custom")
    wanted = "the event in the main namespace passed over, or the connection closed"
    if came := await peer.aftermath('2["message","implied"]', expected=wanted):
        raise Failure(wanted, came[0])


@case("sio-connect-before-events", needs="socketio", over=TRANSPORTS)
async def answer_to_connect_comes_before_any_event(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    await peer.send(Packet(PacketType.CONNECT, peer.namespace))
    wanted = "the answer to CONNECT before any event of the namespace"
    with target.awaits(wanted):
        first = await peer.next_of_any()
        while first.namespace != peer.namespace:
            first = await peer.next_of_any()
    if first.type not in (PacketType.CONNECT, PacketType.CONNECT_ERROR):
        target.non_strict(wanted, first)  # the clients that people use keep it until then
