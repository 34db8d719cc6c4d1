"""RFC 6455, sections 4.2.1, 4.3, 4.4 and 11.3: what the fields of the opening handshake say."""

import base64

from sockproof.conformance import (
    UNANSWERED,
    Failure,
    Unsupported,
    case,
    check_upgrade,
    ordinary_handshake,
)

NO_UPGRADE = {
    "missing": None,
    "another": "x-sockproof",  # h2c would be one to which a server may switch
    "websockets": "websockets",
    "end of a token": "x-websocket",
    "two words": "web socket",
}
UPGRADE_LISTS = {
    "first": ["websocket, x-sockproof"],
    "last": ["x-sockproof, websocket"],
    "second line": ["x-sockproof", "websocket"],
    "first line": ["websocket", "x-sockproof"],
}
CONNECTION_LISTS = {
    "one": ["keep-alive, Upgrade"],
    "two": ["keep-alive", "Upgrade"],
    "two turned round": ["Upgrade", "keep-alive"],
    "first": ["Upgrade, keep-alive"],
    "middle": ["keep-alive, Upgrade, x-sockproof"],
    "lower case": ["keep-alive, upgrade"],
    "no blank": ["keep-alive,Upgrade"],
    "tab": ["keep-alive ,\tUpgrade"],
}
NO_CONNECTION = {
    "missing": None,
    "keep-alive": "keep-alive",
    "close": "close",
    "longer token": "Upgraded",
    "end of a token": "no-upgrade",
}
BAD_KEYS = {
    "empty": "",
    "no padding": "dGhlIHNhbXBsZSBub25jZQ",
    "other characters": "dGhlIHNhbXBsZSBub25jZ!==",
    "inner blank": "dGhlIHNhbXBs ZSBub25jZQ==",
    "stray character": "dGhlIHNhbXBs!ZSBub25jZQ==",
    "octets behind": "dGhlIHNhbXBsZSBub25jZQ==x",
    "url-safe": "-_-_-_-_-_-_-_-_-_-_-w==",
}
PLACES = {"before": "  {}", "behind": " {} \t", "none": "{}"}
FOREIGN = "https://elsewhere.example"
BAD_VERSIONS = ["abc", "013", "+13", "13.0", "0x0d", "256", "-13", "13x", "13;", "269", "empty"]
LISTS = {"13 first": "13, 8", "13 last": "8, 13", "13 twice": "13, 13"}


# Upgrade and Connection.


@case("rfc6455-4.2.1-upgrade-missing", over={"value": list(NO_UPGRADE)}, control=ordinary_handshake)
async def upgrade_that_does_not_name_websocket_opens_nothing(target, value):
    peer = await target.http()
    await peer.not_upgraded(_with(target.upgrade_request(), "Upgrade", NO_UPGRADE[value]))


@case(
    "rfc6455-4.2.1-upgrade-case", over={"letters": ["mixed", "upper"]}, control=ordinary_handshake
)
async def upgrade_is_matched_in_any_case(target, letters):
    value = "WebSocket" if letters == "mixed" else "WEBSOCKET"
    await target.handshake(target.upgrade_request().having("Upgrade", value))


@case("rfc6455-4.2.1-upgrade-list", over={"place": list(UPGRADE_LISTS)}, control=ordinary_handshake)
async def upgrade_list_with_websocket_is_accepted(target, place):
    request = _lines(target.upgrade_request(), "Upgrade", UPGRADE_LISTS[place])
    response = await (await target.http()).ask(request, "101 Switching Protocols")
    if response.status != 101:
        # "Containing the value" (4.2.1) can be read as "being the value" too, for all that 4.1
        # and RFC 9110, 7.8 say of lists; no server in wide use accepts one.
        target.non_strict("101, as Upgrade has websocket in its list", response)
    else:
        check_upgrade(request, response)


@case(
    "rfc6455-4.2.1-connection-missing",
    over={"value": list(NO_CONNECTION)},
    control=ordinary_handshake,
)
async def connection_without_the_token_upgrade_opens_nothing(target, value):
    peer = await target.http()
    await peer.not_upgraded(_with(target.upgrade_request(), "Connection", NO_CONNECTION[value]))


@case(
    "rfc6455-4.2.1-connection-case",
    over={"letters": ["lower", "upper"]},
    control=ordinary_handshake,
)
async def connection_is_matched_in_any_case(target, letters):
    value = getattr("Upgrade", letters)()
    await target.handshake(target.upgrade_request().having("Connection", value))


@case(
    "rfc6455-4.2.1-connection-list",
    over={"lines": list(CONNECTION_LISTS)},
    control=ordinary_handshake,
)
async def connection_list_with_upgrade_is_accepted(target, lines):
    request = target.upgrade_request()
    await target.handshake(_lines(request, "Connection", CONNECTION_LISTS[lines]))


@case("rfc6455-4.2.1-connection-list", control=ordinary_handshake)
async def empty_elements_of_connection_are_passed_over(target):
    request = target.upgrade_request().having("Connection", "keep-alive, , Upgrade,")
    wanted = "101 Switching Protocols"
    peer = await target.http()
    peer.send(request)
    response = await peer.response_or_end(wanted)
    if response is None or response.status != 101:
        # We break the grammar there (RFC 9110, 5.6.1.1), and RFC 6455, 4.2.1 has that refused.
        target.non_strict(wanted, response or UNANSWERED)
        return
    check_upgrade(request, response)


# Sec-WebSocket-Key.


@case("rfc6455-4.2.1-key-missing", control=ordinary_handshake)
async def key_missing_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request().without("Sec-WebSocket-Key"), 400)


@case("rfc6455-4.2.1-key-not-base64", over={"key": list(BAD_KEYS)}, control=ordinary_handshake)
async def key_that_is_not_base64_is_refused(target, key):
    peer = await target.http()
    await peer.refused(target.upgrade_request().having("Sec-WebSocket-Key", BAD_KEYS[key]), 400)


@case(
    "rfc6455-4.2.1-key-length", over={"octets": [1, 12, 15, 17, 18, 32]}, control=ordinary_handshake
)
async def key_of_another_length_than_16_octets_is_refused(target, octets):
    key = base64.b64encode(bytes(range(octets))).decode()
    peer = await target.http()
    await peer.refused(target.upgrade_request().having("Sec-WebSocket-Key", key), 400)


@case("rfc6455-4.2.1-key-whitespace", over={"blanks": list(PLACES)}, control=ordinary_handshake)
async def blanks_around_the_key_are_no_part_of_it(target, blanks):
    request = target.upgrade_request()
    key = request.get("Sec-WebSocket-Key")
    line = f"Sec-WebSocket-Key:{PLACES[blanks].format(key)}"
    octets = request.encode().replace(f"Sec-WebSocket-Key: {key}".encode(), line.encode())
    peer = await target.http()
    peer.send_octets(octets, f"{request}  with the key as {PLACES[blanks].format(key)!r}")
    check_upgrade(request, await peer.response("101 Switching Protocols"))


@case("rfc6455-11.3.1-key-once", over={"second": ["same", "other"]}, control=ordinary_handshake)
async def key_twice_is_refused(target, second):
    request = target.upgrade_request()
    key = request.get("Sec-WebSocket-Key") if second == "same" else target.key()
    peer = await target.http()
    await peer.refused(request.adding("Sec-WebSocket-Key", key), 400)


# Sec-WebSocket-Version.


@case("rfc6455-4.2.1-version-13")
async def version_13_is_accepted(target):
    await target.handshake(target.upgrade_request())


@case("rfc6455-4.2.1-version-missing", control=ordinary_handshake)
async def version_missing_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request().without("Sec-WebSocket-Version"), 426, 400)


@case(
    "rfc6455-4.2.2-version-refused",
    over={"version": [0, 1, 3, 9, 12, 14, 113, 130, 255]},
    control=ordinary_handshake,
)
async def version_that_never_was_is_refused(target, version):
    peer = await target.http()
    await peer.refused(_version(target, str(version)), 426, 400)


@case("rfc6455-4.4-older-versions", over={"version": [4, 5, 6, 7, 8]}, control=ordinary_handshake)
async def version_of_a_draft_is_refused_or_advertised(target, version):
    peer = await target.http()
    peer.send(_version(target, str(version)))
    response = await peer.response_or_end(f"version {version} refused, or accepted")
    if response is None or response.status != 101:
        return
    refusal = await _refused_version(target, "14")
    advertised = refusal.tokens("Sec-WebSocket-Version") if refusal is not None else []
    if str(version) not in advertised:
        wanted = f"version {version} refused, or named where another version is refused"
        raise Failure(wanted, f"101, and Sec-WebSocket-Version: {', '.join(advertised)}")


@case("rfc6455-4.4-version-supported", control=ordinary_handshake)
async def versions_that_are_advertised_are_accepted(target):
    refusal = await _refused_version(target, "14")
    advertised = refusal.tokens("Sec-WebSocket-Version") if refusal is not None else []
    for version in set(advertised) & {"7", "8", "13"}:  # other drafts had other handshakes
        request = _version(target, version)
        if version in ("7", "8"):  # their drafts call Origin by another name, and need none
            request = request.adding("Sec-WebSocket-Origin", f"http://{target.address.authority}")
        response = await (await target.http()).ask(request, f"101, as {version} is advertised")
        if response.status != 101:
            raise Failure(f"101, as version {version} is advertised", response)


@case("rfc6455-4.2.1-version-grammar", over={"version": BAD_VERSIONS}, control=ordinary_handshake)
async def version_that_is_no_number_of_0_to_255_is_refused(target, version):
    peer = await target.http()
    await peer.refused(_version(target, "" if version == "empty" else version), 400, 426)


@case("rfc6455-4.2.1-version-list", over={"order": list(LISTS)}, control=ordinary_handshake)
async def list_of_versions_is_refused(target, order):
    peer = await target.http()
    await peer.refused(_version(target, LISTS[order]), 400, 426)


@case("rfc6455-11.3.5-version-once", over={"second": [13, 8]}, control=ordinary_handshake)
async def version_twice_is_refused(target, second):
    request = target.upgrade_request().adding("Sec-WebSocket-Version", str(second))
    peer = await target.http()
    await peer.refused(request, 400, 426)


@case("rfc6455-4.2.2-version-advertised", control=ordinary_handshake)
async def refusal_of_a_version_names_13(target):
    for version in ("14", "12", "0"):
        response = await _refused_version(target, version)
        if response is None:  # the licence of 10.7 to cut off is general; 4.2.2 and 4.4 are not
            raise Failure(f"version {version} refused by an HTTP response", UNANSWERED)
        named = response.tokens("Sec-WebSocket-Version")
        numbers = all(name.isdecimal() and str(int(name)) == name for name in named)
        if "13" not in named or not numbers or version in named:
            got = response.get("Sec-WebSocket-Version")
            raise Failure(
                "Sec-WebSocket-Version with 13 in the refusal",
                f"{response} with {got}",
                came=response,
            )


@case(
    "rfc6455-4.2.2-upgrade-in-426",
    over={"cause": ["version", "upgrade missing"]},
    control=ordinary_handshake,
)
async def refusal_with_426_has_an_upgrade_field(target, cause):
    if cause == "version":
        response = await _refused_version(target, "14")
    else:
        request = target.upgrade_request().without("Upgrade").having("Connection", "keep-alive")
        peer = await target.http()
        peer.send(request)
        response = await peer.response_or_end("a request without Upgrade answered")
    if (
        response is not None
        and response.status == 426
        and "websocket" not in response.tokens("Upgrade")
    ):
        # It is HTTP that demands it (RFC 9110, 15.5.22); RFC 6455 asks for the version alone.
        target.non_strict("Upgrade: websocket in a 426", f"Upgrade: {response.get('Upgrade')}")


async def _refused_version(target, version):
    """The refusal of a version, or None when the server cuts the connection off."""
    peer = await target.http()
    peer.send(_version(target, version))
    response = await peer.response_or_end(f"version {version} refused")
    if response is not None and response.status == 101:
        raise Unsupported(f"version {version} refused", "it is accepted")
    return response


# Origin.


@case("rfc6455-4.2.1-origin-absent", control=ordinary_handshake)
async def handshake_without_origin_is_not_invalid(target):
    request = target.upgrade_request(headers=[("User-Agent", "sockproof")])
    peer = await target.http()
    response = await peer.ask(request)
    if response.status == 403:
        target.non_strict(
            "101, as Origin is optional", f"{response}: a matter of policy", came=response
        )
    elif response.status != 101:
        raise Failure("101, as Origin is optional", response)


@case("rfc6455-4.2.2-origin-refused", control=ordinary_handshake)
async def origin_that_is_not_accepted_gets_an_error_status(target):
    peer = await target.http()
    wanted = "101 or an error status"
    response = await peer.ask(_from(target, FOREIGN), wanted)
    if response.status != 101 and response.status < 300:
        raise Failure(wanted, response)


@case("rfc6455-10.2-origin-403", over={"origin": ["foreign", "null"]}, control=ordinary_handshake)
async def origin_is_accepted_or_refused_with_403(target, origin):
    peer = await target.http()
    wanted = "101, or 403 when the origin is not welcome"
    response = await peer.ask(_from(target, FOREIGN if origin == "foreign" else origin), wanted)
    if response.status not in (101, 403):
        target.non_strict(wanted, response)


def _from(target, origin):
    return target.upgrade_request().having("Origin", origin)


def _version(target, value):
    return target.upgrade_request().having("Sec-WebSocket-Version", value)


def _lines(request, name, values):
    first, *more = values
    request = request.having(name, first)
    for value in more:
        request = request.adding(name, value)
    return request


def _with(request, name, value):
    return request.without(name) if value is None else request.having(name, value)
