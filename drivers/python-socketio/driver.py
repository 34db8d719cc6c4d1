"""python-socketio's Client as it comes, with what the contract says that its application does."""

import os
import threading

import requests
import socketio

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]
LOCK = threading.Lock()


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
        self.told = told
        self.client = socketio.Client(reconnection=told["reconnect"], handle_sigint=False)
        for namespace in told["namespaces"]:
            self.listen(namespace)

    def seen(self, kind, **fields):
        """Report one thing, behind those before it."""
        where = {"agent": AGENT, "case": self.told["case"]}
        with LOCK:
            requests.post(f"{URL}/seen", params=where, json={"type": kind, **fields}, timeout=60)

    def listen(self, namespace):
        """Register the handlers of one namespace."""
        on, at = self.client.on, {"namespace": namespace}
        on("connect", lambda: self.seen("connect", **at), **at)
        on("connect_error", lambda *data: self.seen("connect_error", data=packed(data), **at), **at)
        on("disconnect", lambda *why: self.seen("disconnect", reason=" ".join(why), **at), **at)
        on("*", lambda name, *args: self.heard(namespace, name, args), **at)

    def heard(self, namespace, name, args):
        """Every event; what it gives back is the acknowledgement."""
        self.seen("event", namespace=namespace, name=name, args=packed(args))
        if name == "message":
            self.do(namespace, {"op": "emit", "event": "message-back", "args": packed(args)})
        elif name == "do":  # `call` waits, which the thread that reads must not
            self.client.start_background_task(self.do, namespace, *args)
        return args if name == "message-with-ack" else None

    def do(self, namespace, asked):
        """What the server asks the application to do."""
        op, event, limit = (asked.get(key) for key in ("op", "event", "timeout_ms"))
        try:
            data = tuple(unpacked(asked.get("args", [])))
            if op == "emit":
                self.client.emit(event, data, namespace=namespace)
            elif op == "emit-with-ack":
                answer = self.client.call(event, data, namespace, limit / 1000)
                several = answer if isinstance(answer, tuple) else (answer,)
                self.seen("ack", args=[] if answer is None else packed(several))
            elif op == "close":
                self.client.disconnect()
            else:
                self.seen("unsupported", op=op)
        except socketio.exceptions.TimeoutError:
            self.seen("ack-timeout")
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")

    def connect(self):
        """Connect as it was told to; an error is what the application is told besides."""
        try:
            self.client.connect(
                URL,
                auth=self.told["auth"],
                transports=self.told["transports"],
                namespaces=self.told["namespaces"],
                socketio_path=self.told["path"],
                wait_timeout=self.told["timeout_ms"] / 1000,
            )
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
        aside(case.client.shutdown).join(1)
    case = Case(now)
    aside(case.connect)
os._exit(0)  # whatever threads the last client has
