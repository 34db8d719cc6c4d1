"""RFC 6455, section 10.4: what is many but small, of which a server may count only the octets."""

from sockproof.conformance import Target, case

COUNTS = (300, 2100)
WHAT = ("fields", "same-fields", "extensions", "parameters", "subprotocols", "cookies", "query")


def _headers(what: str, count: int) -> list[tuple[str, str]]:
    numbers = [f"{number:x}" for number in range(count)]
    match what:
        case "fields":
            return [(number, "") for number in numbers]
        case "same-fields":
            return [("x", "")] * count
        case "extensions":
            return [("Sec-WebSocket-Extensions", ",".join(f"x{number}" for number in numbers))]
        case "parameters":
            return [("Sec-WebSocket-Extensions", ";".join(["x", *(f"p{n}" for n in numbers)]))]
        case "subprotocols":
            return [("Sec-WebSocket-Protocol", ",".join(f"x{number}" for number in numbers))]
        case "cookies":
            return [("Cookie", ";".join(f"c{number}=" for number in numbers))]
    return []


@case("rfc6455-10.4-many", exclusive=True, over={"what": WHAT, "count": COUNTS})
async def many_small_things_are_taken_or_refused(target: Target, what: str, count: int) -> None:
    """Afterwards others are served as before; the octets are within what most servers take."""
    query = "&".join(f"q{number:x}" for number in range(count))
    path = f"{target.address.path}?{query}" if what == "query" else None
    request = target.upgrade_request(path, headers=_headers(what, count))
    peer = await target.http()
    peer.send(request)
    response = await peer.response_or_end("101 Switching Protocols, a refusal, or the end of TCP")
    status = "the connection closed" if response is None else f"status {response.status}"
    target.report(f"{count} {what}", status)
    if response is not None and response.status == 101:
        await peer.upgraded(response).fence()
    with target.awaits("an ordinary client served afterwards"):
        await (await target.handshake(target.upgrade_request())).fence()
