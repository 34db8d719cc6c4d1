"""What a client's offer of permessage-deflate and a server's wish come to: RFC 7692, 7.1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sockproof.wire import WireError
from sockproof.wire.deflate import NAME, Extension, Parameters, window_bits


def as_extension(parameters: Parameters) -> Extension:
    """The parameters as a response has them."""
    found: list[tuple[str, str | None]] = []
    for name in ("server_no_context_takeover", "client_no_context_takeover"):
        if getattr(parameters, name):
            found.append((name, None))
    for name in ("server_max_window_bits", "client_max_window_bits"):
        if getattr(parameters, name) != 15:
            found.append((name, str(getattr(parameters, name))))
    return Extension(NAME, tuple(found))


def agreed_by(offer: Extension, wanted: Parameters) -> Parameters | None:
    """What the offer and the wish come to (RFC 7692, 7.1); None where they cannot be had both."""
    values: dict[str, Any] = {}
    if len(dict(offer.parameters)) < len(offer.parameters):
        return None
    for name, value in offer.parameters:
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            values[name] = True
        elif name == "client_max_window_bits" and value is None:
            values[name] = 15
        elif name in ("server_max_window_bits", "client_max_window_bits"):
            try:
                values[name] = window_bits(name, value)
            except WireError:
                return None
        else:
            return None
    smaller = wanted.client_max_window_bits < 15
    if smaller and "client_max_window_bits" not in values:
        return None
    return replace(
        wanted,
        server_no_context_takeover=wanted.server_no_context_takeover
        or "server_no_context_takeover" in values,
        # A hint that need not be answered (7.1.1.2); some clients want it answered.
        client_no_context_takeover=wanted.client_no_context_takeover
        or "client_no_context_takeover" in values,
        server_max_window_bits=min(
            wanted.server_max_window_bits, values.get("server_max_window_bits", 15)
        ),
        client_max_window_bits=min(
            wanted.client_max_window_bits, values.get("client_max_window_bits", 15)
        ),
    )
