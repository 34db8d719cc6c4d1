"""Socket.IO protocol, "Connection to a namespace": the payload of a CONNECT, beyond plain ones."""

from typing import Any

from sockproof.conformance import Failure, Target, case, ordinary_client
from sockproof.wire.socketio import PacketType

NEEDS = {"fixture", "slow-timers"}
TRANSPORTS = {"transport": ("websocket", "polling")}

AUTH: dict[str, Any] = {
    "integers": {"one": 2**31, "two": 2**53 - 1, "three": -1},
    "empties": {"text": "", "null": None, "zero": 0, "false": False, "list": [], "object": {}},
    "text": {"json": '{"a":1}', "digits": "0123", "number": "12", "long": "x" * 1000},
    "words": {"constructor": 1, "__proto__": {"a": 2}, "toString": 3},
    "deep": {"a": {"b": {"c": {"d": {"e": {"f": [1]}}}}}},
    "empty": {},
}


@case("sio-connect-auth", needs={"fixture", "auth"}, over={**TRANSPORTS, "auth": tuple(AUTH)})
async def payload_of_any_values_reaches_the_application(
    target: Target, transport: str, auth: str
) -> None:
    peer = await target.unconnected(transport)
    await peer.connect(auth=AUTH[auth])
    await peer.expect_event("auth", AUTH[auth])


@case("sio-connect-auth-custom", needs={"fixture", "auth"}, over=TRANSPORTS)
async def each_namespace_has_the_payload_of_its_own_connect(target: Target, transport: str) -> None:
    peer = await target.unconnected(transport)
    for namespace, auth in (("/", {"of": "main"}), ("/custom", None), ("/other", {"of": "other"})):
        await peer.connect(namespace, auth)
        await peer.expect_event("auth", auth or {}, namespace=namespace)


@case("sio-connect-auth", needs={"fixture", "log", "upgrade"})
async def connect_handler_is_told_the_payload_after_an_upgrade(target: Target) -> None:
    peer = await target.socketio("upgrade")
    await peer.quiet()
    auth = {"user": target.unique("jo")}
    sid = await peer.enter("/custom", auth)
    entries = (await peer.proof("log", sid=sid))["entries"]
    here = [entry for entry in entries if entry.get("namespace", "/custom") == "/custom"]
    if [entry.get("auth") for entry in here] != [peer.contract.credentials(auth)]:
        raise Failure(f"one entry with {auth}", repr(entries)[:300])


NO_OBJECTS = {
    "list": '["no"]',
    "empty-list": "[]",
    "text": '"no"',
    "true": "true",
    "false": "false",
}


@case(
    "sio-connect-auth-not-object",
    needs=NEEDS,
    over={"payload": tuple(NO_OBJECTS)},
    control=ordinary_client,
)
async def connect_whose_payload_is_no_object_lets_nobody_in(target: Target, payload: str) -> None:
    peer = await target.socketio()
    wanted = "a refusal, or the connection closed"
    came = await peer.aftermath(f"0/custom,{NO_OBJECTS[payload]}", expected=wanted)
    if came is None:
        return
    types = [packet.type for packet in came]
    if PacketType.CONNECT_ERROR not in types:
        target.non_strict(wanted, ", ".join(map(str, came)) or "no answer")
