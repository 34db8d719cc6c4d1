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
from typing import Any

from sockproof.errors import WrongInput
from sockproof.files import read_toml

WEBSOCKET_CAPABILITIES = frozenset(
    {
        "echo",
        "binary",
        "push",
        "server-close",
        "subprotocols",
        "permessage-deflate",
        "headers",
        "tls",
    }
)
REFUSALS = frozenset({"refuses-binary", "refuses-text"})  # by closing, as a policy
SOCKETIO_CAPABILITIES = frozenset({"unsticky"})  # all others are found out
LIMITS = frozenset({"max_message", "max_fragments", "max_header_octets", "max_pending_pings"})


class ProfileError(WrongInput):
    """A profile that cannot be used; the message is one line."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is declared of a target. `capabilities` is None where the server is to be asked."""

    capabilities: frozenset[str] | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    secret_query: frozenset[str] = frozenset()
    path: str = "/socket.io/"
    namespace: str = "/"


def load_profile(path: Path) -> Profile:
    """Read a profile file; raises `ProfileError` and `FileError`."""
    tables = read_toml(path)
    if not isinstance(tables.get("profile"), dict):
        raise ProfileError(f"{path}: there is no table [profile]")
    return parse_profile(tables["profile"], str(path))


def parse_profile(table: Mapping[str, Any], where: str) -> Profile:
    """A profile from its table; raises `ProfileError` naming the key that is wrong."""
    known = {"capabilities", "limits", "secret_query", "path", "namespace"}
    for key in table:
        if key not in known:
            raise ProfileError(f"{where}: [profile] has no key {key!r}; it knows {_list(known)}")
    capabilities = _strings(table, "capabilities", where)
    if capabilities is not None:
        possible = WEBSOCKET_CAPABILITIES | SOCKETIO_CAPABILITIES | REFUSALS
        for name in capabilities - possible:
            raise ProfileError(f"{where}: no capability {name!r}; there are {_list(possible)}")
        if "echo" in capabilities and "refuses-binary" not in capabilities:
            capabilities |= {"binary"}
    limits = table.get("limits", {})
    if not isinstance(limits, dict):
        raise ProfileError(f"{where}: `limits` must be a table")
    for name, value in limits.items():
        if name not in LIMITS:
            raise ProfileError(f"{where}: no limit {name!r}; there are {_list(LIMITS)}")
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise ProfileError(f"{where}: the limit {name} must be a positive whole number")
    for key in ("path", "namespace"):
        value = table.get(key, "/")
        if not isinstance(value, str) or not value.startswith("/"):
            raise ProfileError(f"{where}: {key} must be a string that begins with a slash")
    return Profile(
        capabilities=capabilities,
        limits=dict(limits),
        secret_query=_strings(table, "secret_query", where) or frozenset(),
        path=table.get("path", "/socket.io/"),
        namespace=table.get("namespace", "/"),
    )


def _strings(table: Mapping[str, Any], key: str, where: str) -> frozenset[str] | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProfileError(f"{where}: {key} must be a list of strings")
    return frozenset(value)


def _list(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names))
