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
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from sockproof.conformance.client_frames import client_frame, text_frame
from sockproof.conformance.outcome import CaseEnd, IllegalFrame, StreamClosed
from sockproof.conformance.scene import Scene
from sockproof.conformance.socketio_peer import ACKS, SocketIOPeer
from sockproof.conformance.target import Server, Target, agreed_deflate
from sockproof.conformance.websocket_peer import WebSocketPeer
from sockproof.conformance.wirelog import WireLog
from sockproof.wire import WireError
from sockproof.wire.http import Response
from sockproof.wire.socketio import Packet, PacketType
from sockproof.wire.websocket import Opcode

CLIENTS_TO_COMPARE = 16  # at most, to see whether any two are on different processes
ASKING_LIMIT = 1.5  # seconds for a server to show that it has what it is asked for


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
    if response.status >= 300:
        hint = "are the path and the credentials right?"
        raise Unreachable(f"{where.url} answers an ordinary {kind} with {response}: {hint}")
    name = response.get("Server")
    asking = _ask_websocket if where.is_websocket else _ask_socketio
    return Introduction(name, await asking(server, limit))


async def _with_origin(server: Server, limit: float) -> Response | None:
    """The 101 that a browser would get; a server that wants an Origin can be judged for it."""
    async with _scene() as scene:
        with contextlib.suppress(CaseEnd, StreamClosed, TimeoutError, OSError, WireError):
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
    async with _scene() as scene:
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


@contextlib.asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    scene = Scene(WireLog())
    try:
        yield scene
    finally:
        scene.close()


# WebSocket targets.


async def _ask_websocket(server: Server, limit: float) -> Server:
    over_tls = {"tls"} if server.address.tls else set()  # the URL tells, whatever is declared
    if server.profile.capabilities is not None:
        declared = server.profile.capabilities - {"tls"}
        return replace(server, capabilities=declared | over_tls)
    questions = {
        "echo": _has_echo,
        "push": _has_push,
        "server-close": _has_server_close,
        "subprotocols": _has_subprotocols,
        "permessage-deflate": _has_deflate,
        "headers": _has_headers,
    }
    answers = await asyncio.gather(
        *(_answer(server, question, limit) for question in questions.values())
    )
    found = {name for name, answer in zip(questions, answers, strict=True) if answer}
    return replace(server, capabilities=frozenset(found | over_tls))


async def _answer(server: Server, question: object, limit: float) -> bool:
    async with _scene() as scene:
        try:
            async with asyncio.timeout(min(limit, ASKING_LIMIT)):
                answer: bool = await question(Target(server, scene))  # type: ignore[operator]
                return answer
        except IllegalFrame:
            return True  # it answers, if wrongly: the cases say how
        except (CaseEnd, StreamClosed, TimeoutError, OSError, WireError):
            return False


async def _next(peer: WebSocketPeer, say: str) -> tuple[int, bytes]:
    peer.send(text_frame(say))
    frame = await peer.receive()
    return frame.opcode, frame.payload


async def _has_echo(target: Target) -> bool:
    """One of several messages comes back as any; what becomes of each is for the cases to tell."""
    peer = await target.connect()
    peer.send(text_frame("sockproof"), client_frame(Opcode.BINARY, b"sockproof"))
    await peer.flush()
    opcode, _ = await _next(peer, "sockproof, again")
    while opcode == Opcode.PONG:
        opcode = (await peer.receive()).opcode
    return opcode in (Opcode.TEXT, Opcode.BINARY)


async def _has_push(target: Target) -> bool:
    peer = await target.connect("/push?count=1&size=8")
    opcode, payload = await _next(peer, "sockproof")
    return opcode in (Opcode.TEXT, Opcode.BINARY) and payload != b"sockproof"


async def _has_server_close(target: Target) -> bool:
    peer = await target.connect("/close?code=1000&reason=sockproof")
    opcode, _ = await _next(peer, "sockproof")
    return opcode == Opcode.CLOSE


async def _has_subprotocols(target: Target) -> bool:
    """One of the contract is chosen from one offer or another; the cases tell from which not."""
    for offer in (["proof.v2", "proof.v1"], ["proof.v1"], ["proof.v2"]):
        with contextlib.suppress(CaseEnd):
            if (await target.connect(protocols=offer)).protocol is not None:
                return True
    return False


async def _has_deflate(target: Target) -> bool:
    peer = await target.http()
    request = target.upgrade_request(extensions="permessage-deflate")
    response = await peer.ask(request)
    try:
        return agreed_deflate(response) is not None
    except CaseEnd:
        return True  # it answers, if wrongly: the cases say how


async def _has_headers(target: Target) -> bool:
    peer = await target.connect("/headers")
    _, payload = await _next(peer, "sockproof")
    try:
        return isinstance(json.loads(payload), dict)
    except ValueError:
        return False


# Socket.IO targets.


async def _ask_socketio(server: Server, limit: float) -> Server:
    if server.profile.capabilities is not None:
        return replace(server, capabilities=server.profile.capabilities)
    capabilities: set[str] = set()
    found = server
    for transport in ("polling", "websocket"):
        async with _scene() as scene:
            with contextlib.suppress(CaseEnd, StreamClosed, TimeoutError, OSError, WireError):
                async with asyncio.timeout(limit):
                    engine = await Target(server, scene).connect_engineio(transport)
                    capabilities.add(transport)
                    shake = engine.handshake
                    found = replace(
                        server, ping_interval=shake.ping_interval, ping_timeout=shake.ping_timeout
                    )
                    where = server.profile.namespace
                    peer = SocketIOPeer(scene, engine, where, server.token)
                    capabilities |= await _offers(peer, server)
    if {"polling", "websocket"} <= capabilities:
        capabilities.add("upgrade")
    asking = replace(server, capabilities=frozenset(capabilities))
    if "info" in capabilities and await _has_processes(asking, limit):
        capabilities.add("cluster")
    seconds = (found.ping_interval + found.ping_timeout) / 1000
    if seconds > limit:
        capabilities.add("slow-timers")
    if 0 < seconds <= limit:
        capabilities.add("fast-timers")
    return replace(found, capabilities=frozenset(capabilities))


async def _offers(peer: SocketIOPeer, server: Server) -> set[str]:
    """What the contract's events show of themselves; any one of them tells of the fixture."""
    request: dict[str, object] = {"op": "info"}
    if server.token is not None:
        request["token"] = server.token
    where = peer.namespace
    await peer.connect(where, server.auth)
    await peer.send(Packet(PacketType.EVENT, where, ["message", "sockproof"]))
    await peer.send(Packet(PacketType.EVENT, where, ["message-with-ack", "sockproof"], 1))
    await peer.send(Packet(PacketType.EVENT, where, ["sockproof", request], 2))
    offered: set[str] = set()
    wanted = {"auth", "message-back", 1, 2}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ASKING_LIMIT):
            while wanted:
                packet = await peer.receive()
                acked = packet.id if packet.type in ACKS else None
                wanted.discard(acked if acked is not None else str((packet.data or [""])[0]))
                offered.add("fixture")
                if acked == 2:
                    offered |= _operations(packet.data)
    return offered


async def _has_processes(server: Server, limit: float) -> bool:
    """Whether several server processes answer, as `info` tells them apart."""
    processes = set()
    async with _scene() as scene:
        target = Target(server, scene)
        with contextlib.suppress(CaseEnd, StreamClosed, TimeoutError, OSError, WireError):
            async with asyncio.timeout(min(limit, ASKING_LIMIT)):
                for _ in range(CLIENTS_TO_COMPARE):
                    answer = await (await target.socketio()).proof("info")
                    processes.add(str(answer.get("process")))
                    if len(processes) > 1:
                        return True
    return False


def _operations(answer: list[object]) -> set[str]:
    """The operations in an answer to `info`."""
    first = answer[0] if answer else None
    names = first.get("capabilities") if isinstance(first, dict) else None
    if not isinstance(names, list):
        return set()
    return {"info"} | {name for name in names if isinstance(name, str)}
