"""What browsers need beside the protocol: Origin, and the CORS fields of the Fetch standard."""

from sockproof.conformance import Failure, case

OPEN = "EIO=4&transport=polling"
FOREIGN = "http://sockproof.example"
OTHER = "http://another.sockproof.example"
NEEDS = {"polling"}


async def _ask(target, origin, method="GET", query=OPEN, headers=()):
    request = target.engineio_request(method, query)
    for name, value in (("Origin", origin), *headers):
        request = request.adding(name, value)
    return await (await target.http()).ask(request)


def _own_origin(target):
    scheme = "https" if target.address.tls else "http"
    return f"{scheme}://{target.address.authority}"


def _is_open(response):
    return response.body.startswith(b"0{")


def _allowed(response):
    return response.all("Access-Control-Allow-Origin")


@case("eio-origin-absent", needs=NEEDS)
async def request_without_origin_is_served(target):
    response = await target.engineio().exchange("GET", f"{OPEN}&t=no-origin")
    if not _is_open(response):
        raise Failure(
            "200 with an OPEN packet", f"{response}: {response.body[:60]!r}", came=response
        )


@case("eio-origin-same", needs=NEEDS)
async def request_from_the_servers_own_origin_is_served(target):
    response = await _ask(target, _own_origin(target))
    if not _is_open(response):
        raise Failure(
            "200 with an OPEN packet", f"{response}: {response.body[:60]!r}", came=response
        )


@case("eio-origin-foreign", needs=NEEDS)
async def request_from_a_foreign_origin_is_served_or_refused(target):
    await _ask(target, FOREIGN)


@case("eio-origin-refused", needs=NEEDS)
async def refusal_of_an_origin_is_a_status_and_no_session(target):
    response = await _ask(target, FOREIGN)
    if response.status == 200 and _is_open(response):
        return  # served
    if _is_open(response) or not 400 <= response.status < 500:
        wanted = "a status from 400 to 499, and no OPEN packet"
        raise Failure(wanted, f"{response}: {response.body[:60]!r}", came=response)


@case("eio-origin-websocket", needs={"polling", "websocket"})
async def origin_refused_over_long_polling_is_refused_on_a_websocket(target):
    refused = (await _ask(target, FOREIGN)).status >= 400
    http = await target.http()
    where = f"{target.engineio_path}?EIO=4&transport=websocket"
    http.send(target.upgrade_request(where, headers=[("Origin", FOREIGN)]))
    response = await http.response(body=False)
    if refused and response.status == 101:
        raise Failure("a refusal, as over long-polling", response)


@case("eio-cors-allow-origin", needs=NEEDS)
async def allowed_origin_is_named_once(target):
    for origin in (FOREIGN, _own_origin(target)):
        allowed = _allowed(await _ask(target, origin))
        if len(allowed) > 1 or any("," in each or " " in each.strip() for each in allowed):
            raise Failure("Access-Control-Allow-Origin once, with one origin", f"{allowed}")


@case("eio-cors-allow-credentials", needs=NEEDS)
async def credentials_are_allowed_to_a_named_origin_only(target):
    response = await _ask(target, FOREIGN)
    if response.get("Access-Control-Allow-Credentials") == "true" and _allowed(response) == ["*"]:
        raise Failure(f"Access-Control-Allow-Origin: {FOREIGN}", "*, with credentials")


@case("eio-cors-vary", needs=NEEDS)
async def answer_that_follows_the_origin_varies_by_it(target):
    one, other = await _ask(target, FOREIGN), await _ask(target, OTHER)
    if _allowed(one) != [FOREIGN] or _allowed(other) != [OTHER]:
        return  # it does not follow the request
    if not {"origin", "*"} & set(one.tokens("Vary")):
        raise Failure("Vary: Origin", f"Vary: {one.get('Vary')}")


async def _preflight(target, query=OPEN):
    """The answer to a preflight, and whether its origin is allowed."""
    origin = FOREIGN
    if _allowed(await _ask(target, origin)) not in ([origin], ["*"]):
        origin = _own_origin(target)
    headers = [
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ]
    response = await _ask(target, origin, "OPTIONS", query, headers)
    return response, _allowed(await _ask(target, origin)) in ([origin], ["*"])


@case("eio-cors-preflight-status", needs=NEEDS)
async def preflight_of_an_allowed_origin_succeeds(target):
    response, allowed = await _preflight(target)
    if allowed and not 200 <= response.status < 300:
        raise Failure("a status from 200 to 299", response)


@case("eio-cors-preflight-headers", needs=NEEDS)
async def preflight_of_an_allowed_origin_allows_content_type(target):
    response, allowed = await _preflight(target)
    names = response.tokens("Access-Control-Allow-Headers")
    if allowed and not {"content-type", "*"} & set(names):
        raise Failure("Access-Control-Allow-Headers: content-type", f"{names}")


@case("eio-cors-preflight-no-session", needs=NEEDS)
async def preflight_opens_no_session(target):
    for query in (OPEN, f"{OPEN}&t=preflight"):
        response, _ = await _preflight(target, query)
        if _is_open(response):
            raise Failure("no OPEN packet", f"{response}: {response.body[:60]!r}", came=response)
