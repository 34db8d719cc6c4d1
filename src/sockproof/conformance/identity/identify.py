"""What a server is that answers an ordinary request otherwise than it should: a line or two.

A server is turned away only for what has shown itself; one that answers wrongly and is what it
should be is let through, since that is for the cases to tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from urllib.parse import urljoin, urlsplit

from sockproof.conformance.capabilities.websocket import NO_ANSWER, Ear, Message, asking, content
from sockproof.conformance.identity.carrier import speaks_http2, speaks_tls
from sockproof.conformance.identity.probe import Answer, Prober, shown
from sockproof.conformance.peers.client_frames import client_frame, text_frame
from sockproof.conformance.targets.target import Target
from sockproof.wire.websocket import Frame, Opcode

LIKELY_PATHS = ("/socket.io/", "/engine.io/", "/ws", "/websocket", "/")
OF_A_PROXY = (502, 503, 504)  # status codes that tell of a server behind it
LOGIN = re.compile(r"log-?in|sign-?in|\bsso\b|oauth|/auth\b", re.IGNORECASE)
SUBPROTOCOL = re.compile(r"sub-?protocol|sec-websocket-protocol", re.IGNORECASE)
ORIGIN = re.compile(rb"\borigin\b", re.IGNORECASE)
TLS_WANTED = re.compile(r"\bhttps\b|\btls\b", re.IGNORECASE)
HTTP2_WANTED = re.compile(r"\bHTTP/2|\bh2\b", re.IGNORECASE)
POLICIES = {1008, 3000, 3003, *range(4000, 5000)}  # Close codes that a refusal may have
PING = b"sockproof asks"  # which no server's own Pong holds
ROUND_TRIPS = 3  # in which a server that turns everybody away has done so
MADE_UP = "sockproof"  # a subprotocol that nobody has: some servers then name theirs
OLD = "speaks Engine.IO 3, that is Socket.IO 2 or older"
JUDGED = "sockproof checks Engine.IO 4, which is Socket.IO 3 and newer"


def sentence(prober: Prober, what: str, todo: str, seen: object) -> str:
    """What it is, what to type, and what was seen of it."""
    return f"{prober.address.url} {what}: {todo}\n  {seen}"


def wants_credentials(prober: Prober, what: str, seen: object) -> str:
    """A server that lets in only those whom it knows."""
    if prober.server.has_credentials:
        what += ", and does not accept those that were sent"
    options = "--header 'Authorization: …', --cookie 'NAME=VALUE' or user:password@ in the URL"
    return sentence(prober, what, f"give credentials with {options}", seen)


async def identify(prober: Prober, answer: Answer) -> str | None:
    """What is there instead of a server to judge; None when there is nothing to complain of."""
    if prober.address.is_websocket and answer.status == 101:
        return await _opened(prober)
    if not prober.address.is_websocket:
        if answer.is_old_engineio:
            return sentence(prober, OLD, JUDGED, answer)
        if answer.is_engineio or await prober.opens_engineio_websocket():
            return None
    for question in (
        *(_redirect, _login, _carrier, _proxy),
        *(_another_kind, _condition, _another_path),
    ):
        found = await question(prober, answer)
        if found is not None:
            return found
    return _something_else(prober, answer)


async def _opened(prober: Prober) -> str | None:
    """A WebSocket that speaks Engine.IO, or is closed by policy before anything is said."""
    wants_engineio = "EIO=" in prober.address.query  # then its first packet is waited for

    def tells(message: Message) -> bool:
        fenced = message == (Opcode.PONG, PING) and not wants_engineio
        return fenced or message[1].startswith(b'0{"sid"')

    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            ear = await Ear.open(Target(prober.server, context), prober.limit)
            for _ in range(ROUND_TRIPS):
                ear.peer.send(client_frame(Opcode.PING, PING))
                opcode, payload = await ear.until(tells, prober.limit)
                seen = f"what came first was {Frame(opcode, payload)}"
                if opcode == Opcode.TEXT:
                    todo = f"type {prober.url(prober.secure('http'))}"
                    return sentence(
                        prober, "is a Socket.IO server, not a plain WebSocket server", todo, seen
                    )
                if opcode == Opcode.CLOSE and int.from_bytes(payload[:2], "big") in POLICIES:
                    if await _lets_speak(prober):  # its Close was for the Ping
                        return None
                    what = "opens a WebSocket and closes it immediately"
                    return wants_credentials(prober, what, seen)
    return None


async def _lets_speak(prober: Prober) -> bool:
    """Whether texts are answered, by whatever it may be, on a WebSocket without a Ping."""
    async with asking() as context:
        with contextlib.suppress(*NO_ANSWER):
            ear = await Ear.open(Target(prober.server, context), prober.limit)
            for _ in range(ROUND_TRIPS):
                ear.peer.send(text_frame(content().decode()))
                if (await ear.until(_is_no_pong, prober.limit))[0] == Opcode.CLOSE:
                    return False
            return True
    return False


def _is_no_pong(message: Message) -> bool:
    return message[0] != Opcode.PONG


async def _redirect(prober: Prober, answer: Answer) -> str | None:
    if answer.location is None:
        return None
    asked = prober.url("https" if prober.address.tls else "http", answer.request.target)
    where = urlsplit(urljoin(asked, answer.location))
    if LOGIN.search(where.path):
        return wants_credentials(prober, "redirects to a login", answer)
    scheme = "ws" if prober.address.is_websocket else "http"
    scheme += "s" if where.scheme in ("https", "wss") else ""
    path = where.path or "/"
    if not prober.address.is_websocket and prober.address.path == "/":
        path = path.removesuffix(prober.server.profile.path) or "/"  # which is added again
    url = f"{scheme}://{where.netloc}{path}"
    if url == prober.url():
        return wants_credentials(prober, "redirects to itself", answer)
    return sentence(prober, "redirects", f"type {shown(url)}", answer)


async def _login(prober: Prober, answer: Answer) -> str | None:
    if answer.status in (401, 407):
        return wants_credentials(prober, "requires a login", answer)
    if answer.asks_for_a_password:
        return wants_credentials(prober, f"is a login page ({answer.title})", answer)
    return None


async def _carrier(prober: Prober, answer: Answer) -> str | None:
    """HTTP/1.1 without TLS is refused in words of HTTP/1.1."""
    server, limit = prober.server, prober.limit
    if HTTP2_WANTED.search(answer.text) and await speaks_http2(server, limit):
        return sentence(prober, "speaks only HTTP/2", "enable HTTP/1.1 as well", answer)
    if prober.address.tls or not TLS_WANTED.search(answer.text):
        return None
    if not await speaks_tls(server, limit):
        return None
    return sentence(prober, "speaks TLS", f"type {prober.url(f'{prober.address.scheme}s')}", answer)


async def _proxy(prober: Prober, answer: Answer) -> str | None:
    if answer.status not in OF_A_PROXY:
        return None
    name = shown(answer.response.get("Server") or "something without a name", 40)
    what = f"is a proxy ({name}) that does not reach its server"
    return sentence(prober, what, "is it running where the proxy expects it?", answer)


async def _another_kind(prober: Prober, answer: Answer) -> str | None:
    """A Socket.IO server where a WebSocket server was named, or the reverse."""
    own = prober.address.path
    if not prober.address.is_websocket:
        other = await prober.handshake(own)
        if other is None or not other.is_upgrade:
            return None
        todo = f"type {prober.url(prober.secure('ws'))}"
        return sentence(prober, "is a plain WebSocket server, not a Socket.IO server", todo, answer)
    for path in dict.fromkeys((own, "/socket.io/")):
        other = await prober.polling(path)
        if other is not None and other.is_old_engineio:
            return sentence(prober, OLD, JUDGED, other)
        if other is not None and other.is_engineio:
            todo = f"type {prober.url(prober.secure('http'), own if path == own else '/')}"
            return sentence(
                prober, "is a Socket.IO server, not a plain WebSocket server", todo, answer
            )
    return None


async def _condition(prober: Prober, answer: Answer) -> str | None:
    """A request that is taken with one thing more: an Origin, a browser's name, a subprotocol."""
    if not 400 <= answer.status < 500 or answer.status == 404:
        return None
    site = prober.url(prober.secure("http"), "/").removesuffix("/")
    for name, value in (("Origin", site), ("User-Agent", "Mozilla/5.0")):
        again = await prober.ask(answer.request.having(name, value))
        if again is not None and (again.is_upgrade or again.is_engineio):
            todo = f"add --header '{name}: {value}'"
            return sentence(prober, f"requires the header field {name}", todo, answer)
    if ORIGIN.search(answer.body):
        todo = "name one that it accepts with --header 'Origin: https://…'"
        return sentence(prober, "requires the header field Origin", todo, answer)
    if not prober.address.is_websocket:
        return None
    offered = await prober.handshake(protocols=[MADE_UP])
    if offered is None:
        return None
    names_them = offered.status != 101 and SUBPROTOCOL.search(offered.text)
    if offered.status != 101 and not names_them and not SUBPROTOCOL.search(answer.text):
        return None
    what = "requires a subprotocol"
    if prober.server.subprotocols:
        what += f" other than {', '.join(prober.server.subprotocols)}"
    seen = offered if names_them else answer
    return sentence(prober, what, "name it with --subprotocol NAME", seen)


async def _another_path(prober: Prober, answer: Answer) -> str | None:
    """A server of either kind at a path where they often are."""
    asked = answer.request.target.partition("?")[0]
    paths = [path for path in LIKELY_PATHS if path != asked]
    websockets, sessions = await asyncio.gather(
        asyncio.gather(*map(prober.handshake, paths)), asyncio.gather(*map(prober.polling, paths))
    )
    found = [
        (path, "a WebSocket", prober.secure("ws"))
        for path, other in zip(paths, websockets, strict=True)
        if other is not None and other.is_upgrade
    ]
    found += [
        (path, "an Engine.IO", prober.secure("http"))
        for path, other in zip(paths, sessions, strict=True)
        if other is not None and (other.is_engineio or other.is_old_engineio)
    ]
    if not found:
        return None
    scheme = prober.address.scheme
    path, name, scheme = next((each for each in found if each[2] == scheme), found[0])
    what = f"has no server to check at {shown(asked)}, but {name} server answers at {path}"
    return sentence(prober, what, f"type {prober.url(scheme, path)}", answer)


def _something_else(prober: Prober, answer: Answer) -> str:
    websocket = prober.address.is_websocket
    kind = "WebSocket" if websocket else "Socket.IO"
    path = shown(answer.request.target.partition("?")[0])
    todo = f"name the server's path {'in the URL' if websocket else 'with --path'}"
    if answer.status == 403:
        return wants_credentials(prober, "rejects every client", answer)
    if answer.status >= 500:
        return sentence(prober, "fails", "its log should say why", answer)
    if answer.title is not None and answer.status < 400:
        return sentence(prober, f"is a web page ({answer.title}), no {kind} server", todo, answer)
    return sentence(prober, f"has no {kind} server at {path}", todo, answer)
