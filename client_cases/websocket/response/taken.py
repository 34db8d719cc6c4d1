"""RFC 6455, section 4.1 and 4.2.2: a 101 that a client has to take, however it is written."""

import asyncio
from dataclasses import replace

from sockproof.clients import (
    Failure,
    Opcode,
    Response,
    StreamClosed,
    WebSocketVisitor,
    case,
    opens_or_ends,
)

APART = 0.05  # seconds after which what was sent has been read by itself
LONG = "x" * 4000
UNKNOWN = [("X-Frame-Options", "DENY"), ("Empty", ""), ("constructor", "1"), ("__proto__", "1")]
FIELDS = {
    "usual ones": [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Server", "sockproof/1 (a; b)")],
    "unknown ones": UNKNOWN,
    "thirty": [(f"X-Field-{number}", str(number)) for number in range(30)],
    "a long one": [("X-Long", LONG)],
    "the same twice": [("Vary", "Origin"), ("Vary", "Cookie")],
}
REASONS = {"empty": "", "long": "Yes " * 50, "another status": "404 Not Found"}
LISTS = {
    "before": ("keep-alive, Upgrade",),
    "behind": ("Upgrade, keep-alive",),
    "in letters of either case": ("Keep-Alive, uPGRADE",),
    "without blanks": ("keep-alive,Upgrade",),
    "with an empty member": ("Upgrade, ,",),
    "two lines": ("keep-alive", "Upgrade"),
}


async def opens(client: WebSocketVisitor, response: Response) -> None:
    """The response opens the connection."""
    await client.answer(response)
    await client.echoed("the connection is open")


def written(response: Response, line: str) -> bytes:
    """The response with each field in another form: `line` has the places of name and value."""
    lines = [f"{response.version} {response.status} {response.reason}"]
    lines += [line.format(name=name, value=value) for name, value in response.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def opens_as(client: WebSocketVisitor, octets: bytes, meaning: str) -> None:
    """The right response in these octets opens the connection."""
    client.response = client.right_response()
    await client.answer(octets, meaning)
    await client.echoed("the connection is open")


@case("client-rfc6455-4.1-upgrade-case", over={"form": ("title", "upper", "mixed")})
async def upgrade_is_read_without_letter_case(client: WebSocketVisitor, form: str) -> None:
    value = {"title": "WebSocket", "upper": "WEBSOCKET", "mixed": "wEbSoCkEt"}[form]
    await opens(client, client.right_response().having("Upgrade", value))


@case("client-rfc6455-4.1-connection-case", over={"form": ("lower", "upper", "mixed")})
async def connection_is_read_without_letter_case(client: WebSocketVisitor, form: str) -> None:
    value = {"lower": "upgrade", "upper": "UPGRADE", "mixed": "uPgRaDe"}[form]
    await opens(client, client.right_response().having("Connection", value))


@case("client-rfc6455-4.1-connection-list", over={"value": list(LISTS)})
async def connection_is_read_as_a_list(client: WebSocketVisitor, value: str) -> None:
    await opens(client, client.right_response().having("Connection", *LISTS[value]))


@case("client-rfc6455-4.1-names-case", over={"form": ("lower", "upper", "swapcase")})
async def names_of_fields_are_read_without_letter_case(client: WebSocketVisitor, form: str) -> None:
    response = client.right_response()
    headers = tuple((getattr(name, form)(), value) for name, value in response.headers)
    await opens(client, replace(response, headers=headers))


BLANKS = {
    "none": "{name}:{value}",
    "several": "{name}:   {value}   ",
    "tabs": "{name}:\t{value}\t",
}


@case("client-rfc6455-4.1-accept-whitespace", over={"blanks": list(BLANKS)})
async def blanks_around_values_mean_nothing(client: WebSocketVisitor, blanks: str) -> None:
    octets = written(client.right_response(), BLANKS[blanks])
    await opens_as(client, octets, f"the right response, blanks around values: {blanks}")


@case("client-rfc6455-4.2.2-reason-phrase", over={"reason": list(REASONS)})
async def reason_phrase_means_nothing(client: WebSocketVisitor, reason: str) -> None:
    await opens(client, replace(client.right_response(), reason=REASONS[reason]))


@case("client-rfc6455-4.2.2-other-fields", over={"fields": list(FIELDS)})
async def fields_that_mean_nothing_are_passed_over(client: WebSocketVisitor, fields: str) -> None:
    await opens(client, client.right_response(headers=FIELDS[fields]))


@case("client-rfc6455-4.2.2-other-fields")
async def fields_stand_in_any_order(client: WebSocketVisitor) -> None:
    response = client.right_response(headers=FIELDS["usual ones"])
    await opens(client, replace(response, headers=response.headers[::-1]))


@case("client-rfc6455-4.2.2-octets", over={"where": ("reason", "field")})
async def octets_above_127_are_passed_over(client: WebSocketVisitor, where: str) -> None:
    response = client.right_response(headers=[("X-Word", "caf\xe9" if where == "field" else "")])
    await opens(client, replace(response, reason="D\xe9j\xe0" if where == "reason" else "Yes"))


@case("client-rfc6455-1.3-set-cookie")
async def cookies_are_set_by_the_handshake(client: WebSocketVisitor) -> None:
    cookies = [("Set-Cookie", "a=1; Path=/x; HttpOnly"), ("Set-Cookie", "b=2; Max-Age=1")]
    await opens(client, client.right_response(headers=cookies))


@case("client-rfc6455-4.2.2-folded")
async def folded_field_is_read_as_one(client: WebSocketVisitor) -> None:
    octets = client.right_response().encode()[:-2] + b"X-Folded: one\r\n two\r\n\tthree\r\n\r\n"
    await opens_as(client, octets, "the right response with a folded field")


@case("client-rfc6455-4.2.2-folded", over={"name": ("Upgrade", "Connection")})
async def folded_field_that_counts_is_read_as_one(client: WebSocketVisitor, name: str) -> None:
    octets = client.right_response().encode()
    folded = octets.replace(f"{name}: ".encode(), f"{name}:\r\n ".encode())
    await opens_as(client, folded, f"the right response with {name} on a line of its own")


@case("client-rfc6455-4.2.2-segments", over={"pieces": (1, 7, 60)})
async def response_may_arrive_in_pieces(client: WebSocketVisitor, pieces: int) -> None:
    response = client.right_response()
    client.context.log.note(client.number, "sent", f"{response}, in pieces of {pieces}")
    await client.stream.write_pieces(response.encode(), pieces)
    client.response = response
    await client.echoed("the connection is open")


@case("client-rfc6455-4.2.2-segments", over={"cut": (5, 14, 40, -3, -2, -1)})
async def response_may_stall_anywhere(client: WebSocketVisitor, cut: int) -> None:
    octets = client.right_response().encode()
    client.response = client.right_response()
    await client.answer(octets[:cut], f"{len(octets[:cut])} octets of the right response")
    await client.flush()
    await asyncio.sleep(APART)
    await client.answer(octets[cut:], "the rest of it")
    await client.echoed("the connection is open")


@case("client-rfc6455-4.2.2-frames-behind")
async def message_together_with_the_response_is_received(client: WebSocketVisitor) -> None:
    await client.answer(client.right_response())
    client.send_text("at once")
    client.send(client.frame(Opcode.BINARY, b"\xff\x00"))
    await client.expect_echo("at once")
    await client.expect_echo(b"\xff\x00")


@case("client-rfc6455-4.2.2-frames-behind", over={"octets": (1, 2, 5)})
async def part_of_a_frame_together_with_the_response_is_kept(
    client: WebSocketVisitor, octets: int
) -> None:
    frame = client.frame(Opcode.TEXT, b"cut in two").encode()
    await client.answer(client.right_response())
    client.send_octets(frame[:octets], f"the first {octets} octets of a message", inside=True)
    await client.flush()
    await asyncio.sleep(APART)
    client.send_octets(frame[octets:], "the rest of it")
    await client.expect_echo("cut in two")


@case("client-rfc6455-4.2.2-frames-behind")
async def ping_together_with_the_response_is_answered(client: WebSocketVisitor) -> None:
    await client.answer(client.right_response())
    client.send(client.frame(Opcode.PING, b"at once"))
    await client.expect(Opcode.PONG, b"at once")


@case("client-rfc6455-4.2.2-frames-behind")
async def close_together_with_the_response_is_answered(client: WebSocketVisitor) -> None:
    await client.answer(client.right_response())
    await client.close_handshake(1001)


BODIES = {"length": [("Content-Length", "7")], "no length": [("Content-Length", "0")]}


@case("client-rfc6455-4.2.2-no-content", over={"fields": list(BODIES)})
async def frames_behind_a_101_with_a_length_are_no_body(
    client: WebSocketVisitor, fields: str
) -> None:
    await client.answer(client.right_response(headers=BODIES[fields]))
    client.send_text("first")  # 7 octets as a frame
    client.send_text("second")
    wanted = "the first message back, or a connection that is refused"
    with client.context.awaits(wanted):
        try:
            got = await client.receive_answer()
        except StreamClosed as closed:
            client.context.non_strict("the first message back", closed.how, came=closed)
            return
    if got.opcode == Opcode.CLOSE:
        client.context.non_strict("the first message back", got)
    elif got.payload != b"first":
        raise Failure(wanted, f"{got}, what was before it being lost", came=got)


@case("client-rfc6455-10.4-head-many")
async def very_many_fields_are_taken_or_refused(client: WebSocketVisitor) -> None:
    many = [(f"X-{number}", "y") for number in range(2000)]
    await client.answer(client.right_response(headers=many), "101 with 2000 fields more")
    await opens_or_ends(client)
