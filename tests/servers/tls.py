"""The correct WebSocket server behind TLS, and faults of TLS to switch on.

RFC 6455, 4.2.2 and 10.6. A relay in front sees the first octet of each connection, so that a
fault can treat plain HTTP and broken handshakes as no TLS library would.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from sockproof.targets.certificates import Certificates, make_certificates
from tests.servers.websocket_server import WebSocketServer

PLAIN_400 = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\nConnection: close\r\n\r\nTLS, please"
)
FREEDOMS: dict[str, Callable[[ssl.SSLContext], object]] = {
    "tls-13-alone": lambda tls: setattr(tls, "minimum_version", ssl.TLSVersion.TLSv1_3),
    "tls-12-alone": lambda tls: setattr(tls, "maximum_version", ssl.TLSVersion.TLSv1_2),
    "tls-alpn-agrees-to-http11": lambda tls: tls.set_alpn_protocols(["http/1.1"]),
    "tls-asks-for-a-certificate": lambda tls: setattr(tls, "verify_mode", ssl.CERT_OPTIONAL),
    "tls-without-tickets": lambda tls: setattr(tls, "num_tickets", 0),
    "tls-answers-plain-http": lambda tls: None,
}


class TlsServer:
    """Listens while it is entered; `url` says where, `certificates.ca` is what to trust."""

    def __init__(self, fault: str | None = None, freedoms: Iterable[str] = ()) -> None:
        self.fault = fault
        self.freedoms = frozenset(freedoms)

    async def __aenter__(self) -> TlsServer:
        self._stack = contextlib.AsyncExitStack()
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        hosts = ("elsewhere.example",) if self.fault == "tls-names-another-host" else None
        self.certificates = make_certificates(folder, *([hosts] if hosts else []))
        context = self._context(self.certificates)
        self._backend = WebSocketServer(tls=context, freedoms=self.freedoms)
        if self.fault == "tls-ends-without-close-notify":
            self._backend.before_closing = _end_tcp_alone
        await self._stack.enter_async_context(self._backend)
        self._plain = await self._stack.enter_async_context(WebSocketServer())
        self._relay = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = f"wss://127.0.0.1:{self._relay.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._relay.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def _context(self, made: Certificates) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = made.chain
        if self.fault == "tls-chain-incomplete":
            chain = made.chain.with_name("leaf.pem")
            leaf = made.chain.read_text(encoding="ascii").split("-----END CERTIFICATE-----")[0]
            chain.write_text(leaf + "-----END CERTIFICATE-----\n", encoding="ascii")
        context.load_cert_chain(chain, made.key)
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's, about old versions
        match self.fault:
            case "tls-of-old-versions":
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            case "tls-of-old-versions-alone":
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            case "tls-alpn-agrees-to-h2":
                context.set_alpn_protocols(["h2", "http/1.1"])
        for name in self.freedoms & set(FREEDOMS):
            FREEDOMS[name](context)
        return context

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            try:
                await self._relayed(reader, writer)
            finally:
                writer.close()

    async def _relayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(65536)
        if (
            self.fault == "tls-alpn-breaks-http11"
            and b"http/1.1" in first
            and b"\x02h2" not in first
        ):
            return
        if self.fault == "tls-failure-kept-open" and first[3:5] == b"\x00\x05":
            await asyncio.sleep(30)
        if "tls-answers-plain-http" in self.freedoms and first[:1] != b"\x16":
            writer.write(PLAIN_400)
            return
        plain = self.fault == "tls-and-plain-on-one-port" and first[:1] != b"\x16"
        url = self._plain.url if plain else self._backend.url
        port = int(url.rstrip("/").rpartition(":")[2])
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        behind_writer.write(first)
        there = asyncio.create_task(_pump(reader, behind_writer))
        try:
            await _pump(behind_reader, writer)
        finally:
            there.cancel()
            behind_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()


def _end_tcp_alone(writer: asyncio.StreamWriter) -> None:
    """Send FIN without close_notify before it, and let asyncio find the connection gone."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
