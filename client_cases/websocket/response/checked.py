"""RFC 6455, sections 4.1 and 9.1: a 101 that a client has to refuse.

Behind each stand a Ping and a message: only a client that answers them has opened the connection.
"""

import base64

from sockproof.clients import (
    Response,
    Unsupported,
    WebSocketVisitor,
    accept_value,
    case,
    expect_no_connection,
    opens_or_ends,
)

UPGRADES = {"missing": (), "h2c": ("h2c",), "longer": ("websockets",), "part": ("web",)}
CONNECTIONS = {
    "missing": (),
    "keep-alive": ("keep-alive",),
    "close": ("close",),
    "longer": ("Upgraded",),
    "part of a token": ("no-upgrade, keep-alive",),
}
EXTENSIONS = {
    "unregistered": "x-unoffered",
    "with parameters": "x-unoffered; level=9",
    "like the known": "x-permessage-deflate",
    "bzip2": "permessage-bzip2",
}
MALFORMED = {
    "no name": "; server_no_context_takeover",
    "no parameter": "permessage-deflate; =1",
    "value of a name": "permessage-deflate=1",
    "two words": "permessage deflate",
    "quote left open": 'permessage-deflate; server_max_window_bits="15',
}


@case("client-rfc6455-4.1-upgrade-checked", over={"value": list(UPGRADES)})
async def response_with_another_upgrade_is_refused(client: WebSocketVisitor, value: str) -> None:
    await client.answer(client.right_response().having("Upgrade", *UPGRADES[value]))
    await expect_no_connection(client)


@case("client-rfc6455-4.1-connection-checked", over={"value": list(CONNECTIONS)})
async def response_whose_connection_lacks_upgrade_is_refused(
    client: WebSocketVisitor, value: str
) -> None:
    await client.answer(client.right_response().having("Connection", *CONNECTIONS[value]))
    await expect_no_connection(client)


def wrong_accepts(client: WebSocketVisitor) -> dict[str, tuple[str, ...]]:
    """Values that are not the right one, each for a shortcut of its own."""
    right = accept_value(client.key)
    return {
        "missing": (),
        "empty": ("",),
        "of another key": (accept_value("dGhlIHNhbXBsZSBub25jZQ=="),),
        "the key itself": (client.key,),
        "in another letter case": (right.swapcase(),),
        "cut short": (right[:-1],),
        "longer": (right + "x",),
        "in hexadecimal": (base64.b64decode(right).hex(),),
        # To another letter, not to another case of the same: that is the variant above.
        "last octet changed": (right[:-2] + ("A" if right[-2] not in "Aa" else "B") + "=",),
        "first octet changed": (("A" if right[0] not in "Aa" else "B") + right[1:],),
    }


ACCEPTS = (
    "missing",
    "empty",
    "of another key",
    "the key itself",
    "in another letter case",
    "cut short",
    "longer",
    "in hexadecimal",
    "last octet changed",
    "first octet changed",
)


@case("client-rfc6455-4.1-accept-checked", over={"value": ACCEPTS})
async def wrong_accept_value_is_refused(client: WebSocketVisitor, value: str) -> None:
    values = wrong_accepts(client)[value]
    await client.answer(client.right_response().having("Sec-WebSocket-Accept", *values))
    await expect_no_connection(client)


@case("client-rfc6455-11.3.3-accept-once", over={"first": ("right", "wrong")})
async def second_accept_value_that_differs_is_refused(client: WebSocketVisitor, first: str) -> None:
    values = [accept_value(client.key), accept_value("dGhlIHNhbXBsZSBub25jZQ==")]
    if first == "wrong":
        values.reverse()
    await client.answer(client.right_response().having("Sec-WebSocket-Accept", *values))
    await expect_no_connection(client)


def with_extensions(client: WebSocketVisitor, *values: str) -> Response:
    """The right response with these lines of Sec-WebSocket-Extensions."""
    return client.right_response().having("Sec-WebSocket-Extensions", *values)


@case("client-rfc6455-4.1-extension-unoffered", over={"name": list(EXTENSIONS)})
async def extension_that_was_not_offered_is_refused(client: WebSocketVisitor, name: str) -> None:
    await client.answer(with_extensions(client, EXTENSIONS[name]))
    await expect_no_connection(client)


@case("client-rfc6455-4.1-extension-unoffered")
async def compression_that_was_not_offered_is_refused(client: WebSocketVisitor) -> None:
    if client.offers:
        told = "a client that does not offer permessage-deflate"
        raise Unsupported(told, "it does", lacks=["permessage-deflate"])
    await client.answer(with_extensions(client, "permessage-deflate"))
    await expect_no_connection(client)


@case("client-rfc6455-4.1-extension-unoffered")
async def unoffered_extension_behind_an_offered_one_is_refused(client: WebSocketVisitor) -> None:
    client.agreeable()
    await client.answer(with_extensions(client, "permessage-deflate, x-unoffered"))
    await expect_no_connection(client)


@case("client-rfc6455-11.3.2-extensions-once")
async def unoffered_extension_in_a_second_line_is_refused(client: WebSocketVisitor) -> None:
    client.agreeable()
    await client.answer(with_extensions(client, "permessage-deflate", "x-unoffered"))
    await expect_no_connection(client)


@case("client-rfc6455-9.1-extensions-malformed", over={"how": list(MALFORMED)})
async def malformed_extensions_are_refused(client: WebSocketVisitor, how: str) -> None:
    await client.answer(with_extensions(client, MALFORMED[how]))
    await expect_no_connection(client)


@case("client-rfc6455-4.1-extension-none")
async def response_without_extensions_opens_the_connection(client: WebSocketVisitor) -> None:
    await client.accept()
    await client.echoed("no extension was agreed on")


@case("client-rfc6455-4.1-upgrade-list")
async def upgrade_as_a_list_is_refused_or_taken(client: WebSocketVisitor) -> None:
    response = client.right_response().having("Upgrade", "websocket, h2c")
    await client.answer(response)
    await opens_or_ends(client)
