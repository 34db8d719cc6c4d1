"""The scheme of websocket-client's compliance script, written anew from its documentation.

It knows nothing of sockproof: cases are counted, run by their numbers, and reported at the end.
"""

import sys

import websocket

SERVER = f"ws://127.0.0.1:{sys.argv[1]}"
AGENT = "websocket-client-compliance"


def main() -> None:
    """Count the cases, echo each, and have the reports written."""
    socket = websocket.create_connection(f"{SERVER}/getCaseCount")
    count = int(socket.recv())
    socket.close()
    for case in range(1, count + 1):
        try:
            socket = websocket.create_connection(f"{SERVER}/runCase?case={case}&agent={AGENT}")
            while True:
                opcode, message = socket.recv_data()
                if opcode == websocket.ABNF.OPCODE_TEXT:
                    message.decode("utf-8")
                if opcode in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
                    socket.send(message, opcode)
        except (UnicodeDecodeError, websocket.WebSocketException, OSError):
            pass
        finally:
            socket.close()
    socket = websocket.create_connection(f"{SERVER}/updateReports?agent={AGENT}")
    socket.close()


main()
