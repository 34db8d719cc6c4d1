"""A Socket.IO client and a server: they connect, talk both ways, and part."""

from sockproof.clients import TRANSPORTS, SocketIOVisitor, case
from sockproof.clients.pairs.server import PairServer
from sockproof.clients.pairs.socketio import PATIENCE, SocketIOPair

NAMESPACES = {"main": "/", "custom": "/custom"}
OVER = ("polling", "websocket")
ARGS = ["κόσμε", 1, -2.5, None, True, [], {"a": {"b": [1, 2, 3]}}]
BINARY = [bytes(range(256)), {"deep": [b"\x00\xff", "beside"]}]


@case("pair-both-connect", over={"transport": TRANSPORTS, "namespace": tuple(NAMESPACES)})
async def client_connects(
    client: SocketIOVisitor, server: PairServer, transport: str, namespace: str
) -> None:
    async with SocketIOPair.open(client, server, transport, NAMESPACES[namespace]) as pair:
        await pair.says("message", "welcome")
        await pair.hears("message", "welcome")


@case("pair-both-events", over={"transport": OVER, "args": ("json", "binary")})
async def event_of_the_server_arrives(
    client: SocketIOVisitor, server: PairServer, transport: str, args: str
) -> None:
    wanted = ARGS if args == "json" else BINARY
    async with SocketIOPair.open(client, server, transport) as pair:
        await pair.says("message", *wanted)
        await pair.hears("message", *wanted)


@case("pair-both-events", over={"transport": OVER})
async def event_of_the_client_comes_back(
    client: SocketIOVisitor, server: PairServer, transport: str
) -> None:
    async with SocketIOPair.open(client, server, transport) as pair:
        await pair.does("emit", event="message", args=ARGS)
        await pair.hears("message-back", *ARGS)


@case("pair-both-acknowledge", over={"transport": OVER})
async def event_of_the_client_is_acknowledged(
    client: SocketIOVisitor, server: PairServer, transport: str
) -> None:
    async with SocketIOPair.open(client, server, transport) as pair:
        timeout = int(PATIENCE * 1000)
        await pair.does("emit-with-ack", event="message-with-ack", args=ARGS, timeout_ms=timeout)
        await pair.acknowledged(*ARGS)


@case("pair-both-acknowledge", over={"transport": OVER, "args": ("json", "binary")})
async def event_of_the_server_is_acknowledged(
    client: SocketIOVisitor, server: PairServer, transport: str, args: str
) -> None:
    wanted = ARGS if args == "json" else BINARY
    async with SocketIOPair.open(client, server, transport) as pair:
        await pair.expect_acknowledgement("message-with-ack", wanted)


@case("pair-both-part", over={"transport": OVER})
async def client_that_is_closed_is_gone(
    client: SocketIOVisitor, server: PairServer, transport: str
) -> None:
    async with SocketIOPair.open(client, server, transport) as pair:
        await pair.gone()


@case("pair-both-part", over={"transport": OVER})
async def client_that_is_disconnected_hears_of_it(
    client: SocketIOVisitor, server: PairServer, transport: str
) -> None:
    async with SocketIOPair.open(client, server, transport) as pair:
        await pair.speaker.proof("disconnect", sid=await pair.sid())
        await pair.until(
            "the application told of the disconnection", lambda: client.count("disconnect") > 0
        )
