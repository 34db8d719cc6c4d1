"""python-socketio's SimpleClient, which has one namespace and no handlers, as it comes."""

import os
import threading

import requests
import socketio
from socketio import exceptions

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]


def packed(value):
    """`value` with octets as JSON has them."""
    if isinstance(value, bytes | bytearray):
        return {"$bin": list(value)}
    if isinstance(value, dict):
        return {key: packed(item) for key, item in value.items()}
    return [packed(item) for item in value] if isinstance(value, list | tuple) else value


def unpacked(value):
    """`value` with octets as Python has them."""
    if isinstance(value, dict):
        kept = value.get("$bin") if len(value) == 1 else None
        return bytes(kept) if kept is not None else {k: unpacked(v) for k, v in value.items()}
    return [unpacked(item) for item in value] if isinstance(value, list) else value


class Case:
    """One case: a client, and what its application hears and does."""

    def __init__(self, told):
        self.told, self.at = told, {"namespace": told["namespaces"][0]}
        self.client = socketio.SimpleClient(reconnection=told["reconnect"], handle_sigint=False)

    def seen(self, kind, **fields):
        """Report one thing; all of them are of one thread."""
        where = {"agent": AGENT, "case": self.told["case"]}
        requests.post(f"{URL}/seen", params=where, json={"type": kind, **fields}, timeout=60)

    def do(self, asked):
        """What the server asks the application to do."""
        op, event, limit = (asked.get(key) for key in ("op", "event", "timeout_ms"))
        data = tuple(unpacked(asked.get("args", [])))
        if op == "emit":
            self.client.emit(event, data)
        elif op == "emit-with-ack":
            try:
                answer = self.client.call(event, data, timeout=limit / 1000)
            except exceptions.TimeoutError:
                return self.seen("ack-timeout")
            several = answer if isinstance(answer, tuple) else (answer,)
            self.seen("ack", args=[] if answer is None else packed(several))
        elif op == "close":
            self.client.disconnect()
        else:
            self.seen("unsupported", op=op)
        return None

    def run(self):
        """Connect as it was told to, and go on until the client says that it is over."""
        names = ("auth", "transports")
        if len(self.told["namespaces"]) > 1:
            self.seen("unsupported", op="several namespaces")
            return
        try:
            self.client.connect(
                URL,
                **{name: self.told[name] for name in names},
                **self.at,
                socketio_path=self.told["path"],
                wait_timeout=self.told["timeout_ms"] / 1000,
            )
            self.seen("connect", **self.at)
            while True:
                name, *args = self.client.receive()
                self.seen("event", name=name, args=packed(args), **self.at)
                if name == "message":
                    self.client.emit("message-back", tuple(args))
                elif name == "message-with-ack":
                    self.seen("unsupported", op=name)  # the library acknowledges, with nothing
                elif name == "do":
                    self.do(*args)
        except exceptions.ConnectionError as error:
            self.seen("connect_error", data=str(error), **self.at)
        except exceptions.DisconnectedError:
            self.seen("disconnect", reason="", **self.at)
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")


def aside(target):
    """Run it in a thread which may wait for a server as long as it likes."""
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def told():
    """What the server tells of the next case, None when there is none left."""
    said = requests.get(f"{URL}/next", params={"agent": AGENT}, timeout=None)
    said.raise_for_status()
    return said.json() if said.status_code == 200 else None


case = None
while (now := told()) is not None:
    if case is not None:
        aside(case.client.disconnect).join(1)
    case = Case(now)
    aside(case.run)
os._exit(0)  # whatever threads the last client has
