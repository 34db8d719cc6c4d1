"""The end of a pair's connection: a Close frame from both sides, then TCP."""

from sockproof.clients import WebSocketVisitor, case
from sockproof.clients.pairs.pair import Pair
from sockproof.clients.pairs.server import PairServer


@case("pair-both-close", over={"code": (1000, 4000)}, needs={"server-close"})
async def server_that_closes_is_answered_and_ends_tcp(
    client: WebSocketVisitor, server: PairServer, code: int
) -> None:
    async with Pair.open(client, server, f"/close?code={code}&reason=done") as pair:
        await pair.ends()


@case("pair-both-close")
async def client_that_closes_is_answered_and_tcp_ends(
    client: WebSocketVisitor, server: PairServer
) -> None:
    async with Pair.open(client, server) as pair:
        await pair.round("the last words", rounds=1)
        await pair.close(1000, "done")
