"""RFC 6455, section 4.1: responses that are no 101, are no HTTP, or never end.

Behind each response stand a Ping, a message, and the end of the server's side of TCP: a client that
took it for an open connection answers before it sees that end.
"""

from sockproof.clients import (
    Failure,
    Opcode,
    Response,
    WebSocketVisitor,
    case,
    expect_end_without,
    expect_not_open,
)

STATUSES = {
    "200": "OK",
    "201": "Created",
    "204": "No Content",
    "400": "Bad Request",
    "403": "Forbidden",
    "404": "Not Found",
    "500": "Internal Server Error",
    "503": "Service Unavailable",
}
NO_HTTP = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "no status": b"HTTP/1.1 Switching Protocols\r\n\r\n",
    "letters in the status": b"HTTP/1.1 1O1 Switching Protocols\r\n",
    "a status of four digits": b"HTTP/1.1 1010 Switching Protocols\r\n",
    "another name": b"ICY 101 Switching Protocols\r\n",
}


def refusal(status: int, reason: str, *headers: tuple[str, str]) -> Response:
    """A whole response with this status, behind which the connection ends."""
    body = b"" if status == 204 else b"no"
    length = () if status == 204 else (("Content-Length", "2"),)
    return Response(status, reason, (*headers, ("Connection", "close"), *length), body)


@case("client-rfc6455-4.1-status", over={"status": list(STATUSES)})
async def other_status_opens_no_connection(client: WebSocketVisitor, status: str) -> None:
    await client.answer(refusal(int(status), STATUSES[status]))
    await expect_not_open(client)


FIELDS_OF_101 = {**STATUSES, "102": "Processing", "301": "Moved", "401": "No", "426": "Upgrade"}


@case("client-rfc6455-4.1-status", over={"status": list(FIELDS_OF_101)})
async def other_status_with_the_fields_of_a_101_opens_no_connection(
    client: WebSocketVisitor, status: str
) -> None:
    right = client.right_response()
    await client.answer(Response(int(status), FIELDS_OF_101[status], right.headers))
    await expect_not_open(client)


@case("client-rfc6455-4.1-unauthorized")
async def refusal_with_401_opens_no_connection(client: WebSocketVisitor) -> None:
    await client.answer(refusal(401, "Unauthorized", ("WWW-Authenticate", 'Basic realm="x"')))
    await expect_not_open(client)


@case("client-rfc6455-4.4-version-refused")
async def refusal_of_the_version_opens_no_connection(client: WebSocketVisitor) -> None:
    fields = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "8, 7"))
    await client.answer(refusal(426, "Upgrade Required", *fields))
    await expect_not_open(client)


def hops(client: WebSocketVisitor) -> int:
    """How often the client has been redirected to get here."""
    return client.request.target.count("&again=1")


LOCATIONS = {"relative": "", "ws": "ws://", "http": "http://"}


def there(client: WebSocketVisitor, form: str) -> tuple[str, str]:
    """The field that redirects to the same case, once more, as an address of this form."""
    host, target = client.request.get("Host") or "localhost", client.request.target
    path = target.partition("://")[2].partition("/")[2] if "://" in target else target[1:]
    scheme = LOCATIONS[form]
    return "Location", f"{scheme}{host if scheme else ''}/{path}&again=1"


@case("client-rfc6455-4.1-redirect", over={"status": (301, 302, 303, 307, 308)})
async def redirected_connection_is_not_open(client: WebSocketVisitor, status: int) -> None:
    if hops(client):
        await client.accept()
        await client.echoed("where it was redirected to")
        return
    await client.answer(refusal(status, "Moved", there(client, "relative")))
    await expect_not_open(client)


@case("client-rfc6455-4.1-redirect-handshake", over={"location": list(LOCATIONS)})
async def redirect_is_followed_by_a_whole_handshake(
    client: WebSocketVisitor, location: str
) -> None:
    if not hops(client):
        await client.answer(refusal(302, "Found", there(client, location)))
        await expect_not_open(client)
        return
    request = client.request
    await client.accept()
    for name, value in (("Upgrade", "websocket"), ("Connection", "upgrade")):
        if value not in request.tokens(name):
            raise Failure(f"{name}: {value} again", request.get(name) or "none")
    if request.method != "GET" or request.all("Sec-WebSocket-Version") != ["13"]:
        raise Failure("GET and version 13 again", request)
    if client.key in client.history.keys[:-1]:
        raise Failure("a key of its own", "the key of the connection that was redirected")


@case("client-rfc6455-4.1-redirect-endless", over={"location": list(LOCATIONS)}, limit=15)
async def redirects_in_a_circle_are_given_up(client: WebSocketVisitor, location: str) -> None:
    if hops(client) >= 50:
        raise Failure("an end to redirects that lead in a circle", f"{hops(client)} were followed")
    await client.answer(refusal(302, "Found", there(client, location)))
    await expect_not_open(client)


@case("client-rfc6455-4.1-status-interim", over={"status": (100, 103)})
async def interim_response_is_not_yet_the_answer(client: WebSocketVisitor, status: int) -> None:
    interim = {100: Response(100, "Continue"), 103: Response(103, "Early Hints", (("X", "y"),))}
    await client.answer(interim[status])
    await client.answer(client.right_response())
    await client.echoed("the connection is open")


@case("client-rfc6455-4.2.2-not-http", over={"answer": list(NO_HTTP)})
async def answer_that_is_no_response_opens_no_connection(
    client: WebSocketVisitor, answer: str
) -> None:
    first = NO_HTTP[answer]
    rest = b"" if first.endswith(b"\r\n\r\n") else client.right_response().encode()
    await client.answer(first + rest.partition(b"\r\n")[2], f"no HTTP: {answer}")
    await expect_not_open(client)


@case("client-rfc6455-4.2.2-not-http")
async def frame_instead_of_a_response_opens_no_connection(client: WebSocketVisitor) -> None:
    await client.answer(client.frame(Opcode.TEXT, b"no response").encode(), "a frame, no response")
    await expect_not_open(client)


@case("client-rfc6455-4.2.2-aborted", over={"octets": (0, 1, 40, -1)})
async def connection_that_ends_inside_the_response_is_let_go_of(
    client: WebSocketVisitor, octets: int
) -> None:
    part = client.right_response().encode()[: octets if octets >= 0 else -2]
    await client.answer(part, f"{len(part)} octets of the right response, and no more")
    client.stream.end_writing()
    await expect_end_without(client, *Opcode)


@case("client-rfc6455-7.2.1-handshake-failed")
async def client_lets_go_when_the_handshake_has_failed(client: WebSocketVisitor) -> None:
    await client.answer(client.right_response().having("Sec-WebSocket-Accept", "wrong"))
    client.stream.end_writing()
    await client.expect_end()


@case("client-rfc6455-10.4-head-endless", limit=15)
async def response_head_without_end_is_cut_off(client: WebSocketVisitor) -> None:
    head = client.right_response().encode()[:-2]
    await client.answer(head, "a head that does not end")
    line = b"X-Endless: " + b"y" * 1000 + b"\r\n"
    await client.stream.pour(line * 16, 32, patience=3)
    await client.expect_end(3)
