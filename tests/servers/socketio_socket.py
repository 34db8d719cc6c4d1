"""What our Socket.IO server knows of one client: its connection, and a socket per namespace."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from sockproof.wire import engineio
from sockproof.wire.socketio import Decoder, Packet, PacketType
from tests.servers import socketio_faults
from tests.servers.engineio_session import Session

SHARED: dict[int, asyncio.Future[list[Any]]] = {}  # what clients must not share


class Connection:
    """One Engine.IO session with the sockets that it carries, by namespace."""

    def __init__(self, session: Session, fault: str | None) -> None:
        self.session = session
        self.fault = fault
        self.decoder = Decoder(reserved=frozenset())  # what it does with those is its own rule
        self.sockets: dict[str, Socket] = {}
        self.greeted = False  # whether a CONNECT has come
        self.last: str | bytes = ""  # the last message, as it was
        self.given: dict[str, str] = {}  # the first sid of each namespace, for a fault
        self.held: list[Packet] = []  # what a fault keeps back
        self.deaf = self.same_post = False  # for faults of reading
        self.process = 0  # which of the server's processes has the connection
        self.rooms: dict[str, list[str]] = {}  # by namespace, what a fault gives back

    def send(self, packet: Packet) -> None:
        """Send a packet, its attachments right behind it."""
        text, *attachments = socketio_faults.written(self.fault, packet)
        if self.fault == "swaps-attachments" and len(attachments) in (4, 10):
            attachments.reverse()
        for message in (text, *attachments):
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
        self._before: list[Any] = []  # for a fault: the arguments of the last acknowledgement
        self.session_of = ""  # the transport on which `data` was set, for a fault

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
            case "forgets-arguments":  # for real clients, which need no narrow fault
                return args[:1]
            case "adds-an-argument" if first in (None, "hello", "a") or isinstance(first, dict):
                return (*args, "?")
            case "adds-an-argument" if isinstance(first, str) and ("κ" in first or '"' in first):
                return (*args, "?")
            case "cuts-large-events" if isinstance(first, str) and len(first) > 50_000:
                return (first[:50_000],)
            case "spoils-attachments" if isinstance(first, bytes) and len(first) == 256:
                return (first[:-1] + b"?",)
            case "pads-attachments" if isinstance(first, bytes) and len(args) == 1:
                return (first + b"\0",)
            case "loses-empty-attachments" if first == b"":
                return (b"?", *args[1:])
            case "fills-placeholders-in-order" if args == (b"one", b"zero"):
                return (b"zero", b"one")
        return args

    def acknowledge(self, number: int, args: list[Any]) -> None:
        """Answer the event of this id."""
        if self.fault == "spoils-ack-ids" and args[:1] in (["a"], ["zero"], ["large"], ["binary"]):
            number += 1
        if self.fault == "spoils-arguments-of-acks" and str(args[:1]).startswith("['number "):
            args = ["number ?"]
        if self.fault == "reads-ids-as-doubles":
            number = int(float(number))
        if self.fault == "acks-with-the-arguments-before" and "number " in str(args[:1]):
            args, self._before = self._before, args
        if self.fault == "acks-empty-with-null" and not args:
            args = [None]
        if self.fault == "acks-twice" and args == ["once"]:
            self.send(Packet(PacketType.ACK, self.namespace, args, number))
        if self.fault in ("spoils-attachments", "forgets-arguments"):
            args = list(self._spoilt(tuple(args)))
        if self.fault == "acks-in-the-main-namespace":
            self.send(Packet(PacketType.ACK, "/", args, number))
            return
        self.send(Packet(PacketType.ACK, self.namespace, args, number))

    async def call(self, event: str, args: list[Any], timeout: float) -> list[Any]:
        """Send an event and give its acknowledgement; raises `TimeoutError`."""
        number = next(self._ids)
        if self.fault == "gives-calls-one-id":
            number = 0
        if self.fault == "shares-acks-between-clients":
            self._acks = SHARED
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._acks[number] = answer
        shown = None if self.fault == "calls-without-an-id" else number
        self.send(Packet(PacketType.EVENT, self.namespace, [event, *args], shown))
        try:
            async with asyncio.timeout(timeout):
                result = await answer
        except TimeoutError:
            if self.fault == "calls-never-time-out":
                return []
            raise
        finally:
            self._acks.pop(number, None)
        return [*result, "?"] if self.fault == "spoils-results-of-calls" else result

    def acknowledged(self, number: int | None, args: list[Any]) -> None:
        """The client has acknowledged; an id that nobody waits for is ignored."""
        if self.fault == "shares-acks-between-clients":
            self._acks = SHARED
        if number is None and self.fault == "takes-acks-without-an-id" and self._acks:
            number = max(self._acks)
        answer = self._acks.get(-1 if number is None else number)
        if self.fault == "takes-the-last-acknowledgement" and answer is not None:
            self._latest = args
            asyncio.get_running_loop().call_later(0.5, self._decide, answer)
            return
        if self.fault == "loses-arguments-of-acks":
            args = args[:1]
        if answer is not None and not answer.done():
            answer.set_result(args)

    def _decide(self, answer: asyncio.Future[list[Any]]) -> None:
        if not answer.done():
            answer.set_result(self._latest)
