"""The WebSocket part of the target contract, on Tornado as it comes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import signal
import ssl
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

MAX_MESSAGE = 16 * 1024 * 1024  # octets; declared as max_message in target.toml
MAX_PUSH = 100_000


class Echo(WebSocketHandler):
    """One connection: whatever its path asks for, then an echo."""

    def check_origin(self, origin: str) -> bool:
        """Any page may connect; the contract says nothing of origins."""
        del origin
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """`proof.v2` before `proof.v1`; none when neither is offered."""
        return next((each for each in ("proof.v2", "proof.v1") if each in subprotocols), None)

    def get_compression_options(self) -> dict[str, Any]:
        """Compress where the client offers it."""
        return {}

    async def open(self, *args: str, **kwargs: str) -> None:
        """Do what the path asks for."""
        del args, kwargs
        self.asked = self.request.path == "/headers"
        if self.request.path == "/push":
            size = min(int(self.get_query_argument("size", "8")), MAX_MESSAGE)
            with contextlib.suppress(WebSocketClosedError):
                for number in range(min(int(self.get_query_argument("count", "1")), MAX_PUSH)):
                    message = number.to_bytes(8, "big")[:size].ljust(size, b"\0")
                    await self.write_message(message, binary=True)
        elif self.request.path == "/close":
            code = int(self.get_query_argument("code", "1000"))
            self.close(code, self.get_query_argument("reason", "") or None)

    async def on_message(self, message: str | bytes) -> None:
        """Send back what came."""
        if self.asked:
            self.asked = False
            fields = {name.lower(): value for name, value in self.request.headers.get_all()}
            message = json.dumps(fields)
        with contextlib.suppress(WebSocketClosedError):
            await self.write_message(message, binary=isinstance(message, bytes))


async def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    logging.getLogger("tornado").setLevel(logging.ERROR)
    context = None
    if arguments.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.certificate, arguments.key)
    app = Application([("/.*", Echo)], websocket_max_message_size=MAX_MESSAGE)
    HTTPServer(app, ssl_options=context).listen(arguments.port, "127.0.0.1")
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
