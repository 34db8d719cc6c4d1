"""A target's profile: what it offers, where, and within which limits.

A profile is a TOML file, or the same tables inside a `target.toml`:

    [profile]
    capabilities = ["echo", "push"]     # what a WebSocket target offers beyond the handshake;
                                        # ["unsticky"]: Socket.IO processes without sticky sessions
    secret_query = ["access_token"]     # query parameters whose values logs must not show
    path = "/socket.io/"                # where Socket.IO answers
    namespace = "/"

    [profile.limits]
    max_message = 1048576               # octets; a refusal beyond is right, below a failure
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import msgspec

from sockproof.formats import tables
from sockproof.formats.reading import read_table

WEBSOCKET_CAPABILITIES = frozenset[str](get_args(tables.WebSocketCapability))


@dataclass(frozen=True, slots=True)
class Profile:
    """What is declared of a target. `capabilities` is None where the server is to be asked."""

    capabilities: frozenset[str] | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    secret_query: frozenset[str] = frozenset()
    path: str = "/socket.io/"
    namespace: str = "/"


def load_profile(path: Path) -> Profile:
    """Read a profile file; raises `FileError`."""
    return profile_of(read_table(path, tables.ProfileFile).profile)


def profile_of(declared: tables.Profile) -> Profile:
    """The profile that a table declares."""
    capabilities = None
    if declared.capabilities is not None:
        capabilities = frozenset(map(str, declared.capabilities))
        if "echo" in capabilities and "refuses-binary" not in capabilities:
            capabilities |= {"binary"}
    limits = msgspec.structs.asdict(declared.limits)
    return Profile(
        capabilities=capabilities,
        limits={name: value for name, value in limits.items() if value is not None},
        secret_query=frozenset(declared.secret_query),
        path=declared.path,
        namespace=declared.namespace,
    )
