"""python-socketio's AsyncClient as it comes, with what the contract says its application does."""

import asyncio
import os

import aiohttp
import socketio

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

    def __init__(self, told, reports):
        self.told, self.reports, self.upon = told, reports, {}
        self.client = socketio.AsyncClient(reconnection=told["reconnect"], handle_sigint=False)
        for namespace in told["namespaces"]:
            self.listen(namespace)

    def seen(self, kind, **fields):
        """Report one thing, behind those before it; then what waited for it is done."""
        self.reports.put_nowait((self.told["case"], {"type": kind, **fields}))
        ops = self.upon.pop((kind, fields.get("namespace")), ())
        if ops:
            self.client.start_background_task(self.later, kind, fields["namespace"], ops)

    def listen(self, namespace):
        """Register the handlers of one namespace."""
        on, at = self.client.on, {"namespace": namespace}

        async def heard(name, *args):
            return await self.heard(namespace, name, args)

        on("connect", lambda: self.seen("connect", **at), **at)
        on("connect_error", lambda *data: self.seen("connect_error", data=packed(data), **at), **at)
        on("disconnect", lambda *why: self.seen("disconnect", reason=" ".join(why), **at), **at)
        on("*", heard, **at)

    async def heard(self, namespace, name, args):
        """Every event; what it gives back is the acknowledgement."""
        self.seen("event", namespace=namespace, name=name, args=packed(args))
        if name == "message":
            await self.do(namespace, {"op": "emit", "event": "message-back", "args": packed(args)})
        elif name == "do" and args[0]["op"] == "upon":
            self.upon[args[0]["report"], namespace] = args[0]["ops"]
        elif name == "do":  # `call` waits, which the task that reads must not
            self.client.start_background_task(self.do, namespace, args[0])
        return args if name == "message-with-ack" else None

    async def do(self, namespace, asked):
        """What the server asks the application to do."""
        try:
            await self.done(asked.get("namespace", namespace), asked)
        except socketio.exceptions.TimeoutError:
            self.seen("ack-timeout", event=asked["event"], asked=asked.get("args", []))
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")

    async def done(self, namespace, asked):
        """The same, with whatever the library raises for it."""
        op, event = asked["op"], asked.get("event")
        data = tuple(unpacked(asked.get("args", [])))
        if op == "emit":
            await self.client.emit(event, data, namespace=namespace)
        elif op == "emit-with-ack":
            answer = await self.client.call(event, data, namespace, asked["timeout_ms"] / 1000)
            several = answer if isinstance(answer, tuple) else (answer,)
            got = [] if answer is None else packed(several)
            self.seen("ack", args=got, event=event, asked=asked.get("args", []))
        elif op == "several":
            for each in asked["ops"]:
                await self.do(namespace, each)
        elif op == "close":
            await self.client.disconnect()
        else:
            self.seen("unsupported", op=op)

    async def later(self, kind, namespace, ops):
        """What is to be done once the application has been told something."""
        if kind == "disconnect":
            await asyncio.sleep(0.05)  # until its handlers have run
        for op in ops:
            try:
                await self.done(namespace, op)
            except socketio.exceptions.BadNamespaceError:
                self.seen("unsupported", op=f"{op['op']} while it is not connected")

    async def connect(self):
        """Connect as it was told to; an error is what the application is told besides."""
        try:
            await self.client.connect(
                URL,
                auth=self.told["auth"],
                transports=self.told["transports"],
                namespaces=self.told["namespaces"],
                socketio_path=self.told["path"],
                wait_timeout=self.told["timeout_ms"] / 1000,
            )
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")


async def report(session, reports):
    """Post what there is to report, in order."""
    while True:
        number, said = await reports.get()
        where = {"agent": AGENT, "case": number}
        async with session.post(f"{URL}/seen", params=where, json=said) as answer:
            await answer.read()


async def main():
    """All cases in turn, each until the server has judged it."""
    case, reports = None, asyncio.Queue()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:
        reporting = asyncio.create_task(report(session, reports))
        while not reporting.done():
            async with session.get(f"{URL}/next", params={"agent": AGENT}) as said:
                said.raise_for_status()
                if said.status == 204:
                    os._exit(0)  # whatever tasks the last client has
                told = await said.json()
            if case is not None:
                case.connecting.cancel()
                await asyncio.wait([asyncio.create_task(case.client.shutdown())], timeout=1)
            case = Case(told, reports)
            case.connecting = asyncio.create_task(case.connect())


asyncio.run(main())
