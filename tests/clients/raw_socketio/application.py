"""The application around our raw client: it does what the client contract says of a driver."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from tests.clients.raw_socketio.http import Answer, Broken, Http
from tests.clients.raw_socketio.session import NOBODY
from tests.clients.raw_socketio.switches import Switches

if TYPE_CHECKING:
    from tests.clients.raw_socketio.namespace import Socket

JSON = dict[str, Any]
KNOWN = ("message", "message-with-ack", "do")


class Application:
    """The handlers of one client, the same in each namespace, and what they report."""

    def __init__(self, reporter: Reporter, switches: Switches) -> None:
        self.reporter = reporter
        self.switches = switches
        self.on = switches.on
        self._last: asyncio.Task[None] | None = None
        self._waiting: dict[tuple[str, str], list[JSON]] = {}  # for a report of a namespace

    def tell(self, kind: str, **fields: Any) -> None:
        """Report something, in its turn."""
        self.reporter.tell({"type": kind, **packed(fields)})

    # What happens to the client.

    def connected(self, socket: Socket) -> None:
        """A namespace is connected."""
        if self.on("tells-no-connects"):
            return
        self.tell("connect", namespace=socket.name)
        if self.on("tells-connects-twice"):
            self.tell("connect", namespace=socket.name)
        self._reported("connect", socket)

    def refused(self, socket: Socket, data: Any) -> None:
        """A namespace could not be connected."""
        on = self.on
        if on("tells-no-connect-errors"):
            return
        if on("tells-a-refusal-as-a-connect"):
            self.tell("connect", namespace=socket.name)
            return
        if on("tells-a-refusal-as-a-disconnect"):
            self.tell("disconnect", namespace=socket.name, reason="refused")
            return
        if on("loses-what-a-refusal-says"):
            data = None
        if on("tells-the-message-of-a-refusal-alone") and isinstance(data, dict):
            data = data.get("message", data)
        namespace = "/" if on("tells-refusals-of-the-root") else socket.name
        self.tell("connect_error", namespace=namespace, data=data)

    def unreachable(self, socket: Socket, text: str) -> None:
        """There is no session at all."""
        on = self.on
        if on("tells-no-failed-attempts"):
            return
        data: Any = text if on("tells-failed-attempts-as-text") else {"message": text}
        self.tell("connect_error", namespace=socket.name, data=data)

    def disconnected(self, socket: Socket, reason: str) -> None:
        """A namespace that was connected is not any more."""
        on = self.on
        if on("tells-no-disconnects"):
            return
        told = reason.upper() if on("has-words-of-its-own-for-reasons") else reason
        told = "gone" if on("has-one-reason") else told
        self.tell(
            "disconnect", namespace=socket.name, reason=None if on("has-no-reasons") else told
        )
        if on("tells-disconnects-twice"):
            self.tell("disconnect", namespace=socket.name, reason=reason)
        self._reported("disconnect", socket)

    def failed(self, text: str) -> None:
        """An exception has reached the application."""
        self.tell("error", text=text)

    def _reported(self, kind: str, socket: Socket) -> None:
        for each in self._waiting.pop((kind, socket.name), ()):
            self._do(socket, each)

    # Events.

    def event(self, socket: Socket, name: str, args: list[Any], number: int | None) -> None:
        """An event has come, with the id of the acknowledgement that it asks for."""
        on = self.on
        heard = args
        if on("hears-the-first-argument-alone"):
            heard = args[:1]
        if on("hears-a-list-for-several-arguments") and len(args) > 1:
            heard = [args]
        if on("hears-no-null-arguments"):
            heard = [each for each in args if each is not None]
        if on("hears-no-events-without-arguments") and not args:
            return
        if name in KNOWN or not on("has-no-catch-all-handler"):
            self.tell("event", namespace=socket.name, name=name, args=heard)
            if on("tells-events-twice"):
                self.tell("event", namespace=socket.name, name=name, args=heard)
        if on("reports-before-it-answers", "handles-events-late"):
            work = self._later(self._last, socket, name, heard, number)
            self._last = socket.client.beside(work)
        else:
            self._react(socket, name, heard, number)

    async def _later(
        self,
        before: asyncio.Task[None] | None,
        socket: Socket,
        name: str,
        args: list[Any],
        number: int | None,
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        if self.on("reports-before-it-answers"):
            await self.reporter.flushed()
        else:
            await asyncio.sleep(0.01)
        self._react(socket, name, args, number)

    def _react(self, socket: Socket, name: str, args: list[Any], number: int | None) -> None:
        on = self.on
        match name:
            case "message":
                socket.emit("message-back", args)
            case "message-with-ack" if number is not None:
                socket.acknowledge(number, args)
            case "do" if args and isinstance(args[0], dict):
                self._do(socket, args[0])
            case _ if on("is-deaf-after-an-event-without-a-handler") and socket.client.session:
                socket.client.session.listener = NOBODY
            case _ if on("acknowledges-events-without-a-handler") and number is not None:
                socket.acknowledge(number, [])
        if on("acknowledges-unasked") and number is None and name != "do":
            socket.acknowledge(0, args)

    def _do(self, socket: Socket, order: JSON) -> None:
        op = order.get("op")
        if self.on(f"has-no-{op}"):
            self.tell("unsupported", op=op)
            return
        match op:
            case "emit":
                socket.emit(order["event"], unpacked(order.get("args", [])))
            case "emit-with-ack":
                args = unpacked(order.get("args", []))
                socket.emit(order["event"], args, (order.get("timeout_ms") or 0) / 1000)
            case "several":
                for each in order["ops"]:
                    where = socket.client.sockets.get(each.get("namespace", socket.name))
                    if where is not None or each["op"] == "connect":
                        self._do(where or socket, each)
            case "upon":
                self._waiting[order["report"], socket.name] = order["ops"]
            case "connect":
                socket.client.connect(order["namespace"])
            case "disconnect":
                socket.disconnect()
            case "close":
                socket.client.closing()
            case _:
                self.tell("unsupported", op=op)

    def acknowledged(self, args: list[Any]) -> None:
        """The acknowledgement of something that was emitted has come."""
        on = self.on
        if on("tells-no-acknowledgements"):
            return
        if on("tells-the-first-argument-of-acknowledgements"):
            args = args[:1]
        self.tell("ack", args=args)
        if on("tells-acknowledgements-twice"):
            self.tell("ack", args=args)

    def unacknowledged(self) -> None:
        """It has not come in time."""
        if not self.on("tells-no-missing-acknowledgements"):
            self.tell("ack-timeout")


class Reporter:
    """Reports of one case on their way to sockproof: in order, one after the other."""

    def __init__(self, http: Http, target: str, switches: Switches) -> None:
        self.http = http
        self.target = target
        self.on = switches.on
        self._reports: asyncio.Queue[JSON] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(self._send())

    def tell(self, report: JSON) -> None:
        """Have this reported."""
        self._reports.put_nowait(report)

    async def _send(self) -> None:
        while True:
            report = await self._reports.get()
            several = [report]
            if self.on("reports-late"):
                await asyncio.sleep(0.03)
                while not self._reports.empty():
                    several.append(self._reports.get_nowait())
            for each in several:
                with contextlib.suppress(Broken):
                    await self._post(each)
                self._reports.task_done()

    async def _post(self, report: JSON) -> Answer:
        blanks = (", ", ": ") if self.on("json-has-blanks") else (",", ":")
        if self.on("reports-say-more"):
            report = {"at": 1.5, **report, "library": "raw"}
        body = json.dumps(report, separators=blanks).encode()
        return await self.http.request(
            "POST", self.target, body, [("Content-Type", "application/json")]
        )

    async def flushed(self) -> None:
        """All that was told has been reported."""
        await self._reports.join()

    async def close(self) -> None:
        """Report what is left."""
        await self.flushed()
        self._task.cancel()
        self.http.close()


def packed(value: Any) -> Any:
    """The value with octets as the contract writes them."""
    if isinstance(value, bytes):
        return {"$bin": list(value)}
    if isinstance(value, dict):
        return {key: packed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [packed(each) for each in value]
    return value


def unpacked(value: Any) -> Any:
    """The value with octets where the contract has written them."""
    if isinstance(value, dict):
        if value.keys() == {"$bin"}:
            return bytes(value["$bin"])
        return {key: unpacked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    return value
