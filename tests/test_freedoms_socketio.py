"""Nothing that the documents let an Engine.IO or Socket.IO server do is held against it."""

from __future__ import annotations

import re
from pathlib import Path

from tests import freedoms_run

KIND = "socketio"


def test_every_freedom_is_in_a_server() -> None:
    servers = (Path(__file__).parent / "servers").glob("free*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in servers)
    known = set(re.findall(r'"([a-z0-9-]+)"', source))
    known |= {f"has-{transport}-alone" for transport in ("websocket", "polling")}
    switched = {each.switched for each in freedoms_run.freedoms(KIND).values()}
    assert switched - known == set()
