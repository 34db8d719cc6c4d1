"""The server under test, as it is known before the first case."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any

from sockproof.conformance.peers.tls import Trust
from sockproof.conformance.shelf.profile import Profile
from sockproof.wire.url import Address


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test, the same for every case of a run.

    `headers` are the user's own (credentials, cookies) and go with every request; `subprotocols`
    are offered by each WebSocket handshake that is not about subprotocols itself.
    `capabilities` is what the profile declares, or what was found out before the run.
    `trust` says how certificates are judged; `tls` is the context of ordinary connections.
    `ping_interval` and `ping_timeout` (ms) are those that a Socket.IO target announces.
    `room` is how many clients it takes at once, where these are few; `burst` how many events of
    one client; `patience` how many times the limit a case has with one that takes its time for
    each answer.
    """

    address: Address
    profile: Profile = field(default_factory=Profile)
    capabilities: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()
    auth: Any = None
    token: str | None = None
    ping_interval: int = 25_000
    ping_timeout: int = 20_000
    trust: Trust = field(default_factory=Trust)
    tls: ssl.SSLContext | None = None
    thorough: bool = False
    room: int | None = None
    burst: int | None = None
    patience: float = 1.0

    @property
    def has_credentials(self) -> bool:
        """Whether requests carry anything of the user's own."""
        mine = (self.headers, self.auth, self.token, self.address.user, self.address.query)
        return any(mine)
