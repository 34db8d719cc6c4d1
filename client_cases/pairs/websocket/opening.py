"""The opening handshake of a pair: what the client asks for, and what the server agrees to."""

from sockproof.clients import Failure, Unsupported, WebSocketVisitor, case
from sockproof.clients.pairs.pair import Pair
from sockproof.clients.pairs.server import PairServer

PROTOCOLS = ["proof.v1", "proof.v2"]


@case("pair-both-open")
async def opening_handshake_opens_a_connection(
    client: WebSocketVisitor, server: PairServer
) -> None:
    async with Pair.open(client, server) as pair:
        await pair.round("opened", rounds=1)


@case("pair-both-subprotocol", needs={"subprotocols"}, told={"subprotocols": PROTOCOLS})
async def subprotocol_that_the_server_chooses_is_taken(
    client: WebSocketVisitor, server: PairServer
) -> None:
    if client.subprotocols != PROTOCOLS:
        raise Unsupported(f"a client that offers {', '.join(PROTOCOLS)}", client.request)
    async with Pair.open(client, server) as pair:
        if pair.response.get("Sec-WebSocket-Protocol") != "proof.v2":
            raise Failure("the subprotocol proof.v2", pair.response)
        await pair.round("agreed on", rounds=1)
