"""Connections through real proxies, and through hostile ones."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator

import pytest

from sockproof.load.net.endpoint import Endpoint, EndpointError
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.load.socketio.connection import SocketIOConnection
from sockproof.runs.load_records import Reason
from sockproof.targets.certificates import Certificates
from sockproof.targets.launch import free_port
from sockproof.wire.proxy import Proxy
from tests.load.peers import Heard, Link, Server, echo, leave
from tests.load.proxies import Proxies, proxies
from tests.load.test_endpoint import tls
from tests.waiting import EXPIRES

SCHEMES = ("http", "https", "socks5", "socks5h")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Proxies]:
    with proxies(tmp_path_factory.mktemp("proxies"), certificates) as found:
        yield found


def _echo(link: Link) -> None:
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        echo(link)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("secure", [False, True])
def test_messages_pass_through(
    scheme: str, secure: bool, real: Proxies, certificates: Certificates
) -> None:
    context = tls(certificates) if secure else None
    with Server(_echo, context=context) as server:
        url = server.url.replace("127.0.0.1", "localhost") if scheme == "socks5h" else server.url
        endpoint = Endpoint(url, ca=certificates.ca, proxy=Proxy.parse(real.url(scheme)))
        heard = Heard(WebSocketConnection(endpoint)).until_open()
        text = b"x" * 300_000
        heard.connection.send_text(b"hello")
        heard.connection.send_text(text)
        assert heard.until_messages(2) == [(b"hello", False), (text, False)]
        assert server.links[0].address == real.address(scheme)
        leave(heard)
        direct = Heard(WebSocketConnection(endpoint.through(""))).until_open()
        assert server.links[1].address == "127.0.0.1"
        leave(direct)


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(
    ("scheme", "login", "reason", "said"),
    [
        ("http", "", Reason.PROXY, "the proxy answered 407 .*USER:PASSWORD"),
        ("http", "somebody:wrong@", Reason.PROXY, "the proxy answered 40[17] "),
        ("socks5", "", Reason.PROXY, "accepts no login that is offered .*USER:PASSWORD"),
        ("socks5", "somebody:wrong@", Reason.PROXY, "refuses the login .to the user and password"),
        ("http", None, Reason.PROXY, "the proxy answered 500 Unable to connect"),
        ("socks5", None, Reason.UNREACHABLE, "cannot reach the server: connection refused"),
    ],
)
def test_refusals_of_real_proxies(
    scheme: str, login: str | None, reason: Reason, said: str, real: Proxies
) -> None:
    url = real.url(scheme) if login is None else real.url(scheme, login)
    endpoint = Endpoint(f"ws://127.0.0.1:{free_port()}/", proxy=Proxy.parse(url))
    found = Heard(WebSocketConnection(endpoint)).open().until_closed()
    assert found[0] == reason, found
    assert re.search(said, found[1]), found


def _flood(link: Link) -> None:
    with contextlib.suppress(OSError):
        link.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            link.send(b"X: " + b"a" * 60_000)


def _hang(link: Link) -> None:
    link.until_gone()


def _trickle(link: Link) -> None:
    """An answer that never ends, an octet at a time: each one is in time, the whole is not."""
    with contextlib.suppress(OSError):
        while True:
            link.send(b"a")
            link.socket.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                if not link.socket.recv(100):
                    return


HOSTILE = {
    "flood": (_flood, Reason.PROXY, "cannot be read: the head is longer than"),
    "hang": (_hang, Reason.CONNECT_TIMEOUT, "the proxy did not connect within 2 s .through"),
    "trickle": (_trickle, Reason.CONNECT_TIMEOUT, "the proxy did not connect within 2 s"),
    "close": (lambda link: link.receive(), Reason.PROXY, "ended the stream instead of answering"),
    "reset": (Link.reset, Reason.PROXY, "the proxy|proxy answers|Connection reset"),
    "garbage": (
        lambda link: link.send(b"\0\1garbage\r\n\r\n"),
        *(Reason.PROXY, "cannot be read: not an HTTP"),
    ),
}


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("polls", [False, True])
def test_hostile_proxy_is_one_line(kind: str, polls: bool) -> None:
    script, reason, said = HOSTILE[kind]
    with Server(script) as server:
        proxy = Proxy.parse(f"http://user:secret@127.0.0.1:{server.port}")
        limit = EXPIRES if reason == Reason.CONNECT_TIMEOUT else 30.0
        endpoint = Endpoint("http://127.0.0.1:9/", proxy=proxy, connect_limit=limit)
        connection = (
            SocketIOConnection(endpoint, transport="polling")
            if polls
            else WebSocketConnection(endpoint)
        )
        found = Heard(connection).open().until_closed()
    assert found[0] == reason, found
    assert re.search(said, found[1]), found
    assert "secret" not in found[1]


@pytest.mark.usefixtures("hub")
def test_proxy_that_is_not_there_and_certificates_that_are_not_trusted(
    real: Proxies, certificates: Certificates
) -> None:
    with Server(lambda link: link.send(b"HTTP/1.1 400 What\r\n\r\n")) as plain:
        for url, said in (
            (f"http://127.0.0.1:{free_port()}", "connecting to the proxy, 127.0.0.1 port"),
            (real.url("https"), "to the proxy: the certificate is not accepted"),
            (f"https://127.0.0.1:{plain.port}", "to the proxy: TLS"),
        ):
            endpoint = Endpoint("ws://127.0.0.1:9/", proxy=Proxy.parse(url))
            found = Heard(WebSocketConnection(endpoint)).open().until_closed()
            assert found[0] == Reason.PROXY, found
            assert said in found[1]


def test_proxy_that_cannot_be_told_the_target_is_said_before() -> None:
    with pytest.raises(EndpointError, match="SOCKS 4 needs IPv4"):
        Endpoint("ws://[::1]:9/", proxy=Proxy.parse("socks4://127.0.0.1"))
    with pytest.raises(EndpointError, match="cannot be resolved"):
        Endpoint("ws://no.invalid/", proxy=Proxy.parse("socks5://127.0.0.1"))
    Endpoint("ws://no.invalid/", proxy=Proxy.parse("socks5h://127.0.0.1"))
