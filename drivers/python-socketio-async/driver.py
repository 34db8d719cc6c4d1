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

    def __init__(self, told, session):
        self.told, self.session, self.order = told, session, asyncio.Lock()
        self.client = socketio.AsyncClient(reconnection=told["reconnect"], handle_sigint=False)
        for namespace in told["namespaces"]:
            self.listen(namespace)

    async def seen(self, kind, **fields):
        """Report one thing, behind those before it."""
        where = {"agent": AGENT, "case": self.told["case"]}
        async with self.order:
            said = {"type": kind, **fields}
            await (await self.session.post(f"{URL}/seen", params=where, json=said)).read()

    def listen(self, namespace):
        """Register the handlers of one namespace."""
        at = {"namespace": namespace}

        async def connected():
            await self.seen("connect", **at)

        async def refused(*data):
            await self.seen("connect_error", data=packed(data), **at)

        async def disconnected(*why):
            await self.seen("disconnect", reason=" ".join(why), **at)

        async def heard(name, *args):
            return await self.heard(namespace, name, args)

        for event, handler in (("connect", connected), ("connect_error", refused)):
            self.client.on(event, handler, **at)
        for event, handler in (("disconnect", disconnected), ("*", heard)):
            self.client.on(event, handler, **at)

    async def heard(self, namespace, name, args):
        """Every event; what it gives back is the acknowledgement."""
        await self.seen("event", namespace=namespace, name=name, args=packed(args))
        if name == "message":
            await self.do(namespace, {"op": "emit", "event": "message-back", "args": packed(args)})
        elif name == "do":  # `call` waits, which the task that reads must not
            self.client.start_background_task(self.do, namespace, *args)
        return args if name == "message-with-ack" else None

    async def do(self, namespace, asked):
        """What the server asks the application to do."""
        op, event, limit = (asked.get(key) for key in ("op", "event", "timeout_ms"))
        try:
            data = tuple(unpacked(asked.get("args", [])))
            if op == "emit":
                await self.client.emit(event, data, namespace=namespace)
            elif op == "emit-with-ack":
                answer = await self.client.call(event, data, namespace, limit / 1000)
                several = answer if isinstance(answer, tuple) else (answer,)
                await self.seen("ack", args=[] if answer is None else packed(several))
            elif op == "close":
                await self.client.disconnect()
            else:
                await self.seen("unsupported", op=op)
        except socketio.exceptions.TimeoutError:
            await self.seen("ack-timeout")
        except Exception as error:
            await self.seen("error", text=f"{type(error).__name__}: {error}")

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
            await self.seen("error", text=f"{type(error).__name__}: {error}")


async def main():
    """All cases in turn, each until the server has judged it."""
    case = None
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:
        while True:
            async with session.get(f"{URL}/next", params={"agent": AGENT}) as said:
                said.raise_for_status()
                if said.status == 204:
                    os._exit(0)  # whatever tasks the last client has
                told = await said.json()
            if case is not None:
                case.connecting.cancel()
                await asyncio.wait([asyncio.create_task(case.client.shutdown())], timeout=1)
            case = Case(told, session)
            case.connecting = asyncio.create_task(case.connect())


asyncio.run(main())
