"""The WebSocket part of the target contract, on aiohttp's server as it comes."""

from __future__ import annotations

import argparse
import json
import ssl

from aiohttp import WSMsgType, web

MAX_MESSAGE = 16 * 1024 * 1024  # octets; the largest message is one octet shorter
MAX_PUSH = 100_000


async def handle(request: web.Request) -> web.StreamResponse:
    """One connection: whatever its path asks for, then an echo."""
    # aiohttp takes the client's first choice; the contract wants `proof.v2` before `proof.v1`.
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    first = ("proof.v2",) if "proof.v2" in offered.replace(",", " ").split() else ("proof.v1",)
    socket = web.WebSocketResponse(protocols=first, max_msg_size=MAX_MESSAGE)
    await socket.prepare(request)
    query = request.query
    if request.path == "/push":
        size = min(int(query.get("size", 8)), MAX_MESSAGE)
        for number in range(min(int(query.get("count", 1)), MAX_PUSH)):
            await socket.send_bytes(number.to_bytes(8, "big")[:size].ljust(size, b"\0"))
    elif request.path == "/close":
        reason = query.get("reason", "").encode()
        await socket.close(code=int(query.get("code", 1000)), message=reason)
    asked = request.path == "/headers"
    async for message in socket:
        if asked:
            asked = False
            fields = {name.lower(): value for name, value in request.headers.items()}
            await socket.send_str(json.dumps(fields))
        elif message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    context = None
    if arguments.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.certificate, arguments.key)
    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    web.run_app(
        app,
        host="127.0.0.1",
        port=arguments.port,
        ssl_context=context,
        print=None,
        access_log=None,
        shutdown_timeout=0.5,
    )


if __name__ == "__main__":
    main()
