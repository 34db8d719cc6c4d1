"""What keeps an Engine.IO server from being judged as one of Socket.IO: a line or two."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re

from sockproof.conformance.capabilities.socketio import Offered
from sockproof.conformance.capabilities.websocket import NO_ANSWER, asking
from sockproof.conformance.identity.identify import JUDGED, OLD, sentence
from sockproof.conformance.identity.probe import Prober, shown
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target
from sockproof.wire import engineio
from sockproof.wire.socketio import Packet

SESSIONS = 12  # that are opened to see whether each finds its process again
UNKNOWN_SID = re.compile(rb"session|sid", re.IGNORECASE)
# {"type": 0, "nsp": "/"} as socket.io-msgpack-parser writes it.
MSGPACK_CONNECT = b"\x82\xa4type\x00\xa3nsp\xa1/"


async def identify_socketio(prober: Prober, offered: Offered) -> str | None:
    """What stands in the way, if anything; where a profile declares what is there, nothing does."""
    server = offered.server
    if server.profile.capabilities is not None:
        return None
    if "polling" in server.capabilities:
        found = await _unsticky(prober)
        if found is not None:
            return found
    if offered.refusal is not None:
        return _refused(prober, offered.refusal)
    if not server.capabilities & {"socketio", "engineio-echo"}:
        return await _msgpack(prober, server)
    if offered.is_old:
        return sentence(prober, OLD, JUDGED, "CONNECT was answered without a sid")
    return None


def _refused(prober: Prober, refusal: Packet) -> str:
    """CONNECT_ERROR in the application's own words."""
    where = prober.server.profile.namespace
    data = refusal.data
    message = data.get("message") if isinstance(data, dict) else data
    seen = f"CONNECT was answered with CONNECT_ERROR {shown(json.dumps(data, ensure_ascii=False))}"
    if isinstance(message, str) and "namespace" in message.lower():
        what = f"has no namespace {where}"
        return sentence(prober, what, "name one with --namespace NS", seen)
    what = f"refuses the namespace {where}"
    if prober.server.auth is not None or prober.server.has_credentials:
        what += " with the credentials that were sent"
    options = """give credentials with --auth '{"token": "…"}', --header or --cookie"""
    return sentence(prober, what, f"{options}, or another --namespace", seen)


async def _unsticky(prober: Prober) -> str | None:
    """Sessions that are known to one process, while requests reach several."""
    async with asking() as context:
        target = Target(prober.server, context)

        async def goes_on() -> bool | None:
            """Whether a session takes a packet; None where that cannot be said."""
            with contextlib.suppress(*NO_ANSWER):
                async with asyncio.timeout(prober.limit):
                    peer = target.engineio()
                    await peer.open_polling()
                    response = await peer.post(engineio.encode_payload([_CONNECT]))
                if response.status == 200:
                    return True
                if response.status == 400 and UNKNOWN_SID.search(response.body):
                    return False
            return None

        known = await asyncio.gather(*(goes_on() for _ in range(SESSIONS)))
    lost = known.count(False)
    if not lost or not known.count(True):
        return None
    what = "has several processes and no sticky sessions"
    todo = "route all requests of a session to one process, or use the port of one process"
    seen = f"{lost} of {SESSIONS} sessions were unknown at their next request"
    return sentence(prober, what, todo, seen)


_CONNECT = engineio.Packet(engineio.PacketType.MESSAGE, "0")


async def _msgpack(prober: Prober, server: Server) -> str | None:
    """Another parser: packets are binary messages, which a text CONNECT does not reach."""
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(prober.limit):
                engine = await Target(server, context).connect_engineio()
                await engine.send(engineio.Packet(engineio.PacketType.MESSAGE, MSGPACK_CONNECT))
                while True:
                    packet = await engine.receive()
                    if isinstance(packet.data, bytes) and b"\xa3sid" in packet.data:
                        break
            seen = f"CONNECT in msgpack was answered with {packet}"
            what = "encodes its packets with msgpack"
            return sentence(prober, what, "use the default parser", seen)
    return None
