"""Sends messages of TLS behind the handshake without end: keys, tickets, further handshakes."""

from __future__ import annotations

import _ssl
import ctypes
import select
import ssl
import time
from typing import Any

from tests.hostile.wire import LONGEST, Wire

STAGES = ("tls",)
PLAIN = True
# What OpenSSL is asked for, and with what beside the session.
OVER = {
    "keys": ("SSL_key_update", 0),
    "keys-both-ways": ("SSL_key_update", 1),
    "tickets": ("SSL_new_session_ticket",),
    "renegotiation": ("SSL_renegotiate",),
}
_LIBRARY = ctypes.CDLL(_ssl.__file__)  # and what it is linked to
_SESSION_AT = object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p)  # in Python's own object
_EACH = 1000  # messages between two looks at what the client says


def misbehave(wire: Wire, what: Any) -> None:
    """Python's module has none of it: OpenSSL is asked itself."""
    name, *more = what
    old = name == "SSL_renegotiate"  # which TLS 1.3 has not
    wire.secure(newest=ssl.TLSVersion.TLSv1_2 if old else ssl.TLSVersion.TLSv1_3)
    wire.request()
    wire.socket.setblocking(False)
    held = wire.socket._sslobj  # type: ignore[attr-defined]
    session = ctypes.c_void_p.from_address(id(held) + _SESSION_AT)
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        for _ in range(_EACH):
            _LIBRARY[name](session, *more)
            if _LIBRARY.SSL_do_handshake(session) <= 0:
                break  # there is no more room
        select.select([], [wire.socket], [], 1.0)
        try:
            if not wire.socket.recv(1 << 16):
                return
        except ssl.SSLWantReadError:
            continue
