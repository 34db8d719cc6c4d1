"""A client and a server of Socket.IO, with us between them.

The rules that hold here:

* What the client sends reaches the server, and the other way round, and nothing of our own does. A
  client of ours beside them has the server say what is to be said (`sockproof`, by the contract of
  targets), to a room that the driver's client joins as it connects.
* What came of it is what the client's application reports and what the server says to ours. Whose
  fault it is where they differ cannot be told.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sockproof.clients.pairs.forwarding import Forwarding
from sockproof.clients.pairs.pair import beside
from sockproof.clients.pairs.server import PairServer
from sockproof.clients.sessions.setup import UPGRADE
from sockproof.clients.sessions.socketio import with_bins
from sockproof.clients.sessions.visitor import COMES, SocketIOVisitor
from sockproof.conformance.context.contract import Contract
from sockproof.conformance.context.outcome import Failure, Inconclusive, Unsupported
from sockproof.conformance.sessions.socketio import SocketIOPeer
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.vocabulary import Seen
from sockproof.wire.socketio import Packet
from sockproof.wire.url import Address

PATIENCE = 10.0  # seconds in which something that was said arrives
FAILED = ("connect_error", "error", "ack-timeout")


class _AsItIs(Contract):
    """Has operations emit what they are told: a driver's client has handlers for just that."""

    def _dressed_request(self, packet: Packet, request: dict[str, Any]) -> dict[str, Any]:
        del packet
        return request


class SocketIOPair:
    """The driver's client, connected to the server, and a client of ours that is beside it."""

    def __init__(self, client: SocketIOVisitor, speaker: SocketIOPeer, room: str) -> None:
        self.client = client
        self.speaker = speaker
        self.room = room

    @classmethod
    @asynccontextmanager
    async def open(
        cls, client: SocketIOVisitor, server: PairServer, transport: str, namespace: str = "/"
    ) -> AsyncIterator[SocketIOPair]:
        """Have the driver's client connect to the namespace of the server over this transport."""
        room = f"pair-{os.urandom(6).hex()}"
        client.setup(transport, namespaces=(namespace,), auth={"join": [room]})
        client.forward = Forwarding(client, server).serve
        address = Address.parse(f"http://{server.authority}/")
        target = Target(Server(address), beside(client.context))
        speaker = await _speaker(target, transport, namespace)
        speaker.contract = _AsItIs(speaker.context, None, None, greets=False)
        pair = cls(client, speaker, room)
        await pair.until("the application told of a connection", pair._is_connected, COMES)
        yield pair

    def _is_connected(self) -> bool:
        return self.client.count("connect") > 0

    async def sid(self) -> str:
        """The sid by which the server knows the driver's client."""
        members = (await self.speaker.proof("members", room=self.room)).get("sids") or []
        if len(members) != 1:
            raise Failure("the client in the room that it has joined", f"members {members!r:.200}")
        return str(members[0])

    async def gone(self) -> None:
        """The server has noted that the client has gone, when its application has closed it."""
        sid = await self.sid()
        await self.does("close")
        try:
            async with asyncio.timeout(PATIENCE):
                await self.speaker.entries(sid)
        except TimeoutError as late:
            wanted = "the server told that the client has gone"
            got = f"timed out after {PATIENCE:g} s"
            raise Failure(wanted, got, seen=Seen.TIMED_OUT) from late

    async def says(self, event: str, *args: Any) -> None:
        """Have the server emit this to the client."""
        told = with_bins({"args": list(args)})["args"]
        await self.speaker.proof("emit", event=event, args=told, to=[self.room])

    async def does(self, op: str, **fields: Any) -> None:
        """Have the server tell the client's application to do this."""
        await self.says("do", {"op": op, **with_bins(fields)})

    async def expect_acknowledgement(self, event: str, args: list[Any]) -> None:
        """The server emits the event to the client, and has it acknowledged with the same."""
        told = with_bins(args)
        answer = await self.speaker.proof(
            "call", sid=await self.sid(), event=event, args=told, timeout=PATIENCE
        )
        if answer.get("result") != told:
            raise Failure(f"the acknowledgement {told!r:.300}", f"{answer!r:.300}")

    async def hears(self, event: str, *args: Any) -> None:
        """The client's application has heard this event, with just these arguments."""
        wanted = with_bins({"args": list(args)})["args"]
        await self._reports("event", "args", wanted, name=event)

    async def acknowledged(self, *args: Any) -> None:
        """The client's application has the acknowledgement that it asked for."""
        await self._reports("ack", "args", with_bins({"args": list(args)})["args"])

    async def _reports(self, type_: str, key: str, value: Any, **fields: Any) -> None:
        told = f"the application's report {type_} {fields.get('name', '')} with {value!r:.300}"

        def found() -> list[dict[str, Any]]:
            return [
                each
                for each in self.client.reported(type_)
                if all(each.get(name) == wanted for name, wanted in fields.items())
            ]

        await self.until(told, lambda: bool(found()))
        if found()[0].get(key) != value:
            raise Failure(told, f"{found()[0]!r:.300}")

    async def until(
        self, wanted: str, holds: Callable[[], bool], seconds: float = PATIENCE
    ) -> None:
        """Wait until it is so; a failure where the application reports another end first."""

        def over() -> bool:
            return holds() or any(map(self.client.count, FAILED))

        try:
            async with asyncio.timeout(seconds):
                await self.client.until(wanted, over)
        except TimeoutError as late:
            got = f"timed out after {seconds:g} s"
            raise Failure(wanted, got, seen=Seen.TIMED_OUT) from late
        if not holds():
            report = next(each for each in self.client.reports if each["type"] in FAILED)
            raise Failure(wanted, f"the application's report {report!r:.300}")


async def _speaker(target: Target, transport: str, namespace: str) -> SocketIOPeer:
    """A client of ours over the same transport; UNSUPPORTED where the server does not have it."""
    own = "polling" if transport == UPGRADE else transport
    try:
        return await target.socketio(own, namespace=namespace)
    except Inconclusive as end:
        if not end.evidence.came.startswith("HTTP "):
            raise
        raise Unsupported(f"a server with {own}", end.got) from end
