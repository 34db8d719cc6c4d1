"""Socket.IO protocol, "Connection to a namespace": beyond the first CONNECT of a connection."""

from sockproof.conformance import Failure, SocketIOPeer, Target, case, ordinary_client
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet, PacketType

NEEDS = {"fixture", "slow-timers"}
TRANSPORTS = {"transport": ("websocket", "polling")}
ALL = {"transport": ("websocket", "polling", "upgrade")}


@case("sio-connect-sid-per-namespace", needs={"fixture", "upgrade"}, over=ALL)
async def three_namespaces_have_a_sid_each(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.quiet()
    sids = [peer.engine.sid, peer.sid]
    sids += [await peer.enter("/custom"), await peer.enter("/other")]
    if len(set(sids)) < len(sids):
        raise Failure("sids that differ, from the session's too", f"{sids}")


@case("sio-connect-answered", needs="fixture", over=TRANSPORTS)
async def connects_of_one_moment_are_answered_each(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    spaces = ["/", "/custom", "/other"]
    packets = [peer.text(Packet(PacketType.CONNECT, each))[0] for each in spaces]
    kind = engineio.PacketType.MESSAGE
    await peer.engine.send(*(engineio.Packet(kind, each) for each in packets))
    answered: list[str] = []
    while len(answered) < 3:
        packet = await peer.receive()
        if packet.type in (PacketType.CONNECT, PacketType.CONNECT_ERROR):
            answered.append(packet.namespace)
    if sorted(answered) != spaces:
        raise Failure(f"an answer in each of {spaces}", f"{answered}")


@case("sio-connect-sid-unique", needs="fixture", exclusive=True)
async def sids_of_twelve_clients_differ(target: Target) -> None:
    sids = []
    for _ in range(12):
        peer = await target.socketio()
        sids.append(peer.sid)
        if peer.engine.websocket is not None:
            peer.engine.websocket.stream.close()
    if len(set(sids)) < len(sids):
        raise Failure("twelve sids", f"{sorted(sids)}")


FIRST: dict[str, list[str | bytes]] = {
    "ack": ['31["no"]'],
    "binary-event": ['51-["message",{"_placeholder":true,"num":0}]', b"octets"],
    "custom-event": ['2/custom,["message","no"]'],
    "event-with-id": ['27["message-with-ack","no"]'],
    "connect-error": ['4{"message":"no"}'],
    "disconnect": ["1"],
    "binary": [b"octets"],
    "empty": [""],
    "no-packet": ["hello"],
}


@case(
    "sio-connect-first",
    needs=NEEDS,
    over={**TRANSPORTS, "packet": tuple(FIRST)},
    control=ordinary_client,
)
async def client_that_begins_with_anything_else_is_disconnected(
    target: Target, transport: str, packet: str
) -> None:
    peer = await target.unconnected(transport)
    kind = engineio.PacketType.MESSAGE
    packets = [engineio.Packet(kind, message) for message in FIRST[packet]]
    if await peer.engine.send_or_end(*packets):
        await peer.engine.expect_closed("the connection closed")


# Namespaces that do not exist.

UNKNOWN = {
    "capitals": "/CUSTOM",
    "longer": "/customers",
    "deeper": "/custom/more",
    "slash": "/custom/",
    "encoded": "/%63ustom",
    "constructor": "/constructor",
    "proto": "/__proto__",
    "to-string": "/toString",
    "has-own-property": "/hasOwnProperty",
    "length": "/length",
    "none": "/None",
    "dot": "/.",
    "dots": "/../custom",
    "script": "/聊天室",
    "brackets": '/["a"]',
    "backslash": "/custom\\",
    "nul": "/custom\0",
    "long": "/" + "x" * 300,
}


@case(
    "sio-connect-unknown-namespace",
    needs=NEEDS,
    over={"name": tuple(UNKNOWN)},
    control=ordinary_client,
)
async def namespace_that_is_nearly_one_is_refused(target: Target, name: str) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.CONNECT, UNKNOWN[name]))
    await peer.expect(PacketType.CONNECT_ERROR, UNKNOWN[name])


@case("sio-connect-unknown-keeps-others", needs={*NEEDS, "rooms", "join", "upgrade"}, over=ALL)
async def refusals_leave_rooms_and_namespaces_as_they_were(target: Target, transport: str) -> None:
    peer, room = await target.socketio(transport), target.unique("room")
    await peer.proof("join", rooms=[room])
    stores = {"session_set", "session_get"} <= target.capabilities
    if stores:
        await peer.proof("session_set", data={"user": "jo"})
    for namespace, auth in (("/random", None), ("/reject", {"mode": "message"})):
        await peer.send(Packet(PacketType.CONNECT, namespace, auth))
        await peer.expect(PacketType.CONNECT_ERROR, namespace)
    answer = await peer.proof("rooms")
    if not {room, peer.sid} <= set(answer.get("rooms") or ()):
        raise Failure(f"the room {room} and its own", repr(answer)[:200])
    if stores and (answer := await peer.proof("session_get")).get("data") != {"user": "jo"}:
        raise Failure("the session as it was", repr(answer)[:200])
    await peer.connect("/custom")
    await peer.greeted("/custom")
    await peer.emit("message", "still", namespace="/custom")
    await peer.expect_event("message-back", "still", namespace="/custom")
    await peer.quiet()


@case(
    "sio-connect-second",
    needs=NEEDS,
    over={"where": ("payload", "custom", "upgrade")},
    control=ordinary_client,
)
async def second_connect_in_any_form_yields_no_second_sid(target: Target, where: str) -> None:
    peer = await target.socketio("upgrade" if where == "upgrade" else None)
    namespace = "/custom" if where == "custom" else "/"
    if where == "custom":
        await peer.enter("/custom")
    auth = {"again": True} if where == "payload" else None
    wanted = "a refusal, or the connection closed"
    text = peer.text(Packet(PacketType.CONNECT, namespace, auth))
    for packet in await peer.aftermath(*text, expected=wanted) or ():
        if packet.type == PacketType.CONNECT:
            raise Failure(wanted, packet)


@case("sio-connect-handler-once", needs={*NEEDS, "log"})
async def second_connect_runs_no_handler(target: Target) -> None:
    peer, other = await target.connect_socketio(2)
    sid = peer.sid
    text = peer.text(Packet(PacketType.CONNECT, peer.namespace))
    await peer.aftermath(*text, expected="a refusal, or the connection closed")
    entries = (await other.proof("log", sid=sid))["entries"]
    if sum(entry.get("type") == "connect" for entry in entries) != 1:
        raise Failure("one connect", repr(entries)[:300])


@case("sio-connect-handler-once", needs={*NEEDS, "log", "upgrade"})
async def upgrade_runs_no_connect_handler(target: Target) -> None:
    peer = await target.socketio("polling")
    await peer.engine.upgrade()
    await peer.quiet()
    entries = (await peer.proof("log"))["entries"]
    if sum(entry.get("type") == "connect" for entry in entries) != 1:
        raise Failure("one connect", repr(entries)[:300])


@case("sio-connect-not-implicit", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def client_that_left_its_only_namespace_is_in_none(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    await peer.enter("/custom")
    (left,) = peer.text(Packet(PacketType.DISCONNECT, "/custom"))
    (connect,) = peer.text(Packet(PacketType.CONNECT, "/other"))
    kind = engineio.PacketType.MESSAGE
    for message in (left, connect):
        if not await peer.engine.send_or_end(engineio.Packet(kind, message)):
            return
    wanted = "CONNECT in /other, or the session ended with its last namespace"
    with target.awaits(wanted):
        packet = await peer.next_or_end()
    if packet is not None and packet.namespace != "/other":
        raise Failure(wanted, packet)


@case("sio-connect-not-implicit", needs={*NEEDS, "emit"}, exclusive=True)
async def client_of_one_namespace_hears_nothing_of_another(target: Target) -> None:
    speaker = await target.socketio(namespace="/other")
    lurker = await target.socketio(namespace="/custom")
    await speaker.proof("emit", event="said", args=["to the other namespace"])
    await lurker.quiet()


# Events of those who are not in.

EVENTS: dict[str, list[str | bytes]] = {
    "id": ['2{},7["message-with-ack","no"]'],
    "binary": ['51-{},["message",{"_placeholder":true,"num":0}]', b"octets"],
    "text": ['2{},["message","no"]'],
}


def _of(namespace: str, kind: str) -> list[str | bytes]:
    text, *attachments = EVENTS[kind]
    assert isinstance(text, str)
    return [text.replace("{}", namespace, 1), *attachments]


async def _not_processed(peer: SocketIOPeer, namespace: str, kind: str) -> bool:
    """The event is passed over; False where the connection was closed for it."""
    wanted = "the event passed over, or the connection closed"
    came = await peer.aftermath(*_of(namespace, kind), expected=wanted)
    if came:
        raise Failure(wanted, came[0])
    return came is not None


STRANGE = {"namespace": ("/custom", "/other", "/random", "/reject"), "kind": tuple(EVENTS)}


@case("sio-event-not-connected", needs=NEEDS, over=STRANGE, control=ordinary_client)
async def event_of_a_stranger_is_not_processed(target: Target, namespace: str, kind: str) -> None:
    await _not_processed(await target.socketio(), namespace, kind)


@case(
    "sio-connect-refused-not-in", needs=NEEDS, over={"kind": tuple(EVENTS)}, control=ordinary_client
)
async def event_of_a_refused_client_is_not_processed(target: Target, kind: str) -> None:
    peer = await target.socketio()
    await peer.send(Packet(PacketType.CONNECT, "/reject", {"mode": "message"}))
    await peer.expect(PacketType.CONNECT_ERROR, "/reject")
    await _not_processed(peer, "/reject", kind)


@case(
    "sio-disconnect-received",
    needs=NEEDS,
    over={**TRANSPORTS, "kind": tuple(EVENTS)},
    control=ordinary_client,
)
async def event_behind_a_disconnect_is_not_processed(
    target: Target, transport: str, kind: str
) -> None:
    peer = await target.socketio(transport)
    await peer.enter("/custom")
    wanted = "the event passed over, or the connection closed"
    messages = ["1/custom,", *_of("/custom", kind)]
    for packet in await peer.aftermath(*messages, expected=wanted) or ():
        raise Failure(wanted, packet)


@case("sio-disconnect-received", needs=NEEDS, over=TRANSPORTS, control=ordinary_client)
async def main_namespace_that_was_left_is_not_served(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.enter("/custom")
    await peer.disconnect()
    peer.contract.joined.discard("/")
    wanted = "the event passed over, or the connection closed"
    for packet in await peer.aftermath('2["message","no"]', expected=wanted) or ():
        raise Failure(wanted, packet)


@case("sio-disconnect-no-reply", needs=NEEDS, over=TRANSPORTS)
async def leaving_another_namespace_is_not_answered(target: Target, transport: str) -> None:
    peer = await target.socketio(transport)
    await peer.enter("/custom")
    await peer.disconnect("/custom")
    await peer.quiet()


# Being put out.


async def _put_out(target: Target, transport: str, namespace: str) -> SocketIOPeer:
    """A client that another has put out of a namespace, and that was told."""
    other = await target.socketio(namespace=namespace)
    peer = await target.socketio(transport)
    if namespace != "/":
        await peer.enter(namespace)
    await other.proof("disconnect", sid=peer.sids[namespace])
    await peer.expect(PacketType.DISCONNECT, namespace)
    await other.proof("emit", event="said", args=["to who is in"])
    return peer


@case(
    "sio-disconnect-sent-final",
    needs={*NEEDS, "disconnect", "emit"},
    over={"transport": ("websocket", "polling")},
    exclusive=True,
)
async def client_that_was_put_out_hears_and_says_nothing_there(
    target: Target, transport: str
) -> None:
    peer = await _put_out(target, transport, "/custom")
    for kind in EVENTS:
        if not await _not_processed(peer, "/custom", kind):
            break
    peer.heard_nothing_since("/custom")


@case("sio-disconnect-handler-once", needs={*NEEDS, "log"}, over={"then": ("close", "leave-main")})
async def client_that_left_and_then_goes_is_told_of_once(target: Target, then: str) -> None:
    peer, other = await target.connect_socketio(2)
    there = await peer.enter("/custom")
    await peer.disconnect("/custom")
    if then == "close":
        await peer.engine.say_goodbye()
    else:
        await peer.disconnect()
    with target.awaits("a disconnect in the log of each namespace"):
        await other.entries(peer.sid if then == "close" else there)
        entries = await other.entries(there)
    ends = [entry for entry in entries if entry.get("type") == "disconnect"]
    if len(ends) != 1 or ends[0].get("namespace") != "/custom" or not ends[0].get("reason"):
        raise Failure("one disconnect from /custom, with a reason", repr(entries)[:300])


@case("sio-disconnect-handler-every-namespace", needs={*NEEDS, "log", "upgrade"}, over=ALL)
async def end_of_a_connection_is_told_in_three_namespaces(target: Target, transport: str) -> None:
    peer, other = await target.socketio(transport), await target.socketio()
    await peer.quiet()
    sids = {"/": peer.sid}
    for namespace in ("/custom", "/other"):
        sids[namespace] = await peer.enter(namespace)
    await peer.engine.say_goodbye()
    for namespace, sid in sids.items():
        with target.awaits(f"a disconnect from {namespace} in the log"):
            entries = await other.entries(sid)
        ends = [entry for entry in entries if entry.get("type") == "disconnect"]
        if len(ends) != 1 or ends[0].get("namespace") != namespace:
            raise Failure(f"one disconnect from {namespace}", repr(entries)[:300])


@case(
    "sio-disconnect-handler-timeout",
    needs={"fixture", "log", "fast-timers", "polling"},
    limit=lambda interval, timeout: 8 + 2 * (interval + timeout),
    over=TRANSPORTS,
)
async def ping_timeout_is_told_in_every_namespace(target: Target, transport: str) -> None:
    peer, other = await target.socketio(transport), await target.socketio()
    there = await peer.enter("/custom")
    peer.engine.answer_pings = False
    for sid in (peer.sid, there):
        with target.awaits("a disconnect in the log, after the ping timeout"):
            entries = await other.entries(sid)
        if sum(entry.get("type") == "disconnect" for entry in entries) != 1:
            raise Failure("one disconnect", repr(entries)[:300])
