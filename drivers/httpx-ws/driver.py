"""httpx-ws, which is wsproto under httpx, as it comes: each message goes back as it came."""

import json
import os

import httpx
from httpx_ws import HTTPXWSException, connect_ws
from wsproto.events import BytesMessage, TextMessage

URL = os.environ["SOCKPROOF_URL"].replace("ws", "http", 1)
AGENT = os.environ["SOCKPROOF_AGENT"]
LARGEST = 64 * 1024 * 1024  # octets
SILENCE = 20.0  # seconds; the thread that reads may have died, which nobody is told


def asked(client: httpx.Client, path: str) -> str:
    """The one message that the server says there."""
    with connect_ws(f"{URL}/{path}", client) as socket:
        return socket.receive_text()


def run(client: httpx.Client, path: str, subprotocols: list[str]) -> None:
    """One case, until its connection has ended in whatever way."""
    try:
        with connect_ws(
            f"{URL}/{path}",
            client,
            subprotocols=subprotocols or None,
            max_message_size_bytes=LARGEST,
        ) as socket:
            while True:
                event = socket.receive(SILENCE)
                if isinstance(event, TextMessage):
                    socket.send_text(event.data)
                elif isinstance(event, BytesMessage):
                    socket.send_bytes(bytes(event.data))
    except Exception:
        pass  # whatever the library raises is the end of it


with httpx.Client(trust_env=False) as client:
    for number in range(1, int(asked(client, "getCaseCount")) + 1):
        info = json.loads(asked(client, f"getCaseInfo?case={number}"))
        run(client, f"runCase?case={number}&agent={AGENT}", info.get("subprotocols", []))
    try:
        asked(client, f"updateReports?agent={AGENT}")
    except HTTPXWSException:
        pass  # it says nothing, and closes
