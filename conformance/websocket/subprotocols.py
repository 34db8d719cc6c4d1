"""RFC 6455, sections 4.2.1, 4.2.2 and 11.3.4: the choice of a subprotocol.

The target contract fixes which ones a server speaks: `proof.v1` and `proof.v2`.
"""

from sockproof.conformance import UNANSWERED, Failure, Unsupported, case, ordinary_handshake

NEEDS = {"subprotocols"}
OFFERS = {
    "v1": ["proof.v1"],
    "v2": ["proof.v2"],
    "both": ["proof.v1", "proof.v2"],
    "both turned round": ["proof.v2", "proof.v1"],
}
LONGER = ["xproof.v1", "proof.v11", "proof.v", "proof", "v1", "proof.v2.1"]
MALFORMED = {
    "empty": "",
    "commas only": " , ,",
    "two words": "proof.v1 proof.v2",
    "at": "a@b",
    "slash": "proof.v1/2",
}


@case("rfc6455-4.2.2-protocol-chosen", needs=NEEDS, over={"offer": list(OFFERS)})
async def subprotocol_chosen_is_one_of_those_offered(target, offer):
    chosen = await _chosen(target, ", ".join(OFFERS[offer]))
    if chosen is None:  # which is a server's right, if not by the target contract
        target.non_strict(f"one of {', '.join(OFFERS[offer])}", "none")
    elif chosen not in OFFERS[offer]:
        raise Failure(f"one of {', '.join(OFFERS[offer])}", chosen)


@case("rfc6455-4.2.2-protocol-preference", needs=NEEDS)
async def order_of_preference_is_the_clients_or_the_servers(target):
    for offer in ("proof.v1, proof.v2", "proof.v2, proof.v1"):
        await _chosen(target, offer)


@case("rfc6455-4.2.2-protocol-none-offered")
async def no_subprotocol_is_agreed_when_none_was_offered(target):
    chosen = await _chosen(target, None)
    if chosen is not None:
        raise Failure("no Sec-WebSocket-Protocol", f"Sec-WebSocket-Protocol: {chosen}")


@case("rfc6455-4.2.2-protocol-none-agreed", needs=NEEDS, control=ordinary_handshake)
async def unknown_subprotocols_are_not_agreed_to(target):
    peer = await target.http()
    response = await peer.ask(target.upgrade_request(protocols=["x-unknown.a", "x-unknown.b"]))
    chosen = response.get("Sec-WebSocket-Protocol")
    if response.status == 101 and chosen is not None:
        raise Failure("no Sec-WebSocket-Protocol", f"Sec-WebSocket-Protocol: {chosen}")


@case("rfc6455-4.2.2-protocol-supported", needs=NEEDS)
async def known_subprotocol_is_agreed_to_among_unknown_ones(target):
    chosen = await _chosen(target, "x-unknown.a, proof.v1, x-unknown.b")
    if chosen != "proof.v1":
        raise Failure("proof.v1", chosen)


@case("rfc6455-4.2.2-protocol-supported", needs=NEEDS, over={"place": [0, 4, 11]})
async def known_subprotocol_is_agreed_to_at_any_place_of_a_list(target, place):
    names = [f"x-unknown.{number}" for number in range(11)]
    names.insert(place, "proof.v1")
    chosen = await _chosen(target, ", ".join(names))
    if chosen != "proof.v1":
        raise Failure("proof.v1", chosen)


@case("rfc6455-4.2.2-protocol-single-token", needs=NEEDS)
async def response_names_one_subprotocol(target):
    chosen = await _chosen(target, "proof.v1, proof.v2")
    if chosen is not None and chosen not in ("proof.v1", "proof.v2"):
        raise Failure("one subprotocol", f"Sec-WebSocket-Protocol: {chosen}")


@case("rfc6455-11.3.4-response-once", needs=NEEDS)
async def response_has_one_line_with_a_subprotocol(target):
    request = target.upgrade_request(protocols=["proof.v1", "proof.v2"])
    response = await (await target.http()).ask(request)
    lines = response.all("Sec-WebSocket-Protocol")
    if len(lines) > 1:
        raise Failure("one line Sec-WebSocket-Protocol", f"{len(lines)}: {', '.join(lines)}")


@case("rfc6455-4.2.2-protocol-exact", needs=NEEDS, control=ordinary_handshake)
async def subprotocol_in_other_letters_is_another_one(target):
    peer = await target.http()
    response = await peer.ask(target.upgrade_request(protocols=["PROOF.V1"]))
    chosen = response.get("Sec-WebSocket-Protocol")
    if response.status == 101 and chosen is not None:
        raise Failure("no Sec-WebSocket-Protocol", f"Sec-WebSocket-Protocol: {chosen}")


@case("rfc6455-4.2.2-protocol-exact", needs=NEEDS, control=ordinary_handshake)
async def subprotocol_that_is_a_part_or_a_longer_one_is_another_one(target):
    for offer in (", ".join(LONGER), *LONGER):
        response = await _ask(target, offer)
        chosen = response.get("Sec-WebSocket-Protocol")
        if response.status == 101 and chosen is not None:
            raise Failure(f"no Sec-WebSocket-Protocol for {offer}", chosen)


async def _chosen_from_lines(target, first, second):
    """Of two lines, each with one name, the server takes `proof.v1`."""
    request = target.upgrade_request(protocols=[first])
    request = request.adding("Sec-WebSocket-Protocol", second)
    response = await (await target.http()).ask(request)
    if response.status != 101 or response.get("Sec-WebSocket-Protocol") != "proof.v1":
        got = f"{response}, Sec-WebSocket-Protocol: {response.get('Sec-WebSocket-Protocol')}"
        raise Failure("101 with Sec-WebSocket-Protocol: proof.v1", got)


@case("rfc6455-11.3.4-request-lines", needs=NEEDS)
async def subprotocols_over_several_lines_are_one_list(target):
    await _chosen_from_lines(target, "x-unknown.a", "proof.v1")


@case("rfc6455-11.3.4-request-lines", needs=NEEDS)
async def subprotocol_in_the_first_of_several_lines_is_found(target):
    await _chosen_from_lines(target, "proof.v1", "x-unknown.a")


@case("rfc6455-4.1-protocol-whitespace", needs=NEEDS, over={"blanks": ["none", "many"]})
async def blanks_around_the_commas_are_no_part_of_a_name(target, blanks):
    usual = await _chosen(target, "x-unknown, proof.v1, x")
    offer = "x-unknown,proof.v1,x" if blanks == "none" else "x-unknown \t,  proof.v1\t ,x"
    response = await _ask(target, offer)
    chosen = response.get("Sec-WebSocket-Protocol")
    if response.status != 101 or chosen != usual:
        raise Failure(
            f"101 and {usual}, as with the usual blanks", f"{response}, {chosen}", came=response
        )


@case("rfc6455-4.2.1-protocol-grammar", over={"value": list(MALFORMED)}, control=ordinary_handshake)
async def malformed_list_of_subprotocols_is_refused(target, value):
    request = target.upgrade_request().having("Sec-WebSocket-Protocol", MALFORMED[value])
    peer = await target.http()
    peer.send(request)
    wanted = "the handshake refused with 400"
    response = await peer.response_or_end(wanted)
    chosen = None if response is None else response.get("Sec-WebSocket-Protocol")
    if response is not None and response.status == 101 and chosen is not None:
        raise Failure(wanted, f"Sec-WebSocket-Protocol: {chosen}")
    if response is None or response.status != 400:  # a list that nothing is chosen from
        target.non_strict(wanted, response or UNANSWERED)


@case("rfc6455-4.2.1-protocol-empty-element", needs=NEEDS, control=ordinary_handshake)
async def empty_element_in_the_list_is_skipped_or_refused(target):
    response = await _ask(target, "proof.v1, , proof.v2")
    chosen = response.get("Sec-WebSocket-Protocol")
    if response.status == 101 and chosen == "":
        raise Failure("a refusal, or a subprotocol that was offered", "an empty one")


@case("rfc6455-4.1-protocol-duplicates", needs=NEEDS, control=ordinary_handshake)
async def duplicate_subprotocol_counts_once_or_is_refused(target):
    response = await _ask(target, "proof.v1, proof.v1")
    chosen = response.get("Sec-WebSocket-Protocol")
    if response.status == 101 and chosen not in (None, "proof.v1"):
        raise Failure("a refusal, or proof.v1 once", f"Sec-WebSocket-Protocol: {chosen}")


async def _ask(target, offer):
    request = target.upgrade_request(protocols=())
    if offer is not None:
        request = request.adding("Sec-WebSocket-Protocol", offer)
    return await (await target.http()).ask(request)


async def _chosen(target, offer):
    """The subprotocol that a 101 names.

    Any other answer says nothing of it: whether a client gets a 101 that offers these is the
    server's policy.
    """
    response = await _ask(target, offer)
    if response.status != 101:
        raise Unsupported(f"a server that opens a connection for the offer {offer}", str(response))
    return response.get("Sec-WebSocket-Protocol")
