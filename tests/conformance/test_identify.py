"""What is no server to judge is told in a line or two, with what to type, and exit code 2."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio
from aiohttp import web
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from sockproof.cli import main
from sockproof.targets.certificates import make_certificates
from tests.background import Serving, answering, echo, pages, running, saying, websockets
from tests.waiting import EXPIRES, SOON

Told = Callable[..., list[str]]

PAGE = "<!DOCTYPE html>\n<title>Home &amp; garden</title><h1>Welcome</h1>"
LOGIN = '<html><title>Sign in</title><form><input type="password" name="p"></form></html>'


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Told]:
    """Judges a server as the command does: the lines on the standard error, the server as HOST.

    The exit code is 2, and nothing was written. One that leaves something unanswered has a limit
    that is to pass.
    """
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def judge(
        serving: Serving, scheme: str, path: str = "/", *options: str, limit: float = SOON
    ) -> list[str]:
        logging.disable()
        with running(serving) as port:
            url = f"{scheme}://127.0.0.1:{port}{path}"
            code = main(["conformance", url, "--timeout", str(limit), *options])
        output, errors = capfd.readouterr()
        assert (code, output) == (2, ""), errors
        assert list(tmp_path.glob("results/*")) == []
        lines = errors.replace(f"127.0.0.1:{port}", "HOST").splitlines()
        assert lines[0].startswith("sockproof: ")
        assert len(lines) <= 2
        assert all(line.isprintable() for line in lines)
        return lines

    yield judge
    logging.disable(logging.NOTSET)
    signal.signal(signal.SIGTERM, before)


def plain() -> socketio.AsyncServer:
    return socketio.AsyncServer(async_mode="aiohttp")


POLLED = "GET /socket.io/?EIO=4&transport=polling was answered with"


def test_page(told: Told) -> None:
    assert told(answering(200, PAGE), "http") == [
        "sockproof: http://HOST/ is a web page (Home & garden), no Socket.IO server:"
        " name the server's path with --path",
        f'  {POLLED} HTTP/1.1 200 OK, "<!DOCTYPE html>"',
    ]
    assert told(answering(200, PAGE), "ws") == [
        "sockproof: ws://HOST/ is a web page (Home & garden), no WebSocket server:"
        " name the server's path in the URL",
        '  GET / was answered with HTTP/1.1 200 OK, "<!DOCTYPE html>"',
    ]


@pytest.mark.parametrize(
    ("scheme", "location", "typed"),
    [
        ("http", "https://example.org/socket.io/?EIO=4", "https://example.org/"),
        ("ws", "https://example.org/chat", "wss://example.org/chat"),
        ("ws", "/live", "ws://HOST/live"),
    ],
)
def test_redirect(told: Told, scheme: str, location: str, typed: str) -> None:
    first, second = told(answering(301, Location=location), scheme)
    assert first == f"sockproof: {scheme}://HOST/ redirects: type {typed}"
    assert f"HTTP/1.1 301 Moved Permanently, Location: {location}" in second


@pytest.mark.parametrize(
    ("serving", "what"),
    [
        (answering(401, "who?", **{"WWW-Authenticate": "Basic"}), "requires a login"),
        (answering(403, "no"), "rejects every client"),
        (answering(302, Location="/login?next=/"), "redirects to a login"),
        (answering(200, LOGIN), "is a login page (Sign in)"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_login(told: Told, serving: Serving, what: str, scheme: str) -> None:
    first, _ = told(serving, scheme)
    assert first == (
        f"sockproof: {scheme}://HOST/ {what}: give credentials with --header 'Authorization: …',"
        " --cookie 'NAME=VALUE' or user:password@ in the URL"
    )


def test_login_that_was_tried_is_told_so_and_shows_no_secret(told: Told) -> None:
    lines = told(
        answering(401, "sekret-1"), "http", "/", "--header", "Authorization: Bearer sekret-1"
    )
    assert "does not accept those that were sent" in lines[0]
    assert "sekret-1" not in "".join(lines)


def test_websocket_that_is_closed_at_once(told: Told) -> None:
    async def turn_away(connection: ServerConnection) -> None:
        await connection.close(4401, "no token")

    first, second = told(websockets(turn_away), "ws")
    assert "opens a WebSocket and closes it immediately: give credentials" in first
    assert "CLOSE 4401 'no token'" in second


def test_plain_websocket_server_behind_http(told: Told) -> None:
    first, second = told(websockets(echo), "http", "/chat", limit=EXPIRES)
    assert first == (
        "sockproof: http://HOST/chat is a plain WebSocket server, not a Socket.IO server: type ws://HOST/chat"
    )
    assert "HTTP/1.1 426 Upgrade Required" in second


@pytest.mark.parametrize("path", ["/", "/socket.io/", "/socket.io/?EIO=4&transport=websocket"])
def test_socketio_server_behind_ws(told: Told, path: str) -> None:
    first, _ = told(pages(sio=plain()), "ws", path)
    assert "is a Socket.IO server, not a plain WebSocket server: type http://HOST/" in first


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '97:0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000}2:40'),
        (400, '{"code":5,"message":"Unsupported protocol version"}'),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_engineio_3(told: Told, status: int, body: str, scheme: str) -> None:
    first, second = told(answering(status, body), scheme)
    assert "speaks Engine.IO 3, that is Socket.IO 2 or older: sockproof checks Engine.IO 4" in first
    assert body in second


def test_msgpack(told: Told) -> None:
    sio = socketio.AsyncServer(async_mode="aiohttp", serializer="msgpack")
    first, _ = told(pages(sio=sio), "http", limit=EXPIRES)
    assert "encodes its packets with msgpack: use the default parser" in first


def test_sessions_that_are_known_to_one_process_alone(told: Told) -> None:
    count = 0

    async def poll(request: web.Request) -> web.Response:
        nonlocal count
        if "sid" not in request.query:
            times = '"pingInterval":25000,"pingTimeout":20000,"maxPayload":99'
            return web.Response(text=f'0{{"sid":"{count}","upgrades":[],{times}}}')
        count += 1
        if count % 2:
            return web.json_response({"code": 1, "message": "Session ID unknown"}, status=400)
        return web.Response(text="ok")

    first, second = told(pages(web.route("*", "/socket.io/", poll)), "http")
    assert "has several processes and no sticky sessions: route all requests" in first
    assert second.endswith("sessions were unknown at their next request")


def refusing(message: str) -> Serving:
    sio = plain()

    @sio.event
    async def connect(sid: str, environ: Any, auth: Any = None) -> None:
        del sid, environ, auth
        raise socketio.exceptions.ConnectionRefusedError(message)

    return pages(sio=sio)


def test_refusal_of_the_namespace(told: Told) -> None:
    first, second = told(refusing("who are you?\x1b[2J"), "http")
    assert 'refuses the namespace /: give credentials with --auth \'{"token": "…"}\'' in first
    assert 'CONNECT_ERROR {"message": "who are you?\\u001b[2J"}' in second
    first, _ = told(refusing("no"), "http", "/", "--auth", '{"token": "x"}')
    assert "refuses the namespace / with the credentials that were sent" in first


def test_namespace_that_is_not_there(told: Told) -> None:
    sio = socketio.AsyncServer(async_mode="aiohttp", namespaces=["/chat"])
    first, _ = told(pages(sio=sio), "http", limit=EXPIRES)
    assert "--namespace" in first


def test_another_path(told: Told) -> None:
    first, _ = told(pages(sio=plain(), path="engine.io"), "http")
    assert first == (
        "sockproof: http://HOST/ has no server to check at /socket.io/, but an Engine.IO server"
        " answers at /engine.io/: type http://HOST/engine.io/"
    )

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    first, _ = told(pages(web.get("/ws", talk)), "ws", "/nowhere")
    assert "but a WebSocket server answers at /ws: type ws://HOST/ws" in first
    first, _ = told(answering(404, "not here"), "ws", "/nowhere")
    assert first == (
        "sockproof: ws://HOST/nowhere has no WebSocket server at /nowhere:"
        " name the server's path in the URL"
    )


def test_demanded_subprotocol(told: Told) -> None:
    first, second = told(websockets(echo, subprotocols=["chat.v7"]), "ws")
    assert first == "sockproof: ws://HOST/ requires a subprotocol: name it with --subprotocol NAME"
    assert "subprotocol" in second


def test_demanded_origin(told: Told) -> None:
    first, _ = told(websockets(echo, origins=["https://example.org"]), "ws")
    assert "requires the header field Origin: name one that it accepts with --header" in first

    def check(connection: ServerConnection, request: Request) -> Response | None:
        del connection
        if "Origin" in request.headers:
            return None
        return Response(403, "Forbidden", Headers(), b"browsers only\n")

    first, second = told(websockets(echo, process_request=check), "ws")
    assert first == (
        "sockproof: ws://HOST/ requires the header field Origin: add --header 'Origin: http://HOST'"
    )
    assert '"browsers only"' in second


@pytest.mark.parametrize("status", [502, 504])
def test_proxy(told: Told, status: int) -> None:
    page = f"<html><title>{status}</title><center>nginx</center></html>"
    first, _ = told(answering(status, page, Server="nginx/1.24"), "ws")
    assert "is a proxy (nginx/1.24) that does not reach its server" in first


def test_server_that_fails(told: Told) -> None:
    first, second = told(answering(500, "Traceback\r\nmore"), "http")
    assert "http://HOST/ fails: its log should say why" in first
    assert '500 Internal Server Error, "Traceback"' in second


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_something_else(told: Told, scheme: str, first: bool) -> None:
    lines = told(saying(b"SSH-2.0-OpenSSH_9.6\x07\r\n", first), scheme)
    assert lines == [
        'sockproof: HOST does not speak HTTP: is the port right? It says "SSH-2.0-OpenSSH_9.6\\x07"'
    ]


def test_http2_alone(told: Told) -> None:
    settings = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"
    first, _ = told(saying(settings), "ws")
    assert "ws://HOST/ speaks only HTTP/2: enable HTTP/1.1 as well" in first


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_tls_where_none_was_named_and_the_reverse(told: Told, scheme: str, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.chain, made.key)
    first, _ = told(pages(ssl_context=context), scheme)
    assert f"{scheme}://HOST/ speaks TLS: type {scheme}s://HOST/" in first
    first, _ = told(answering(200, "hello"), f"{scheme}s", "/", "--insecure")
    assert f"{scheme}s://HOST/ does not speak TLS: type {scheme}://HOST/" in first


def test_body_without_end_and_lines_without_end(told: Told) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)
            await asyncio.sleep(0.01)

    first, second = told(pages(web.get("/{path:.*}", stream)), "ws")
    assert "has no WebSocket server at /" in first
    assert len(second) < 400


def test_secrets_of_the_url_are_not_shown(told: Told) -> None:
    async def echoing(request: web.Request) -> web.Response:
        return web.Response(status=401, text=f"{request.path_qs} {request.headers}")

    lines = told(pages(web.get("/{path:.*}", echoing)), "ws", "/?token=sekret-3")
    assert "sekret" not in "".join(lines)
