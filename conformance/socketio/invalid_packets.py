"""Socket.IO protocol, "Packet encoding": "Format": packets of a client that are none."""

from sockproof.conformance import Failure, Seen, SocketIOPeer, Target, case, ordinary_client

TRANSPORTS = {"transport": ("websocket", "polling")}
NEEDS = {"fixture", "slow-timers"}
CLOSED = "the connection closed"
IDS = {"letters": "abc", "below-zero": "-1", "fraction": "1.5", "plus": "+1"}


async def _closes(peer: SocketIOPeer, message: str) -> None:
    came = await peer.aftermath(message, expected=CLOSED)
    if came is not None:
        told = ", ".join(["the server went on", *map(str, came)])
        raise Failure(CLOSED, told, seen=Seen.NOT_CLOSED)


@case(
    "sio-packet-bad-id",
    needs=NEEDS,
    over={**TRANSPORTS, "number": tuple(IDS)},
    control=ordinary_client,
)
async def id_that_is_no_number_closes_the_connection(
    target: Target, transport: str, number: str
) -> None:
    peer = await target.socketio(transport)
    await _closes(peer, f'2{IDS[number]}["message-with-ack","strange id"]')


@case("sio-packet-empty", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def message_without_a_packet_closes_the_connection(target: Target, transport: str) -> None:
    await _closes(await target.socketio(transport), "")
