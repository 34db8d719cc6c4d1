"""A namespace of our raw client: CONNECT and its answer, events, acknowledgements, recovery.

Socket.IO protocol, revision 5, and Socket.IO's documentation for clients: "The Socket instance",
"Offline behavior", "Connection state recovery".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.clients.raw_socketio.packets import (
    ACK,
    BINARY_ACK,
    CONNECT,
    DISCONNECT,
    EVENT,
    RESERVED,
    Malformed,
    Packet,
)

if TYPE_CHECKING:
    from tests.clients.raw_socketio.client import Client

JSON = dict[str, Any]
FORMER = frozenset({"connecting", "connect_timeout"})  # of the lifecycle in earlier versions
BY_SERVER, BY_CLIENT = "io server disconnect", "io client disconnect"


class Socket:
    """One namespace."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.on = client.on
        self.active = True  # whether it is to be connected where there is a session
        self.connected = False
        self.asked = False  # whether CONNECT was sent and has not been answered
        self.buffer: list[Packet] = []
        self.acks: dict[int, asyncio.TimerHandle | None] = {}
        self.pid: str | None = None
        self.offset: str | None = None

    # What the application does.

    def emit(self, event: str, args: list[Any], timeout: float | None = None) -> None:
        """Emit an event; with a time-out, 0 for none at all, an acknowledgement is asked for."""
        on = self.on
        packet = Packet(EVENT, self.name, [event, *args])
        if timeout is not None:
            packet.id = self.client.number()
            if on("asks-for-no-acknowledgements"):
                packet.id = None
            self._await_ack(packet.id, timeout)
        elif on("asks-for-all-acknowledgements"):
            packet.id = self.client.number()
        if self.connected or on("emits-though-not-connected"):
            self.client.send(packet)
        elif on("buffers-nothing"):
            self.client.application.tell("unsupported", op="emit while it is not connected")
        elif not on("loses-what-is-emitted-offline"):
            self.buffer.append(packet)

    def _await_ack(self, number: int | None, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        key = -1 if number is None else number
        timer = loop.call_later(timeout, self._unacknowledged, key) if timeout else None
        self.acks[key] = timer

    def _unacknowledged(self, number: int) -> None:
        if not self.on("tells-late-acknowledgements"):
            self.acks.pop(number, None)
        self.client.application.unacknowledged()

    def acknowledge(self, number: int, args: list[Any]) -> None:
        """Acknowledge an event."""
        on = self.on
        if on("acknowledges-nothing"):
            return
        if on("acknowledges-another-id"):
            number += 1
        if on("acknowledges-with-a-list"):
            args = [args]
        if on("acknowledges-with-the-first-argument"):
            args = args[:1]
        if on("acknowledges-with-an-event"):
            self.client.send(Packet(EVENT, self.name, ["ack", *args], number))
            return
        data: Any = args
        if not args and on("acknowledges-nothing-with-null"):
            data = [None]
        if len(args) == 1 and on("acknowledges-without-a-list"):
            data = args[0]
        name = "/" if on("acknowledges-in-the-root") else self.name
        packet = Packet(ACK, name, data, number)
        self.client.send(packet)
        if on("acknowledges-twice"):
            self.client.send(packet)

    def disconnect(self) -> None:
        """Leave this namespace."""
        on = self.on
        self.active = False
        if self.connected:
            if not on("leaves-namespaces-silently"):
                self.client.send(Packet(DISCONNECT, self.name))
            self.ended(BY_CLIENT)
        if on("leaves-all-namespaces-at-once"):
            for each in self.client.sockets.values():
                each.active = False
                each.ended(BY_CLIENT)
        self.client.left()

    # What the server does.

    def opened(self) -> None:
        """There is a session: ask for the namespace."""
        on = self.on
        if not self.active or self.asked:
            return
        self.asked = True
        client = self.client
        auth: JSON | None = client.auth
        first = next(iter(client.sockets)) == self.name
        if on("sends-no-auth") or (on("sends-auth-to-the-first-namespace") and not first):
            auth = None
        if on("sends-auth-once") and client.sessions > 1:
            auth = None
        if on("sends-an-empty-auth") and auth is None:
            auth = {}
        data: Any = auth
        pid = client.pid if on("shares-its-pid") else self.pid
        if pid is not None and not on("recovers-nothing"):
            recovery = {"pid": pid, "offset": self.offset}
            if self.offset is None or on("recovers-without-an-offset"):
                del recovery["offset"]
            data = recovery if on("recovers-without-auth") else {**(auth or {}), **recovery}
        if on("wraps-auth-in-a-list") and data is not None:
            data = [data]
        if on("connects-no-root") and self.name == "/":
            self.answered({})
            return
        client.send(Packet(CONNECT, self.name, data))
        if on("connects-twice"):
            client.send(Packet(CONNECT, self.name, data))
        if on("is-connected-before-the-answer"):
            self.answered({})
        if on("sends-its-buffer-before-the-answer"):
            self._flush()

    def received(self, packet: Packet) -> None:
        """A packet for this namespace has come."""
        on = self.on
        match packet.type:
            case 0:
                if on("is-connected-before-the-answer"):
                    return
                if self.asked or on("takes-any-connect"):
                    self.answered(packet.data if isinstance(packet.data, dict) else {})
            case 4 if self.asked or on("tells-refusals-that-answer-nothing"):
                self._refused(packet.data)
            case 1 if self.connected:
                self._left_by_server()
            case 2 | 5:
                if self.connected or on("hears-events-of-foreign-namespaces"):
                    self._event(packet)
            case 3 | 6:
                if self.connected:
                    self._acknowledged(packet)

    def answered(self, data: JSON) -> None:
        """The server has accepted us."""
        on = self.on
        if not isinstance(data.get("sid"), str) and on("wants-a-sid"):
            self._refused({"message": "no sid"})
            return
        self.asked, self.connected = False, True
        pid = data.get("pid")
        if pid is None or self.pid != pid or on("forgets-its-offset"):
            self.offset = None
        self.pid = pid if isinstance(pid, str) else None
        if on("takes-its-sid-for-a-pid"):
            self.pid = data.get("sid")
        if on("tells-connect-before-it-sends-its-buffer"):
            self.client.application.connected(self)
            self._flush()
        else:
            self._flush()
            self.client.application.connected(self)

    def _flush(self) -> None:
        on = self.on
        sent, self.buffer = self.buffer, []
        if on("sends-its-buffer-backwards"):
            sent.reverse()
        if on("sends-one-of-its-buffer"):
            sent = sent[:1]
        for packet in sent:
            self.client.send(packet)
            if on("sends-its-buffer-twice"):
                self.client.send(packet)
        if on("keeps-its-buffer"):
            self.buffer = sent

    def _refused(self, data: Any) -> None:
        on = self.on
        self.asked = False
        self.active = on("asks-again-when-refused")
        self.client.application.refused(self, data)
        if on("leaves-all-when-one-is-refused"):
            for each in self.client.sockets.values():
                each.active = False
                each.ended(BY_CLIENT)
        if on("asks-again-when-refused"):
            self.opened()
            return
        self.client.left()

    def _left_by_server(self) -> None:
        on = self.on
        self.active = on("reconnects-when-it-was-sent-away")
        if on("overlooks-disconnects"):
            return
        self.ended(BY_SERVER)
        if on("leaves-all-when-sent-away"):
            for each in self.client.sockets.values():
                each.active = False
                each.ended(BY_SERVER)
        if on("reconnects-when-it-was-sent-away"):
            self.opened()
            return
        self.client.left()

    def _event(self, packet: Packet) -> None:
        on = self.on
        name, args = packet.data[0], packet.data[1:]
        if name in FORMER and on("takes-former-names-for-its-lifecycle"):
            self.client.application.refused(self, args)
            return
        if name in RESERVED and on("takes-events-for-its-lifecycle"):
            if name == "connect":
                self.client.application.connected(self)
            elif name == "disconnect":
                self.ended(BY_SERVER)
            else:
                self.client.application.refused(self, args)
            return
        last = args[-1] if args else None
        if isinstance(last, str) and self.pid is not None:
            if self.offset is None or not on("keeps-the-first-offset"):
                self.offset = last
            if on("takes-offsets-off"):
                args = args[:-1]
        for _ in range(self.client.handlers):
            self.client.application.event(self, name, args, packet.id)

    def _acknowledged(self, packet: Packet) -> None:
        on = self.on
        number = -1 if packet.id is None else packet.id
        if packet.type == BINARY_ACK and on("hears-no-binary-acknowledgements"):
            return
        if number not in self.acks and on("takes-any-acknowledgement") and self.acks:
            number = next(iter(self.acks))
        if number not in self.acks:
            if on("ends-at-foreign-acknowledgements"):
                raise Malformed("nobody asked for this")
            if on("tells-foreign-acknowledgements"):
                self.client.application.acknowledged(packet.data)
            return
        timer = self.acks[number]
        if not on("takes-acknowledgements-twice"):
            del self.acks[number]
        if timer is not None and not on("times-out-though-acknowledged"):
            timer.cancel()
        self.client.application.acknowledged(packet.data)

    def ended(self, reason: str) -> None:
        """The namespace is not connected any more."""
        was, waited = self.connected, self.asked
        self.connected = self.asked = False
        if waited:
            self.client.application.unreachable(self, reason)
        if not was:
            return
        given_up = self.on("gives-acknowledgements-up-when-disconnected")
        if given_up or self.on("forgets-acknowledgements"):
            for timer in self.acks.values():
                if timer is not None:
                    timer.cancel()
                if given_up:
                    self.client.application.unacknowledged()
            self.acks.clear()
        self.client.application.disconnected(self, reason)
