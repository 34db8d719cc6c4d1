"""Before the first case: is the server there, what is it, and what does it offer?

One connection tells whether there is anything to judge, so that a server which accepts and never
answers costs one limit and not one for each case. What is there instead of a server to judge is
told in a line or two, with what to type. What a profile declares is taken on trust; what it
leaves open is asked.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from dataclasses import dataclass, replace

from sockproof.conformance.capabilities.echo_habits import echo_habits
from sockproof.conformance.capabilities.refusals import refusals
from sockproof.conformance.capabilities.room import SPARE, newest_alone, room
from sockproof.conformance.capabilities.socketio import socketio_capabilities
from sockproof.conformance.capabilities.websocket import asking, websocket_capabilities
from sockproof.conformance.context.outcome import CaseEnd, StreamClosed
from sockproof.conformance.identity.carrier import no_http, no_tls
from sockproof.conformance.identity.identify import identify
from sockproof.conformance.identity.probe import BODY, BODY_PATIENCE, Answer, Prober
from sockproof.conformance.identity.socketio import identify_socketio
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.errors import NotJudged
from sockproof.wire import WireError


class Unreachable(NotJudged):
    """There is nothing to judge at this address; the message is a line or two."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What the server calls itself, and the server with its capabilities filled in."""

    name: str | None
    server: Server


async def introduce(server: Server, limit: float, jobs: int = 0) -> Introduction:
    """Reach the server and learn what it offers; raises `Unreachable`.

    Where so many cases shall run side by side, whether there is room for their clients is asked.
    """
    server, answer = await _reach(server, limit)
    prober = Prober(server, limit)
    if (what := await identify(prober, answer)) is not None:
        raise Unreachable(what)
    name = answer.response.get("Server")
    if server.address.is_websocket:
        if jobs:
            server = replace(server, room=await room(server, jobs + SPARE, limit))
        found = await websocket_capabilities(server, limit)
        server = replace(server, capabilities=found)
        if "echo" not in found:
            return Introduction(name, server)
        habits = await echo_habits(server, limit)
        if not habits.in_order and server.profile.capabilities is None:
            server = replace(server, capabilities=found - {"echo", "binary"} | {"any-order"})
        return Introduction(name, replace(server, patience=habits.patience))
    offered = await socketio_capabilities(server, limit)
    if (what := await identify_socketio(prober, offered)) is not None:
        raise Unreachable(what)
    server = await refusals(offered.server, limit)
    alone = jobs > 0 and await newest_alone(server, limit)
    return Introduction(name, replace(server, room=1 if alone else None))


async def _reach(server: Server, limit: float) -> tuple[Server, Answer]:
    """The answer to an ordinary request, and the server as it is to be asked from now on."""
    where = server.address
    place = f"{where.host}:{where.port}"
    try:
        async with asyncio.timeout(limit):
            try:
                return server, await _first_answer(server)
            except ssl.SSLCertVerificationError:
                if server.has_credentials:
                    raise  # they are for nobody whose certificate is not accepted
                # The cases about certificates tell it; the others say nothing secret.
                server = replace(server, tls=replace(server.trust, verifies=False).context())
                return server, await _first_answer(server)
    except TimeoutError:
        raise Unreachable(f"{place} does not answer within {limit:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"{place}: its certificate is not accepted: {error.verify_message}"
            " (use --ca FILE to trust its CA, or --insecure to accept any certificate)"
        ) from None
    except ssl.SSLError as error:
        raise Unreachable(await no_tls(server, limit, error.reason or str(error))) from None
    except OSError as error:
        raise Unreachable(f"{place} cannot be reached: {_why(error)}") from None
    except StreamClosed as closed:
        raise Unreachable(await no_http(server, limit, closed.how)) from None
    except CaseEnd as end:
        raise Unreachable(await no_http(server, limit, end.got)) from None
    except WireError as error:
        raise Unreachable(await no_http(server, limit, str(error))) from None


def _why(error: OSError) -> str:
    """The error in the system's words, without the address that asyncio puts into them."""
    first = next(iter(getattr(error, "exceptions", [])), error)
    if isinstance(first, socket.gaierror):
        return f"no such host ({first.strerror})"
    return os.strerror(first.errno).lower() if first.errno else str(first)


async def _first_answer(server: Server) -> Answer:
    prober = Prober(server, 0)
    websocket = server.address.is_websocket
    request = prober.handshake_request() if websocket else prober.polling_request()
    async with asking() as context:
        peer = await Target(server, context).tls_connection(server.tls)
        response = await peer.ask(request, body=False)
        if response.status != 101:
            response = await peer.beginning(response, BODY, BODY_PATIENCE)
        return Answer(request, response)
