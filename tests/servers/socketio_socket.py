"""What our Socket.IO server knows of one client: its connection, and a socket per namespace."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from sockproof.wire import engineio
from sockproof.wire.socketio import Decoder, Packet, PacketType
from tests.servers.engineio_session import Session


class Connection:
    """One Engine.IO session with the sockets that it carries, by namespace."""

    def __init__(self, session: Session, fault: str | None) -> None:
        self.session = session
        self.fault = fault
        self.decoder = Decoder()
        self.sockets: dict[str, Socket] = {}
        self.greeted = False  # whether a CONNECT has come
        self.last: str | bytes = ""  # the last message, as it was
        self.given: dict[str, str] = {}  # the first sid of each namespace, for a fault
        self.held: list[Packet] = []  # what a fault keeps back

    def send(self, packet: Packet) -> None:
        """Send a packet, its attachments right behind it."""
        text, attachments = packet.encode()
        if self.fault == "swaps-attachments" and len(attachments) == 4:
            attachments.reverse()
        messages: list[str | bytes] = [text, *attachments]
        for message in messages:
            self.session.send(engineio.Packet(engineio.PacketType.MESSAGE, message))


class Socket:
    """One client in one namespace."""

    def __init__(self, sid: str, namespace: str, connection: Connection, auth: Any) -> None:
        self.sid = sid
        self.namespace = namespace
        self.connection = connection
        self.fault = connection.fault
        self.auth = auth
        self.data: Any = {}  # what `session_set` keeps
        self._acks: dict[int, asyncio.Future[list[Any]]] = {}
        self._ids = itertools.count(0)

    def send(self, packet: Packet) -> None:
        """Send a packet of this namespace."""
        self.connection.send(packet)

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to this client alone."""
        spoilt = self._spoilt(args) if event == "message-back" else args
        packet = Packet(PacketType.EVENT, self.namespace, [event, *spoilt])
        held = self.connection.held
        match self.fault:
            case "answers-in-another-order" if args == (7,):
                held.append(packet)
            case "text-overtakes-binary" if len(args) == 2 and args[1] == b"\3":
                held.append(packet)
            case "answers-in-the-main-namespace":
                self.send(Packet(PacketType.EVENT, "/", packet.data))
            case "marks-all-events-binary" if args == ("just text",):
                kind = engineio.PacketType.MESSAGE
                text = '50-["message-back","just text"]'
                self.connection.session.send(engineio.Packet(kind, text))
            case _:
                self.send(packet)
                while held:
                    self.send(held.pop())

    def _spoilt(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments as a fault changes them."""
        first = args[0] if args else None
        match self.fault:
            case "adds-an-argument" if first in (None, "hello", "a") or isinstance(first, dict):
                return (*args, "?")
            case "adds-an-argument" if isinstance(first, str) and ("κ" in first or '"' in first):
                return (*args, "?")
            case "cuts-large-events" if isinstance(first, str) and len(first) > 50_000:
                return (first[:50_000],)
            case "spoils-attachments" if isinstance(first, bytes) and len(first) == 256:
                return (first[:-1] + b"?",)
            case "loses-empty-attachments" if first == b"":
                return (b"?", *args[1:])
            case "fills-placeholders-in-order" if args == (b"one", b"zero"):
                return (b"zero", b"one")
        return args

    def acknowledge(self, number: int, args: list[Any]) -> None:
        """Answer the event of this id."""
        if self.fault == "spoils-ack-ids" and number in (0, 42, 2**31, 2**53 - 1):
            number += 1
        if self.fault == "acks-empty-with-null" and not args:
            args = [None]
        if self.fault == "acks-twice" and args == ["once"]:
            self.send(Packet(PacketType.ACK, self.namespace, args, number))
        if self.fault == "spoils-attachments":
            args = list(self._spoilt(tuple(args)))
        if self.fault == "acks-in-the-main-namespace":
            self.send(Packet(PacketType.ACK, "/", args, number))
            return
        self.send(Packet(PacketType.ACK, self.namespace, args, number))

    async def call(self, event: str, args: list[Any], timeout: float) -> list[Any]:
        """Send an event and give its acknowledgement; raises `TimeoutError`."""
        number = next(self._ids)
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._acks[number] = answer
        self.send(Packet(PacketType.EVENT, self.namespace, [event, *args], number))
        try:
            async with asyncio.timeout(timeout):
                return await answer
        finally:
            del self._acks[number]

    def acknowledged(self, number: int | None, args: list[Any]) -> None:
        """The client has acknowledged; an id that nobody waits for is ignored."""
        answer = self._acks.get(-1 if number is None else number)
        if self.fault == "loses-arguments-of-acks":
            args = args[:1]
        if answer is not None and not answer.done():
            answer.set_result(args)
