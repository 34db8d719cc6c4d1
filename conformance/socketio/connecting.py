"""Socket.IO protocol, "History": since revision 5 nobody is in a namespace without a CONNECT."""

from sockproof.conformance import Failure, Target, case

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("sio-connect-not-implicit", needs={"fixture", "slow-timers"}, over=TRANSPORTS)
async def client_of_one_namespace_is_not_in_the_main_one(target: Target, transport: str) -> None:
    peer = await target.socketio(transport, namespace="/custom")
    wanted = "the event in the main namespace passed over, or the connection closed"
    if came := await peer.aftermath('2["message","implied"]', expected=wanted):
        raise Failure(wanted, str(came[0]))
