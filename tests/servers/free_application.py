"""What applications on a Socket.IO server say and do beside what a client asked for.

The target contract binds its own events alone; Socket.IO protocol, revision 5, "Sending and
receiving data", lets both sides say what they like, when they like.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sockproof.wire.socketio import Packet, PacketType
from tests.servers.rooms import Adapter
from tests.servers.socketio_fixture import CAPABILITIES, Answer, Fixture, OperationError, Refused
from tests.servers.socketio_socket import Socket

if TYPE_CHECKING:
    from tests.servers.free_server import FreeServer

CONTRACT = ("message", "message-with-ack", "sockproof", "say", "say-all")
TICK = 0.05  # seconds
LATE = 0.03
LEAST = ("info", "join", "leave", "rooms", "emit", "disconnect", "log")
FEW_ROOMS = 12  # that a client may be in
NAME = 32  # characters of a room's name
REASONS = {
    "client namespace disconnect": "left by itself",
    "server namespace disconnect": "put out",
    "transport close": "gone",
    "ping timeout": "silent for too long",
}
SMALL = {"min": 1, "max": [2, None], "text": "small talk"}


class FreeFixture(Fixture):
    """The contract's handlers in an application that does more."""

    server: FreeServer

    @property
    def freedoms(self) -> frozenset[str]:
        """What is switched on."""
        return self.server.freedoms

    # A socket's life.

    def admit(self, namespace: str, auth: Any) -> None:
        """Raise `Refused` for who may not come in."""
        token = auth.get("token") if isinstance(auth, dict) else None
        wants = "wants-a-token" in self.freedoms or (
            "wants-a-token-in-one-namespace" in self.freedoms and namespace == "/custom"
        )
        if wants and token != "secret":
            raise Refused("not authorized", {"code": 401, "hint": "send a token"})
        super().admit(namespace, auth)

    def connecting(self, socket: Socket) -> None:
        """The connect handler."""
        if not self._is_its_own(socket):
            super().connecting(socket)
        if "has-rooms-of-its-own" in self.freedoms:
            for room in ("lobby", "client:any"):
                self._adapter(socket.namespace).join(socket.sid, room)

    def connected(self, socket: Socket) -> None:
        """CONNECT has been answered; what is said first is as the application likes."""
        adapter = self._adapter(socket.namespace)
        if "greets" in self.freedoms:
            socket.emit("welcome", {"sid": socket.sid, "online": len(adapter.sockets)})
        if "says-several-things-first" in self.freedoms:
            socket.emit("config", SMALL)
            socket.emit("history", [])
            socket.emit("message", "hello")
        if not self._is_its_own(socket):
            super().connected(socket)
        if "sends-the-older-away" in self.freedoms:
            for other in list(adapter.sockets.values()):
                if other is not socket:
                    self.server.disconnect(other)
        if "greets-behind-the-contract" in self.freedoms:
            socket.emit("welcome")
        if "greets-with-octets" in self.freedoms:
            socket.emit("picture", b"\x89PNG", {"thumbnail": b""})
        if "greets-late" in self.freedoms:
            self._later(socket, "news", "something", None)
        if "asks-clients-for-answers" in self.freedoms:
            socket.send(Packet(PacketType.EVENT, socket.namespace, ["time-sync", 1], 900_000))
        if "tells-of-arrivals" in self.freedoms:
            adapter.emit("user joined", [socket.sid], skip=[socket.sid])
        if "tells-rooms-of-arrivals" in self.freedoms:
            for room in adapter.rooms_of(socket.sid):
                adapter.emit("joined", [room, socket.sid], to=[room])

    def _is_its_own(self, socket: Socket) -> bool:
        """Whether the handlers in this namespace are the application's, and not the contract's."""
        return "handles-its-own-events" in self.freedoms and socket.namespace == "/"

    def _later(self, socket: Socket, event: str, *args: Any) -> None:
        async def say() -> None:
            await asyncio.sleep(LATE)
            if socket.connection.sockets.get(socket.namespace) is socket:
                socket.emit(event, *args)

        self.server.run(say())

    def disconnected(self, socket: Socket, reason: str, rooms: list[str]) -> None:
        """A socket is leaving."""
        if "words-reasons-otherwise" in self.freedoms:
            reason = REASONS.get(reason, reason)
        super().disconnected(socket, reason, rooms)
        if "logs-more" in self.freedoms:
            self.log[-1]["at"] = 1.5
            self.log.append({"type": "note", "sid": socket.sid, "namespace": socket.namespace})
        adapter = self._adapter(socket.namespace)
        if "tells-of-departures" in self.freedoms:
            adapter.emit("user left", [socket.sid, reason], skip=[socket.sid])
        if "tells-rooms-of-departures" in self.freedoms:
            for room in rooms:
                adapter.emit("left", [room, socket.sid], to=[room], skip=[socket.sid])

    async def tick(self) -> None:
        """Say something to everyone, again and again."""
        count = 0
        while True:
            await asyncio.sleep(TICK)
            count += 1
            for adapter in list(self.server.adapters.values()):
                if "ticks" in self.freedoms:
                    adapter.emit("tick", [count])
                if "ticks-in-rooms" in self.freedoms:
                    for room in list(adapter.rooms):
                        adapter.emit("room tick", [room, count], to=[room])
                if "ticks-with-octets" in self.freedoms:
                    adapter.emit("frame", [bytes(range(count % 7)), b"\0"])

    # Events.

    def event(self, socket: Socket, name: Any, args: list[Any], number: int | None) -> None:
        """Do what the contract says of an event, and what the application does besides."""
        if "notes-before-it-answers" in self.freedoms:
            socket.emit("noted", str(name))
        if name == "message" and self._is_its_own(socket):
            self._adapter(socket.namespace).emit("chat", [socket.sid, *args])
            return
        super().event(socket, name, args, number)
        if "says-more-behind-its-answers" in self.freedoms:
            socket.emit("delivered", {"name": str(name)})
            socket.emit("stats", 1, 2, 3)
        if "tells-everyone-of-events" in self.freedoms:
            self._adapter(socket.namespace).emit("activity", [socket.sid, str(name)])
        if name in CONTRACT:
            return
        if "answers-strange-events-with-an-error" in self.freedoms:
            socket.emit("error", {"message": f"no event {name}"})
        if "acknowledges-strange-events" in self.freedoms and number is not None:
            socket.acknowledge(number, [{"error": "no such event"}])
        if "puts-out-who-says-strange-events" in self.freedoms:
            self.server.disconnect(socket)

    def _operation(self, socket: Socket, request: Any, number: int | None) -> None:
        if "operates-slowly" in self.freedoms:
            operate = super()._operation
            self.server.soon(socket, lambda: operate(socket, request, number))
            return
        super()._operation(socket, request, number)

    # Operations.

    def _operate(self, socket: Socket, request: Any) -> Answer:
        op = request.get("op") if isinstance(request, dict) else None
        if "wants-a-control-token" in self.freedoms and request.get("token") != "control":
            raise OperationError("the token is wrong")
        if "has-few-operations" in self.freedoms and op not in LEAST:
            raise OperationError("unsupported")
        answer = super()._operate(socket, request)
        if "answers-operations-with-more" in self.freedoms:
            answer = {"took": 0.25, "server": "any", **(answer or {})}
        if "tells-rooms-of-arrivals" in self.freedoms and op == "join":
            for room in request["rooms"]:
                sid = request.get("sid", socket.sid)
                self._adapter(socket.namespace).emit("joined", [room, sid], to=[room])
        if "tells-rooms-of-departures" in self.freedoms and op == "leave":
            for room in request["rooms"]:
                sid = request.get("sid", socket.sid)
                self._adapter(socket.namespace).emit("left", [room, sid], to=[room])
        return answer

    def _op_info(self, socket: Socket, request: dict[str, Any]) -> Answer:
        answer = super()._op_info(socket, request) or {}
        if "has-few-operations" in self.freedoms:
            answer["capabilities"] = list(LEAST)
        if "has-operations-of-its-own" in self.freedoms:
            answer["capabilities"] = ["kick", *CAPABILITIES, "ban", "emit.volatile"]
        if "has-operations-of-its-own" in self.freedoms:
            answer |= {"version": "any", "clients": len(self.server.sessions)}
        return answer

    def _op_join(self, socket: Socket, request: dict[str, Any]) -> Answer:
        adapter, about = self._of(socket, request)
        for room in request["rooms"]:
            self._allow(adapter, about, room)
        return super()._op_join(socket, request)

    def _allow(self, adapter: Adapter, about: Socket, room: Any) -> None:
        strangers = room in adapter.sockets and room != about.sid
        if strangers and "keeps-own-rooms-apart" in self.freedoms:
            raise OperationError("this room is somebody's own")
        if "allows-few-rooms" in self.freedoms and len(adapter.rooms_of(about.sid)) >= FEW_ROOMS:
            raise OperationError("too many rooms")
        named = isinstance(room, str) and 0 < len(room) <= NAME and room.isascii()
        if "allows-plain-names-of-rooms" in self.freedoms and not named:
            raise OperationError("no name for a room")


# Applications that know nothing of the contract.


class PlainApplication(FreeFixture):
    """An application with events of its own."""

    def connected(self, socket: Socket) -> None:
        """CONNECT has been answered."""
        if "is-a-plain-chat-that-greets" in self.freedoms:
            socket.emit("welcome", "Welcome to the chat!")
            self._adapter(socket.namespace).emit("user joined", [], skip=[socket.sid])

    def event(self, socket: Socket, name: Any, args: list[Any], number: int | None) -> None:
        """Do what this application does."""
        adapter = self._adapter(socket.namespace)
        if "is-a-plain-echo" in self.freedoms:
            socket.emit("reply", {"event": name, "args": args})
        elif "acknowledges-everything" in self.freedoms:
            if number is not None:
                socket.acknowledge(number, [{"status": "ok"}])
        elif "refuses-all-events" in self.freedoms:
            socket.emit("error", {"message": "unknown event", "event": name})
        elif "echoes-words-of-its-own" in self.freedoms:
            if name == "message":
                socket.emit("message-back", "you said", *args)
            elif number is not None:
                socket.acknowledge(number, ["received", *args])
        elif name == "chat message" and args:
            adapter.emit("chat message", args[:1])


PLAIN = frozenset(
    {
        "is-a-plain-chat",
        "is-a-plain-chat-that-greets",
        "is-a-plain-echo",
        "acknowledges-everything",
        "refuses-all-events",
        "echoes-words-of-its-own",
    }
)
