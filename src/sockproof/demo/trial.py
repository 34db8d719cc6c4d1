"""The chat as it is started, judged and loaded: by the same functions as any other server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sockproof.api.judge import judge
from sockproof.api.load import load
from sockproof.formats.load import Summary
from sockproof.formats.report import Report
from sockproof.formats.tables import Profile
from sockproof.targets.launch import free_port, launch
from sockproof.targets.spec import TargetSpec

FOLDER = Path(__file__).parent
USERS, SPAWN_RATE, RUN_TIME, DRAIN = 24, 12.0, 5.0, 2.0
WEBSOCKET_CASES = ("websocket/fragmentation/*", "websocket/control_frames/*")
SOCKETIO_CASES = (
    "engineio/upgrade/packet_*",
    "rooms/leaving/*",
    "rooms/membership/*",
    "rooms/transport_change/*",
)


@dataclass(frozen=True, slots=True)
class Chat:
    """The running chat."""

    socketio_url: str
    websocket_url: str

    def judge_websocket(self) -> Report:
        """Judge what devices use."""
        return judge(self.websocket_url, cases=WEBSOCKET_CASES)

    def judge_socketio(self) -> Report:
        """Judge what browsers use."""
        return judge(self.socketio_url, cases=SOCKETIO_CASES)

    def load(self) -> Summary:
        """Have visitors talk in rooms, leave and come back."""
        return load(
            FOLDER / "visitors.py",
            self.socketio_url,
            users=USERS,
            spawn_rate=SPAWN_RATE,
            run_time=RUN_TIME,
            drain=DRAIN,
        )


@contextlib.contextmanager
def chat() -> Iterator[Chat]:
    """Start the chat, and stop it in the end; raises `TargetError`."""
    devices = free_port()
    start = ("{python}", "-P", "-m", "sockproof.demo.chat", "--port", "{port}")
    spec = TargetSpec(
        name="demo",
        title="a chat server with three bugs",
        kind="application",
        folder=FOLDER,
        start=(*start, "--device-port", str(devices)),
        url="http://127.0.0.1:{port}/",
        requires=(),
        version="python-socketio",
        profile=Profile(),
    )
    with launch(spec) as running:
        yield Chat(running.url, f"ws://127.0.0.1:{devices}/")
