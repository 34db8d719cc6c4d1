"""Real Socket.IO clients: python-socketio's two, socket.io-client in node, and in Chromium."""

import asyncio
from pathlib import Path
from typing import Any

from sockproof.conformance import Failure, case
from sockproof.conformance.checks.real_client import SOCKETIO_CLIENTS, carried, open_client

DRIVERS = Path(__file__).parent / "drivers"
NEEDS = {"fixture"}
LIMIT = 60  # seconds: a browser takes its time to start, and npm to install
SOON = 3.0  # seconds in which a client that is wrong here has to hear of it
BOTH = ("polling", "websocket")
OVER = {"client": list(SOCKETIO_CLIENTS)}
# python-socketio's Client hands each event to a thread of its own, in no order.
ORDERED = {"client": [each for each in SOCKETIO_CLIENTS if each != "python-socketio"]}
WORDS = ["Grüße, 你好, 😀", 0, -1.5, None, True, {"nested": [{"deep": ["list"]}]}]


async def connected(target, kind, *, transports=BOTH, namespace="/", auth=None):
    """A real client that is connected and has been greeted, and its relay."""
    more = carried(target, kind, transports)
    client, relay = await open_client(target, kind, DRIVERS)
    query = f"?{target.address.query}" if target.address.query else ""
    payload = target.payload(auth)
    await client.do(
        "connect",
        url=f"http://127.0.0.1:{relay.port}",
        query=query,
        path=target.engineio_path.strip("/"),
        namespace=namespace,
        auth=payload,
        transports=transports,
        **more,
    )
    await client.expect_event("connect")
    await greeted(target, client, payload)
    return client, relay


async def greeted(target, client, payload):
    """The fixture has told the client what its CONNECT held, where it does so."""
    if target.supports("auth"):
        await client.expect_event("auth", payload or {})


async def ready(target, kind, **options):
    """The same, as what a case begins with."""
    with target.preparing(f"{kind} connected"):
        return await connected(target, kind, **options)


@case(
    "clients-connect",
    needs={"fixture", "auth"},
    exclusive=True,  # a browser and its neighbours want the machine for themselves
    limit=LIMIT,
    over={**OVER, "transport": ["polling", "websocket", "both"]},
)
async def client_connects_and_is_greeted_with_its_auth_payload(target, client, transport):
    transports = BOTH if transport == "both" else [transport]
    await connected(target, client, transports=transports, auth={"sockproof": "ours"})


@case("clients-connect", needs=NEEDS, exclusive=True, limit=LIMIT, over=OVER)
async def client_connects_to_another_namespace(target, client):
    await connected(target, client, namespace="/custom")


@case("clients-events", needs=NEEDS, exclusive=True, limit=LIMIT, over=OVER)
async def event_of_a_client_comes_back_unchanged(target, client):
    driven, _ = await ready(target, client)
    await driven.do("emit", event="message", args=WORDS)
    await driven.expect_event("message-back", *WORDS)


@case("clients-events", needs=NEEDS, exclusive=True, limit=LIMIT, over=ORDERED)
async def events_of_a_client_come_back_in_order(target, client):
    driven, _ = await ready(target, client, transports=["websocket"])
    for number in range(50):
        await driven.do("emit", event="message", args=[number])
    for number in range(50):
        await driven.expect_event("message-back", number)


@case("clients-binary", needs=NEEDS, exclusive=True, limit=LIMIT, over=OVER)
async def octets_of_a_client_come_back_unchanged(target, client):
    driven, _ = await ready(target, client)
    args = ["beside text", {"$bin": list(range(256))}, {"inside": [{"$bin": []}]}]
    await driven.do("emit", event="message", args=args)
    await driven.expect_event("message-back", *args)


@case("clients-acks", needs=NEEDS, exclusive=True, limit=LIMIT, over=OVER)
async def acknowledgement_reaches_the_client(target, client):
    driven, _ = await ready(target, client)
    answer = await driven.do("call", event="message-with-ack", args=[*WORDS, {"$bin": [1, 2]}])
    if answer["result"] != [*WORDS, {"$bin": [1, 2]}]:
        raise Failure(f"acknowledged with {WORDS} and 2 octets", str(answer["result"]))


@case("clients-rooms", needs={"join", "leave", "emit"}, exclusive=True, limit=LIMIT, over=OVER)
async def client_hears_its_room_until_it_leaves(target, client):
    """It speaks itself: what our peers say carries a mark that its driver does not listen for."""
    driven, _ = await ready(target, client)
    room = target.unique("room")
    await operate(target, driven, "join", rooms=[room])
    await operate(target, driven, "emit", event="said", args=["inside"], to=[room])
    await driven.expect_event("said", "inside")
    await operate(target, driven, "leave", rooms=[room])
    await operate(target, driven, "emit", event="said", args=["outside"], to=[room])
    await driven.do("emit", event="message", args=["fence"])
    await driven.expect_event("message-back", "fence")


async def operate(target, driven, name, **fields):
    """Have the server do an operation for a real client."""
    request = {"op": name, **fields}
    if target.server.token is not None:
        request["token"] = target.server.token
    answer = await driven.do("call", event="sockproof", args=[request])
    if answer["result"][:1] and answer["result"][0].get("ok") is True:
        return answer["result"][0]
    raise Failure(f"{name} acknowledged with ok", str(answer["result"]))


@case("clients-upgrade", needs={"fixture", "upgrade"}, exclusive=True, limit=LIMIT, over=OVER)
async def client_gets_from_long_polling_to_websocket_and_loses_nothing(target, client):
    driven, _ = await ready(target, client)
    for number in range(30):  # some before, some during, some after
        await driven.do("emit", event="message", args=[number])
    # A client that reads both transports at once may hear them mixed; lost is lost.
    back = [await driven.event("30 events") for _ in range(30)]
    if sorted(args[0] for _, args in back) != list(range(30)):
        raise Failure("message-back 0 to 29, each once", str([args for _, args in back]))
    for number in range(200):
        if (await driven.do("transport"))["transport"] == "websocket":
            return
        await driven.do("call", event="message-with-ack", args=[number])
    raise Failure("the transport websocket", "polling, after 200 round trips")


@case("clients-reconnect", needs=NEEDS, exclusive=True, limit=LIMIT, over=OVER)
async def client_comes_back_when_its_connection_is_cut(target, client):
    driven, relay = await ready(target, client, transports=["websocket"])
    before = await driven.do("sid")
    relay.cut()
    await driven.expect_event("disconnect")
    await driven.expect_event("connect")
    await greeted(target, driven, target.payload(None))
    after = await driven.do("sid")
    if before["sid"] == after["sid"]:
        raise Failure("a new sid", str(after["sid"]))
    await driven.do("emit", event="message", args=["again"])
    await driven.expect_event("message-back", "again")


@case("clients-disconnect", needs={"log"}, exclusive=True, limit=LIMIT, over=OVER)
async def disconnect_of_a_client_is_noted_once(target, client):
    observer = await target.socketio()
    driven, _ = await ready(target, client)
    sid = (await driven.do("sid"))["sid"]
    await driven.do("disconnect")
    noted: list[dict[str, Any]] = []
    with target.awaits("a disconnect in the server's log"):
        while not noted:
            entries = (await observer.proof("log", sid=sid))["entries"]
            noted = [each for each in entries if each["type"] == "disconnect"]
    if len(noted) != 1 or not noted[0].get("reason"):
        raise Failure("one disconnect with a reason", noted)


@case("clients-mismatch", needs={"echo"}, exclusive=True, limit=LIMIT, over=OVER)
async def socketio_client_is_turned_away_by_a_plain_websocket_server(target, client):
    more = carried(target, client, ["polling"])
    driven, relay = await open_client(target, client, DRIVERS)
    wanted = "the connection refused soon"
    with target.awaits(wanted):
        try:
            async with asyncio.timeout(SOON):
                url = f"http://127.0.0.1:{relay.port}"
                await driven.do("connect", url=url, query="", transports=["polling"], **more)
        except Failure:
            return
        except TimeoutError:
            raise Failure(wanted, f"nothing within {SOON:g} s") from None
    raise Failure(wanted, "it is connected")
