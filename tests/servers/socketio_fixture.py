"""What the events of the target contract do on our server."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

from tests.servers import bystander_faults, lifecycle_faults
from tests.servers.rooms import Adapter
from tests.servers.socketio_socket import Socket

if TYPE_CHECKING:
    from tests.servers.socketio_server import SocketIOServer

KEPT_LOG = 10_000
CAPABILITIES = [
    *("info", "join", "leave", "rooms", "members", "send", "close_room", "call", "disconnect"),
    *("emit", "emit.skip", "emit.skip_self", "emit.except"),
    *("session_set", "session_get", "log", "say", "say-all"),
]

MISTAKES = (KeyError, TypeError, AttributeError, ValueError)  # what a wrong request leads to

Answer = dict[str, Any] | None


class Refused(Exception):
    """A CONNECT that is refused; `payload` is what the CONNECT_ERROR holds."""

    def __init__(self, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.payload = {"message": message} if data is None else {"message": message, "data": data}


class OperationError(Exception):
    """An operation that cannot be done; the message is its answer's `error`."""


class Fixture:
    """The contract's handlers."""

    def __init__(self, server: SocketIOServer) -> None:
        self.server = server
        self.fault = server.fault
        self.log: deque[dict[str, Any]] = deque(maxlen=KEPT_LOG)

    # A socket's life.

    def admit(self, namespace: str, auth: Any) -> None:
        """Raise `Refused` where `/reject` is asked to."""
        mode = auth.get("mode") if isinstance(auth, dict) else None
        if namespace != "/reject":
            return
        if mode == "message":
            raise Refused("go away" if self.fault == "refuses-with-another-message" else "no entry")
        if mode == "data":
            data = None if self.fault == "refuses-without-data" else {"code": 7}
            raise Refused("no entry", data)
        if mode in ("false", "raise") and self.fault != "accepts-whose-handler-fails":
            raise Refused("Connection refused")

    def connecting(self, socket: Socket) -> None:
        """The connect handler: rooms that it joins are joined before CONNECT is answered."""
        entry = {"type": "connect", "namespace": socket.namespace, "sid": socket.sid}
        self.log.extend(lifecycle_faults.logged(self, {**entry, "auth": socket.auth}))
        if self.fault == "forgets-rooms-of-the-connect-handler":
            return
        rooms = socket.auth.get("join") if isinstance(socket.auth, dict) else None
        for room in rooms or ():
            self._adapter(socket.namespace).join(socket.sid, room)

    def connected(self, socket: Socket) -> None:
        """CONNECT has been answered."""
        auth = None if self.fault == "loses-auth" else socket.auth
        if self.fault == "null-for-no-auth" and auth is None:
            socket.emit("auth", None)
            return
        socket.emit("auth", {} if auth is None else auth)

    def disconnected(self, socket: Socket, reason: str, rooms: list[str]) -> None:
        """A socket is leaving; `rooms` are those it was in."""
        entry = {"type": "disconnect", "namespace": socket.namespace, "sid": socket.sid}
        self.log.extend(lifecycle_faults.logged(self, {**entry, "reason": reason, "rooms": rooms}))

    # Events.

    def event(self, socket: Socket, name: Any, args: list[Any], number: int | None) -> None:
        """Do what the contract says of an event; one that it does not know has no handler."""
        adapter = self._adapter(socket.namespace)
        match name:
            case "message":
                socket.emit("message-back", *args)
                bystander_faults.answered(adapter, socket, args)
            case "message-with-ack" if number is not None:
                socket.acknowledge(number, args)
            case "message-with-ack" if self.fault == "acks-unasked":
                socket.acknowledge(0, args)
            case "sockproof":
                self._operation(socket, args[0] if args else None, number)
            case "say" if len(args) == 2:
                adapter.emit("said", args, to=[args[0]])
                if number is not None:
                    socket.acknowledge(number, [])
            case "say-all" if len(args) == 1:
                adapter.emit("said", [None, *args])
                if number is not None:
                    socket.acknowledge(number, [])

    # Operations.

    def _operation(self, socket: Socket, request: Any, number: int | None) -> None:
        """Do an operation at once, but for a call, which waits for the client beside the rest."""
        if isinstance(request, dict) and request.get("op") == "call":
            self.server.run(self._call(socket, request, number))
            return
        try:
            answer = {"ok": True, **(self._operate(socket, request) or {})}
        except (OperationError, *MISTAKES) as error:
            answer = _failed(error)
        if number is not None:
            socket.acknowledge(number, [answer])

    def _operate(self, socket: Socket, request: Any) -> Answer:
        if not isinstance(request, dict) or not isinstance(request.get("op"), str):
            raise OperationError("one object with op is expected")
        operation = getattr(self, f"_op_{request['op']}", None)
        if operation is None:
            raise OperationError("unsupported")
        answer: Answer = operation(socket, request)
        return answer

    def _adapter(self, namespace: str) -> Adapter:
        adapter = self.server.adapters.get(namespace)
        if adapter is None:
            raise OperationError("no such namespace")
        return adapter

    def _of(self, socket: Socket, request: dict[str, Any]) -> tuple[Adapter, Socket]:
        """The adapter and the socket that a request is about: the caller's unless it says so."""
        adapter = self._adapter(request.get("namespace", socket.namespace))
        about = adapter.sockets.get(request.get("sid", socket.sid))
        if about is None:
            raise OperationError("no such sid")
        return adapter, about

    def _op_info(self, socket: Socket, request: dict[str, Any]) -> Answer:
        del request
        return {
            "sid": socket.sid,
            "namespace": socket.namespace,
            "transport": socket.connection.session.transport,
            "process": f"{os.getpid()}-{socket.connection.process}",
            "capabilities": CAPABILITIES,
        }

    def _op_join(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter, about = self._of(socket, request)
        for room in request["rooms"]:
            adapter.join(about.sid, room)
        return None

    def _op_leave(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter, about = self._of(socket, request)
        rooms = request["rooms"]
        if self.fault == "leaves-one-room-at-a-time":
            rooms = rooms[:1]
        for room in rooms:
            adapter.leave(about.sid, room)
        return None

    def _op_rooms(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter = self._adapter(request.get("namespace", socket.namespace))
        rooms = adapter.rooms_of(request.get("sid", socket.sid))  # none of a socket that has gone
        return {"rooms": sorted(map(str, rooms))}

    def _op_members(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter = self._adapter(request.get("namespace", socket.namespace))
        return {"sids": adapter.members(request["room"])}

    def _op_emit(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter = self._adapter(request.get("namespace", socket.namespace))
        skip = list(request.get("skip", ()))
        if request.get("skip_self"):
            skip.append(socket.sid)
        indices = list(range(request.get("count", 1)))
        if self.fault == "emits-in-another-order" and len(indices) == 20:
            indices.reverse()
        for index in indices:
            args = decoded(request.get("args", []))
            if request.get("sequence"):
                args = [*args, index]
            if self.fault == "sender-hears-itself" and args == ["from outside"]:
                socket.emit(request["event"], *args)
            if self.fault == "rooms-span-namespaces" and args == ["in the main one"]:
                self._adapter("/custom").emit(request["event"], args, request.get("to"))
            adapter.emit(request["event"], args, request.get("to"), request.get("except", ()), skip)
        return None

    def _op_send(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter = self._adapter(request.get("namespace", socket.namespace))
        event = "msg" if self.fault == "send-has-another-name" else "message"
        adapter.emit(event, decoded(request.get("args", [])), request.get("to"))
        return None

    def _op_close_room(self, socket: Socket, request: dict[str, Any]) -> Answer:
        self._adapter(request.get("namespace", socket.namespace)).close_room(request["room"])
        return None

    def _op_disconnect(self, socket: Socket, request: dict[str, Any]) -> Answer:
        _, about = self._of(socket, request)
        self.server.disconnect(about)
        return None

    def _op_session_set(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter, about = self._of(socket, request)
        sharing = [about]
        if self.fault == "shares-sessions-between-clients":
            sharing = list(adapter.sockets.values())
        if self.fault == "shares-sessions-between-namespaces":
            sharing = list(about.connection.sockets.values())
        for each in sharing:
            each.data = request["data"]
        about.session_of = about.connection.session.transport
        return None

    def _op_session_get(self, socket: Socket, request: dict[str, Any]) -> Answer:
        _, about = self._of(socket, request)
        changed = about.session_of not in ("", about.connection.session.transport)
        if changed and self.fault == "forgets-sessions-at-upgrades":
            about.data = {}
        if self.fault == "empties-sessions-that-were-read":
            about.data, data = {}, about.data
            return {"data": data}
        return {"data": about.data}

    def _op_log(self, socket: Socket, request: dict[str, Any]) -> Answer:
        wanted = request.get("sid", socket.sid)
        return {"entries": [entry for entry in self.log if entry["sid"] == wanted]}

    async def _call(self, socket: Socket, request: dict[str, Any], number: int | None) -> None:
        try:
            _, about = self._of(socket, request)
            args = decoded(request.get("args", []))
            result = await about.call(request["event"], args, request.get("timeout", 1))
            afar = about.connection.process != socket.connection.process
            if afar and self.fault == "spoils-answers-between-processes":
                result = result[:1]
            answer = {"ok": True, "result": encoded(result)}
        except TimeoutError:
            answer = {"ok": True, "timeout": True}
        except (OperationError, *MISTAKES) as error:
            answer = _failed(error)
        if number is not None:
            socket.acknowledge(number, [answer])


def _failed(error: Exception) -> dict[str, Any]:
    known = isinstance(error, OperationError)
    return {"ok": False, "error": str(error) if known else f"{type(error).__name__}: {error}"}


def decoded(value: Any) -> Any:
    """`value` with every `{"$bin": [octets]}` turned into octets."""
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes(value["$bin"])
        return {key: decoded(item) for key, item in value.items()}
    return [decoded(item) for item in value] if isinstance(value, list) else value


def encoded(value: Any) -> Any:
    """`value` with all octets turned into `{"$bin": [octets]}`."""
    if isinstance(value, bytes):
        return {"$bin": list(value)}
    if isinstance(value, dict):
        return {key: encoded(item) for key, item in value.items()}
    return [encoded(item) for item in value] if isinstance(value, list) else value
