"""A server that asks for a client certificate is shown one."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest

from sockproof.load.net.endpoint import Endpoint, EndpointError
from sockproof.load.net.websocket import WebSocketConnection
from sockproof.runs.load_records import Reason
from sockproof.targets.certificates import Certificates
from tests.load.peers import Heard, Link, Server, echo, leave


def _asking(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.chain, certificates.key)
    context.load_verify_locations(certificates.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _echo(link: Link) -> None:
    with contextlib.suppress(ssl.SSLError, ConnectionError, AssertionError):
        echo(link)


@pytest.mark.usefixtures("hub")
def test_certificate_lets_the_client_in(certificates: Certificates) -> None:
    with Server(_echo, context=_asking(certificates)) as server:
        own: dict[str, Any] = {"cert": certificates.chain, "key": certificates.key}
        endpoint = Endpoint(server.url, ca=certificates.ca, **own)
        heard = Heard(WebSocketConnection(endpoint)).until_open()
        leave(heard)
        without = Heard(WebSocketConnection(Endpoint(server.url, ca=certificates.ca))).open()
        assert without.until_closed()[0] in (Reason.TLS, Reason.RESET, Reason.BAD_HANDSHAKE)
        assert without.opened == 0


def test_certificate_that_is_of_no_use_is_one_line(
    certificates: Certificates, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    told: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("wss://127.0.0.1:1/", {"cert": tmp_path / "none.pem"}, "none.pem"),
        ("wss://127.0.0.1:1/", {"cert": empty}, "cannot read the client certificate"),
        ("wss://127.0.0.1:1/", {"cert": certificates.chain, "key": empty}, "cannot read"),
        ("ws://127.0.0.1:1/", {"cert": certificates.chain}, "is for https:// and wss://"),
    )
    for url, options, said in told:
        with pytest.raises(EndpointError, match=said) as refused:
            Endpoint(url, ca=certificates.ca, **options)
        assert "\n" not in str(refused.value)
