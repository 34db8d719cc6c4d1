"""RFC 7692, sections 5 and 7: what a client offers, and which answers it has to refuse.

Behind an answer that has to be refused stand a Ping and a message: only a client that answers them
has opened the connection.
"""

from dataclasses import replace

from sockproof.clients import (
    Failure,
    Parameters,
    Unsupported,
    WebSocketVisitor,
    case,
    expect_no_connection,
    opens_or_ends,
)

FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
BITS = ("server_max_window_bits", "client_max_window_bits")
OFFER = ["permessage-deflate"]
WINDOWS = tuple(str(bits) for bits in range(8, 16))
NOISE = bytes(place * place * 31 % 251 for place in range(700))
BAD_BITS = {
    "too small": "7",
    "too large": "16",
    "zero": "0",
    "leading zero": "09",
    "negative": "-9",
    "signed": "+9",
    "a fraction": "9.5",
    "hexadecimal": "0xa",
    "a word": "ten",
    "huge": "4294967305",
}
UNKNOWN = {
    "alone": "permessage-deflate; x_unknown",
    "with a value": "permessage-deflate; x_unknown=1",
    "beside a known one": "permessage-deflate; server_no_context_takeover; x_unknown",
    "in another letter case": "permessage-deflate; Server_No_Context_Takeover",
    "with hyphens": "permessage-deflate; server-no-context-takeover",
}


def offered(client: WebSocketVisitor) -> dict[str, str | None]:
    """The parameters of the client's first offer; `Unsupported` where it makes none."""
    client.agreeable()
    return dict(client.offers[0].parameters)


async def refused(client: WebSocketVisitor, *values: str) -> None:
    """An answer with these lines of Sec-WebSocket-Extensions makes the client fail."""
    await client.answer(client.right_response().having("Sec-WebSocket-Extensions", *values))
    await expect_no_connection(client)


async def taken(client: WebSocketVisitor, value: str, agreed: Parameters) -> None:
    """An answer with this value opens the connection, and messages are right."""
    response = client.right_response().having("Sec-WebSocket-Extensions", value)
    await client.answer(response, deflate=agreed)
    for message in ("agreed", "agreed again " * 50):
        await client.echoed(message)
    await client.echoed(NOISE)
    await client.echoed(NOISE)


@case("client-rfc7692-5-offer-form")
async def offers_have_known_parameters_once_and_with_proper_values(
    client: WebSocketVisitor,
) -> None:
    offers = client.offers
    await client.accept()
    if not offers:
        raise Unsupported("a client that offers permessage-deflate", "it does not", lacks=OFFER)
    for offer in offers:
        names = [name for name, _ in offer.parameters]
        for name, value in offer.parameters:
            wanted = "permessage-deflate with parameters as RFC 7692 has them"
            if name not in (*FLAGS, *BITS) or names.count(name) > 1:
                raise Failure(wanted, f"{name}, {names.count(name)} times")
            if name in FLAGS and value is not None:
                raise Failure(wanted, f"{name}={value}")
            if name in BITS and value not in WINDOWS:
                if name == "client_max_window_bits" and value is None:
                    continue
                raise Failure(wanted, f"{name}={value}")


@case("client-rfc7692-7-plain-response")
async def answer_without_parameters_is_taken(client: WebSocketVisitor) -> None:
    asked = offered(client)
    if asked.keys() & {"server_no_context_takeover", "server_max_window_bits"}:
        raise Unsupported(
            "an offer that asks for nothing", f"it asks for {', '.join(asked)}", lacks=OFFER
        )
    await taken(client, "permessage-deflate", Parameters())


@case("client-rfc7692-5-several-accepted", over={"lines": (1, 2)})
async def compression_that_is_agreed_twice_is_refused(client: WebSocketVisitor, lines: int) -> None:
    offered(client)
    if lines == 1:
        await refused(client, "permessage-deflate, permessage-deflate")
    else:
        await refused(client, "permessage-deflate", "permessage-deflate")


@case("client-rfc7692-7-response-unknown", over={"parameter": list(UNKNOWN)})
async def unknown_parameter_is_refused(client: WebSocketVisitor, parameter: str) -> None:
    offered(client)
    await refused(client, UNKNOWN[parameter])


@case("client-rfc7692-7-response-twice", over={"name": (*FLAGS, *BITS)})
async def parameter_given_twice_is_refused(client: WebSocketVisitor, name: str) -> None:
    asked = offered(client)
    if name == "client_max_window_bits" and name not in asked:
        raise Unsupported(f"a client that offers {name}", "it does not", lacks=OFFER)
    value = "=10" if name in BITS else ""
    await refused(client, f"permessage-deflate; {name}{value}; {name}{value}")


@case("client-rfc7692-7-response-twice")
async def window_bits_given_twice_with_different_values_are_refused(
    client: WebSocketVisitor,
) -> None:
    offered(client)
    name = "server_max_window_bits"
    await refused(client, f"permessage-deflate; {name}=10; {name}=12")


@case("client-rfc7692-7.1.1-flag-value", over={"name": FLAGS, "value": ("1", "true", "quoted")})
async def value_of_a_takeover_parameter_is_refused(
    client: WebSocketVisitor, name: str, value: str
) -> None:
    offered(client)
    written = '"on"' if value == "quoted" else value
    await refused(client, f"permessage-deflate; {name}={written}")


@case("client-rfc7692-7.1.2-bits-value", over={"name": BITS, "value": list(BAD_BITS)})
async def invalid_window_bits_are_refused(client: WebSocketVisitor, name: str, value: str) -> None:
    offered(client)
    await refused(client, f"permessage-deflate; {name}={BAD_BITS[value]}")


@case("client-rfc7692-7.1.2-bits-value", over={"name": BITS})
async def window_bits_without_a_value_are_refused(client: WebSocketVisitor, name: str) -> None:
    offered(client)
    await refused(client, f"permessage-deflate; {name}")


@case("client-rfc7692-7.1.2-bits-value", over={"value": ("7", "16", "empty")})
async def invalid_window_bits_in_quotes_are_refused(client: WebSocketVisitor, value: str) -> None:
    offered(client)
    bits = "" if value == "empty" else value
    await refused(client, f'permessage-deflate; server_max_window_bits="{bits}"')


@case("client-rfc7692-7.1.2-bits-quoted")
async def window_bits_in_quotes_are_taken(client: WebSocketVisitor) -> None:
    agreed = client.agreeable(Parameters(server_max_window_bits=10))
    if agreed.server_max_window_bits < 10 or agreed.server_no_context_takeover:
        raise Unsupported(
            "an offer that asks for nothing", "it asks for more than that", lacks=OFFER
        )
    await taken(client, 'permessage-deflate; server_max_window_bits="10"', agreed)


@case("client-rfc7692-7.1.2.1-larger")
async def larger_server_window_than_was_asked_for_is_refused(client: WebSocketVisitor) -> None:
    client.agreeable()
    asked = [dict(offer.parameters).get("server_max_window_bits") for offer in client.offers]
    bits = max(int(value or 15) for value in asked)  # another offer may ask for less
    if bits == 15:
        raise Unsupported(
            "a client that asks for a smaller server window", "it does not", lacks=OFFER
        )
    await refused(client, f"permessage-deflate; server_max_window_bits={bits + 1}")


@case("client-rfc7692-7.1.2.2-larger")
async def larger_client_window_than_was_offered_is_refused(client: WebSocketVisitor) -> None:
    name = "client_max_window_bits"
    client.agreeable()
    offers = [dict(offer.parameters) for offer in client.offers]
    bits = max((int(offer[name] or 15) for offer in offers if name in offer), default=15)
    if bits == 15:
        raise Unsupported(
            "a client that offers a smaller window of its own", "it does not", lacks=OFFER
        )
    await refused(client, f"permessage-deflate; {name}={bits + 1}")


@case("client-rfc7692-7.1.2.2-unoffered", over={"bits": (9, 15)})
async def client_window_that_was_not_offered_is_refused(
    client: WebSocketVisitor, bits: int
) -> None:
    offered(client)
    if any(dict(offer.parameters).keys() & {BITS[1]} for offer in client.offers):
        raise Unsupported(
            "a client that does not offer client_max_window_bits", "it does", lacks=OFFER
        )
    await refused(client, f"permessage-deflate; client_max_window_bits={bits}")


@case("client-rfc7692-7.1.1.1-unasked")
async def server_without_takeover_is_taken(client: WebSocketVisitor) -> None:
    await agreed_and_used(client, Parameters(server_no_context_takeover=True))


@case("client-rfc7692-7.1.1.2-supported")
async def client_without_takeover_is_taken(client: WebSocketVisitor) -> None:
    await agreed_and_used(client, Parameters(client_no_context_takeover=True))


@case("client-rfc7692-7.1.1.2-hint")
async def answer_that_passes_over_the_hint_of_the_client_is_taken(
    client: WebSocketVisitor,
) -> None:
    if "client_no_context_takeover" not in offered(client):
        told = "a client that offers client_no_context_takeover"
        raise Unsupported(told, "it does not", lacks=OFFER)
    agreed = replace(client.agreeable(), client_no_context_takeover=False)
    await client.answer(client.right_response(deflate=agreed), deflate=agreed)
    await client.echoed("agreed")


@case("client-rfc7692-7.1.2.1-unasked", over={"bits": range(9, 15)})
async def server_window_is_taken(client: WebSocketVisitor, bits: int) -> None:
    await agreed_and_used(client, Parameters(server_max_window_bits=bits))


@case("client-rfc7692-7.1.2.2-kept", over={"bits": range(9, 15)})
async def client_window_that_was_offered_is_taken(client: WebSocketVisitor, bits: int) -> None:
    await agreed_and_used(client, Parameters(client_max_window_bits=bits))


@case("client-rfc7692-7.1.3-all-together")
async def all_parameters_together_are_taken(client: WebSocketVisitor) -> None:
    await agreed_and_used(client, Parameters(True, True, 10, 11))


@case("client-rfc7692-7.1.3-all-together")
async def parameters_stand_in_any_order(client: WebSocketVisitor) -> None:
    agreed = client.agreeable(Parameters(True, True, 12))
    bits = agreed.server_max_window_bits
    window = f"server_max_window_bits={bits}"
    if agreed.client_max_window_bits < 15:
        window += f"; client_max_window_bits={agreed.client_max_window_bits}"
    value = f"permessage-deflate;{window} ;client_no_context_takeover;server_no_context_takeover"
    await taken(client, value, agreed)


async def agreed_and_used(client: WebSocketVisitor, wanted: Parameters) -> None:
    """The client takes an answer with these parameters, and messages are right."""
    await client.accept(deflate=wanted)
    for message in ("agreed", "agreed again " * 50):
        await client.echoed(message)
    for _ in range(3):
        await client.echoed(NOISE * 3)


@case("client-rfc7692-7-response-unsupported", over={"name": BITS})
async def window_of_8_bits_is_refused_or_kept(client: WebSocketVisitor, name: str) -> None:
    agreed = client.agreeable(Parameters(**{name: 8}))  # type: ignore[arg-type]
    await client.accept(deflate=agreed)
    if await opens_or_ends(client):
        await client.echoed(NOISE * 2)  # the peer refuses references beyond the window
        await client.echoed(NOISE * 2)


@case("client-rfc7692-7.1.1.1-missing")
async def answer_that_lacks_what_was_asked_for_is_refused_or_taken(
    client: WebSocketVisitor,
) -> None:
    asked = offered(client)
    if "server_no_context_takeover" not in asked:
        raise Unsupported(
            "a client that asks for server_no_context_takeover", "it does not", lacks=OFFER
        )
    await client.answer(
        client.right_response().having("Sec-WebSocket-Extensions", "permessage-deflate"),
        deflate=Parameters(),
    )
    await opens_or_ends(client)
