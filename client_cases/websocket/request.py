"""RFC 6455, section 4.1: the request that a client opens a connection with.

Each case opens the connection first, so that the driver goes on whatever is found.
"""

import base64
import binascii
import re

from sockproof.clients import Failure, Unsupported, WebSocketVisitor, case

ORIGIN = re.compile(r"null|[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s@]+")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9!$&'()*+,;=._~%-]+)(:[0-9]*)?")
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
NAMES = ["zeta.v2", "Alpha", "beta"]


@case("client-rfc6455-4.1-method")
async def handshake_is_a_get_of_http_1_1(client: WebSocketVisitor) -> None:
    request = client.request
    await client.accept()
    if request.method != "GET" or request.version < "HTTP/1.1":
        raise Failure("GET and HTTP/1.1", f"{request.method} and {request.version}")


@case("client-rfc6455-4.1-target")
async def target_is_the_resource_that_the_driver_was_told(client: WebSocketVisitor) -> None:
    target = client.request.target
    await client.accept()
    if not re.fullmatch(r"(http://[^/?#\s]+)?/runCase\?[!-~]+", target) or "#" in target:
        raise Failure("a target of the form /runCase?case=…, without a fragment", target[:200])


@case("client-rfc6455-4.1-http")
async def request_is_valid_http(client: WebSocketVisitor) -> None:
    head, wrong = client.head, list(client.request.violations)
    await client.accept()
    if re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)", head):
        wrong.append("a control character in the head")
    if wrong:
        raise Failure("a request that is valid HTTP (RFC 9112)", "; ".join(wrong))


@case("client-rfc6455-4.1-host")
async def host_stands_there_once(client: WebSocketVisitor) -> None:
    hosts = client.request.all("Host")
    await client.accept()
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        raise Failure("one Host, a host with an optional port", hosts or "none")


@case("client-rfc6455-4.1-host")
async def host_has_the_port_that_was_dialled(client: WebSocketVisitor) -> None:
    host = client.request.get("Host") or ""
    await client.accept()
    port = client.dialled_port
    if port is None:
        raise Unsupported("a client on this machine", "another may have dialled another port")
    if port not in (80, 443) and not host.endswith(f":{port}"):
        raise Failure(f"Host with port {port}", host or "none")


@case("client-rfc6455-4.1-upgrade")
async def upgrade_asks_for_websocket(client: WebSocketVisitor) -> None:
    request = client.request
    await client.accept()
    if "websocket" not in request.tokens("Upgrade"):
        raise Failure("Upgrade: websocket", request.get("Upgrade") or "no Upgrade")


@case("client-rfc6455-4.1-connection")
async def connection_names_upgrade(client: WebSocketVisitor) -> None:
    request = client.request
    await client.accept()
    if "upgrade" not in request.tokens("Connection"):
        raise Failure("Connection: Upgrade", request.get("Connection") or "no Connection")


@case("client-rfc6455-4.1-key")
async def key_is_16_octets_in_base64_once(client: WebSocketVisitor) -> None:
    keys = client.request.all("Sec-WebSocket-Key")
    await client.accept()
    wanted = "one Sec-WebSocket-Key, base64 of 16 octets"
    if len(keys) != 1:
        raise Failure(wanted, f"{len(keys)} of them")
    try:
        octets = base64.b64decode(keys[0], validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != 16:
        raise Failure(wanted, repr(keys[0][:100]))
    if base64.b64encode(octets).decode() != keys[0]:
        client.context.non_strict("unused bits of base64 that are 0", keys[0])


@case("client-rfc6455-4.1-version")
async def version_is_13_once(client: WebSocketVisitor) -> None:
    versions = client.request.all("Sec-WebSocket-Version")
    await client.accept()
    if versions != ["13"]:
        raise Failure("one Sec-WebSocket-Version: 13", ", ".join(versions) or "none")


@case("client-rfc6455-4.1-origin-form")
async def origin_that_is_sent_is_one(client: WebSocketVisitor) -> None:
    origins = client.request.all("Origin")
    await client.accept()
    if not origins:
        return  # which is right of a client that is no browser
    if len(origins) > 1 or not all(map(ORIGIN.fullmatch, origins[0].split(" "))):
        raise Failure("one Origin: scheme, host and port, or null", " and ".join(origins))


def malformed_list(client: WebSocketVisitor) -> str | None:
    """What is wrong with the subprotocols that are offered."""
    lines = client.request.all("Sec-WebSocket-Protocol")
    names = [name.strip(" \t") for line in lines for name in line.split(",")]
    odd = [name for name in names if not TOKEN.fullmatch(name)]
    if odd:
        return f"not a token: {odd[0]!r}"
    twice = next((name for name in names if names.count(name) > 1), None)
    return twice and f"{twice} stands there twice"


@case("client-rfc6455-4.1-protocol-form")
async def without_subprotocols_the_field_is_absent_or_well_formed(
    client: WebSocketVisitor,
) -> None:
    wrong = malformed_list(client)
    await client.accept()
    if wrong:
        raise Failure("a list of different tokens, or no Sec-WebSocket-Protocol", wrong)


@case("client-rfc6455-4.1-protocol-form", told={"subprotocols": NAMES})
async def several_subprotocols_are_a_list_of_tokens(client: WebSocketVisitor) -> None:
    wrong, offered = malformed_list(client), client.subprotocols
    await client.accept(protocol=offered[0] if offered else None)
    if wrong:
        raise Failure("a list of different tokens", wrong)
    if not offered:
        raise Unsupported("a driver that offers subprotocols", "it offers none")


@case("client-rfc6455-4.1-protocol-order", told={"subprotocols": NAMES})
async def subprotocols_are_offered_in_the_order_given(client: WebSocketVisitor) -> None:
    offered = client.subprotocols
    await client.accept(protocol=offered[0] if offered else None)
    if not {name.lower() for name in NAMES} <= {name.lower() for name in offered}:
        raise Unsupported(f"a driver that offers {', '.join(NAMES)}", f"it offers {offered}")
    if [name for name in offered if name.lower() in map(str.lower, NAMES)] != NAMES:
        raise Failure(", ".join(NAMES), ", ".join(offered))


@case("client-rfc6455-4.1-extensions-form")
async def extensions_keep_to_their_grammar(client: WebSocketVisitor) -> None:
    lines = client.request.all("Sec-WebSocket-Extensions")
    await client.accept()
    if any(not line.strip() for line in lines):
        raise Failure("offers, or no Sec-WebSocket-Extensions", "an empty one")
    _ = client.offers  # raises where the grammar is left


@case("client-rfc6455-4.1-response-fields")
async def request_has_no_field_of_a_response(client: WebSocketVisitor) -> None:
    value = client.request.get("Sec-WebSocket-Accept")
    await client.accept()
    if value is not None:
        raise Failure("no Sec-WebSocket-Accept in a request", value[:100])


@case("client-rfc6455-4.1-no-body")
async def request_has_no_body(client: WebSocketVisitor) -> None:
    length = client.request.get("Content-Length")
    coding = client.request.get("Transfer-Encoding")
    await client.accept()
    if coding is not None or length not in (None, "0"):
        raise Failure("a request without content", f"Content-Length {length}, {coding}")


@case("client-rfc6455-4.1-waits")
async def nothing_is_sent_before_the_response_has_come(client: WebSocketVisitor) -> None:
    response = client.right_response()
    octets = response.encode()
    client.context.log.note(client.number, "sent", f"{response}, in pieces of 1")
    await client.stream.write_pieces(octets[:-1], 1)
    early = client.has_unread
    await client.answer(octets[-1:], "the last octet of the response")
    if early:
        raise Failure("nothing before the response has come whole", "octets behind the request")
    client.response = response
    await client.echoed("only now")
