"""websocket-client as it comes: each message goes back as it came."""

import json
import os

import websocket

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]


def asked(path: str) -> str:
    """The one message that the server says there."""
    socket = websocket.create_connection(f"{URL}/{path}")
    try:
        return str(socket.recv())
    finally:
        socket.close()


def run(path: str, subprotocols: list[str]) -> None:
    """One case, until its connection has ended in whatever way."""
    socket = websocket.WebSocket()
    try:
        socket.connect(f"{URL}/{path}", subprotocols=subprotocols or None)
        while (said := socket.recv_data())[0] != websocket.ABNF.OPCODE_CLOSE:
            opcode, data = said
            socket.send(data, opcode)
    except Exception:
        pass  # whatever the library raises is the end of it
    finally:
        socket.close()  # which does nothing more behind a Close frame of the server
        socket.shutdown()


for number in range(1, int(asked("getCaseCount")) + 1):
    info = json.loads(asked(f"getCaseInfo?case={number}"))
    run(f"runCase?case={number}&agent={AGENT}", info.get("subprotocols", []))
asked(f"updateReports?agent={AGENT}")
