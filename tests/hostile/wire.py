"""The connection of a hostile server: it behaves until the stage at which it does not."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import socket
import ssl
import struct
import sys
import threading
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from sockproof.wire.http import Request
from sockproof.wire.websocket import Frame, Opcode
from tests.hostile.shelf import Hostile, load
from tests.load.peers import DEFLATE, Gone, Link, message, open_packet

LONGEST = 20.0  # seconds that one misbehaviour lasts
AFTER = 3  # messages that are served before the stage `messages`
BLOCK = 64 * 1024


class Misbehaved(Exception):
    """The misbehaviour is over, and so is the connection."""


class Session:
    """A session over long-polling."""

    def __init__(self) -> None:
        self.packets: queue.Queue[str] = queue.Queue()
        self.stage = "engineio"
        self.heard = 0


class Wire(Link):
    """One connection, on which the server may do as it likes."""

    hostile: Hostile
    clean: bool
    certificates: Path
    sessions: dict[str, Session]
    polling = False
    begun: ClassVar[itertools.count[int]] = itertools.count()  # misbehaviours of all connections
    request_now: Request | None = None

    # What misbehaviours are made of.

    def forever(self, data: bytes, every: float = 0.0) -> None:
        """Send this again and again until the client is gone, or long enough."""
        block = data if every else data * max(1, BLOCK // max(1, len(data)))
        deadline = time.monotonic() + LONGEST
        while time.monotonic() < deadline:
            self.send(block)
            if every:
                time.sleep(every)

    def drip(self, data: bytes, every: float = 0.2) -> None:
        """Send octet by octet, slowly."""
        deadline = time.monotonic() + LONGEST
        for octet in itertools.cycle(data):
            if time.monotonic() > deadline:
                return
            self.send(bytes((octet,)))
            time.sleep(every)

    def wait(self) -> None:
        """Say nothing, and read until the client is gone."""
        self.socket.settimeout(LONGEST)
        with contextlib.suppress(OSError):
            while self.socket.recv(BLOCK):
                pass

    def reset(self) -> None:
        """End the stream with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def frame_of(self, first: int, payload: bytes = b"", length: int | None = None) -> bytes:
        """A frame with any first octet, and any length announced."""
        size = len(payload) if length is None else length
        if size < 126:
            return bytes((first, size)) + payload
        if size < 1 << 16:
            return bytes((first, 126)) + size.to_bytes(2, "big") + payload
        return bytes((first, 127)) + size.to_bytes(8, "big") + payload

    def packets(self, *packets: str) -> None:
        """Engine.IO packets, in frames or in the body of an answer."""
        if self.polling:
            self.respond("\x1e".join(packets).encode("utf-8", "surrogatepass"))
        else:
            for each in packets:
                self.send(self.frame_of(0x81, each.encode("utf-8", "surrogatepass")))

    def packets_forever(self, *packets: str, each: int = 100) -> None:
        """The same packets again and again; an answer holds so many of them."""
        if self.polling:
            self.packets(*packets * each)
        else:
            self.forever(b"".join(self.frame_of(0x81, one.encode()) for one in packets))

    def answer(self, head: Iterable[str], body: bytes = b"") -> None:
        """An answer to an HTTP request with just these lines."""
        self.send("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    # Behaving.

    def at(self, stage: str) -> None:
        """The connection has come to this stage."""
        if stage == self.hostile.stage and not self.clean:
            next(self.begun)
            more = () if self.hostile.parameter is None else (self.hostile.parameter,)
            self.hostile.misbehave(self, *more)
            if not self.polling:
                raise Misbehaved

    def serve(self) -> None:
        self.at("tcp")
        if self.hostile.tls:
            self.at("tls")
            self.secure()
        self.speak()

    def secure(
        self,
        whose: str = "own",
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ) -> None:
        """Speak TLS from here on, with one of the certificates."""
        context = self._context(whose, version)
        if version >= ssl.TLSVersion.TLSv1_2:
            context.maximum_version = newest
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def flight(self, hello: bytes) -> bytes:
        """What a server answers to this ClientHello."""
        heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
        heard.write(hello)
        with contextlib.suppress(ssl.SSLError):
            self._context("own").wrap_bio(heard, said, server_side=True).do_handshake()
        return said.read()

    def _context(
        self, whose: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings(action="ignore"):
            context.minimum_version = version
            if version < ssl.TLSVersion.TLSv1_2:
                context.maximum_version = version
        folder = self.certificates / whose
        context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
        return context

    def speak(self) -> None:
        """HTTP, until it becomes a WebSocket."""
        while (request := self.request()) is not None:
            self.request_now = request
            self.at("head")
            if request.get("Upgrade") is not None:
                offered = "permessage-deflate" in (request.get("Sec-WebSocket-Extensions") or "")
                agreed = (DEFLATE,) if self.hostile.deflate and offered else ()
                self.shake(*agreed, request=request)
                self.serve_websocket("EIO=" in request.target)
                return
            self.polling = True
            self._poll(request)

    def serve_websocket(self, is_engineio: bool) -> None:
        self.at("frames")
        if is_engineio:
            self.packets(open_packet())
            self.at("engineio")
        served = 0
        while (frame := self.frame()).opcode != Opcode.CLOSE:
            if frame.opcode == Opcode.PING:
                self.send(Frame(Opcode.PONG, frame.payload).encode())
            elif not is_engineio and frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self.send(Frame(frame.opcode, frame.payload, fin=frame.fin).encode())
                served += frame.fin
            elif is_engineio:
                text = frame.payload.decode("utf-8", "replace")
                for packet in answers(text):
                    self.send(message(packet))
                if text.startswith("40"):
                    self.at("socketio")
                served += text.startswith("42")
            if served >= AFTER:
                self.at("messages")
        self.send(Frame(Opcode.CLOSE, frame.payload).encode())

    def _poll(self, request: Request) -> None:
        query = parse_qs(urlsplit(request.target).query)
        sid = query.get("sid", [""])[0]
        if not sid:
            sid = f"s{id(self)}-{time.monotonic_ns()}"
            self.sessions[sid] = Session()
            if self.hostile.stage == "body":
                self.at("body")
            self.respond(open_packet(sid=sid).encode())
            return
        session = self.sessions.setdefault(sid, Session())
        if session.stage == self.hostile.stage == "engineio" and not self.clean:
            self.at("engineio")  # whatever comes first, for clients ask and say at once
            return
        if request.method == "POST":
            for text in request.body.decode("utf-8", "replace").split("\x1e"):
                for packet in answers(text):
                    session.packets.put(packet)
                session.heard += text.startswith("42")
                if text.startswith("40"):
                    session.stage = "socketio"
                if text == "1":
                    session.packets.put("6")
            if session.heard >= AFTER:
                session.stage = "messages"
            self.respond(b"ok")
            return
        if session.stage == self.hostile.stage and not self.clean and session.packets.empty():
            self.at(session.stage)
            return
        packets = []
        with contextlib.suppress(queue.Empty):
            packets.append(session.packets.get(timeout=0.5))
            while True:
                packets.append(session.packets.get_nowait())
        self.packets(*(packets or ["6"]))


def answers(text: str) -> list[str]:
    """What a right server says to a packet: it takes everybody in, acknowledges or echoes."""
    if text.startswith("40"):
        return ["40" + json.dumps({"sid": f"x{time.monotonic_ns()}"})]
    if text.startswith("42"):
        number, bracket, rest = text[2:].partition("[")
        if number:
            return [f"43{number}{bracket}{rest[rest.find(',') + 1 :]}"]
        return [f'42["message-back",{rest[rest.find(",") + 1 :]}']
    if text.startswith("2"):
        return ["3" + text[1:]]
    return []


def main(name: str, clean: int, certificates: Path) -> None:
    """Serve until the standard input ends; prints the port."""
    hostile = load()[name]
    sessions: dict[str, Session] = {}
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()

    def one(accepted: socket.socket, number: int, address: str) -> None:
        accepted.settimeout(LONGEST)
        wire = Wire(accepted, number, address)
        wire.hostile, wire.clean, wire.sessions = hostile, number < clean, sessions
        wire.certificates = certificates
        with contextlib.suppress(OSError, Gone, Misbehaved, AssertionError, ValueError):
            wire.serve()
        with contextlib.suppress(OSError):
            wire.socket.close()

    def accept() -> None:
        for number in itertools.count():
            accepted, address = listener.accept()
            threading.Thread(target=one, args=(accepted, number, address[0]), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    sys.stdout.write(f"{next(Wire.begun)}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
