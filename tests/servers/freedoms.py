"""Every freedom of the WebSocket server by its name, as `tests/freedoms/` describes them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.servers import (
    freedoms_clients,
    freedoms_closing,
    freedoms_deflate,
    freedoms_echo,
    freedoms_frames,
    freedoms_handshake,
    freedoms_policy,
    freedoms_speaking,
)
from tests.servers.freedom import Freedoms

SWITCHES = {
    **freedoms_speaking.SWITCHES,
    **freedoms_echo.SWITCHES,
    **freedoms_frames.SWITCHES,
    **freedoms_closing.SWITCHES,
    **freedoms_handshake.SWITCHES,
    **freedoms_policy.SWITCHES,
    **freedoms_clients.SWITCHES,
    **freedoms_deflate.SWITCHES,
}


def together(names: Iterable[str]) -> Freedoms:
    """Freedoms for one server; those of TLS are for what stands in front of it."""
    return Freedoms(SWITCHES[name]() for name in names if name in SWITCHES)
