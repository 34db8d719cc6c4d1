"""Every fault and every freedom of the client by its name."""

from __future__ import annotations

from tests.clients.raw_websocket import faults, freedoms
from tests.clients.raw_websocket.switching import Mixin

FAULTS: dict[str, dict[str, Mixin]] = {  # by the file that describes them
    name: getattr(faults, name).FAULTS for name in faults.__all__
}
FREEDOMS: dict[str, dict[str, Mixin]] = {
    name: getattr(freedoms, name).FREEDOMS for name in freedoms.__all__
}
