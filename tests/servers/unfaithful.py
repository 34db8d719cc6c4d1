"""A Socket.IO server that loses, doubles, swaps, leaks, alters, invents or delays what is said.

It does so with a known number of deliveries, and counts them: the truth that a load run's summary
has to show.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sockproof.wire import stamp
from tests.servers.socketio_server import SocketIOServer
from tests.servers.socketio_socket import Socket

MISDEEDS = ("lose", "double", "swap", "leak", "alter", "invent")
HONEST = 500  # deliveries at first: while clients still join, not all is surely due
ROOM = 5  # members of each room in the end, as the tests start them
HELD = 0.2  # seconds that a message is kept back for a later one to overtake it


class UnfaithfulServer(SocketIOServer):
    """Does its misdeed to every n-th delivery of `say`; `done` counts them.

    It does so to those alone who had spoken when the message was sent: who only speaks once its
    join is answered was a member then for sure, however late a busy machine lets it in.
    """

    def __init__(self, misdeed: str | None = None, every: int = 7, delay: float = 0.0) -> None:
        super().__init__()
        self.misdeed = misdeed
        self.every = every
        self.delay = delay  # seconds, of every delivery
        self.deliveries = 0
        self.unsure = 0  # of these, to who had not spoken yet
        self.absent = 0  # receivers who joined behind a message
        self.done = 0
        self._spoke: dict[str, int] = {}  # when each first spoke, by the clock of stamps
        self._held: dict[tuple[str, str], list[Any]] = {}
        self._honest = self.fixture.event
        self.fixture.event = self._event

    def _event(self, socket: Socket, name: str, args: list[Any], number: int | None) -> None:
        if name != "say":
            self._honest(socket, name, args, number)
            return
        self._spoke.setdefault(socket.sid, _sent(args[1]))
        adapter = self.adapters[socket.namespace]
        members = sorted(adapter.rooms.get(args[0], ()))
        self.absent += max(0, ROOM - len(members))
        for sid in members:
            self._deliver(socket, adapter.sockets[sid], args)
        if number is not None:
            socket.acknowledge(number, [])

    def _deliver(self, sender: Socket, receiver: Socket, args: list[Any]) -> None:
        self.deliveries += 1
        was_in = self._was_in(receiver, args[1])
        self.unsure += not was_in
        due = was_in and self.deliveries > HONEST and self.deliveries % self.every == 0
        match self.misdeed if due else None:
            case "lose":
                self.done += 1
                return
            case "double":
                self.done += 1
                self._say(receiver, args)
            case "leak":
                strangers = self._strangers(receiver, *args)
                if strangers:
                    self.done += 1
                    self._say(strangers[0], args)
            case "alter":
                self.done += 1
                args = [args[0], args[1][:-1] + "!"]
            case "invent":
                self.done += 1
                self._say(receiver, [args[0], self._invented(args[1])])
            case "swap" if (sender.sid, receiver.sid) not in self._held:
                self._held[sender.sid, receiver.sid] = args
                loop = asyncio.get_running_loop()
                loop.call_later(HELD, self._release, sender, receiver, False)
                return
        self._say(receiver, args)
        self._release(sender, receiver, True)

    def _release(self, sender: Socket, receiver: Socket, overtaken: bool) -> None:
        args = self._held.pop((sender.sid, receiver.sid), None)
        if args is not None:
            self.done += overtaken
            self._say(receiver, args)

    def _say(self, receiver: Socket, args: list[Any]) -> None:
        if self.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay, receiver.emit, "said", *args)
        else:
            receiver.emit("said", *args)

    def _was_in(self, receiver: Socket, text: str) -> bool:
        since = self._spoke.get(receiver.sid)
        return since is not None and since < _sent(text)

    def _strangers(self, receiver: Socket, room: str, text: str) -> list[Socket]:
        adapter = self.adapters[receiver.namespace]
        members = adapter.rooms[room]
        others = [adapter.sockets[sid] for sid in sorted(adapter.sockets) if sid not in members]
        return [each for each in others if self._was_in(each, text)]

    def _invented(self, text: str) -> str:
        found = stamp.find(text.encode())
        assert found is not None
        body = text[stamp.LENGTH :]
        times = found.intended_ns, found.actual_ns
        sequence = found.sequence + 1_000_000
        return stamp.encode(found.run, found.sender, sequence, *times, body) + body


def _sent(text: str) -> int:
    """When a message was sent, as its stamp says."""
    found = stamp.find(text.encode())
    assert found is not None
    return found.actual_ns
