"""What a client makes of the response to its opening handshake: RFC 6455, 4.1 and RFC 7692, 7."""

from __future__ import annotations

from sockproof.conformance.context.outcome import Failure, IllegalFrame
from sockproof.wire import WireError
from sockproof.wire.deflate import Parameters, parse_extensions
from sockproof.wire.http import Request, Response
from sockproof.wire.opening_handshake import wrong_field

BROKEN_BY_UPGRADES = {
    "Sec-WebSocket-Protocol": "rfc6455-4.2.2-protocol-none-offered",
    "Sec-WebSocket-Extensions": "rfc6455-4.2.2-extensions-offered",
}
"""What a 101 holds only where the client offered some, and the requirement that this breaks."""


def check_upgrade(request: Request, response: Response) -> None:
    """Raise `Failure` unless the response is the 101 that a client accepts (RFC 6455, 4.1)."""
    if response.status != 101:
        raise Failure("101 Switching Protocols", response)
    wrong = wrong_field(response, (request.get("Sec-WebSocket-Key") or "").strip())
    if wrong is not None:
        wanted, got = f"{wrong.field}: {wrong.wanted}", f"{wrong.field}: {wrong.got}"
        raise Failure(wanted, got, came=response)
    for name, broken in BROKEN_BY_UPGRADES.items():
        if response.get(name) is not None and request.get(name) is None:
            got = f"{name}: {response.get(name)}"
            raise IllegalFrame(f"no {name} where none was offered", got, broken, came=response)
    _check_extensions(request, response)


def _check_extensions(request: Request, response: Response) -> None:
    """Each extension of the response was offered, and none is named twice (RFC 6455, 9.1).

    What is malformed is for those who read it.
    """
    name = "Sec-WebSocket-Extensions"
    offered, answered = request.get(name), response.get(name)
    if offered is None or answered is None:
        return
    try:
        names = [each.name for each in parse_extensions(answered)]
        known = {each.name for each in parse_extensions(offered)}
    except WireError:
        return
    if not set(names) <= known or len(names) > len(set(names)):
        got, broken = f"{name}: {answered}", BROKEN_BY_UPGRADES[name]
        raise IllegalFrame(f"{name} with what was offered, once each", got, broken, came=response)


def agreed_deflate(response: Response) -> Parameters | None:
    """What a 101 agreed on for permessage-deflate; None when it did not (RFC 7692, 7)."""
    value = response.get("Sec-WebSocket-Extensions")
    if value is None:
        return None
    wanted = "extensions as RFC 6455, 9.1 and RFC 7692, 7.1 write them"
    try:
        extensions = parse_extensions(value)
        agreed = [each for each in extensions if each.name == "permessage-deflate"]
        return Parameters.from_response(agreed[0]) if agreed else None
    except WireError as error:
        raise Failure(wanted, f"{value!r}: {error}") from error
