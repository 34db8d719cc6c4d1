"""A server in a thread of its own, for tests that run the command as a person types it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import socketio
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve

from tests.waiting import LIMIT

Serving = Callable[[], AbstractAsyncContextManager[int]]
"""Serves on a port of its own while it is entered; gives the port."""


@contextlib.contextmanager
def running(serving: Serving) -> Iterator[int]:
    """The port of a server that runs meanwhile."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(awaitable, loop).result(timeout=LIMIT)

    context = serving()
    try:
        port: int = do(context.__aenter__())
        try:
            yield port
        finally:
            do(context.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def pages(*routes: web.RouteDef, sio: socketio.AsyncServer | None = None, **site: Any) -> Serving:
    """An application on aiohttp."""

    @asynccontextmanager
    async def serving() -> AsyncIterator[int]:
        app = web.Application()
        app.add_routes(routes)
        if sio is not None:
            sio.attach(app, socketio_path=site.pop("path", "socket.io"))
        runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, **site).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    return serving


def answering(status: int, text: str = "", **fields: str) -> Serving:
    """A server that answers everything so."""
    kind = "text/html" if "<" in text else "text/plain"

    async def answer(request: web.Request) -> web.Response:
        del request
        return web.Response(status=status, text=text, content_type=kind, headers=fields)

    return pages(web.route("*", "/{path:.*}", answer))


def websockets(handler: Any, **options: Any) -> Serving:
    """An application on the library `websockets`."""

    @asynccontextmanager
    async def serving() -> AsyncIterator[int]:
        async with serve(handler, "127.0.0.1", 0, **options) as server:
            yield next(iter(server.sockets)).getsockname()[1]

    return serving


async def echo(connection: ServerConnection) -> None:
    """Sends each message back."""
    async for message in connection:
        await connection.send(message)


def saying(octets: bytes, first: bool = False) -> Serving:
    """Something that says these octets, before it is asked or behind that, and closes."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            if not first:
                await reader.read(4096)
            writer.write(octets)
            await writer.drain()
            if first:
                await reader.read(4096)
        writer.close()

    @asynccontextmanager
    async def serving() -> AsyncIterator[int]:
        async with await asyncio.start_server(say, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]

    return serving
