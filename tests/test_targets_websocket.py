"""Each WebSocket target keeps the target contract, as a real client sees it, plain and over TLS."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect as connect_in_a_loop
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from sockproof.shelves import shelf
from sockproof.targets import install, launch
from sockproof.targets.certificates import make_certificates
from sockproof.targets.spec import TargetMissing, TargetSpec, load_targets
from tests.waiting import SOON

# The first test of a target installs or builds it.
pytestmark = pytest.mark.timeout(install.INSTALL_SECONDS + 60)

TARGETS = {
    name: spec for name, spec in load_targets(shelf("targets")).items() if spec.kind == "websocket"
}


def prepared(name: str) -> TargetSpec:
    """The target, with what it needs; skipped where that is missing and may be missing."""
    spec = TARGETS[name]
    try:
        install.prepare(spec)
    except TargetMissing as error:
        if os.environ.get("SOCKPROOF_REQUIRE_TARGETS") == "1":
            raise
        pytest.skip(str(error))
    return spec


@pytest.fixture(scope="module", params=sorted(TARGETS))
def target(request: pytest.FixtureRequest) -> Iterator[launch.RunningTarget]:
    with launch.launch(prepared(request.param)) as running:
        yield running


def needs(target: launch.RunningTarget, capability: str) -> None:
    if capability not in (target.spec.profile.capabilities or ()):
        pytest.skip(f"{target.spec.name} does not offer {capability}")


def opened(target: launch.RunningTarget, path: str = "", **options: Any) -> ClientConnection:
    socket: ClientConnection = connect(target.url.rstrip("/") + path, max_size=None, **options)
    return socket


def test_messages_come_back(target: launch.RunningTarget) -> None:
    with opened(target, "/any/path?and=query", compression=None) as socket:
        for message in ("text ✓", b"\x00\xff octets", "", b"", "long " * 100_000):
            socket.send(message)
            assert socket.recv(timeout=SOON) == message


def test_pushes_unasked_and_echoes_then(target: launch.RunningTarget) -> None:
    needs(target, "push")
    with opened(target, "/push?count=3&size=20") as socket:
        for number in range(3):
            assert socket.recv(timeout=SOON) == number.to_bytes(8, "big").ljust(20, b"\0")
        socket.send("and then")
        assert socket.recv(timeout=SOON) == "and then"


def test_closes_with_code_and_reason(target: launch.RunningTarget) -> None:
    needs(target, "server-close")
    with opened(target, "/close?code=4321&reason=enough") as socket:
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=SOON)
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4321, "enough")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["proof.v1", "proof.v2"], "proof.v2"),
        (["proof.v1"], "proof.v1"),
        (["x-unknown", "proof.v2"], "proof.v2"),
        (None, None),
    ],
)
def test_subprotocol(
    target: launch.RunningTarget, offered: list[str] | None, chosen: str | None
) -> None:
    needs(target, "subprotocols")
    with opened(target, subprotocols=offered) as socket:
        assert socket.subprotocol == chosen


def test_compression_is_agreed_upon(target: launch.RunningTarget) -> None:
    needs(target, "permessage-deflate")
    with opened(target) as socket:
        assert socket.response is not None
        agreed = socket.response.headers.get("Sec-WebSocket-Extensions", "")
        assert "permessage-deflate" in agreed


def test_request_fields_are_told(target: launch.RunningTarget) -> None:
    needs(target, "headers")
    fields = {"X-Sockproof": "one, two", "Cookie": "a=1; b=2"}
    with opened(target, "/headers", additional_headers=fields) as socket:
        socket.send("headers")
        told = json.loads(socket.recv(timeout=SOON))
    assert {name: told[name.lower()] for name in fields} == fields


@pytest.mark.parametrize("name", [name for name, spec in sorted(TARGETS.items()) if spec.tls])
def test_speaks_tls(name: str, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    context = ssl.create_default_context(cafile=str(made.ca))

    async def echoed(url: str) -> object:
        # The client with threads uses one SSL object in two of them at a time, which OpenSSL
        # forbids: an answer was lost once, and the thread that waited for it joined for ever.
        async with connect_in_a_loop(url, ssl=context, max_size=None) as socket:
            await socket.send("secret")
            return await asyncio.wait_for(socket.recv(), SOON)

    with launch.launch(prepared(name), certificates=made) as target:
        try:
            answer = asyncio.run(echoed(target.url))
        except InvalidHandshake:  # hypercorn has been seen to end a first connection
            answer = asyncio.run(echoed(target.url))
    assert answer == "secret"
