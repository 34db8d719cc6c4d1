"""python-socketio's Client as it comes, with what the contract says that its application does."""

import os
import queue
import threading
import time

import requests
import socketio

URL = os.environ["SOCKPROOF_URL"]
AGENT = os.environ["SOCKPROOF_AGENT"]
REPORTS = queue.SimpleQueue()


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
        self.told, self.upon = told, {}
        self.client = socketio.Client(reconnection=told["reconnect"], handle_sigint=False)
        for namespace in told["namespaces"]:
            self.listen(namespace)

    def seen(self, kind, **fields):
        """Report one thing, behind those before it; then what waited for it is done."""
        REPORTS.put((self.told["case"], {"type": kind, **fields}))
        ops = self.upon.pop((kind, fields.get("namespace")), ())
        if ops:
            self.client.start_background_task(self.later, kind, fields["namespace"], ops)

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
        elif name == "do" and args[0]["op"] == "upon":
            self.upon[args[0]["report"], namespace] = args[0]["ops"]
        elif name == "do":  # `call` waits, which the thread that reads must not
            self.client.start_background_task(self.do, namespace, args[0])
        return args if name == "message-with-ack" else None

    def do(self, namespace, asked):
        """What the server asks the application to do."""
        try:
            self.done(asked.get("namespace", namespace), asked)
        except socketio.exceptions.TimeoutError:
            self.seen("ack-timeout", event=asked["event"], asked=asked.get("args", []))
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")

    def done(self, namespace, asked):
        """The same, with whatever the library raises for it."""
        op, event = asked["op"], asked.get("event")
        data = tuple(unpacked(asked.get("args", [])))
        if op == "emit":
            self.client.emit(event, data, namespace=namespace)
        elif op == "emit-with-ack":
            answer = self.client.call(event, data, namespace, asked["timeout_ms"] / 1000)
            several = answer if isinstance(answer, tuple) else (answer,)
            got = [] if answer is None else packed(several)
            self.seen("ack", args=got, event=event, asked=asked.get("args", []))
        elif op == "several":
            for each in asked["ops"]:
                self.do(namespace, each)
        elif op == "close":
            self.client.disconnect()
        else:
            self.seen("unsupported", op=op)

    def later(self, kind, namespace, ops):
        """What is to be done once the application has been told something."""
        while kind == "disconnect" and self.client.connected:  # until its handlers have run
            time.sleep(0.001)
        for op in ops:
            try:
                self.done(namespace, op)
            except socketio.exceptions.BadNamespaceError:
                self.seen("unsupported", op=f"{op['op']} while it is not connected")

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


def report():
    """Post what there is to report, in order."""
    with requests.Session() as session:
        while True:
            number, said = REPORTS.get()
            where = {"agent": AGENT, "case": number}
            session.post(f"{URL}/seen", params=where, json=said, timeout=60)


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


aside(report)
case = None
while (now := told()) is not None:
    if case is not None:
        aside(case.client.shutdown).join(1)
    case = Case(now)
    aside(case.connect)
os._exit(0)  # whatever threads the last client has
