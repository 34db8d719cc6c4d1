"""Socket.IO protocol, "Connection to a namespace": CONNECTs that are refused or cannot be read."""

from sockproof.conformance import Failure, Target, case, ordinary_client
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


@case(
    "sio-connect-answered-failure", needs="fixture", over={**TRANSPORTS, "mode": ("false", "raise")}
)
async def client_whose_connect_handler_fails_is_refused(
    target: Target, transport: str, mode: str
) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": mode}))
    await peer.expect(PacketType.CONNECT_ERROR, "/reject")


@case("sio-connect-error-namespace", needs="fixture", over=TRANSPORTS)
async def refusal_names_the_namespace_that_refuses(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": "message"}))
    text = await peer.receive_raw()
    if not isinstance(text, str) or not text.startswith("4/reject,"):
        raise Failure("CONNECT_ERROR in /reject", f"{text!r:.100}")


@case("sio-connect-error-object", needs="fixture", over={"mode": ("false", "message", "data")})
async def refusal_of_a_handler_holds_an_object_with_a_message(target: Target, mode: str) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": mode}))
    refusal = await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    message = refusal.data.get("message") if isinstance(refusal.data, dict) else None
    if not isinstance(message, str):
        raise Failure("an object with a message", refusal)


@case("sio-connect-refused-not-in", needs="fixture")
async def refused_client_can_be_accepted_later(target: Target) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": "message"}))
    await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    await peer.connect("/reject")
    await peer.greeted("/reject")
    await peer.emit("message", "now it may", namespace="/reject")
    await peer.expect_event("message-back", "now it may", namespace="/reject")


UNREADABLE = {"type-9": '9["message"]', "no-digit": "hello", "bad-json": '0{"token":'}


@case(
    "sio-connect-first-unreadable",
    needs={"socketio", "slow-timers"},
    over={"packet": tuple(UNREADABLE)},
    control=ordinary_client,
)
async def client_whose_first_packet_cannot_be_read_is_disconnected(
    target: Target, packet: str
) -> None:
    peer = await target.unconnected()
    await peer.send_raw(UNREADABLE[packet])
    await peer.engine.expect_closed("the connection closed")


@case("sio-connect-first-unreadable", needs={"socketio", "slow-timers"}, control=ordinary_client)
async def client_whose_first_packet_is_binary_is_disconnected(target: Target) -> None:
    peer = await target.unconnected()
    await peer.send_raw(b"\0\1\2")
    await peer.engine.expect_closed("the connection closed")


@case(
    "sio-connect-auth-not-object",
    needs="fixture",
    over={"payload": ('"text"', "[1]")},
    control=ordinary_client,
)
async def payload_that_is_no_object_is_refused_or_closes_the_connection(
    target: Target, payload: str
) -> None:
    target.needs_no_auth("any payload of CONNECT")
    peer = await target.socketio()
    wanted = "CONNECT_ERROR in /custom, or the connection closed"
    await peer.send_raw(f"0/custom,{payload}")
    with target.awaits(wanted):
        got = await peer.next_or_end()
    if got is None or (got.type, got.namespace) == (PacketType.CONNECT_ERROR, "/custom"):
        return
    if (got.type, got.namespace) != (PacketType.CONNECT, "/custom"):
        raise Failure(wanted, got)
    target.non_strict(wanted, "the payload is accepted")
