"""tungstenite (Rust) under wreq: each message goes back as it came."""

import json
import os

from wreq import blocking

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]


def asked(path: str) -> str:
    """The one message that the server says there."""
    socket = blocking.websocket(f"{URL}/{path}")
    message = socket.recv()
    socket.recv()  # the Close
    return str(message.text) if message else ""


def run(path: str, subprotocols: list[str]) -> None:
    """One case, until its connection has ended in whatever way."""
    offer = {"protocols": subprotocols} if subprotocols else {}
    try:
        with blocking.websocket(f"{URL}/{path}", **offer) as socket:
            while (message := socket.recv()) is not None:
                if message.text is not None or message.binary is not None:
                    socket.send(message)
    except Exception:
        pass  # whatever the library raises is the end of it


for number in range(1, int(asked("getCaseCount")) + 1):
    info = json.loads(asked(f"getCaseInfo?case={number}"))
    run(f"runCase?case={number}&agent={AGENT}", info.get("subprotocols", []))
asked(f"updateReports?agent={AGENT}")
