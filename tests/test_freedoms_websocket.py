"""Every freedom of the WebSocket server is described, and every description has its switch."""

from __future__ import annotations

from tests import freedoms_run
from tests.servers import freedoms as switches
from tests.servers import tls

FREEDOMS = freedoms_run.freedoms("websocket")


def test_every_freedom_is_in_a_server_and_described() -> None:
    assert set(FREEDOMS) == {*switches.SWITCHES, *tls.FREEDOMS}
