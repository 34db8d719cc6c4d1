"""python-socketio's AsyncClient as it comes, with what the contract says its application does."""

import asyncio

import socketio
from contract import URL, listed, next_case, options, report, unpacked


class Case:
    """One case: a client, and what its application hears and does."""

    def __init__(self, told):
        self.told, self.upon = told, {}
        self.client = socketio.AsyncClient(reconnection=told["reconnect"], handle_sigint=False)
        for namespace in told["namespaces"]:
            self.listen(namespace)

    def listen(self, namespace):
        """Register the handlers of one namespace."""
        on, at = self.client.on, {"namespace": namespace}
        on("connect", lambda: self.seen("connect", **at), **at)
        on("connect_error", lambda *data: self.seen("connect_error", data=data, **at), **at)
        on("disconnect", lambda *why: self.seen("disconnect", reason=" ".join(why), **at), **at)

        async def heard(name, *args):
            return await self.heard(namespace, name, args)

        on("*", heard, **at)

    async def connect(self):
        """Connect as it was told to; an error is what the application is told besides."""
        try:
            await self.client.connect(URL, namespaces=self.told["namespaces"], **options(self.told))
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")

    def seen(self, kind, **fields):
        """Report it; then what waited for it is done."""
        report(self.told["case"], kind, **fields)
        ops = self.upon.pop((kind, fields.get("namespace")), ())
        if ops:
            self.client.start_background_task(self.later, kind, fields["namespace"], ops)

    async def later(self, kind, namespace, ops):
        """Do it; behind the end of the connection, once all its handlers have run."""
        while kind == "disconnect" and self.client.connected:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await self.do(namespace, {"op": "several", "ops": ops})

    async def heard(self, namespace, name, args):
        """Every event; what it gives back is the acknowledgement."""
        self.seen("event", namespace=namespace, name=name, args=args)
        if name == "message":
            await self.do(namespace, {"op": "emit", "event": "message-back", "args": args})
        elif name == "do":
            asked = unpacked(args[0])
            if asked["op"] == "upon":
                self.upon[asked["report"], namespace] = asked["ops"]
            else:  # `call` waits, which the task that reads must not
                self.client.start_background_task(self.do, namespace, asked)
        return args if name == "message-with-ack" else None

    async def do(self, here, asked):
        """What the server asks the application to do."""
        event, args = asked.get("event"), tuple(asked.get("args", ()))
        at = asked.get("namespace", here)
        try:
            match asked["op"]:
                case "emit":
                    await self.client.emit(event, args, at)
                case "emit-with-ack":
                    answer = await self.client.call(event, args, at, asked["timeout_ms"] / 1000)
                    self.seen("ack", args=listed(answer), asked=args)
                case "several":
                    for each in asked["ops"]:
                        await self.do(here, each)
                case "close":
                    await self.client.disconnect()
                case unknown:
                    self.seen("unsupported", op=unknown)
        except socketio.exceptions.TimeoutError:
            self.seen("ack-timeout")
        except Exception as error:
            self.seen("error", text=f"{type(error).__name__}: {error}")


async def main():
    """All cases in turn, each until the server has judged it."""
    case = None
    while told := await asyncio.to_thread(next_case):
        if case is not None:
            case.connecting.cancel()
            await asyncio.wait([asyncio.create_task(case.client.shutdown())], timeout=1)
        case = Case(told)
        case.connecting = asyncio.create_task(case.connect())


asyncio.run(main())
