"""Messages of a pair: each goes from the client to the server and back, several times."""

import random

from sockproof.clients import WebSocketVisitor, case
from sockproof.clients.pairs.pair import Pair
from sockproof.clients.pairs.server import PairServer

# As they are, or beside what a length is written with, or hard on text and on compression.
MESSAGES: dict[str, str | bytes] = {
    "text": "a short text",
    "binary": bytes(range(256))[:100],
    "empty-text": "",
    "empty-binary": b"",
    "126-octets": "x" * 126,
    "65535-octets": random.Random(1).randbytes(65_535),
    "65536-octets": random.Random(2).randbytes(65_536),
    "multi-byte": "κόσμε, 漢字, \U0001f30d, \U0010ffff " * 50,
    "compressible": "again and again " * 1000,
}
SEVERAL: list[str | bytes] = ["one", b"two", "", "three " * 100, b"\0" * 300, "four"]
PUSHED, SIZE = 10, 1000


@case("pair-both-messages", over={"message": tuple(MESSAGES)})
async def message_goes_round(client: WebSocketVisitor, server: PairServer, message: str) -> None:
    async with Pair.open(client, server) as pair:
        await pair.round(MESSAGES[message])


@case("pair-both-messages")
async def messages_go_round_in_their_order(client: WebSocketVisitor, server: PairServer) -> None:
    async with Pair.open(client, server) as pair:
        await pair.round(*SEVERAL)


@case("pair-both-messages", needs={"push"})
async def messages_of_the_server_come_back(client: WebSocketVisitor, server: PairServer) -> None:
    path = f"/push?count={PUSHED}&size={SIZE}"
    async with Pair.open(client, server, path) as pair:
        await pair.unasked(PUSHED)
