"""RFC 6455, sections 1.3, 1.7, 4.1, 4.2.2, 4.4 and 9: what a server is free choice."""

from sockproof.conformance import Failure, Opcode, case, check_upgrade

EXAMPLE = "AQIDBAUGBwgJCgsMDQ4PEC=="  # printed in 4.1; its last bits are not those of an encoder
HOSTS = {"another name": "elsewhere.example", "another port": "{}:1", "empty": ""}


@case("rfc6455-1.7-plain-http-request")
async def request_without_upgrade_gets_an_http_response(target):
    request = target.upgrade_request().without("Upgrade").without("Sec-WebSocket-Key")
    request = request.without("Sec-WebSocket-Version").having("Connection", "close")
    await (await target.http()).not_upgraded(request)


@case("rfc6455-1.3-set-cookie")
async def cookies_are_set_or_not(target):
    request = target.upgrade_request()
    response = await (await target.http()).ask(request, "101 Switching Protocols")
    check_upgrade(request, response)
    for cookie in response.all("Set-Cookie"):
        if not cookie.partition("=")[0].strip():
            raise Failure("Set-Cookie: a name, '=' and a value", f"Set-Cookie: {cookie}")


@case("rfc6455-4.1-key-example")
async def key_that_is_not_in_canonical_form_is_taken_or_refused(target):
    request = target.upgrade_request().having("Sec-WebSocket-Key", EXAMPLE)
    await _taken_or_refused(target, request)


@case("rfc6455-4.2.1-host-foreign", over={"host": list(HOSTS)})
async def host_of_another_authority_is_taken_or_refused(target, host):
    value = HOSTS[host].format(target.address.host)
    await _taken_or_refused(target, target.upgrade_request().having("Host", value))


@case("rfc6455-9-extensions-accepted")
async def extension_is_accepted_or_not(target):
    request = target.upgrade_request(extensions="permessage-deflate")
    response = await (await target.http()).ask(request, "101 Switching Protocols")
    check_upgrade(request, response)
    value = response.get("Sec-WebSocket-Extensions")
    if value is not None and "permessage-deflate" not in value:
        raise Failure("permessage-deflate, or nothing", f"Sec-WebSocket-Extensions: {value}")


@case("rfc6455-4.2.2-authentication")
async def demand_for_authentication_says_how(target):
    request = target.upgrade_request()
    for name, _ in target.credentials:
        request = request.without(name)
    response = await (await target.http()).ask(request)
    if response.status == 401 and response.get("WWW-Authenticate") is None:
        raise Failure("WWW-Authenticate in a 401", response)


@case("rfc6455-4.2.2-redirect")
async def redirection_says_where_to(target):
    request = target.upgrade_request("/sockproof/elsewhere")
    response = await (await target.http()).ask(request)
    if response.status in (301, 302, 303, 307, 308) and response.get("Location") is None:
        raise Failure(f"Location in a {response.status}", response)


@case("rfc6455-4.2.2-sends-at-once", needs={"push"})
async def data_right_behind_the_101_is_sent_or_not(target):
    socket = await target.connect("/push?count=1&size=8")
    await socket.expect(Opcode.BINARY)


@case("rfc6455-4.2.2-version-status")
async def refusal_of_a_version_has_any_error_status(target):
    response = await _refused_version(target, await target.http(), whole=False)
    if response is not None and response.status < 400:
        raise Failure("426, or another error status", response)


@case("rfc6455-11.3.5-response-lines")
async def versions_stand_in_one_line_or_in_several(target):
    response = await _refused_version(target, await target.http(), whole=False)
    lines = response.all("Sec-WebSocket-Version") if response is not None else []
    if len(lines) > 1 and "13" not in response.tokens("Sec-WebSocket-Version"):
        raise Failure("13 in one of the lines", ", ".join(lines))


@case("rfc6455-4.4-retry")
async def handshake_is_repeated_on_the_connection_if_that_is_open(target):
    peer = await target.http()
    with target.preparing("the whole of a refusal"):
        response = await _refused_version(target, peer)
    if response is None or "close" in response.tokens("Connection"):
        return
    request = target.upgrade_request()
    peer.send(request)
    response = await peer.response_or_end("101, or the end of the connection")
    if response is not None:
        check_upgrade(request, response)


async def _refused_version(target, peer, *, whole=True):
    request = target.upgrade_request().having("Sec-WebSocket-Version", "14")
    peer.send(request)
    return await peer.response_or_end("the version 14 refused", body=whole)


async def _taken_or_refused(target, request):
    """A right 101, or a refusal by HTTP or by the end of the connection."""
    peer = await target.http()
    peer.send(request)
    wanted = "101 or a refusal"
    response = await peer.response_or_end(wanted)
    if response is not None and response.status < 300:
        check_upgrade(request, response)
