"""RFC 7692, sections 5 and 7 to 7.1.3: how an offer of permessage-deflate is answered."""

from sockproof.conformance import Failure, Unsupported, agreed_deflate, case
from sockproof.wire.deflate import parse_extensions

NEEDS = {"permessage-deflate"}
PLAIN = "permessage-deflate"
WINDOWS = ["7", "16", "0", "08", "010", "1.5", "-9", "ten", "256", "+10", "10.0"]
ALL_FOUR = (
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=12; client_max_window_bits=11"
)
ALIKE = ["permessage-deflate2", "permessage-deflate-x", "x-webkit-deflate-frame", "deflate"]
OFFERS = {
    "plain": PLAIN,
    "as browsers do": "permessage-deflate; client_max_window_bits",
    "takeover flags": "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "windows": "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10",
    "all four": ALL_FOUR,
}


# Good offers.


@case("rfc7692-7-plain-offer", needs=NEEDS)
async def plain_offer_is_accepted(target):
    await _accepted(target, PLAIN)


@case("rfc7692-7-response-parameters", needs=NEEDS, over={"offer": list(OFFERS)})
async def parameters_of_the_response_are_defined_and_valid(target, offer):
    await _answer(target, OFFERS[offer])


@case("rfc7692-5-offered-only")
async def no_compression_is_agreed_when_none_was_offered(target):
    for offer in (None, "x-sockproof"):
        value = (await _response(target, offer)).get("Sec-WebSocket-Extensions")
        if value is not None and "deflate" in value:
            raise Failure("no compression extension", f"Sec-WebSocket-Extensions: {value}")


@case("rfc7692-5-offered-only", over={"offer": ALIKE})
async def extension_with_a_name_alike_is_another_one(target, offer):
    value = (await _response(target, offer)).get("Sec-WebSocket-Extensions")
    if value is not None and PLAIN in value:
        raise Failure("no permessage-deflate", f"Sec-WebSocket-Extensions: {value}")


@case("rfc7692-5-unknown-beside", needs=NEEDS)
async def unknown_extension_beside_does_not_matter(target):
    await _accepted(target, "x-sockproof; level=3, permessage-deflate")


@case("rfc6455-9.1-whitespace", needs=NEEDS)
async def blanks_around_commas_and_semicolons_mean_nothing(target):
    await _possible(target, "permessage-deflate; client_max_window_bits")
    await _accepted(target, "x-sockproof ;level=3 ,\tpermessage-deflate  ;  client_max_window_bits")


@case("rfc6455-11.3.2-request-lines", needs=NEEDS)
async def offer_in_the_first_of_several_lines_is_found(target):
    request = target.upgrade_request(extensions=PLAIN)
    request = request.adding("Sec-WebSocket-Extensions", "x-sockproof")
    response = await (await target.http()).ask(request)
    if response.status != 101 or agreed_deflate(response) is None:
        raise Failure("101 with permessage-deflate", _told(response))


@case("rfc6455-11.3.2-request-lines", needs=NEEDS)
async def offers_over_several_lines_are_one_list(target):
    request = target.upgrade_request(extensions="x-sockproof")
    request = request.adding("Sec-WebSocket-Extensions", PLAIN)
    response = await (await target.http()).ask(request)
    if response.status != 101 or agreed_deflate(response) is None:
        raise Failure("101 with permessage-deflate", _told(response))


# Several offers.


@case("rfc7692-5-second-offer", needs=NEEDS, over={"first": ["unknown parameter", "bad window"]})
async def second_offer_is_accepted_when_the_first_is_bad(target, first):
    bad = "x_unknown=1" if first == "unknown parameter" else "server_max_window_bits=99"
    await _accepted(target, f"permessage-deflate; {bad}, permessage-deflate")


@case("rfc7692-5-second-offer", needs=NEEDS)
async def fourth_offer_is_accepted_when_those_before_it_are_bad(target):
    bad = "permessage-deflate; x_unknown, permessage-deflate; server_max_window_bits=99"
    await _accepted(target, f"{bad}, permessage-deflate; x_other=1, permessage-deflate")


@case("rfc7692-5-order", needs=NEEDS)
async def plain_offer_is_accepted_before_one_that_asks_for_more(target):
    plain = await _answer(target, PLAIN)
    if plain is None or plain.server_no_context_takeover:
        return  # declined, or said unasked: then the answer does not tell which offer it is to
    offers = f"{PLAIN}, {PLAIN}; server_no_context_takeover; client_no_context_takeover"
    response = await _response(target, offers)
    agreed = agreed_deflate(response)
    if agreed is not None and agreed.server_no_context_takeover:
        target.non_strict("the first offer accepted", str(response.get("Sec-WebSocket-Extensions")))


@case("rfc7692-5-order", needs=NEEDS)
async def first_of_two_good_offers_is_accepted(target):
    await _possible(target, "permessage-deflate; server_no_context_takeover")
    offers = "permessage-deflate; server_no_context_takeover, permessage-deflate"
    if not (await _accepted(target, offers)).server_no_context_takeover:
        target.non_strict("the first offer accepted", "the second one was")


@case("rfc7692-5-one-of-several", needs=NEEDS)
async def one_of_several_offers_is_accepted(target):
    offers = "permessage-deflate, permessage-deflate; client_no_context_takeover"
    response = await _response(target, offers)
    value = response.get("Sec-WebSocket-Extensions")
    if value is None or len(parse_extensions(value)) != 1:
        raise Failure("one permessage-deflate", f"Sec-WebSocket-Extensions: {value}")


# Offers that have to be declined.


@case("rfc7692-7-parameter-unknown", needs=NEEDS, over={"parameter": ["x_unknown", "x_unknown=1"]})
async def offer_with_an_unknown_parameter_is_declined(target, parameter):
    await _declined(target, f"permessage-deflate; {parameter}")


@case("rfc7692-5-decline-is-silent", needs=NEEDS)
async def declining_does_not_make_the_handshake_fail(target):
    response = await (await target.http()).ask(
        target.upgrade_request(extensions="permessage-deflate; x_unknown")
    )
    if response.status != 101:
        raise Failure("101 without permessage-deflate", response)


@case(
    "rfc7692-7-parameter-twice",
    needs=NEEDS,
    over={
        "parameter": [
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_max_window_bits=10",
            "client_max_window_bits=10",
        ]
    },
)
async def offer_with_a_parameter_twice_is_declined(target, parameter):
    await _declined(target, f"permessage-deflate; {parameter}; {parameter}")


@case("rfc7692-7.1.1.1-value-in-offer", needs=NEEDS)
async def server_no_context_takeover_with_a_value_is_declined(target):
    await _declined(target, "permessage-deflate; server_no_context_takeover=true")


@case("rfc7692-7.1.1.2-value-in-offer", needs=NEEDS)
async def client_no_context_takeover_with_a_value_is_declined(target):
    await _declined(target, "permessage-deflate; client_no_context_takeover=1")


@case("rfc7692-7.1.2.1-value-missing", needs=NEEDS)
async def server_max_window_bits_without_a_value_is_declined(target):
    await _declined(target, "permessage-deflate; server_max_window_bits")


@case("rfc7692-7.1.2.1-value-range", needs=NEEDS, over={"value": WINDOWS})
async def server_max_window_bits_out_of_range_is_declined(target, value):
    await _declined(target, f"permessage-deflate; server_max_window_bits={value}")


@case("rfc7692-7.1.2.2-value-range", needs=NEEDS, over={"value": WINDOWS})
async def client_max_window_bits_out_of_range_is_declined(target, value):
    await _declined(target, f"permessage-deflate; client_max_window_bits={value}")


# What an accepted offer has to be answered with.


@case("rfc7692-7.1.1.1-supported", needs=NEEDS)
async def server_no_context_takeover_is_supported(target):
    """What it does not support it declines (7), so that this is no more than recommended."""
    offer = "permessage-deflate; server_no_context_takeover"
    if await _answer(target, offer) is None:
        target.non_strict(offer, "the offer declined")


@case("rfc7692-7.1.1.1-accepted", needs=NEEDS)
async def server_no_context_takeover_is_repeated_when_accepted(target):
    agreed = await _answer(target, "permessage-deflate; server_no_context_takeover")
    if agreed is not None and not agreed.server_no_context_takeover:
        raise Failure("server_no_context_takeover in the response", "it is left out")


@case("rfc7692-7.1.2.1-accepted", needs=NEEDS, over={"bits": [8, 9, 10, 14]})
async def server_max_window_bits_is_answered_with_no_larger_value(target, bits):
    agreed = await _answer(target, f"permessage-deflate; server_max_window_bits={bits}")
    if agreed is not None and agreed.server_max_window_bits > bits:
        got = f"server_max_window_bits={agreed.server_max_window_bits}, 15 where left out"
        raise Failure(f"server_max_window_bits of at most {bits}", got)


@case("rfc7692-7.1.2.1-accepted", needs=NEEDS)
async def server_max_window_bits_of_15_is_answered_too(target):
    response = await _response(target, "permessage-deflate; server_max_window_bits=15")
    value = response.get("Sec-WebSocket-Extensions") or ""
    if agreed_deflate(response) is not None and "server_max_window_bits" not in value:
        target.non_strict("server_max_window_bits in the response", value)


@case("rfc7692-7.1.2.1-quoted", needs=NEEDS)
async def quoted_window_size_equals_the_unquoted_one(target):
    plain = await _answer(target, "permessage-deflate; server_max_window_bits=10")
    wanted = f"the answer to the value without quotes: {plain}"
    request = target.upgrade_request(extensions='permessage-deflate; server_max_window_bits="10"')
    response = await (await target.http()).ask(request, wanted, body=False)
    if response.status != 101:
        raise Failure(wanted, response)
    quoted = agreed_deflate(response)
    if quoted is None and plain is not None:
        target.non_strict(wanted, "None")  # any offer may be declined (5.1)
    elif plain != quoted:
        raise Failure(wanted, quoted)


@case("rfc7692-7.1.2.2-not-offered", needs=NEEDS)
async def client_max_window_bits_is_not_answered_unasked(target):
    value = (await _response(target, PLAIN)).get("Sec-WebSocket-Extensions") or ""
    if "client_max_window_bits" in value:
        raise Failure("no client_max_window_bits", f"Sec-WebSocket-Extensions: {value}")


@case("rfc7692-7.1.2.2-value-smaller", needs=NEEDS, over={"bits": [9, 12]})
async def client_max_window_bits_is_answered_with_no_larger_value(target, bits):
    response = await _response(target, f"permessage-deflate; client_max_window_bits={bits}")
    agreed = agreed_deflate(response)
    named = "client_max_window_bits" in (response.get("Sec-WebSocket-Extensions") or "")
    if agreed is not None and named and agreed.client_max_window_bits > bits:
        got = f"client_max_window_bits={agreed.client_max_window_bits}"
        raise Failure(f"client_max_window_bits of at most {bits}, or none", got)


@case("rfc7692-7.1.3-all-together", needs=NEEDS)
async def all_four_parameters_are_kept_at_once(target):
    agreed = await _answer(target, ALL_FOUR)
    if agreed is None:
        return
    if not agreed.server_no_context_takeover or agreed.server_max_window_bits > 12:
        wanted = "server_no_context_takeover and server_max_window_bits of at most 12"
        raise Failure(wanted, agreed)


async def _response(target, offer):
    """The 101 to an offer; that it is one is a case of its own, and so of no other."""
    response = await (await target.http()).ask(target.upgrade_request(extensions=offer))
    if response.status != 101:
        raise Unsupported(f"a 101 to the offer {offer!r}", str(response))
    return response


async def _answer(target, offer):
    """What was agreed on, or None; a wrong response is a Failure."""
    return agreed_deflate(await _response(target, offer))


async def _accepted(target, offer):
    response = await (await target.http()).ask(target.upgrade_request(extensions=offer))
    agreed = agreed_deflate(response) if response.status == 101 else None
    if agreed is None:
        why = "it is declined" if response.status == 101 else "the handshake is refused"
        raise Failure(f"the offer {offer!r} accepted", f"{why}: {_told(response)}")
    return agreed


async def _possible(target, offer):
    """A server may decline an offer as it sees fit (5.1): then one like it tells nothing."""
    if await _answer(target, offer) is None:
        raise Unsupported(f"the offer {offer!r} accepted", "the server declines it")


async def _declined(target, offer):
    response = await (await target.http()).ask(target.upgrade_request(extensions=offer))
    value = response.get("Sec-WebSocket-Extensions") or ""
    if response.status == 101 and PLAIN in value:
        raise Failure(f"the offer {offer!r} declined", f"Sec-WebSocket-Extensions: {value}")
    if response.status != 101:
        target.non_strict("101 without permessage-deflate", response)


def _told(response):
    return f"{response}, Sec-WebSocket-Extensions: {response.get('Sec-WebSocket-Extensions')}"
