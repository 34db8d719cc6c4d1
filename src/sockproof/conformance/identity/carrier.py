"""What listens where no HTTP/1.1 comes back: TLS, HTTP/2, or something else altogether.

No credentials are sent, since they were meant for another server.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import replace

from sockproof.conformance.capabilities.websocket import NO_ANSWER, asking
from sockproof.conformance.identity.probe import Prober, shown
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113, 3.4
HTTP2_SETTINGS = b"\0\0\0\x04\0\0\0\0\0"  # an empty SETTINGS frame, behind the preface
BANNER = 200  # octets of what something else says


def _stranger(server: Server) -> Server:
    """The same server, to be asked without anything of the user's own."""
    address = replace(server.address, query="", user=None)
    return replace(server, address=address, headers=(), auth=None, token=None)


def _any_certificate(server: Server) -> ssl.SSLContext:
    return replace(server.trust, verifies=False).context()


async def speaks_tls(server: Server, limit: float) -> bool:
    """Whether TLS is spoken on the port."""
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                await Target(_stranger(server), context).tls_connection(_any_certificate(server))
            return True
    return False


async def speaks_http2(server: Server, limit: float) -> bool:
    """Whether HTTP/2 is spoken on the port; over TLS it is agreed upon by ALPN."""
    tls_context = None
    if server.address.tls:
        tls_context = _any_certificate(server)
        tls_context.set_alpn_protocols(["h2"])
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                peer = await Target(replace(_stranger(server), tls=tls_context), context).http()
                peer.send_octets(HTTP2_PREFACE + HTTP2_SETTINGS, "the preface of HTTP/2")
                return (await peer.octets("a SETTINGS frame"))[3:4] == b"\x04"
    return False


async def _banner(server: Server, limit: float) -> str:
    """What is said in answer to a request, as text."""
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            async with asyncio.timeout(limit):
                target = Target(_stranger(server), context)
                peer = await target.http()
                peer.send(target.upgrade_request())
                octets = await peer.octets("anything")
                first = octets[:BANNER].lstrip(b"\r\n").splitlines() or [b""]
                return shown(first[0].decode("latin-1"))
    return ""


async def no_http(server: Server, limit: float, why: str) -> str:
    """One line on a server that does not answer a request with a response."""
    prober = Prober(server, limit)
    where = server.address
    if not where.tls and await speaks_tls(server, limit):
        return f"{where.url} speaks TLS: type {prober.url(f'{where.scheme}s')}\n  {why}"
    if await speaks_http2(server, limit):
        return f"{where.url} speaks only HTTP/2: enable HTTP/1.1 as well\n  {why}"
    said = await _banner(server, limit)
    if not said:
        return f"{where.host}:{where.port} does not answer: {why}"
    return f'{where.host}:{where.port} does not speak HTTP: is the port right? It says "{said}"'


async def no_tls(server: Server, limit: float, why: str) -> str:
    """One line on a server that does not answer a TLS handshake."""
    plain = replace(_stranger(server), tls=None)
    prober = Prober(plain, limit)
    where = server.address
    answer = await prober.ask(prober.handshake_request())
    if answer is None:
        return f"{where.host}:{where.port} does not speak TLS: {why}"
    scheme = where.scheme.removesuffix("s")
    return f"{where.url} does not speak TLS: type {prober.url(scheme)}\n  {answer}"
