"""What several case files check with: a client that may do one of two things."""

from __future__ import annotations

import asyncio
import os
import re

from sockproof.clients.peers.websocket import WebSocketVisitor
from sockproof.conformance.context.outcome import Failure, IllegalFrame, StreamClosed
from sockproof.conformance.peers.matching import close_code
from sockproof.vocabulary import Seen
from sockproof.wire.http import Response
from sockproof.wire.websocket import Frame, Opcode

REFUSED = Response(0, "what was answered opens no connection")
LETS_GO = 2.0  # seconds in which a client lets go of a connection that was refused
LET_GO = "client-rfc6455-7.2.1-handshake-failed"  # what it breaks that does not
HTTP_REQUEST = re.compile(rb"[A-Z]{3,7} /")


async def expect_no_connection(client: WebSocketVisitor) -> str:
    """The client does not take the 101 that was answered for a right one; gives how it ended.

    A Ping and a message go behind it: whoever answers them has opened the connection. A Close
    frame that comes first is NON_STRICT, since it is sent on an open connection alone.
    """
    wanted = "the opening handshake failed, and TCP ended"
    mark = os.urandom(6).hex().encode()
    client.send(client.frame(Opcode.PING, mark), client.frame(Opcode.TEXT, mark))
    client.response = REFUSED
    with client.context.awaits(wanted):
        try:
            got = await client.receive_answer()
            if got.opcode != Opcode.CLOSE:
                raise Failure(wanted, f"it went on: {got}", came=got, seen=Seen.NOT_CLOSED)
            client.context.non_strict(wanted, got)
            client.stream.end_writing()
            return await client.expect_end()
        except StreamClosed as closed:
            return closed.how
        except IllegalFrame:
            if not HTTP_REQUEST.match(client.first_octets):
                raise
            told = "another HTTP request on the same connection"
            raise Failure(wanted, told, seen=Seen.NOT_CLOSED) from None


async def expect_not_open(client: WebSocketVisitor) -> None:
    """What was answered is no open connection: no frame comes for it.

    Behind it go a Ping, a message, and the end of our side of TCP. A client that took it for an
    open connection answers before it sees that end; one that reads it as HTTP has nothing to do
    with the octets behind a response, and lets go.
    """
    wanted = "no frame, since the connection is not open"
    mark = os.urandom(6).hex().encode()
    client.send(client.frame(Opcode.PING, mark), client.frame(Opcode.TEXT, mark))
    client.stream.end_writing()
    client.response = REFUSED
    ended = "the end of TCP, since no connection was opened"
    with client.context.awaits(ended):
        try:
            async with asyncio.timeout(LETS_GO):
                got = await client.receive_frame()
        except StreamClosed as closed:
            if not closed.inside:
                return
            raise Failure(wanted, closed.how, came=closed) from None
        except TimeoutError:
            told = f"TCP was still open after {LETS_GO:g} s, and nothing came"
            client.context.non_strict(ended, told, LET_GO, seen=Seen.NOT_CLOSED)
            return
    if got.opcode == Opcode.CLOSE:
        client.context.non_strict(wanted, got)
    else:
        raise Failure(wanted, got, came=got)


async def opens_or_ends(client: WebSocketVisitor) -> bool:
    """Whether the client opens the connection that was answered; else it ends TCP."""
    mark = f"is it open? {os.urandom(6).hex()}"
    client.send_text(mark)
    with client.context.awaits("the message back, or the end of TCP"):
        try:
            got = await client.receive_answer()
        except StreamClosed:
            return False
    if got.opcode != Opcode.CLOSE and got.payload != mark.encode():
        raise Failure("the message back, or the end of TCP", got)
    return got.opcode != Opcode.CLOSE


async def fails_or_tolerates(client: WebSocketVisitor, echo: Frame, *codes: int) -> None:
    """The client fails the connection, or takes what it should not, which is NON_STRICT."""
    wanted = f"the connection failed: Close {' or '.join(map(str, codes))}"
    with client.context.awaits(wanted):
        try:
            got = await client.receive_answer()
        except StreamClosed:
            return
    if got.opcode == Opcode.CLOSE:
        if close_code(got) not in codes:
            client.context.non_strict(wanted, got)
        return
    if (got.opcode, got.payload) != (echo.opcode, echo.payload):
        raise Failure(f"{wanted}, or {echo}", got)
    client.context.non_strict(wanted, got)


async def expect_refused_close(client: WebSocketVisitor, sent: int, *codes: int) -> None:
    """The Close frame that was just sent, with the code `sent`, is a protocol error.

    A client that fails the connection says so by one of `codes` or ends TCP; one that answers with
    the code that came has taken the frame for a right one; any other answer is NON_STRICT, since
    the connection ends either way.
    """
    wanted = f"CLOSE with {' or '.join(map(str, codes))}, or the end of TCP"
    with client.context.awaits(wanted):
        try:
            got = await client.receive_answer()
        except StreamClosed:
            return
    if got.opcode != Opcode.CLOSE or close_code(got) == sent:
        raise Failure(wanted, got, came=got)
    if close_code(got) not in codes:
        client.context.non_strict(wanted, got)
    client.stream.end_writing()


async def expect_end_without(client: WebSocketVisitor, *opcodes: int) -> None:
    """TCP ends, and no frame of these kinds comes before."""
    wanted = "the end of the TCP connection"
    with client.context.awaits(wanted):
        while True:
            try:
                got = await client.receive_frame()
            except StreamClosed:
                return
            if got.opcode in opcodes:
                raise Failure(wanted, got, came=got)
