"""Whether a response opens a WebSocket connection: RFC 6455, 4.1, what a client has to check."""

from __future__ import annotations

from typing import NamedTuple

from sockproof.wire.http import Response, accept_value


class Wrong(NamedTuple):
    """A field of a response that keeps the connection from being open."""

    field: str
    wanted: str
    got: str | None  # None where the response lacks it


def wrong_field(response: Response, key: str) -> Wrong | None:
    """The first of Upgrade, Connection and Sec-WebSocket-Accept that is wrong; None when none is.

    `key` is the value of the request's Sec-WebSocket-Key. The status, the subprotocol and the
    extensions are not looked at.
    """
    if response.tokens("Upgrade") != ["websocket"]:
        return Wrong("Upgrade", "websocket", response.get("Upgrade"))
    if "upgrade" not in response.tokens("Connection"):
        return Wrong("Connection", "Upgrade", response.get("Connection"))
    wanted = accept_value(key)
    if response.all("Sec-WebSocket-Accept") != [wanted]:
        return Wrong("Sec-WebSocket-Accept", wanted, response.get("Sec-WebSocket-Accept"))
    return None
