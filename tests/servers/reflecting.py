"""A server that says again what it is told, in every place that it has, whole and in pieces.

It speaks WebSocket and Socket.IO well enough to be judged and loaded. What it reflects is what a
request says of credentials: fields, query, CONNECT payloads, each as it came and as others spell
it. Each connection has another place for it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

from sockproof.wire import WireError
from sockproof.wire.http import Request
from sockproof.wire.websocket import Frame, Opcode, close_payload
from tests.load.peers import Gone, Link, Server, message, open_packet

CLEAN = 60  # connections that a harness may need to learn what is here


def server() -> Server:
    """One that listens; a context manager."""
    return Server(_serve)


def _said(request: Request) -> list[str]:
    """What the request says that is somebody's secret."""
    found = [value for name, value in request.headers if _is_own(name)]
    for value in list(found):
        scheme, _, encoded = value.partition(" ")
        if scheme == "Basic":
            found.append(base64.b64decode(encoded).decode("utf-8", "replace"))
    query = unquote(urlsplit(request.target).query)
    return [*found, *(pair.partition("=")[2] for pair in query.split("&"))]


def _is_own(name: str) -> bool:
    return name.lower() in ("authorization", "cookie") or name.lower().startswith("x-")


def _spelt(text: str) -> Iterator[str]:
    """The text whole, in pieces, and in other alphabets."""
    octets = text.encode("utf-8", "replace")
    yield text
    yield "x" * 30 + text  # which a cut goes through
    yield "y" * 50 + text
    yield text[:10]
    yield text[-10:]
    yield base64.b64encode(octets).decode()
    yield base64.b64encode(b"me:" + octets).decode()
    yield quote(text, safe="")
    yield octets.hex()
    yield json.dumps(text)[1:-1].replace("/", "\\/")
    yield text.upper()


def _texts(said: list[str], number: int) -> list[str]:
    """One spelling of each, another one for each connection."""
    return [list(_spelt(each))[number % 11] for each in said if each]


def _line(texts: list[str]) -> str:
    return " ".join(texts).replace("\r", "").replace("\n", "")[:2000]


def _serve(link: Link) -> None:
    with contextlib.suppress(Gone, OSError, AssertionError, WireError, ValueError):
        while (request := link.request()) is not None:
            told = _line(_texts(_said(request), link.number))
            if request.get("Upgrade") is not None and _upgraded(link, request, told):
                return
            if request.get("Upgrade") is None:
                _polled(link, request, told)


def _upgraded(link: Link, request: Request, told: str) -> bool:
    place = link.number % 9 if link.number >= CLEAN else 8
    if place == 0:
        link.respond(told.encode(), f"403 {told[:300]}", f"X-Said: {told}")
        return False
    if place == 1:
        link.respond(b"", "302 Found", f"Location: http://{told[:200]}/?q={told[:200]}")
        return False
    if place == 2:
        link.respond(b"", "401 Unauthorized", f'WWW-Authenticate: Basic realm="{told}"')
        return False
    if place == 3:
        link.send(f"{told}\r\n\r\n".encode())
        return True
    if place == 4:
        link.shake("Sec-WebSocket-Protocol: " + told[:40].replace(" ", ""), request=request)
        return True
    link.shake(f"Server: {told[:100] if link.number >= CLEAN else 'it'}", request=request)
    if place == 5:
        link.send(Frame(Opcode.CLOSE, close_payload(4000, told[:110])).encode())
        return True
    if place == 6:
        link.send(Frame(3, told.encode()[:125]).encode())
        return True
    if "EIO=" in request.target:
        _socketio(link, request, told, place)
    else:
        _echo(link, told if place == 7 else "")
    return True


def _echo(link: Link, told: str) -> None:
    if told:
        link.say(told)
    while (frame := link.frame()).opcode != Opcode.CLOSE:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            link.send(Frame(frame.opcode, frame.payload, fin=frame.fin).encode())
        elif frame.opcode == Opcode.PING:
            link.send(Frame(Opcode.PONG, frame.payload).encode())
    link.send(Frame(Opcode.CLOSE, frame.payload).encode())


def _socketio(link: Link, request: Request, told: str, place: int) -> None:
    link.say(open_packet(sid=told[:60] if place == 7 else f"sid{link.number}"))
    while True:
        text = link.text()
        if text.startswith("40"):
            auth = text.lstrip("40")
            texts = _texts(auth.split('"')[3::4], link.number)
            mine = _line([told, *texts]) if link.number >= CLEAN else ""
            if place == 7:
                link.say("44" + json.dumps({"message": mine, "data": mine}))
                continue
            link.say("40" + json.dumps({"sid": f"s{link.number}{mine[:40]}"}))
            for name in (mine[:60], "said"):
                if mine:
                    link.say("42" + json.dumps([name, mine]))
        elif text.startswith("42"):
            head, bracket, rest = text.partition("[")
            if head[2:]:
                link.say(f"43{head[2:]}{bracket}{rest}")
            link.say("42" + bracket + rest)


def _polled(link: Link, request: Request, told: str) -> None:
    clean = link.number < CLEAN
    if "sid=" in request.target and request.method == "POST":
        link.respond(b"ok")
    elif "sid=" in request.target and "sid=a" not in request.target:
        time.sleep(0.05)
        link.respond(b'40{"sid":"its"}' if clean else b"6\x1e42" + json.dumps([told]).encode())
    elif clean and request.method == "GET":
        link.respond(open_packet(sid=f"sid{link.number}", upgrades=["websocket"]).encode())
    elif link.number % 4 == 0:
        link.respond(told.encode(), f"400 {told[:200]}", f"X-Said: {told}")
    elif link.number % 4 == 1:
        link.respond(told.encode())
    elif link.number % 4 == 2:
        link.respond(open_packet(sid=f"a{told}").encode())
    else:
        link.respond(message(told), "200 OK", f"Set-Cookie: a={told[:100].replace(' ', '')}")
