"""Socket.IO protocol, "Connection to a namespace": CONNECT, its answer, and refusals."""

from sockproof.conformance import Failure, Target, Unsupported, case, ordinary_client
from sockproof.wire.socketio import Packet, PacketType

TRANSPORTS = {"transport": ("websocket", "polling")}


@case("sio-connect-answered", over=TRANSPORTS)
async def connect_is_answered_with_connect(target: Target, transport: str) -> None:
    alone = target.supports("engineio-echo") or target.engineio_path.startswith("/engine.io")
    if alone and not target.supports("socketio"):
        raise Unsupported("a Socket.IO server", "it is an Engine.IO server alone")
    peer = await target.unconnected(transport)
    await peer.connect()


@case("sio-connect-sid", needs="socketio", over=TRANSPORTS)
async def answer_to_connect_holds_a_sid(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    await peer.send(Packet(PacketType.CONNECT, peer.namespace))
    got = await peer.expect(PacketType.CONNECT)
    sid = got.data.get("sid") if isinstance(got.data, dict) else None
    if not isinstance(sid, str) or not sid:
        raise Failure("an object with a sid, a string that is not empty", got)


@case("sio-connect-sid-not-engineio", needs="socketio")
async def sid_is_not_the_session_id_of_engineio(target: Target) -> None:
    peer = await target.unconnected()
    sid = await peer.connect()
    if sid == peer.engine.sid:
        raise Failure("a sid that is not the Engine.IO session id", sid)


@case("sio-connect-sid-per-namespace", needs="fixture")
async def sid_differs_from_namespace_to_namespace(target: Target) -> None:
    peer = await target.socketio()
    first = peer.sid
    second = await peer.connect("/custom")
    if first == second:
        raise Failure("a sid for each namespace", f"{first} in both", came=first)


@case("sio-connect-sid-unique", needs="socketio")
async def sid_differs_from_client_to_client(target: Target) -> None:
    first, second = await target.unconnected(), await target.unconnected()
    sids = [await peer.connect() for peer in (first, second)]
    if sids[0] == sids[1]:
        raise Failure("a sid for each client", f"{sids[0]} for both")


@case("sio-connect-answered-custom", needs="fixture", over=TRANSPORTS)
async def connect_to_another_namespace_is_answered_there(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    await peer.connect("/custom")


@case(
    "sio-connect-first",
    needs={"socketio", "slow-timers"},
    over={"packet": ("event", "ack", "disconnect")},
    control=ordinary_client,
)
async def client_that_does_not_connect_first_is_disconnected(target: Target, packet: str) -> None:
    peer = await target.unconnected()
    await peer.send_raw({"event": '2["message","first"]', "ack": "31[]", "disconnect": "1"}[packet])
    await peer.engine.expect_closed("the connection closed")


@case("sio-connect-not-implicit", needs={"fixture", "emit"}, exclusive=True)
async def client_of_another_namespace_hears_nothing_of_the_main_one(target: Target) -> None:
    speaker, lurker = await target.socketio(), await target.unconnected()
    sid = await lurker.enter("/custom")
    await speaker.proof("emit", event="said", args=["to the main namespace"])
    await speaker.proof("emit", event="fence", args=[], to=[sid], namespace="/custom")
    await lurker.expect_event("fence", namespace="/custom")


@case("sio-connect-auth", needs={"fixture", "auth"}, over=TRANSPORTS)
async def payload_of_connect_reaches_the_application(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    auth = {"user": "jo", "number": 7, "nested": {"list": [1, None, "ü"]}}
    await peer.connect(auth=auth)
    await peer.expect_event("auth", auth)


@case("sio-connect-auth-custom", needs={"fixture", "auth"})
async def payload_of_connect_reaches_another_namespace(target: Target) -> None:
    peer = await target.unconnected()
    await peer.connect("/custom", {"user": "custom"})
    await peer.expect_event("auth", {"user": "custom"}, namespace="/custom")


@case("sio-connect-auth-absent", needs={"fixture", "auth"})
async def connect_without_a_payload_is_accepted(target: Target) -> None:
    target.needs_no_auth("a CONNECT without a payload")
    peer = await target.unconnected()
    await peer.connect()
    await peer.expect_event("auth", {})


@case("sio-connect-unknown-namespace", needs="socketio", over=TRANSPORTS, control=ordinary_client)
async def unknown_namespace_is_refused(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    await peer.connect()
    await peer.greeted()
    await peer.send(Packet(PacketType.CONNECT, "/random"))
    await peer.expect(PacketType.CONNECT_ERROR, "/random")


@case("sio-connect-error-object", needs="socketio")
async def refusal_holds_an_object_with_a_message(target: Target) -> None:
    peer = await target.unconnected()
    await peer.send(Packet(PacketType.CONNECT, "/random"))
    refusal = await peer.expect(PacketType.CONNECT_ERROR, "/random")
    message = refusal.data.get("message") if isinstance(refusal.data, dict) else None
    if not isinstance(message, str):
        raise Failure("an object with a message", refusal)


@case("sio-connect-unknown-keeps-others", needs="fixture", over=TRANSPORTS)
async def refused_namespace_leaves_the_others_as_they_were(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.send(Packet(PacketType.CONNECT, "/random"))
    await peer.expect(PacketType.CONNECT_ERROR, "/random")
    await peer.quiet()


@case("sio-connect-unknown-keeps-transport", needs="fixture", over=TRANSPORTS)
async def connection_survives_a_refusal(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    await peer.send(Packet(PacketType.CONNECT, "/random"))
    await peer.expect(PacketType.CONNECT_ERROR, "/random")
    await peer.connect()


@case("sio-connect-refused-not-in", needs={"fixture", "slow-timers"})
async def event_in_a_refused_namespace_is_not_processed(target: Target) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": "message"}))
    await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    await peer.emit("message", "let me in", namespace="/reject")
    await peer.goes_on("the event passed over, or the connection closed")


@case("sio-connect-several", needs="fixture")
async def several_namespaces_share_one_connection(target: Target) -> None:
    peer = await target.socketio()
    await peer.connect("/custom")
    await peer.greeted("/custom")
    await peer.emit("message", "here", namespace="/custom")
    await peer.expect_event("message-back", "here", namespace="/custom")
    await peer.quiet()


@case("sio-connect-second", needs="fixture", control=ordinary_client)
async def second_connect_to_a_namespace_yields_no_second_sid(target: Target) -> None:
    peer = await target.socketio()
    wanted = "a refusal, or the connection closed"
    connect = peer.text(Packet(PacketType.CONNECT, peer.namespace))
    came = await peer.aftermath(*connect, expected=wanted)
    types = [got.type for got in came or ()]
    if PacketType.CONNECT in types:
        raise Failure(wanted, ", ".join(map(str, came or ())))
    if came is not None and PacketType.CONNECT_ERROR not in types:
        target.non_strict(wanted, "the second CONNECT is ignored")


@case("rooms-refusal-message", needs="fixture", over=TRANSPORTS)
async def refusal_with_a_message_says_it(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": "message"}))
    refusal = await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    if not isinstance(refusal.data, dict) or refusal.data.get("message") != "no entry":
        raise Failure("the message 'no entry'", refusal)
