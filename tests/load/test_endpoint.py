"""Where connections go: URLs, names, certificates, own addresses."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from pathlib import Path

import pytest

from sockproof.load.net.endpoint import Endpoint, EndpointError, resolve, why
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.runs.load_records import Reason
from sockproof.targets.certificates import Certificates, make_certificates
from sockproof.targets.launch import free_port
from tests.load.peers import Heard, Link, Server, connected, echo, leave

pytestmark = pytest.mark.usefixtures("hub")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "does not begin with ws://"),
        ("127.0.0.1:80", "does not begin with ws://"),
        ("ftp://127.0.0.1/", "does not begin with ws://"),
        ("ws:///path", "is not a URL with a host"),
        ("ws://[::1/", "is not a URL"),
        ("ws://127.0.0.1:port/", "is not a URL"),
        ("ws://127.0.0.1:65536/", "is not a URL"),
        ("ws://127.0.0.1/?a b", "is not a URL"),
        ("ws://127.0.0.1/#part", "has a fragment"),
        ("ws://nowhere.invalid/", "the name 'nowhere.invalid' cannot be resolved"),
        ("ws://a..b/", "the name 'a..b' cannot be resolved"),
    ],
)
def test_url_of_no_use_is_one_line(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "nowhere" in url:  # not every name server says no in time

        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(EndpointError) as found:
        Endpoint(url)
    assert said in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "header",
    [
        ("X-Token", "a\r\nX-Other: b"),
        ("X-Token", "a\nb"),
        ("X\rY", "a"),
        ("X-Token", "\0"),
        ("X-Token", "日本"),
    ],
)
def test_header_that_cannot_be_sent_is_one_line(header: tuple[str, str]) -> None:
    with pytest.raises(EndpointError, match=r"the header '.*' has") as found:
        Endpoint("ws://127.0.0.1/", headers=[("X-Good", "grüße"), header])
    assert "\n" not in str(found.value)


def test_certificate_file_of_no_use_is_one_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for ca in (tmp_path / "missing.pem", empty, tmp_path):
        with pytest.raises(EndpointError, match="cannot read the certificates") as found:
            Endpoint("wss://127.0.0.1/", ca=ca)
        assert str(ca) in str(found.value)
        assert "\n" not in str(found.value)


@pytest.mark.parametrize("source", ["localhost", "127.0.0", "", "1.2.3.4:80"])
def test_source_that_is_no_address_is_one_line(source: str) -> None:
    with pytest.raises(EndpointError, match="a source must be a local IP address"):
        Endpoint("ws://127.0.0.1/", sources=["127.0.0.2", source])


def test_url_is_taken_apart() -> None:
    endpoint = Endpoint("http://user:word@127.0.0.1:8080?room=1", path="/chat/")
    assert (endpoint.host, endpoint.port, endpoint.tls) == ("127.0.0.1", 8080, False)
    assert endpoint.host_header == "127.0.0.1:8080"
    assert endpoint.target() == "/?room=1"
    assert endpoint.target("EIO=4", endpoint.socketio_path) == "/chat/?room=1&EIO=4"
    assert Endpoint("ws://127.0.0.1/own/").socketio_path == "/own/"
    assert Endpoint("ws://127.0.0.1").port == 80
    assert Endpoint("ws://127.0.0.1/grüße?a=ß").target() == "/gr%C3%BC%C3%9Fe?a=%C3%9F"
    assert Endpoint("wss://127.0.0.1").port == 443
    assert Endpoint("ws://[::1]:99/").addresses == ((socket.AF_INET6, ("::1", 99, 0, 0)),)


def test_credentials_of_the_url_are_sent_unless_there_are_others() -> None:
    sent = ("Authorization", "Basic dXNlcjp3b3Jk")
    assert Endpoint("http://user:word@127.0.0.1/").headers == (sent,)
    other = ("authorization", "Bearer x")
    assert Endpoint("http://user:word@127.0.0.1/", headers=[other]).headers == (other,)
    with pytest.raises(EndpointError) as caught:
        Endpoint("http://user:word@/?token=abc")
    assert "word" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))] * 2

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    for _ in range(3):
        endpoint = Endpoint("ws://once.example:7/")
    assert asked == ["once.example"]
    assert endpoint.addresses == ((socket.AF_INET, ("127.0.0.1", 7)),)
    resolve.cache_clear()


@pytest.mark.parametrize(
    ("number", "reason", "said"),
    [
        (errno.ECONNRESET, Reason.RESET, "reset"),
        (errno.EPIPE, Reason.RESET, "Broken pipe"),
        (errno.EADDRNOTAVAIL, Reason.SOURCE, "--source"),
        (errno.EMFILE, Reason.OWN_LIMIT, "ulimit -n"),
        (errno.ENOBUFS, Reason.OWN_LIMIT, "doing"),
        (errno.EHOSTUNREACH, Reason.UNREACHABLE, "No route"),
        (errno.ETIMEDOUT, Reason.UNREACHABLE, "timed out"),
    ],
)
def test_error_of_the_system_has_its_reason(number: int, reason: Reason, said: str) -> None:
    found, text = why(number, "doing")
    assert (found, said in text) == (reason, True), text
    assert all(each.label for each in Reason)


def test_address_that_answers_is_found_and_preferred() -> None:
    dead = free_port()
    with Server(echo) as server:
        endpoint = Endpoint(server.url)
        family = int(socket.AF_INET)
        endpoint.addresses = (
            (family, ("127.0.0.1", dead)),
            (family, ("127.0.0.1", server.port)),
        )
        for _ in range(2):
            heard = Heard(WebSocketConnection(endpoint)).until_open()
            assert endpoint.preferred == 1
            leave(heard)
        endpoint.addresses = ((family, ("127.0.0.1", dead)),) * 2
        heard = Heard(WebSocketConnection(endpoint)).open()
        assert heard.until_closed()[0] == Reason.REFUSED


# Own addresses.


def test_own_addresses_are_taken_in_turn() -> None:
    with Server(echo) as server:
        endpoint = Endpoint(server.url, sources=["127.0.0.2", "127.0.0.3"])
        for _ in range(4):
            leave(Heard(WebSocketConnection(endpoint)).until_open())
        found = [link.address for link in server.links]
    assert found == ["127.0.0.2", "127.0.0.3"] * 2


def test_own_addresses_choose_among_those_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EndpointError, match=r"the sources are IPv6, but 127\.0\.0\.1 has no"):
        Endpoint("ws://127.0.0.1:7/", sources=["::1"])
    families = (socket.AF_INET6, ("::1", 7, 0, 0)), (socket.AF_INET, ("127.0.0.1", 7))
    found = [(family, socket.SOCK_STREAM, 6, "", address) for family, address in families]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    for source, wanted in (("127.0.0.2", families[1]), ("::1", families[0])):
        endpoint = Endpoint("ws://both.example:7/", sources=[source])
        assert endpoint.addresses == (wanted,)
    resolve.cache_clear()


def test_address_that_is_not_ours_is_no_source() -> None:
    with Server(echo) as server:
        endpoint = Endpoint(server.url, sources=["192.0.2.1"])
        heard = Heard(WebSocketConnection(endpoint)).open()
        reason, text = heard.until_closed()
    assert reason == Reason.SOURCE
    assert "going out from 192.0.2.1" in text


# TLS.


def tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    return context


def test_certificate_is_checked_against_the_given_authority(certificates: Certificates) -> None:
    with Server(echo, context=tls(certificates)) as server:
        heard = connected(server, ca=certificates.ca)
        assert heard.connection.send_text("sécret".encode())
        assert heard.connection.send_binary(bytes(300_000))  # more than a record
        assert heard.until_messages(2) == [("sécret".encode(), False), (bytes(300_000), True)]
        leave(heard)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["untrusted", "wrong-name"])
def test_certificate_that_does_not_fit_is_refused_unless_insecure(
    elsewhere: bool, certificates: Certificates, tmp_path: Path
) -> None:
    if elsewhere:
        certificates = make_certificates(tmp_path, ("elsewhere.example",))
    ca = certificates.ca if elsewhere else None
    with Server(echo, context=tls(certificates)) as server:
        heard = Heard(WebSocketConnection(Endpoint(server.url, ca=ca))).open()
        reason, text = heard.until_closed()
        assert reason == Reason.TLS
        assert "the certificate is not accepted" in text
        assert "--insecure" in text
        assert ("mismatch" in text) == elsewhere
        leave(connected(server, ca=ca, insecure=True))


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x15\x03\x01\0\2\2\x28"]
)
def test_server_without_tls_is_a_tls_failure(answer: bytes) -> None:
    def script(link: Link) -> None:
        link.receive()
        link.send(answer)

    with Server(script) as server:
        heard = Heard(WebSocketConnection(Endpoint(f"wss://127.0.0.1:{server.port}/"))).open()
        reason, text = heard.until_closed()
    assert reason in (Reason.TLS, Reason.RESET), text


@pytest.mark.parametrize("politely", [False, True])
def test_tls_stream_that_ends_without_a_close_frame_is_dropped(
    politely: bool, certificates: Certificates
) -> None:
    def script(link: Link) -> None:
        link.shake()
        link.say("last")
        if politely:
            assert isinstance(link.socket, ssl.SSLSocket)
            with contextlib.suppress(OSError):
                link.socket.unwrap()
        else:
            link.socket.shutdown(socket.SHUT_RDWR)

    with Server(script, context=tls(certificates)) as server:
        heard = connected(server, ca=certificates.ca)
        assert heard.until_closed()[0] == Reason.SERVER_DROPPED
    assert heard.messages == [(b"last", False)]
