"""What browsers need of every answer, not of handshakes alone: CORS, and the Origin of requests."""

import re

from sockproof.conformance import Failure, case

OPEN = "EIO=4&transport=polling"
TEXT = "text/plain;charset=UTF-8"
FOREIGN = "http://sockproof.example"
ANSWERS = {"answer": ["get", "post", "error", "preflight"]}
ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/?#, ]+")
PREFLIGHT = (
    ("Access-Control-Request-Method", "POST"),
    ("Access-Control-Request-Headers", "content-type"),
)


def _own_origin(target):
    scheme = "https" if target.address.tls else "http"
    return f"{scheme}://{target.address.authority}"


async def _ask(target, origin, answer):
    """The answer of a kind to a request of this origin."""
    method, query, body = "GET", OPEN, b""
    if answer in ("post", "preflight"):
        engine = await target.connect_engineio("polling")
        method, query, body = "POST", engine.session_query, b"40"
    if answer == "preflight":
        method, body = "OPTIONS", b""
    if answer == "error":
        query = f"{OPEN}&sid={target.unique('nobody')}"
    request = target.engineio_request(method, query, body, TEXT if body else None)
    for name, value in (("Origin", origin), *(PREFLIGHT if answer == "preflight" else ())):
        request = request.adding(name, value)
    return await (await target.http()).ask(request)


@case("eio-cors-allow-origin", needs={"polling"}, over=ANSWERS)
async def allowed_origin_of_every_answer_is_an_origin(target, answer):
    for origin in (FOREIGN, _own_origin(target)):
        for value in (await _ask(target, origin, answer)).all("Access-Control-Allow-Origin"):
            if not ORIGIN.fullmatch(value.strip()):
                raise Failure("*, null or one origin", f"Access-Control-Allow-Origin: {value}")


@case("eio-cors-allow-credentials", needs={"polling"}, over=ANSWERS)
async def credentials_are_never_allowed_to_every_origin(target, answer):
    response = await _ask(target, FOREIGN, answer)
    allowed = response.all("Access-Control-Allow-Origin")
    if response.get("Access-Control-Allow-Credentials") == "true" and "*" in allowed:
        raise Failure(f"Access-Control-Allow-Origin: {FOREIGN}", "*, with credentials")


@case("eio-cors-preflight-status", needs={"polling"})
async def preflight_of_a_post_in_a_session_succeeds(target):
    origin = FOREIGN
    allowed = (await _ask(target, origin, "post")).all("Access-Control-Allow-Origin")
    if allowed not in ([origin], ["*"]):
        return  # there is nothing to ask for
    response = await _ask(target, origin, "preflight")
    if not 200 <= response.status < 300:
        raise Failure("a status from 200 to 299", response)


@case("eio-origin-same", needs={"polling"})
async def post_from_the_servers_own_origin_is_served(target):
    response = await _ask(target, _own_origin(target), "post")
    if response.status != 200:
        raise Failure("200 to a POST", f"{response}: {response.body[:60]!r}", came=response)


@case("eio-origin-same", needs={"websocket"})
async def websocket_from_the_servers_own_origin_is_served(target):
    http = await target.http()
    where = f"{target.engineio_path}?EIO=4&transport=websocket"
    http.send(target.upgrade_request(where, headers=[("Origin", _own_origin(target))]))
    response = await http.response("101", body=False)
    if response.status != 101:
        raise Failure("101", response)


@case("eio-origin-websocket", needs={"upgrade"})
async def origin_refused_over_long_polling_may_not_upgrade(target):
    refused = (await _ask(target, FOREIGN, "get")).status >= 400
    engine = await target.connect_engineio("polling")
    where = f"{target.engineio_path}?{engine.query_of('websocket')}"
    http = await target.http()
    http.send(target.upgrade_request(where, headers=[("Origin", FOREIGN)]))
    response = await http.response_or_end("an answer", body=False)
    if refused and response is not None and response.status == 101:
        raise Failure("a refusal, as over long-polling", response)
