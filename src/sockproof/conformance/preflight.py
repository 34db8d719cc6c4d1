"""Before the first case: is the server there, what does it call itself, and what does it offer?

One connection tells whether there is anything to judge, so that a server which accepts and never
answers costs one limit and not one for each case. What a profile declares is taken on trust;
what it leaves open is asked. A server that answers wrongly is not turned away here, since that
is for the cases to tell; one that refuses an ordinary request by HTTP's rules is, since then the
URL or the credentials are wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from dataclasses import dataclass, replace

from sockproof.conformance.capabilities import NO_ANSWER, asking, websocket_capabilities
from sockproof.conformance.capabilities_socketio import socketio_capabilities
from sockproof.conformance.outcome import CaseEnd, StreamClosed
from sockproof.conformance.target import Server, Target
from sockproof.wire import WireError
from sockproof.wire.http import Response


class Unreachable(Exception):
    """There is nothing to judge at this address; the message is one line."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What the server calls itself, and the server with its capabilities filled in."""

    name: str | None
    server: Server


async def introduce(server: Server, limit: float) -> Introduction:
    """Reach the server and learn what it offers; raises `Unreachable`."""
    where = server.address
    place = f"{where.host}:{where.port}"
    try:
        async with asyncio.timeout(limit):
            try:
                response = await _first_answer(server)
            except ssl.SSLCertVerificationError:
                if server.has_credentials:
                    raise  # they are for nobody whose certificate is not accepted
                # The cases about certificates tell it; the others say nothing secret.
                server = replace(server, tls=replace(server.trust, verifies=False).context())
                response = await _first_answer(server)
    except TimeoutError:
        raise Unreachable(f"{place} does not answer within {limit:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"{place}: its certificate is not accepted: {error.verify_message}"
            " (--ca FILE names the authority to trust; --insecure takes any)"
        ) from None
    except ssl.SSLError as error:
        raise Unreachable(f"{place} does not speak TLS: {error.reason or error}") from None
    except OSError as error:
        raise Unreachable(f"{place} cannot be reached: {_why(error)}") from None
    except StreamClosed as closed:
        raise Unreachable(f"{place} answers nothing: {closed.how}") from None
    except CaseEnd as end:
        raise Unreachable(f"{place} speaks no HTTP: {end.got}") from None
    except WireError as error:
        raise Unreachable(f"{place} speaks no HTTP: {error}") from None
    if response.status >= 300 and where.is_websocket:
        response = await _with_origin(server, limit) or response
    kind = "WebSocket handshake" if where.is_websocket else "Engine.IO request"
    if response.status >= 300 and not await _websocket_alone(server, limit):
        hint = "are the path and the credentials right?"
        raise Unreachable(f"{where.url} answers an ordinary {kind} with {response}: {hint}")
    name = response.get("Server")
    if where.is_websocket:
        found = await websocket_capabilities(server, limit)
        return Introduction(name, replace(server, capabilities=found))
    offered = await socketio_capabilities(server, limit)
    return Introduction(name, offered.server)


async def _websocket_alone(server: Server, limit: float) -> bool:
    """Whether an Engine.IO server that refuses long-polling opens a session on a WebSocket."""
    if server.address.is_websocket:
        return False
    async with asking() as scene:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                await Target(server, scene).connect_engineio("websocket")
                return True
    return False


async def _with_origin(server: Server, limit: float) -> Response | None:
    """The 101 that a browser would get; a server that wants an Origin can be judged for it."""
    async with asking() as scene:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                target = Target(server, scene)
                peer = await target.http()
                scheme = "https" if server.address.tls else "http"
                origin = ("Origin", f"{scheme}://{server.address.authority}")
                response = await peer.ask(target.upgrade_request(headers=[origin]))
                return response if response.status == 101 else None
    return None


def _why(error: OSError) -> str:
    """The error in the system's words, without the address that asyncio puts into them."""
    first = next(iter(getattr(error, "exceptions", [])), error)
    if isinstance(first, socket.gaierror):
        return f"no such host ({first.strerror})"
    return os.strerror(first.errno).lower() if first.errno else str(first)


async def _first_answer(server: Server) -> Response:
    async with asking() as scene:
        target = Target(server, scene)
        number = scene.log.new_connection()
        from sockproof.conformance.http_peer import HttpPeer
        from sockproof.conformance.stream import Stream

        stream = await Stream.open(server.address.host, server.address.port, server.tls)
        scene.owns(stream)
        peer = HttpPeer(scene, stream, number)
        if server.address.is_websocket:
            peer.send(target.upgrade_request())
        else:
            peer.send(target.engineio_request("GET", "EIO=4&transport=polling"))
        return await peer.response(body=False)
