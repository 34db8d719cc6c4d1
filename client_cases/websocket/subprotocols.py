"""RFC 6455, sections 4.1 and 11.3.4: the subprotocol that a response names."""

from sockproof.clients import (
    Unsupported,
    WebSocketVisitor,
    case,
    expect_no_connection,
    opens_or_ends,
)

OFFER = ["chat.v2", "Superchat", "json"]
TOLD = {"subprotocols": OFFER}


def offered(client: WebSocketVisitor) -> None:
    """The driver has offered what it was told to."""
    if client.subprotocols != OFFER:
        told = ", ".join(client.subprotocols) or "none"
        raise Unsupported(f"a driver that offers {', '.join(OFFER)}", f"it offers {told}")


@case("client-rfc6455-4.1-protocol-unoffered", over={"name": ("unoffered", "chat.v2")})
async def subprotocol_is_refused_where_none_was_offered(
    client: WebSocketVisitor, name: str
) -> None:
    if client.subprotocols:
        raise Unsupported("a driver that offers no subprotocol", "it offers some of its own")
    await client.answer(client.right_response(protocol=name))
    await expect_no_connection(client)


NAMES = {
    "empty": "",
    "another": "unoffered",
    "part of one": "chat",
    "longer": "json2",
    "two words": "chat.v2 x",
}


@case("client-rfc6455-4.1-protocol-unoffered", over={"name": list(NAMES)}, told=TOLD)
async def subprotocol_that_was_not_offered_is_refused(client: WebSocketVisitor, name: str) -> None:
    offered(client)
    await client.answer(client.right_response(protocol=NAMES[name]))
    await expect_no_connection(client)


@case("client-rfc6455-4.1-protocol-exact", told=TOLD)
async def subprotocol_in_another_letter_case_was_not_offered(client: WebSocketVisitor) -> None:
    offered(client)
    await client.answer(client.right_response(protocol="superchat"))
    await expect_no_connection(client)


LISTS = {
    "one line": ("chat.v2, json",),
    "two lines": ("chat.v2", "json"),
    "with one unoffered": ("chat.v2", "unoffered"),
}


@case("client-rfc6455-4.1-protocol-several", over={"lines": list(LISTS)}, told=TOLD)
async def more_than_one_subprotocol_is_refused(client: WebSocketVisitor, lines: str) -> None:
    offered(client)
    await client.answer(client.right_response().having("Sec-WebSocket-Protocol", *LISTS[lines]))
    await expect_no_connection(client)


@case("client-rfc6455-4.1-protocol-offered", over={"place": (0, 1, 2)}, told=TOLD)
async def each_subprotocol_that_was_offered_is_taken(client: WebSocketVisitor, place: int) -> None:
    offered(client)
    await client.accept(protocol=OFFER[place])
    await client.echoed("the connection is open")


@case("client-rfc6455-4.1-protocol-none", told=TOLD)
async def no_subprotocol_of_those_offered_is_taken_or_refused(client: WebSocketVisitor) -> None:
    offered(client)
    await client.accept()
    await opens_or_ends(client)
