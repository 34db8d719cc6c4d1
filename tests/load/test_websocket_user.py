"""What a user of plain WebSockets asks for when it connects, and what it says and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from tests.background import running, websockets
from tests.load.command import load

FEW = ("--users", "2", "--run-time", "3s", "--no-report")
USER = """
import msgspec
from sockproof.load.users import *

class User(WebSocketUser):
    rate = 10
    subprotocols = ("v1",)
"""


class EchoServer:
    """Echoes, asks for a sign of life in between, and notes what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str, str | None]] = []
        self.alive = 0
        self.url = ""

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        fields = connection.request.headers
        told = fields.get("X-User", ""), ", ".join(fields.get_all("Cookie"))
        self.requests.append((connection.request.path, *told, connection.subprotocol))
        await connection.send(json.dumps({"ask": "alive", "id": 5}))
        async for message in connection:
            if message == '{"alive":5}':
                self.alive += 1
            else:
                await connection.send(message)


@contextmanager
def served() -> Iterator[EchoServer]:
    """The server, in a thread of its own."""
    echo = EchoServer()
    with running(websockets(echo.handle, subprotocols=["v2", "v1"])) as port:
        echo.url = f"ws://127.0.0.1:{port}/there?key=1"
        yield echo


@pytest.mark.parametrize("client", ["lean", "reference"])
def test_each_user_has_a_request_of_its_own(client: str, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        USER
        + """
    replies = [({"ask": "alive"}, lambda asked: {"alive": asked["id"]})]

    def new_connection(self):
        self.path = f"/users/{self.number}"
        self.query = {"token": "a b&c"}
        self.headers = {"X-User": f"user {self.number}"}
        self.cookies = {"session": f"s{self.number}"}
        return super().new_connection()

    @paced
    def ask(self):
        self.tell()
"""
    )
    words = ("--header", "Cookie: theme=dark", "--client", client)
    with served() as server:
        found = load(tmp_path, str(path), server.url, *FEW, *words)
    assert sorted(server.requests) == [
        (f"/users/{n}?key=1&token=a+b%26c", f"user {n}", f"theme=dark; session=s{n}", "v1")
        for n in range(2)
    ]
    assert server.alive == 2
    counts = found.summary["counts"]
    assert counts["acknowledged"] == counts["receipts"] == counts["emitted"] > 20


@pytest.mark.parametrize("client", ["lean", "reference"])
def test_every_kind_of_message_comes_back(client: str, tmp_path: Path) -> None:
    path = tmp_path / "kinds.py"
    path.write_text(
        USER
        + """
    kinds = [
        Message.json({"text": BODY}),
        Message.text("SAY ", BODY, "\\0"),
        Message.binary(b"\\1", BINARY_BODY, b"\\2"),
        Message.coded({"text": BODY, "behind": 1}, msgspec.msgpack.encode),
        b"octets",
        "text",
    ]

    @paced
    def ask(self):
        self.tell(self.kinds[self.sequence % len(self.kinds)])
"""
    )
    with served() as server:
        found = load(tmp_path, str(path), server.url, *FEW, "--client", client)
    counts = found.summary["counts"]
    assert counts["acknowledged"] == counts["receipts"] == counts["emitted"] > 20, found.output
    assert False not in [each["verdict"] for each in found.summary["properties"].values()]


def test_several_messages_in_one_are_heard_and_one_in_it_twice_once(tmp_path: Path) -> None:
    path = tmp_path / "several.py"
    path.write_text(
        USER
        + """
    def connected(self):
        self.batch = []
        self.settled()

    @paced
    def ask(self):
        self.tell(Message.coded([BODY, ID], self.encode), ack=False)

    def encode(self, value):  # the server sends a batch of two back, the first one twice
        self.batch += [value]
        if len(self.batch) < 2:
            return "[]"
        batch, self.batch = self.batch, []
        return msgspec.json.encode([*batch, batch[0]]).decode()
"""
    )
    with served() as server:
        found = load(tmp_path, str(path), server.url, *FEW)
    counts = found.summary["counts"]
    assert counts["emitted"] > 20
    # Of an odd number the last was never sent.
    assert 0 <= counts["emitted"] - counts["receipts"] <= 2, found.output
    assert counts["duplicated"] == counts["corrupted"] == counts["reordered"] == 0
