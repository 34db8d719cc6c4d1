"""A Socket.IO server whose word is not to be taken: it rewrites stamps, answers what nobody asked,
holds everything back, or breaks connections.

What it does it does a known number of times; `done` counts them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sockproof.wire import engineio, stamp
from sockproof.wire.websocket import Frame
from tests.servers.engineio_session import Session
from tests.servers.socketio_socket import Socket
from tests.servers.unfaithful import HONEST, UnfaithfulServer

STAMPS = ("forges-times", "forges-all")
ANSWERS = {
    "acks-what-nobody-asked": "stray_acks",
    "acks-before-it-was-asked": "early_acks",
    "acks-twice": "doubled_acks",
    "acks-with-the-number-of-another": "foreign_acks",
}
FAR = 90_000  # beyond the numbers that a connection gives in a short run


class UntrustworthyServer(UnfaithfulServer):
    """Does its misdeed to every n-th delivery or message."""

    def __init__(self, misdeed: str, every: int = 7, delay: float = 0.0) -> None:
        super().__init__(None, every, delay)
        self.bad = misdeed
        self.said = 0
        self.held: list[Callable[[], None]] = []

    def _event(self, socket: Socket, name: str, args: list[Any], number: int | None) -> None:
        if name != "say":
            self._honest(socket, name, args, number)
            return
        self.said += 1
        self._deliver_to_all(socket, args)
        if number is not None:
            self._confirm(socket, number)

    def _deliver_to_all(self, socket: Socket, args: list[Any]) -> None:
        adapter = self.adapters[socket.namespace]
        for sid in sorted(adapter.rooms.get(args[0], ())):
            self._deliver(socket, adapter.sockets[sid], args)

    def _deliver(self, sender: Socket, receiver: Socket, args: list[Any]) -> None:
        self.deliveries += 1
        due = self.deliveries > HONEST and self.deliveries % self.every == 0
        if self.bad in STAMPS and due:
            self.done += 1
            args = [args[0], self._forged(args[1])]
        if self.bad == "holds-everything":
            self.done += 1
            self.held.append(lambda: self._say(receiver, args))
        else:
            self._say(receiver, args)

    def _forged(self, text: str) -> str:
        """With a right check: it left when it came, and perhaps it said something else."""
        found = stamp.find(text.encode())
        assert found is not None
        body = text[stamp.LENGTH :]
        if self.bad == "forges-all":
            body = body[:-1] + "!"
        time = found.intended_ns + int(self.delay * 1e9)
        return stamp.encode(found.run, found.sender, found.sequence, time, time, body) + body

    # Acknowledgements.

    def _confirm(self, socket: Socket, number: int) -> None:
        due = self.said % self.every == 0
        match self.bad:
            case "never-acks":
                self.done += 1
                return
            case "holds-everything":
                self.held.append(lambda: socket.acknowledge(number, []))
                return
            case "breaks-connections":
                self.done += 1
                self._break(socket.connection.session)
                return
            case "acks-what-nobody-asked" if due:
                self.done += 1
                socket.acknowledge(number + FAR, [])
            case "acks-before-it-was-asked" if due:
                self.done += 1
                socket.acknowledge(number + 1, [])
            case "acks-twice" if due:
                self.done += 1
                socket.acknowledge(number, [])
            case "acks-with-the-number-of-another" if due:
                self.done += 1
                sockets = self.adapters[socket.namespace].sockets
                other = next(each for each in sockets.values() if each is not socket)
                other.acknowledge(number, [])
        socket.acknowledge(number, [])

    def _break(self, session: Session) -> None:
        """A frame, or a packet, of a type that there is not."""
        if session.websocket is not None:
            session.websocket.frame(Frame(3, b"?"))
        else:
            session.send(engineio.Packet(7, "?"))  # type: ignore[arg-type]

    def _left(self, socket: Socket, reason: str) -> None:
        held, self.held = self.held, []
        for each in held:
            each()
        super()._left(socket, reason)


class LateServer(UnfaithfulServer):
    """An honest one, whose last message to each comes late, behind a silence."""

    def __init__(self, last: int, seconds: float) -> None:
        super().__init__(None)
        self._last = last
        self._seconds = seconds

    def _say(self, receiver: Socket, args: list[Any]) -> None:
        found = stamp.find(args[1].encode())
        assert found is not None
        if found.sequence == self._last:
            self.done += 1
            loop = asyncio.get_running_loop()
            loop.call_later(self._seconds, receiver.emit, "said", *args)
        else:
            receiver.emit("said", *args)
