"""RFC 6455, sections 4.2.1, 4.3, 4.4 and 11.3: what the fields of the opening handshake say."""

import base64

from sockproof.conformance import Failure, case, check_upgrade

NO_UPGRADE = {"missing": None, "h2c": "h2c", "websockets": "websockets", "two words": "web socket"}
NO_CONNECTION = {
    "missing": None,
    "keep-alive": "keep-alive",
    "longer token": "Upgraded",
    "end of a token": "no-upgrade",
}
BAD_KEYS = {
    "empty": "",
    "no padding": "dGhlIHNhbXBsZSBub25jZQ",
    "other characters": "dGhlIHNhbXBsZSBub25jZ!==",
    "inner blank": "dGhlIHNhbXBs ZSBub25jZQ==",
}
FOREIGN = "https://elsewhere.example"
BAD_VERSIONS = ["abc", "013", "+13", "13.0", "0x0d", "256", "-13", "empty"]


# Upgrade and Connection.


@case("rfc6455-4.2.1-upgrade-missing", over={"value": list(NO_UPGRADE)})
async def upgrade_that_does_not_name_websocket_opens_nothing(target, value):
    peer = await target.http()
    await peer.not_upgraded(_with(target.upgrade_request(), "Upgrade", NO_UPGRADE[value]))


@case("rfc6455-4.2.1-upgrade-case", over={"letters": ["mixed", "upper"]})
async def upgrade_is_matched_in_any_case(target, letters):
    value = "WebSocket" if letters == "mixed" else "WEBSOCKET"
    await target.handshake(target.upgrade_request().having("Upgrade", value))


@case("rfc6455-4.2.1-upgrade-list", over={"place": ["first", "last"]})
async def upgrade_list_with_websocket_is_accepted(target, place):
    value = "websocket, x-sockproof" if place == "first" else "x-sockproof, websocket"
    request = target.upgrade_request().having("Upgrade", value)
    response = await (await target.http()).ask(request, "101 Switching Protocols")
    if response.status >= 400:
        # "Containing the value" (4.2.1) can be read as "being the value" too.
        target.non_strict("101, as Upgrade has websocket in its list", str(response))
    else:
        check_upgrade(request, response)


@case("rfc6455-4.2.1-connection-missing", over={"value": list(NO_CONNECTION)})
async def connection_without_the_token_upgrade_opens_nothing(target, value):
    peer = await target.http()
    await peer.not_upgraded(_with(target.upgrade_request(), "Connection", NO_CONNECTION[value]))


@case("rfc6455-4.2.1-connection-case", over={"letters": ["lower", "upper"]})
async def connection_is_matched_in_any_case(target, letters):
    value = getattr("Upgrade", letters)()
    await target.handshake(target.upgrade_request().having("Connection", value))


@case("rfc6455-4.2.1-connection-list", over={"lines": ["one", "two"]})
async def connection_list_with_upgrade_is_accepted(target, lines):
    request = target.upgrade_request()
    if lines == "one":
        await target.handshake(request.having("Connection", "keep-alive, Upgrade"))
    else:
        request = request.having("Connection", "keep-alive")
        await target.handshake(request.adding("Connection", "Upgrade"))


# Sec-WebSocket-Key.


@case("rfc6455-4.2.1-key-missing")
async def key_missing_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request().without("Sec-WebSocket-Key"), 400)


@case("rfc6455-4.2.1-key-not-base64", over={"key": list(BAD_KEYS)})
async def key_that_is_not_base64_is_refused(target, key):
    peer = await target.http()
    await peer.refused(target.upgrade_request().having("Sec-WebSocket-Key", BAD_KEYS[key]), 400)


@case("rfc6455-4.2.1-key-length", over={"octets": [1, 15, 17, 32]})
async def key_of_another_length_than_16_octets_is_refused(target, octets):
    key = base64.b64encode(bytes(range(octets))).decode()
    peer = await target.http()
    await peer.refused(target.upgrade_request().having("Sec-WebSocket-Key", key), 400)


@case("rfc6455-11.3.1-key-once", over={"second": ["same", "other"]})
async def key_twice_is_refused(target, second):
    request = target.upgrade_request()
    key = request.get("Sec-WebSocket-Key") if second == "same" else target.key()
    peer = await target.http()
    await peer.refused(request.adding("Sec-WebSocket-Key", key), 400)


# Sec-WebSocket-Version.


@case("rfc6455-4.2.1-version-13")
async def version_13_is_accepted(target):
    await target.handshake(target.upgrade_request())


@case("rfc6455-4.2.1-version-missing")
async def version_missing_is_refused(target):
    peer = await target.http()
    await peer.refused(target.upgrade_request().without("Sec-WebSocket-Version"), 426, 400)


@case("rfc6455-4.2.2-version-refused", over={"version": [0, 9, 12, 14, 255]})
async def version_that_never_was_is_refused(target, version):
    peer = await target.http()
    await peer.refused(_version(target, str(version)), 426, 400)


@case("rfc6455-4.4-older-versions", over={"version": [7, 8]})
async def version_of_a_draft_is_best_refused(target, version):
    peer = await target.http()
    wanted = "the draft's version refused with 426 or 400"
    peer.send(_version(target, str(version)))
    response = await peer.response(wanted, body=False)
    if response.status == 101:
        target.non_strict(wanted, str(response))


@case("rfc6455-4.2.1-version-grammar", over={"version": BAD_VERSIONS})
async def version_that_is_no_number_of_0_to_255_is_refused(target, version):
    peer = await target.http()
    await peer.refused(_version(target, "" if version == "empty" else version), 400, 426)


@case("rfc6455-4.2.1-version-list", over={"order": ["13 first", "13 last"]})
async def list_of_versions_is_refused(target, order):
    peer = await target.http()
    await peer.refused(_version(target, "13, 8" if order == "13 first" else "8, 13"), 400, 426)


@case("rfc6455-11.3.5-version-once", over={"second": [13, 8]})
async def version_twice_is_refused(target, second):
    request = target.upgrade_request().adding("Sec-WebSocket-Version", str(second))
    peer = await target.http()
    await peer.refused(request, 400, 426)


@case("rfc6455-4.2.2-version-advertised")
async def refusal_of_a_version_names_13(target):
    peer = await target.http()
    with target.preparing("the version 14 refused"):
        response = await peer.ask(_version(target, "14"))
        if response.status < 400:
            raise Failure("an error status", str(response))
    if "13" not in response.tokens("Sec-WebSocket-Version"):
        got = response.get("Sec-WebSocket-Version")
        raise Failure("Sec-WebSocket-Version with 13 in the refusal", f"{response} with {got}")


@case("rfc6455-4.2.2-upgrade-in-426")
async def refusal_with_426_has_an_upgrade_field(target):
    peer = await target.http()
    with target.preparing("the version 14 refused"):
        response = await peer.ask(_version(target, "14"))
    if response.status == 426 and "websocket" not in response.tokens("Upgrade"):
        raise Failure("Upgrade: websocket in a 426", f"Upgrade: {response.get('Upgrade')}")


# Origin.


@case("rfc6455-4.2.1-origin-absent")
async def handshake_without_origin_is_not_invalid(target):
    request = target.upgrade_request(headers=[("User-Agent", "sockproof")])
    peer = await target.http()
    response = await peer.ask(request)
    if response.status == 403:
        target.non_strict("101, as Origin is optional", f"{response}: a matter of policy")
    elif response.status != 101:
        raise Failure("101, as Origin is optional", str(response))


@case("rfc6455-4.2.2-origin-refused")
async def origin_that_is_not_accepted_gets_an_error_status(target):
    peer = await target.http()
    wanted = "101 or an error status"
    response = await peer.ask(_from(target, FOREIGN), wanted)
    if response.status != 101 and response.status < 300:
        raise Failure(wanted, str(response))


@case("rfc6455-10.2-origin-403", over={"origin": ["foreign", "null"]})
async def origin_is_accepted_or_refused_with_403(target, origin):
    peer = await target.http()
    wanted = "101, or 403 when the origin is not welcome"
    response = await peer.ask(_from(target, FOREIGN if origin == "foreign" else origin), wanted)
    if response.status not in (101, 403):
        target.non_strict(wanted, str(response))


def _from(target, origin):
    return target.upgrade_request(headers=[("Origin", origin)])


def _version(target, value):
    return target.upgrade_request().having("Sec-WebSocket-Version", value)


def _with(request, name, value):
    return request.without(name) if value is None else request.having(name, value)
