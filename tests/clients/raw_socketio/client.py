"""A Socket.IO client: one session after the other, and namespaces over them.

Socket.IO protocol, revision 5, and Socket.IO's documentation for clients: `ManagerOptions`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

from tests.clients.raw_socketio import packets as codec
from tests.clients.raw_socketio.application import Application
from tests.clients.raw_socketio.namespace import BY_CLIENT, Socket
from tests.clients.raw_socketio.packets import (
    BINARY_EVENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    Decoder,
    Message,
    Packet,
)
from tests.clients.raw_socketio.session import NOBODY, Refused, Session, Where
from tests.clients.raw_socketio.switches import Switches

JSON = dict[str, Any]
DELAY, LONGEST = 0.1, 1.0  # seconds until the first attempt to reconnect, and until a late one


class Client:
    """A client as an application makes it."""

    def __init__(
        self, where: Where, task: JSON, application: Application, switches: Switches
    ) -> None:
        self.where = where
        self.on = switches.on
        self.switches = switches
        self.application = application
        self.auth: JSON | None = task.get("auth")
        self.reconnects = bool(task.get("reconnect"))
        names = list(task["namespaces"])
        if self.on("connects-namespaces-backwards"):
            names.reverse()
        if self.on("connects-the-first-namespace-alone"):
            del names[1:]
        self.sockets = {name: Socket(self, name) for name in names}
        self.session: Session | None = None
        self.sessions = 0
        self.handlers = 1
        self.closed = False
        self.gone = False
        self.dead = asyncio.Event()
        self._number = 1000 if self.on("counts-acknowledgements-from-1000") else 0
        self._over = asyncio.Event()
        self._decoder = Decoder(switches)
        self.tasks: set[asyncio.Task[None]] = set()
        self._life: asyncio.Task[None] | None = None
        self._before: Session | None = None
        self._closing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and connect again."""
        if self._life is None or self._life.done():
            self._life = asyncio.get_running_loop().create_task(self._live())

    @property
    def pid(self) -> str | None:
        """A private id of one of the namespaces."""
        return next((each.pid for each in self.sockets.values() if each.pid), None)

    def number(self) -> int:
        """A new id for an acknowledgement."""
        on = self.on
        if on("has-one-acknowledgement-id"):
            return 0
        if on("draws-acknowledgement-ids"):
            return random.randrange(2**31)
        self._number += 1
        return self._number - 1

    # Sessions, one after the other.

    async def _live(self) -> None:
        attempts = 0
        while True:
            session = self._new_session()
            self._over.clear()
            if not self.on("keeps-half-an-event"):
                self._decoder = Decoder(self.switches)
            try:
                await asyncio.wait_for(session.open(), 20)
            except (Refused, TimeoutError) as error:
                for socket in self.sockets.values():
                    if socket.active:
                        self.application.unreachable(socket, str(error))
                if not self.sessions and self.on("gives-up-the-first-time"):
                    return
            else:
                attempts = 0
                self._begin(session)
                await self._over.wait()
            if not self._goes_on(attempts):
                return
            await asyncio.sleep(self._delay(attempts))
            attempts += 1

    def _new_session(self) -> Session:
        session = Session(self.where, self, self.switches)
        if self._before is not None:
            if self.on("reconnects-by-websocket") and self._before.upgraded:
                session.first = "websocket"
            if self.on("reconnects-with-its-old-sid"):
                session.sid = self._before.sid
            if self.on("reconnects-twice"):
                self.beside(Session(self.where, NOBODY, self.switches).open())
        return session

    def _begin(self, session: Session) -> None:
        self.session = self._before = session
        self.sessions += 1
        if self.sessions > 1 and self.on("doubles-handlers-when-it-reconnects"):
            self.handlers += 1
        if self.sessions > 1 and self.on("reconnects-the-root-alone"):
            for socket in self.sockets.values():
                socket.active = socket.name == "/"
        self._open_next()

    def _open_next(self) -> None:
        waiting = [each for each in self.sockets.values() if each.active and not each.connected]
        one = self.on("connects-namespaces-one-after-another")
        if one and any(each.asked for each in waiting):
            return
        for socket in waiting[: 1 if one else None]:
            socket.opened()

    def _goes_on(self, attempts: int) -> bool:
        on = self.on
        if self.gone or (self.closed and not on("reconnects-when-closed")):
            return False
        if not any(each.active for each in self.sockets.values()):
            return False
        if on("never-reconnects") or (on("reconnects-once") and attempts):
            return False
        return self.reconnects or on("reconnects-though-told-not-to")

    def _delay(self, attempts: int) -> float:
        on = self.on
        if on("reconnects-at-once"):
            return 0.0
        base = 5 * DELAY if on("waits-longer-to-reconnect") else DELAY
        factor = 1 if on("reconnects-evenly") else 2**attempts
        if on("waits-less-and-less"):
            return 5 * DELAY / (attempts + 1) ** 2  # beyond what a busy machine adds
        delay = float(min(base * factor, LONGEST))
        if on("has-no-jitter"):
            return delay
        return delay * random.uniform(0.5, 1.5)

    # What sessions tell.

    def heard(self, message: Message) -> None:
        """A MESSAGE has come."""
        packet = self._decoder.feed(message)
        if packet is None:
            return
        name = packet.namespace
        if packet.type in (EVENT, BINARY_EVENT) and self.on("hears-all-events-in-the-root"):
            name = "/"
        socket = self.sockets.get(name)
        if self.session is not None and self._is_confused_by(packet, socket):
            self.session.listener = NOBODY
        if socket is None:
            if not self.on("hears-events-of-foreign-namespaces", "takes-any-connect"):
                return
            socket = self.sockets[name] = Socket(self, name)
            socket.active = False
        socket.received(packet)
        if packet.type in (CONNECT, CONNECT_ERROR):
            self._open_next()

    def _is_confused_by(self, packet: Packet, socket: Socket | None) -> bool:
        if packet.type == DISCONNECT and (socket is None or not socket.connected):
            return self.on("is-deaf-after-a-foreign-disconnect")
        if packet.type == CONNECT_ERROR and (socket is None or not socket.asked):
            return self.on("is-deaf-after-a-late-refusal")
        if packet.type == CONNECT and (socket is None or not socket.asked):
            return self.on("is-deaf-after-a-second-connect")
        return False

    def died(self) -> None:
        """The program ends."""
        self.dead.set()

    def failed(self, text: str) -> None:
        """Something has gone wrong; the session goes on."""
        self.application.failed(text)

    def ended(self, reason: str) -> None:
        """The session is over."""
        for socket in self.sockets.values():
            if socket.asked and reason != BY_CLIENT:
                self.application.unreachable(socket, reason)
            socket.ended(reason)
        self.session = None
        self._over.set()

    def send(self, packet: Packet) -> None:
        """Send a packet and its attachments."""
        if self.session is None:
            return
        first, *attachments = codec.encode(packet, self.switches)
        for message in (first, *attachments):
            self.session.send(f"4{message}" if isinstance(message, str) else message)

    # What the application does.

    def connect(self, name: str) -> None:
        """Connect a namespace, now or again."""
        socket = self.sockets.setdefault(name, Socket(self, name))
        socket.active = True
        if self.closed or self._life is None or self._life.done():
            self.beside(self._start_again())
        elif self.session is not None:
            self._open_next()

    async def _start_again(self) -> None:
        if self._closing is not None:
            await self._closing
        if self._life is not None:
            await asyncio.wait([self._life])
        self.closed = False
        self.start()

    def left(self) -> None:
        """A namespace is not wanted any more: without any, the session ends."""
        wanted = any(each.active for each in self.sockets.values())
        if not wanted and not self.on("stays-without-namespaces"):
            self.closing()

    def closing(self) -> None:
        """End it all, soon."""
        self.closed = True
        self._closing = self.beside(self.close())

    def beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside all else."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def close(self) -> None:
        """End it all."""
        self.closed = True
        if self.session is None:
            if self._life is not None:
                self._life.cancel()
            return
        if self.on("leaves-namespaces-when-it-closes"):
            for socket in self.sockets.values():
                if socket.connected:
                    self.send(Packet(DISCONNECT, socket.name))
        await self.session.close(BY_CLIENT)

    async def dispose(self) -> None:
        """Be gone."""
        self.gone = True
        await self.close()
        for task in [*self.tasks, self._life]:
            if task is not None:
                task.cancel()
