"""The library websocket-client, driven by lines of JSON on the standard input."""

from __future__ import annotations

import json
import sys
from typing import Any

try:
    import websocket

    MISSING = None
except ImportError as error:
    MISSING = f"pip install websocket-client: {error}"


def carry_out(socket: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Do one thing and give what to tell of it."""
    match command["do"]:
        case "connect":
            socket.connect(
                command["url"],
                timeout=4,
                header=command["headers"],
                subprotocols=command["protocols"] or None,
            )
            return {"status": socket.getstatus()}
        case "echo":
            message = command["message"]
            if isinstance(message, str):
                socket.send(message)
            else:
                socket.send_binary(bytes(message["$bin"]))
            answer = socket.recv()
            return {"message": answer if isinstance(answer, str) else {"$bin": list(answer)}}
        case "close":
            socket.send_close(1000, b"enough")
            opcode, data = socket.recv_data()
            return {"opcode": opcode, "code": int.from_bytes(data[:2], "big")}
    return {}


def main() -> None:
    """Read commands until the end of the input."""
    socket = None if MISSING else websocket.WebSocket()
    for line in sys.stdin:
        command = json.loads(line)
        answer: dict[str, Any]
        try:
            if MISSING is None:
                answer = {"ok": True, **carry_out(socket, command)}
            else:
                answer = {"missing": MISSING}
        except Exception as error:
            answer = {"ok": False, "why": f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": command["id"], **answer}), flush=True)


if __name__ == "__main__":
    main()
